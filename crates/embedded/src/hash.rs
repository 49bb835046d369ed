//! Short names for long paths.

use std::{os::unix::ffi::OsStrExt, path::Path};

/// Sixteen hexadecimal digits that stand for a path: FNV-1a, because the standard library's hasher may change between
/// releases, and the name must be found again.
pub(crate) fn short_name(path: &Path) -> String {
    let hash =
        path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_never_changes() {
        // The published test vectors of FNV-1a, 64 bits.
        assert_eq!(short_name(Path::new("")), "cbf29ce484222325");
        assert_eq!(short_name(Path::new("foobar")), "85944171f73967e8");
    }
}

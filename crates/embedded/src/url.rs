//! Connection URLs for a unix socket.

use std::{fmt::Write, os::unix::ffi::OsStrExt, path::Path};

use crate::settings::SUPERUSER;

/// The URL of a database behind the socket in `socket_dir`. The folder stands where a host would, percent-encoded
/// (PostgreSQL manual, 34.1.1.2 "Connection URIs").
pub(crate) fn socket_url(socket_dir: &Path, database: &str) -> String {
    format!("postgresql://{SUPERUSER}@{}/{}", encode(socket_dir.as_os_str().as_bytes()), encode(database.as_bytes()))
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_character_is_encoded() {
        assert_eq!(
            socket_url(Path::new("/a b/ü'%@:?"), "x/y"),
            "postgresql://bwp@%2Fa%20b%2F%C3%BC%27%25%40%3A%3F/x%2Fy"
        );
    }
}

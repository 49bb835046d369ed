//! Writing rows.

/// The media type of such a file.
pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8";

/// Adds a row to a file.
pub fn row<T: AsRef<str>>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = T>) {
    let mut count = 0;
    let mut empty = true;
    for cell in cells {
        if count > 0 {
            out.push(b',');
        }
        count += 1;
        let cell = cell.as_ref();
        empty &= cell.is_empty();
        if cell.contains(['"', ',', '\r', '\n']) {
            out.push(b'"');
            for (n, part) in cell.split('"').enumerate() {
                if n > 0 {
                    out.extend_from_slice(b"\"\"");
                }
                out.extend_from_slice(part.as_bytes());
            }
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    // One empty cell is not an empty line.
    if count == 1 && empty {
        out.extend_from_slice(b"\"\"");
    }
    out.extend_from_slice(b"\r\n");
}

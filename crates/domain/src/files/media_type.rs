//! What kind of data a file holds.

use std::fmt;

/// How many bytes of a file tell what it holds.
pub const SAMPLE: usize = 8 * 1024;

/// A media type (RFC 6838), such as `application/pdf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType(String);

impl MediaType {
    /// What is known of no type.
    const ANY: &'static str = "application/octet-stream";

    /// What a browser shows by itself and runs nothing of: PDF, and images that are no programs. No SVG: it may hold scripts.
    const INLINE: [&'static str; 6] =
        ["application/pdf", "image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"];

    /// The type of a file whose first bytes are `sample`, by which most are known.
    ///
    /// Text has no such mark: there the end of the name decides. A name never makes a file one of a type whose mark its bytes lack;
    /// and what the client called it counts for nothing.
    pub fn of(sample: &[u8], name: &str) -> Self {
        let by_name = mime_guess::from_path(name).first_raw();
        let found = match infer::get(sample).map(|found| found.mime_type()) {
            // Office files of these kinds are archives: what they are beside that is seen by their names alone.
            Some(archive @ ("application/zip" | "application/x-ole-storage")) => by_name
                .filter(|name| name.starts_with("application/vnd.") || *name == "application/msword")
                .unwrap_or(archive),
            Some(found) => found,
            None => by_name.filter(|name| !infer::is_mime_supported(name)).unwrap_or(Self::ANY),
        };
        Self(found.to_owned())
    }

    /// A type as it was stored.
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The type as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a browser may show such a file in a page of ours: nothing in it runs.
    pub fn is_safe_inline(&self) -> bool {
        Self::INLINE.contains(&self.as_str())
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_and_names_only_where_bytes_cannot() {
        for (sample, name, expected, inline) in [
            (&b"%PDF-1.7\n"[..], "plan.pdf", "application/pdf", true),
            (b"%PDF-1.7\n", "plan.html", "application/pdf", true),
            (b"\x89PNG\r\n\x1a\n", "photo", "image/png", true),
            (b"\xff\xd8\xff\xe0", "photo.png", "image/jpeg", true),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>", "a.svg", "image/svg+xml", false),
            (b"<?xml version=\"1.0\"?><svg/>", "a.png", "text/xml", false),
            (b"<html><script>1</script>", "a.png", "text/html", false),
            (b"<!DOCTYPE html>", "a.pdf", "text/html", false),
            // No image, and no PDF, whatever it is called.
            (b"just text", "a.png", "application/octet-stream", false),
            (b"just text", "a.pdf", "application/octet-stream", false),
            (b"a;b\n1;2\n", "costs.csv", "text/csv", false),
            (b"just text", "notes.txt", "text/plain", false),
            (
                b"PK\x03\x04rest",
                "estimate.xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                false,
            ),
            (b"PK\x03\x04rest", "a.png", "application/zip", false),
            (b"", "", "application/octet-stream", false),
            (b"\0\0\0\0", "what.is.this", "application/octet-stream", false),
        ] {
            let found = MediaType::of(sample, name);
            assert_eq!((found.as_str(), found.is_safe_inline()), (expected, inline), "{name}");
        }
    }
}

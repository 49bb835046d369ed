//! Text from outside, kept as far as it fits.

use std::fmt;

/// A text that can be stored whatever a client sent: Unicode without NUL, of a bounded length. What cannot be kept is
/// left out or replaced, and nothing is refused: a record of a strange request is worth more than none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// As many of the first characters of `bytes` as take no more than `max_bytes`. What is not UTF-8, and NUL, which
    /// PostgreSQL cannot store, become U+FFFD.
    ///
    /// In bytes, since it is disk that is bounded: a character takes up to four, and one that replaces a byte takes three.
    pub fn of(bytes: &[u8], max_bytes: usize) -> Self {
        match std::str::from_utf8(bytes) {
            // Nearly every text.
            Ok(text) if text.len() <= max_bytes && !text.contains('\0') => Self(text.into()),
            Ok(text) => Self::cut(text, max_bytes),
            Err(_) => Self::cut(&String::from_utf8_lossy(bytes), max_bytes),
        }
    }

    fn cut(text: &str, max_bytes: usize) -> Self {
        let mut kept = String::new();
        for c in text.chars() {
            let c = if c == '\0' { char::REPLACEMENT_CHARACTER } else { c };
            if kept.len() + c.len_utf8() > max_bytes {
                break;
            }
            kept.push(c);
        }
        Self(kept.into_boxed_str())
    }
}

impl std::ops::Deref for Excerpt {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_is_kept_as_it_is() {
        assert_eq!(&*Excerpt::of(b"curl/8.5", 512), "curl/8.5");
        assert_eq!(&*Excerpt::of("Söhne".as_bytes(), 6), "Söhne");
        assert_eq!(&*Excerpt::of(b"", 5), "");
    }

    #[test]
    fn what_does_not_is_cut_or_replaced() {
        assert_eq!(&*Excerpt::of("äöü".as_bytes(), 5), "äö", "no half of a character");
        assert_eq!(&*Excerpt::of(b"\xff\xff\xff", 7), "\u{fffd}\u{fffd}", "by what is kept, not by what was sent");
        assert_eq!(&*Excerpt::of(b"a\0b\xffc", 512), "a\u{fffd}b\u{fffd}c");
    }

    proptest! {
        #[test]
        fn any_bytes_become_a_text_that_can_be_stored(bytes: Vec<u8>, max in 0_usize..20) {
            let text = Excerpt::of(&bytes, max);
            prop_assert!(text.len() <= max && !text.contains('\0'));
        }
    }
}

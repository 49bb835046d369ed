//! The `Idempotency-Key` header's value.

/// A key of 1 to 255 visible characters, chosen by the client, unique within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// A text that is no idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters, such as those of a UUID, and no spaces")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The most characters a key has.
    pub const MAX_CHARS: usize = 255;

    /// `text` as a key.
    pub fn parse(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let valid = (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_visible_text_up_to_255_characters() {
        for good in ["a", "co-import-2026-04-R-001", "9f1c…".trim_end_matches('…'), &"x".repeat(255)] {
            assert!(IdempotencyKey::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "a\tb", "é", &"x".repeat(256)] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad}");
        }
    }
}

//! The text of a key, and what is kept of it.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::entropy::Entropy;

/// Live or test. Both behave alike; the prefix is reserved for a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyMode {
    /// `bwp_live_…`
    Live,
    /// `bwp_test_…`
    Test,
}

impl KeyMode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Live, Self::Test];

    /// What keys of this mode start with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "bwp_live_",
            Self::Test => "bwp_test_",
        }
    }

    /// The mode as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// The mode of a key that starts like this.
    pub(super) fn of(key: &str) -> Self {
        if key.starts_with(Self::Test.prefix()) { Self::Test } else { Self::Live }
    }
}

const RANDOM_BYTES: usize = 32;
const BODY_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
const SHOWN_OF_BODY: usize = 4;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A whole key: the prefix, 32 random bytes in base62, and a checksum of both in base62.
///
/// It is shown once, when it is made. The checksum (CRC-32, IEEE 802.3) lets rubbish be refused with no look-up, and
/// lets scanners of source code recognise a key. `Debug` shows the prefix alone, and there is no `Display`: showing a
/// key takes a call of [`expose`](Self::expose).
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

/// A text that is no key. It does not say what is wrong with it, and does not keep the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct MalformedKey;

/// The SHA-256 of a whole key: all that is stored. A key has 256 random bits, so a fast hash is enough.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeySecret {
    /// A new key.
    pub fn generate(mode: KeyMode, entropy: &dyn Entropy) -> Self {
        Self(generate(mode.prefix(), entropy))
    }

    /// Reads a key as a client sends it.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let well_formed = KeyMode::ALL.iter().any(|mode| is_well_formed(mode.prefix(), text));
        if well_formed { Ok(Self(text.to_owned())) } else { Err(MalformedKey) }
    }

    /// The key itself, to be shown to the one who made it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The part by which people recognise the key: too short to help a guess.
    pub fn display_prefix(&self) -> &str {
        let end = KeyMode::Live.prefix().len() + SHOWN_OF_BODY;
        self.0.get(..end).unwrap_or_default()
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySecret({}…)", self.display_prefix())
    }
}

impl KeyHash {
    /// A hash as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// The prefix, 32 random bytes in base62, and a checksum of both in base62.
pub(crate) fn generate(prefix: &str, entropy: &dyn Entropy) -> String {
    let mut random = [0; RANDOM_BYTES];
    entropy.fill(&mut random);
    let mut text = String::with_capacity(prefix.len() + BODY_LENGTH + CHECKSUM_LENGTH);
    text.push_str(prefix);
    push_base62(&mut text, &random, BODY_LENGTH);
    let checksum = crc32fast::hash(text.as_bytes());
    push_base62(&mut text, &checksum.to_be_bytes(), CHECKSUM_LENGTH);
    text
}

/// Whether [`generate`] may have made this text with this prefix.
pub(crate) fn is_well_formed(prefix: &str, text: &str) -> bool {
    let fits = text.strip_prefix(prefix).is_some_and(|body| {
        body.len() == BODY_LENGTH + CHECKSUM_LENGTH && body.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if !fits {
        return false;
    }
    let (signed, checksum) = text.split_at(text.len() - CHECKSUM_LENGTH);
    let mut expected = String::with_capacity(CHECKSUM_LENGTH);
    push_base62(&mut expected, &crc32fast::hash(signed.as_bytes()).to_be_bytes(), CHECKSUM_LENGTH);
    expected == checksum
}

/// Appends the big-endian number `bytes` in base62, with leading zeros up to `length` digits.
fn push_base62(text: &mut String, bytes: &[u8], length: usize) {
    let mut number = bytes.to_vec();
    let mut digits = vec![0; length];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let value = remainder << 8 | u32::from(*byte);
            // The remainder before was below 62, so the quotient is below 256.
            *byte = ((value / 62) & 0xFF) as u8;
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder as usize];
    }
    text.extend(digits.into_iter().map(char::from));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn key(byte: u8) -> KeySecret {
        KeySecret::generate(KeyMode::Live, &Fixed(byte))
    }

    #[test]
    fn has_a_prefix_43_digits_and_6_of_checksum() {
        for byte in [0, 1, 255] {
            let key = key(byte);
            assert_eq!(key.expose().len(), 9 + 43 + 6);
            assert_eq!(KeySecret::parse(key.expose()), Ok(key));
        }
        assert!(key(0).expose().starts_with(&format!("bwp_live_{}", "0".repeat(43))));
        assert!(KeySecret::generate(KeyMode::Test, &Fixed(7)).expose().starts_with("bwp_test_"));
    }

    #[test]
    fn the_largest_number_fits_in_43_digits() {
        let mut text = String::new();
        push_base62(&mut text, &[255; 32], 44);
        assert!(text.starts_with('0'), "{text}");
    }

    #[test]
    fn debug_shows_the_prefix_alone() {
        let key = key(9);
        assert_eq!(format!("{key:?}"), format!("KeySecret({}…)", &key.expose()[..13]));
        assert_eq!(format!("{:?}", key.hash()), "KeyHash(…)");
    }

    proptest! {
        #[test]
        fn one_changed_character_is_noticed(byte: u8, at in 0_usize..58, by in 1_u8..62) {
            let key = key(byte);
            let mut changed = key.expose().as_bytes().to_vec();
            changed[at] = match ALPHABET.iter().position(|c| *c == changed[at]) {
                Some(digit) => ALPHABET[(digit + usize::from(by)) % 62],
                None => b'x',
            };
            let changed = String::from_utf8(changed).expect("ASCII");
            prop_assert_eq!(KeySecret::parse(&changed), Err(MalformedKey));
        }

        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let _ = KeySecret::parse(&text);
            prop_assert_eq!(KeySecret::parse(&format!("bwp_live_{text}")), Err(MalformedKey));
        }
    }
}

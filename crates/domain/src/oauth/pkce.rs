//! Proof Key for Code Exchange (RFC 7636): `S256` alone, for every client.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// A text that is no challenge and no verifier: 43 to 128 characters of `A-Z a-z 0-9 - . _ ~`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("43 to 128 characters of `A-Z a-z 0-9 - . _ ~` are expected")]
pub struct MalformedChallenge;

/// What a client commits to when it asks for a code: the SHA-256 of its verifier, in base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

/// What a client proves with that it is the one who asked for a code.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier(String);

fn is_unreserved(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

impl Challenge {
    /// Reads a challenge as it is sent or stored.
    pub fn parse(text: String) -> Result<Self, MalformedChallenge> {
        if is_unreserved(&text) { Ok(Self(text)) } else { Err(MalformedChallenge) }
    }

    /// The challenge as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it was made of this verifier.
    pub fn is_of(&self, verifier: &Verifier) -> bool {
        // What is compared is no secret: whoever sees the request sees the challenge.
        URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.0.as_bytes())) == self.0
    }
}

impl Verifier {
    /// Reads a verifier as a client sends it.
    pub fn parse(text: &str) -> Result<Self, MalformedChallenge> {
        if is_unreserved(text) { Ok(Self(text.to_owned())) } else { Err(MalformedChallenge) }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn a_challenge_is_the_hash_of_its_verifier() {
        let challenge =
            Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()).expect("well-formed");
        let verifier = Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").expect("well-formed");
        assert!(challenge.is_of(&verifier));
        let plain = Challenge::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned()).expect("well-formed");
        assert!(!plain.is_of(&verifier), "a challenge that is its own verifier proves nothing");
        assert_eq!(format!("{verifier:?}"), "Verifier(…)");
    }

    #[test]
    fn lengths_and_characters_are_those_of_the_rfc() {
        for (text, good) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("~".repeat(128), true),
            ("a".repeat(129), false),
            (format!("{}+", "a".repeat(43)), false),
            (format!("{}é", "a".repeat(43)), false),
        ] {
            assert_eq!(Challenge::parse(text.clone()).is_ok(), good, "{text}");
            assert_eq!(Verifier::parse(&text).is_ok(), good, "{text}");
        }
    }
}

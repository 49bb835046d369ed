//! Passwords, and what is kept of them.

use std::fmt;

use argon2::{Argon2, PasswordHasher as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{entropy::Entropy, fields::Fault};

/// A password as a person chose it: 12 to 1,024 bytes. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// An Argon2id hash of a password, in the PHC string format, with its salt and cost.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

const SALT_BYTES: usize = 16;
const GENERATED_BYTES: usize = 18;

impl Password {
    /// The fewest bytes. Length is what keeps guesses out; no kinds of character are asked for (NIST SP 800-63B).
    pub const MIN_BYTES: usize = 12;
    /// The most bytes: hashing costs time for each.
    pub const MAX_BYTES: usize = 1024;

    /// `password`, or the fault with it.
    pub fn parse(password: String) -> Result<Self, Fault> {
        if (Self::MIN_BYTES..=Self::MAX_BYTES).contains(&password.len()) {
            Ok(Self(password))
        } else {
            Err(Fault::new("invalid_length", "A password has 12 to 1,024 bytes."))
        }
    }

    /// A new password of 24 characters, for someone to change.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut random = [0; GENERATED_BYTES];
        entropy.fill(&mut random);
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// The password itself, to be shown to the one it was made for.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it. Takes some tens of milliseconds and 19 MiB, on purpose.
    ///
    /// # Errors
    /// With a text for the log, if the hash cannot be made.
    pub fn hash(&self, entropy: &dyn Entropy) -> Result<PasswordHash, String> {
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let hash = Argon2::default().hash_password_with_salt(self.0.as_bytes(), &salt);
        hash.map(|hash| PasswordHash(hash.to_string())).map_err(|error| error.to_string())
    }
}

impl PasswordHash {
    /// A hash as it was stored.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The hash as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn hashes_with_argon2id_and_shows_nothing() {
        let password = Password::parse("correct horse battery".to_owned()).expect("long enough");
        let hash = password.hash(&Zeros).expect("a hash");
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_eq!(format!("{password:?} {hash:?}"), "Password(…) PasswordHash(…)");
    }

    #[test]
    fn refuses_too_short_and_too_long() {
        assert!(Password::parse("x".repeat(11)).is_err());
        assert!(Password::parse("x".repeat(1025)).is_err());
    }
}

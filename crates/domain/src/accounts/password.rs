//! Passwords, and what is kept of them.

use std::fmt;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::common_passwords;
use crate::{entropy::Entropy, fields::Fault, text::Email};

/// A password as a person chose it: at least 12 characters, and at most 1,024 bytes, in Unicode's normal form C. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// What somebody typed as their password, to be compared: any text. `Debug` shows nothing of it.
///
/// One keyboard sends `é` as one character, another as `e` with an accent behind it: both are taken in Unicode's normal form C (NIST
/// SP 800-63B, section 5.1.1.2).
#[derive(Clone)]
pub struct TypedPassword {
    text: String,
    /// As it was typed, if that is another text. Hashes from before passwords were normalised are of it.
    raw: Option<String>,
}

/// An Argon2id hash of a password, in the PHC string format, with its salt and cost.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// What the passwords of unknown people are compared with, at the cost of a real one.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const SALT_BYTES: usize = 16;
const GENERATED_BYTES: usize = 18;

impl Password {
    /// The fewest characters: a code point of Unicode counts as one. Length is what keeps guesses out; no kinds of character are
    /// asked for (NIST SP 800-63B).
    pub const MIN_CHARS: usize = 12;
    /// The most bytes: hashing costs time for each.
    pub const MAX_BYTES: usize = 1024;

    /// The password that somebody with this address wants to have, or the fault with it (NIST SP 800-63B, section 5.1.1.2:
    /// a length, and a list of what is guessed first).
    pub fn parse(password: String, email: &Email) -> Result<Self, Fault> {
        if password.chars().count() < Self::MIN_CHARS {
            return Err(Fault::new("invalid_length", "A password has 12 characters or more."));
        }
        if password.len() > Self::MAX_BYTES {
            return Err(Fault::new(
                "invalid_length",
                "A password has at most 1,024 bytes: as many letters from a to z.",
            ));
        }
        if password.trim().to_lowercase() == email.folded() {
            return Err(Fault::new("invalid_value", "A password is not the e-mail address. Choose another one."));
        }
        if common_passwords::is_common(&password) {
            return Err(Fault::new(
                "invalid_value",
                "This password is among the first that are guessed. Choose another one.",
            ));
        }
        Ok(Self(password))
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

impl TypedPassword {
    /// What somebody typed.
    pub fn new(text: String) -> Self {
        if is_nfc(&text) {
            return Self { text, raw: None };
        }
        Self { text: text.nfc().collect(), raw: Some(text) }
    }

    /// Whether it is longer than any password: it is nobody's, and not worth hashing.
    pub const fn is_too_long(&self) -> bool {
        self.text.len() > Password::MAX_BYTES
    }

    /// Whether this is the password that `hash` was made of; without one it is not, and that takes just as long. Takes some
    /// tens of milliseconds and 19 MiB, on purpose; twice as long for a wrong one that was not typed in normal form C.
    pub fn matches(&self, hash: Option<&PasswordHash>) -> bool {
        let compared = hash.map_or(NOBODYS, PasswordHash::as_str);
        let is = |text: &String| Argon2::default().verify_password(text.as_bytes(), compared).is_ok();
        let same = is(&self.text) || self.raw.as_ref().is_some_and(is);
        same && hash.is_some()
    }

    /// What was typed, to be kept as the password of who has this address from now on.
    pub fn choose(self, email: &Email) -> Result<Password, Fault> {
        Password::parse(self.text, email)
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

impl fmt::Debug for TypedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedPassword(…)")
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

    fn email() -> Email {
        Email::parse("long.address@example.com".to_owned()).expect("an address")
    }

    fn parse(text: &str) -> Result<Password, &'static str> {
        Password::parse(text.to_owned(), &email()).map_err(|fault| fault.code)
    }

    #[test]
    fn hashes_with_argon2id_and_shows_nothing() {
        let password = parse("correct horse battery").expect("long enough");
        let hash = password.hash(&Zeros).expect("a hash");
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        let typed = TypedPassword::new("correct horse battery".to_owned());
        assert_eq!(format!("{password:?} {typed:?} {hash:?}"), "Password(…) TypedPassword(…) PasswordHash(…)");
    }

    #[test]
    fn matches_the_hash_of_itself_alone() {
        let hash = parse("correct horse battery").expect("long enough").hash(&Zeros).expect("a hash");
        let matches = |text: &str, hash| TypedPassword::new(text.to_owned()).matches(hash);
        assert!(matches("correct horse battery", Some(&hash)));
        for wrong in ["", "correct horse", "correct horse battery ", "Correct horse battery", &"x".repeat(100_000)] {
            assert!(!matches(wrong, Some(&hash)), "{wrong:.20}");
        }
        assert!(!matches("correct horse battery", None));
        assert!(!matches("correct horse battery", Some(&PasswordHash::from_stored("rubbish".to_owned()))));
    }

    #[test]
    fn a_password_is_the_same_however_a_keyboard_composes_it() {
        let (composed, decomposed) = ("caf\u{e9} au lait \u{f6}", "cafe\u{301} au lait o\u{308}");
        let matches = |text: &str, hash: &PasswordHash| TypedPassword::new(text.to_owned()).matches(Some(hash));
        for chosen in [composed, decomposed] {
            let chosen = TypedPassword::new(chosen.to_owned()).choose(&email()).expect("long enough");
            let hash = chosen.hash(&Zeros).expect("a hash");
            assert!(matches(composed, &hash) && matches(decomposed, &hash));
            assert!(!matches("cafe au lait o", &hash));
        }
        // One from before is of what was typed then.
        let older = parse(decomposed).expect("long enough").hash(&Zeros).expect("a hash");
        assert!(matches(decomposed, &older) && !matches(composed, &older));
        // Its length is that of what is kept.
        let long = "e\u{301}".repeat(400);
        assert!(!TypedPassword::new(long.clone()).is_too_long());
        assert!(TypedPassword::new(long).choose(&email()).is_err_and(|fault| fault.code == "invalid_value"));
        assert!(TypedPassword::new("\u{958}".repeat(300)).is_too_long());
    }

    /// An unknown account must cost what a known one does: the same algorithm, version, parameters and lengths.
    #[test]
    fn nobodys_hash_costs_what_a_real_one_does() {
        let real = parse("correct horse battery").expect("long enough").hash(&Zeros).expect("a hash");
        let shape = |hash: &str| {
            let parts: Vec<_> = hash.split('$').map(str::to_owned).collect();
            (parts[..4].to_vec(), parts[4].len(), parts[5].len(), parts.len())
        };
        assert_eq!(shape(NOBODYS), shape(real.as_str()));
        let parsed = Argon2::default().verify_password(b"x", NOBODYS).expect_err("no password has this hash");
        assert_eq!(parsed, argon2::password_hash::Error::PasswordInvalid, "it is compared, not refused");
    }

    #[test]
    fn refuses_too_short_and_too_long() {
        assert_eq!(parse(&"ab".repeat(5)), Err("invalid_length"));
        assert_eq!(parse("elevenbytes"), Err("invalid_length"));
        // 12 bytes and more, in fewer characters.
        for short in ["пароль", "日本語の合言葉", "ééééééééééé", "🐎🔋📎🐎🔋📎"] {
            assert_eq!(parse(short), Err("invalid_length"), "{short}");
        }
        assert!(parse("лошадь батарея").is_ok());
        assert_eq!(parse(&"xyzu".repeat(257)), Err("invalid_length"));
        assert!(parse(&"wxyz".repeat(256)).is_ok());
    }

    #[test]
    fn refuses_the_address_and_what_is_guessed_first() {
        for bad in [
            "long.address@example.com",
            "LONG.address@example.com ",
            "123456789012",
            "PasswordPassword",
            "aaaaaaaaaaaa",
        ] {
            assert_eq!(parse(bad), Err("invalid_value"), "{bad}");
        }
        assert!(parse("long.address@example.org").is_ok());
    }

    #[test]
    fn a_generated_one_could_have_been_chosen() {
        struct Counting;
        impl Entropy for Counting {
            fn fill(&self, bytes: &mut [u8]) {
                for (n, byte) in bytes.iter_mut().enumerate() {
                    *byte = u8::try_from(n * 13).unwrap_or_default();
                }
            }
        }
        assert!(parse(Password::generate(&Counting).expose()).is_ok());
    }
}

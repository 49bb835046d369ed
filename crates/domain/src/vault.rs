//! Keeping what must be read again and must not lie open: secrets that sign, and answers that show one.
//!
//! What is kept is encrypted and authenticated (AES-256-GCM) under a key that is not in the database: who gets hold of a backup has
//! no secrets. Each sealed text says which key opens it, so that a key can be replaced while texts of the one before are around.

use std::fmt::{self, Write as _};

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use sha2::{Digest, Sha256};

use crate::entropy::Entropy;

/// A key of a [`Vault`]. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct VaultKey([u8; VaultKey::BYTES]);

/// The keys in use: the first seals, all open. Without one nothing is sealed.
#[derive(Clone, Debug)]
pub struct Vault {
    keys: Vec<VaultKey>,
}

/// A sealed text that none of the keys opens, or that is for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed with another key, or changed")]
pub struct Unopenable;

/// How many bytes name a key.
const NAME: usize = 4;

impl VaultKey {
    /// How long a key is.
    pub const BYTES: usize = 32;

    /// A new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; Self::BYTES];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// A key as it is configured or kept: 64 hexadecimal digits. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 2 * Self::BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; Self::BYTES];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The key, to be kept: 64 hexadecimal digits.
    pub fn expose(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Tells keys apart, and tells nothing else of them.
    fn name(&self) -> [u8; NAME] {
        let mut name = [0; NAME];
        name.copy_from_slice(&Sha256::digest(self.0)[..NAME]);
        name
    }

    /// The key that proves: another one than that which encrypts, made of it.
    fn prover(&self) -> hmac::Key {
        let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), b"proofs");
        hmac::Key::new(hmac::HMAC_SHA256, own.as_ref())
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0).ok().map(LessSafeKey::new)
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey(…)")
    }
}

impl Vault {
    /// Seals with the first key; opens what any has sealed.
    pub const fn new(keys: Vec<VaultKey>) -> Self {
        Self { keys }
    }

    /// Whether nothing can be sealed.
    pub const fn is_locked(&self) -> bool {
        self.keys.is_empty()
    }

    /// Seals a text. It is opened only by one who says the same of what it is: `about` names the kind of text and its owner. `None`
    /// without a key.
    pub fn seal(&self, entropy: &dyn Entropy, about: &str, text: &[u8]) -> Option<Vec<u8>> {
        let key = self.keys.first()?;
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut sealed = text.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        key.cipher()?.seal_in_place_append_tag(unique, Aad::from(about.as_bytes()), &mut sealed).ok()?;
        Some([&key.name()[..], &nonce, &sealed].concat())
    }

    /// Opens a text.
    ///
    /// # Errors
    /// [`Unopenable`]: it says nothing of why.
    pub fn open(&self, about: &str, sealed: &[u8]) -> Result<Vec<u8>, Unopenable> {
        let (name, rest) = sealed.split_at_checked(NAME).ok_or(Unopenable)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(Unopenable)?;
        let key = self.keys.iter().find(|key| key.name() == name).ok_or(Unopenable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopenable)?;
        let cipher = key.cipher().ok_or(Unopenable)?;
        let mut opened = text.to_vec();
        let length =
            cipher.open_in_place(nonce, Aad::from(about.as_bytes()), &mut opened).map_err(|_| Unopenable)?.len();
        opened.truncate(length);
        Ok(opened)
    }

    /// What proves that this server said something: an HMAC-SHA256 of it. It is the same each time. `None` without a key.
    pub fn prove(&self, what: &str) -> Option<Vec<u8>> {
        self.keys.first().map(|key| hmac::sign(&key.prover(), what.as_bytes()).as_ref().to_vec())
    }

    /// Whether a server with one of these keys [proved](Self::prove) that. How long it takes does not tell how much was right.
    pub fn has_proved(&self, what: &str, proof: &[u8]) -> bool {
        self.keys.iter().any(|key| hmac::verify(&key.prover(), what.as_bytes(), proof).is_ok())
    }

    /// Whether this text was sealed with a key that is known here.
    pub fn knows(&self, sealed: &[u8]) -> bool {
        self.keys.iter().any(|key| sealed.starts_with(&key.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SequentialEntropy;

    fn vault(byte: u8, retired: &[u8]) -> Vault {
        let bytes = std::iter::once(byte).chain(retired.iter().copied());
        Vault::new(bytes.map(|byte| VaultKey([byte; VaultKey::BYTES])).collect())
    }

    fn sealed(byte: u8, entropy: &SequentialEntropy) -> Vec<u8> {
        vault(byte, &[]).seal(entropy, "secret of 7", b"text").expect("a key")
    }

    #[test]
    fn without_a_key_nothing_is_sealed() {
        assert_eq!(Vault::new(vec![]).seal(&SequentialEntropy::default(), "", b""), None);
        assert!(Vault::new(vec![]).is_locked());
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let entropy = SequentialEntropy::default();
        let sealed = sealed(1, &entropy);
        assert!(!sealed.windows(4).any(|window| window == b"text"));
        assert_eq!(vault(1, &[]).open("secret of 7", &sealed).as_deref(), Ok(&b"text"[..]));
        assert_eq!(vault(2, &[1]).open("secret of 7", &sealed).as_deref(), Ok(&b"text"[..]));
        assert!(vault(2, &[1]).knows(&sealed) && !vault(2, &[]).knows(&sealed));
        assert_eq!(vault(2, &[]).open("secret of 7", &sealed), Err(Unopenable));
        assert_ne!(self::sealed(1, &entropy), sealed);
    }

    #[test]
    fn what_was_changed_or_is_of_another_is_not() {
        let sealed = sealed(1, &SequentialEntropy::default());
        assert_eq!(vault(1, &[]).open("secret of 8", &sealed), Err(Unopenable));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(vault(1, &[]).open("secret of 7", &changed), Err(Unopenable), "{at}");
            assert_eq!(vault(1, &[]).open("secret of 7", &sealed[..at]), Err(Unopenable), "{at}");
        }
    }

    #[test]
    fn what_was_proved_stays_so_until_its_key_is_gone() {
        let proof = vault(1, &[]).prove("link 7").expect("a key");
        assert_eq!(vault(1, &[]).prove("link 7").as_ref(), Some(&proof));
        assert!(vault(2, &[1]).has_proved("link 7", &proof));
        assert!(!vault(2, &[]).has_proved("link 7", &proof) && !vault(1, &[]).has_proved("link 8", &proof));
        assert!(!vault(1, &[]).has_proved("link 7", &proof[..31]) && !vault(1, &[]).has_proved("link 7", b""));
        assert_eq!(Vault::new(vec![]).prove("link 7"), None);
    }

    #[test]
    fn a_key_is_64_digits() {
        let key = VaultKey::generate(&SequentialEntropy::default());
        assert_eq!(VaultKey::parse(&format!("{}\n", key.expose())), Some(key.clone()));
        for text in ["", "00", &"g".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert_eq!(VaultKey::parse(text), None, "{text}");
        }
        assert_eq!(format!("{key:?}"), "VaultKey(…)");
    }
}

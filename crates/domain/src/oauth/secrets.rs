//! The secrets of OAuth: texts like keys, each with a prefix and a checksum of its own, of which only the SHA-256 is kept.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{
    entropy::Entropy,
    keys::secret::{generate, is_well_formed},
};

/// The SHA-256 of a secret: all that is stored of it. A secret has 256 random bits, so a fast hash is enough.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// A hash as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// A text that is no secret of the kind asked for. It does not keep the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed")]
pub struct MalformedSecret;

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// What every one starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new one.
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(generate(Self::PREFIX, entropy))
            }

            /// Reads one as a client sends it. Rubbish costs no look-up: prefix and checksum tell.
            pub fn parse(text: &str) -> Result<Self, MalformedSecret> {
                if is_well_formed(Self::PREFIX, text) { Ok(Self(text.to_owned())) } else { Err(MalformedSecret) }
            }

            /// The text itself, for the client that it is made for.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// What is stored of it.
            pub fn hash(&self) -> SecretHash {
                SecretHash(Sha256::digest(self.0.as_bytes()).into())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

secrets! {
    /// What an app sends with its requests, for an hour.
    AccessToken, "bwp_at_";
    /// What an app gets new tokens for, once.
    RefreshToken, "bwp_rt_";
    /// What a user's consent is worth: tokens, once, within minutes.
    AuthorizationCode, "bwp_ac_";
    /// What a confidential client proves itself by.
    ClientSecret, "bwp_cs_";
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_secret_is_read_back_and_shows_nothing() {
        let token = AccessToken::generate(&Fixed(7));
        assert!(token.expose().starts_with("bwp_at_"));
        assert_eq!(token.expose().len(), 7 + 43 + 6);
        assert_eq!(AccessToken::parse(token.expose()), Ok(token.clone()));
        assert_eq!(format!("{token:?} {:?}", token.hash()), "AccessToken(…) SecretHash(…)");
    }

    #[test]
    fn a_secret_of_one_kind_is_none_of_another() {
        let code = AuthorizationCode::generate(&Fixed(9));
        assert_eq!(RefreshToken::parse(code.expose()), Err(MalformedSecret));
        // The checksum covers the prefix.
        let disguised = code.expose().replace("bwp_ac_", "bwp_rt_");
        assert_eq!(RefreshToken::parse(&disguised), Err(MalformedSecret));
        for text in ["", "bwp_rt_", "bwp_rt_é"] {
            assert_eq!(RefreshToken::parse(text), Err(MalformedSecret), "{text}");
        }
    }
}

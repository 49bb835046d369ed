//! Tokens: random texts that whoever holds them is known by, and what is kept of them.

/// A token and its hash: 32 random bytes in base64url, and the SHA-256 of that text. A token has 256 random bits, so a fast
/// hash is enough.
macro_rules! secret_token {
    ($(#[$doc:meta])* $token:ident, $hash:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $token(String);

        #[doc = concat!("The SHA-256 of a [`", stringify!($token), "`]: all that is stored of it.")]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $hash([u8; 32]);

        impl $token {
            /// A new one.
            pub fn generate(entropy: &dyn $crate::entropy::Entropy) -> Self {
                let mut random = [0; 32];
                entropy.fill(&mut random);
                Self($crate::tokens::encode(random))
            }

            /// Reads one as a client sends it.
            pub fn parse(text: &str) -> Result<Self, $crate::tokens::MalformedToken> {
                if $crate::tokens::is_token(text) { Ok(Self(text.to_owned())) } else { Err($crate::tokens::MalformedToken) }
            }

            /// The token itself, to be given to the one it was made for.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// What is stored of it.
            pub fn hash(&self) -> $hash {
                $hash($crate::tokens::digest(&self.0))
            }
        }

        impl ::std::fmt::Debug for $token {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($token), "(…)"))
            }
        }

        impl $hash {
            /// A hash as it was stored.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The hash as it is stored.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl ::std::fmt::Debug for $hash {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($hash), "(…)"))
            }
        }
    };
}

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
pub(crate) use secret_token;
use sha2::{Digest, Sha256};

/// A text that is no token. It does not keep the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct MalformedToken;

/// How many characters 32 bytes are in base64url, without padding.
const LENGTH: usize = 43;

pub(crate) fn encode(random: [u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(random)
}

/// Rubbish costs no look-up.
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

pub(crate) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use crate::{
        entropy::Entropy,
        sessions::{SessionHash, SessionToken},
        tokens::MalformedToken,
    };

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn is_read_back_as_it_was_made_and_shows_nothing() {
        for byte in [0, 1, 62, 255] {
            let token = SessionToken::generate(&Fixed(byte));
            assert_eq!(token.expose().len(), super::LENGTH);
            assert_eq!(SessionToken::parse(token.expose()), Ok(token.clone()));
            assert_eq!(SessionHash::from_bytes(*token.hash().as_bytes()), token.hash());
            assert_eq!(format!("{token:?} {:?}", token.hash()), "SessionToken(…) SessionHash(…)");
        }
    }

    #[test]
    fn what_cannot_be_one_is_not_read() {
        for text in ["", "short", &"a".repeat(42), &"a".repeat(44), &format!("{}+", "a".repeat(42)), &"é".repeat(21)] {
            assert_eq!(SessionToken::parse(text), Err(MalformedToken), "{text}");
        }
    }
}

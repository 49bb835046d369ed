//! Tokens in forms, against forged requests.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bwp_domain::entropy::Entropy;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const RANDOM_BYTES: usize = 32;

/// A text that nobody can guess.
pub(crate) fn random_text(entropy: &dyn Entropy) -> String {
    let mut random = [0; RANDOM_BYTES];
    entropy.fill(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

/// What every form of a browser carries: a page of another site cannot know it.
///
/// It is made from the cookie that the browser sends along (that of its session, or of its visit), which it does not tell.
/// Another session has another token: a form of before a sign-in is not one of after it.
#[derive(Clone)]
pub(crate) struct FormToken {
    mac: Hmac<Sha256>,
    text: String,
}

impl FormToken {
    /// The token of a browser with this cookie.
    pub(crate) fn of(cookie: &str) -> Option<Self> {
        let mac = Hmac::<Sha256>::new_from_slice(cookie.as_bytes()).ok()?.chain_update(b"form token");
        let text = URL_SAFE_NO_PAD.encode(mac.clone().finalize().into_bytes());
        Some(Self { mac, text })
    }

    /// The token, for a form.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a form carries this token. How long that takes says nothing about it.
    pub(crate) fn is(&self, shown: &str) -> bool {
        URL_SAFE_NO_PAD.decode(shown).is_ok_and(|shown| self.mac.clone().verify_slice(&shown).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_cookie_alone() {
        let token = FormToken::of("cookie").expect("a token");
        let other = FormToken::of("cookiE").expect("a token");
        assert!(token.is(token.as_str()));
        assert!(!token.is(other.as_str()));
        assert!(!token.is(""));
        assert!(!token.is(&token.as_str()[1..]));
        assert!(!token.as_str().contains("cookie"));
    }
}

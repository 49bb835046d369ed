//! Signing what is sent.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{clock::Timestamp, entropy::Entropy};

/// For how long a secret that was replaced still signs, beside the new one.
pub const SECRET_OVERLAP: Duration = Duration::from_hours(24);

/// The secret of an endpoint: `bwh_secret_` and 64 hexadecimal digits. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

impl SigningSecret {
    const PREFIX: &'static str = "bwh_secret_";
    const BYTES: usize = 32;

    /// A new secret.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; Self::BYTES];
        entropy.fill(&mut bytes);
        Self(format!("{}{}", Self::PREFIX, hexadecimal(&bytes)))
    }

    /// A secret as it was kept.
    pub const fn kept(text: String) -> Self {
        Self(text)
    }

    /// The secret, to be shown once or kept.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The HMAC-SHA256 of `t`, a dot and the body, in lower-case hexadecimal digits. Its key is the whole text of the secret.
    pub fn sign(&self, t: i64, body: &[u8]) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else { return String::new() };
        mac.update(format!("{t}.").as_bytes());
        mac.update(body);
        hexadecimal(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// The header `BuildWorkPro-Signature` of an attempt at `now`: the second of it, and a signature by each secret, the newest first.
pub fn signature<'s>(now: Timestamp, body: &[u8], secrets: impl IntoIterator<Item = &'s SigningSecret>) -> String {
    let t = now.unix_millis().div_euclid(1_000);
    let signed = secrets.into_iter().map(|secret| format!(",v1={}", secret.sign(t, body)));
    std::iter::once(format!("t={t}")).chain(signed).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    /// The vectors of the reference: of a secret, of the one that it replaced, and of two bodies.
    const NEW: &str = "bwh_secret_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OLD: &str = "bwh_secret_fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
    const A: &str = r#"{"id":"evt_01JTD2K7QZ3M5N8P4R6S9V0WXY","type":"bid.accepted","created_at":"2026-05-04T09:15:00.250Z","tenant_id":3,"data":{"id":4711,"status":"accepted"}}"#;
    const B: &str = r#"{"id":"evt_01JTD2K8B00GH2J4K6M8N1P3Q5","type":"contact.updated","created_at":"2026-05-04T09:15:01.007Z","tenant_id":3,"data":{"id":58,"companyName":"Brüder Æsir & Søn"},"previous_attributes":{"companyName":null}}"#;

    fn secret(text: &str) -> SigningSecret {
        SigningSecret::kept(text.to_owned())
    }

    fn signed(seconds: i64, body: &str, secrets: &[&str]) -> String {
        let secrets: Vec<_> = secrets.iter().map(|text| secret(text)).collect();
        signature(Timestamp::from_unix_millis(seconds * 1_000 + 999), body.as_bytes(), &secrets)
    }

    #[test]
    fn the_bodies_are_those_of_the_reference() {
        let sum = |body: &str| hexadecimal(&Sha256::digest(body.as_bytes()));
        assert_eq!(
            (A.len(), sum(A).as_str()),
            (154, "b8290f2d2e050df5069e8dfce176c8fbb8c6dd422773809dc78947ab0767801d")
        );
        assert_eq!(
            (B.len(), sum(B).as_str()),
            (215, "431d5cf50d8b4b32d94a109f013dd3e7e7f57022d1039cb71c07420c82ba97bf")
        );
    }

    #[test]
    fn signatures_are_those_of_the_reference() {
        assert_eq!(
            signed(1_777_886_102, A, &[NEW]),
            "t=1777886102,v1=9c23b208a17940976f03988c1ed1cda9edf5e0f26f00a38be3afbbe78bc3f404"
        );
        assert_eq!(
            signed(1_777_886_132, A, &[NEW]),
            "t=1777886132,v1=955323484a6f339d63509fa96991efef2351457663532adbc4a4f0ca8a58d165"
        );
        assert_eq!(
            signed(1_777_886_102, B, &[NEW]),
            "t=1777886102,v1=5163345396bcd0e0be9073cc4e9a0210fd21a04ee4584af20ccc21658e297c01"
        );
        assert_eq!(
            signed(1_777_886_102, A, &[NEW, OLD]),
            "t=1777886102,v1=9c23b208a17940976f03988c1ed1cda9edf5e0f26f00a38be3afbbe78bc3f404,\
             v1=7d85fb3d92d775763d0f26d3396326cc4c386b646c414947cd9b8dca16aa57ef"
        );
    }

    #[test]
    fn the_key_is_the_whole_text() {
        let prefix_cut = secret(NEW.trim_start_matches("bwh_secret_")).sign(1_777_886_102, A.as_bytes());
        assert_eq!(prefix_cut, "a81e0eb17ab385dcfc982010a50f0fe4b7c6ec6f726615bbaad60f27fa08c2b9");
        assert_ne!(secret(NEW).sign(1_777_886_102, A.as_bytes()), prefix_cut);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", secret(NEW)), "SigningSecret(…)");
    }
}

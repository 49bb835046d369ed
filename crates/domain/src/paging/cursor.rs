//! Cursors: positions that a client carries and cannot forge.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Position;
use crate::{clock::Timestamp, entropy::Entropy, ids::TenantId};

/// A secret that signs cursors. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct CursorSecret(Vec<u8>);

/// A text that this server did not sign for this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

/// What a cursor is good for: one list of one tenant with the same filters. The page's size is not part of it.
#[derive(Clone, Copy, Debug)]
pub struct CursorScope<'a> {
    /// Whose rows.
    pub tenant: TenantId,
    /// Which operation, by its id.
    pub operation: &'a str,
    /// The filters, in one way of writing for each meaning.
    pub filters: &'a str,
}

/// The secrets in use: one signs, all are accepted.
#[derive(Clone, Debug)]
pub struct CursorKeys {
    signing: CursorSecret,
    retired: Vec<CursorSecret>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    /// The row's time, in milliseconds since 1970.
    t: i64,
    id: i64,
}

impl CursorSecret {
    /// The fewest bytes of a secret: as many as the signature has.
    pub const MIN_BYTES: usize = 32;

    /// A secret as it was configured or stored. `None` if it is too short to be safe.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= Self::MIN_BYTES).then_some(Self(bytes))
    }

    /// A new secret.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = vec![0; Self::MIN_BYTES];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// The secret, to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `None` never happens: HMAC takes keys of any length.
    fn mac(&self, scope: &CursorScope<'_>, payload: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(&scope.tenant.get().to_be_bytes());
        // A length before each part, so that no two scopes write the same bytes.
        for part in [scope.operation.as_bytes(), scope.filters.as_bytes(), payload] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
    }
}

impl CursorSecret {
    /// Of what is no cursor: it begins with a number that no tenant has.
    fn mac_of(&self, purpose: &str, payload: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(&0_i64.to_be_bytes());
        for part in [purpose.as_bytes(), payload] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
    }
}

impl fmt::Debug for CursorSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorSecret(…)")
    }
}

impl CursorKeys {
    /// Signs with `signing`; also accepts what `retired` secrets signed.
    pub const fn new(signing: CursorSecret, retired: Vec<CursorSecret>) -> Self {
        Self { signing, retired }
    }

    /// The cursor for the page behind `position`: `base64url(payload).base64url(mac)`.
    pub fn seal(&self, scope: &CursorScope<'_>, position: Position) -> String {
        let payload = Payload { t: position.created_at.unix_millis(), id: position.id };
        let payload = serde_json::to_vec(&payload).unwrap_or_default();
        let mac = self.signing.mac(scope, &payload).map(|mac| mac.finalize().into_bytes());
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(mac.unwrap_or_default()))
    }

    /// A text that carries `payload` and is good for this purpose alone: `base64url(payload).base64url(mac)`.
    pub fn sign(&self, purpose: &str, payload: &[u8]) -> String {
        let mac = self.signing.mac_of(purpose, payload).map(|mac| mac.finalize().into_bytes());
        format!("{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(mac.unwrap_or_default()))
    }

    /// What a text carries that one of the secrets signed for this purpose.
    pub fn read(&self, purpose: &str, text: &str) -> Result<Vec<u8>, InvalidCursor> {
        let (payload, mac) = text.split_once('.').ok_or(InvalidCursor)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| InvalidCursor)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| InvalidCursor)?;
        let signed = std::iter::once(&self.signing)
            .chain(&self.retired)
            .any(|secret| secret.mac_of(purpose, &payload).is_some_and(|expected| expected.verify_slice(&mac).is_ok()));
        if signed { Ok(payload) } else { Err(InvalidCursor) }
    }

    /// The position in a cursor that one of the secrets signed for `scope`.
    pub fn open(&self, scope: &CursorScope<'_>, cursor: &str) -> Result<Position, InvalidCursor> {
        let (payload, mac) = cursor.split_once('.').ok_or(InvalidCursor)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| InvalidCursor)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| InvalidCursor)?;
        let signed = std::iter::once(&self.signing).chain(&self.retired).any(|secret| {
            // Compares in constant time.
            secret.mac(scope, &payload).is_some_and(|expected| expected.verify_slice(&mac).is_ok())
        });
        if !signed {
            return Err(InvalidCursor);
        }
        let payload: Payload = serde_json::from_slice(&payload).map_err(|_| InvalidCursor)?;
        Ok(Position { created_at: Timestamp::from_unix_millis(payload.t), id: payload.id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(byte: u8) -> CursorSecret {
        CursorSecret::new(vec![byte; 32]).expect("long enough")
    }

    fn scope(tenant: i64, operation: &'static str, filters: &'static str) -> CursorScope<'static> {
        CursorScope { tenant: TenantId::new(tenant).expect("positive"), operation, filters }
    }

    fn position(millis: i64, id: i64) -> Position {
        Position { created_at: Timestamp::from_unix_millis(millis), id }
    }

    #[test]
    fn is_good_for_its_own_list_alone() {
        let keys = CursorKeys::new(secret(1), vec![]);
        let cursor = keys.seal(&scope(1, "getContacts", "type=vendor"), position(5, 6));
        assert_eq!(keys.open(&scope(1, "getContacts", "type=vendor"), &cursor), Ok(position(5, 6)));
        for other in
            [scope(2, "getContacts", "type=vendor"), scope(1, "getLeads", "type=vendor"), scope(1, "getContacts", "")]
        {
            assert_eq!(keys.open(&other, &cursor), Err(InvalidCursor));
        }
    }

    #[test]
    fn a_retired_secret_is_still_accepted_and_an_unknown_one_is_not() {
        let scope = scope(1, "getContacts", "");
        let cursor = CursorKeys::new(secret(1), vec![]).seal(&scope, position(5, 6));
        assert!(CursorKeys::new(secret(2), vec![secret(1)]).open(&scope, &cursor).is_ok());
        assert!(CursorKeys::new(secret(2), vec![secret(3)]).open(&scope, &cursor).is_err());
    }

    #[test]
    fn what_is_signed_is_good_for_its_purpose_alone() {
        let keys = CursorKeys::new(secret(1), vec![]);
        let text = keys.sign("upload", b"payload");
        assert_eq!(keys.read("upload", &text), Ok(b"payload".to_vec()));
        assert_eq!(keys.read("download", &text), Err(InvalidCursor));
        assert_eq!(CursorKeys::new(secret(2), vec![]).read("upload", &text), Err(InvalidCursor));
        assert_eq!(keys.read("upload", &text.replace("cGF5", "cGF6")), Err(InvalidCursor));
        assert!(keys.open(&scope(1, "upload", ""), &text).is_err());
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(CursorSecret::new(vec![0; 31]).is_none());
    }

    proptest! {
        #[test]
        fn one_changed_bit_is_noticed(millis in -10_000_000_000_000_i64..10_000_000_000_000, id: i64, at: prop::sample::Index, bit in 0_u8..8) {
            let (keys, scope) = (CursorKeys::new(secret(1), vec![]), scope(1, "getContacts", ""));
            let cursor = keys.seal(&scope, position(millis, id));
            prop_assert_eq!(keys.open(&scope, &cursor), Ok(position(millis, id)));
            let mut bytes = cursor.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                prop_assert_eq!(keys.open(&scope, &changed), Err(InvalidCursor));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let keys = CursorKeys::new(secret(1), vec![]);
            prop_assert_eq!(keys.open(&scope(1, "getContacts", ""), &text), Err(InvalidCursor));
        }
    }
}

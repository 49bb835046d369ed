//! Secret links: half of one lies in the database, and half is made of a key that does not.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::SigningRecord;
use crate::{
    entropy::Entropy,
    ids::TenantId,
    store::StoreError,
    tenants::{TenantName, TimeZone},
    text::Text,
    vault::Vault,
};

/// How many characters 16 and 32 bytes are in base64url.
const NONCE: usize = 22;
const PROOF: usize = 43;

/// The secret of a link: 128 bits that find the request, and 256 bits that prove that the server made the link. Where the link leads is
/// not in the database, and a link is made anew each time that it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningToken(String);

impl std::fmt::Debug for SigningToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningToken(…)")
    }
}

/// The part of a link that is stored.
pub(super) fn new_nonce(entropy: &dyn Entropy) -> Text {
    let mut random = [0; 16];
    entropy.fill(&mut random);
    Text::parse(URL_SAFE_NO_PAD.encode(random)).unwrap_or_default()
}

fn about(tenant: TenantId, request: i64, nonce: &str) -> String {
    format!("signing link of request {request} of tenant {tenant}: {nonce}")
}

impl SigningToken {
    /// That of a request. `None` where there is no key to make it of.
    pub fn of(vault: &Vault, tenant: TenantId, record: &SigningRecord) -> Option<Self> {
        let proof = vault.prove(&about(tenant, record.request_id.get(), &record.nonce))?;
        Some(Self(format!("{}{}", &*record.nonce, URL_SAFE_NO_PAD.encode(proof))))
    }

    /// Reads one, as a browser sends it. Rubbish costs no look-up.
    pub fn parse(text: &str) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == NONCE + PROOF && text.bytes().all(good)).then(|| Self(text.to_owned()))
    }

    /// The token itself, to be shown to those who may send links.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What finds the request.
    pub fn nonce(&self) -> &str {
        &self.0[..NONCE]
    }

    /// Whether it was made for this request, by any of the server's keys.
    pub(super) fn opens(&self, vault: &Vault, link: &SigningLink) -> bool {
        let proof = URL_SAFE_NO_PAD.decode(&self.0[NONCE..]).unwrap_or_default();
        vault.has_proved(&about(link.tenant, link.request, self.nonce()), &proof)
    }
}

/// The address of the page where a request is answered, under the server's own.
pub fn signing_url(public_url: &str, token: &SigningToken) -> String {
    format!("{}/sign?token={}", public_url.trim_end_matches('/'), token.expose())
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningLink {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// What it is called.
    pub company: TenantName,
    /// Where it is.
    pub zone: TimeZone,
    /// The request.
    pub request: i64,
}

/// Requests by their links: it is by its link that the tenant of one is found.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SigningLinks: Send + Sync {
    /// The request whose link has this nonce, of a tenant that may use the server. MUST find it whatever became of it.
    async fn find(&self, nonce: &str) -> Result<Option<SigningLink>, StoreError>;
}

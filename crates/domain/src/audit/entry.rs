//! An entry of the log, on its way in and on its way out.

use std::net::IpAddr;

use super::Excerpt;
use crate::{
    clock::Timestamp,
    ids::{AuditRecordId, KeyId, OauthTokenId, TenantId, UserId},
    paging::Position,
};

/// What is recorded of one request whose caller was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// On whose data the caller acts.
    pub tenant: TenantId,
    /// The API key that the request was sent with.
    pub api_key: Option<KeyId>,
    /// The OAuth token that the request was sent with.
    pub oauth_token: Option<OauthTokenId>,
    /// The user on whose behalf the request was sent.
    pub user: Option<UserId>,
    /// The HTTP method.
    pub method: &'static str,
    /// The path as it was sent, without the query: that may hold people's data.
    pub path: Excerpt,
    /// The HTTP status of the answer; [`CLIENT_GONE`](Self::CLIENT_GONE) if there was nobody to answer.
    pub status: u16,
    /// How long the answer took, in milliseconds.
    pub duration_ms: u32,
    /// The request's id, as the client saw it.
    pub request_id: Box<str>,
    /// Where the client called from. `None` if that cannot be told.
    pub client_address: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<Excerpt>,
    /// The code of the problem that the answer was.
    pub error_code: Option<&'static str>,
    /// When the request arrived.
    pub created_at: Timestamp,
}

impl AuditEntry {
    /// The most bytes of a path that are kept: more than any path that is served has.
    pub const MAX_PATH: usize = 256;
    /// The most bytes of a user agent that are kept.
    pub const MAX_USER_AGENT: usize = 512;
    /// The same, of a request that was refused for want of room in a budget: enough for a name. It costs its sender nothing.
    pub const MAX_USER_AGENT_REFUSED: usize = 64;
    /// The status of a request whose client went away before it was answered: a change that it asked for may have been
    /// made all the same. No answer has this status.
    pub const CLIENT_GONE: u16 = 499;

    /// About how many bytes of memory the entry takes.
    pub fn bytes(&self) -> usize {
        let texts = self.path.len() + self.request_id.len() + self.user_agent.as_ref().map_or(0, |text| text.len());
        size_of::<Self>() + texts
    }
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditRecordId,
    /// On whose data the caller acted.
    pub tenant: TenantId,
    /// The API key that the request was sent with.
    pub api_key: Option<KeyId>,
    /// The OAuth token that the request was sent with.
    pub oauth_token: Option<OauthTokenId>,
    /// The user on whose behalf the request was sent.
    pub user: Option<UserId>,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The HTTP status of the answer, or [`AuditEntry::CLIENT_GONE`].
    pub status: u16,
    /// How long the answer took, in milliseconds.
    pub duration_ms: u32,
    /// The request's id, as the client saw it.
    pub request_id: String,
    /// Where the client called from.
    pub client_address: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The code of the problem that the answer was.
    pub error_code: Option<String>,
    /// When the request arrived.
    pub created_at: Timestamp,
}

impl AuditRecord {
    /// Where it stands in lists.
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.get() }
    }
}

//! How the log is shown.

use std::net::IpAddr;

use bwp_domain::{
    audit::AuditRecord,
    clock::Timestamp,
    ids::{AuditRecordId, KeyId, OauthTokenId, TenantId, UserId},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A request, and how it was answered.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiAuditLog)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEntry<'a> {
    /// The entry's id.
    #[schema(value_type = i64, minimum = 1, example = 90210)]
    id: AuditRecordId,
    /// The tenant's id.
    #[schema(value_type = i64, minimum = 1, example = 1)]
    tenant_id: TenantId,
    /// The API key that the request was sent with.
    #[schema(value_type = Option<i64>, required = true, example = 7)]
    api_key_id: Option<KeyId>,
    /// The OAuth token that the request was sent with.
    #[schema(value_type = Option<i64>, required = true, example = json!(null))]
    oauth_token_id: Option<OauthTokenId>,
    /// The user on whose behalf the request was sent.
    #[schema(value_type = Option<i64>, required = true, example = json!(null))]
    user_id: Option<UserId>,
    /// The HTTP method.
    #[schema(value_type = String, example = "POST")]
    method: &'a str,
    /// The path, without the query, up to 256 bytes of UTF-8.
    #[schema(value_type = String, example = "/api/v1/contacts")]
    path: &'a str,
    /// The HTTP status of the answer. 499 if the client went away before it was answered.
    #[schema(value_type = i32, minimum = 100, maximum = 599, example = 201)]
    status: u16,
    /// How long the answer took, in milliseconds.
    #[schema(value_type = i64, minimum = 0, example = 12)]
    duration_ms: u32,
    /// The request's id, as in `X-Request-Id`.
    #[schema(value_type = String, example = "req_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    request_id: &'a str,
    /// The client's address. `null` if it cannot be told.
    #[schema(value_type = Option<String>, required = true, example = "192.0.2.7")]
    ip: Option<IpAddr>,
    /// What the client calls itself, up to 512 bytes of UTF-8; up to 64 if a spent budget refused the request.
    #[schema(required = true, example = "nightly-sync/1.4")]
    user_agent: Option<&'a str>,
    /// The code of the problem, if the answer was one.
    #[schema(required = true, example = json!(null))]
    error_code: Option<&'a str>,
    /// When the request arrived.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    created_at: Timestamp,
}

impl<'a> From<&'a AuditRecord> for LogEntry<'a> {
    fn from(record: &'a AuditRecord) -> Self {
        Self {
            id: record.id,
            tenant_id: record.tenant,
            api_key_id: record.api_key,
            oauth_token_id: record.oauth_token,
            user_id: record.user,
            method: &record.method,
            path: &record.path,
            status: record.status,
            duration_ms: record.duration_ms,
            request_id: &record.request_id,
            ip: record.client_address,
            user_agent: record.user_agent.as_deref(),
            error_code: record.error_code.as_deref(),
            created_at: record.created_at,
        }
    }
}

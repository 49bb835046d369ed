//! Recording a request.

use std::{cell::Cell, time::Instant};

use actix_web::{
    HttpRequest,
    http::{Method, StatusCode, header},
};
use bwp_domain::{
    audit::{AuditEntry, Excerpt},
    clock::Timestamp,
    ids::{KeyId, OauthTokenId, TenantId, UserId},
    principal::Credential,
};
use bwp_web::{client_address::ClientAddress, head};

use crate::{problem::ErrorCode, routes::Context};

/// By what a caller was let in.
#[derive(Clone, Copy)]
struct RecordedCaller {
    tenant: TenantId,
    api_key: Option<KeyId>,
    oauth_token: Option<OauthTokenId>,
    user: Option<UserId>,
}

/// The record of a request, from its arrival to its answer. It becomes an entry of the log if the caller was let in: a
/// flood of requests that were refused at the door must not grow a tenant's log, and there may be no tenant to tell.
/// Of those that a spent budget refuses, the few that are [picked](crate::Refusals) do.
///
/// Dropped without an answer, it says so: a change that was asked for may have been made all the same.
pub(crate) struct Record<'a> {
    request: &'a HttpRequest,
    context: &'a Context,
    arrived: Timestamp,
    started: Instant,
    caller: Cell<Option<RecordedCaller>>,
    /// The most bytes of the user agent that are kept.
    user_agent: Cell<usize>,
}

impl<'a> Record<'a> {
    /// Begins with a request that has arrived now.
    pub(crate) fn begin(request: &'a HttpRequest, context: &'a Context) -> Self {
        let arrived = context.state.environment.clock.now();
        let user_agent = Cell::new(AuditEntry::MAX_USER_AGENT);
        Self { request, context, arrived, started: Instant::now(), caller: Cell::default(), user_agent }
    }

    /// The caller is known and was let in, whether or not they may do what they ask for.
    pub(crate) fn admit(&self, credential: &Credential) {
        self.caller.set(Some(match credential {
            Credential::Key(credential) => RecordedCaller {
                tenant: credential.tenant.id,
                api_key: Some(credential.key.id),
                oauth_token: None,
                user: None,
            },
            Credential::App(app) => RecordedCaller {
                tenant: app.tenant.id,
                api_key: None,
                oauth_token: Some(app.token),
                user: Some(app.user.id),
            },
        }));
    }

    /// The caller is known, and was refused without being charged. That costs them nothing, so that the entry is short.
    pub(crate) fn refuse(&self, credential: &Credential) {
        self.user_agent.set(AuditEntry::MAX_USER_AGENT_REFUSED);
        self.admit(credential);
    }

    /// The request was answered.
    pub(crate) fn end(&self, status: StatusCode, code: Option<ErrorCode>) {
        self.note(status.as_u16(), code);
    }

    fn note(&self, status: u16, code: Option<ErrorCode>) {
        let Some(RecordedCaller { tenant, api_key, oauth_token, user }) = self.caller.take() else { return };
        let user_agent = self.request.headers().get(header::USER_AGENT);
        self.context.state.audit.record(AuditEntry {
            tenant,
            api_key,
            oauth_token,
            user,
            method: name(&head::method(self.request)),
            path: Excerpt::of(self.request.path().as_bytes(), AuditEntry::MAX_PATH),
            status,
            duration_ms: u32::try_from(self.started.elapsed().as_millis()).unwrap_or(u32::MAX),
            request_id: self.context.request_id().into(),
            client_address: ClientAddress::of(self.request),
            user_agent: user_agent.map(|text| Excerpt::of(text.as_bytes(), self.user_agent.get())),
            error_code: code.map(ErrorCode::as_str),
            created_at: self.arrived,
        });
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.note(StatusCode::INTERNAL_SERVER_ERROR.as_u16(), Some(ErrorCode::InternalError));
        } else {
            self.note(AuditEntry::CLIENT_GONE, None);
        }
    }
}

/// The name of a method that operations have.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}

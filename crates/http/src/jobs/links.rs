//! Links to files: whoever has one may follow it for a while, without a credential. A link dies with the credential that it was
//! given to.

use std::net::IpAddr;

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, Data, Payload, ServiceConfig},
};
use bwp_domain::{
    clock::Timestamp,
    files::FileName,
    ids::{KeyId, TenantId, UploadId},
    jobs::ReceiveUpload,
    principal::{Caller, Principal},
    scopes::ScopeSet,
};
use bwp_web::request_id::RequestId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::transfer;
use crate::{
    problem::{ErrorCode, Problem},
    routes::Context,
    state::ApiState,
};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To read a file.
    Download,
    /// To upload one.
    Upload,
}

impl Purpose {
    /// What is signed with it, and the path that it has.
    const fn path(self) -> &'static str {
        match self {
            Self::Download => "/files/downloads",
            Self::Upload => "/files/uploads",
        }
    }
}

/// What a link carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    tenant: i64,
    /// The key that it was given to.
    key: i64,
    /// From where that was used.
    from: Option<IpAddr>,
    /// Until when it is good, in milliseconds since 1970.
    until: i64,
    /// The file, or the place to upload to.
    what: String,
    /// What browsers call the file.
    shown: String,
}

impl Link {
    #[expect(clippy::needless_pass_by_value, reason = "a link is made of its caller")]
    /// A link for this caller, good until then.
    pub(super) fn of(caller: Caller, until: Timestamp, what: String, shown: String) -> Result<Self, Problem> {
        let Principal::Key(credential) = &caller.principal else {
            return Err(Problem::new(ErrorCode::Forbidden, "Files are linked for keys."));
        };
        Ok(Self {
            tenant: credential.tenant.id.get(),
            key: credential.key.id.get(),
            from: caller.address,
            until: until.unix_millis(),
            what,
            shown,
        })
    }

    pub(super) fn url(&self, context: &Context, purpose: Purpose) -> String {
        let payload = serde_json::to_vec(self).unwrap_or_default();
        let token = context.state.cursors.sign(purpose.path(), &payload);
        format!("{}{}/{token}", context.state.public_url, purpose.path())
    }

    /// The link that a request follows, if it is good.
    async fn read(state: &ApiState, purpose: Purpose, token: &str) -> Result<Self, Problem> {
        let refused = || {
            let fix = "The link is not valid, or its time is over. Ask for a new one.";
            Problem::new(ErrorCode::Forbidden, fix)
        };
        let payload = state.cursors.read(purpose.path(), token).await?.ok_or_else(refused)?;
        let link: Self = serde_json::from_slice(&payload).map_err(|_| refused())?;
        if Timestamp::from_unix_millis(link.until) <= state.environment.clock.now() {
            return Err(refused());
        }
        Ok(link)
    }

    /// The one who the link was given to, as they are now.
    async fn caller(&self, state: &ApiState) -> Result<Caller, Problem> {
        let refused =
            || Problem::new(ErrorCode::Forbidden, "The credential that asked for the link is not valid any more.");
        let (tenant, key) = TenantId::new(self.tenant).zip(KeyId::new(self.key)).ok_or_else(refused)?;
        let mut uow = state.store.begin().await?;
        let held = uow.credentials().hold(tenant, key).await;
        uow.rollback().await?;
        let credential = held?.ok_or_else(refused)?;
        credential.admit(state.environment.clock.now(), self.from).map_err(|_| refused())?;
        Ok(Caller { principal: Principal::Key(credential), address: self.from, needs: ScopeSet::EMPTY })
    }
}

/// Puts the links' paths beside the API.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/files/downloads/{token}").route(web::get().to(download)).default_service(web::to(only_get)),
    );
    config.service(
        web::resource("/files/uploads/{token}").route(web::put().to(upload)).default_service(web::to(only_put)),
    );
}

async fn only_get(request: HttpRequest) -> HttpResponse {
    crate::routes::refuse_method(&request, "GET, HEAD")
}

async fn only_put(request: HttpRequest) -> HttpResponse {
    crate::routes::refuse_method(&request, "PUT")
}

fn answer(request: &HttpRequest, state: &ApiState, outcome: Result<HttpResponse, Problem>) -> HttpResponse {
    outcome.unwrap_or_else(|problem| problem.into_response(&state.errors_url(), RequestId::of(request).as_str()))
}

fn open(state: &ApiState) -> Result<(), Problem> {
    match state.readiness.availability().maintenance() {
        None => Ok(()),
        Some(seconds) => {
            let detail = "The server is closed for planned work. Try again later.";
            Err(Problem::new(ErrorCode::Maintenance, detail).retry_after(seconds))
        }
    }
}

async fn download(request: HttpRequest, state: Data<ApiState>, token: web::Path<String>) -> HttpResponse {
    let outcome = async {
        open(&state)?;
        let link = Link::read(&state, Purpose::Download, &token).await?;
        link.caller(&state).await?;
        let gone = || Problem::new(ErrorCode::NotFound, "The file's time is over.");
        let name = link.what.parse::<FileName>().map_err(|_| gone())?;
        transfer::send(&request, &state, &name, &link.shown).await?.ok_or_else(gone)
    };
    let outcome = outcome.await;
    answer(&request, &state, outcome)
}

async fn upload(
    request: HttpRequest,
    state: Data<ApiState>,
    token: web::Path<String>,
    payload: Payload,
) -> HttpResponse {
    let outcome = async {
        open(&state)?;
        let link = Link::read(&state, Purpose::Upload, &token).await?;
        transfer::check_csv(&request)?;
        let caller = link.caller(&state).await?;
        let gone = || Problem::new(ErrorCode::Forbidden, "There is no such place to upload to any more.");
        let id = link.what.parse::<UploadId>().map_err(|_| gone())?;
        let (file, bytes) = transfer::receive(&request, payload, &state, caller.principal.tenant()).await?;
        let command = ReceiveUpload { id, file };
        let nothing = |(): &()| bwp_domain::idempotency::RenderedResponse::default();
        bwp_domain::execute::execute(&*state.store, &state.environment, &caller, None, &command, nothing).await?;
        let request_id = RequestId::of(&request);
        let body = json!({ "data": { "bytes": bytes }, "meta": { "request_id": request_id.as_str() } });
        Ok(HttpResponse::build(StatusCode::OK).json(body))
    };
    let outcome = outcome.await;
    answer(&request, &state, outcome)
}

//! The routes of the API.

use std::{borrow::Cow, collections::BTreeMap, future::ready};

use actix_web::{
    HttpRequest, HttpResponse, Resource, Scope,
    dev::ServiceRequest,
    guard,
    http::{Method, StatusCode, header},
    web::{self, Data, Payload, ServiceConfig},
};
use bwp_domain::{
    rate_limits::ports::{LimiterStatus, WhenLost},
    text::quoted,
};
use bwp_web::{limits::TargetTooLong, observe, readiness::Readiness, request_id::RequestId};

use crate::{
    api_keys, audit, contacts, events, lead_stages, leads, me, openapi,
    operation::Operation,
    problem::{ErrorCode, Problem},
    project_templates, projects, settings,
    state::ApiState,
    usage, users, webhooks,
};

/// Where the API begins.
pub const BASE_PATH: &str = "/api/v1";

/// What a handler knows besides its request.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) state: Data<ApiState>,
    request_id: RequestId,
}

impl Context {
    pub(crate) fn new(state: Data<ApiState>, request: &HttpRequest) -> Self {
        Self { state, request_id: RequestId::of(request) }
    }

    pub(crate) fn request_id(&self) -> &str {
        self.request_id.as_str()
    }
}

/// Every operation: a line for each family.
pub(crate) fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    all.extend(me::operations());
    all.extend(audit::operations());
    all.extend(usage::operations());
    all.extend(contacts::operations());
    all.extend(lead_stages::operations());
    all.extend(leads::operations());
    all.extend(project_templates::operations());
    all.extend(projects::operations());
    all.extend(settings::operations());
    all.extend(users::operations());
    all.extend(api_keys::operations());
    all.extend(webhooks::operations());
    all.extend(events::operations());
    all
}

/// Puts the API under [`BASE_PATH`], with its document, and answers every other path with 404. While the server is closed for
/// maintenance, every path of the API is answered with 503.
pub fn configure(state: Data<ApiState>, document: Data<openapi::Document>) -> impl FnOnce(&mut ServiceConfig) {
    move |config: &mut ServiceConfig| {
        let closed = closed(&state);
        let meter = state.meter.clone();
        config.app_data(state).app_data(document);
        let mut paths: BTreeMap<Cow<'static, str>, Vec<Operation>> = BTreeMap::new();
        for operation in operations() {
            paths.entry(operation.path.clone()).or_default().push(operation);
        }
        let mut scope = web::scope(BASE_PATH).service(read_only(openapi::PATH).route(web::get().to(serve_document)));
        // Paths with fixed parts first: `/contacts/count` is not the contact `count`.
        let (fixed, variable): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(path, _)| !path.contains('{'));
        for (path, operations) in fixed.into_iter().chain(variable) {
            let allow = allowed(&operations);
            let mut resource = web::resource(path.as_ref());
            for operation in operations {
                let route = meter.route(operation.method.as_str(), &format!("{BASE_PATH}{path}"));
                let run = operation.run();
                resource =
                    resource.route(web::method(operation.method).to(move |request: HttpRequest, payload: Payload| {
                        observe::record_route(&request, &route);
                        run(request, payload.into_inner())
                    }));
            }
            scope = scope.service(
                resource.default_service(web::to(move |request: HttpRequest| ready(refuse_method(&request, &allow)))),
            );
        }
        config
            .service(read_only("/healthz").route(web::get().to(healthz)))
            .service(read_only("/readyz").route(web::get().to(readyz)))
            .service(closed)
            .service(scope)
            .default_service(web::to(not_found));
    }
}

/// What stands in the API's place while it is closed.
fn closed(state: &Data<ApiState>) -> Scope {
    let (for_guard, for_answer) = (state.clone(), state.clone());
    let answer = move |request: HttpRequest| {
        // It may have been opened between the guard and here: then the client comes again soon.
        let seconds = for_answer.readiness.availability().maintenance().unwrap_or(SOON);
        let problem = Problem::new(ErrorCode::Maintenance, "The server is closed for planned work. Try again later.");
        ready(respond(&request, problem.retry_after(seconds)))
    };
    web::scope(BASE_PATH)
        .guard(guard::fn_guard(move |_| for_guard.readiness.availability().maintenance().is_some()))
        .default_service(web::to(answer))
}

/// For how many seconds a client waits for what may be over in a moment.
const SOON: u32 = 1;

/// A path that can only be read.
fn read_only(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|request: HttpRequest| ready(refuse_method(&request, "GET, HEAD"))))
}

/// The methods of a path, for `Allow`.
fn allowed(operations: &[Operation]) -> String {
    let mut methods: Vec<&str> = operations.iter().map(|operation| operation.method.as_str()).collect();
    if methods.contains(&Method::GET.as_str()) {
        methods.push(Method::HEAD.as_str());
    }
    methods.sort_unstable();
    methods.join(", ")
}

async fn serve_document(document: Data<openapi::Document>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.bytes())
}

/// The process lives.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// What a server says that is ready.
const fn ready_text(rate_limits: LimiterStatus) -> &'static str {
    match rate_limits {
        LimiterStatus::Connected => "ready\n",
        // Work goes on without it, as the operator chose: no reason to send requests elsewhere.
        LimiterStatus::Lost { meanwhile: WhenLost::CountAlone, .. } => {
            "ready (rate limits: Redis is lost, this server counts alone)\n"
        }
        LimiterStatus::Lost { meanwhile: WhenLost::Refuse, .. } => {
            "ready (rate limits: Redis is lost, every request is refused)\n"
        }
        LimiterStatus::Lost { meanwhile: WhenLost::Allow, .. } => {
            "ready (rate limits: Redis is lost, nothing is counted)\n"
        }
    }
}

/// The process can do its work: send it requests.
async fn readyz(request: HttpRequest, state: Data<ApiState>) -> HttpResponse {
    let report = state.readiness.report().await;
    if report.is_ready() {
        return HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .body(ready_text(state.rate_limits.status()));
    }
    let failed: Vec<_> = report.failed().collect();
    let problem = Problem::new(ErrorCode::ServiceUnavailable, format!("Not ready: {}.", failed.join(", ")));
    let problem = problem.retry_after(SOON);
    // That it is closed on purpose is no news.
    let problem = match failed.as_slice() {
        [Readiness::OWN] => problem,
        _ => problem.because(report.to_string().trim_end().replace('\n', "; ")),
    };
    respond(&request, problem)
}

/// The answer to a request target that is too long to be any of ours.
pub fn refuse_long_target(request: &ServiceRequest, too_long: TargetTooLong) -> HttpResponse {
    respond(request.request(), Problem::bad_request(StatusCode::URI_TOO_LONG, format!("{too_long}.")))
}

fn refuse_method(request: &HttpRequest, allow: &str) -> HttpResponse {
    let problem = Problem::bad_request(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{} is not allowed here. Allowed: {allow}.", quoted(request.method())),
    );
    let problem = match header::HeaderValue::from_str(allow) {
        Ok(value) => problem.with_header(header::ALLOW, value),
        Err(_) => problem,
    };
    respond(request, problem)
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    respond(&request, Problem::new(ErrorCode::NotFound, "There is nothing under this path. See /docs."))
}

fn respond(request: &HttpRequest, problem: Problem) -> HttpResponse {
    let errors_url = request.app_data::<Data<ApiState>>().map(|state| state.errors_url()).unwrap_or_default();
    problem.into_response(&errors_url, RequestId::of(request).as_str())
}

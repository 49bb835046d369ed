//! The routes of the API.

use std::{borrow::Cow, collections::BTreeMap, future::ready, sync::Arc};

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
    api_keys, audit, bids, calendar, change_orders, comments, contacts, documents, events, invoices, jobs, kit_items,
    lead_stages, leads, me, notifications, oauth, openapi,
    operation::Operation,
    pay_apps,
    problem::{ErrorCode, Problem},
    products, project_plans, project_templates, projects, settings, signature_requests, site_logs,
    state::ApiState,
    time_entries, usage, users, webhooks,
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
    all.extend(comments::operations());
    all.extend(documents::operations());
    all.extend(bids::operations());
    all.extend(invoices::operations());
    all.extend(pay_apps::operations());
    all.extend(change_orders::operations());
    all.extend(kit_items::operations());
    all.extend(lead_stages::operations());
    all.extend(leads::operations());
    all.extend(notifications::operations());
    all.extend(products::operations());
    all.extend(project_templates::operations());
    all.extend(projects::operations());
    all.extend(project_plans::operations());
    all.extend(site_logs::operations());
    all.extend(time_entries::operations());
    all.extend(calendar::operations());
    all.extend(settings::operations());
    all.extend(signature_requests::operations());
    all.extend(users::operations());
    all.extend(jobs::operations());
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
        let of_apps = oauth::configure(&state);
        config.app_data(state).app_data(document);
        let mut paths: BTreeMap<Cow<'static, str>, Vec<Operation>> = BTreeMap::new();
        for operation in operations() {
            paths.entry(operation.path.clone()).or_default().push(operation);
        }
        // A scope for each family: the router compares a request with the patterns of one family, and not with all of them.
        let mut families: BTreeMap<String, Scope> = BTreeMap::new();
        // Paths with fixed parts first: `/contacts/count` is not the contact `count`.
        let known = KnownPaths::of(paths.keys());
        let (fixed, variable): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(path, _)| !path.contains('{'));
        for (path, operations) in fixed.into_iter().chain(variable) {
            let allow = allowed(&operations);
            let (family, rest) = family_of(&path);
            let mut resource = web::resource(rest);
            for operation in operations {
                let route = meter.route(operation.method.as_str(), &format!("{BASE_PATH}{path}"));
                let run = operation.run();
                resource =
                    resource.route(web::method(operation.method).to(move |request: HttpRequest, payload: Payload| {
                        observe::record_route(&request, &route);
                        run(request, payload.into_inner())
                    }));
            }
            let resource =
                resource.default_service(web::to(move |request: HttpRequest| ready(refuse_method(&request, &allow))));
            let scope = families.remove(family).unwrap_or_else(|| web::scope(family));
            families.insert(family.to_owned(), scope.service(resource));
        }
        let document = read_only(openapi::PATH).route(web::get().to(serve_document));
        let scope = families.into_values().fold(web::scope(BASE_PATH).service(document), Scope::service);
        config
            .service(read_only("/healthz").route(web::get().to(healthz)))
            .service(read_only("/readyz").route(web::get().to(readyz)))
            .service(closed)
            .configure(jobs::configure)
            .configure(of_apps)
            .service(scope)
            .default_service(web::to(move |request: HttpRequest| ready(not_found(&request, &known))));
    }
}

/// The paths where something is, each by its parts.
#[derive(Clone)]
struct KnownPaths(Vec<Vec<String>>);

impl KnownPaths {
    fn of<'a>(of_operations: impl Iterator<Item = &'a Cow<'static, str>>) -> Self {
        let of_operations = of_operations.map(|path| format!("{BASE_PATH}{path}"));
        let others = [format!("{BASE_PATH}{}", openapi::PATH), "/healthz".to_owned(), "/readyz".to_owned()];
        let parts = |path: String| path.split('/').skip(1).map(str::to_owned).collect();
        Self(of_operations.chain(others).map(parts).collect())
    }

    /// The path that is meant by one with slashes too many, or with letters of the other case.
    fn nearest(&self, path: &str) -> Option<String> {
        let sent: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let is_variable = |part: &str| part.starts_with('{');
        let fits = |known: &&Vec<String>| {
            let fits = |(part, sent): (&String, &&str)| is_variable(part) || part.eq_ignore_ascii_case(sent);
            known.len() == sent.len() && known.iter().zip(&sent).all(fits)
        };
        // One of fixed parts first, as the routes are.
        let known = self.0.iter().filter(fits).min_by_key(|known| known.iter().any(|part| is_variable(part)))?;
        let parts = known.iter().zip(sent).map(|(part, sent)| if is_variable(part) { sent } else { part });
        let nearest: String = parts.flat_map(|part| ["/", part]).collect();
        Some(nearest).filter(|nearest| nearest != path)
    }
}

/// A path's first part, and what is behind it.
fn family_of(path: &str) -> (&str, &str) {
    path.split_at(path[1..].find('/').map_or(path.len(), |at| at + 1))
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

async fn serve_document(request: HttpRequest, document: Data<openapi::Document>) -> HttpResponse {
    document.answer(&request)
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

pub(crate) fn refuse_method(request: &HttpRequest, allow: &str) -> HttpResponse {
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

fn not_found(request: &HttpRequest, known: &KnownPaths) -> HttpResponse {
    // Links in answers are those of the world: a proxy may have put the server below a path.
    let url = request.app_data::<Data<ApiState>>().map(|state| Arc::clone(&state.public_url)).unwrap_or_default();
    let meant = known.nearest(request.path()).map(|path| format!(" Did you mean {url}{}?", quoted(path)));
    let meant = meant.unwrap_or_default();
    respond(
        request,
        Problem::new(ErrorCode::NotFound, format!("There is nothing under this path.{meant} See {url}/docs.")),
    )
}

fn respond(request: &HttpRequest, problem: Problem) -> HttpResponse {
    let errors_url = request.app_data::<Data<ApiState>>().map(|state| state.errors_url()).unwrap_or_default();
    problem.into_response(&errors_url, RequestId::of(request).as_str())
}

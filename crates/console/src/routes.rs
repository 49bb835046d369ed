//! The table of pages, and how each is answered.

use std::{collections::BTreeMap, rc::Rc};

use actix_web::{
    HttpRequest, HttpResponse,
    dev::Payload,
    http::{
        Method, StatusCode,
        header::{ALLOW, LOCATION},
    },
    web::{self, Data, ServiceConfig},
};
use bwp_web::{deadline, observe};
use futures_util::{FutureExt, future::LocalBoxFuture};

use crate::{
    access::Access,
    account, assets, authorize, connected_apps,
    form::Form,
    home, invitations, keys, security, sign, sign_in,
    state::ConsoleState,
    team,
    trouble::{self, Trouble},
    visit::Visit,
    webhooks,
};

pub(crate) type Answer = Result<HttpResponse, Trouble>;

type Run = Rc<dyn Fn(Rc<Visit>, Form) -> LocalBoxFuture<'static, Answer>>;

/// A page, or what sending its form does.
#[derive(Clone)]
pub struct Entry {
    /// GET for a page, POST for a form.
    pub method: Method,
    /// Where.
    pub path: &'static str,
    /// For whom.
    pub access: Access,
    /// Whether it is answered while the server is closed for planned work. What changes something is not.
    pub stays_open: bool,
    run: Run,
}

impl Entry {
    pub(crate) fn get<F, Fut>(path: &'static str, access: Access, handler: F) -> Self
    where
        F: Fn(Rc<Visit>) -> Fut + 'static,
        Fut: Future<Output = Answer> + 'static,
    {
        let run: Run = Rc::new(move |visit, _| handler(visit).boxed_local());
        Self { method: Method::GET, path, access, stays_open: true, run }
    }

    pub(crate) fn post<F, Fut>(path: &'static str, access: Access, handler: F) -> Self
    where
        F: Fn(Rc<Visit>, Form) -> Fut + 'static,
        Fut: Future<Output = Answer> + 'static,
    {
        let run: Run = Rc::new(move |visit, form| handler(visit, form).boxed_local());
        Self { method: Method::POST, path, access, stays_open: false, run }
    }

    /// The form of this entry may be sent while the server is closed: it changes no more than who looks at the pages, and as
    /// whom.
    pub(crate) fn open_always(self) -> Self {
        Self { stays_open: true, ..self }
    }
}

/// Every page and form: a line for each family.
pub fn entries() -> Vec<Entry> {
    let mut all = Vec::new();
    all.extend(home::entries());
    all.extend(account::entries());
    all.extend(connected_apps::entries());
    all.extend(invitations::entries());
    all.extend(keys::entries());
    all.extend(security::entries());
    all.extend(sign::entries());
    all.extend(sign_in::entries());
    all.extend(team::entries());
    all.extend(webhooks::entries());
    all
}

/// The page at which the form of a route is: where the form is sent to, or the nearest one above that. `pattern` is the route's
/// path, and `path` that of a request for it.
pub(crate) fn page_of<'a>(pattern: &str, path: &'a str) -> &'a str {
    let all = entries();
    let (mut pattern, mut path) = (pattern, path);
    while !all.iter().any(|entry| entry.method == Method::GET && entry.path == pattern) {
        match (pattern.rsplit_once('/'), path.rsplit_once('/')) {
            (Some((above, _)), Some((page, _))) if !above.is_empty() && !page.is_empty() => {
                (pattern, path) = (above, page);
            }
            _ => return "/",
        }
    }
    path
}

/// Registers the pages, and the files that they load.
pub fn configure(state: Data<ConsoleState>) -> impl FnOnce(&mut ServiceConfig) {
    move |config: &mut ServiceConfig| {
        assets::configure(config);
        let mut paths: BTreeMap<&'static str, Vec<Entry>> = BTreeMap::new();
        // The consent page is an app's affair as well, and keeps another contract than the pages of our own.
        for entry in entries().into_iter().chain(authorize::entries()) {
            paths.entry(entry.path).or_default().push(entry);
        }
        // Paths with fixed parts first: `…/api-keys/new` is not the key `new`.
        let (fixed, variable): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(path, _)| !path.contains('{'));
        for (path, entries) in fixed.into_iter().chain(variable) {
            let allow = if entries.iter().all(|entry| entry.method == Method::POST) {
                "POST"
            } else if entries.iter().all(|entry| entry.method == Method::GET) {
                "GET, HEAD"
            } else {
                "GET, HEAD, POST"
            };
            let mut resource = web::resource(path).app_data(state.clone());
            for entry in entries {
                let route = state.meter.route(entry.method.as_str(), path);
                resource = resource.route(web::method(entry.method.clone()).to(
                    move |request: HttpRequest, payload: web::Payload, state: Data<ConsoleState>| {
                        observe::record_route(&request, &route);
                        answer(entry.clone(), state, request, payload.into_inner())
                    },
                ));
            }
            let refuse = move || {
                let mut response = HttpResponse::MethodNotAllowed();
                std::future::ready(response.insert_header((ALLOW, allow)).finish())
            };
            config.service(resource.default_service(web::to(refuse)));
        }
    }
}

async fn answer(entry: Entry, state: Data<ConsoleState>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let limit = state.request_timeout;
    let stranger = Rc::new(Visit::of_a_stranger(state.clone(), request.clone()));
    let work = async {
        let visit = match Visit::begin(state, request.clone()).await {
            Ok(visit) => Rc::new(visit),
            Err(trouble) => return trouble::answer(&stranger, &trouble),
        };
        let done = run(&entry, &visit, &request, payload).await;
        done.unwrap_or_else(|trouble| {
            let mut response = trouble::answer(&visit, &trouble);
            // To an app's answer there is no way back without a session, or with another's form.
            if entry.path == authorize::PATH && entry.method == Method::POST && !response.status().is_server_error() {
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response.headers_mut().remove(LOCATION);
            }
            response
        })
    };
    match limit {
        None => work.await,
        Some(limit) => {
            let done = deadline::within(limit, work).await;
            done.unwrap_or_else(|exceeded| trouble::answer(&stranger, &exceeded.into()))
        }
    }
}

/// Nothing of a form is looked at before it is known to be ours, and nobody's before it is known who asks.
async fn run(entry: &Entry, visit: &Rc<Visit>, request: &HttpRequest, mut payload: Payload) -> Answer {
    if entry.method == Method::GET {
        visit.charge_account()?;
        visit.check(entry.access)?;
        return (entry.run)(Rc::clone(visit), Form::default()).await;
    }
    visit.check_origin()?;
    visit.check(entry.access)?;
    if let Some(retry_after) = visit.state.closed().filter(|_| !entry.stays_open) {
        return Err(Trouble::Closed { retry_after });
    }
    let form = Form::read(request, &mut payload, visit.state.form_timeout).await?;
    if let Err(trouble) = visit.check_form(&form) {
        return sign_in::signed_in_meanwhile(entry.path, visit, &form).ok_or(trouble);
    }
    // What others had the browser send is not on its owner's account.
    visit.charge_account()?;
    (entry.run)(Rc::clone(visit), form).await
}

/// An answer that is a page with what was wrong.
pub(crate) const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn every_form_is_on_a_page() {
        for (pattern, path, page) in [
            ("/settings/developer/api-keys/{key}/edit", "/settings/developer/api-keys/7/edit", None),
            ("/settings/developer/api-keys/new", "/settings/developer/api-keys/new", None),
            (
                "/settings/developer/api-keys/check-allowlist",
                "/settings/developer/api-keys/check-allowlist",
                Some("/settings/developer/api-keys"),
            ),
            (
                "/settings/organization/users/{user}/role",
                "/settings/organization/users/7/role",
                Some("/settings/organization/users"),
            ),
            ("/settings/account/sessions/end", "/settings/account/sessions/end", Some("/settings/account")),
            ("/sign-out", "/sign-out", Some("/")),
            ("", "/nowhere", Some("/")),
        ] {
            assert_eq!(page_of(pattern, path), page.unwrap_or(path), "{path}");
        }
    }
}

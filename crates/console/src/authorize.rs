//! The consent page: a user lets an app act for them (RFC 6749, section 4.1.1; RFC 9700).
//!
//! What is wrong with the app or with where it wants the user sent back to is told on a page. All else is told to the app, but to no app
//! before somebody is signed in: else anybody could have this server send people where they like (RFC 9700, section 4.11.2).

mod asked;
mod page;

use std::rc::Rc;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY},
    },
};
use bwp_domain::{
    execute::{Executed, execute},
    idempotency::RenderedResponse,
    oauth::{Approve, ApproveError, AuthorizationCode, delegable},
    store::StoreError,
};
use bwp_web::content_security_policy::page_policy;
use maud::html;

use crate::{
    access::Access,
    form::Form,
    routes::{Answer, Entry},
    sign_in::with_next,
    trouble::{Trouble, rejected},
    visit::Visit,
};
use asked::{Asked, Consent, Refused, Rejected};

/// Where it is: the contract's path, among the API's.
pub(crate) const PATH: &str = "/api/v1/oauth/authorize";

pub(crate) fn entries() -> Vec<Entry> {
    vec![Entry::get(PATH, Access::Anyone, show), Entry::post(PATH, Access::Anyone, decide)]
}

async fn show(visit: Rc<Visit>) -> Answer {
    let asked = match Asked::read(&visit.state, visit.query_string()).await? {
        Ok(asked) => asked,
        Err(rejected) => return Ok(fatal(&visit, &rejected)),
    };
    let member = match visit.member() {
        Err(Trouble::SignInFirst | Trouble::ChooseFirst) if asked.is_silent() => {
            return Ok(back(&visit, &asked, &Refused::new("login_required", "nobody is signed in")));
        }
        Err(Trouble::SignInFirst) => {
            return Ok(visit.found(&visit.link(&with_next("/sign-in", &visit.path_and_query()))));
        }
        Err(Trouble::ChooseFirst) => {
            return Ok(visit.found(&visit.link(&with_next("/choose", &visit.path_and_query()))));
        }
        Err(Trouble::Tenant(_)) => return Ok(back(&visit, &asked, &suspended())),
        member => member?,
    };
    if asked.is_silent() {
        return Ok(back(&visit, &asked, &Refused::new("consent_required", "the user is asked each time")));
    }
    let consent = match &asked.consent {
        Ok(consent) => consent,
        Err(refused) => return Ok(back(&visit, &asked, refused)),
    };
    let Some(given) = delegable(consent.scopes, member.user.role.scopes()) else {
        return Ok(back(&visit, &asked, &nothing_to_give()));
    };
    let title = format!("Allow {} to use your account?", asked.client.metadata.name);
    let main = page::consent(&visit, member, &asked, consent.scopes, given);
    let mut response = visit.ok(&title, &main);
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // Browsers hold the redirect after the form to the policy as well.
    let policy = page_policy(&[&asked.origin()]).map_err(|error| Trouble::Internal(error.to_string()))?;
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

async fn decide(visit: Rc<Visit>, form: Form) -> Answer {
    let own = visit.state.public_url.as_str();
    let sent = form.get("request_uri");
    let local = sent.strip_prefix(own).unwrap_or(sent);
    let query = local.strip_prefix(PATH).and_then(|rest| rest.strip_prefix('?'));
    let Some(query) = query else { return Ok(fatal(&visit, &Rejected("The form is not one of this page."))) };
    let asked = match Asked::read(&visit.state, query).await? {
        Ok(asked) => asked,
        Err(rejected) => return Ok(fatal(&visit, &rejected)),
    };
    match visit.member() {
        Ok(_) => {}
        Err(Trouble::Tenant(_)) => return Ok(back(&visit, &asked, &suspended())),
        Err(Trouble::SignInFirst | Trouble::ChooseFirst) => {
            return Ok(fatal(&visit, &Rejected("You were signed out. Go back to the app, and begin again.")));
        }
        Err(trouble) => return Err(trouble),
    }
    let consent = match &asked.consent {
        Ok(consent) => consent,
        Err(refused) => return Ok(back(&visit, &asked, refused)),
    };
    match form.get("decision") {
        "approve" => approve(&visit, &asked, consent).await,
        "deny" => Ok(back(&visit, &asked, &Refused::new("access_denied", "the user does not allow it"))),
        _ => Ok(fatal(&visit, &Rejected("The form does not say what you decided."))),
    }
}

async fn approve(visit: &Visit, asked: &Asked, consent: &Consent) -> Answer {
    let command = Approve {
        client: asked.client.id,
        app: asked.client.metadata.name.clone(),
        scopes: consent.scopes,
        resource: consent.resource,
        redirect_uri: asked.redirect_uri.clone(),
        challenge: consent.challenge.clone(),
    };
    let state = &visit.state;
    let nothing = |_: &AuthorizationCode| RenderedResponse::default();
    match execute(&*state.store, &state.environment, &visit.caller()?, None, &command, nothing).await {
        Ok(Executed::Applied { output, .. }) => {
            Ok(visit.found(&asked.answer(own(visit), &[("code", output.expose())])))
        }
        // Only what has a key is replayed.
        Ok(Executed::Replayed(_)) => Err(Trouble::Internal("a consent without a key was replayed".to_owned())),
        Err(error) => match rejected(error) {
            Ok(ApproveError::NothingToGive) => Ok(back(visit, asked, &nothing_to_give())),
            Ok(ApproveError::NotAUser) => Err(Trouble::SignInFirst),
            Err(Trouble::Tenant(_)) => Ok(back(visit, asked, &suspended())),
            Err(Trouble::Store(error)) => Ok(back(visit, asked, &failed(&error))),
            Err(trouble) => Err(trouble),
        },
    }
}

fn own(visit: &Visit) -> &str {
    visit.state.public_url.as_str()
}

const fn suspended() -> Refused {
    Refused::new("access_denied", "the organization may not use the server")
}

const fn nothing_to_give() -> Refused {
    Refused::new("invalid_scope", "the user's role holds none of the scopes that were asked for")
}

/// What the app is told of a failure of ours (RFC 6749, section 4.1.2.1): it can send the user again.
fn failed(error: &StoreError) -> Refused {
    tracing::warn!(%error, "a consent could not be stored");
    match error {
        StoreError::Conflict(_) | StoreError::Busy(_) | StoreError::Unavailable(_) => {
            Refused::new("temporarily_unavailable", "the server could not answer: try again")
        }
        StoreError::Inconsistent(_) | StoreError::Internal(_) => Refused::new("server_error", "the server failed"),
    }
}

/// Back to the app, which is told why.
fn back(visit: &Visit, asked: &Asked, refused: &Refused) -> HttpResponse {
    let told = [("error", refused.error), ("error_description", refused.description)];
    visit.found(&asked.answer(own(visit), &told))
}

/// A page, for there is no app that may be told.
fn fatal(visit: &Visit, rejected: &Rejected) -> HttpResponse {
    let page = html! {
        h1 { "The app cannot be connected" }
        p { (rejected.0) }
        p { "Nothing was changed, and the app was told nothing. Its makers can put this right." }
    };
    visit.page(StatusCode::BAD_REQUEST, "The app cannot be connected", &page)
}

//! Why a page is not shown, and what is shown instead.

use std::fmt;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    },
};
use bwp_domain::{
    characters::legible,
    execute::ExecuteError,
    principal::Refusal,
    rate_limits::TooFast,
    store::StoreError,
    tenants::TenantRefusal,
    users::{Forbidden, Permission},
};
use bwp_web::{deadline::DeadlineExceeded, observe::TurnedAway};
use maud::html;

use crate::{
    browser::{ForeignOrigin, Mismatch},
    visit::Visit,
    widgets::{isolated, span},
};

/// Why a page is not shown.
pub(crate) enum Trouble {
    /// Nobody is signed in (any more).
    SignInFirst,
    /// The session acts for no tenant yet.
    ChooseFirst,
    /// The role does not permit it.
    Forbidden(Forbidden),
    /// The tenant may not use the server.
    Tenant(TenantRefusal),
    /// The form carries another browser's token, or one of before.
    Forged,
    /// The form was sent from another origin, or so it looks.
    ForeignOrigin(ForeignOrigin),
    /// More is asked for than any person asks for.
    TooFast(TooFast),
    /// What was sent is no form.
    NotAForm,
    /// The form is longer than any of ours.
    TooLarge,
    /// The form has more fields than any of ours.
    TooManyFields,
    /// The server is closed for planned work.
    Closed {
        /// In seconds.
        retry_after: u32,
    },
    /// There is no such page or thing.
    NotFound,
    /// The store failed.
    Store(StoreError),
    /// Anything else: a defect. The text is for the log.
    Internal(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Forbidden> for Trouble {
    fn from(forbidden: Forbidden) -> Self {
        Self::Forbidden(forbidden)
    }
}

impl From<TooFast> for Trouble {
    fn from(error: TooFast) -> Self {
        Self::TooFast(error)
    }
}

impl From<DeadlineExceeded> for Trouble {
    fn from(error: DeadlineExceeded) -> Self {
        Self::Store(StoreError::Unavailable(error.to_string()))
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Tenant(refusal) => Self::Tenant(refusal),
            // All but the first two are said of keys and apps alone.
            Refusal::Unknown
            | Refusal::SignedOut
            | Refusal::Key(_)
            | Refusal::TokenExpired
            | Refusal::Elsewhere
            | Refusal::Scopes { .. } => Self::SignInFirst,
        }
    }
}

/// What a command answered other than its own refusal, which the page explains itself.
pub(crate) fn rejected<E>(error: ExecuteError<E>) -> Result<E, Trouble> {
    match error {
        ExecuteError::Rejected(error) => Ok(error),
        ExecuteError::Refused(refusal) => Err(refusal.into()),
        ExecuteError::Store(error) => Err(error.into()),
        ExecuteError::KeyBusy => {
            Err(Trouble::Store(StoreError::Conflict("the form is still being worked on".to_owned())))
        }
        ExecuteError::KeyReused => Err(Trouble::NotAForm),
    }
}

/// The page shown instead.
pub(crate) fn answer(visit: &Visit, trouble: &Trouble) -> HttpResponse {
    note(visit, trouble);
    let (status, title, text) = match trouble {
        Trouble::SignInFirst => return visit.to_sign_in(),
        Trouble::ChooseFirst => return visit.redirect("/choose"),
        Trouble::Forbidden(Forbidden { permission }) => {
            (StatusCode::FORBIDDEN, "Not permitted", forbidden(*permission))
        }
        Trouble::Tenant(TenantRefusal::Suspended) => {
            (StatusCode::FORBIDDEN, "Suspended", "This organization is suspended. Ask the operator of this server.")
        }
        Trouble::Tenant(TenantRefusal::SubscriptionInactive) => (
            StatusCode::FORBIDDEN,
            "No active subscription",
            "This organization has no active subscription. With one, everything is as it was.",
        ),
        Trouble::Forged => (
            StatusCode::FORBIDDEN,
            "This form is out of date",
            "Nothing was changed. The form was shown before you signed in or out, or your browser keeps no cookies of this \
             site. Go back, reload the page, and send it again.",
        ),
        Trouble::ForeignOrigin(foreign) => return foreign_origin(visit, foreign),
        Trouble::TooFast(too_fast) => return too_fast_page(visit, *too_fast),
        Trouble::NotAForm => {
            (StatusCode::BAD_REQUEST, "Not understood", "Nothing was changed: what was sent is not this page's form.")
        }
        Trouble::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "Too much at once",
            "Nothing was changed: a form has at most 64 KiB. Go back, and send less.",
        ),
        Trouble::TooManyFields => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Too much at once",
            "Nothing was changed: a form has at most 300 fields. Go back, and send less.",
        ),
        Trouble::Closed { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Not now",
            "Nothing was changed. Go back, and send the form again when the work is done: your browser keeps what you filled \
             in, apart from passwords.",
        ),
        Trouble::NotFound => (
            StatusCode::NOT_FOUND,
            "Page not found",
            "There is nothing at this address, or it belongs to another organization.",
        ),
        Trouble::Store(StoreError::Conflict(_) | StoreError::Unavailable(_) | StoreError::Busy(_)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Try again in a moment",
            "The server cannot reach its database, or too much is going on at once.",
        ),
        Trouble::Store(StoreError::Inconsistent(_) | StoreError::Internal(_)) | Trouble::Internal(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server failed",
            "It was written to the log, under the number below. Tell it to the operator of this server.",
        ),
    };
    let is_planned = matches!(trouble, Trouble::Closed { .. });
    let page = html! {
        h1 { (title) }
        p { (text) }
        @if status.is_server_error() && !is_planned { p { "Request " code { (visit.request_id()) } } }
        p { a href=(visit.link("/")) { "To the home page" } }
    };
    let mut response = visit.page(status, title, &page);
    let retry_after = match trouble {
        Trouble::Closed { retry_after } => Some(*retry_after),
        _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(SOON),
        _ => None,
    };
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if matches!(trouble, Trouble::Store(StoreError::Busy(_))) {
        response.extensions_mut().insert(TurnedAway);
    }
    response
}

/// When a page may be asked for again that could not be shown, in seconds.
const SOON: u32 = 5;

/// Says in the log what the operator should know of.
fn note(visit: &Visit, trouble: &Trouble) {
    let (request_id, guards) = (visit.request_id(), &visit.state.guards);
    match trouble {
        // Whoever asks for too much must not fill the log.
        Trouble::Store(StoreError::Busy(error)) => {
            if let Some(left_out) = guards.busy.turn() {
                tracing::warn!(request_id, error, left_out, "a page was not shown: too much is asked for at once");
            }
        }
        Trouble::Store(error) => not_shown(visit, error),
        Trouble::Internal(error) => not_shown(visit, error),
        Trouble::ForeignOrigin(ForeignOrigin { mismatch, origin, host }) => {
            if let Some(left_out) = guards.origins.turn() {
                tracing::warn!(
                    request_id,
                    origin = &*legible(origin),
                    host = &*legible(host),
                    public_url = visit.state.public_url.origin(),
                    left_out,
                    "a form was refused, for it was sent from another origin than this server's. {}",
                    mismatch.remedy(),
                );
            }
        }
        _ => {}
    }
}

fn not_shown(visit: &Visit, error: &dyn fmt::Display) {
    if let Some(left_out) = visit.state.guards.failed.turn_of_request() {
        tracing::error!(request_id = visit.request_id(), %error, left_out, "a page was not shown");
    }
}

fn foreign_origin(visit: &Visit, ForeignOrigin { mismatch, origin, host }: &ForeignOrigin) -> HttpResponse {
    let own = visit.state.public_url.origin();
    let (title, what) = match mismatch {
        Mismatch::OtherSite => (
            "Sent from another site",
            "The form was sent by a page of another site. To do what it says, open this server’s own page, and fill in the form there.",
        ),
        Mismatch::OtherOrigin => (
            "Sent from another address",
            "The form was sent from another address than the one that this server knows as its own.",
        ),
        Mismatch::Withheld => (
            "Sent from nowhere",
            "Your browser does not tell from where the form was sent, so it may be another site’s.",
        ),
        Mismatch::Unencrypted => (
            "Opened without encryption",
            "You opened this page over http. Over http your browser keeps no cookies of this server, so nothing can be done \
             here. Open it over https.",
        ),
    };
    let page = html! {
        h1 { (title) }
        p { "Nothing was changed. " (what) }
        dl {
            dt { "Sent from" } dd { code { (isolated(origin)) } }
            dt { "This server" } dd { code { (own) } }
            dt { "Asked for as" } dd { code { (isolated(host)) } }
        }
        p { "For the operator of this server: " (mismatch.remedy()) "." }
        p { a href=(visit.state.public_url.join("/")) { "To the home page" } }
    };
    visit.page(StatusCode::FORBIDDEN, title, &page)
}

fn too_fast_page(visit: &Visit, TooFast { retry_after }: TooFast) -> HttpResponse {
    let page = html! {
        h1 { "Slow down" }
        p {
            "Nothing was done. More pages and forms were asked for from your network, or with your account, than people ask for. \
             Wait " (span(retry_after)) ", then go back, and try again."
        }
    };
    let mut response = visit.page(StatusCode::TOO_MANY_REQUESTS, "Slow down", &page);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
    response
}

const fn forbidden(permission: Permission) -> &'static str {
    match permission {
        Permission::SeeKeys | Permission::ManageKeys => "Only a company admin sees and manages API keys.",
        Permission::SeeUsers => "Your role does not include seeing who else is in the organization.",
        Permission::ManageUsers => "Only a company admin invites people, gives roles and takes access away.",
        Permission::SeeSecurityLog => "Only a company admin sees the security log.",
        Permission::ReviewSiteLogs | Permission::ReviewTimeEntries => "Only managers and company admins review.",
        Permission::ManageApps => "Only a company admin sees the apps that act for others.",
        Permission::ManageWebhooks => "Only a company admin sees and manages webhooks.",
    }
}

//! Why a page is not shown, and what is shown instead.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    },
};
use bwp_domain::{
    execute::ExecuteError,
    principal::Refusal,
    store::StoreError,
    tenants::TenantRefusal,
    users::{Forbidden, Permission},
};
use bwp_web::deadline::DeadlineExceeded;
use maud::html;

use crate::visit::Visit;

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
    /// The form was sent from another site, or carries another browser's token.
    Forged,
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

impl From<DeadlineExceeded> for Trouble {
    fn from(error: DeadlineExceeded) -> Self {
        Self::Store(StoreError::Unavailable(error.to_string()))
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Tenant(refusal) => Self::Tenant(refusal),
            // The last two are said of keys alone.
            Refusal::Unknown | Refusal::SignedOut | Refusal::Key(_) | Refusal::Scopes { .. } => Self::SignInFirst,
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
            "Nothing was changed. The form was shown before you signed in or out, or it was not sent from this site. Go \
             back, reload the page, and send it again.",
        ),
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
        Trouble::Store(StoreError::Conflict(_) | StoreError::Unavailable(_)) => (
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
    match trouble {
        Trouble::Store(error) => tracing::error!(request_id = visit.request_id(), %error, "a page was not shown"),
        Trouble::Internal(error) => tracing::error!(request_id = visit.request_id(), %error, "a page was not shown"),
        _ => {}
    }
    let is_planned = matches!(trouble, Trouble::Closed { .. });
    let page = html! {
        h1 { (title) }
        p { (text) }
        @if status.is_server_error() && !is_planned { p { "Request " code { (visit.request_id()) } } }
        p { a href=(visit.link("/")) { "To the home page" } }
    };
    let mut response = visit.page(status, title, &page);
    if let Trouble::Closed { retry_after } = trouble {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after));
    }
    response
}

const fn forbidden(permission: Permission) -> &'static str {
    match permission {
        Permission::SeeKeys | Permission::ManageKeys => "Only a company admin sees and manages API keys.",
        Permission::SeeUsers => "Your role does not include seeing who else is in the organization.",
        Permission::ManageUsers => "Only a company admin invites people, gives roles and takes access away.",
        Permission::SeeSecurityLog => "Only a company admin sees the security log.",
    }
}

//! From every error to its problem: the one table, exhaustive.

use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use bwp_domain::{
    execute::{ExecuteError, Failure},
    fields::FieldErrors,
    files::ports::FileError,
    keys::{KeyError, KeyRefusal},
    papers::PaperError,
    principal::Refusal,
    rate_limits::ports::LimiterUnavailable,
    resource::ResourceError,
    scopes::ScopeSet,
    store::StoreError,
    tenants::TenantRefusal,
    users::Forbidden,
    webhooks::{MOST_ENDPOINTS, WebhookError},
};
use bwp_web::deadline::DeadlineExceeded;

use super::{ErrorCode, Problem};

/// A short wait: another request with the same key, or a database that is coming back.
const SOON: u32 = 1;
const LATER: u32 = 5;

/// RFC 6750, section 3.1.
const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\"";

impl Problem {
    /// There is no credential.
    pub(crate) fn no_credential() -> Self {
        Self::new(
            ErrorCode::Unauthorized,
            "Send an API key or an access token in the header `Authorization: Bearer <key or token>`.",
        )
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        .refusing("missing")
    }

    /// The credential is no good. Why is not said: one that was revoked looks like one that never was.
    pub(crate) fn bad_credential(why: &'static str) -> Self {
        Self::new(
            ErrorCode::Unauthorized,
            "The API key or access token is not valid: it is malformed, unknown, revoked, expired, not allowed from this \
             address, or for another part of the server.",
        )
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(INVALID_TOKEN))
        .refusing(why)
    }

    fn scopes_missing(missing: ScopeSet) -> Self {
        let problem = Self::new(ErrorCode::ScopeInsufficient, format!("The credential lacks these scopes: {missing}."));
        // RFC 6750, section 3.1.
        match HeaderValue::from_str(&format!("Bearer error=\"insufficient_scope\", scope=\"{missing}\"")) {
            Ok(value) => problem.with_header(WWW_AUTHENTICATE, value),
            Err(_) => problem,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => Self::bad_credential("unknown"),
            Refusal::TokenExpired => Self::new(
                ErrorCode::TokenExpired,
                "The access token's hour is over. Get another one with the refresh token, or ask the user again.",
            )
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(INVALID_TOKEN))
            .refusing("expired"),
            Refusal::Elsewhere => Self::bad_credential("for another resource"),
            Refusal::SignedOut => Self::bad_credential("signed out"),
            Refusal::Key(KeyRefusal::Revoked) => Self::bad_credential("revoked"),
            Refusal::Key(KeyRefusal::Expired) => Self::bad_credential("expired"),
            Refusal::Key(KeyRefusal::AddressNotAllowed) => Self::bad_credential("address not allowed"),
            Refusal::Tenant(TenantRefusal::Suspended) => {
                Self::new(ErrorCode::TenantSuspended, "The tenant is suspended. Ask the operator of this server.")
            }
            Refusal::Tenant(TenantRefusal::SubscriptionInactive) => Self::new(
                ErrorCode::SubscriptionInactive,
                "The tenant has no active subscription. With one, its keys and apps work again.",
            ),
            Refusal::Scopes { missing } => Self::scopes_missing(missing),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => {
                Self::new(ErrorCode::ServiceUnavailable, "Too much is going on at once. Try again.").retry_after(SOON)
            }
            // Of the pages alone, so far.
            StoreError::Unavailable(_) | StoreError::Busy(_) => {
                Self::new(ErrorCode::ServiceUnavailable, "The database does not answer. Try again.").retry_after(LATER)
            }
            StoreError::Inconsistent(_) | StoreError::Internal(_) => {
                Self::new(ErrorCode::InternalError, "The server failed. Report the request id to its operator.")
            }
        }
        .because(error.to_string())
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        Self::new(ErrorCode::ServiceUnavailable, "Files cannot be read or written at the moment. Try again.")
            .retry_after(LATER)
            .because(error.to_string())
    }
}

impl From<PaperError> for Problem {
    fn from(error: PaperError) -> Self {
        match error {
            PaperError::Store(error) => error.into(),
            PaperError::Printer(_) => Self::new(
                ErrorCode::InternalError,
                "The document cannot be printed. Report the request id to its operator.",
            )
            .because(error.to_string()),
        }
    }
}

impl<E: Into<Self>> From<Failure<E>> for Problem {
    fn from(failure: Failure<E>) -> Self {
        match failure {
            Failure::Rejected(error) => error.into(),
            Failure::Store(error) => error.into(),
        }
    }
}

impl From<DeadlineExceeded> for Problem {
    fn from(error: DeadlineExceeded) -> Self {
        // Whether a change was made just then is known to the database alone.
        let detail = "The server did not get done in time. Try again, with the same `Idempotency-Key` if you sent one.";
        Self::new(ErrorCode::ServiceUnavailable, detail).retry_after(SOON).because(error.to_string())
    }
}

impl From<LimiterUnavailable> for Problem {
    fn from(error: LimiterUnavailable) -> Self {
        Self::new(ErrorCode::ServiceUnavailable, "Requests cannot be counted at the moment. Try again.")
            .retry_after(LATER)
            .because(error.to_string())
    }
}

impl<E: Into<Self>> From<ExecuteError<E>> for Problem {
    fn from(error: ExecuteError<E>) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::KeyReused => Self::new(
                ErrorCode::IdempotencyKeyReused,
                "This idempotency key was used for a request with another method, path or body. Use a new key.",
            ),
            ExecuteError::KeyBusy => Self::new(
                ErrorCode::Conflict,
                "A request with this idempotency key is still running. Send it again in a moment.",
            )
            .retry_after(SOON),
            ExecuteError::Rejected(error) => error.into(),
            ExecuteError::Store(error) => error.into(),
        }
    }
}

impl From<ResourceError> for Problem {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::NotFound(one) => Self::not_found(one),
            ResourceError::Invalid(errors) => Self::invalid(errors),
            ResourceError::Conflict(why) => Self::new(ErrorCode::Conflict, why),
            ResourceError::Unread(missing) => Self::scopes_missing(missing),
            ResourceError::Forbidden(why) => Self::new(ErrorCode::Forbidden, why),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Forbidden(forbidden) => forbidden.into(),
            KeyError::Exceeds(excesses) => Self::new(ErrorCode::Forbidden, sentence(&excesses.to_string())),
            KeyError::Invalid(errors) => Self::invalid(errors),
            KeyError::NotFound => Self::not_found("key"),
            KeyError::AlreadyRevoked { at } => Self::new(ErrorCode::Conflict, format!("The key was revoked at {at}.")),
            KeyError::Expired { at } => Self::new(ErrorCode::Conflict, format!("The key expired at {at}.")),
            KeyError::ChangedMeanwhile | KeyError::RenamedMeanwhile => {
                Self::new(ErrorCode::Conflict, "The key was changed meanwhile. Look at it, and try again.")
            }
            KeyError::Replaced { by } => {
                Self::new(ErrorCode::Conflict, format!("The key was replaced before, by the key {by}."))
            }
            KeyError::ExpiryInThePast => Self::invalid(FieldErrors::one("expiresAt", KeyError::in_the_past())),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NoEndpoint => Self::not_found("webhook endpoint"),
            WebhookError::NoDelivery => Self::not_found("webhook delivery"),
            WebhookError::Invalid(errors) => Self::invalid(errors),
            WebhookError::TooMany => Self::new(
                ErrorCode::Conflict,
                format!(
                    "There are {MOST_ENDPOINTS} webhook endpoints already. Delete one, or let one take more event types."
                ),
            ),
            WebhookError::VaultLocked => {
                let what =
                    "The server has no key to keep signing secrets with. Its operator gives it one: BWP_SECRET_KEY.";
                Self::new(ErrorCode::ServiceUnavailable, what).retry_after(LATER).because("there is no BWP_SECRET_KEY")
            }
            WebhookError::EndpointDeleted => {
                Self::new(ErrorCode::Conflict, "The delivery's endpoint was deleted: there is nowhere to send it to.")
            }
        }
    }
}

impl From<Forbidden> for Problem {
    fn from(forbidden: Forbidden) -> Self {
        Self::new(ErrorCode::Forbidden, sentence(&forbidden.to_string()))
    }
}

/// A sentence of an error's text.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

impl Problem {
    /// There is no such resource: absent, deleted and another tenant's look alike.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no {what} with this id."))
    }
}

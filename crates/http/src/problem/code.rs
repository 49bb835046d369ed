//! The catalogue of error codes.

use actix_web::http::StatusCode;
use utoipa::ToSchema;

macro_rules! codes {
    ($($variant:ident = $text:literal, $status:ident, $title:literal, $meaning:literal, $advice:literal;)*) => {
        /// What kind of problem an error is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The code in words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// The HTTP status it comes with, unless a truer one is known (see [`Problem::bad_request`](super::Problem::bad_request)).
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),* }
            }

            /// When it is answered.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }

            /// What a client does about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice),* }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", BAD_REQUEST, "Bad request",
        "The request is malformed: its syntax, a query parameter, its JSON, a cursor, or a header.",
        "Correct the request. Sent again unchanged, it fails again.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "Unauthorized",
        "There is no credential, or it is malformed, unknown, revoked, expired or not allowed from this address.",
        "Check the `Authorization` header. A revoked key stays revoked: ask an admin for another.";
    TokenExpired = "token_expired", UNAUTHORIZED, "Token expired",
        "The OAuth access token has passed its lifetime.",
        "Refresh the token, then send the request again.";
    Forbidden = "forbidden", FORBIDDEN, "Forbidden",
        "The role of the user behind the credential lacks the permission, or a key asked for more than it holds itself.",
        "Read `detail`. Ask an admin of the tenant for what it says is missing.";
    ScopeInsufficient = "scope_insufficient", FORBIDDEN, "Scope insufficient",
        "The credential is valid and lacks a scope that the operation needs.",
        "Use a key or a token with the scopes that `detail` names.";
    SubscriptionInactive = "subscription_inactive", FORBIDDEN, "Subscription inactive",
        "The tenant has no active subscription.",
        "Renew the subscription; keys and tokens work again at once.";
    TenantSuspended = "tenant_suspended", FORBIDDEN, "Tenant suspended",
        "The operator has suspended the tenant.",
        "Ask the operator of the server.";
    NotFound = "not_found", NOT_FOUND, "Not found",
        "There is no such thing: it never was, it was deleted, or it belongs to another tenant.",
        "Check the path and the id.";
    Conflict = "conflict", CONFLICT, "Conflict",
        "The request does not fit the state of things, or a request with the same idempotency key is still running.",
        "With `Retry-After`: wait that long and send it again. Otherwise read the resource and decide anew.";
    IdempotencyKeyReused = "idempotency_key_reused", CONFLICT, "Idempotency key reused",
        "The idempotency key was used for a request with another method, path or body.",
        "Use a new key for each new operation.";
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "Validation failed",
        "Fields of the request are not valid. `errors` names every one of them.",
        "Correct the fields that `errors` names.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Rate limited",
        "The budget of the tenant or of the key is spent.",
        "Wait as long as `Retry-After` says.";
    InternalError = "internal_error", INTERNAL_SERVER_ERROR, "Internal error",
        "The server failed. Nothing was changed.",
        "Try once more, under the same idempotency key. If it fails again, report the `request_id`.";
    ServiceUnavailable = "service_unavailable", SERVICE_UNAVAILABLE, "Service unavailable",
        "Something that the server depends on is not there.",
        "Wait as long as `Retry-After` says, longer each time, and send it again under the same idempotency key.";
    Maintenance = "maintenance", SERVICE_UNAVAILABLE, "Maintenance",
        "The server is closed for planned work.",
        "Wait as long as `Retry-After` says, longer each time, and send it again under the same idempotency key.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_alike_everywhere() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}

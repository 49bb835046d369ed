//! Problem details (RFC 9457): how every error is answered.

mod code;
mod table;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use bwp_domain::fields::FieldErrors;
use bwp_web::{metrics::CredentialRefused, seldom::Seldom};
use serde::Serialize;
use utoipa::ToSchema;

pub use code::ErrorCode;

/// The most bytes of an answer that refuses a request: what [`FieldErrors`] keeps, what JSON puts around each, and the rest.
#[cfg(test)]
pub(crate) const MOST_BYTES: usize = FieldErrors::MOST_BYTES + 75 * FieldErrors::MOST + 1_024;

/// An error on its way to the client.
///
/// What the client is told and what the log is told are two texts: `detail` never holds what only the operator should
/// know, and `log` is never sent.
#[derive(Clone, Debug)]
pub struct Problem {
    code: ErrorCode,
    status: StatusCode,
    detail: String,
    /// In a box: a problem is the other side of every result, and seldom has any.
    errors: Box<FieldErrors>,
    headers: Vec<(header::HeaderName, header::HeaderValue)>,
    log: Option<String>,
    refused: Option<&'static str>,
}

/// The body of an error, as `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemDetails)]
pub(crate) struct ProblemDetails<'a> {
    /// The URL of the page that explains the code; its fragment is the code.
    #[serde(rename = "type")]
    #[schema(format = "uri", example = "http://127.0.0.1:8080/docs/errors#not_found")]
    kind: String,
    /// The code in words. The same for every problem of this code.
    #[schema(value_type = String, example = "Not found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    status: u16,
    /// What went wrong this time, and what to do about it.
    #[schema(value_type = String, example = "There is no contact with this id.")]
    detail: &'a str,
    /// What kind of problem it is, for programs.
    code: ErrorCode,
    /// The request's id, as in `X-Request-Id`.
    #[schema(value_type = String, example = "req_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    request_id: &'a str,
    /// Every failing field. Only with `validation_failed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<ProblemField<'a>>,
}

/// One failing field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemField)]
pub(crate) struct ProblemField<'a> {
    /// The field's name; a path inside lists. Empty for the body as a whole.
    #[schema(value_type = String, example = "email")]
    field: &'a str,
    /// What is wrong, for programs.
    #[schema(value_type = String, example = "invalid_format")]
    code: &'static str,
    /// What is wrong and how to put it right.
    #[schema(value_type = String, example = "Must be an e-mail address, such as name@example.com.")]
    message: &'a str,
}

/// Lines about strangers' requests that failed.
static FAILED: Seldom = Seldom::each_second();

impl Problem {
    /// The media type of every error.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A problem of this code, with a sentence on what went wrong and what to do.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            status: code.status(),
            detail: detail.into(),
            errors: Box::default(),
            headers: Vec::new(),
            log: None,
            refused: None,
        }
    }

    /// A `bad_request` with a truer status than 400, where the catalogue has no code of its own.
    pub fn bad_request(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, ..Self::new(ErrorCode::BadRequest, detail) }
    }

    /// A `validation_failed` that names every failing field.
    pub fn invalid(errors: FieldErrors) -> Self {
        let detail = match (errors.count(), errors.left_out()) {
            (1, _) => "1 field is not valid. See `errors`.".to_owned(),
            (count, 0) => format!("{count} fields are not valid. See `errors`."),
            (count, _) => format!("{count} fields are not valid. See `errors` for the first {}.", errors.iter().len()),
        };
        Self { errors: Box::new(errors), ..Self::new(ErrorCode::ValidationFailed, detail) }
    }

    /// The same problem with a header.
    #[must_use]
    pub fn with_header(mut self, name: header::HeaderName, value: header::HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same problem with `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with_header(header::RETRY_AFTER, seconds.into())
    }

    /// The same problem with a text for the log.
    #[must_use]
    pub fn because(mut self, log: impl Into<String>) -> Self {
        self.log = Some(log.into());
        self
    }

    /// The same problem, counted as a refused credential. `reason` is one of a few fixed words.
    pub(crate) fn refusing(self, reason: &'static str) -> Self {
        Self { refused: Some(reason), ..self }
    }

    /// What went wrong.
    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// How many bytes the answer's body has.
    #[cfg(test)]
    pub(crate) fn bytes(self) -> usize {
        let answer = self.into_response("http://127.0.0.1:8080/docs/errors", "req_01JD0C9Z3T7QWERTYV5K8M2N4P");
        actix_web::body::MessageBody::try_into_bytes(answer.into_body()).expect("a body at hand").len()
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What kind of problem it is.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The answer. `errors_url` is the address of the page that explains the codes.
    pub fn into_response(self, errors_url: &str, request_id: &str) -> HttpResponse {
        if let Some(log) = &self.log {
            if self.status.is_server_error() {
                if let Some(left_out) = FAILED.turn_of_request() {
                    tracing::error!(code = self.code.as_str(), left_out, "{log}");
                }
            } else {
                tracing::info!(code = self.code.as_str(), "{log}");
            }
        }
        let body = ProblemDetails {
            kind: format!("{errors_url}#{}", self.code.as_str()),
            title: self.code.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: self
                .errors
                .iter()
                .map(|e| ProblemField { field: &e.field, code: e.fault.code, message: &e.fault.message })
                .collect(),
        };
        let mut response = HttpResponse::build(self.status);
        for header in self.headers {
            response.insert_header(header);
        }
        if let Some(reason) = self.refused {
            response.extensions_mut().insert(CredentialRefused(reason));
        }
        response.content_type(Self::MEDIA_TYPE).body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

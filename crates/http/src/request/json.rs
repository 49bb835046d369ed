//! JSON bodies.

use actix_web::http::{StatusCode, header};
use bwp_domain::{
    fields::{Fault, FieldErrors},
    idempotency::Fingerprint,
};
use bwp_web::body::{self, BodyError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Call, Extract, idempotency, members};
use crate::{
    openapi::{self, fields::KnownFields},
    problem::{ErrorCode, Problem},
};

/// What a client sends in a body. Every field of it is a [`Field`](bwp_domain::fields::Field) (or has a default), so
/// that one that is wrong does not hide the others.
pub(crate) trait JsonBody: DeserializeOwned + ToSchema + 'static {
    /// What the body is about, as answers show it: its fields that a body cannot set are ignored, so that what was read
    /// can be edited and sent back.
    type Resource: ToSchema + 'static;

    /// A good body.
    fn example() -> Value;
}

/// A well-formed JSON body: an object, with what is wrong with the names of its fields.
pub(crate) struct Json<T> {
    pub(crate) value: T,
    /// Fields that nobody knows, and those that stand in it more than once.
    pub(crate) errors: FieldErrors,
    /// What makes this request the same as another one.
    pub(crate) fingerprint: Fingerprint,
}

impl<T: JsonBody> Extract for Json<T> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        check_media_type(call)?;
        let length = body::content_length(call.request);
        call.body_read = true;
        let bytes = body::read_body(call.payload, length, call.state.body_limits).await.map_err(too_much)?;
        if bytes.is_empty() {
            return Err(Problem::new(ErrorCode::BadRequest, "The body is empty. Send a JSON object."));
        }
        let (object, mut errors) = object(&bytes)?;
        KnownFields::of::<T>().check(&object, &mut errors);
        // Every field reports its own fault: what fails here is the shape of the object itself, and it has none.
        let value = serde_json::from_value(Value::Object(object)).map_err(|error| {
            Problem::invalid(FieldErrors::one("", Fault::new("invalid_type", format_args!("Wrong kind of value: {error}."))))
        })?;
        Ok(Self { value, errors, fingerprint: idempotency::fingerprint(call.request, &bytes) })
    }

    fn describe(input: &mut openapi::Input) {
        input.body = Some(openapi::Body { schema: openapi::request_schema::<T>, example: T::example() });
    }
}

/// The object, with the names that stand in it more than once.
fn object(bytes: &[u8]) -> Result<(Map<String, Value>, FieldErrors), Problem> {
    match members::read(bytes) {
        Ok((Value::Object(object), repeated)) => Ok((object, repeated)),
        Ok(_) => {
            let fault = Fault::new("invalid_type", "The body must be a JSON object.");
            Err(Problem::invalid(FieldErrors::one("", fault)))
        }
        Err(error) => Err(Problem::new(ErrorCode::BadRequest, format!("The body is not well-formed JSON: {error}."))),
    }
}

fn check_media_type(call: &Call<'_>) -> Result<(), Problem> {
    if call.request.headers().contains_key(header::CONTENT_ENCODING) {
        let detail = "Send the body as it is, without `Content-Encoding`.";
        return Err(Problem::bad_request(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let Some(value) = call.request.headers().get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    // RFC 6839: other media types written in JSON end in `+json`.
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || essence.to_ascii_lowercase().strip_prefix("application/").is_some_and(|subtype| subtype.ends_with("+json"));
    if is_json {
        return Ok(());
    }
    Err(Problem::bad_request(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Send the body as JSON, with the header `Content-Type: application/json`.",
    ))
}

fn too_much(error: BodyError) -> Problem {
    match error {
        BodyError::TooLarge { limit } => Problem::bad_request(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The body is too large. At most {limit} bytes are read."),
        ),
        BodyError::TooSlow { deadline } => Problem::bad_request(
            StatusCode::REQUEST_TIMEOUT,
            format!("The body did not arrive within {} seconds.", deadline.as_secs()),
        ),
        BodyError::Incomplete => Problem::new(ErrorCode::BadRequest, "The body ended before it was complete."),
    }
}

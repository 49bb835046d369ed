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

use super::{
    Call, Extract, Guarded, ReadOnlyFields, idempotency,
    members::{self, MOST_VALUES, Unreadable},
};
use crate::{
    openapi::{self, fields::KnownFields},
    problem::{ErrorCode, Problem},
};

/// What a client sends in a body. Every field of it is a [`Field`](bwp_domain::fields::Field) (or has a default), so
/// that one that is wrong does not hide the others.
pub(crate) trait JsonBody: DeserializeOwned + ToSchema + 'static {
    /// What the body is about, as answers show it: its fields that the body cannot set may be sent too, so that what was read can
    /// be edited and sent back.
    type Resource: ReadOnlyFields;

    /// A good body.
    fn example() -> Value;
}

/// A well-formed JSON body: an object, with what is wrong with the names of its fields.
pub(crate) struct Json<T> {
    pub(crate) value: T,
    /// Fields that nobody knows, and those that stand in it more than once.
    pub(crate) errors: FieldErrors,
    /// What it says of fields that it cannot set, for the command to hold against what is so.
    pub(crate) guarded: Guarded,
    /// What makes this request the same as another one.
    pub(crate) fingerprint: Fingerprint,
}

/// A well-formed JSON body: an object.
pub(crate) struct JsonObject {
    pub(crate) members: Map<String, Value>,
    /// Members that stand in it more than once.
    pub(crate) errors: FieldErrors,
    /// What makes this request the same as another one.
    pub(crate) fingerprint: Fingerprint,
}

impl Extract for JsonObject {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        check_media_type(call)?;
        let length = body::content_length(call.request);
        call.body_read = true;
        let bytes = body::read_body(call.payload, length, call.state.body_limits).await.map_err(too_much)?;
        if bytes.is_empty() {
            return Err(Problem::new(ErrorCode::BadRequest, "The body is empty. Send a JSON object."));
        }
        let (members, errors) = object(&bytes)?;
        Ok(Self { members, errors, fingerprint: idempotency::fingerprint(call.request, &bytes) })
    }
}

/// A JSON object, or no body at all: that is an object without members.
pub(crate) struct OptionalObject(pub(crate) JsonObject);

impl Extract for OptionalObject {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        let length = body::content_length(call.request);
        call.body_read = true;
        let bytes = body::read_body(call.payload, length, call.state.body_limits).await.map_err(too_much)?;
        let (members, errors) = if bytes.is_empty() {
            Default::default()
        } else {
            check_media_type(call)?;
            object(&bytes)?
        };
        Ok(Self(JsonObject { members, errors, fingerprint: idempotency::fingerprint(call.request, &bytes) }))
    }
}

impl<T: JsonBody> Extract for Json<T> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        let JsonObject { members, errors, fingerprint } = JsonObject::extract(call).await?;
        let (value, errors, guarded) = parse(members, errors)?;
        Ok(Self { value, errors, guarded, fingerprint })
    }

    fn describe(input: &mut openapi::Input) {
        input.body = Some(openapi::Body {
            schema: openapi::SchemaSource::by(openapi::request_schema::<T>),
            example: T::example(),
        });
    }
}

/// What a body says, with what is wrong with the names of its fields, and what it says of fields that it cannot set.
fn parse<T: JsonBody>(
    mut object: Map<String, Value>,
    mut errors: FieldErrors,
) -> Result<(T, FieldErrors, Guarded), Problem> {
    let guarded = KnownFields::of::<T>().check(&mut object, &mut errors);
    // Every field reports its own fault: what fails here is the shape of the object itself, and it has none.
    let value = serde_json::from_value(Value::Object(object)).map_err(|error| {
        Problem::invalid(FieldErrors::one(
            "",
            Fault::new("invalid_type", format_args!("Wrong kind of value: {error}.")),
        ))
    })?;
    Ok((value, errors, guarded))
}

/// The object, with the names that stand in it more than once.
fn object(bytes: &[u8]) -> Result<(Map<String, Value>, FieldErrors), Problem> {
    match members::read(bytes) {
        Ok((Value::Object(object), repeated)) => Ok((object, repeated)),
        Ok(_) => {
            let fault = Fault::new("invalid_type", "The body must be a JSON object.");
            Err(Problem::invalid(FieldErrors::one("", fault)))
        }
        Err(Unreadable::Malformed(error)) => {
            Err(Problem::new(ErrorCode::BadRequest, format!("The body is not well-formed JSON: {error}.")))
        }
        Err(Unreadable::TooManyValues) => {
            let fault = Fault::new("too_long", format_args!("The body has more than {MOST_VALUES} values."));
            Err(Problem::invalid(FieldErrors::one("", fault)))
        }
    }
}

fn check_media_type(call: &Call<'_>) -> Result<(), Problem> {
    if call.request.headers().get_all(header::CONTENT_ENCODING).any(|value| !is_identity(value)) {
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

/// Whether the codings of a body are none: `identity` is the name of that (RFC 9110, section 8.4.1).
fn is_identity(codings: &header::HeaderValue) -> bool {
    let mut codings = codings.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
}

pub(super) fn too_much(error: BodyError) -> Problem {
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

#[cfg(test)]
mod tests {
    use bwp_domain::{
        contacts::Contact,
        keys::KeyDraft,
        resource::{Body, Resource},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{api_keys::requests::UpdateBody, problem::MOST_BYTES, resource};

    /// How many bytes the refusal has, if the body is refused.
    fn refusal<T: JsonBody>(body: &str, read: impl Fn(T, FieldErrors) -> Result<(), FieldErrors>) -> usize {
        let outcome = object(body.as_bytes()).and_then(|(members, errors)| parse::<T>(members, errors));
        let refused = outcome.and_then(|(value, errors, _)| read(value, errors).map_err(Problem::invalid));
        refused.map_or_else(Problem::bytes, |()| 0)
    }

    fn refusals(body: &str) -> usize {
        let contact = object(body.as_bytes()).and_then(|(members, errors)| {
            let fingerprint = Fingerprint::of("PATCH", "/", body.as_bytes());
            resource::read(Contact::SHAPE, &Body::Change, &JsonObject { members, errors, fingerprint })
        });
        let key = |value: UpdateBody, errors| KeyDraft::from(value).edit(errors).map(|_| ());
        contact.map_or_else(Problem::bytes, |_| 0).max(refusal(body, key))
    }

    /// A text as JSON writes it, short or long, with and without what is escaped.
    fn texts() -> impl Strategy<Value = String> {
        let long = ("[a-z\u{1}\"\u{7f}é🏗]", 0_usize..5_000).prop_map(|(one, times)| one.repeat(times));
        let known = prop::sample::select(vec!["firstName", "email", "type", "name", "allowlist", "status", "id"]);
        prop_oneof![any::<String>(), long, known.prop_map(str::to_owned)].prop_map(|text| Value::from(text).to_string())
    }

    /// JSON in which names are repeated.
    fn bodies() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![texts(), Just("0".to_owned()), Just("null".to_owned())];
        let inner = leaf.prop_recursive(3, 64, 4, |inner| {
            let members = prop::collection::vec((texts(), inner.clone(), 1_usize..150), 0..4);
            let lists =
                (inner, 0_usize..300).prop_map(|(item, times)| format!("[{}]", repeated(item, times).join(",")));
            prop_oneof![members.prop_map(|members| object_of(&members)), lists]
        });
        prop::collection::vec((texts(), inner, 1_usize..150), 1..4).prop_map(|members| object_of(&members))
    }

    fn object_of(members: &[(String, String, usize)]) -> String {
        let all = members.iter().flat_map(|(name, value, times)| repeated(format!("{name}:{value}"), *times));
        format!("{{{}}}", all.collect::<Vec<_>>().join(","))
    }

    /// A text so many times, unless that is longer than a body: then once.
    fn repeated(text: String, times: usize) -> Vec<String> {
        let times = if text.len() * times > 200_000 { 1 } else { times };
        vec![text; times]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_refusal_is_bounded_whatever_the_body_is(body in bodies()) {
            prop_assert!(refusals(&body) <= MOST_BYTES);
        }
    }

    #[test]
    fn so_it_is_for_the_longest_names_and_lists() {
        let name = "a".repeat(1_000_000);
        for body in [
            format!("{{\"{name}\":{{{}\"b\":0}}}}", "\"b\":0,".repeat(101)),
            format!("{{{}\"a\":0}}", "\"a\":0,".repeat(40_000)),
            format!("{{{}\"a\":0}}", (0..40_000).map(|n| format!("\"x{n}\":0,")).collect::<Vec<_>>().concat()),
            format!("{{\"allowlist\":[{}0]}}", "0,".repeat(40_000)),
            format!("{{\"allowlist\":[{}0]}}", "0,".repeat(500_000)),
            format!("{{\"allowlist\":[{}\"\"]}}", format!("\"{}\",", "\\u0001".repeat(1_500)).repeat(99)),
            format!("{{\"allowlist\":\"{name}\",\"email\":\"{name}\",\"name\":\"{name}\"}}"),
        ] {
            let bytes = refusals(&body);
            assert!((200..=MOST_BYTES).contains(&bytes), "{bytes} of {}", body.get(..40).unwrap_or(&body));
        }
    }
}

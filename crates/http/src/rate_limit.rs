//! Charging a request to its caller's budgets, and saying how they stand.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bwp_domain::{
    principal::Credential,
    rate_limits::{Admission, Counter, Layer, Standing},
};
use serde_json::{Map, Value, json};

use crate::{
    openapi::Input,
    problem::{ErrorCode, Problem},
    request::{Call, Extract},
    state::ApiState,
};

/// The headers of one layer: limit, remaining and reset, as section 8 of the behaviour page names them.
struct LayerHeaders {
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
}

const TENANT_HEADERS: LayerHeaders = LayerHeaders {
    limit: HeaderName::from_static("ratelimit-tenant-limit"),
    remaining: HeaderName::from_static("ratelimit-tenant-remaining"),
    reset: HeaderName::from_static("ratelimit-tenant-reset"),
};
const KEY_HEADERS: LayerHeaders = LayerHeaders {
    limit: HeaderName::from_static("ratelimit-key-limit"),
    remaining: HeaderName::from_static("ratelimit-key-remaining"),
    reset: HeaderName::from_static("ratelimit-key-reset"),
};
/// The two fields of draft-ietf-httpapi-ratelimit-headers, sections 3 and 4: lists of items with parameters (RFC 9651).
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// Charges a request of this cost to its caller's budgets.
pub(crate) async fn charge(state: &ApiState, credential: &Credential, cost: u32) -> Result<Admission, Problem> {
    Ok(state.rate_limits.charge(credential.tenant().id, &credential.budgets(), cost).await?)
}

/// Refuses the request if a budget is spent.
pub(crate) fn admit(admission: &Admission) -> Result<(), Problem> {
    match admission {
        Admission::Admitted(_) => Ok(()),
        Admission::Refused { layer, standing } => Err(refusal(*layer, standing)),
    }
}

/// How the caller's budgets stand, this request included, for a handler that tells it.
pub(crate) struct Charged(pub(crate) Standing);

impl Extract for Charged {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        // A handler that takes this waits until the request is charged.
        let charged = call.standing.map(Self);
        charged.ok_or_else(|| Problem::new(ErrorCode::InternalError, "The server failed.").because("not charged yet"))
    }

    fn describe(input: &mut Input) {
        input.standing = true;
    }
}

/// Puts the headers that say how the budgets stand. A layer without a limit has none.
pub(crate) fn write_headers(headers: &mut HeaderMap, standing: &Standing) {
    let (mut policy, mut current) = (Vec::with_capacity(64), Vec::with_capacity(64));
    let layers = [("tenant", TENANT_HEADERS, Some(&standing.tenant)), ("key", KEY_HEADERS, standing.key.as_ref())];
    for (name, own, counter) in layers {
        let Some(counter) = counter.filter(|counter| counter.is_limited()) else { continue };
        headers.insert(own.limit, counter.limit.into());
        headers.insert(own.remaining, counter.remaining.into());
        headers.insert(own.reset, counter.reset_seconds.into());
        item(&mut policy, name, b";q=", counter.limit, b";w=", counter.window_seconds);
        item(&mut current, name, b";r=", counter.remaining, b";t=", counter.reset_seconds);
    }
    for (name, value) in [(POLICY, policy), (STANDING, current)] {
        // It is made of visible ASCII characters alone, and so is a value.
        if !value.is_empty()
            && let Ok(value) = HeaderValue::from_maybe_shared(actix_web::web::Bytes::from(value))
        {
            headers.insert(name, value);
        }
    }
}

/// One more item of a structured list: `"name";a=1;b=2`.
fn item(list: &mut Vec<u8>, name: &str, first: &[u8], one: u32, second: &[u8], other: u32) {
    let mut number = itoa::Buffer::new();
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.push(b'"');
    list.extend_from_slice(name.as_bytes());
    list.push(b'"');
    list.extend_from_slice(first);
    list.extend_from_slice(number.format(one).as_bytes());
    list.extend_from_slice(second);
    list.extend_from_slice(number.format(other).as_bytes());
}

/// A budget is spent: which, and what to do.
fn refusal(layer: Layer, standing: &Standing) -> Problem {
    let Counter { limit, reset_seconds, .. } = *standing.of(layer).unwrap_or(&standing.tenant);
    let seconds = match reset_seconds {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    };
    let budget = match layer {
        Layer::Tenant => {
            format!("The tenant's budget of {limit} units an hour, which all of its keys and apps share, is spent.")
        }
        Layer::Key => format!("The key's budget of {limit} requests a minute is spent."),
    };
    Problem::new(ErrorCode::RateLimited, format!("{budget} Send the request again in {seconds}."))
        .retry_after(reset_seconds)
}

/// The headers as the OpenAPI document describes them, by name.
pub(crate) fn described() -> Vec<(&'static str, Value)> {
    let number = |description: &str, example: u32| json!({ "description": description, "schema": { "type": "integer", "minimum": 0 }, "example": example });
    let list = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    vec![
        (
            "RateLimit-Tenant-Limit",
            number("How many units an hour the tenant may spend, with all of its keys.", 10_000),
        ),
        ("RateLimit-Tenant-Remaining", number("How many of them are left.", 9_995)),
        ("RateLimit-Tenant-Reset", number("In how many seconds more of them are left.", 3_600)),
        ("RateLimit-Key-Limit", number("How many requests a minute may be sent with the key.", 60)),
        ("RateLimit-Key-Remaining", number("How many of them are left.", 59)),
        ("RateLimit-Key-Reset", number("In how many seconds more of them are left.", 60)),
        ("RateLimit-Policy", list("The limits: `q` in `w` seconds.", "\"tenant\";q=10000;w=3600, \"key\";q=60;w=60")),
        (
            "RateLimit",
            list("What is left of them: `r`, and more in `t` seconds.", "\"tenant\";r=9995;t=3600, \"key\";r=59;t=60"),
        ),
    ]
}

/// Names the headers among those of an answer in the document.
pub(crate) fn refer(headers: &mut Value) {
    let references = described()
        .into_iter()
        .map(|(name, _)| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect::<Map<_, _>>();
    if let Some(headers) = headers.as_object_mut() {
        headers.extend(references);
    }
}

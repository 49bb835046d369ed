//! The `Idempotency-Key` header.

use actix_web::HttpRequest;
use bwp_domain::idempotency::{Fingerprint, IdempotencyKey, KeyedRequest};

use super::{Call, Extract};
use crate::{
    openapi::{self, KeyUse},
    problem::{ErrorCode, Problem},
};

/// The header's name.
pub(crate) const HEADER: &str = "Idempotency-Key";

/// The idempotency key, if there is one, of an operation that has a body.
pub(crate) struct Keyed(Option<IdempotencyKey>);

/// The idempotency key, if there is one, of an operation that has no body.
pub(crate) struct KeyedEmpty(pub(crate) Option<KeyedRequest>);

impl Keyed {
    /// The keyed request, now that its body is known.
    pub(crate) fn with(self, fingerprint: Fingerprint) -> Option<KeyedRequest> {
        self.0.map(|key| KeyedRequest { key, fingerprint })
    }
}

impl Extract for Keyed {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        read(call.request).map(Self)
    }

    fn describe(input: &mut openapi::Input) {
        input.key = KeyUse::Used;
    }
}

impl Extract for KeyedEmpty {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        let key = Keyed(read(call.request)?);
        Ok(Self(key.with(fingerprint(call.request, b""))))
    }

    fn describe(input: &mut openapi::Input) {
        input.key = KeyUse::Used;
    }
}

/// An idempotency key that has no meaning, because the operation changes nothing.
pub(crate) struct KeyIgnored;

impl Extract for KeyIgnored {
    async fn extract(_call: &mut Call<'_>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn describe(input: &mut openapi::Input) {
        input.key = KeyUse::Ignored;
    }
}

/// What makes this request the same as another one.
pub(crate) fn fingerprint(request: &HttpRequest, body: &[u8]) -> Fingerprint {
    Fingerprint::of(request.method().as_str(), request.path(), body)
}

fn read(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = request.headers().get_all(HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| IdempotencyKey::parse(text).ok());
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        (_, Some(_)) => Err(Problem::new(ErrorCode::BadRequest, "Send one `Idempotency-Key` header, not several.")),
        (None, None) => Err(Problem::new(
            ErrorCode::BadRequest,
            "`Idempotency-Key`: send 1 to 255 visible ASCII characters without spaces, such as a UUID.",
        )),
    }
}

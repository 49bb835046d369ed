//! Forms, as browsers send them (`application/x-www-form-urlencoded`, WHATWG URL Standard, section 5).

use std::time::Duration;

use actix_web::{HttpRequest, dev::Payload, http::header::CONTENT_TYPE};
use bwp_domain::idempotency::{Fingerprint, IdempotencyKey, KeyedRequest};
use bwp_web::body::{self, BodyError, BodyLimits};

use crate::trouble::Trouble;

/// The field that carries the token against forged requests.
pub(crate) const TOKEN: &str = "csrf";
/// The field that tells one showing of a form from another.
pub(crate) const NONCE: &str = "form";

/// The longest form, in bytes. The largest that a page sends is that of a key with a full allowlist, twice: some 13,000.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// The most fields: each is kept as two texts, though it may have come as two bytes. The largest form of ours has some 60.
pub(crate) const MAX_FIELDS: usize = 300;

/// What was filled in: passwords and tokens among it, so that there is no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    path: String,
}

impl Form {
    /// Reads a form within bounds of its own: anybody may send one, and what is kept of it waits while a password is looked
    /// at.
    pub(crate) async fn read(
        request: &HttpRequest,
        payload: &mut Payload,
        deadline: Duration,
    ) -> Result<Self, Trouble> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Trouble::NotAForm);
        }
        let length = body::content_length(request);
        let limits = BodyLimits { max_bytes: MAX_BYTES, deadline };
        let bytes = body::read_body(payload, length, limits).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => Trouble::TooLarge,
            BodyError::TooSlow { .. } | BodyError::Incomplete => Trouble::NotAForm,
        })?;
        let fields = parse(&bytes).ok_or(Trouble::TooManyFields)?;
        Ok(Self { fields, path: request.path().to_owned() })
    }

    /// The field's text; empty if it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// Whether the field was sent, as a ticked box or a pressed button is.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// The texts of all fields of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The lines of a field, without the empty ones, each with its number from 1.
    pub(crate) fn lines(&self, name: &str) -> Vec<(usize, String)> {
        let lines = self.get(name).lines().map(str::trim).enumerate();
        lines.filter(|(_, line)| !line.is_empty()).map(|(n, line)| (n + 1, line.to_owned())).collect()
    }

    /// What makes a form that is sent again (by a reload, by a second click) the same request.
    pub(crate) fn keyed(&self) -> Option<KeyedRequest> {
        let key = IdempotencyKey::parse(&format!("form:{}", self.get(NONCE))).ok()?;
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(self.fields.iter().filter(|(name, _)| name != TOKEN));
        let fingerprint = Fingerprint::of("POST", &self.path, body.finish().as_bytes());
        Some(KeyedRequest { key, fingerprint })
    }
}

/// The fields, unless there are too many. They are counted before any is kept.
fn parse(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let fields = form_urlencoded::parse(bytes);
    if fields.clone().nth(MAX_FIELDS).is_some() {
        return None;
    }
    Some(fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_a_bounded_number_of_fields() {
        let most = "a&".repeat(MAX_FIELDS - 1) + "b=1";
        let fields = parse(most.as_bytes()).expect("as many as there may be");
        assert_eq!((fields.len(), fields.last()), (MAX_FIELDS, Some(&("b".to_owned(), "1".to_owned()))));
        assert_eq!(parse(format!("{most}&c").as_bytes()), None);
        // What is between two of them and is none is not kept.
        assert_eq!(parse("&".repeat(MAX_BYTES).as_bytes()), Some(Vec::new()));
    }
}

//! Forms, as browsers send them (`application/x-www-form-urlencoded`, WHATWG URL Standard, section 5).

use actix_web::{HttpRequest, dev::Payload, http::header::CONTENT_TYPE};
use bwp_domain::idempotency::{Fingerprint, IdempotencyKey, KeyedRequest};
use bwp_web::body::{self, BodyLimits};

use crate::trouble::Trouble;

/// The field that carries the token against forged requests.
pub(crate) const TOKEN: &str = "csrf";
/// The field that tells one showing of a form from another.
pub(crate) const NONCE: &str = "form";

/// What was filled in: passwords and tokens among it, so that there is no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    path: String,
}

impl Form {
    pub(crate) async fn read(
        request: &HttpRequest,
        payload: &mut Payload,
        limits: BodyLimits,
    ) -> Result<Self, Trouble> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Trouble::NotAForm);
        }
        let length = body::content_length(request);
        let bytes = body::read_body(payload, length, limits).await.map_err(|_| Trouble::NotAForm)?;
        let fields = form_urlencoded::parse(&bytes).map(|(name, value)| (name.into_owned(), value.into_owned()));
        Ok(Self { fields: fields.collect(), path: request.path().to_owned() })
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

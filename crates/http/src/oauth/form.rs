//! Bodies of apps.

use actix_web::{HttpRequest, dev::Payload, http::header::CONTENT_TYPE};
use bwp_web::body::{self, BodyLimits};

use super::answer::OauthError;
use crate::state::ApiState;

/// The most bytes of a body.
const MAX_BYTES: usize = 64 * 1024;

/// The body, if its media type is this one.
pub(super) async fn body(
    request: &HttpRequest,
    payload: &mut Payload,
    state: &ApiState,
    media_type: &str,
) -> Result<Option<Vec<u8>>, OauthError> {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type) {
        return Ok(None);
    }
    let limits = BodyLimits { max_bytes: MAX_BYTES, deadline: state.body_limits.deadline };
    let read = body::read_body(payload, body::content_length(request), limits).await;
    read.map(|bytes| Some(bytes.to_vec()))
        .map_err(|_| OauthError::invalid_request("the body is too large or did not arrive"))
}

/// The parameters of a form, none of them twice (RFC 6749, section 3.2). Tokens and secrets are among them, so that there is no
/// `Debug`. One without a value is as one that was not sent.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) async fn read(
        request: &HttpRequest,
        payload: &mut Payload,
        state: &ApiState,
    ) -> Result<Self, OauthError> {
        let bytes = body(request, payload, state, "application/x-www-form-urlencoded").await?.ok_or_else(|| {
            OauthError::invalid_request("send a form: Content-Type: application/x-www-form-urlencoded")
        })?;
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(&bytes) {
            if fields.len() == 50 {
                return Err(OauthError::invalid_request("there are too many parameters"));
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(OauthError::invalid_request(format!("{name} is there twice")));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let sent = self.0.iter().find(|(known, _)| known == name);
        sent.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::invalid_request(format!("{name} is missing")))
    }
}

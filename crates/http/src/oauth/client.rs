//! Which client asks (RFC 6749, section 2.3).

use actix_web::{HttpRequest, http::header::AUTHORIZATION};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bwp_domain::{ids::ClientPublicId, oauth::Client};

use super::{answer::OauthError, form::Form};
use crate::state::ApiState;

/// The client, which has proven itself if it has a secret.
pub(super) async fn authenticated(request: &HttpRequest, form: &Form, state: &ApiState) -> Result<Client, OauthError> {
    let by_header = request.headers().contains_key(AUTHORIZATION);
    let refused = |why: &str| OauthError::invalid_client(why, by_header);
    let basic =
        if by_header { Some(basic(request).ok_or_else(|| refused("Basic credentials are expected"))?) } else { None };
    if basic.is_some() && form.get("client_secret").is_some() {
        return Err(OauthError::invalid_request("send the secret in the header or in the body, not in both"));
    }
    let named = form.get("client_id");
    let (id, secret) = match &basic {
        Some((id, _)) if named.is_some_and(|named| named != id) => {
            return Err(refused("the header and the body name two clients"));
        }
        Some((id, secret)) => (id.as_str(), Some(secret.as_str())),
        None => (form.need("client_id")?, form.get("client_secret")),
    };
    let known = match id.parse::<ClientPublicId>() {
        // A client is called by one name, letter by letter.
        Ok(parsed) if parsed.to_string() == id => state.oauth.find_client(parsed).await?,
        _ => None,
    };
    let client = known.ok_or_else(|| refused("the client is not known"))?;
    match secret {
        None if client.metadata.is_public() => Ok(client),
        None => Err(refused("the client must prove itself by its secret")),
        Some(_) if client.metadata.is_public() => Err(refused("the client has no secret")),
        Some(secret) if client.is_proven_by(secret) => Ok(client),
        Some(_) => Err(refused("the secret is wrong")),
    }
}

/// Id and secret in `Authorization: Basic`: each form-encoded, then both together in base64 (RFC 6749, section 2.3.1).
fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let (scheme, encoded) = values.next()?.to_str().ok()?.split_once(' ')?;
    if values.next().is_some() || !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    // One name without a value: what the serializer of forms makes of a text.
    let decoded = |text: &str| form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned());
    Some((decoded(id)?, decoded(secret).unwrap_or_default()))
}

//! What an app is told with a refusal of its token (RFC 6750, section 3; RFC 9728, section 5.1).

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE},
    },
};
use bwp_domain::{
    oauth::{AccessToken, Resource},
    scopes::ScopeSet,
};

use super::discovery::address_of;

/// Tells an app whose token was refused where to learn how to get another one, and all scopes that the operation needs.
pub(crate) fn challenge(request: &HttpRequest, response: &mut HttpResponse, needs: ScopeSet, public_url: &str) {
    if !response.headers().contains_key(WWW_AUTHENTICATE) || !shows_token(request) {
        return;
    }
    let found = address_of(public_url, Resource::Api);
    let text = match response.status() {
        StatusCode::UNAUTHORIZED => format!("Bearer error=\"invalid_token\", resource_metadata=\"{found}\""),
        StatusCode::FORBIDDEN => {
            format!("Bearer error=\"insufficient_scope\", scope=\"{needs}\", resource_metadata=\"{found}\"")
        }
        _ => return,
    };
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
}

fn shows_token(request: &HttpRequest) -> bool {
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    shown.split_once(' ').is_some_and(|(_, token)| token.trim().starts_with(AccessToken::PREFIX))
}

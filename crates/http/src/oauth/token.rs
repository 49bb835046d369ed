//! `POST /oauth/token` (RFC 6749, section 3.2) and `POST /oauth/revoke` (RFC 7009).

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Payload},
};
use bwp_domain::oauth::{
    ACCESS_LIFETIME, Client, CodeShown, GrantType, Issued, RefreshShown, Resource, TokenError, Verifier, asked_scopes,
    redeem, refresh, revoke as revoke_token,
};
use serde_json::{Value, json};

use super::{
    answer::{OauthError, json_answer, opened},
    client::authenticated,
    form::Form,
};
use crate::state::ApiState;

pub(super) async fn token(request: HttpRequest, payload: Payload, state: Data<ApiState>) -> HttpResponse {
    let mut payload = payload.into_inner();
    let work = async {
        let form = Form::read(&request, &mut payload, &state).await?;
        let client = authenticated(&request, &form, &state).await?;
        issue(&state, &client, &form).await
    };
    work.await.map_or_else(OauthError::into_response, |issued| json_answer(StatusCode::OK, &shown(&issued)))
}

async fn issue(state: &ApiState, client: &Client, form: &Form) -> Result<Issued, OauthError> {
    let kind = form.need("grant_type")?;
    let kind = GrantType::parse(kind).ok_or_else(|| {
        OauthError::new("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
    })?;
    if !client.metadata.grant_types().contains(&kind) {
        return Err(OauthError::new("unauthorized_client", "the client did not register for this grant type"));
    }
    let resource = match form.get("resource") {
        None => None,
        Some(identifier) => Some(
            Resource::named(identifier, &state.public_url)
                .ok_or_else(|| OauthError::new("invalid_target", "the resource is not one of this server"))?,
        ),
    };
    let (store, environment) = (&*state.store, &state.environment);
    let issued = match kind {
        GrantType::AuthorizationCode => {
            let code = form.need("code")?;
            let verifier = Verifier::parse(form.need("code_verifier")?).ok();
            let shown = CodeShown { code, verifier, redirect_uri: form.get("redirect_uri"), resource };
            redeem(store, environment, client, &shown).await
        }
        GrantType::RefreshToken => {
            let token = form.need("refresh_token")?;
            let scopes = match form.get("scope") {
                None => None,
                Some(text) => {
                    Some(asked_scopes(text).map_err(|error| OauthError::new("invalid_scope", error.to_string()))?)
                }
            };
            refresh(store, environment, client, &RefreshShown { token, scopes, resource }).await
        }
    };
    issued.map_err(|error| match error {
        TokenError::InvalidGrant(_) => OauthError::new("invalid_grant", error.to_string()),
        TokenError::InvalidScope(_) => OauthError::new("invalid_scope", error.to_string()),
        TokenError::InvalidTarget => OauthError::new("invalid_target", error.to_string()),
        TokenError::Store(error) => error.into(),
    })
}

fn shown(issued: &Issued) -> Value {
    let mut body = json!({
        "access_token": issued.access.expose(),
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFETIME.as_secs(),
        "scope": issued.scopes.to_string(),
    });
    if let Some(refresh) = &issued.refresh {
        body["refresh_token"] = refresh.expose().into();
    }
    body
}

pub(super) async fn revoke(request: HttpRequest, payload: Payload, state: Data<ApiState>) -> HttpResponse {
    let mut payload = payload.into_inner();
    let work = async {
        let form = Form::read(&request, &mut payload, &state).await?;
        let token = form.need("token")?;
        let client = authenticated(&request, &form, &state).await?;
        Ok::<_, OauthError>(revoke_token(&*state.store, &state.environment, &client, token).await?)
    };
    work.await.map_or_else(OauthError::into_response, |()| opened(HttpResponse::Ok().finish()))
}

//! `POST /oauth/register` (RFC 7591).

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Payload},
};
use bwp_domain::{
    ids::ClientPublicId,
    oauth::{Client, ClientMetadata, ClientSecret, RedirectUri, Registration, RegistrationError, ports::ClientRecord},
};
use bwp_web::client_address::ClientAddress;
use serde_json::{Map, Value, json};

use super::{
    answer::{OauthError, json_answer},
    form::body,
};
use crate::state::ApiState;

pub(super) async fn register(request: HttpRequest, payload: Payload, state: Data<ApiState>) -> HttpResponse {
    let mut payload = payload.into_inner();
    let outcome = answer(&request, &mut payload, &state).await;
    outcome.map_or_else(OauthError::into_response, |body| json_answer(StatusCode::CREATED, &body))
}

async fn answer(
    request: &HttpRequest,
    payload: &mut actix_web::dev::Payload,
    state: &ApiState,
) -> Result<Value, OauthError> {
    let now = state.environment.clock.now();
    state.registrations.try_one(ClientAddress::of(request), now).map_err(OauthError::too_many)?;
    let not_json = || invalid("send a JSON object");
    let bytes = body(request, payload, state, "application/json").await?.ok_or_else(not_json)?;
    let sent: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| not_json())?;
    let metadata = ClientMetadata::parse(registration(&sent)?).map_err(refusal)?;
    let entropy = &*state.environment.entropy;
    let secret = (!metadata.is_public()).then(|| ClientSecret::generate(entropy));
    let record = ClientRecord {
        public_id: ClientPublicId::generate(now, entropy),
        metadata,
        secret: secret.as_ref().map(ClientSecret::hash),
        created_at: now,
    };
    let mut uow = state.store.begin().await?;
    let client = match uow.oauth().insert_client(record).await {
        Ok(client) => client,
        Err(error) => {
            // A connection that cannot roll back is dropped: that changes nothing.
            let _ = uow.rollback().await;
            return Err(error.into());
        }
    };
    uow.commit().await?;
    Ok(shown(&client, secret.as_ref()))
}

fn invalid(description: &str) -> OauthError {
    OauthError::new("invalid_client_metadata", description)
}

fn refusal(error: RegistrationError) -> OauthError {
    match error {
        RegistrationError::Metadata(text) => OauthError::new("invalid_client_metadata", text),
        RegistrationError::RedirectUri(text) => OauthError::new("invalid_redirect_uri", text),
        RegistrationError::Scope(text) => OauthError::new("invalid_scope", text),
    }
}

/// The members that count, as they were sent. `null` is as nothing, and others are ignored (RFC 7591, section 2).
fn registration(sent: &Map<String, Value>) -> Result<Registration, OauthError> {
    let member = |name: &str| sent.get(name).filter(|value| !value.is_null());
    let text = |name: &str| match member(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid(&format!("{name} must be a string"))),
    };
    let texts = |name: &str| match member(name) {
        None => Ok(None),
        Some(Value::Array(all)) => {
            let all: Option<Vec<_>> = all.iter().map(|one| one.as_str().map(str::to_owned)).collect();
            all.map(Some).ok_or_else(|| invalid(&format!("{name} must be a list of strings")))
        }
        Some(_) => Err(invalid(&format!("{name} must be a list of strings"))),
    };
    Ok(Registration {
        name: text("client_name")?,
        redirect_uris: texts("redirect_uris")?,
        auth_method: text("token_endpoint_auth_method")?,
        grant_types: texts("grant_types")?,
        response_types: texts("response_types")?,
        scope: text("scope")?,
        contact: text("contact")?,
    })
}

/// What was kept.
fn shown(client: &Client, secret: Option<&ClientSecret>) -> Value {
    let metadata = &client.metadata;
    let mut body = json!({
        "client_id": client.public_id,
        "client_id_issued_at": client.created_at.unix_millis() / 1000,
        "client_name": metadata.name,
        "redirect_uris": metadata.redirect_uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>(),
        "grant_types": metadata.grant_types().iter().map(|one| one.as_str()).collect::<Vec<&str>>(),
        "response_types": ["code"],
        "scope": metadata.scopes.to_string(),
        "token_endpoint_auth_method": metadata.auth_method.as_str(),
    });
    if let Some(contact) = &metadata.contact {
        body["contact"] = json!(**contact);
    }
    if let Some(secret) = secret {
        body["client_secret"] = secret.expose().into();
        body["client_secret_expires_at"] = 0.into();
    }
    body
}

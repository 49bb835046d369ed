//! `GET /me`: what a key is.

use actix_web::HttpResponse;
use bwp_domain::principal::Credential;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::Problem,
    request::Authorized,
    routes::Context,
};

/// The key or token that a request was sent with.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// The key's id. `null` for an app.
    #[schema(example = "key_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    #[serde(rename = "keyId")]
    key_id: Option<String>,
    /// The key's name, or what the app calls itself.
    #[schema(example = "nightly sync")]
    #[serde(rename = "keyName")]
    key_name: String,
    /// The tenant's id.
    #[schema(value_type = String, example = "tnt_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    #[serde(rename = "tenantId")]
    tenant_id: String,
    /// What may be done with it.
    #[schema(value_type = Vec<String>, example = json!(["contacts:read"]))]
    scopes: Vec<&'static str>,
}

pub(crate) const TAG: Tag = Tag { name: "Observability", description: "The calling key, and what was done with it." };

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get_at_once("/me", me)
            .named("getMe", TAG)
            .summary("Get the calling key")
            .description("Tells which key a request is sent with, whose it is and what it may do. Needs no scope.")
            .replies(Reply::data::<Me>("The key.")),
    ]
}

async fn me(context: Context, caller: Authorized<AnyCredential>) -> Result<HttpResponse, Problem> {
    let credential = caller.credential();
    let data = Me {
        key_id: credential.key().map(|key| key.public_id.to_string()),
        key_name: match credential {
            Credential::Key(credential) => credential.key.name.as_str().to_owned(),
            Credential::App(app) => app.app.clone(),
        },
        tenant_id: credential.tenant().public_id.to_string(),
        scopes: credential.scopes().iter().map(bwp_domain::scopes::ScopeId::as_str).collect(),
    };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

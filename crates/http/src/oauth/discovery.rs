//! What apps find their way by: authorization server metadata (RFC 8414) and protected resource metadata (RFC 9728).

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
    web::{self, Data, ServiceConfig},
};
use bwp_domain::{
    oauth::{AuthMethod, GrantType, Resource},
    scopes::{ScopeId, ScopeSet},
};
use serde_json::{Value, json};

use super::answer::{json_answer, only_get, preflight};
use crate::state::ApiState;

const SERVER: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// Where the metadata of a resource of this server is.
pub(super) fn address_of(public_url: &str, resource: Resource) -> String {
    format!("{public_url}{RESOURCE}{}", resource.path())
}

pub(super) fn configure(config: &mut ServiceConfig) {
    let document = |path: &str| {
        web::resource(path.to_owned())
            .route(web::route().method(Method::OPTIONS).to(preflight))
            .default_service(web::to(only_get))
    };
    config.service(document(SERVER).route(web::get().to(server)));
    for resource in Resource::ALL {
        let answer = move |state: Data<ApiState>| async move { found(&about(&state.public_url, resource)) };
        config.service(document(&format!("{RESOURCE}{}", resource.path())).route(web::get().to(answer)));
    }
}

fn found(body: &Value) -> HttpResponse {
    json_answer(StatusCode::OK, body)
}

/// The scopes that apps may be given: all but those over keys.
pub(super) fn given() -> Vec<ScopeId> {
    let never = ScopeSet::of(&[ScopeId::ApiKeysRead, ScopeId::ApiKeysManage]);
    ScopeId::ALL.iter().copied().filter(|scope| !never.contains(*scope)).collect()
}

fn scopes() -> Vec<&'static str> {
    given().into_iter().map(ScopeId::as_str).collect()
}

async fn server(state: Data<ApiState>) -> HttpResponse {
    let url = &state.public_url;
    let endpoint = |name: &str| format!("{url}/api/v1/oauth/{name}");
    let methods: Vec<_> = AuthMethod::ALL.iter().map(|method| method.as_str()).collect();
    found(&json!({
        "issuer": &**url,
        "authorization_endpoint": endpoint("authorize"),
        "token_endpoint": endpoint("token"),
        "revocation_endpoint": endpoint("revoke"),
        "registration_endpoint": endpoint("register"),
        "userinfo_endpoint": endpoint("userinfo"),
        "scopes_supported": scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GrantType::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "authorization_response_iss_parameter_supported": true,
    }))
}

fn about(public_url: &str, resource: Resource) -> Value {
    json!({
        "resource": format!("{public_url}{}", resource.path()),
        "authorization_servers": [public_url],
        "scopes_supported": scopes(),
        "bearer_methods_supported": ["header"],
    })
}

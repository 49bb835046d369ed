//! `GET /oauth/userinfo`: for whom a credential acts.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Payload, ServiceConfig},
};
use bwp_domain::{
    paging::{Limit, PageRequest},
    principal::Credential,
    scopes::ScopeId,
    users::{Role, User},
};
use serde_json::json;

use super::answer::{only_get, opened, preflight};
use crate::{
    operation::Operation,
    privileges::AnyCredential,
    problem::Problem,
    request::Authorized,
    routes::{BASE_PATH, Context},
};

/// Where it is, below the base path.
pub(crate) const PATH: &str = "/oauth/userinfo";

pub(super) fn configure(config: &mut ServiceConfig) {
    let run = Operation::get(PATH, userinfo).run();
    let resource = web::resource(format!("{BASE_PATH}{PATH}"))
        .route(web::get().to(move |request: HttpRequest, payload: Payload| {
            let answer = run(request, payload.into_inner());
            async move { opened(answer.await) }
        }))
        .route(web::route().method(Method::OPTIONS).to(preflight))
        .default_service(web::to(only_get));
    config.service(resource);
}

async fn userinfo(context: Context, caller: Authorized<AnyCredential>) -> Result<HttpResponse, Problem> {
    let user = owner(&context, &caller).await?;
    let name = [&user.account.name.first, &user.account.name.last];
    let name: Vec<&str> = name.into_iter().flatten().map(|name| &**name).collect();
    let body = json!({
        "sub": user.account.id.to_string(),
        "tenant_id": user.tenant,
        "email": *user.account.email,
        "name": name.join(" "),
        "role": user.role.as_str(),
        "scopes": caller.principal().scopes().iter().map(ScopeId::as_str).collect::<Vec<_>>(),
    });
    Ok(HttpResponse::Ok().content_type("application/json").body(body.to_string()))
}

/// The user for whom an app acts, or whose a key is: the one who made it, else the tenant's first active company admin.
async fn owner(context: &Context, caller: &Authorized<AnyCredential>) -> Result<User, Problem> {
    // Another person never stands in for the user of an app, whatever became of that one meanwhile.
    if let Credential::App(app) = caller.credential() {
        return Ok(app.user.clone());
    }
    let (tenant, users) = (caller.tenant(), &context.state.users);
    if let Some(account) = caller.principal().account()
        && let Some(user) = users.get(tenant, account).await?.filter(User::is_active)
    {
        return Ok(user);
    }
    let (mut first, mut after) = (None, None);
    loop {
        let page = users.page(tenant, PageRequest { limit: Limit::LARGEST, after }).await?;
        after = page.next;
        // Pages go from the newest to the oldest.
        first = page.items.into_iter().rfind(|user| user.is_active() && user.role == Role::CompanyAdmin).or(first);
        if after.is_none() {
            break;
        }
    }
    first.ok_or_else(|| Problem::bad_credential("nobody owns the key"))
}

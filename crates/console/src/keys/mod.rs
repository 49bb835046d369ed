//! Settings → Developer → API keys.

mod allowlist;
mod edit;
mod list;
mod made;
mod makers;
mod new;
mod revoke;
mod rotate;
mod scopes;
mod show;

use actix_web::http::StatusCode;
use bwp_domain::{
    fields::FieldErrors,
    ids::KeyId,
    keys::{ApiKey, KeyError, KeyRef, KeyStatus, ports::KeyListing},
    users::Permission,
};
use maud::{Markup, html};

use crate::{
    access::Access,
    routes::{Entry, UNPROCESSABLE},
    trouble::Trouble,
    visit::Visit,
    widgets::{isolated, refusal},
};

pub(crate) const PATH: &str = "/settings/developer/api-keys";

const SEE: Access = Access::May(Permission::SeeKeys);
const MANAGE: Access = Access::May(Permission::ManageKeys);

pub(crate) fn entries() -> Vec<Entry> {
    vec![
        Entry::get(PATH, SEE, list::list),
        Entry::get("/settings/developer/api-keys/new", MANAGE, new::form),
        Entry::post("/settings/developer/api-keys/new", MANAGE, new::create),
        Entry::post("/settings/developer/api-keys/check-allowlist", MANAGE, allowlist::check).open_always(),
        Entry::get("/settings/developer/api-keys/{key}", SEE, show::show),
        Entry::get("/settings/developer/api-keys/{key}/edit", MANAGE, edit::form),
        Entry::post("/settings/developer/api-keys/{key}/edit", MANAGE, edit::edit),
        Entry::get("/settings/developer/api-keys/{key}/rotate", MANAGE, rotate::form),
        Entry::post("/settings/developer/api-keys/{key}/rotate", MANAGE, rotate::rotate),
        Entry::get("/settings/developer/api-keys/{key}/revoke", MANAGE, revoke::form),
        Entry::post("/settings/developer/api-keys/{key}/revoke", MANAGE, revoke::revoke),
    ]
}

/// The key that the path names.
async fn named(visit: &Visit) -> Result<KeyListing, Trouble> {
    let tenant = visit.member()?.tenant.id;
    let part = visit.part("key");
    let by_id = || part.parse().ok().and_then(KeyId::new).map(KeyRef::Id);
    let key = part.parse().ok().map(KeyRef::Public).or_else(by_id).ok_or(Trouble::NotFound)?;
    visit.state.keys.get(tenant, key).await?.ok_or(Trouble::NotFound)
}

/// The path of a key's page.
fn path_of(key: &ApiKey) -> String {
    format!("{PATH}/{}", key.public_id)
}

/// Where one is, above a key's page.
fn trail(visit: &Visit, key: Option<&ApiKey>) -> Markup {
    html! {
        p.trail {
            a href=(visit.link(PATH)) { "API keys" }
            @if let Some(key) = key { " › " a href=(visit.link(&path_of(key))) { (isolated(key.name.as_str())) } }
        }
    }
}

/// A key's status, in a word.
fn state(key: &ApiKey, visit: &Visit) -> Markup {
    let (class, word) = match key.status(visit.state.environment.clock.now()) {
        KeyStatus::Active if key.replaced_by.is_some() => ("state warn", "Rotated"),
        KeyStatus::Active => ("state good", "Active"),
        KeyStatus::Expired => ("state", "Expired"),
        KeyStatus::Revoked => ("state bad", "Revoked"),
    };
    html! { span class=(class) { (word) } }
}

/// What a page says of a refused command: what is wrong with fields, or else why it was not done.
fn explained(error: KeyError) -> Result<(StatusCode, FieldErrors, Markup), Trouble> {
    match error {
        KeyError::Forbidden(forbidden) => Err(forbidden.into()),
        KeyError::NotFound => Err(Trouble::NotFound),
        KeyError::Invalid(errors) => Ok((UNPROCESSABLE, errors, html! {})),
        KeyError::ExpiryInThePast => {
            Ok((UNPROCESSABLE, FieldErrors::one("expiresAt", KeyError::in_the_past()), html! {}))
        }
        error @ (KeyError::Exceeds(_)
        | KeyError::AlreadyRevoked { .. }
        | KeyError::Expired { .. }
        | KeyError::ChangedMeanwhile
        | KeyError::RenamedMeanwhile
        | KeyError::Replaced { .. }) => {
            let note = refusal(&format!("Nothing was changed: {error}."));
            Ok((StatusCode::CONFLICT, FieldErrors::new(), note))
        }
    }
}

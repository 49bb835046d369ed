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

use bwp_domain::{
    ids::KeyId,
    keys::{ApiKey, KeyError, KeyRef, KeyStatus, ports::KeyListing},
    users::Permission,
};
use maud::{Markup, html};

use crate::{access::Access, routes::Entry, trouble::Trouble, visit::Visit};

pub(crate) const PATH: &str = "/settings/developer/api-keys";

const SEE: Access = Access::May(Permission::SeeKeys);
const MANAGE: Access = Access::May(Permission::ManageKeys);

pub(crate) fn entries() -> Vec<Entry> {
    vec![
        Entry::get(PATH, SEE, list::list),
        Entry::get("/settings/developer/api-keys/new", MANAGE, new::form),
        Entry::post("/settings/developer/api-keys/new", MANAGE, new::create),
        Entry::post("/settings/developer/api-keys/check-allowlist", MANAGE, allowlist::check),
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
            @if let Some(key) = key { " › " a href=(visit.link(&path_of(key))) { (key.name.as_str()) } }
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

/// Why a command was refused, for people.
fn explain(error: &KeyError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("Nothing was changed: {first}{}.", letters.as_str())
}

//! Settings → Developer → Webhooks: endpoints, and what became of telling them.

mod delivery;
mod edit;
mod endpoint;
mod list;
mod secret;

use actix_web::http::StatusCode;
use bwp_domain::{
    fields::FieldErrors,
    ids::EndpointId,
    users::Permission,
    webhooks::{DeliveryStatus, Endpoint, EndpointState, WebhookError},
};
use maud::{Markup, html};

use crate::{
    access::Access,
    routes::{Entry, UNPROCESSABLE},
    trouble::Trouble,
    visit::Visit,
    widgets::{isolated, refusal},
};

pub(crate) const PATH: &str = "/settings/developer/webhooks";

const MANAGE: Access = Access::May(Permission::ManageWebhooks);

pub(crate) fn entries() -> Vec<Entry> {
    vec![
        Entry::get(PATH, MANAGE, list::list),
        Entry::get("/settings/developer/webhooks/new", MANAGE, edit::new),
        Entry::post("/settings/developer/webhooks/new", MANAGE, edit::create),
        Entry::get("/settings/developer/webhooks/{endpoint}", MANAGE, endpoint::show),
        Entry::get("/settings/developer/webhooks/{endpoint}/edit", MANAGE, edit::form),
        Entry::post("/settings/developer/webhooks/{endpoint}/edit", MANAGE, edit::edit),
        Entry::post("/settings/developer/webhooks/{endpoint}/pause", MANAGE, endpoint::pause),
        Entry::post("/settings/developer/webhooks/{endpoint}/resume", MANAGE, endpoint::resume),
        Entry::get("/settings/developer/webhooks/{endpoint}/rotate", MANAGE, secret::form),
        Entry::post("/settings/developer/webhooks/{endpoint}/rotate", MANAGE, secret::rotate),
        Entry::get("/settings/developer/webhooks/{endpoint}/delete", MANAGE, endpoint::ask_to_delete),
        Entry::post("/settings/developer/webhooks/{endpoint}/delete", MANAGE, endpoint::delete),
        Entry::get("/settings/developer/webhooks/deliveries/{delivery}", MANAGE, delivery::show),
        Entry::post("/settings/developer/webhooks/deliveries/{delivery}/replay", MANAGE, delivery::replay),
    ]
}

/// The endpoint that the path names.
async fn named(visit: &Visit) -> Result<Endpoint, Trouble> {
    let id = visit.part("endpoint").parse().ok().and_then(EndpointId::new).ok_or(Trouble::NotFound)?;
    of_id(visit, id).await?.ok_or(Trouble::NotFound)
}

async fn of_id(visit: &Visit, id: EndpointId) -> Result<Option<Endpoint>, Trouble> {
    Ok(visit.state.webhooks.endpoint(visit.member()?.tenant.id, id).await?)
}

/// The path of an endpoint's page.
fn path_of(endpoint: EndpointId) -> String {
    format!("{PATH}/{endpoint}")
}

/// What people call an endpoint: what it is for, else where it is.
fn name(endpoint: &Endpoint) -> &str {
    endpoint.description.as_deref().unwrap_or(endpoint.url.as_str())
}

/// Where one is, above an endpoint's page.
fn trail(visit: &Visit, endpoint: Option<&Endpoint>) -> Markup {
    html! {
        p.trail {
            a href=(visit.link(PATH)) { "Webhooks" }
            @if let Some(endpoint) = endpoint {
                " › " a href=(visit.link(&path_of(endpoint.id))) { (isolated(name(endpoint))) }
            }
        }
    }
}

/// Whether anything is sent, in a word.
fn state(endpoint: &Endpoint) -> Markup {
    let (class, word) = match endpoint.state {
        EndpointState::Active if endpoint.consecutive_failures > 0 => ("state warn", "Failing"),
        EndpointState::Active => ("state good", "Active"),
        EndpointState::Paused => ("state", "Paused"),
        EndpointState::Disabled { .. } => ("state bad", "Switched off"),
    };
    html! { span class=(class) { (word) } }
}

/// How far a delivery has come, in a word.
const fn word(status: DeliveryStatus) -> (&'static str, &'static str) {
    match status {
        DeliveryStatus::Pending => ("state", "Waiting"),
        DeliveryStatus::Failed => ("state warn", "Retrying"),
        DeliveryStatus::Succeeded => ("state good", "Delivered"),
        DeliveryStatus::Exhausted => ("state bad", "Given up"),
    }
}

/// What a page says of a refused command: what is wrong with fields, or else why it was not done.
fn explained(error: WebhookError) -> Result<(StatusCode, FieldErrors, Markup), Trouble> {
    let why = match error {
        WebhookError::NoEndpoint | WebhookError::NoDelivery => return Err(Trouble::NotFound),
        WebhookError::Invalid(errors) => return Ok((UNPROCESSABLE, errors, html! {})),
        WebhookError::TooMany => "Nothing was made: there are as many endpoints as there may be. Delete one first.",
        WebhookError::VaultLocked => {
            "Nothing was made: this server has no key to keep secrets with. Its operator sets BWP_SECRET_KEY."
        }
        WebhookError::EndpointDeleted => "Nothing was sent: the endpoint was deleted.",
    };
    Ok((StatusCode::CONFLICT, FieldErrors::new(), refusal(why)))
}

//! The secret that signs deliveries: shown once, and replaced by another.

use std::{rc::Rc, sync::Arc};

use actix_web::HttpResponse;
use bwp_domain::{
    execute::{Executed, execute},
    idempotency::RenderedResponse,
    webhooks::{Endpoint, RotateSecret, SigningSecret},
};
use maud::{Markup, html};

use super::{PATH, explained, name, named, path_of, trail};
use crate::{
    form::Form,
    layout::{nonce, token},
    routes::Answer,
    trouble::rejected,
    visit::Visit,
    widgets::isolated,
};

pub(super) async fn form(visit: Rc<Visit>) -> Answer {
    let endpoint = named(&visit).await?;
    Ok(visit.ok("Rotate secret", &ask(&visit, &endpoint, &html! {})))
}

pub(super) async fn rotate(visit: Rc<Visit>, form: Form) -> Answer {
    let endpoint = named(&visit).await?;
    let state = &visit.state;
    let command = RotateSecret { id: endpoint.id, vault: Arc::clone(&state.vault) };
    let receipt = |_: &SigningSecret| RenderedResponse {
        status: 200,
        body: endpoint.id.to_string().into_bytes(),
        ..RenderedResponse::default()
    };
    let caller = visit.caller()?;
    match execute(&*state.store, &state.environment, &caller, form.keyed().as_ref(), &command, receipt).await {
        Ok(Executed::Applied { output, .. }) => {
            Ok(visit.ok("The new secret", &page(&visit, &endpoint, &output, "The new secret")))
        }
        Ok(Executed::Replayed(receipt)) => Ok(sent_before(&visit, &receipt)),
        Err(error) => {
            let (status, _, note) = explained(rejected(error)?)?;
            Ok(visit.page(status, "Rotate secret", &ask(&visit, &endpoint, &note)))
        }
    }
}

fn ask(visit: &Visit, endpoint: &Endpoint, note: &Markup) -> Markup {
    let path = path_of(endpoint.id);
    html! {
        (trail(visit, Some(endpoint)))
        h1 { "Rotate secret" }
        (note)
        p {
            "“" (isolated(name(endpoint))) "” gets another secret. For 24 hours each delivery carries a signature by both, so that \
             the receiver can change over; a secret that was replaced before ends now."
        }
        form method="post" action=(visit.link(&format!("{path}/rotate"))) {
            (token(visit))
            (nonce(visit))
            p.actions {
                button type="submit" { "Rotate secret" }
                a href=(visit.link(&path)) { "Keep secret" }
            }
        }
    }
}

/// A secret that was just made: the one page that shows it.
pub(super) fn page(visit: &Visit, endpoint: &Endpoint, secret: &SigningSecret, heading: &str) -> Markup {
    html! {
        (trail(visit, Some(endpoint)))
        h1 { (heading) }
        div.note.warn role="status" {
            p { strong { "Copy the secret now. " } "It is shown this once. Whoever has it can sign what your receiver takes for ours." }
        }
        div.secret {
            code #key data-secret aria-label="The secret" { (secret.expose()) }
            button type="button" data-copy="key" hidden { "Copy" }
            span #copied role="status" {}
        }
        p { "Deliveries go to " code { (isolated(endpoint.url.as_str())) } "." }
        p { a href=(visit.link("/docs/webhooks")) { "How to check a signature, with samples" } }
        p.actions {
            a.button href=(visit.link(&path_of(endpoint.id))) { "Done" }
            a href=(visit.link(PATH)) { "All endpoints" }
        }
    }
}

/// What is shown when a form is sent a second time, by a reload or a second click.
pub(super) fn sent_before(visit: &Visit, receipt: &RenderedResponse) -> HttpResponse {
    let endpoint = String::from_utf8_lossy(&receipt.body);
    let main = html! {
        (trail(visit, None))
        h1 { "This form was sent before" }
        p { "The secret was made then, and was shown once. Nothing more was made now." }
        p { "If you did not copy it: rotate it." }
        p.actions { a.button href=(visit.link(&format!("{PATH}/{endpoint}"))) { "To the endpoint" } }
    };
    visit.ok("This form was sent before", &main)
}

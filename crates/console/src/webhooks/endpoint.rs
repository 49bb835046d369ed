//! An endpoint's page: whether it works, what was sent to it, and the steps that stop it.

use std::rc::Rc;

use actix_web::http::StatusCode;
use bwp_domain::{
    fields::Guard,
    paging::{Limit, PageRequest},
    webhooks::{
        DeleteEndpoint, DeliveryFilter, DeliveryStatus, EditEndpoint, Endpoint, EndpointChanges, EventType,
        MOST_FAILURES,
    },
};
use maud::{Markup, html};

use super::{PATH, delivery, explained, name, named, path_of, state, trail, word};
use crate::{
    change::run,
    form::Form,
    layout::token,
    routes::Answer,
    security::{position, written},
    visit::Visit,
    widgets::{Pager, ago, good, isolated, time},
};

pub(super) async fn show(visit: Rc<Visit>) -> Answer {
    let endpoint = named(&visit).await?;
    page(&visit, StatusCode::OK, &endpoint, &html! {}).await
}

async fn page(visit: &Visit, status: StatusCode, endpoint: &Endpoint, note: &Markup) -> Answer {
    let tenant = visit.member()?.tenant.id;
    let chosen = visit.query("status");
    let filter = DeliveryFilter {
        endpoint: Some(endpoint.id),
        status: chosen.parse::<DeliveryStatus>().ok(),
        ..DeliveryFilter::default()
    };
    let after = position(&visit.query("before"));
    let found = visit.state.webhooks.deliveries(tenant, &filter, PageRequest { limit: Limit::DEFAULT, after }).await?;
    let path = path_of(endpoint.id);
    let main = html! {
        (trail(visit, None))
        (note)
        @match visit.query("done").as_str() {
            "edited" => (good("Changed. It holds from the next delivery on.")),
            "paused" => (good("Paused. What happens meanwhile waits, and is sent when the endpoint is active again.")),
            "resumed" => (good("Active. What waited is sent now.")),
            "replayed" => (good("It is sent again, with the same event and body.")),
            _ => {},
        }
        div.head {
            h1 { (isolated(name(endpoint))) " " (state(endpoint)) }
            div.actions {
                a.button.second href=(visit.link(&format!("{path}/edit"))) { "Edit" }
                (switch(visit, endpoint))
                a.button.second href=(visit.link(&format!("{path}/rotate"))) { "Rotate secret …" }
                a.button.second.danger href=(visit.link(&format!("{path}/delete"))) { "Delete …" }
            }
        }
        (trouble(endpoint))
        (facts(visit, endpoint))
        h2 { "Deliveries" }
        form.row method="get" action=(visit.link(&path)) {
            div {
                label for="status" { "State" }
                div {
                    select id="status" name="status" {
                        option value="" { "All" }
                        @for known in DeliveryStatus::ALL {
                            option value=(known.as_str()) selected[known.as_str() == chosen] { (word(*known).1) }
                        }
                    }
                }
            }
            button.second type="submit" { "Show" }
        }
        (delivery::table(visit, &found.items))
        (Pager {
            path: &visit.link(&path),
            kept: &[("status", &chosen)],
            is_first: after.is_none(),
            next: found.next.map(|next| ("before", written(next))),
            ..Pager::OLDER
        }.show())
    };
    Ok(visit.page(status, name(endpoint), &main))
}

/// What stops it, or lets it go on.
fn switch(visit: &Visit, endpoint: &Endpoint) -> Markup {
    let (step, label) = if endpoint.state.is_active() { ("pause", "Pause") } else { ("resume", "Switch on") };
    html! {
        form method="post" action=(visit.link(&format!("{}/{step}", path_of(endpoint.id)))) {
            (token(visit))
            button.second type="submit" { (label) }
        }
    }
}

/// What is wrong with it, if anything is.
fn trouble(endpoint: &Endpoint) -> Markup {
    let failures = endpoint.consecutive_failures;
    html! {
        @if let Some((at, reason)) = endpoint.state.disabled() {
            div.note.bad {
                p {
                    strong { "Switched off " (time(at)) ": " }
                    (isolated(reason)) ". Mend the receiver, then switch the endpoint on: what waited is sent then."
                }
            }
        } @else if endpoint.state.is_active() && failures > 0 {
            div.note.warn {
                p {
                    strong { (failures) @if failures == 1 { " failure" } @else { " failures" } " in a row. " }
                    "At " (MOST_FAILURES) " the endpoint is switched off, and what waits is kept for 30 days."
                }
            }
        }
    }
}

fn facts(visit: &Visit, endpoint: &Endpoint) -> Markup {
    let now = visit.state.environment.clock.now();
    let types: Vec<_> = endpoint.event_types.iter().copied().map(EventType::as_str).collect();
    html! {
        dl {
            dt { "Address" } dd { code { (isolated(endpoint.url.as_str())) } }
            dt { "Events" } dd { (types.join(", ")) }
            dt { "Last success" }
            dd { @if let Some(at) = endpoint.last_delivered_at { (ago(at, now)) } @else { "never" } }
            dt { "Made" } dd { (time(endpoint.created_at)) }
        }
    }
}

pub(super) async fn pause(visit: Rc<Visit>, _: Form) -> Answer {
    turn(&visit, false, "paused").await
}

pub(super) async fn resume(visit: Rc<Visit>, _: Form) -> Answer {
    turn(&visit, true, "resumed").await
}

async fn turn(visit: &Visit, on: bool, done: &str) -> Answer {
    let endpoint = named(visit).await?;
    let changes = EndpointChanges { is_active: Some(on), ..EndpointChanges::default() };
    match run(visit, EditEndpoint { id: endpoint.id, changes, refused: None, guard: Guard::NONE }).await? {
        Ok(()) => Ok(visit.redirect(&format!("{}?done={done}", path_of(endpoint.id)))),
        Err(error) => {
            let (status, _, note) = explained(error)?;
            page(visit, status, &endpoint, &note).await
        }
    }
}

pub(super) async fn ask_to_delete(visit: Rc<Visit>) -> Answer {
    let endpoint = named(&visit).await?;
    let path = path_of(endpoint.id);
    let main = html! {
        (trail(&visit, Some(&endpoint)))
        h1 { "Delete endpoint" }
        div.note.warn {
            p {
                strong { "This is for good. " }
                "“" (isolated(name(&endpoint))) "” is told of nothing any more, and what waits for it is given up. What was sent stays \
                 to be seen for 30 days."
            }
        }
        form method="post" action=(visit.link(&format!("{path}/delete"))) {
            (token(&visit))
            p.actions {
                button.danger type="submit" { "Delete endpoint" }
                a href=(visit.link(&path)) { "Keep endpoint" }
            }
        }
    };
    Ok(visit.ok("Delete endpoint", &main))
}

pub(super) async fn delete(visit: Rc<Visit>, _: Form) -> Answer {
    let endpoint = named(&visit).await?;
    match run(&visit, DeleteEndpoint { id: endpoint.id }).await? {
        Ok(()) => Ok(visit.redirect(&format!("{PATH}?done=deleted"))),
        Err(error) => {
            let (status, _, note) = explained(error)?;
            page(&visit, status, &endpoint, &note).await
        }
    }
}

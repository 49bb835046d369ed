//! Deliveries: a table of them, and all that is known of one.

use std::rc::Rc;

use actix_web::http::StatusCode;
use bwp_domain::{
    ids::DeliveryId,
    webhooks::{Delivery, Payload, ReplayDelivery, delivery::MOST_ATTEMPTS},
};
use maud::{Markup, html};

use super::{PATH, explained, of_id, trail, word};
use crate::{
    change::run,
    form::Form,
    layout::token,
    routes::Answer,
    trouble::Trouble,
    visit::Visit,
    widgets::{ago, good, isolated, time},
};

fn path(delivery: DeliveryId) -> String {
    format!("{PATH}/deliveries/{delivery}")
}

/// Deliveries, the newest first.
pub(super) fn table(visit: &Visit, deliveries: &[Delivery]) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        @if deliveries.is_empty() {
            p.quiet { "None. An event that the endpoint wants to be told of shows here at once." }
        } @else {
            table.rows role="table" {
                thead role="rowgroup" { tr role="row" {
                    @for column in ["Event", "State", "Answer", "Attempts", "When"] {
                        th scope="col" role="columnheader" { (column) }
                    }
                } }
                tbody role="rowgroup" {
                    @for delivery in deliveries {
                        @let (class, word) = word(delivery.status);
                        tr role="row" {
                            th scope="row" role="rowheader" {
                                a href=(visit.link(&path(delivery.id))) { (delivery.event_type) }
                            }
                            td role="cell" data-label="State" { span class=(class) { (word) } }
                            td role="cell" data-label="Answer" { (answer(delivery)) }
                            td role="cell" data-label="Attempts" { (delivery.attempts) " of " (MOST_ATTEMPTS) }
                            td role="cell" data-label="When" { (ago(delivery.created_at, now)) }
                        }
                    }
                }
            }
        }
    }
}

/// What the receiver said last, in short.
fn answer(delivery: &Delivery) -> Markup {
    html! {
        @match (delivery.response_status, &delivery.error_message) {
            (Some(status), _) => { "HTTP " (status) },
            (None, Some(why)) => (why),
            (None, None) => "none yet",
        }
    }
}

/// The delivery that the path names.
async fn named(visit: &Visit) -> Result<Payload, Trouble> {
    let id = visit.part("delivery").parse().ok().and_then(DeliveryId::new).ok_or(Trouble::NotFound)?;
    visit.state.webhooks.delivery(visit.member()?.tenant.id, id).await?.ok_or(Trouble::NotFound)
}

pub(super) async fn show(visit: Rc<Visit>) -> Answer {
    let payload = named(&visit).await?;
    let note =
        html! { @if visit.query("done") == "replayed" { (good("It is sent again, with the same event and body.")) } };
    page(&visit, StatusCode::OK, &payload, &note).await
}

async fn page(visit: &Visit, status: StatusCode, payload: &Payload, note: &Markup) -> Answer {
    let delivery = &payload.delivery;
    let endpoint = of_id(visit, delivery.endpoint).await?;
    let (class, word) = word(delivery.status);
    let main = html! {
        (trail(visit, endpoint.as_ref()))
        (note)
        div.head {
            h1 { (delivery.event_type) " " span class=(class) { (word) } }
            @if endpoint.is_some() {
                form method="post" action=(visit.link(&format!("{}/replay", path(delivery.id)))) {
                    (token(visit))
                    button type="submit" { "Send again" }
                }
            }
        }
        (facts(visit, delivery))
        @if let Some(body) = &delivery.response_body {
            h2 { "The receiver said" }
            pre tabindex="0" { code { (isolated(body)) } }
        }
        h2 { "Body, as sent" }
        pre tabindex="0" { code { (indented(&payload.body)) } }
    };
    Ok(visit.page(status, &delivery.event_type, &main))
}

fn facts(visit: &Visit, delivery: &Delivery) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        dl {
            dt { "Event" } dd { code { (delivery.event_id) } }
            dt { "Attempts" } dd { (delivery.attempts) " of " (MOST_ATTEMPTS) }
            dt { "Last answer" } dd { (answer(delivery)) }
            @for (name, value) in delivery.response_headers.iter().flatten() {
                dt { code { (name) } } dd { code { (isolated(value)) } }
            }
            @if let Some(at) = delivery.last_attempted_at { dt { "Last attempt" } dd { (ago(at, now)) } }
            @if let Some(at) = delivery.next_attempt_at { dt { "Next attempt" } dd { (time(at)) } }
            dt { "Made" } dd { (time(delivery.created_at)) }
        }
    }
}

/// A body with a line for each member, to be read. What is no JSON stays as it is.
fn indented(body: &str) -> String {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(body);
    parsed.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| body.to_owned())
}

pub(super) async fn replay(visit: Rc<Visit>, _: Form) -> Answer {
    let payload = named(&visit).await?;
    let id = payload.delivery.id;
    match run(&visit, ReplayDelivery { id }).await? {
        Ok(()) => Ok(visit.redirect(&format!("{}?done=replayed", path(id)))),
        Err(error) => {
            let (status, _, note) = explained(error)?;
            page(&visit, status, &payload, &note).await
        }
    }
}

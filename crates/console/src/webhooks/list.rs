//! The table of endpoints.

use std::rc::Rc;

use bwp_domain::webhooks::Endpoint;
use maud::{Markup, html};

use super::{PATH, name, path_of, state};
use crate::{
    routes::Answer,
    visit::Visit,
    widgets::{ago, good, isolated},
};

pub(super) async fn list(visit: Rc<Visit>) -> Answer {
    let endpoints = visit.state.webhooks.endpoints(visit.member()?.tenant.id).await?;
    let main = html! {
        @if visit.query("done") == "deleted" { (good("Deleted. What waited for it is not sent any more.")) }
        div.head {
            h1 { "Webhooks" }
            a.button href=(visit.link(&format!("{PATH}/new"))) { "New endpoint" }
        }
        p {
            "An endpoint is an address of your own that is told when something happens, within a second. "
            a href=(visit.link("/docs/webhooks")) { "How to receive and check deliveries" }
        }
        @if endpoints.is_empty() {
            div.note { p { "There is no endpoint yet. Make one, and change a contact: it is told of that a moment later." } }
        } @else { (table(&visit, &endpoints)) }
    };
    Ok(visit.ok("Webhooks", &main))
}

fn table(visit: &Visit, endpoints: &[Endpoint]) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        table.rows role="table" {
            thead role="rowgroup" { tr role="row" {
                @for column in ["Endpoint", "Address", "Events", "Last success", "State"] {
                    th scope="col" role="columnheader" { (column) }
                }
            } }
            tbody role="rowgroup" {
                @for endpoint in endpoints {
                    tr role="row" {
                        th scope="row" role="rowheader" {
                            a href=(visit.link(&path_of(endpoint.id))) { (isolated(name(endpoint))) }
                        }
                        td role="cell" data-label="Address" { code { (isolated(endpoint.url.as_str())) } }
                        td role="cell" data-label="Events" { (endpoint.event_types.len()) }
                        td role="cell" data-label="Last success" {
                            @if let Some(at) = endpoint.last_delivered_at { (ago(at, now)) } @else { "never" }
                        }
                        td role="cell" data-label="State" { (state(endpoint)) }
                    }
                }
            }
        }
    }
}

//! The table of keys.

use std::rc::Rc;

use bwp_domain::{
    keys::{KeyFilter, KeySecret, KeyStatus, ports::KeyListing},
    paging::{Limit, PageRequest},
    text::SearchText,
    users::Permission,
};
use maud::{Markup, html};

use super::{PATH, makers::Makers, path_of, state};
use crate::{
    routes::Answer,
    security::{position, written},
    visit::Visit,
    widgets::{Pager, ago, isolated, time},
};

pub(super) async fn list(visit: Rc<Visit>) -> Answer {
    let tenant = visit.member()?.tenant.id;
    if let Ok(whole) = KeySecret::parse(visit.query("q").trim()) {
        // A whole key does not belong into an address; what is shown of it is what it is found by.
        return Ok(visit.redirect(&format!("{PATH}?q={}", whole.display_prefix())));
    }
    let now = visit.state.environment.clock.now();
    let (search, status) = (visit.query("q"), visit.query("status"));
    let filter = KeyFilter {
        search: SearchText::parse(&search).ok().flatten(),
        status: KeyStatus::ALL.into_iter().find(|known| known.as_str() == status).map(|status| (status, now)),
    };
    let after = position(&visit.query("before"));
    let page = PageRequest { limit: Limit::DEFAULT, after };
    let found = visit.state.keys.page(tenant, &filter, page).await?;
    let makers = Makers::of(&visit, found.items.iter().map(|one| &one.key)).await?;
    let filtered = filter != KeyFilter::default();
    let main = html! {
        div.head {
            h1 { "API keys" }
            @if visit.may(Permission::ManageKeys) { a.button href=(visit.link(&format!("{PATH}/new"))) { "New API key" } }
        }
        p { "A program signs in with a key. Each key does what its scopes allow, from where its allowlist says." }
        (search_form(&visit, &search, &status))
        @if found.items.is_empty() {
            @if filtered { p.quiet { "No key fits." } } @else {
                div.note { p { "There is no key yet. Make one, and call the API with it a minute later." } }
            }
        } @else {
            (table(&visit, &found.items, &makers))
        }
        (Pager {
            path: &visit.link(PATH),
            kept: &[("q", &search), ("status", &status)],
            is_first: after.is_none(),
            next: found.next.map(|next| ("before", written(next))),
            ..Pager::OLDER
        }.show())
    };
    Ok(visit.ok("API keys", &main))
}

fn search_form(visit: &Visit, search: &str, status: &str) -> Markup {
    html! {
        form.row method="get" action=(visit.link(PATH)) role="search" {
            div.field {
                label for="q" { "Search" }
                input id="q" name="q" type="search" value=(search) placeholder="Name or beginning of the key";
            }
            div {
                label for="status" { "Status" }
                div {
                    select id="status" name="status" {
                        option value="" { "All" }
                        @for known in KeyStatus::ALL {
                            option value=(known.as_str()) selected[known.as_str() == status] { (known.as_str()) }
                        }
                    }
                }
            }
            button.second type="submit" { "Search" }
        }
    }
}

fn table(visit: &Visit, keys: &[KeyListing], makers: &Makers) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        table.rows role="table" {
            thead role="rowgroup" { tr role="row" {
                @for column in ["Name", "Key", "Scopes", "Allowed from", "Created", "Last used", "Status"] {
                    th scope="col" role="columnheader" { (column) }
                }
            } }
            tbody role="rowgroup" {
                @for KeyListing { key, last_used_at } in keys {
                    tr role="row" {
                        th scope="row" role="rowheader" { a href=(visit.link(&path_of(key))) { (isolated(key.name.as_str())) } }
                        td role="cell" data-label="Key" { code.short { (key.display_prefix) "…" } }
                        td role="cell" data-label="Scopes" { (scopes(key.scopes)) }
                        td role="cell" data-label="Allowed from" {
                            @let entries = key.allowlist.entries();
                            @match entries.as_slice() {
                                [] => "everywhere",
                                [one] => (one),
                                [one, rest @ ..] => { (one) " and " (rest.len()) " more" },
                            }
                        }
                        td role="cell" data-label="Created" { (time(key.created_at)) " by " (makers.name(key.created_by)) }
                        td role="cell" data-label="Last used" {
                            @if let Some(at) = last_used_at { (ago(*at, now)) } @else { "never" }
                        }
                        td role="cell" data-label="Status" { (state(key, visit)) }
                    }
                }
            }
        }
    }
}

/// Scopes, in short.
fn scopes(scopes: bwp_domain::scopes::ScopeSet) -> Markup {
    let all: Vec<&str> = scopes.iter().map(bwp_domain::scopes::ScopeId::as_str).collect();
    html! {
        @match all.as_slice() {
            [] => "none",
            [first, second, third, rest @ ..] if !rest.is_empty() => {
                span title=(all.join(" ")) { (first) ", " (second) ", " (third) " and " (rest.len()) " more" }
            },
            few => (few.join(", ")),
        }
    }
}

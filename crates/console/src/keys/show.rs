//! A key's page: what it may do, what it was used for, and what was changed about it.

use std::rc::Rc;

use bwp_domain::{
    audit::{AuditFilter, AuditRecord},
    ids::KeyId,
    keys::{ApiKey, KeyState, KeyStatus, ports::KeyListing},
    paging::{Limit, PageRequest},
    users::Permission,
};
use maud::{Markup, html};

use super::{PATH, makers::Makers, named, path_of, scopes::family_name, state, trail};
use crate::{
    routes::Answer,
    security,
    visit::Visit,
    widgets::{ago, good, isolated, time},
};

pub(super) async fn show(visit: Rc<Visit>) -> Answer {
    let listing = named(&visit).await?;
    let tenant = visit.member()?.tenant.id;
    let key = &listing.key;
    let page = PageRequest { limit: Limit::DEFAULT, after: None };
    let of_key = AuditFilter { api_key: Some(key.id), ..AuditFilter::default() };
    let calls = visit.state.audit_log.list(tenant, &of_key, page).await?;
    let changes = visit.state.security_log.list(tenant, Some(key.id), page).await?;
    let makers = Makers::of(&visit, [key]).await?;
    let is_active = key.status(visit.state.environment.clock.now()) == KeyStatus::Active;
    let path = visit.link(&path_of(key));
    let main = html! {
        (trail(&visit, None))
        @match visit.query("done").as_str() {
            "edited" => (good("Changed. It holds from the next request on.")),
            "revoked" => (good("The key is revoked: no request with it succeeds any more, and none in flight did.")),
            _ => {},
        }
        div.head {
            h1 { (isolated(key.name.as_str())) " " (state(key, &visit)) }
            @if is_active && visit.may(Permission::ManageKeys) {
                div.actions {
                    a.button.second href={ (path) "/edit" } { "Edit" }
                    @if key.replaced_by.is_none() { a.button.second href={ (path) "/rotate" } { "Rotate" } }
                    a.button.danger href={ (path) "/revoke" } { "Revoke" }
                }
            }
        }
        (facts(&visit, &listing, &makers))
        h2 { "What it may do" }
        (plainly(key))
        h2 { "Recent calls" }
        (table_of(&calls.items, &visit))
        h2 { "Security log" }
        @if visit.may(Permission::SeeSecurityLog) { (security::table(&visit, &changes.items)) }
    };
    Ok(visit.ok(key.name.as_str(), &main))
}

fn facts(visit: &Visit, KeyListing { key, last_used_at }: &KeyListing, makers: &Makers) -> Markup {
    let now = visit.state.environment.clock.now();
    let link = |id: KeyId| html! { a href=(visit.link(&format!("{PATH}/{id}"))) { "key " (id) } };
    html! {
        dl {
            dt { "Key" } dd { code { (key.display_prefix) "…" } }
            dt { "Id" } dd { code { (key.public_id) } }
            dt { "Allowed from" }
            dd {
                @let entries = key.allowlist.entries();
                @if entries.is_empty() { "everywhere" } @else { (entries.join(", ")) }
            }
            dt { "Limit" }
            dd { @if key.rate_limit.is_none() { "none of its own" } @else { (key.rate_limit) " requests a minute" } }
            dt { "Created" }
            dd {
                (time(key.created_at)) " by " (makers.name(key.created_by))
            }
            dt { "Last used" }
            dd { @if let Some(at) = last_used_at { (ago(*at, now)) } @else { "never" } }
            @match key.state {
                KeyState::Active { expires_at: Some(at) } => { dt { "Ends" } dd { (time(at)) } },
                KeyState::Active { expires_at: None } => { dt { "Ends" } dd { "when it is revoked" } },
                KeyState::Revoked { at } => { dt { "Revoked" } dd { (time(at)) } },
            }
            @if let Some(id) = key.replaces { dt { "Successor of" } dd { (link(id)) } }
            @if let Some(id) = key.replaced_by { dt { "Replaced by" } dd { (link(id)) } }
        }
    }
}

/// A key's scopes in sentences, by family.
fn plainly(key: &ApiKey) -> Markup {
    let mut families: Vec<(String, Vec<&'static str>, Vec<&'static str>)> = Vec::new();
    for scope in key.scopes.iter() {
        let family = family_name(scope);
        match families.last_mut().filter(|(name, _, _)| *name == family) {
            Some((_, meanings, scopes)) => {
                meanings.push(scope.meaning());
                scopes.push(scope.as_str());
            }
            None => families.push((family, vec![scope.meaning()], vec![scope.as_str()])),
        }
    }
    html! {
        @if families.is_empty() { p { "Nothing but asking who it is (" code { "GET /me" } ")." } }
        @else {
            dl {
                @for (family, meanings, scopes) in families {
                    dt { (family) }
                    dd { (meanings.join(" ")) " " span.quiet { code { (scopes.join(" ")) } } }
                }
            }
        }
    }
}

fn table_of(calls: &[AuditRecord], visit: &Visit) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        @if calls.is_empty() { p.quiet { "None in the log. A call shows here about a second after it was answered." } }
        @else {
            table.rows role="table" {
                thead role="rowgroup" { tr role="row" {
                    @for column in ["When", "Request", "Answer", "Time", "From"] { th scope="col" role="columnheader" { (column) } }
                } }
                tbody role="rowgroup" {
                    @for call in calls {
                        tr role="row" {
                            td role="cell" data-label="When" { (ago(call.created_at, now)) }
                            td role="cell" data-label="Request" { code { (isolated(&call.method)) " " (isolated(&call.path)) } }
                            td role="cell" data-label="Answer" {
                                (call.status) @if let Some(code) = &call.error_code { " " (code) }
                            }
                            td role="cell" data-label="Time" { (call.duration_ms) " ms" }
                            td role="cell" data-label="From" {
                                @if let Some(address) = call.client_address { (address) } @else { "–" }
                            }
                        }
                    }
                }
            }
        }
    }
}

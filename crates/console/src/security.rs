//! The security log: what was changed about keys and people, in sentences.

use std::rc::Rc;

use bwp_domain::{
    clock::{Rounding, Timestamp},
    paging::{Limit, PageRequest, Position},
    security::{Actor, SecurityAction, SecurityRecord},
    users::{Permission, Role},
};
use maud::{Markup, html};

use crate::{
    access::Access,
    routes::{Answer, Entry},
    visit::Visit,
    widgets::{Pager, isolated, time},
};

const PATH: &str = "/settings/developer/security-log";

pub(crate) fn entries() -> Vec<Entry> {
    vec![Entry::get(PATH, Access::May(Permission::SeeSecurityLog), list)]
}

async fn list(visit: Rc<Visit>) -> Answer {
    let tenant = visit.member()?.tenant.id;
    let after = position(&visit.query("before"));
    let page = PageRequest { limit: Limit::DEFAULT, after };
    let found = visit.state.security_log.list(tenant, None, page).await?;
    let main = html! {
        h1 { "Security log" }
        p { "What was changed about API keys and people, by whom, and from which address. Nothing is ever removed from it." }
        (table(&visit, &found.items))
        (Pager { path: &visit.link(PATH), is_first: after.is_none(), next: found.next.map(|next| ("before", written(next))), ..Pager::OLDER }.show())
    };
    Ok(visit.ok("Security log", &main))
}

/// Entries of the log.
pub(crate) fn table(visit: &Visit, records: &[SecurityRecord]) -> Markup {
    html! {
        @if records.is_empty() {
            p.quiet { "Nothing yet." }
        } @else {
            table.rows role="table" {
                thead role="rowgroup" { tr role="row" { th scope="col" role="columnheader" { "When" } th scope="col" role="columnheader" { "Who" } th scope="col" role="columnheader" { "What" } th scope="col" role="columnheader" { "From" } } }
                tbody role="rowgroup" {
                    @for SecurityRecord { entry, .. } in records {
                        tr role="row" {
                            td role="cell" data-label="When" { (time(entry.at)) }
                            td role="cell" data-label="Who" { (actor(&entry.actor)) }
                            td role="cell" data-label="What" { (action(visit, &entry.action)) }
                            td role="cell" data-label="From" {
                                @if let Some(address) = entry.address { (address) } @else { "–" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn actor(actor: &Actor) -> Markup {
    match actor {
        Actor::Operator => html! { "The operator of this server" },
        Actor::Server => html! { "This server" },
        Actor::User { email, .. } => isolated(email),
        Actor::Key { name, .. } => html! { "API key “" (isolated(name)) "”" },
        Actor::Unknown { name } if name.is_empty() => html! { "–" },
        Actor::Unknown { name } => isolated(name),
    }
}

/// A moment as it was noted.
fn moment(text: &str) -> Markup {
    Timestamp::parse_rfc3339(text, Rounding::Down).map_or_else(|| html! { (text) }, time)
}

/// What a role that was noted is called.
fn label(role: &str) -> &str {
    role.parse::<Role>().map_or(role, |role| role.label())
}

fn everywhere(list: &[String]) -> String {
    if list.is_empty() { "everywhere".to_owned() } else { list.join(", ") }
}

fn action(visit: &Visit, action: &SecurityAction) -> Markup {
    let key = |key: &bwp_domain::security::KeyNote| {
        let address = visit.link(&format!("/settings/developer/api-keys/{}", key.key_id));
        html! { "“" a href=(address) { (isolated(&key.name)) } "”" }
    };
    match action {
        SecurityAction::KeyCreated { key: made, scopes, allowlist, expires_at } => html! {
            "Made the key " (key(made)) ", with "
            @if scopes.is_empty() { "no scope" } @else { (scopes.join(", ")) }
            ", from " (everywhere(allowlist))
            @if let Some(at) = expires_at { ", until " (moment(at)) }
            "."
        },
        SecurityAction::KeyRenamed { key: changed, from } => {
            html! { "Renamed the key “" (isolated(from)) "” to " (key(changed)) "." }
        }
        SecurityAction::KeyAllowlistChanged { key: changed, from, to } => html! {
            "Changed from where the key " (key(changed)) " may be used: from " (everywhere(from)) " to " (everywhere(to)) "."
        },
        SecurityAction::KeyRotated { key: old, successor, ends_at } => html! {
            "Rotated the key " (key(old)) ": its successor is " (key(successor)) "; it ends " (moment(ends_at)) "."
        },
        SecurityAction::KeyRevoked { key: revoked } => html! { "Revoked the key " (key(revoked)) "." },
        SecurityAction::UserInvited { email, role } => html! { "Invited " (isolated(email)) " as " (label(role)) "." },
        SecurityAction::InvitationWithdrawn { email } => html! { "Withdrew the invitation of " (isolated(email)) "." },
        SecurityAction::UserJoined { user, role } => html! { (isolated(&user.email)) " joined as " (label(role)) "." },
        SecurityAction::RoleChanged { user, from, to } => {
            html! { "Changed the role of " (isolated(&user.email)) " from " (label(from)) " to " (label(to)) "." }
        }
        SecurityAction::UserDeactivated { user } => html! { "Took " (isolated(&user.email)) "’s access away." },
        SecurityAction::UserReactivated { user } => html! { "Gave " (isolated(&user.email)) " access again." },
        SecurityAction::SignedIn { user } => html! { (isolated(&user.email)) " signed in." },
        SecurityAction::SignedOutEverywhere { user } => html! { (isolated(&user.email)) " signed out everywhere." },
        SecurityAction::PasswordChanged { user } => html! { "Changed the password of " (isolated(&user.email)) "." },
        SecurityAction::WebhookCreated { endpoint } => {
            html! { "Made the webhook endpoint " (isolated(&endpoint.url)) "." }
        }
        SecurityAction::WebhookMoved { endpoint, from } => {
            html! { "Gave the webhook endpoint " (isolated(from)) " another URL: " (isolated(&endpoint.url)) "." }
        }
        SecurityAction::WebhookSecretRotated { endpoint } => {
            html! { "Replaced the signing secret of the webhook endpoint " (isolated(&endpoint.url)) "." }
        }
        SecurityAction::WebhookDeleted { endpoint } => {
            html! { "Deleted the webhook endpoint " (isolated(&endpoint.url)) "." }
        }
        SecurityAction::WebhookDisabled { endpoint, reason } => {
            html! { "Disabled the webhook endpoint " (isolated(&endpoint.url)) ": " (isolated(reason)) "." }
        }
        SecurityAction::AppAllowed { user, app, scopes } => html! {
            (isolated(&user.email)) " let the app " (isolated(app)) " act for them: " (scopes.join(", ")) "."
        },
        SecurityAction::AppDisconnected { user, app } => html! {
            "Disconnected the app " (isolated(app)) ": it does not act for " (isolated(&user.email)) " any more."
        },
        SecurityAction::AppTokenStolen { user, app } => html! {
            "A refresh token of the app " (isolated(app)) " was used twice. All that " (isolated(&user.email)) " gave it was ended."
        },
        SecurityAction::Unknown => html! { "Something that this version of the server has no words for." },
    }
}

/// A position in a list, for a link. Lists are the tenant's own: it needs no signature.
pub(crate) fn written(position: Position) -> String {
    format!("{}-{}", position.created_at.unix_millis(), position.id)
}

/// A position, as a link says it. What is none is the first page.
pub(crate) fn position(text: &str) -> Option<Position> {
    let (millis, id) = text.split_once('-')?;
    let created_at = Timestamp::from_unix_millis(millis.parse().ok()?);
    Some(Position { created_at, id: id.parse().ok()? })
}

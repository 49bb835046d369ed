//! What a user is asked.

use bwp_domain::{
    scopes::{ScopeId, ScopeSet},
    sessions::SignedIn,
};
use maud::{Markup, html};

use super::{PATH, asked::Asked};
use crate::{layout::token, visit::Visit, widgets::isolated};

/// What stands in the way of undoing, or reaches people outside.
fn is_dangerous(scope: ScopeId) -> bool {
    let action = scope.as_str().split(':').nth(1).unwrap_or_default();
    matches!(action, "delete" | "send" | "approve" | "mark_paid" | "accept_reject")
        || matches!(scope, ScopeId::InvoicesVoid | ScopeId::WebhooksManage | ScopeId::SettingsWrite)
}

/// A scope in words.
fn words(scope: ScopeId) -> String {
    if scope == ScopeId::OfflineAccess {
        return "Stay connected while you are away, until you disconnect it".to_owned();
    }
    let family = scope.family().replace('_', " ");
    match scope.as_str().split(':').nth(1).unwrap_or_default() {
        "read" => format!("See {family}"),
        "write" => format!("Make and change {family}"),
        "delete" => format!("Delete {family}"),
        "send" => format!("Send {family} to customers in your name"),
        "approve" => format!("Approve {family}"),
        "accept_reject" => format!("Accept and reject {family}"),
        "mark_paid" => format!("Mark {family} as paid"),
        "void" => format!("Void {family}"),
        "manage" => format!("Manage {family}"),
        other => format!("{}: {family}", other.replace('_', " ")),
    }
}

/// The page: who asks, for whom, what it will be able to do, and what the role keeps from it.
pub(super) fn consent(visit: &Visit, member: &SignedIn, asked: &Asked, wanted: ScopeSet, given: ScopeSet) -> Markup {
    let name = &asked.client.metadata.name;
    let cut = wanted.without(given);
    html! {
        div.card {
            h1 { "Allow “" (isolated(name)) "” to use your account?" }
            p.quiet { "It asks to act for you in " (isolated(member.tenant.name.as_str())) "." }
            dl.facts {
                dt { "You are" }
                dd { (isolated(&member.account().email)) ", " (member.user.role.label().to_lowercase()) }
                dt { "App from" } dd { code { (isolated(asked.host())) } }
                dt { "Goes back to" } dd { code { (isolated(&asked.redirect_uri)) } }
            }
            h2 { "It will be able to" }
            ul {
                @for scope in given.iter() {
                    li title=(scope) {
                        (words(scope))
                        @if is_dangerous(scope) { " " span.state.warn { "Take care" } }
                    }
                }
            }
            @if !cut.is_empty() {
                h2 { "It asks for more than your role allows, and will not get" }
                ul { @for scope in cut.iter() { li title=(scope) { (words(scope)) } } }
            }
            div.note.warn {
                p { strong { "Nobody has checked this app." } " Allow it only if you began this yourself, just now." }
            }
            form method="post" action=(visit.link(PATH)) {
                (token(visit))
                input type="hidden" name="request_uri" value=(visit.path_and_query());
                p.actions {
                    button type="submit" name="decision" value="approve" { "Allow " (isolated(name)) }
                    button.second type="submit" name="decision" value="deny" { "Do not allow" }
                }
            }
            p.quiet { "It never gets more than your role allows." }
        }
    }
}

//! What an app may do, in words.

use bwp_domain::scopes::{ScopeId, ScopeSet};
use maud::{Markup, html};

/// What stands in the way of undoing, or reaches people outside.
fn is_dangerous(scope: ScopeId) -> bool {
    let action = scope.as_str().split(':').nth(1).unwrap_or_default();
    matches!(action, "delete" | "send" | "approve" | "mark_paid" | "accept_reject")
        || matches!(scope, ScopeId::InvoicesVoid | ScopeId::WebhooksManage | ScopeId::SettingsWrite)
}

/// A scope in words.
pub(crate) fn words(scope: ScopeId) -> String {
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

/// Scopes in words, with a warning at those that deserve one.
pub(crate) fn list(scopes: ScopeSet) -> Markup {
    html! {
        ul {
            @for scope in scopes.iter() {
                li title=(scope) {
                    (words(scope))
                    @if is_dangerous(scope) { " " span.state.warn { "Take care" } }
                }
            }
        }
    }
}

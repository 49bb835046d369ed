//! A key that was just made: the one page that shows it.

use bwp_domain::keys::CreatedKey;
use maud::{Markup, html};

use super::{PATH, path_of, trail};
use crate::visit::Visit;

/// What a new key looks like, and how to call with it.
pub(super) fn page(visit: &Visit, made: &CreatedKey, heading: &str, more: &Markup) -> Markup {
    let url = visit.state.public_url.as_str();
    let secret = made.secret.expose();
    html! {
        (trail(visit, Some(&made.key)))
        h1 { (heading) }
        div.note.warn role="status" {
            p { strong { "Copy the key now. " } "It is shown this once, and nobody can show it again: only its hash is kept." }
        }
        div.secret {
            code #key data-secret aria-label="The key" { (secret) }
            button type="button" data-copy="key" hidden { "Copy" }
            span #copied role="status" {}
        }
        (more)
        h2 { "Try it" }
        pre tabindex="0" { code data-with-secret { "curl -H 'Authorization: Bearer " (secret) "' " (url) "/api/v1/me" } }
        @if !made.key.allowlist.networks().is_empty() {
            p.quiet { "It is let in from " (made.key.allowlist.entries().join(", ")) " alone." }
        }
        p.actions {
            a.button href=(visit.link(&path_of(&made.key))) { "Done" }
            a href=(visit.link(PATH)) { "All API keys" }
        }
    }
}

/// What is shown when a form is sent a second time, by a reload or a second click.
pub(super) fn again(visit: &Visit, key: &str) -> Markup {
    html! {
        (trail(visit, None))
        h1 { "This form was sent before" }
        p { "The key was made then, and was shown once. Nothing more was made now." }
        p { "If you did not copy it: revoke it and make another." }
        p.actions { a.button href=(visit.link(&format!("{PATH}/{key}"))) { "To the key" } }
    }
}

//! What a user is asked.

use bwp_domain::{scopes::ScopeSet, sessions::SignedIn};
use maud::{Markup, html};

use super::{PATH, asked::Asked};
use crate::{
    layout::token,
    scope_words::{list, words},
    visit::Visit,
    widgets::isolated,
};

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
            (list(given))
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

//! The page after signing in.

use std::rc::Rc;

use bwp_domain::users::Permission;
use maud::html;

use crate::{
    access::Access,
    routes::{Answer, Entry},
    visit::Visit,
    widgets::isolated,
};

pub(crate) fn entries() -> Vec<Entry> {
    vec![Entry::get("/", Access::Member, home)]
}

async fn home(visit: Rc<Visit>) -> Answer {
    let member = visit.member()?;
    let url = visit.state.public_url.as_str();
    let keys = visit.link("/settings/developer/api-keys");
    let page = html! {
        h1 { "Welcome, " (isolated(&member.account().label())) }
        p {
            "You are in " strong { (isolated(member.tenant.name.as_str())) } ". Your role there is "
            strong { (member.user.role.label()) } ": " (member.user.role.meaning())
        }
        @if visit.may(Permission::ManageKeys) {
            h2 { "Call the API in three steps" }
            ol {
                li {
                    p {
                        strong { "Make a key. " }
                        "It is what a program signs in with: give it the smallest set of scopes that does the job."
                    }
                    p { a.button href=(format!("{keys}/new")) { "New API key" } }
                }
                li {
                    p { strong { "Copy it " } "from the page that shows it. It is shown once." }
                }
                li {
                    p { strong { "Call: " } "put your key in place of " code { "bwp_live_…" } "." }
                    pre tabindex="0" { code {
                        "curl -H 'Authorization: Bearer bwp_live_…' " (url) "/api/v1/me"
                    } }
                }
            }
            p { a href=(keys) { "All API keys" } ", and when each was last used." }
        } @else {
            h2 { "API keys" }
            p { "API keys are made by a company admin. Ask one, if you want to connect a program." }
        }
        h2 { "Where to go on" }
        ul {
            li { a href=(visit.link("/docs/quickstart")) { "Quickstart" } ": from a key to a first contact." }
            li { a href=(visit.link("/docs")) { "API reference" } ": every operation, to try out." }
            @if visit.may(Permission::ManageUsers) {
                li { a href=(visit.link("/settings/organization/users")) { "Team" } ": invite people, give roles." }
            }
            li { a href=(visit.link("/settings/account")) { "Your account" } ": password, and where you are signed in." }
        }
    };
    Ok(visit.ok("Home", &page))
}

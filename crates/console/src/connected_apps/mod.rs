//! Settings → Developer → Connected apps: which apps act for whom, and an end to that.

mod list;
mod show;

use bwp_domain::{ids::GrantId, oauth::Connection, users::Permission};
use maud::{Markup, html};

use crate::{access::Access, routes::Entry, trouble::Trouble, visit::Visit};

pub(crate) const PATH: &str = "/settings/developer/connected-apps";
const ALL: &str = "/settings/developer/connected-apps/all";

pub(crate) fn entries() -> Vec<Entry> {
    vec![
        Entry::get(PATH, Access::Member, list::own),
        Entry::get(ALL, Access::May(Permission::ManageApps), list::all),
        Entry::get("/settings/developer/connected-apps/{grant}", Access::Member, show::show),
        Entry::post("/settings/developer/connected-apps/{grant}/disconnect", Access::Member, show::disconnect),
    ]
}

/// The grant that the path names.
fn id(visit: &Visit) -> Result<GrantId, Trouble> {
    visit.part("grant").parse().ok().and_then(GrantId::new).ok_or(Trouble::NotFound)
}

/// The same with its app, if who asks may know of it: it is theirs, or they manage apps.
async fn named(visit: &Visit) -> Result<Connection, Trouble> {
    let member = visit.member()?;
    let now = visit.state.environment.clock.now();
    let found = visit.state.oauth.find_connection(member.tenant.id, id(visit)?, now).await?;
    found.filter(|one| is_own(visit, one) || visit.may(Permission::ManageApps)).ok_or(Trouble::NotFound)
}

fn is_own(visit: &Visit, connection: &Connection) -> bool {
    visit.acting().is_some_and(|signed_in| signed_in.user.id == connection.user.id)
}

/// The path of a connected app's page.
fn path_of(connection: &Connection) -> String {
    format!("{PATH}/{}", connection.id)
}

/// Whether the app acts, in a word.
fn state(connection: &Connection) -> Markup {
    html! {
        @if connection.stolen_at.is_some() {
            span.state.bad { "Ended by theft" }
        } @else if !connection.user.is_active() {
            span.state { "Without access" }
        } @else {
            span.state.good { "Connected" }
        }
    }
}

//! The tables of connected apps: one's own, and everybody's.

use std::rc::Rc;

use bwp_domain::{
    oauth::Connection,
    paging::{Limit, Page, PageRequest},
    users::Permission,
};
use maud::{Markup, html};

use super::{ALL, PATH, path_of, state};
use crate::{
    routes::Answer,
    security::{position, written},
    trouble::Trouble,
    visit::Visit,
    widgets::{Pager, ago, good, isolated, time},
};

/// Whose apps a page shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Own,
    Everybody,
}

pub(super) async fn own(visit: Rc<Visit>) -> Answer {
    let found = read(&visit, Whose::Own).await?;
    let main = html! {
        @if visit.query("done") == "disconnected" { (good("Disconnected. The app’s next request is refused.")) }
        h1 { "Connected apps" }
        p {
            "Apps of others that you let act for you. None gets more than your role allows. \
             Changing your password disconnects none: do that here."
        }
        @if visit.may(Permission::ManageApps) {
            p { a href=(visit.link(ALL)) { "Everybody’s connected apps" } }
        }
        @for stolen in found.items.iter().filter(|one| one.stolen_at.is_some()) { (theft(stolen)) }
        @if found.items.is_empty() {
            div.note { p { "No app acts for you. One that wants to sends you to a page here that asks you first." } }
        } @else { (table(&visit, &found.items, Whose::Own)) }
        (pager(&visit, PATH, &found))
    };
    Ok(visit.ok("Connected apps", &main))
}

pub(super) async fn all(visit: Rc<Visit>) -> Answer {
    let found = read(&visit, Whose::Everybody).await?;
    let main = html! {
        p.trail { a href=(visit.link(PATH)) { "Connected apps" } }
        @if visit.query("done") == "disconnected" { (good("Disconnected. The app’s next request is refused.")) }
        h1 { "Everybody’s connected apps" }
        p { "Every app that acts for a user of this organization. Open one to see who makes it, and to disconnect it." }
        @if found.items.is_empty() {
            div.note { p { "No app acts for anybody here." } }
        } @else { (table(&visit, &found.items, Whose::Everybody)) }
        (pager(&visit, ALL, &found))
    };
    Ok(visit.ok("Everybody’s connected apps", &main))
}

async fn read(visit: &Visit, whose: Whose) -> Result<Page<Connection>, Trouble> {
    let member = visit.member()?;
    let page = PageRequest { limit: Limit::DEFAULT, after: position(&visit.query("before")) };
    let user = (whose == Whose::Own).then_some(member.user.id);
    let now = visit.state.environment.clock.now();
    Ok(visit.state.oauth.list_connections(member.tenant.id, user, now, page).await?)
}

fn pager(visit: &Visit, path: &str, found: &Page<Connection>) -> Markup {
    let is_first = position(&visit.query("before")).is_none();
    let next = found.next.map(|next| ("before", written(next)));
    Pager { path: &visit.link(path), is_first, next, ..Pager::OLDER }.show()
}

/// What the user is told of a theft.
fn theft(connection: &Connection) -> Markup {
    html! {
        div.note.bad role="alert" {
            p {
                strong { "A token of “" (isolated(&connection.client.metadata.name)) "” was used twice. " }
                "Somebody may have copied it, so everything that you gave the app was ended"
                @if let Some(at) = connection.stolen_at { " on " (time(at)) }
                ". Look through what it could change, ask its maker what happened, and connect it again only after that."
            }
        }
    }
}

fn table(visit: &Visit, connections: &[Connection], whose: Whose) -> Markup {
    let now = visit.state.environment.clock.now();
    let mut columns = vec!["App", "Connected", "Last got a token", "State"];
    if whose == Whose::Everybody {
        columns.insert(1, "Acts for");
    }
    html! {
        table.rows role="table" {
            thead role="rowgroup" { tr role="row" {
                @for column in columns { th scope="col" role="columnheader" { (column) } }
            } }
            tbody role="rowgroup" {
                @for one in connections {
                    tr role="row" {
                        th scope="row" role="rowheader" {
                            a href=(visit.link(&path_of(one))) { (isolated(&one.client.metadata.name)) }
                        }
                        @if whose == Whose::Everybody {
                            td role="cell" data-label="Acts for" { (isolated(&one.user.account.email)) }
                        }
                        td role="cell" data-label="Connected" { (time(one.created_at)) }
                        td role="cell" data-label="Last got a token" { (ago(one.renewed_at, now)) }
                        td role="cell" data-label="State" { (state(one)) }
                    }
                }
            }
        }
        p.quiet { "An app that is in use gets a token once an hour or more often." }
    }
}

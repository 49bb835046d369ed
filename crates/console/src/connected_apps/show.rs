//! One connected app: what it may do, who makes it, and its end.

use std::rc::Rc;

use bwp_domain::oauth::{Connection, Disconnect, DisconnectError};
use maud::{Markup, html};

use super::{ALL, PATH, id, is_own, named, path_of, state};
use crate::{
    change::run,
    form::Form,
    layout::token,
    routes::Answer,
    scope_words::{list, words},
    trouble::Trouble,
    visit::Visit,
    widgets::{ago, isolated, time},
};

pub(super) async fn show(visit: Rc<Visit>) -> Answer {
    let connection = named(&visit).await?;
    Ok(visit.ok("Connected app", &page(&visit, &connection)))
}

pub(super) async fn disconnect(visit: Rc<Visit>, _form: Form) -> Answer {
    let grant = id(&visit)?;
    // Where its user, or an admin, goes on from. One that was disconnected meanwhile is not found here.
    let back = match named(&visit).await {
        Ok(connection) if !is_own(&visit, &connection) => ALL,
        Ok(_) | Err(Trouble::NotFound) => PATH,
        Err(trouble) => return Err(trouble),
    };
    match run(&visit, Disconnect { grant }).await? {
        Ok(()) => Ok(visit.redirect(&format!("{back}?done=disconnected"))),
        Err(DisconnectError::NotFound) => Err(Trouble::NotFound),
    }
}

fn page(visit: &Visit, connection: &Connection) -> Markup {
    let now = visit.state.environment.clock.now();
    let client = &connection.client;
    let (may, cut) = (connection.scopes_now(), connection.scopes.without(connection.scopes_now()));
    html! {
        p.trail {
            a href=(visit.link(PATH)) { "Connected apps" }
            @if !is_own(visit, connection) { " › " a href=(visit.link(ALL)) { "Everybody’s" } }
        }
        div.head { h1 { (isolated(&client.metadata.name)) } (state(connection)) }
        dl {
            dt { "Acts for" } dd { (isolated(&connection.user.account.email)) ", " (connection.user.role.label().to_lowercase()) }
            dt { "Connected" } dd { (time(connection.created_at)) }
            dt { "Last got a token" } dd { (ago(connection.renewed_at, now)) }
            @if let Some(at) = connection.stolen_at { dt { "Ended by theft" } dd { (time(at)) } }
        }
        h2 { @if connection.stolen_at.is_some() { "It was able to" } @else { "It is able to" } }
        @if may.is_empty() { p.quiet { "Nothing but to tell who its user is." } } @else { (list(may)) }
        @if !cut.is_empty() {
            h2 { "It was given, but the role does not allow it any more" }
            ul { @for scope in cut.iter() { li title=(scope) { (words(scope)) } } }
        }
        h2 { "Who it says it is" }
        dl {
            dt { "Client id" } dd { code { (client.public_id) } }
            dt { "Registered" } dd { (time(client.created_at)) }
            dt { "Proves itself" } dd { @if client.metadata.is_public() { "by nothing: it is a public client" } @else { "by a secret" } }
            @if let Some(contact) = &client.metadata.contact { dt { "Contact" } dd { (isolated(contact)) } }
            dt { "Sends users back to" }
            dd { @for uri in &client.metadata.redirect_uris { div { code { (isolated(uri.as_str())) } } } }
        }
        @if connection.stolen_at.is_none() {
            h2 { "Disconnect" }
            p { "From the moment it is done, every request of the app is refused, those in flight too." }
            form method="post" action=(visit.link(&format!("{}/disconnect", path_of(connection)))) {
                (token(visit))
                p.actions { button.danger type="submit" { "Disconnect" } }
            }
        }
    }
}

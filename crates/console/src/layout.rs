//! The frame around every page.

use bwp_domain::{characters::legible, users::Permission};
use maud::{DOCTYPE, Markup, html};

use crate::{form, visit::Visit, widgets::isolated};

const NAME: &str = "bwp";

/// The places that the navigation leads to: label, path, and what one has to be permitted to see it.
const PLACES: [(&str, &str, Option<Permission>); 6] = [
    ("Home", "/", None),
    ("API keys", "/settings/developer/api-keys", Some(Permission::SeeKeys)),
    ("Connected apps", "/settings/developer/connected-apps", None),
    ("Webhooks", "/settings/developer/webhooks", Some(Permission::ManageWebhooks)),
    ("Team", "/settings/organization/users", Some(Permission::SeeUsers)),
    ("Security log", "/settings/developer/security-log", Some(Permission::SeeSecurityLog)),
];

pub(crate) fn page(visit: &Visit, title: &str, main: &Markup) -> Markup {
    let assets = &visit.state.assets;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (legible(title)) " · " (NAME) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" href=(visit.link(assets.icon())) type="image/svg+xml";
                link rel="stylesheet" href=(visit.link(assets.css()));
                script src=(visit.link(assets.script())) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.site {
                    a.name href=(visit.link("/")) { (NAME) }
                    @if visit.account().is_some() { (navigation(visit)) (who(visit)) }
                }
                main #main tabindex="-1" {
                    @if visit.state.closed().is_some() { (closed()) }
                    (main)
                }
                footer.foot {
                    p {
                        "Server version " (visit.state.version) " · "
                        a href=(visit.link("/docs")) { "API documentation" }
                    }
                }
            }
        }
    }
}

fn closed() -> Markup {
    html! {
        div.note.warn role="status" {
            p { "The server is closed for planned work. Pages can be looked at; nothing can be changed until it is done." }
        }
    }
}

fn navigation(visit: &Visit) -> Markup {
    let current = |path: &str| {
        let here = if path == "/" { visit.path() == "/" } else { visit.path().starts_with(path) };
        here.then_some("page")
    };
    html! {
        nav aria-label="Main" {
            ul {
                @for (label, path, needs) in PLACES {
                    @if needs.is_none_or(|permission| visit.may(permission)) {
                        li { a href=(visit.link(path)) aria-current=[current(path)] { (label) } }
                    }
                }
            }
        }
    }
}

/// Who is signed in, and where.
fn who(visit: &Visit) -> Markup {
    html! {
        div.who {
            @if let Some(signed_in) = visit.acting() {
                a.where href=(visit.link("/choose")) title="Switch organization" { (isolated(signed_in.tenant.name.as_str())) }
            }
            @if let Some(account) = visit.account() {
                a href=(visit.link("/settings/account")) { (isolated(&account.label())) }
            }
            form method="post" action=(visit.link("/sign-out")) {
                (token(visit))
                button.plain type="submit" { "Sign out" }
            }
        }
    }
}

/// What every form carries.
pub(crate) fn token(visit: &Visit) -> Markup {
    html! { input type="hidden" name=(form::TOKEN) value=(visit.form_token()); }
}

/// What a form carries that must not be worked on twice.
pub(crate) fn nonce(visit: &Visit) -> Markup {
    let nonce = crate::browser::random_text(&*visit.state.environment.entropy);
    html! { input type="hidden" name=(form::NONCE) value=(nonce); }
}

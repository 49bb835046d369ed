//! Revoking a key, by its name.

use std::rc::Rc;

use bwp_domain::{
    characters::legible,
    fields::{Fault, FieldErrors},
    ids::KeyId,
    keys::{ApiKey, RevokeIf, RevokeKey},
};
use maud::{Markup, html};

use super::{PATH, explained, named, path_of, trail};
use crate::{
    change::run,
    form::Form,
    layout::token,
    routes::{Answer, UNPROCESSABLE},
    visit::Visit,
    widgets::{TextField, isolated, trouble},
};

/// The field that says which successor the key had when the form was shown.
const SUCCESSOR: &str = "successor";

pub(super) async fn form(visit: Rc<Visit>) -> Answer {
    let key = named(&visit).await?.key;
    Ok(visit.ok("Revoke API key", &page(&visit, &key, &FieldErrors::new(), &html! {})))
}

/// A name as a page shows it, and as it is copied from there: white space of any length is one space.
fn words(name: &str) -> Vec<String> {
    legible(name).split_whitespace().map(str::to_owned).collect()
}

pub(super) async fn revoke(visit: Rc<Visit>, form: Form) -> Answer {
    let key = named(&visit).await?.key;
    if words(form.get("name")) != words(key.name.as_str()) {
        let fault = Fault::new("invalid_value", "This is not the key's name. Type it as it stands above.");
        let errors = FieldErrors::one("name", fault);
        return Ok(visit.page(UNPROCESSABLE, "Revoke API key", &page(&visit, &key, &errors, &html! {})));
    }
    let seen = form.get(SUCCESSOR).parse().ok().and_then(KeyId::new);
    let command = RevokeKey { id: key.id, condition: RevokeIf::SuccessorIs(seen) };
    match run(&visit, command).await? {
        Ok(()) => Ok(visit.redirect(&format!("{}?done=revoked", path_of(&key)))),
        Err(error) => {
            let (status, errors, note) = explained(error)?;
            // As it is now: somebody has changed it meanwhile.
            let key = named(&visit).await?.key;
            Ok(visit.page(status, "Revoke API key", &page(&visit, &key, &errors, &note)))
        }
    }
}

fn page(visit: &Visit, key: &ApiKey, errors: &FieldErrors, note: &Markup) -> Markup {
    let path = path_of(key);
    let name = TextField { name: "name", label: "The key’s name", ..TextField::REQUIRED };
    html! {
        (trail(visit, Some(key)))
        h1 { "Revoke API key" }
        (note)
        (trouble(errors))
        div.note.warn {
            p {
                strong { "This is for good. " }
                "From the moment it is done, every request with “" (isolated(key.name.as_str())) "” is refused, those in flight too. \
                 If a program still needs to work, rotate the key instead."
            }
            @if let Some(successor) = key.replaced_by {
                p {
                    "Its successor, " a href=(visit.link(&format!("{PATH}/{successor}"))) { "key " (successor) }
                    ", goes on working. If it must not, revoke it too."
                }
            }
        }
        form method="post" action=(visit.link(&format!("{path}/revoke"))) {
            (token(visit))
            @if let Some(successor) = key.replaced_by { input type="hidden" name=(SUCCESSOR) value=(successor); }
            p { "To go on, type the name: " strong { (isolated(key.name.as_str())) } }
            (name.show(errors))
            p.actions {
                button.danger type="submit" { "Revoke for good" }
                a href=(visit.link(&path)) { "Cancel" }
            }
        }
    }
}

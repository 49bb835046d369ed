//! Changing a key's name, and from where it may be used.

use std::rc::Rc;

use actix_web::http::StatusCode;
use bwp_domain::{
    characters::legible,
    fields::{Field, FieldErrors},
    keys::{Allowlist, ApiKey, EditKey, KeyDraft, KeyName, SeenKey},
};
use maud::{Markup, html};

use super::{allowlist, explained, named, path_of, trail};
use crate::{
    change::run,
    form::Form,
    layout::token,
    routes::{Answer, UNPROCESSABLE},
    visit::Visit,
    widgets::{TextField, trouble},
};

/// The field that says from where the key could be used when the form was shown.
const SEEN: &str = "seen";
/// The field that says what the key was called then.
const SEEN_NAME: &str = "seenName";

pub(super) async fn form(visit: Rc<Visit>) -> Answer {
    let key = named(&visit).await?.key;
    let allowlist = key.allowlist.entries().join("\n");
    let page = page(&visit, &key, &legible(key.name.as_str()), &allowlist, &FieldErrors::new(), &html! {});
    Ok(visit.ok("Edit API key", &page))
}

pub(super) async fn edit(visit: Rc<Visit>, form: Form) -> Answer {
    let key = named(&visit).await?.key;
    let show = |status, allowlist: &str, errors: &FieldErrors, note: &Markup| {
        Ok(visit.page(status, "Edit API key", &page(&visit, &key, form.get("name"), allowlist, errors, note)))
    };
    let list = form.get("allowlist");
    if let Some(longer) = allowlist::with_own_address(&visit, &form) {
        return show(StatusCode::OK, &longer, &FieldErrors::new(), &html! {});
    }
    let draft = KeyDraft {
        name: Field::Value(form.get("name").trim().to_owned()),
        allowlist: Field::Value(allowlist::entries(&form)),
        ..KeyDraft::default()
    };
    let command = match draft.edit(FieldErrors::new()) {
        Ok(changes) => EditKey { seen: seen(&key, &form), ..EditKey::new(key.id, changes) },
        Err(errors) => return show(UNPROCESSABLE, list, &allowlist::by_line(&errors, &form), &html! {}),
    };
    match run(&visit, command).await? {
        Ok(()) => Ok(visit.redirect(&format!("{}?done=edited", path_of(&key)))),
        Err(error) => {
            let (status, errors, note) = explained(error)?;
            show(status, list, &errors, &note)
        }
    }
}

/// What the form was shown with. A form of a server without the field says nothing of the name.
fn seen(key: &ApiKey, form: &Form) -> Option<SeenKey> {
    let allowlist = Allowlist::parse(&form.get(SEEN).split_whitespace().collect::<Vec<_>>()).ok()?;
    let shown = form.get(SEEN_NAME);
    let is_same = !form.has(SEEN_NAME) || shown == legible(key.name.as_str());
    let name = if is_same { key.name.clone() } else { KeyName::stored(shown.to_owned()).ok()? };
    Some(SeenKey { name, allowlist })
}

fn page(visit: &Visit, key: &ApiKey, name: &str, allowlist: &str, errors: &FieldErrors, note: &Markup) -> Markup {
    let path = path_of(key);
    let name = TextField { name: "name", label: "Name", value: name, ..TextField::REQUIRED };
    html! {
        (trail(visit, Some(key)))
        h1 { "Edit API key" }
        (note)
        (trouble(errors))
        p {
            "A key's scopes do not change: make another key for another job. From where it may be used is in force from the \
             next request on."
        }
        form method="post" action=(visit.link(&format!("{path}/edit"))) {
            (token(visit))
            // In one field: the operator's lists may be longer than forms have fields.
            input type="hidden" name=(SEEN) value=(key.allowlist.entries().join(" "));
            input type="hidden" name=(SEEN_NAME) value=(legible(key.name.as_str()));
            (name.show(errors))
            (allowlist::field(visit, allowlist, errors))
            p.actions {
                button type="submit" { "Save" }
                a href=(visit.link(&path)) { "Cancel" }
            }
        }
    }
}

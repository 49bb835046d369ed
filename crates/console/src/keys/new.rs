//! Making a key.

use std::rc::Rc;

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    execute::{Executed, execute},
    fields::{Field, FieldErrors},
    idempotency::RenderedResponse,
    keys::{CreatedKey, KeyDraft, KeyMode},
    rate_limits::RateLimit,
    scopes::{ScopeId, ScopeSet},
};
use maud::{Markup, html};

use super::{PATH, allowlist, explained, made, scopes, trail};
use crate::{
    form::Form,
    layout::{nonce, token},
    routes::{Answer, UNPROCESSABLE},
    trouble::rejected,
    visit::Visit,
    widgets::{TextField, faults, messages, trouble},
};

/// What is filled in, as text.
pub(super) struct Filled {
    name: String,
    mode: String,
    scopes: ScopeSet,
    allowlist: String,
    rate_limit: String,
    expires_on: String,
}

pub(super) async fn form(visit: Rc<Visit>) -> Answer {
    let preset = scopes::PRESETS.iter().find(|preset| preset.id == visit.query("preset"));
    let filled = Filled {
        name: String::new(),
        mode: "live".to_owned(),
        scopes: preset.map_or(ScopeSet::EMPTY, |preset| (preset.scopes)()),
        allowlist: String::new(),
        rate_limit: RateLimit::OF_KEY.get().to_string(),
        expires_on: String::new(),
    };
    Ok(visit.ok("New API key", &page(&visit, &filled, &FieldErrors::new(), false, &html! {})))
}

pub(super) async fn create(visit: Rc<Visit>, form: Form) -> Answer {
    let mut filled = Filled::of(&form);
    let show = |status, filled: &Filled, errors: &FieldErrors, warn, note: &Markup| {
        Ok(visit.page(status, "New API key", &page(&visit, filled, errors, warn, note)))
    };
    if let Some(longer) = allowlist::with_own_address(&visit, &form) {
        filled.allowlist = longer;
        return show(StatusCode::OK, &filled, &FieldErrors::new(), false, &html! {});
    }
    let state = &visit.state;
    let command = match filled.draft(&form).create(state.environment.clock.now(), FieldErrors::new()) {
        Ok(command) => command,
        Err(errors) => return show(UNPROCESSABLE, &filled, &allowlist::by_line(&errors, &form), false, &html! {}),
    };
    if scopes::broad(command.key.scopes) && form.get("warned") != "1" {
        return show(StatusCode::OK, &filled, &FieldErrors::new(), true, &html! {});
    }
    let done =
        execute(&*state.store, &state.environment, &visit.caller()?, form.keyed().as_ref(), &command, receipt).await;
    match done {
        Ok(Executed::Applied { output, .. }) => {
            Ok(visit.ok("Your new API key", &made::page(&visit, &output, "Your new API key", &html! {})))
        }
        Ok(Executed::Replayed(receipt)) => Ok(sent_before(&visit, &receipt)),
        Err(error) => {
            let (status, errors, note) = explained(rejected(error)?)?;
            show(status, &filled, &errors, false, &note)
        }
    }
}

/// What is kept of the answer: which key was made, and not what it is.
pub(super) fn receipt(made: &CreatedKey) -> RenderedResponse {
    RenderedResponse { status: 200, body: made.key.public_id.to_string().into_bytes(), ..RenderedResponse::default() }
}

pub(super) fn sent_before(visit: &Visit, receipt: &RenderedResponse) -> HttpResponse {
    let key = String::from_utf8_lossy(&receipt.body);
    visit.ok("This form was sent before", &made::again(visit, &key))
}

impl Filled {
    fn of(form: &Form) -> Self {
        Self {
            name: form.get("name").to_owned(),
            mode: form.get("mode").to_owned(),
            scopes: form.all("scope").filter_map(|scope| scope.parse::<ScopeId>().ok()).collect(),
            allowlist: form.get("allowlist").to_owned(),
            rate_limit: form.get("rateLimit").to_owned(),
            expires_on: form.get("expiresAt").to_owned(),
        }
    }

    fn draft(&self, form: &Form) -> KeyDraft {
        let text = |text: &str| {
            let text = text.trim();
            if text.is_empty() { Field::Absent } else { Field::Value(text.to_owned()) }
        };
        KeyDraft {
            name: text(&self.name),
            mode: text(&self.mode),
            scopes: Field::Value(form.all("scope").map(|scope| Field::Value(scope.to_owned())).collect()),
            allowlist: Field::Value(allowlist::entries(form)),
            rate_limit: number(&self.rate_limit),
            // A day ends where the next one begins.
            expires_at: match text(&self.expires_on) {
                Field::Value(day) => Field::Value(format!("{day}T23:59:59.999Z")),
                other => other,
            },
        }
    }
}

/// A whole number, as it is filled in.
fn number(text: &str) -> Field<i64> {
    use bwp_domain::fields::Fault;
    match text.trim() {
        "" => Field::Absent,
        text => text.parse().map_or_else(
            |_| Field::Invalid(Fault::new("invalid_type", "Requests a minute: a whole number, 0 for no limit.")),
            Field::Value,
        ),
    }
}

fn page(visit: &Visit, filled: &Filled, errors: &FieldErrors, warn: bool, note: &Markup) -> Markup {
    let path = visit.link(&format!("{PATH}/new"));
    let name = TextField {
        name: "name",
        label: "Name",
        value: &filled.name,
        hint: "What the key is for: the program that will use it.",
        ..TextField::REQUIRED
    };
    let limit = TextField {
        name: "rateLimit",
        label: "Requests a minute",
        value: &filled.rate_limit,
        hint: "0 for no limit of its own; the organization's limit holds in any case.",
        required: false,
        ..TextField::REQUIRED
    };
    let expiry = TextField {
        name: "expiresAt",
        label: "Last day",
        kind: "date",
        value: &filled.expires_on,
        hint: "After this day (UTC) the key stops working. Empty: it works until it is revoked.",
        required: false,
        ..TextField::REQUIRED
    };
    html! {
        (trail(visit, None))
        h1 { "New API key" }
        (note)
        (trouble(errors))
        form method="post" action=(path) {
            (token(visit))
            (nonce(visit))
            (name.show(errors))
            (modes(&filled.mode))
            fieldset {
                legend { "Scopes" }
                (scopes::presets(&path))
                div.field hidden {
                    label for="scope-filter" { "Find a scope" }
                    input #scope-filter type="search" data-filter="scopes" autocomplete="off";
                }
                (faults("scopes", &messages(errors, "scopes")))
                (scopes::table(filled.scopes))
            }
            (scopes::warning(warn))
            (allowlist::field(visit, &filled.allowlist, errors))
            div.row { (limit.show(errors)) (expiry.show(errors)) }
            p.actions {
                button type="submit" { @if warn { "Create this broad key" } @else { "Create" } }
                a href=(visit.link(PATH)) { "Cancel" }
            }
        }
    }
}

fn modes(chosen: &str) -> Markup {
    let modes = [
        (KeyMode::Live, "live", "Live", "For programs at work."),
        (KeyMode::Test, "test", "Test", "For trying things out. Works on the same data today."),
    ];
    html! {
        fieldset {
            legend { "Kind" }
            @for (mode, value, label, hint) in modes {
                @let id = format!("mode-{value}");
                div.choice {
                    input type="radio" id=(id) name="mode" value=(value) checked[value == chosen] required;
                    label for=(id) { (label) ", " code { (mode.prefix()) "…" } span.hint { ": " (hint) } }
                }
            }
        }
    }
}

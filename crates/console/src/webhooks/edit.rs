//! Making an endpoint, and changing where and of what it is told.

use std::{rc::Rc, sync::Arc};

use bwp_domain::{
    execute::{Executed, execute},
    fields::{Field, FieldErrors, Guard},
    idempotency::RenderedResponse,
    webhooks::{CreateEndpoint, CreatedEndpoint, EditEndpoint, EndpointDraft, EventType, UrlRefusal},
    wording::words,
};
use maud::{Markup, html};

use super::{PATH, explained, named, path_of, secret, trail};
use crate::{
    change::run,
    form::Form,
    layout::{nonce, token},
    routes::{Answer, UNPROCESSABLE},
    trouble::rejected,
    visit::Visit,
    widgets::{TextField, faults, messages, trouble},
};

/// What is filled in, as text.
struct Filled {
    url: String,
    description: String,
    types: Vec<String>,
}

impl Filled {
    fn of(form: &Form) -> Self {
        Self {
            url: form.get("url").trim().to_owned(),
            description: form.get("description").trim().to_owned(),
            types: form.all("eventTypes").map(str::to_owned).collect(),
        }
    }

    fn draft(&self) -> EndpointDraft {
        let description = self.description.clone();
        EndpointDraft {
            url: Field::Value(self.url.clone()),
            event_types: Field::Value(self.types.iter().map(|kind| Field::Value(kind.clone())).collect()),
            description: if description.is_empty() { Field::Null } else { Field::Value(description) },
            is_active: Field::Absent,
        }
    }
}

pub(super) async fn new(visit: Rc<Visit>) -> Answer {
    let filled = Filled { url: String::new(), description: String::new(), types: Vec::new() };
    Ok(visit.ok("New endpoint", &new_page(&visit, &filled, &FieldErrors::new(), &html! {})))
}

pub(super) async fn create(visit: Rc<Visit>, form: Form) -> Answer {
    let filled = Filled::of(&form);
    let show = |status, errors: &FieldErrors, note: &Markup| {
        Ok(visit.page(status, "New endpoint", &new_page(&visit, &filled, errors, note)))
    };
    let draft = filled.draft();
    let refused = refused(&visit, &draft).await;
    let endpoint = match draft.create(FieldErrors::new(), refused) {
        Ok(endpoint) => endpoint,
        Err(errors) => return show(UNPROCESSABLE, &errors, &html! {}),
    };
    let state = &visit.state;
    let command = CreateEndpoint { endpoint, refused, vault: Arc::clone(&state.vault), guard: Guard::NONE };
    let receipt = |made: &CreatedEndpoint| RenderedResponse {
        status: 200,
        body: made.endpoint.id.to_string().into_bytes(),
        ..RenderedResponse::default()
    };
    let caller = visit.caller()?;
    match execute(&*state.store, &state.environment, &caller, form.keyed().as_ref(), &command, receipt).await {
        Ok(Executed::Applied { output, .. }) => {
            Ok(visit
                .ok("Your new endpoint", &secret::page(&visit, &output.endpoint, &output.secret, "Your new endpoint")))
        }
        Ok(Executed::Replayed(receipt)) => Ok(secret::sent_before(&visit, &receipt)),
        Err(error) => {
            let (status, errors, note) = explained(rejected(error)?)?;
            show(status, &errors, &note)
        }
    }
}

pub(super) async fn form(visit: Rc<Visit>) -> Answer {
    let endpoint = named(&visit).await?;
    let filled = Filled {
        url: endpoint.url.as_str().to_owned(),
        description: endpoint.description.as_deref().unwrap_or_default().to_owned(),
        types: endpoint.event_types.iter().map(|kind| kind.as_str().to_owned()).collect(),
    };
    let main = html! { (trail(&visit, Some(&endpoint))) (edit_page(&visit, &path_of(endpoint.id), &filled, &FieldErrors::new(), &html! {})) };
    Ok(visit.ok("Edit endpoint", &main))
}

pub(super) async fn edit(visit: Rc<Visit>, form: Form) -> Answer {
    let endpoint = named(&visit).await?;
    let filled = Filled::of(&form);
    let show = |status, errors: &FieldErrors, note: &Markup| {
        let page = edit_page(&visit, &path_of(endpoint.id), &filled, errors, note);
        Ok(visit.page(status, "Edit endpoint", &html! { (trail(&visit, Some(&endpoint))) (page) }))
    };
    let draft = filled.draft();
    let refused = refused(&visit, &draft).await;
    let changes = match draft.edit(FieldErrors::new(), refused) {
        Ok(changes) => changes,
        Err(errors) => return show(UNPROCESSABLE, &errors, &html! {}),
    };
    match run(&visit, EditEndpoint { id: endpoint.id, changes, refused, guard: Guard::NONE }).await? {
        Ok(()) => Ok(visit.redirect(&format!("{}?done=edited", path_of(endpoint.id)))),
        Err(error) => {
            let (status, errors, note) = explained(error)?;
            show(status, &errors, &note)
        }
    }
}

/// Why nothing may be sent to the URL that was filled in: it takes the network, and is asked before anything is locked.
async fn refused(visit: &Visit, draft: &EndpointDraft) -> Option<UrlRefusal> {
    visit.state.url_guard.check(&draft.url()?).await.err()
}

fn new_page(visit: &Visit, filled: &Filled, errors: &FieldErrors, note: &Markup) -> Markup {
    html! {
        (trail(visit, None))
        h1 { "New endpoint" }
        (note)
        (trouble(errors))
        form method="post" action=(visit.link(&format!("{PATH}/new"))) {
            (token(visit))
            (nonce(visit))
            (fields(filled, errors))
            p.actions {
                button type="submit" { "Make endpoint" }
                a href=(visit.link(PATH)) { "Cancel" }
            }
        }
    }
}

fn edit_page(visit: &Visit, path: &str, filled: &Filled, errors: &FieldErrors, note: &Markup) -> Markup {
    html! {
        h1 { "Edit endpoint" }
        (note)
        (trouble(errors))
        p { "Deliveries that wait go to the new address, too. The secret stays." }
        form method="post" action=(visit.link(&format!("{path}/edit"))) {
            (token(visit))
            (fields(filled, errors))
            p.actions {
                button type="submit" { "Save" }
                a href=(visit.link(path)) { "Cancel" }
            }
        }
    }
}

fn fields(filled: &Filled, errors: &FieldErrors) -> Markup {
    let url = TextField {
        name: "url",
        label: "Address",
        kind: "url",
        value: &filled.url,
        hint: "An https address that the internet reaches, such as https://example.com/webhooks.",
        ..TextField::REQUIRED
    };
    let description = TextField {
        name: "description",
        label: "What it is for (optional)",
        value: &filled.description,
        required: false,
        ..TextField::REQUIRED
    };
    let wrong = messages(errors, "eventTypes");
    html! {
        (url.show(errors))
        (description.show(errors))
        fieldset aria-describedby=[(!wrong.is_empty()).then_some("eventTypes-wrong")] {
            legend { "It is told of" }
            (faults("eventTypes", &wrong))
            @for (subject, types) in subjects() {
                fieldset {
                    legend { (subject) }
                    @for kind in types {
                        @let id = format!("type-{kind}");
                        div.choice {
                            input type="checkbox" id=(id) name="eventTypes" value=(kind)
                                checked[filled.types.iter().any(|chosen| *chosen == kind.as_str())];
                            label for=(id) { (happening(kind)) " " code.quiet { (kind) } }
                        }
                    }
                }
            }
        }
    }
}

/// The types of events, by what they are about.
fn subjects() -> Vec<(String, Vec<EventType>)> {
    let mut subjects: Vec<(&str, Vec<EventType>)> = Vec::new();
    for kind in EventType::ALL.iter().copied() {
        let subject = kind.as_str().split('.').next().unwrap_or_default();
        match subjects.last_mut().filter(|(last, _)| *last == subject) {
            Some((_, types)) => types.push(kind),
            None => subjects.push((subject, vec![kind])),
        }
    }
    subjects.into_iter().map(|(subject, types)| (format!("{}s", words(subject)), types)).collect()
}

/// What happened, in words.
fn happening(kind: EventType) -> String {
    words(kind.as_str().split('.').nth(1).unwrap_or_default())
}

//! The steps of documents: those of their table of states, and sending them.

use actix_web::http::StatusCode;
use bwp_domain::{
    ids::TenantId,
    mail::Sending,
    resource::{Record, Resource, Told},
    steps::{Action, Take},
    store::StoreError,
    tenants::TimeZone,
    wording::words,
};
use serde_json::{Map, Value as Json, json};

use super::{
    Operations,
    handlers::Caller,
    own::{RowCommand, filled},
    schema,
    shown::{named, rendered_with},
};
use crate::{
    openapi::ReplyKind,
    operation::{Operation, Reply},
    problem::ErrorCode,
    request::{Keyed, KeyedEmpty, OptionalObject, RowId},
    routes::Context,
    signature_requests::can_make_links,
};

/// What is shown of a row for the tenant of this id, which is in this time zone.
type Members = fn(&Context, (TenantId, TimeZone), &Record) -> Result<Map<String, Json>, StoreError>;

/// What answers show of rows besides their fields.
#[derive(Clone, Copy)]
pub(crate) struct Besides {
    /// What the document calls such a row.
    pub(crate) name: &'static str,
    /// The properties, as a schema writes them.
    pub(crate) schema: fn() -> Json,
    /// The members.
    pub(crate) members: Members,
}

impl Operations {
    /// Answers of steps show this of rows, besides their fields.
    pub(crate) fn besides(mut self, besides: Besides) -> Self {
        self.besides = Some(besides);
        self
    }

    /// `POST /path/{id}/step`: takes a step of the table of states without a body. `done` says what the row is from then on.
    pub(crate) fn step_alone<A: Action>(self, done: &'static str, action: fn() -> A) -> Self {
        let (shape, besides) = (self.shape(), self.besides);
        let handler = move |context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId| async move {
            let command = Take { id: id.known(shape.one)?, action: action() };
            let tenant = tenant_of(&caller);
            let render = |record: &Record| {
                rendered_with(&context, StatusCode::OK, shape, record, more(besides, &context, tenant, record))
            };
            caller.execute(&context.state, keyed.0, command, render).await
        };
        let name = action().name();
        let operation = Operation::post(self.step_path(name), handler).replies(self.row_reply(done));
        self.and(operation.of_step::<A>(name))
    }

    /// [`step_alone`](Self::step_alone), with a body that `B` describes. A body that is not good is refused with `refusal`.
    pub(crate) fn step_with<A: Action, B: Resource>(
        self,
        name: &'static str,
        done: &'static str,
        refusal: ErrorCode,
        action: fn(B) -> A,
    ) -> Self {
        let (shape, besides) = (self.shape(), self.besides);
        let handler = move |context: Context, caller: Caller, keyed: Keyed, id: RowId, body: OptionalObject| async move {
            let (sent, fingerprint) = (filled::<B>(&body.0, refusal)?, body.0.fingerprint);
            let command = Take { id: id.known(shape.one)?, action: action(sent) };
            let tenant = tenant_of(&caller);
            let render = |record: &Record| {
                rendered_with(&context, StatusCode::OK, shape, record, more(besides, &context, tenant, record))
            };
            caller.execute(&context.state, keyed.with(fingerprint), command, render).await
        };
        let operation = Operation::post(self.step_path(name), handler).takes::<B>().replies(self.row_reply(done));
        self.and(operation.of_step::<A>(name))
    }

    /// `POST /path/{id}/send`: sends the row to the customer, by the command that `make` makes. Scopes and texts are to be said.
    /// Answers say what became of the mail; `name` is what the document calls them.
    pub(crate) fn send<C: RowCommand>(&self, name: &'static str, make: fn(i64, Sending) -> C) -> Operation {
        let (shape, besides) = (self.shape(), self.besides);
        let handler = move |context: Context, caller: Caller, keyed: Keyed, id: RowId, body: OptionalObject| async move {
            let (sending, fingerprint) = (filled::<Sending>(&body.0, ErrorCode::ValidationFailed)?, body.0.fingerprint);
            if sending.request_signature == Some(true) {
                can_make_links(&context)?;
            }
            let command = make(id.known(shape.one)?, sending);
            let tenant = tenant_of(&caller);
            let render = |record: &Record| {
                let mut more = more(besides, &context, tenant, record);
                more.extend(mail_waits(&context));
                rendered_with(&context, StatusCode::OK, shape, record, more)
            };
            caller.execute(&context.state, keyed.with(fingerprint), command, render).await
        };
        let schema = schema::answer_with(shape, name, move || {
            let mut properties = mailed();
            if let (Some(properties), Some(Json::Object(more))) =
                (properties.as_object_mut(), besides.map(|besides| (besides.schema)()))
            {
                properties.extend(more);
            }
            properties
        });
        let description = format!("The {}, and what became of the mail.", shape.one);
        Operation::post(self.step_path("send"), handler).takes::<Sending>().replies(Reply::new(
            200,
            description,
            ReplyKind::One(schema),
        ))
    }

    fn step_path(&self, name: &str) -> String {
        format!("{}/{{id}}/{name}", self.path)
    }

    fn row_reply(&self, done: &str) -> Reply {
        let shape = self.shape();
        let schema = match self.besides {
            Some(besides) => schema::answer_with(shape, besides.name, besides.schema),
            None => schema::answer(shape),
        };
        Reply::new(200, format!("The {}, {done}.", shape.one), ReplyKind::One(schema))
    }
}

fn tenant_of(caller: &Caller) -> (TenantId, TimeZone) {
    let tenant = caller.credential().tenant();
    (tenant.id, tenant.time_zone)
}

fn more(
    besides: Option<Besides>,
    context: &Context,
    tenant: (TenantId, TimeZone),
    record: &Record,
) -> Map<String, Json> {
    // A record that was just stored fits its description.
    besides.and_then(|besides| (besides.members)(context, tenant, record).ok()).unwrap_or_default()
}

impl Operation {
    /// That it is the step of this name: the table of states says what it needs, and what the document says of it.
    pub(crate) fn of_step<A: Action>(self, name: &str) -> Self {
        let (shape, step) = (<A::Of as Resource>::SHAPE, A::named(name));
        let from: Vec<_> = step.from.iter().map(ToString::to_string).collect();
        let told = match step.told {
            Told::As(kind) => Some(kind),
            Told::Updated => shape.events.map(|events| events.updated),
            Told::Nobody => None,
        };
        let told = told.map_or(String::new(), |kind| format!(" Tells webhooks of `{kind}`."));
        self.needs(step.needs)
            .summary(format!("{}: {}", words(shape.one), name.replace('-', " ")))
            .description(format!("Of {} that are {}: others answer 409.{told}", shape.many, from.join(", ")))
    }
}

/// The properties that an answer shows besides that sends mail.
fn mailed() -> Json {
    json!({
        "emailSent": { "type": "boolean", "description": "Whether the mail is on its way." },
        "emailStatus": { "type": "string", "enum": ["not_configured", "queued"], "description": "What became of the mail." },
    })
}

/// What is said of the mail: it is on its way, or waits on a server that sends none (MNY-32).
fn mail_waits(context: &Context) -> Map<String, Json> {
    let sent = context.state.environment.sends_mail;
    named([("emailSent", json!(sent)), ("emailStatus", json!(if sent { "queued" } else { "not_configured" }))])
}

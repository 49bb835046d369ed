//! Operations of documents with money: the steps of their table of states, sending them, and their parts.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use bwp_domain::{
    ids::TenantId,
    mail::Sending,
    parts::{Part, PartChange, WritePart},
    resource::{Filter, Record, Resource, Shape, Told, Value},
    steps::{Action, Step, Take},
    store::StoreError,
    tenants::TimeZone,
};
use serde_json::{Map, Value as Json, json};

use super::{
    Lists, Operations,
    handlers::Caller,
    own::{RowCommand, filled},
    schema,
    shown::{members, rendered_with},
    summary::capital,
};
use crate::{
    openapi::ReplyKind,
    operation::{Operation, Reply, Tag},
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
        let step = action().step();
        let operation = Operation::post(self.step_path(step.name), handler).replies(self.row_reply(done));
        self.and(of_table(shape, step, operation))
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
        let operation = match A::STEPS.iter().find(|step| step.name == name) {
            Some(step) => of_table(shape, step, operation),
            None => operation,
        };
        self.and(operation)
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

    /// What lists, makes, changes and deletes parts of a document `D`, under `path`. `item` names the id of a part in it.
    pub(crate) fn of_parts<D: Resource, P: Part>(path: &'static str, tag: Tag, item: &'static str) -> Self {
        Self::of::<P>(path, tag, Lists::Plain).items(item).list_children::<D>(P::OF, "order").writes_parts::<P>()
    }

    /// What makes, changes and deletes parts of a document.
    pub(crate) fn writes_parts<P: Part>(self) -> Self {
        self.create_by(|ids, draft| WritePart::<P>::new(first(ids), PartChange::Add(draft)))
            .update_by(|ids, draft| WritePart::<P>::new(first(ids), PartChange::Change(last(ids), draft)))
            .delete_by(|ids| WritePart::<P>::new(first(ids), PartChange::Delete(last(ids))))
    }
}

/// The id of what comes first in a path: the document's.
pub(crate) fn first(ids: &[i64]) -> i64 {
    ids.first().copied().unwrap_or_default()
}

/// The id of what comes last in a path: the part's.
fn last(ids: &[i64]) -> i64 {
    ids.last().copied().unwrap_or_default()
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

/// What the document says of a step: from the table of states.
pub(crate) fn of_table<S: std::fmt::Display>(shape: &Shape, step: &Step<S>, operation: Operation) -> Operation {
    let from: Vec<_> = step.from.iter().map(ToString::to_string).collect();
    let told = match step.told {
        Told::As(kind) => Some(kind),
        Told::Updated => shape.events.map(|events| events.updated),
        Told::Nobody => None,
    };
    let told: Cow<'static, str> = told.map_or("".into(), |kind| format!(" Tells webhooks of `{kind}`.").into());
    operation
        .needs(step.needs)
        .summary(format!("{}: {}", capital(shape.one), step.name.replace('-', " ")))
        .description(format!("Of {} that are {}: others answer 409.{told}", shape.many, from.join(", ")))
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
    let said = [("emailSent", json!(sent)), ("emailStatus", json!(if sent { "queued" } else { "not_configured" }))];
    said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The rows of `R` whose field of this name names the row `of`, by their order.
pub(crate) async fn parts<R: Resource>(
    context: &Context,
    tenant: TenantId,
    name: &str,
    of: i64,
) -> Result<Vec<Record>, StoreError> {
    let order = R::SHAPE.field("order").map_or(0, |(at, _)| at);
    context.state.rows.all(tenant, R::SHAPE, &Filter::is(R::SHAPE, name, Value::Integer(of)), order).await
}

/// Rows of `R` as answers show them.
pub(crate) fn shown_all<R: Resource>(rows: &[Record]) -> Result<Json, StoreError> {
    rows.iter().map(|row| members(R::SHAPE, row, Map::new()).map(Json::Object)).collect()
}

/// Members behind those of a row, by their names.
pub(crate) fn named<const N: usize>(members: [(&str, Json); N]) -> Map<String, Json> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

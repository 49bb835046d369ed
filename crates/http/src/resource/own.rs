//! Operations by commands of a family's own: of rows that belong to others, and steps that rows take.

use actix_web::http::StatusCode;
use bwp_domain::{
    execute::Command,
    resource::{Body, Draft, Record, Resource, ResourceError},
    store::UnitOfWork,
};
use serde_json::json;

use super::{Operations, a, handlers::read, rendered, schema, told};
use crate::{
    mutation::no_content,
    openapi::{self, ReplyKind},
    operation::{Operation, Reply},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, Call, Extract, JsonObject, Keyed, KeyedEmpty, describe_row, number},
    routes::Context,
};

/// A command that changes a row.
pub(crate) trait RowCommand: Command<dyn UnitOfWork, Output = Record, Error = ResourceError> + 'static {}

impl<C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError> + 'static> RowCommand for C {}

/// Every id in the path, in their order. The document takes their names from the path.
pub(crate) struct PathIds(Vec<Option<i64>>);

impl PathIds {
    /// The ids, if each can be one: else there is none of what people call so.
    pub(crate) fn known(&self, one: &str) -> Result<Vec<i64>, Problem> {
        self.0.iter().copied().collect::<Option<_>>().ok_or_else(|| Problem::not_found(one))
    }
}

impl Extract for PathIds {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        Ok(Self(call.request.match_info().iter().map(|(_, text)| number(text)).collect()))
    }
}

type Caller = Authorized<AnyCredential>;

impl Operations {
    /// What the last id in the paths of one row is called, unless `id`.
    pub(crate) fn items(mut self, item: &'static str) -> Self {
        self.item = item;
        self
    }

    fn item_path(&self) -> String {
        format!("{}/{{{}}}", self.path, self.item)
    }

    /// `GET /path`: all of them that belong to the row that the path names, as `handler` answers.
    pub(crate) fn list_by<A: 'static>(self, handler: impl crate::operation::Handler<A>) -> Self {
        let shape = self.shape();
        let operation = Operation::get(self.path, handler)
            .names_ids()
            .needs(shape.scopes.read)
            .summary(format!("List {}", shape.many))
            .description(format!("All {} of the one that the path names.", shape.many))
            .replies(Reply::new(200, format!("The {}.", shape.many), ReplyKind::All(schema::answer(shape))));
        self.and(operation)
    }

    /// `POST /path`: makes one, by the command that `make` makes of the ids in the path and what the body sets.
    pub(crate) fn create_by<C: RowCommand>(self, make: fn(&[i64], Draft) -> C) -> Self {
        let shape = self.shape();
        let handler = move |context: Context, caller: Caller, keyed: Keyed, ids: PathIds, body: JsonObject| async move {
            let (draft, fingerprint) = (read(shape, &Body::New, &body)?, body.fingerprint);
            let command = make(&ids.known(shape.one)?, draft);
            let render = |record: &Record| rendered(&context, StatusCode::CREATED, shape, record);
            caller.execute(&context.state, keyed.with(fingerprint), command, render).await
        };
        let operation = Operation::post(self.path, handler)
            .names_ids()
            .body(openapi::Body { schema: schema::create(shape), example: schema::create_example(shape) })
            .needs(shape.scopes.write)
            .summary(format!("Create {}", a(shape.one)))
            .description(told(shape, "", |events| events.created))
            .replies(Reply::new(201, format!("The new {}.", shape.one), ReplyKind::One(schema::answer(shape))));
        self.and(operation)
    }

    /// `PATCH /path/{id}`: changes one, by the command that `make` makes of the ids in the path and what the body sets.
    pub(crate) fn update_by<C: RowCommand>(self, make: fn(&[i64], Draft) -> C) -> Self {
        let shape = self.shape();
        let handler = move |context: Context, caller: Caller, keyed: Keyed, ids: PathIds, body: JsonObject| async move {
            let (draft, fingerprint) = (read(shape, &Body::Change, &body)?, body.fingerprint);
            let command = make(&ids.known(shape.one)?, draft);
            let render = |record: &Record| rendered(&context, StatusCode::OK, shape, record);
            caller.execute(&context.state, keyed.with(fingerprint), command, render).await
        };
        let changes = "Changes the fields that are sent; `null` empties one.";
        let operation = Operation::patch(self.item_path(), handler)
            .names_ids()
            .body(openapi::Body { schema: schema::update(shape), example: schema::update_example(shape) })
            .needs(shape.scopes.write)
            .summary(format!("Change {}", a(shape.one)))
            .description(told(shape, changes, |events| events.updated))
            .replies(Reply::new(
                200,
                format!("The {} after the change.", shape.one),
                ReplyKind::One(schema::answer(shape)),
            ));
        self.and(operation)
    }

    /// `DELETE /path/{id}`: deletes one, by the command that `make` makes of the ids in the path.
    pub(crate) fn delete_by<C: RowCommand>(self, make: fn(&[i64]) -> C) -> Self {
        let shape = self.shape();
        let handler = move |context: Context, caller: Caller, keyed: KeyedEmpty, ids: PathIds| async move {
            let command = make(&ids.known(shape.one)?);
            caller.execute(&context.state, keyed.0, command, |_| no_content()).await
        };
        let operation = Operation::delete(self.item_path(), handler)
            .names_ids()
            .needs(shape.scopes.delete)
            .summary(format!("Delete {}", a(shape.one)))
            .description(told(shape, "From then on it is not found.", |events| events.deleted))
            .replies(Reply::no_content("Deleted."));
        self.and(operation)
    }

    /// `POST` of a step: does to the row that the path names what the command does that `make` makes of the ids in the path, and shows
    /// the row of `R` that comes of it. Summary, description and scopes are to be said.
    pub(crate) fn step<R: Resource, C: RowCommand>(
        path: &'static str,
        reply: (u16, &'static str),
        make: fn(&[i64]) -> C,
    ) -> Operation {
        let status = StatusCode::from_u16(reply.0).unwrap_or(StatusCode::OK);
        let handler = move |context: Context, caller: Caller, keyed: KeyedEmpty, ids: PathIds| async move {
            let render = |record: &Record| rendered(&context, status, R::SHAPE, record);
            caller.execute(&context.state, keyed.0, make(&ids.known(R::SHAPE.one)?), render).await
        };
        Operation::post(path, handler).names_ids().replies(Reply::row::<R>(reply.0, reply.1))
    }
}

/// What a body says that `B` describes. One that is not good is refused with `refusal`.
pub(crate) fn filled<B: Resource>(body: &JsonObject, refusal: ErrorCode) -> Result<B, Problem> {
    let draft = read(B::SHAPE, &Body::New, body).map_err(|problem| problem.coded(refusal))?;
    draft.filled().ok_or_else(|| Problem::new(ErrorCode::BadRequest, "The body is not understood."))
}

impl Operation {
    /// That it takes a body that `B` describes.
    pub(crate) fn takes<B: Resource>(self) -> Self {
        self.body(openapi::Body {
            schema: schema::plain(B::SHAPE, || json!({})),
            example: schema::create_example(B::SHAPE),
        })
    }

    /// That it takes a body that `B` describes, and more properties.
    pub(crate) fn takes_more<B: Resource>(self, more: fn() -> serde_json::Value) -> Self {
        self.body(openapi::Body { schema: schema::plain(B::SHAPE, more), example: schema::create_example(B::SHAPE) })
    }

    /// Describes the ids that its path names.
    pub(crate) fn names_ids(mut self) -> Self {
        let path = self.path.clone();
        for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            describe_row(
                &mut self.input,
                name,
                if name == "id" { "Its id." } else { "The id of the one that is meant." },
            );
        }
        self
    }
}

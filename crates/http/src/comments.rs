//! `/comments`.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    comments::{Comment, thread},
    records::{About, RecordType},
    resource::{Delete, Record, Resource, family},
    scopes::ScopeId,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta, Pagination, Rows},
    openapi::Input,
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::Problem,
    request::{Authorized, Call, Extract, KeyedEmpty, RowId, id::number},
    resource::{Lists, Operations, show},
    routes::Context,
};

const TAG: Tag = Tag { name: "Comments", description: "What people say about records." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<Comment>("/comments", TAG, Lists::Plain)
        .and(
            Operation::get("/comments/{entityType}/{entityId}", list)
                .needs(&[ScopeId::CommentsRead])
                .summary("List the comments on a record")
                .description(
                    "The whole thread, oldest first; an answer names the comment that it answers. Of a thread of more than 1,000 \
                     comments the newest 1,000 are shown, and `meta.pagination.has_more` is true.",
                )
                .replies(Reply::page_of::<Comment>("The thread.")),
        )
        .create()
        .update()
        .and(
            Operation::delete("/comments/{id}", delete)
                .needs(&[ScopeId::CommentsDelete])
                .summary("Delete a comment")
                .description("From then on it is not shown. Those that answer it stay.")
                .replies(Reply::data::<Deleted>("Deleted.")),
        )
        .into_operations()
}

/// The record that a path names. `None`: there can be none of that name.
struct RecordPath(Option<About>);

impl Extract for RecordPath {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        let part = |name| call.request.match_info().get(name).unwrap_or_default();
        let kind: Option<RecordType> = part("entityType").parse().ok();
        Ok(Self(kind.zip(number(part("entityId"))).map(|(kind, id)| About { kind, id })))
    }

    fn describe(input: &mut Input) {
        for (name, description, schema, example) in [
            (
                "entityType",
                "What kind of record.",
                json!({ "type": "string", "enum": RecordType::WORDS }),
                json!("contact"),
            ),
            (
                "entityId",
                "The id of the record.",
                json!({ "type": "integer", "format": "int64", "minimum": 1 }),
                json!(42),
            ),
        ] {
            input.parameters.push(json!({
                "name": name, "in": "path", "required": true, "description": description, "schema": schema,
                "example": example,
            }));
        }
        input.has_id = true;
    }
}

async fn list(context: Context, caller: Authorized<AnyCredential>, path: RecordPath) -> Result<HttpResponse, Problem> {
    let about = path.0.ok_or_else(|| Problem::not_found("record"))?;
    let (comments, has_more) = thread(&*context.state.rows, caller.tenant(), &caller.principal(), about).await?;
    let mut rows = Rows::of(comments.len());
    for comment in &comments {
        rows.push(&show(Comment::SHAPE, comment));
    }
    let pagination = Pagination { cursor: None, has_more, count: rows.count() };
    Ok(rows.ok(&Meta { pagination: Some(pagination), ..Meta::of(context.request_id()) }))
}

/// A comment that was deleted.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletedComment)]
struct Deleted {
    /// Its id.
    #[schema(minimum = 1, example = 42)]
    id: i64,
    /// That it is deleted: always true.
    #[schema(example = true)]
    deleted: bool,
}

async fn delete(
    context: Context,
    caller: Authorized<AnyCredential>,
    keyed: KeyedEmpty,
    id: RowId,
) -> Result<HttpResponse, Problem> {
    let command = Delete { family: family::<Comment>(), id: id.known(Comment::SHAPE.one)? };
    let render = |comment: &Record| {
        let data = Deleted { id: comment.id, deleted: true };
        Envelope { data, meta: Meta::of(context.request_id()) }.rendered(StatusCode::OK)
    };
    caller.execute(&context.state, keyed.0, command, render).await
}

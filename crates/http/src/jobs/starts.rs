//! Starting jobs about the rows of a family.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    jobs::{BulkRequest, ExportRequest, ImportRequest, Job, JobKind, SourcePath, Start, StartPrint, Transfers},
    papers::PaperKind,
    scopes::ScopeId,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    openapi::{self, SchemaSource},
    privileges::AnyCredential,
    problem::Problem,
    request::{Authorized, JsonObject, Keyed, KeyedEmpty, OptionalObject, RowId},
    routes::{BASE_PATH, Context},
};

type Answer = Result<HttpResponse, Problem>;
type Caller = Authorized<AnyCredential>;

/// A job that was started.
#[derive(Serialize, ToSchema)]
#[schema(as = JobStarted)]
pub(crate) struct Started {
    /// The job's id.
    #[schema(example = "job_01JTD2K7QZ3M5N8P4R6S9V0WXY")]
    job_id: String,
    /// Where to ask how far it is.
    #[schema(example = "/api/v1/jobs/job_01JTD2K7QZ3M5N8P4R6S9V0WXY")]
    status_url: String,
    /// The job's id again.
    #[schema(example = "job_01JTD2K7QZ3M5N8P4R6S9V0WXY")]
    id: String,
}

/// What a request that starts a job says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Export,
    Import,
    Bulk,
}

/// What the document says of such a body about rows of a family.
pub(crate) fn body(kind: Body, transfers: &'static dyn Transfers) -> openapi::Body {
    // Behind `id`.
    let target = transfers.all_targets().get(1).copied().unwrap_or("id");
    let (name, schema, example) = match kind {
        Body::Export => (
            "StartExport",
            json!({
                "type": "object",
                "description": "Which rows and columns. Without a body: all.",
                "properties": {
                    "filters": {
                        "type": "object",
                        "additionalProperties": {},
                        "description": "The filters of the list, by their names, and `createdAfter` and `createdBefore`.",
                    },
                    "columns": {
                        "type": "array",
                        "items": { "type": "string" },
                        "description": "The columns, in their order.",
                    },
                },
                "additionalProperties": false,
            }),
            json!({ "filters": {} }),
        ),
        Body::Import => (
            "StartImport",
            json!({
                "type": "object",
                "description": "Which file, and what its columns are.",
                "required": ["sourcePath", "mapping"],
                "properties": {
                    "sourcePath": { "type": "string", "description": "What POST /jobs/uploads called the file." },
                    "mapping": {
                        "type": "object",
                        "additionalProperties": { "type": "string" },
                        "description": "From headers of the file to fields. Other columns are ignored.",
                    },
                    "updateInPlace": {
                        "type": "boolean",
                        "default": false,
                        "description": "Whether rows that are there are changed. If not, `id` is ignored.",
                    },
                },
                "additionalProperties": false,
            }),
            json!({ "sourcePath": "upl_01JTD2K7QZ3M5N8P4R6S9V0WXY", "mapping": { "Name": target }, "updateInPlace": false }),
        ),
        Body::Bulk => (
            "StartBulk",
            json!({
                "type": "object",
                "description": "What is done to which rows.",
                "required": ["operation", "ids"],
                "properties": {
                    "operation": { "type": "string", "enum": ["delete", "restore"], "description": "What is done." },
                    "ids": {
                        "type": "array",
                        "items": { "type": "integer", "exclusiveMinimum": 0 },
                        "minItems": 1,
                        "maxItems": BulkRequest::MOST,
                        "description": "The rows, by their ids.",
                    },
                },
                "additionalProperties": false,
            }),
            json!({ "operation": "delete", "ids": [42] }),
        ),
    };
    let schema = SchemaSource::by(move |schemas| {
        schemas.insert(name, schema.clone());
        name.to_owned()
    });
    openapi::Body { schema, example }
}

/// What is answered when a job was started.
pub(super) fn started(context: &Context) -> impl Fn(&Job) -> bwp_domain::idempotency::RenderedResponse + Send + Sync {
    let request_id = context.request_id().to_owned();
    move |job| {
        let id = job.public_id.to_string();
        let data = Started { status_url: format!("{BASE_PATH}/jobs/{id}"), job_id: id.clone(), id };
        Envelope { data, meta: Meta::of(&request_id) }.rendered(StatusCode::ACCEPTED)
    }
}

/// What is started of which family.
struct What {
    kind: JobKind,
    transfers: &'static dyn Transfers,
    needs: &'static [ScopeId],
    total: i64,
    source: Option<SourcePath>,
}

async fn start(context: Context, caller: Caller, keyed: Keyed, what: What, body: JsonObject) -> Answer {
    let command = Start {
        kind: what.kind,
        resource: what.transfers.shape().table,
        needs: what.needs,
        params: Value::Object(body.members),
        total: what.total,
        source: what.source,
        address: caller.address(),
    };
    let answer = caller.execute(&context.state, keyed.with(body.fingerprint), command, started(&context)).await?;
    (context.state.job_started)();
    Ok(answer)
}

/// Starts to print a document.
pub(crate) async fn print(kind: PaperKind, context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId) -> Answer {
    let command = StartPrint { kind, id: id.known(kind.shape().one)?, address: caller.address() };
    let answer = caller.execute(&context.state, keyed.0, command, started(&context)).await?;
    (context.state.job_started)();
    Ok(answer)
}

pub(crate) async fn export(
    transfers: &'static dyn Transfers,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    OptionalObject(body): OptionalObject,
) -> Answer {
    ExportRequest::read(transfers, &body.members, body.errors.clone()).map_err(Problem::invalid)?;
    let needs = transfers.shape().scopes.read;
    start(context, caller, keyed, What { kind: JobKind::CsvExport, transfers, needs, total: 0, source: None }, body)
        .await
}

pub(crate) async fn import(
    transfers: &'static dyn Transfers,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    body: JsonObject,
) -> Answer {
    let request = ImportRequest::read(transfers, &body.members, body.errors.clone()).map_err(Problem::invalid)?;
    let needs = transfers.shape().scopes.write;
    let source = Some(request.source);
    start(context, caller, keyed, What { kind: JobKind::CsvImport, transfers, needs, total: 0, source }, body).await
}

pub(crate) async fn bulk(
    transfers: &'static dyn Transfers,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    body: JsonObject,
) -> Answer {
    let request = BulkRequest::read(&body.members, body.errors.clone()).map_err(Problem::invalid)?;
    let needs = transfers.shape().scopes.delete;
    let total = i64::try_from(request.ids.len()).unwrap_or(i64::MAX);
    start(context, caller, keyed, What { kind: JobKind::Bulk, transfers, needs, total, source: None }, body).await
}

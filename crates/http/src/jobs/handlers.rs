//! What each operation on jobs does.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
};
use bwp_domain::{
    clock::Timestamp,
    families,
    fields::Fault,
    files::FileName,
    idempotency::RenderedResponse,
    jobs::{
        Cancel, Job, JobKind, JobStatus, PrepareUpload, Progress, Remove, Starter, Undo,
        ports::{JobFilter, Sight, Upload},
    },
    principal::Caller,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    links::{Link, Purpose},
    starts::started,
};
use crate::{
    envelope::{Envelope, Meta},
    mutation::no_content,
    paging::{Listing, PageParams},
    privileges::{JobsRead, JobsWrite, Privilege},
    problem::{ErrorCode, Problem},
    request::{
        Authorized, Keyed, KeyedEmpty, OptionalObject, PathId, Query, QueryParams,
        id::JobResource,
        query::{Param, Values},
    },
    routes::Context,
};

type Answer = Result<HttpResponse, Problem>;

/// For how long a download may be begun.
const DOWNLOAD: Duration = Duration::from_hours(1);

/// A job.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobData {
    /// Its id.
    #[schema(example = "job_01JTD2K7QZ3M5N8P4R6S9V0WXY")]
    id: String,
    /// What it does.
    #[serde(rename = "type")]
    #[schema(example = "csv_export")]
    kind: String,
    /// The family of rows that it is about.
    #[schema(example = "leads")]
    resource_type: String,
    /// How far it is: `queued`, `running`, `succeeded`, `partial`, `failed` or `cancelled`. The last four are final.
    #[schema(example = "running")]
    status: String,
    /// How much of it is done.
    progress: ProgressData,
    /// What was asked for.
    #[schema(value_type = Object)]
    params: Value,
    /// What came of it.
    #[schema(value_type = Object, nullable)]
    result: Option<Value>,
    /// Why it failed.
    #[schema(required = true)]
    error_message: Option<String>,
    /// When it was started.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    created_at: String,
    /// When a worker began.
    #[schema(required = true, format = DateTime)]
    started_at: Option<String>,
    /// When it was over.
    #[schema(required = true, format = DateTime)]
    completed_at: Option<String>,
    /// Until when it and its files are kept.
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T08:00:00.000Z")]
    expires_at: String,
}

/// How much of a job is done.
#[derive(Serialize, ToSchema)]
#[schema(as = JobProgress)]
#[serde(rename_all = "camelCase")]
struct ProgressData {
    /// How many rows were looked at.
    #[schema(minimum = 0, example = 400)]
    processed: i64,
    /// Of how many; 0 as long as that is unknown.
    #[schema(minimum = 0, example = 1000)]
    total: i64,
    /// How many of them are wrong.
    #[schema(minimum = 0, example = 3)]
    errors_count: i64,
}

/// Where a file is uploaded to.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadTarget)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadData {
    /// Where to PUT the file. Whoever has it may upload.
    #[schema(format = "uri", example = "https://bwp.example.com/files/uploads/eyJ…")]
    upload_url: String,
    /// What imports call the file.
    #[schema(example = "upl_01JTD2K7QZ3M5N8P4R6S9V0WXY")]
    source_path: String,
    /// For how long the URL is good.
    #[schema(example = 900)]
    expires_in_seconds: u64,
}

/// What is kept of an answer that names a place to upload to: the URL lets its bearer in, and is signed again for each repetition.
#[derive(Serialize, Deserialize)]
struct KeptUpload {
    id: String,
    until: i64,
    request_id: String,
}

impl From<&Job> for JobData {
    fn from(job: &Job) -> Self {
        let Progress { processed, total, errors, .. } = job.progress;
        Self {
            id: job.public_id.to_string(),
            kind: job.kind.to_string(),
            resource_type: job.resource.clone(),
            status: job.status.to_string(),
            progress: ProgressData { processed, total, errors_count: errors },
            params: job.params.clone(),
            result: job.result.clone(),
            error_message: job.error.clone(),
            created_at: job.created_at.to_string(),
            started_at: job.started_at.map(|at| at.to_string()),
            completed_at: job.completed_at.map(|at| at.to_string()),
            expires_at: job.expires_at.to_string(),
        }
    }
}

/// Which jobs a list shows.
pub(super) struct ListQuery {
    page: PageParams,
    filter: JobFilter,
}

const KIND: Param<JobKind> = Param {
    name: "type",
    description: "Only jobs that do this.",
    schema: || json!({ "type": "string", "enum": JobKind::WORDS }),
    parse: |text| text.parse().map_err(|_| format!("Send one of {}.", JobKind::WORDS.join(", "))),
};

const STATUS: Param<JobStatus> = Param {
    name: "status",
    description: "Only jobs that are so far.",
    schema: || json!({ "type": "string", "enum": JobStatus::WORDS }),
    parse: |text| text.parse().map_err(|_| format!("Send one of {}.", JobStatus::WORDS.join(", "))),
};

const RESOURCE: Param<String> = Param {
    name: "resourceType",
    description: "Only jobs about rows of this family.",
    schema: || json!({ "type": "string" }),
    parse: |text| {
        let known = || families::all().iter().map(|family| family.shape().table);
        let names = || known().collect::<Vec<_>>().join(", ");
        known().find(|name| *name == text).map(str::to_owned).ok_or_else(|| format!("Send one of {}.", names()))
    },
};

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        let page = PageParams::read(values);
        let (kind, status, resource) = (values.take(&KIND), values.take(&STATUS), values.take(&RESOURCE));
        Self { page, filter: JobFilter { kind, status, resource } }
    }
}

/// What the caller may see: what it started, and jobs of families that it may read.
fn sight<P: Privilege>(caller: &Authorized<P>) -> Sight {
    let scopes = caller.credential().scopes();
    let readable = |needs: &[_]| needs.iter().all(|scope| scopes.contains(*scope));
    let resources = families::all().iter().map(|family| family.shape()).filter(|shape| readable(shape.scopes.read));
    Sight {
        starter: Starter::of(&caller.principal()),
        resources: resources.map(|shape| shape.table.to_owned()).collect(),
    }
}

async fn find<P: Privilege>(
    context: &Context,
    caller: &Authorized<P>,
    id: PathId<JobResource>,
) -> Result<Job, Problem> {
    let found = context.state.jobs.get(caller.tenant(), &sight(caller), id.known()?).await?;
    found.ok_or_else(|| Problem::not_found("job"))
}

pub(super) async fn list(context: Context, caller: Authorized<JobsRead>, query: Query<ListQuery>) -> Answer {
    let Query(ListQuery { page, filter }) = query;
    let filters = json!([filter.kind.map(JobKind::as_str), filter.status.map(JobStatus::as_str), filter.resource]);
    let listing = Listing::new(&context.state, caller.tenant(), "getJobs", &filters);
    let page = listing.page(&page).await?;
    let found = context.state.jobs.page(caller.tenant(), &sight(&caller), &filter, page).await?;
    Ok(listing.answer(&context, &found, JobData::from))
}

pub(super) async fn get(context: Context, caller: Authorized<JobsRead>, id: PathId<JobResource>) -> Answer {
    let job = find(&context, &caller, id).await?;
    Ok(Envelope { data: JobData::from(&job), meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn cancel(
    context: Context,
    caller: Authorized<JobsWrite>,
    keyed: KeyedEmpty,
    id: PathId<JobResource>,
) -> Answer {
    let job = find(&context, &caller, id).await?;
    let render = |job: &Job| {
        Envelope { data: JobData::from(job), meta: Meta::of(context.request_id()) }.rendered(StatusCode::OK)
    };
    caller.execute(&context.state, keyed.0, Cancel { id: job.public_id }, render).await
}

pub(super) async fn undo(
    context: Context,
    caller: Authorized<JobsWrite>,
    keyed: KeyedEmpty,
    id: PathId<JobResource>,
) -> Answer {
    let import = find(&context, &caller, id).await?;
    let transfers = families::of_table(&import.resource).ok_or_else(|| Problem::not_found("job"))?;
    let command = Undo { id: import.public_id, transfers, address: caller.address() };
    let answer = caller.execute(&context.state, keyed.0, command, started(&context)).await?;
    (context.state.job_started)();
    Ok(answer)
}

pub(super) async fn delete(
    context: Context,
    caller: Authorized<JobsWrite>,
    keyed: KeyedEmpty,
    id: PathId<JobResource>,
) -> Answer {
    // A replay is about a job that is gone: the command says so of others.
    let id = match &keyed.0 {
        Some(_) => id.known()?,
        None => find(&context, &caller, id).await?.public_id,
    };
    caller.execute(&context.state, keyed.0, Remove { id }, |()| no_content()).await
}

pub(super) async fn download(context: Context, caller: Authorized<JobsRead>, id: PathId<JobResource>) -> Answer {
    let job = find(&context, &caller, id).await?;
    let conflict = |why: String| Problem::new(ErrorCode::Conflict, why);
    match job.status {
        JobStatus::Queued | JobStatus::Running => {
            return Err(conflict(format!("The job is {}. Try again when it is over.", job.status)));
        }
        JobStatus::Failed | JobStatus::Cancelled => {
            return Err(conflict(format!("The job is {}: there is nothing to download.", job.status)));
        }
        JobStatus::Succeeded | JobStatus::Partial => {}
    }
    let none = || Problem::new(ErrorCode::NotFound, "The job left no file, or the time of the file is over.");
    let file = job.artifact.clone().ok_or_else(none)?;
    let named = job.result.as_ref().and_then(|result| result.get("fileName")?.as_str().map(str::to_owned));
    let shown = named.unwrap_or_else(|| {
        let day = job.created_at.to_string().chars().take(10).collect::<String>();
        format!("{}-{day}.csv", job.resource)
    });
    redirect(&context, caller, file, shown)
}

pub(super) async fn errors(context: Context, caller: Authorized<JobsRead>, id: PathId<JobResource>) -> Answer {
    let job = find(&context, &caller, id).await?;
    let none = || Problem::new(ErrorCode::NotFound, "The job has no file of errors.");
    let file = job.errors_artifact.clone().ok_or_else(none)?;
    redirect(&context, caller, file, format!("{}-errors.csv", job.resource))
}

#[expect(clippy::needless_pass_by_value, reason = "a link is made of what was found for it alone")]
fn redirect(context: &Context, caller: Authorized<JobsRead>, file: FileName, shown: String) -> Answer {
    let until = context.state.environment.clock.now().plus(DOWNLOAD);
    let link = Link::of(caller.into_caller(), until, file.to_string(), shown)?;
    let url = link.url(context, Purpose::Download);
    Ok(HttpResponse::Found().insert_header((LOCATION, url)).insert_header((CACHE_CONTROL, "no-store")).finish())
}

pub(super) async fn upload(
    context: Context,
    caller: Authorized<JobsWrite>,
    keyed: Keyed,
    OptionalObject(body): OptionalObject,
) -> Answer {
    let mut errors = body.errors;
    for (name, sent) in &body.members {
        match (name.as_str(), sent) {
            ("contentType", Value::Null) => {}
            ("contentType", Value::String(text)) if text == "text/csv" => {}
            ("contentType", _) => errors.push(name, Fault::new("invalid_value", "Must be text/csv.")),
            _ => errors.push(name, Fault::new("unknown_field", "There is no such field.")),
        }
    }
    errors.or(()).map_err(Problem::invalid)?;
    let who = Caller { principal: caller.principal(), address: caller.address(), needs: JobsWrite::needs() };
    let kept = |upload: &Upload| {
        let until = upload.created_at.plus(PrepareUpload::OPEN).unix_millis();
        let request_id = context.request_id().to_owned();
        let body = serde_json::to_vec(&KeptUpload { id: upload.id.to_string(), until, request_id });
        RenderedResponse { body: body.unwrap_or_default(), ..no_content() }
    };
    let completed = |response: RenderedResponse| {
        let kept: KeptUpload = serde_json::from_slice(&response.body).map_err(|error| {
            Problem::new(ErrorCode::InternalError, "The server failed. Report the request id to its operator.")
                .because(format!("a stored answer: {error}"))
        })?;
        let link = Link::of(who, Timestamp::from_unix_millis(kept.until), kept.id.clone(), String::new())?;
        let data = UploadData {
            upload_url: link.url(&context, Purpose::Upload),
            source_path: kept.id,
            expires_in_seconds: PrepareUpload::OPEN.as_secs(),
        };
        Ok(Envelope { data, meta: Meta::of(&kept.request_id) }.rendered(StatusCode::OK))
    };
    let keyed = keyed.with(body.fingerprint);
    caller.execute_completing(&context.state, keyed, PrepareUpload, kept, completed).await
}

//! `/signature-requests`.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    fields::Fault,
    idempotency::RenderedResponse,
    ids::TenantId,
    paging::{Limit, PageRequest, Position},
    resource::{Body, Filter, Record, Resource, ResourceError, Value, ports::record},
    scopes::ScopeId,
    signature_requests::{Ask, Resend, SignatureRequest, SigningRecord, SigningToken, Void, signing_url},
    store::StoreError,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta, Pagination, Rows},
    openapi,
    operation::{Operation, Reply, Tag},
    paging::LIMIT,
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{
        Authorized, JsonObject, Keyed, KeyedEmpty, Query, QueryParams, RowId,
        query::{Param, Values},
    },
    resource::{Lists, Operations, filter, members, one_with, read},
    routes::Context,
};

const TAG: Tag = Tag {
    name: "SignatureRequests",
    description: "Customers are asked to sign bids and change orders, on a page of the server.",
};

type Caller = Authorized<AnyCredential>;
type Answer = Result<HttpResponse, Problem>;

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let with_link = |status, description| {
        Reply::row_with::<SignatureRequest>(status, description, "SignatureRequestWithLink", link_schema)
    };
    Operations::of::<SignatureRequest>("/signature-requests", TAG, Lists::Plain)
        .and(
            Operation::get("/signature-requests", list)
                .needs(&[ScopeId::SignaturesRead])
                .summary("List signature requests")
                .description(
                    "A page of the tenant's requests that fit every filter, newest first. Their links are shown to callers that may \
                     send them, as long as they are good.",
                )
                .replies(Reply::page_with::<SignatureRequest>(
                    "A page of requests.",
                    "SignatureRequestWithLink",
                    link_schema,
                )),
        )
        .and(
            Operation::post("/signature-requests", create)
                .body(openapi::Body::of_new(SignatureRequest::SHAPE))
                .needs(&[ScopeId::SignaturesSend])
                .summary("Ask for a signature")
                .description(
                    "Sends a bid or a change order to its customer, with a link to a page where it is signed. A draft is sent or \
                     submitted by that. A request that is open already is voided: the new one takes its place.",
                )
                .replies(with_link(201, "The new request.")),
        )
        .and(
            Operation::get("/signature-requests/{id}", get)
                .needs(&[ScopeId::SignaturesRead])
                .summary("Get a signature request")
                .description("One request. Its link is shown to callers that may send it, as long as it is good.")
                .replies(with_link(200, "The request.")),
        )
        .and(
            Operation::post("/signature-requests/{id}/resend", resend)
                .needs(&[ScopeId::SignaturesSend])
                .summary("Send the link of a signature request again")
                .description("Mails the same link again, of requests that are pending or sent: others answer 409.")
                .replies(Reply::data::<Resent>("What became of the mail.")),
        )
        .and(
            Operations::step::<SignatureRequest, _>(
                "/signature-requests/{id}/void",
                (200, "The request, voided."),
                |ids| Void { request: ids.first().copied().unwrap_or_default() },
            )
            .needs(&[ScopeId::SignaturesSend])
            .summary("Void a signature request")
            .description("Its link is dead from then on. Of requests that are pending or sent: others answer 409.")
            .replies(with_link(200, "The request, voided.")),
        )
        .into_operations()
}

fn link_schema() -> Json {
    json!({ "signingUrl": {
        "type": ["string", "null"],
        "description": "The page where it is signed. Only for callers with `signatures:send`, and only while it is pending or sent.",
    } })
}

/// What became of the mail.
#[derive(Serialize, ToSchema)]
#[schema(as = ResentSignatureRequest)]
#[serde(rename_all = "camelCase")]
struct Resent {
    /// Whether it is on its way.
    #[schema(example = true)]
    email_sent: bool,
}

/// The cursor of this list is the id of a request, and no secret.
const CURSOR: Param<i64> = Param {
    name: "cursor",
    description: "Where the page starts: `meta.pagination.cursor` of the page before. Leave it out for the first page.",
    schema: || json!({ "type": ["integer", "null"], "format": "int64" }),
    parse: |text| text.parse().map_err(|_| "Send the cursor of the page before, a whole number.".to_owned()),
};

struct ListQuery {
    limit: Limit,
    after: Option<i64>,
    filter: Filter,
}

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        let limit = values.take(&LIMIT).unwrap_or(Limit::DEFAULT);
        let after = values.take_unless_null(&CURSOR);
        let shape = SignatureRequest::SHAPE;
        let filter = filter(shape, Lists::Plain, values);
        let has = |name| shape.field(name).is_some_and(|(at, _)| filter.names(at));
        if has("entityId") && !has("entityType") {
            let message = "An id alone may be that of a bid or of a change order. Send `entityType` with it.";
            values.refuse("entityType", Fault::new("required", message));
        }
        Self { limit, after, filter }
    }
}

/// How requests are shown to a caller.
struct View<'a> {
    context: &'a Context,
    tenant: TenantId,
    links: bool,
}

impl<'a> View<'a> {
    fn of(context: &'a Context, caller: &Caller) -> Self {
        let links = caller.principal().scopes().contains(ScopeId::SignaturesSend);
        Self { context, tenant: caller.tenant(), links }
    }

    fn with(&self, record: &SigningRecord) -> Map<String, Json> {
        let state = &self.context.state;
        let token = SigningToken::of(&state.webhooks.vault, self.tenant, record);
        let link = token.map(|token| ("signingUrl".to_owned(), json!(signing_url(&state.public_url, &token))));
        link.into_iter().collect()
    }

    /// What is shown of a request besides its fields.
    async fn besides(&self, request: &Record) -> Result<Map<String, Json>, StoreError> {
        if !self.links || !request.typed::<SignatureRequest>()?.details.status.is_open() {
            return Ok(Map::new());
        }
        let of_it = Filter::is(SigningRecord::SHAPE, "requestId", Value::Integer(request.id));
        let found = self.context.state.rows.all(self.tenant, SigningRecord::SHAPE, &of_it, 0).await?;
        let record = found.first().map(Record::typed::<SigningRecord>).transpose()?;
        Ok(record.map(|record| self.with(&record.details)).unwrap_or_default())
    }
}

async fn list(context: Context, caller: Caller, query: Query<ListQuery>) -> Answer {
    let ListQuery { limit, after, filter } = query.0;
    let (tenant, shape, store) = (caller.tenant(), SignatureRequest::SHAPE, &context.state.rows);
    let after = match after {
        None => None,
        Some(id) => {
            let last = store.get(tenant, shape, id).await?.ok_or_else(|| {
                Problem::new(
                    ErrorCode::BadRequest,
                    "No page starts there. Send the cursor of the page before, or none.",
                )
            })?;
            Some(Position { created_at: last.created_at, id })
        }
    };
    let page = store.page(tenant, shape, &filter, PageRequest { limit, after }).await?;
    let mut found = Vec::with_capacity(page.count());
    page.show(|row| record(shape, row).map(|row| found.push(row)))?;
    let view = View::of(&context, &caller);
    let mut rows = Rows::of(found.len());
    for request in &found {
        rows.push(&Json::Object(members(shape, request, view.besides(request).await?)?));
    }
    let cursor = page.next.map(|next| next.id.to_string());
    let pagination = Pagination { has_more: cursor.is_some(), cursor, count: rows.count() };
    Ok(rows.ok(&Meta { pagination: Some(pagination), ..Meta::of(context.request_id()) }))
}

async fn get(context: Context, caller: Caller, id: RowId) -> Answer {
    let shape = SignatureRequest::SHAPE;
    let found = context.state.rows.get(caller.tenant(), shape, id.known(shape.one)?).await?;
    let request = found.ok_or(ResourceError::NotFound(shape.one))?;
    let besides = View::of(&context, &caller).besides(&request).await?;
    Ok(one_with(&context, shape, &request, besides)?)
}

async fn create(context: Context, caller: Caller, keyed: Keyed, body: JsonObject) -> Answer {
    let shape = SignatureRequest::SHAPE;
    let draft = read(shape, &Body::New, &body)?;
    can_make_links(&context)?;
    let view = View::of(&context, &caller);
    let shown = |(request, record): &(Record, SigningRecord)| -> RenderedResponse {
        let data = members(shape, request, view.with(record)).unwrap_or_default();
        Envelope { data: Json::Object(data), meta: Meta::of(context.request_id()) }.rendered(StatusCode::CREATED)
    };
    caller.execute_sealed(&context.state, keyed.with(body.fingerprint), Ask { draft }, shown).await
}

/// Refuses to ask for signatures where links cannot be made.
pub(crate) fn can_make_links(context: &Context) -> Result<(), Problem> {
    if context.state.webhooks.vault.is_locked() {
        let text = "This server has no key to make links of: its operator names one first, BWP_SECRET_KEY.";
        return Err(Problem::new(ErrorCode::Conflict, text));
    }
    Ok(())
}

async fn resend(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId) -> Answer {
    let command = Resend { request: id.known(SignatureRequest::SHAPE.one)? };
    let render = |email_sent: &bool| {
        let data = Resent { email_sent: *email_sent };
        Envelope { data, meta: Meta::of(context.request_id()) }.rendered(StatusCode::OK)
    };
    caller.execute(&context.state, keyed.0, command, render).await
}

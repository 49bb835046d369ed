//! `/bids`.

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    bids::{
        self, Acceptance, Action, Bid, BidLineItem, BidStatus, Cancellation, Conversion, Convert, CostItem, Duplicate,
        ImportKit, KitImport, PartChange, ProjectCost, Reversal, STEPS, Take, WritePart,
    },
    change_orders::{ChangeOrder, ChangeOrderItem, ChangeOrderStatus},
    fields::{Fault, FieldErrors},
    mail::Sending,
    projects::Project,
    resource::{Filter, Record, Resource, ResourceError, Value, ports::Sum},
    scopes::ScopeId,
    store::StoreError,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta, Rows},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, Keyed, OptionalObject, Query, QueryParams, RowId, query::Values},
    resource::{Lists, Operations, PathIds, filled, members, one_with, rendered, rendered_with, summary_filter},
    routes::Context,
    signature_requests::can_make_links,
};

const TAG: Tag = Tag { name: "Bids", description: "What customers are offered, line by line." };

/// Every operation of the family.
#[expect(clippy::too_many_lines, reason = "one operation after another")]
pub(crate) fn operations() -> Vec<Operation> {
    let mut all = Operations::of::<Bid>("/bids", TAG, Lists::Full)
        .list()
        .create()
        .count()
        .get_many()
        .update()
        .delete()
        .exports()
        .bulk()
        .prints()
        .and(
            Operation::get("/bids/summary", summary)
                .needs(&[ScopeId::BidsRead])
                .summary("Sum bids up")
                .description("How many bids there are and what they come to, in all and of each status.")
                .replies(Reply::data::<Summary>("The sums.")),
        )
        .and(
            Operation::get("/bids/{id}", get)
                .needs(&[ScopeId::BidsRead])
                .summary("Get a bid")
                .description("One bid, with its lines, the cost items of each, and what the whole job costs besides.")
                .replies(Reply::row_with::<Bid>(200, "The bid.", "BidInFull", tree)),
        )
        .and(steps(
            "send",
            Operation::post("/bids/{id}/send", send).takes::<Sending>().replies(Reply::row_with::<Bid>(
                200,
                "The bid, and what became of the mail.",
                "SentBid",
                mailed,
            )),
        ))
        .and(steps(
            "accept",
            Operations::step_with::<Bid, Acceptance, _>(
                "/bids/{id}/accept",
                (200, "The bid, accepted."),
                ErrorCode::BadRequest,
                |ids, body| Take { bid: first(ids), action: Action::Accept(body) },
            ),
        ))
        .and(steps(
            "revert-acceptance",
            Operations::step_with::<Bid, Reversal, _>(
                "/bids/{id}/revert-acceptance",
                (200, "The bid, as if it had not been accepted."),
                ErrorCode::BadRequest,
                |ids, body| Take { bid: first(ids), action: Action::RevertAcceptance(body) },
            ),
        ))
        .and(steps(
            "reject",
            Operations::step::<Bid, _>("/bids/{id}/reject", (200, "The bid, rejected."), |ids| Take {
                bid: first(ids),
                action: Action::Reject,
            }),
        ))
        .and(steps(
            "cancel",
            Operations::step_with::<Bid, Cancellation, _>(
                "/bids/{id}/cancel",
                (200, "The bid, cancelled."),
                ErrorCode::ValidationFailed,
                |ids, body| Take { bid: first(ids), action: Action::Cancel(body) },
            ),
        ))
        .and(steps(
            "reopen",
            Operations::step::<Bid, _>("/bids/{id}/reopen", (200, "The bid, reopened."), |ids| Take {
                bid: first(ids),
                action: Action::Reopen,
            }),
        ))
        .and(
            Operations::step::<Bid, _>("/bids/{id}/duplicate", (201, "The new bid."), |ids| Duplicate {
                bid: first(ids),
            })
            .needs(&[ScopeId::BidsWrite])
            .summary("Duplicate a bid")
            .description(
                "Makes a draft like the bid, with its lines, cost items and project costs, under a number of its own. \
                     Tells webhooks of `bid.created`.",
            ),
        )
        .and(steps(
            "convert-to-project",
            Operation::post("/bids/{id}/convert-to-project", convert)
                .takes_more::<Conversion>(|| {
                    json!({ "lineItemPhaseMapping": {
                        "type": "object",
                        "additionalProperties": { "type": "integer" },
                        "description": "Has no effect.",
                    } })
                })
                .replies(Reply::row::<Project>(201, "The new project.")),
        ))
        .into_operations();
    let lines = Operations::of::<BidLineItem>("/bids/{id}/line-items", TAG, Lists::Plain)
        .items("itemId")
        .list_children::<Bid>("bidId", "order");
    let items = Operations::of::<CostItem>("/bids/{id}/line-items/{itemId}/sublines", TAG, Lists::Plain)
        .items("sublineId")
        .list_by(cost_items);
    let costs = Operations::of::<ProjectCost>("/bids/{id}/distributed-costs", TAG, Lists::Plain)
        .items("costId")
        .list_children::<Bid>("bidId", "order");
    let items = items.and(
        Operation::post("/bids/{id}/line-items/{itemId}/import-kit", import_kit)
            .names_ids()
            .takes::<KitImport>()
            .needs(&[ScopeId::BidsWrite])
            .summary("Import a kit into a line")
            .description(
                "Adds what is in a kit to the cost items of the line. Kits inside are opened, quantities multiply down, prices \
                 and taxes are copied. Tells webhooks of `bid.updated`.",
            )
            .replies(Reply::rows::<CostItem>(201, "The new cost items.")),
    );
    all.extend(writes::<BidLineItem>(lines));
    all.extend(writes::<CostItem>(items));
    all.extend(writes::<ProjectCost>(costs));
    all
}

/// What makes, changes and deletes parts of a bid.
fn writes<P: bids::Part>(parts: Operations) -> Vec<Operation> {
    parts
        .create_by(|ids, draft| WritePart::<P>::new(first(ids), ids.get(1).copied(), PartChange::Add(draft)))
        .update_by(|ids, draft| {
            let (part, line) = part(ids);
            WritePart::<P>::new(first(ids), line, PartChange::Change(part, draft))
        })
        .delete_by(|ids| {
            let (part, line) = part(ids);
            WritePart::<P>::new(first(ids), line, PartChange::Delete(part))
        })
        .into_operations()
}

fn first(ids: &[i64]) -> i64 {
    ids.first().copied().unwrap_or_default()
}

/// The last id, and the line's between it and the bid's.
fn part(ids: &[i64]) -> (i64, Option<i64>) {
    (ids.last().copied().unwrap_or_default(), if let [_, line, _] = ids { Some(*line) } else { None })
}

/// What the document says of a step: from the table of states.
fn steps(name: &str, operation: Operation) -> Operation {
    let Some(step) = STEPS.iter().find(|step| step.name == name) else { return operation };
    let from: Vec<_> = step.from.iter().map(|status| status.as_str()).collect();
    let told = match step.told {
        bwp_domain::resource::Told::As(kind) => kind,
        _ => "bid.updated",
    };
    operation
        .needs(step.needs)
        .summary(format!("Bid: {}", name.replace('-', " ")))
        .description(format!("Of bids that are {}: others answer 409. Tells webhooks of `{told}`.", from.join(", ")))
}

/// The properties that `GET /bids/{id}` shows besides.
fn tree() -> Json {
    let list =
        |description: &str| json!({ "type": "array", "items": { "type": "object" }, "description": description });
    json!({
        "lineItems": list("Its lines, each with its `sublines`: what a unit of it is made of."),
        "distributedCosts": list("What the whole job costs besides."),
        "changeOrderItems": list("What approved change orders changed of it since: its own lines and sums stay as they were signed."),
    })
}

/// The properties that a step shows besides that sends mail.
pub(crate) fn mailed() -> Json {
    json!({
        "emailSent": { "type": "boolean", "description": "Whether the mail is on its way." },
        "emailStatus": { "type": "string", "enum": ["not_configured", "queued"], "description": "What became of the mail." },
    })
}

/// What a step says of its mail: it is on its way, or waits on a server that sends none (MNY-32).
pub(crate) fn mail_waits(context: &Context) -> Map<String, Json> {
    let sent = context.state.environment.sends_mail;
    let said = [("emailSent", json!(sent)), ("emailStatus", json!(if sent { "queued" } else { "not_configured" }))];
    said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn get(context: Context, caller: Authorized<AnyCredential>, id: RowId) -> Result<HttpResponse, Problem> {
    let (rows, tenant) = (&context.state.rows, caller.tenant());
    let bid = rows.get(tenant, Bid::SHAPE, id.known(Bid::SHAPE.one)?).await?;
    let bid = bid.ok_or(ResourceError::NotFound(Bid::SHAPE.one))?;
    let lines = parts::<BidLineItem>(&context, &caller, "bidId", bid.id).await?;
    let costs = parts::<ProjectCost>(&context, &caller, "bidId", bid.id).await?;
    let mut sublines: HashMap<i64, Vec<Json>> = HashMap::new();
    for item in parts::<CostItem>(&context, &caller, "bidId", bid.id).await? {
        let of = CostItem::SHAPE.field("lineItemId").and_then(|(at, _)| item.values.get(at)?.as_integer());
        sublines.entry(of.unwrap_or_default()).or_default().push(shown(CostItem::SHAPE, &item, Map::new())?);
    }
    let line = |line: &Record| {
        let of_line = Json::Array(sublines.remove(&line.id).unwrap_or_default());
        shown(BidLineItem::SHAPE, line, [("sublines".to_owned(), of_line)].into_iter().collect())
    };
    let lines = lines.iter().map(line).collect::<Result<Json, _>>()?;
    let costs = costs.iter().map(|cost| shown(ProjectCost::SHAPE, cost, Map::new())).collect::<Result<Json, _>>()?;
    let changes = change_order_items(&context, &caller, bid.id).await?;
    let more = [("lineItems", lines), ("distributedCosts", costs), ("changeOrderItems", changes)];
    let more = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(one_with(&context, Bid::SHAPE, &bid, more)?)
}

/// The items of the approved change orders of the project that was made from the bid (MNY-25).
async fn change_order_items(
    context: &Context,
    caller: &Authorized<AnyCredential>,
    bid: i64,
) -> Result<Json, StoreError> {
    let mut items = Vec::new();
    for project in parts::<Project>(context, caller, "bidId", bid).await? {
        for order in parts::<ChangeOrder>(context, caller, "projectId", project.id).await? {
            if order.typed::<ChangeOrder>()?.details.status == ChangeOrderStatus::Approved {
                items.extend(parts::<ChangeOrderItem>(context, caller, "changeOrderId", order.id).await?);
            }
        }
    }
    items.iter().map(|item| shown(ChangeOrderItem::SHAPE, item, Map::new())).collect()
}

fn shown(
    shape: &'static bwp_domain::resource::Shape,
    record: &Record,
    more: Map<String, Json>,
) -> Result<Json, StoreError> {
    members(shape, record, more).map(Json::Object)
}

async fn parts<R: Resource>(
    context: &Context,
    caller: &Authorized<AnyCredential>,
    name: &str,
    id: i64,
) -> Result<Vec<Record>, StoreError> {
    let order = R::SHAPE.field("order").map_or(0, |(at, _)| at);
    context.state.rows.all(caller.tenant(), R::SHAPE, &Filter::is(R::SHAPE, name, Value::Integer(id)), order).await
}

async fn cost_items(
    context: Context,
    caller: Authorized<AnyCredential>,
    ids: PathIds,
) -> Result<HttpResponse, Problem> {
    let ids = ids.known(BidLineItem::SHAPE.one)?;
    let [bid, line] = ids[..] else { return Err(Problem::not_found(BidLineItem::SHAPE.one)) };
    let found = context.state.rows.get(caller.tenant(), BidLineItem::SHAPE, line).await?;
    let found = found.map(|line| line.typed::<BidLineItem>()).transpose()?;
    found.filter(|line| line.details.bid_id.get() == bid).ok_or(ResourceError::NotFound(BidLineItem::SHAPE.one))?;
    let items = parts::<CostItem>(&context, &caller, "lineItemId", line).await?;
    let mut rows = Rows::of(items.len());
    for item in &items {
        rows.push(&shown(CostItem::SHAPE, item, Map::new())?);
    }
    Ok(rows.ok(&Meta::of(context.request_id())))
}

async fn import_kit(
    context: Context,
    caller: Authorized<AnyCredential>,
    keyed: Keyed,
    ids: PathIds,
    body: OptionalObject,
) -> Result<HttpResponse, Problem> {
    let import = filled::<KitImport>(&body.0, ErrorCode::ValidationFailed)?;
    let ids = ids.known(BidLineItem::SHAPE.one)?;
    let (line, _) = part(&ids);
    let render = |items: &Vec<Record>| {
        let items = items.iter().map(|item| shown(CostItem::SHAPE, item, Map::new()).unwrap_or_default());
        Envelope { data: items.collect::<Json>(), meta: Meta::of(context.request_id()) }.rendered(StatusCode::CREATED)
    };
    let command = ImportKit { bid: first(&ids), line, import };
    caller.execute(&context.state, keyed.with(body.0.fingerprint), command, render).await
}

async fn send(
    context: Context,
    caller: Authorized<AnyCredential>,
    keyed: Keyed,
    id: RowId,
    body: OptionalObject,
) -> Result<HttpResponse, Problem> {
    let sending = filled::<Sending>(&body.0, ErrorCode::ValidationFailed)?;
    if sending.request_signature == Some(true) {
        can_make_links(&context)?;
    }
    let command = Take { bid: id.known(Bid::SHAPE.one)?, action: Action::Send(sending) };
    let render = |bid: &Record| rendered_with(&context, StatusCode::OK, Bid::SHAPE, bid, mail_waits(&context));
    caller.execute(&context.state, keyed.with(body.0.fingerprint), command, render).await
}

async fn convert(
    context: Context,
    caller: Authorized<AnyCredential>,
    keyed: Keyed,
    id: RowId,
    mut body: OptionalObject,
) -> Result<HttpResponse, Problem> {
    // Of a strategy that this API does not have: its type is checked, and that is all.
    let mapping = body.0.members.remove("lineItemPhaseMapping");
    let is_whole = |value: &Json| value.is_i64() || value.is_u64();
    if mapping.is_some_and(|mapping| mapping.as_object().is_none_or(|members| !members.values().all(is_whole))) {
        let fault = Fault::new("invalid_type", "Must be an object of whole numbers.");
        body.0.errors.extend(FieldErrors::one("lineItemPhaseMapping", fault));
    }
    let conversion = filled::<Conversion>(&body.0, ErrorCode::BadRequest)?;
    let command = Convert { bid: id.known(Bid::SHAPE.one)?, conversion };
    let render = |project: &Record| rendered(&context, StatusCode::CREATED, Project::SHAPE, project);
    caller.execute(&context.state, keyed.with(body.0.fingerprint), command, render).await
}

struct SummaryQuery(Filter);

impl QueryParams for SummaryQuery {
    const REFUSAL: ErrorCode = ErrorCode::ValidationFailed;

    fn read(values: &mut Values) -> Self {
        Self(summary_filter(Bid::SHAPE, &["contactId", "createdBy"], values))
    }
}

/// Bids, summed up.
#[derive(Serialize, ToSchema)]
#[schema(as = BidSummary)]
struct Summary {
    /// In all.
    totals: Totals,
    /// Of each status; of `cancelled` only if there are any.
    by_status: Vec<OfStatus>,
}

/// Sums over all bids.
#[derive(Serialize, ToSchema)]
#[schema(as = BidTotals)]
struct Totals {
    /// How many.
    #[schema(minimum = 0, example = 12)]
    count: i64,
    /// What they come to.
    #[schema(example = "1250000.00")]
    total_value: String,
}

/// Sums over the bids of one status.
#[derive(Serialize, ToSchema)]
#[schema(as = BidsOfStatus)]
struct OfStatus {
    /// The status.
    #[schema(example = "sent")]
    status: &'static str,
    /// How many.
    #[schema(minimum = 0, example = 5)]
    count: i64,
    /// What they come to.
    #[schema(example = "250000.00")]
    total_value: String,
}

async fn summary(
    context: Context,
    caller: Authorized<AnyCredential>,
    query: Query<SummaryQuery>,
) -> Result<HttpResponse, Problem> {
    let sums = bids::summary(&*context.state.rows, caller.tenant(), &query.0.0).await?;
    let value = |sum: &Sum| sum.sums.first().map(ToString::to_string).unwrap_or_default();
    let of_status = |(status, sum): &(BidStatus, Sum)| OfStatus {
        status: status.as_str(),
        count: sum.count,
        total_value: value(sum),
    };
    let data = Summary {
        totals: Totals { count: sums.totals.count, total_value: value(&sums.totals) },
        by_status: sums.by_status.iter().map(of_status).collect(),
    };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

//! `/bids`.

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    bids::{
        self, Action, Bid, BidLineItem, Conversion, Convert, CostItem, Duplicate, ImportKit, KitImport, ProjectCost,
        SUMMARY, WriteBidPart,
    },
    change_orders::{ChangeOrder, ChangeOrderItem, ChangeOrderStatus},
    fields::{Fault, FieldErrors},
    ids::TenantId,
    parts::PartChange,
    projects::Project,
    resource::{Condition, FieldType, Filter, Record, Resource, ResourceError, Shape, Value},
    scopes::ScopeId,
    steps::Take,
    store::StoreError,
};
use serde_json::{Map, Value as Json, json};

use crate::{
    envelope::{Envelope, Meta, Rows},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, Keyed, OptionalObject, RowId},
    resource::{Lists, Operations, PathIds, filled, first, members, named, one_with, parts, rendered, shown_all},
    routes::Context,
};

const TAG: Tag = Tag { name: "Bids", description: "What customers are offered, line by line." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let all = Operations::of::<Bid>("/bids", TAG, Lists::Full)
        .list()
        .create()
        .count()
        .get_many()
        .update()
        .delete()
        .exports()
        .bulk()
        .prints()
        .summary(&SUMMARY)
        .and(
            Operation::get("/bids/{id}", get)
                .needs(&[ScopeId::BidsRead])
                .summary("Get a bid")
                .description("One bid, with its lines, the cost items of each, and what the whole job costs besides.")
                .replies(Reply::row_with::<Bid>(200, "The bid.", "BidInFull", tree)),
        )
        .step_with("accept", "accepted", ErrorCode::BadRequest, Action::Accept)
        .step_with(
            "revert-acceptance",
            "as if it had not been accepted",
            ErrorCode::BadRequest,
            Action::RevertAcceptance,
        )
        .step_alone("rejected", || Action::Reject)
        .step_with("cancel", "cancelled", ErrorCode::ValidationFailed, Action::Cancel)
        .step_alone("reopened", || Action::Reopen)
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
        .and(
            Operation::post("/bids/{id}/convert-to-project", convert)
                .takes_more::<Conversion>(|| {
                    json!({ "lineItemPhaseMapping": {
                        "type": "object",
                        "additionalProperties": { "type": "integer" },
                        "description": "Has no effect.",
                    } })
                })
                .replies(Reply::row::<Project>(201, "The new project."))
                .of_step::<Action>("convert-to-project"),
        );
    let send = all.send("SentBid", |id, sending| Take { id, action: Action::Send(sending) });
    let mut all = all.and(send.of_step::<Action>("send")).into_operations();
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
fn writes<P: bids::BidPart>(parts: Operations) -> Vec<Operation> {
    parts
        .create_by(|ids, draft| WriteBidPart::<P>::new(first(ids), ids.get(1).copied(), PartChange::Add(draft)))
        .update_by(|ids, draft| {
            let (part, line) = part(ids);
            WriteBidPart::<P>::new(first(ids), line, PartChange::Change(part, draft))
        })
        .delete_by(|ids| {
            let (part, line) = part(ids);
            WriteBidPart::<P>::new(first(ids), line, PartChange::Delete(part))
        })
        .into_operations()
}

/// The last id, and the line's between it and the bid's.
fn part(ids: &[i64]) -> (i64, Option<i64>) {
    (ids.last().copied().unwrap_or_default(), if let [_, line, _] = ids { Some(*line) } else { None })
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

async fn get(context: Context, caller: Authorized<AnyCredential>, id: RowId) -> Result<HttpResponse, Problem> {
    let (rows, tenant) = (&context.state.rows, caller.tenant());
    let bid = rows.get(tenant, Bid::SHAPE, id.known(Bid::SHAPE.one)?).await?;
    let bid = bid.ok_or(ResourceError::NotFound(Bid::SHAPE.one))?;
    let lines = parts::<BidLineItem>(&context, tenant, "bidId", bid.id).await?;
    let costs = parts::<ProjectCost>(&context, tenant, "bidId", bid.id).await?;
    let mut sublines: HashMap<i64, Vec<Json>> = HashMap::new();
    for item in parts::<CostItem>(&context, tenant, "bidId", bid.id).await? {
        let of = CostItem::SHAPE.field("lineItemId").and_then(|(at, _)| item.values.get(at)?.as_integer());
        sublines.entry(of.unwrap_or_default()).or_default().push(shown(CostItem::SHAPE, &item, Map::new())?);
    }
    let line = |line: &Record| {
        let of_line = Json::Array(sublines.remove(&line.id).unwrap_or_default());
        shown(BidLineItem::SHAPE, line, [("sublines".to_owned(), of_line)].into_iter().collect())
    };
    let lines = lines.iter().map(line).collect::<Result<Json, _>>()?;
    let changes = change_order_items(&context, tenant, bid.id).await?;
    let costs = shown_all::<ProjectCost>(&costs)?;
    let more = named([("lineItems", lines), ("distributedCosts", costs), ("changeOrderItems", changes)]);
    Ok(one_with(&context, Bid::SHAPE, &bid, more)?)
}

/// The items of the approved change orders of the project that was made from the bid, one change order after another (MNY-25).
async fn change_order_items(context: &Context, tenant: TenantId, bid: i64) -> Result<Json, StoreError> {
    let place = |shape: &Shape, name| shape.field(name).map_or(0, |(at, _)| at);
    let projects = ids_of(&parts::<Project>(context, tenant, "bidId", bid).await?);
    let mut approved = Filter::is(ChangeOrder::SHAPE, "status", ChangeOrderStatus::Approved.to_value().into_owned());
    approved.add(Condition::Among(place(ChangeOrder::SHAPE, "projectId"), projects));
    let orders = ids_of(&context.state.rows.all(tenant, ChangeOrder::SHAPE, &approved, 0).await?);
    let (of, order) = (place(ChangeOrderItem::SHAPE, "changeOrderId"), place(ChangeOrderItem::SHAPE, "order"));
    let mut of_them = Filter::all();
    of_them.add(Condition::Among(of, orders.clone()));
    let mut items = context.state.rows.all(tenant, ChangeOrderItem::SHAPE, &of_them, order).await?;
    items.sort_by_key(|item| {
        let id = item.values.get(of).and_then(Value::as_integer);
        orders.iter().position(|order| Some(*order) == id)
    });
    shown_all::<ChangeOrderItem>(&items)
}

fn ids_of(rows: &[Record]) -> Vec<i64> {
    rows.iter().map(|row| row.id).collect()
}

fn shown(shape: &'static Shape, record: &Record, more: Map<String, Json>) -> Result<Json, StoreError> {
    members(shape, record, more).map(Json::Object)
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
    let items = parts::<CostItem>(&context, caller.tenant(), "lineItemId", line).await?;
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

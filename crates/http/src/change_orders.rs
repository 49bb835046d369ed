//! `/change-orders`.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    change_orders::{
        self, Action, Approval, ChangeOrder, ChangeOrderItem, ChangeOrderStatus, ItemChange, Rejection, STEPS,
        SendToCustomer, Take, Voiding, WriteItem,
    },
    mail::Sending,
    projects::Project,
    resource::{Filter, Record, Resource, ResourceError, Told, Value, ports::Sum},
    scopes::ScopeId,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::{
    bids::{mail_waits, mailed},
    envelope::{Envelope, Meta},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, Keyed, OptionalObject, Query, QueryParams, RowId, query::Values},
    resource::{Lists, Operations, filled, members, one_with, rendered_with, summary_filter},
    routes::Context,
    signature_requests::can_make_links,
};

const TAG: Tag = Tag { name: "ChangeOrders", description: "What is added to contracts, or taken away from them." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let mut all = Operations::of::<ChangeOrder>("/change-orders", TAG, Lists::Full)
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
            Operation::get("/change-orders/summary", summary)
                .needs(&[ScopeId::ChangeOrdersRead])
                .summary("Sum change orders up")
                .description("How many change orders there are and what they come to, in all and of each status.")
                .replies(Reply::data::<Summary>("The sums.")),
        )
        .and(
            Operation::get("/change-orders/{id}", get)
                .needs(&[ScopeId::ChangeOrdersRead])
                .summary("Get a change order")
                .description("One change order, with its items, its project, and the user who made it.")
                .replies(Reply::row_with::<ChangeOrder>(200, "The change order.", "ChangeOrderInFull", tree)),
        )
        .and(step("submit", Operations::step::<ChangeOrder, _>(
            "/change-orders/{id}/submit",
            (200, "The change order, submitted."),
            |ids| Take { change_order: first(ids), action: Action::Submit },
        )))
        .and(step("approve", Operations::step_with::<ChangeOrder, Approval, _>(
            "/change-orders/{id}/approve",
            (200, "The change order, approved."),
            ErrorCode::ValidationFailed,
            |ids, body| Take { change_order: first(ids), action: Action::Approve(body) },
        )))
        .and(step("reject", Operations::step_with::<ChangeOrder, Rejection, _>(
            "/change-orders/{id}/reject",
            (200, "The change order, rejected."),
            ErrorCode::ValidationFailed,
            |ids, body| Take { change_order: first(ids), action: Action::Reject(body) },
        )))
        .and(step("void", Operations::step_with::<ChangeOrder, Voiding, _>(
            "/change-orders/{id}/void",
            (200, "The change order, void."),
            ErrorCode::ValidationFailed,
            |ids, body| Take { change_order: first(ids), action: Action::Void(body) },
        )))
        .and(
            Operation::post("/change-orders/{id}/send", send)
                .takes::<Sending>()
                .needs(&[ScopeId::ChangeOrdersSend])
                .summary("Send a change order to the customer")
                .description("Mails it to the contact of its project. Its status stays. Tells webhooks of `change_order.updated`.")
                .replies(Reply::row_with::<ChangeOrder>(
                    200,
                    "The change order, and what became of the mail.",
                    "SentChangeOrder",
                    mailed,
                )),
        )
        .into_operations();
    let items = Operations::of::<ChangeOrderItem>("/change-orders/{id}/line-items", TAG, Lists::Plain)
        .items("itemId")
        .list_children::<ChangeOrder>("changeOrderId", "order")
        .create_by(|ids, draft| WriteItem { change_order: first(ids), change: ItemChange::Add(draft) })
        .update_by(|ids, draft| WriteItem { change_order: first(ids), change: ItemChange::Change(last(ids), draft) })
        .delete_by(|ids| WriteItem { change_order: first(ids), change: ItemChange::Delete(last(ids)) });
    all.extend(items.into_operations());
    all
}

fn first(ids: &[i64]) -> i64 {
    ids.first().copied().unwrap_or_default()
}

fn last(ids: &[i64]) -> i64 {
    ids.last().copied().unwrap_or_default()
}

/// What the document says of a step: from the table of states.
fn step(name: &str, operation: Operation) -> Operation {
    let Some(step) = STEPS.iter().find(|step| step.name == name) else { return operation };
    let from: Vec<_> = step.from.iter().map(|status| status.as_str()).collect();
    let told = if let Told::As(kind) = step.told { kind } else { "change_order.updated" };
    operation.needs(step.needs).summary(format!("Change order: {name}")).description(format!(
        "Of change orders that are {}: others answer 409. Tells webhooks of `{told}`.",
        from.join(", ")
    ))
}

/// The properties that `GET /change-orders/{id}` shows besides.
fn tree() -> Json {
    let row = |description: &str| json!({ "type": ["object", "null"], "description": description });
    json!({
        "items": { "type": "array", "items": { "type": "object" }, "description": "Its items." },
        "project": row("Its project. `null` if that is deleted."),
        "creator": row("The user who made it, or who made the key that did: `id` and `email`."),
    })
}

async fn get(context: Context, caller: Authorized<AnyCredential>, id: RowId) -> Result<HttpResponse, Problem> {
    let (rows, tenant) = (&context.state.rows, caller.tenant());
    let record = rows.get(tenant, ChangeOrder::SHAPE, id.known(ChangeOrder::SHAPE.one)?).await?;
    let record = record.ok_or(ResourceError::NotFound(ChangeOrder::SHAPE.one))?;
    let order = record.typed::<ChangeOrder>()?.details;
    let shape = ChangeOrderItem::SHAPE;
    let by = shape.field("order").map_or(0, |(at, _)| at);
    let items = rows.all(tenant, shape, &Filter::is(shape, "changeOrderId", Value::Integer(record.id)), by).await?;
    let items =
        items.iter().map(|item| members(shape, item, Map::new()).map(Json::Object)).collect::<Result<Json, _>>()?;
    let project = rows.get(tenant, Project::SHAPE, order.project_id.get()).await?;
    let project = project.map(|project| members(Project::SHAPE, &project, Map::new())).transpose()?;
    let creator = order.created_by.map(|user| json!({ "id": user }));
    let more = [("items", items), ("project", json!(project)), ("creator", json!(creator))];
    let more = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(one_with(&context, ChangeOrder::SHAPE, &record, more)?)
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
    let command = SendToCustomer { change_order: id.known(ChangeOrder::SHAPE.one)?, sending };
    let render =
        |order: &Record| rendered_with(&context, StatusCode::OK, ChangeOrder::SHAPE, order, mail_waits(&context));
    caller.execute(&context.state, keyed.with(body.0.fingerprint), command, render).await
}

struct SummaryQuery(Filter);

impl QueryParams for SummaryQuery {
    const REFUSAL: ErrorCode = ErrorCode::ValidationFailed;

    fn read(values: &mut Values) -> Self {
        Self(summary_filter(ChangeOrder::SHAPE, &["projectId"], values))
    }
}

/// Change orders, summed up.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangeOrderSummary)]
struct Summary {
    /// In all.
    totals: Totals,
    /// Of each status.
    by_status: Vec<OfStatus>,
}

/// Sums over all change orders.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangeOrderTotals)]
struct Totals {
    /// How many.
    #[schema(minimum = 0, example = 12)]
    count: i64,
    /// What they come to.
    #[schema(example = "4800.00")]
    total_amount: String,
}

/// Sums over the change orders of one status.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangeOrdersOfStatus)]
struct OfStatus {
    /// The status.
    #[schema(example = "approved")]
    status: &'static str,
    /// How many.
    #[schema(minimum = 0, example = 5)]
    count: i64,
    /// What they come to.
    #[schema(example = "4800.00")]
    total_amount: String,
}

async fn summary(
    context: Context,
    caller: Authorized<AnyCredential>,
    query: Query<SummaryQuery>,
) -> Result<HttpResponse, Problem> {
    let sums = change_orders::summary(&*context.state.rows, caller.tenant(), &query.0.0).await?;
    let amount = |sum: &Sum| sum.sums.first().map(ToString::to_string).unwrap_or_default();
    let of_status = |(status, sum): &(ChangeOrderStatus, Sum)| OfStatus {
        status: status.as_str(),
        count: sum.count,
        total_amount: amount(sum),
    };
    let data = Summary {
        totals: Totals { count: sums.totals.count, total_amount: amount(&sums.totals) },
        by_status: sums.by_status.iter().map(of_status).collect(),
    };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

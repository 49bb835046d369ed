//! `/change-orders`.

use actix_web::HttpResponse;
use bwp_domain::{
    change_orders::{Action, ChangeOrder, ChangeOrderItem, SUMMARY, SendToCustomer},
    parts::Part,
    projects::Project,
    resource::{Resource, ResourceError},
    scopes::ScopeId,
};
use serde_json::{Map, Value as Json, json};

use crate::{
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, RowId},
    resource::{Lists, Operations, members, named, one_with, parts, shown_all},
    routes::Context,
};

const TAG: Tag = Tag { name: "ChangeOrders", description: "What is added to contracts, or taken away from them." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let all = Operations::of::<ChangeOrder>("/change-orders", TAG, Lists::Full)
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
            Operation::get("/change-orders/{id}", get)
                .needs(&[ScopeId::ChangeOrdersRead])
                .summary("Get a change order")
                .description("One change order, with its items, its project, and the user who made it.")
                .replies(Reply::row_with::<ChangeOrder>(200, "The change order.", "ChangeOrderInFull", tree)),
        )
        .step_alone("submitted", || Action::Submit)
        .step_with("approve", "approved", ErrorCode::ValidationFailed, Action::Approve)
        .step_with("reject", "rejected", ErrorCode::ValidationFailed, Action::Reject)
        .step_with("void", "void", ErrorCode::ValidationFailed, Action::Void);
    let send = all
        .send("SentChangeOrder", |change_order, sending| SendToCustomer { change_order, sending })
        .needs(&[ScopeId::ChangeOrdersSend])
        .summary("Send a change order to the customer")
        .description(
            "Mails it to the contact of its project. Its status stays. Tells webhooks of `change_order.updated`.",
        );
    let mut all = all.and(send).into_operations();
    let items = Operations::of_parts::<ChangeOrder, ChangeOrderItem>("/change-orders/{id}/line-items", TAG, "itemId");
    all.extend(items.into_operations());
    all
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
    let items = parts::<ChangeOrderItem>(&context, tenant, ChangeOrderItem::OF, record.id).await?;
    let items = shown_all::<ChangeOrderItem>(&items)?;
    let project = rows.get(tenant, Project::SHAPE, order.project_id.get()).await?;
    let project = project.map(|project| members(Project::SHAPE, &project, Map::new())).transpose()?;
    let creator = order.created_by.map(|user| json!({ "id": user }));
    let more = named([("items", items), ("project", json!(project)), ("creator", json!(creator))]);
    Ok(one_with(&context, ChangeOrder::SHAPE, &record, more)?)
}

//! `/products/{id}/kit-items`.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    fields::{Fault, Field},
    idempotency::RenderedResponse,
    kit_items::{ChangeKit, KitChange, KitItem},
    products::Product,
    resource::{Body as Kind, Record, Resource},
    scopes::ScopeId,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    mutation::no_content,
    openapi::{Body, Integer, SchemaSource},
    operation::{Operation, Reply},
    privileges::AnyCredential,
    problem::Problem,
    products::TAG,
    request::{Authorized, ItemId, Json, JsonBody, JsonObject, Keyed, KeyedEmpty, ReadOnly, ReadOnlyFields, RowId},
    resource::{Lists, Operations, ids, read, rendered, rendered_all},
    routes::Context,
};

const WRITE: &[ScopeId] = &[ScopeId::ProductsWrite];
const ITEMS: &str = "/products/{id}/kit-items";
const ITEM: &str = "/products/{id}/kit-items/{itemId}";

type Answer = Result<HttpResponse, Problem>;
type Caller = Authorized<AnyCredential>;

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<KitItem>(ITEMS, TAG, Lists::Plain)
        .list_children::<Product>("kitProductId", "sortOrder")
        .and(
            Operation::post(ITEMS, add)
                .body(new_item())
                .needs(WRITE)
                .summary("Add a component to a kit")
                .description(
                    "Makes the product a kit, if it is none. A component may be a kit itself, but not one that this kit is \
                     in, and there are at most five kits on a path. Tells webhooks of `product.updated` of the kit.",
                )
                .replies(Reply::row::<KitItem>(201, "The new item.")),
        )
        .and(
            Operation::patch(ITEM, change)
                .body(Body::of_change(KitItem::SHAPE))
                .needs(WRITE)
                .summary("Change a component of a kit")
                .description("Changes the fields that are sent. Tells webhooks of `product.updated` of the kit.")
                .replies(Reply::row::<KitItem>(200, "The item after the change.")),
        )
        .and(
            Operation::delete(ITEM, remove)
                .needs(WRITE)
                .summary("Remove a component from a kit")
                .description("The component itself stays. Tells webhooks of `product.updated` of the kit.")
                .replies(Reply::no_content("Removed.")),
        )
        .and(
            Operation::put("/products/{id}/kit-items/reorder", reorder)
                .needs(WRITE)
                .summary("Put the components of a kit in order")
                .description(
                    "Those that are sent come first, in this order; the others follow in theirs. Tells webhooks of \
                     `product.updated` of the kit.",
                )
                .replies(Reply::rows::<KitItem>(200, "The items in their new order.")),
        )
        .into_operations()
}

/// The order of the components of a kit.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = KitOrder)]
struct Order {
    /// The ids of kit items, each once.
    #[serde(default, rename = "orderedIds")]
    #[schema(value_type = Vec<u64>, required = true, max_items = 1_000)]
    ordered_ids: Field<Vec<Value>>,
}

impl ReadOnlyFields for Order {
    const READ_ONLY: &'static [(&'static str, ReadOnly)] = &[];
}

impl JsonBody for Order {
    type Resource = Self;

    fn example() -> Value {
        json!({ "orderedIds": [] })
    }
}

/// The field by which the contract has clients name their tenant. The credential decides; this says nothing.
const TENANT: &str = "tenantId";

/// The body that makes a kit item.
fn new_item() -> Body {
    let own = Body::of_new(KitItem::SHAPE);
    let schema = SchemaSource::by(move |schemas| {
        let name = own.schema.put(schemas);
        if let Some(schema) = schemas.get_mut(&name) {
            schema["properties"][TENANT] = json!({
                "type": "integer",
                "description": "Must be there, and says nothing: the credential decides.",
                "example": 1,
            });
            schema["required"] = json!([TENANT, "componentProductId"]);
        }
        name
    });
    let mut example = own.example.clone();
    example[TENANT] = json!(1);
    Body { schema, example }
}

/// The one in the path.
fn product(id: &RowId) -> Result<i64, Problem> {
    id.known(Product::SHAPE.one)
}

async fn add(context: Context, caller: Caller, keyed: Keyed, id: RowId, mut body: JsonObject) -> Answer {
    match body.members.remove(TENANT).map(|sent| Integer::of(&sent).is_some()) {
        Some(true) => {}
        Some(false) => body.errors.push(TENANT, Fault::new("invalid_type", "Must be a whole number.")),
        None => body.errors.push(TENANT, Fault::new("required", "This field is required.")),
    }
    let draft = read(KitItem::SHAPE, &Kind::New, &body)?;
    let command = ChangeKit { kit: product(&id)?, change: KitChange::Add(draft) };
    let render = |items: &Vec<Record>| shown(&context, StatusCode::CREATED, items);
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

async fn change(context: Context, caller: Caller, keyed: Keyed, id: RowId, item: ItemId, body: JsonObject) -> Answer {
    let draft = read(KitItem::SHAPE, &Kind::Change, &body)?;
    let change = KitChange::Change(item.known(KitItem::SHAPE.one)?, draft);
    let command = ChangeKit { kit: product(&id)?, change };
    let render = |items: &Vec<Record>| shown(&context, StatusCode::OK, items);
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

async fn remove(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId, item: ItemId) -> Answer {
    let change = KitChange::Remove(item.known(KitItem::SHAPE.one)?);
    let command = ChangeKit { kit: product(&id)?, change };
    caller.execute(&context.state, keyed.0, command, |_: &Vec<Record>| no_content()).await
}

async fn reorder(context: Context, caller: Caller, keyed: Keyed, id: RowId, body: Json<Order>) -> Answer {
    let mut errors = body.errors;
    let sent = ids("orderedIds", body.value.ordered_ids, 0..=1_000, &mut errors);
    errors.or(()).map_err(Problem::invalid)?;
    let ids = sent.into_iter().map(|id| i64::try_from(id).unwrap_or(i64::MAX)).collect();
    let command = ChangeKit { kit: product(&id)?, change: KitChange::Reorder(ids) };
    let render = |items: &Vec<Record>| rendered_all(&context, KitItem::SHAPE, items);
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

/// The answer that shows the item that was made or changed.
fn shown(context: &Context, status: StatusCode, items: &[Record]) -> RenderedResponse {
    items.first().map(|item| rendered(context, status, KitItem::SHAPE, item)).unwrap_or_default()
}

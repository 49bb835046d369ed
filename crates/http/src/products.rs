//! `/products`.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    fields::{Fault, Field},
    products::{self, Bulk, ChangeKit, Duplicate, KitChange, KitItem, Product, RestoreProduct},
    resource::{Body as Kind, Filter, Record, Resource, ResourceError, Value},
    scopes::ScopeId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    mutation::no_content,
    openapi::{Body, Integer, SchemaSource},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::Problem,
    request::{
        Authorized, ItemId, Json as JsonBodyOf, JsonBody, JsonObject, Keyed, KeyedEmpty, ReadOnly, ReadOnlyFields,
        RowId,
    },
    resource::{BulkBody, Lists, Operations, ids, members, one_with, read, rendered, rendered_all},
    routes::Context,
};

const TAG: Tag = Tag { name: "Products", description: "What the tenant sells and builds with, and kits of it." };

const READ: &[ScopeId] = &[ScopeId::ProductsRead];
const WRITE: &[ScopeId] = &[ScopeId::ProductsWrite];
const DELETE: &[ScopeId] = &[ScopeId::ProductsDelete];

const ITEMS: &str = "/products/{id}/kit-items";
const ITEM: &str = "/products/{id}/kit-items/{itemId}";

type Answer = Result<HttpResponse, Problem>;
type Caller = Authorized<AnyCredential>;

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let products = Operations::of::<Product>("/products", TAG, Lists::Full)
        .list()
        .create()
        .count()
        .get_many()
        .and(
            Operation::get("/products/{id}", get)
                .needs(READ)
                .summary("Get a product")
                .description("One product, with what is in it if it is a kit.")
                .replies(Reply::row_with::<Product>(200, "The product.", "ProductWithKitItems", || {
                    json!({ "kitItems": {
                        "type": "array",
                        "items": { "$ref": "#/components/schemas/KitItem" },
                        "description": "What is in it, in order.",
                    } })
                })),
        )
        .update()
        .delete()
        .and(
            Operation::get("/products/{id}/usage", usage)
                .needs(READ)
                .summary("Count where a product is used")
                .description("In how many bids that are drafted, sent or accepted it is, and in how many kits.")
                .replies(Reply::data::<Usage>("How many.")),
        )
        .and(
            Operation::post("/products/{id}/restore", restore)
                .needs(DELETE)
                .summary("Restore a product")
                .description(
                    "Takes back that it was deleted. Nothing happens to one that was not. If another product has its `sku` \
                     by now, it stays deleted: 409. Tells webhooks of `product.updated`.",
                )
                .replies(Reply::row::<Product>(200, "The product.")),
        )
        .and(
            Operation::post("/products/{id}/duplicate", duplicate)
                .needs(WRITE)
                .summary("Copy a product")
                .description(
                    "Makes a product that is the same, with the next `sku`, and with what is in it if it is a kit. Tells \
                     webhooks of `product.created`.",
                )
                .replies(Reply::row::<Product>(201, "The copy.")),
        )
        .and(
            Operation::post("/products/bulk-delete", bulk_delete)
                .needs(DELETE)
                .summary("Delete many products")
                .description("Deletes up to 500 products. Those that are not there are passed over.")
                .replies(Reply::data::<Deleted>("How many were deleted.")),
        )
        .and(
            Operation::post("/products/bulk-restore", bulk_restore)
                .needs(DELETE)
                .summary("Restore many products")
                .description(
                    "Restores up to 500 products. Those that are not deleted, and those whose `sku` another product has by \
                     now, are passed over.",
                )
                .replies(Reply::data::<Restored>("How many were restored.")),
        );
    let items = Operations::of::<KitItem>(ITEMS, TAG, Lists::Plain)
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
        );
    products.into_operations().into_iter().chain(items.into_operations()).collect()
}

/// How much a product is used.
#[derive(Serialize, ToSchema)]
#[schema(as = ProductUsage)]
#[serde(rename_all = "camelCase")]
struct Usage {
    /// In how many bids that are drafted, sent or accepted.
    #[schema(minimum = 0, example = 3)]
    bids_count: usize,
    /// In how many kits.
    #[schema(minimum = 0, example = 1)]
    kits_count: usize,
}

/// How many were deleted.
#[derive(Serialize, ToSchema)]
#[schema(as = ProductsDeleted)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    /// How many.
    #[schema(minimum = 0, example = 2)]
    deleted_count: usize,
}

/// How many were restored.
#[derive(Serialize, ToSchema)]
#[schema(as = ProductsRestored)]
#[serde(rename_all = "camelCase")]
struct Restored {
    /// How many.
    #[schema(minimum = 0, example = 2)]
    restored_count: usize,
}

/// The order of the components of a kit.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = KitOrder)]
struct Order {
    /// The ids of kit items, each once.
    #[serde(default, rename = "orderedIds")]
    #[schema(value_type = Vec<u64>, required = true, max_items = 1_000)]
    ordered_ids: Field<Vec<Json>>,
}

impl ReadOnlyFields for Order {
    const READ_ONLY: &'static [(&'static str, ReadOnly)] = &[];
}

impl JsonBody for Order {
    type Resource = Self;

    fn example() -> Json {
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

async fn get(context: Context, caller: Caller, id: RowId) -> Answer {
    let (id, rows) = (product(&id)?, &context.state.rows);
    let found = rows.get(caller.tenant(), Product::SHAPE, id).await?;
    let found = found.ok_or(ResourceError::NotFound(Product::SHAPE.one))?;
    let order = KitItem::SHAPE.places(&["sortOrder"]).first().copied().unwrap_or_default();
    let within = Filter::is(KitItem::SHAPE, "kitProductId", Value::Integer(id));
    let items = rows.all(caller.tenant(), KitItem::SHAPE, &within, order).await?;
    let items = items.iter().map(|item| members(KitItem::SHAPE, item, Map::new()).map(Json::Object));
    let more = [("kitItems".to_owned(), items.collect::<Result<Vec<_>, _>>()?.into())];
    Ok(one_with(&context, Product::SHAPE, &found, more.into_iter().collect())?)
}

async fn usage(context: Context, caller: Caller, id: RowId) -> Answer {
    let found = products::usage(&*context.state.rows, caller.tenant(), product(&id)?).await?;
    let found = found.ok_or(ResourceError::NotFound(Product::SHAPE.one))?;
    let data = Usage { bids_count: found.bids, kits_count: found.kits };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

async fn restore(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId) -> Answer {
    let command = RestoreProduct { product: product(&id)? };
    let render = |record: &Record| rendered(&context, StatusCode::OK, Product::SHAPE, record);
    caller.execute(&context.state, keyed.0, command, render).await
}

async fn duplicate(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId) -> Answer {
    let command = Duplicate { product: product(&id)? };
    let render = |record: &Record| rendered(&context, StatusCode::CREATED, Product::SHAPE, record);
    caller.execute(&context.state, keyed.0, command, render).await
}

async fn bulk_delete(context: Context, caller: Caller, keyed: Keyed, body: JsonBodyOf<BulkBody>) -> Answer {
    bulk(context, caller, keyed, body, false).await
}

async fn bulk_restore(context: Context, caller: Caller, keyed: Keyed, body: JsonBodyOf<BulkBody>) -> Answer {
    bulk(context, caller, keyed, body, true).await
}

async fn bulk(context: Context, caller: Caller, keyed: Keyed, body: JsonBodyOf<BulkBody>, restore: bool) -> Answer {
    let mut errors = body.errors;
    let sent = ids("ids", body.value.ids, 1..=BulkBody::MAX, &mut errors);
    errors.or(()).map_err(Problem::invalid)?;
    // An id beyond those that rows have is an id of nothing.
    let command = Bulk { ids: sent.into_iter().filter_map(|id| i64::try_from(id).ok()).collect(), restore };
    let meta = || Meta::of(context.request_id());
    let render = |count: &usize| {
        if restore {
            Envelope { data: Restored { restored_count: *count }, meta: meta() }.rendered(StatusCode::OK)
        } else {
            Envelope { data: Deleted { deleted_count: *count }, meta: meta() }.rendered(StatusCode::OK)
        }
    };
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
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

async fn reorder(context: Context, caller: Caller, keyed: Keyed, id: RowId, body: JsonBodyOf<Order>) -> Answer {
    let mut errors = body.errors;
    let sent = ids("orderedIds", body.value.ordered_ids, 0..=1_000, &mut errors);
    errors.or(()).map_err(Problem::invalid)?;
    let ids = sent.into_iter().map(|id| i64::try_from(id).unwrap_or(i64::MAX)).collect();
    let command = ChangeKit { kit: product(&id)?, change: KitChange::Reorder(ids) };
    let render = |items: &Vec<Record>| rendered_all(&context, KitItem::SHAPE, items);
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

/// The answer that shows the item that was made or changed.
fn shown(context: &Context, status: StatusCode, items: &[Record]) -> bwp_domain::idempotency::RenderedResponse {
    items.first().map(|item| rendered(context, status, KitItem::SHAPE, item)).unwrap_or_default()
}

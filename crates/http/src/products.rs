//! `/products`.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    bids,
    kit_items::KitItem,
    products::{self, Duplicate, Product},
    resource::{Filter, Record, Resource, ResourceError, Value},
    scopes::ScopeId,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::Problem,
    request::{Authorized, KeyedEmpty, RowId},
    resource::{Lists, Operations, members, one_with, rendered},
    routes::Context,
};

pub(crate) const TAG: Tag =
    Tag { name: "Products", description: "What the tenant sells and builds with, and kits of it." };

const READ: &[ScopeId] = &[ScopeId::ProductsRead];
const WRITE: &[ScopeId] = &[ScopeId::ProductsWrite];

type Answer = Result<HttpResponse, Problem>;
type Caller = Authorized<AnyCredential>;

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<Product>("/products", TAG, Lists::Full)
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
        .exports()
        .imports()
        .bulk()
        .and(
            Operation::get("/products/{id}/usage", usage)
                .needs(READ)
                .summary("Count where a product is used")
                .description("In how many bids that are drafted, sent or accepted it is, and in how many kits.")
                .replies(Reply::data::<Usage>("How many.")),
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
        .restore()
        .bulk_at_once()
        .into_operations()
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

async fn get(context: Context, caller: Caller, id: RowId) -> Answer {
    let (id, rows) = (id.known(Product::SHAPE.one)?, &context.state.rows);
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
    let id = id.known(Product::SHAPE.one)?;
    let found = products::usage(&*context.state.rows, caller.tenant(), id).await?;
    let found = found.ok_or(ResourceError::NotFound(Product::SHAPE.one))?;
    let bids = bids::bids_with(&*context.state.rows, caller.tenant(), id).await?;
    let data = Usage { bids_count: bids, kits_count: found.kits };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

async fn duplicate(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId) -> Answer {
    let command = Duplicate { product: id.known(Product::SHAPE.one)? };
    let render = |record: &Record| rendered(&context, StatusCode::CREATED, Product::SHAPE, record);
    caller.execute(&context.state, keyed.0, command, render).await
}

//! What the operations of every resource do.

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    fields::Fault,
    resource::{
        Access, Body, Condition, Create, Delete, Draft, Family, Filter, Many, Record, ResourceError, Shape, Undelete,
        Update, Value,
    },
};

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Lists,
    filters::{self, ListQuery},
    many::{self, BulkBody, GetManyBody},
    shown::{Shown, rendered},
};
use crate::{
    envelope::{Envelope, Meta, Rows},
    mutation::no_content,
    openapi::fields::nearest,
    paging::Listing,
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{AnyQuery, Authorized, Json, JsonObject, KeyIgnored, Keyed, KeyedEmpty, RowId, query},
    routes::Context,
};

type Answer = Result<HttpResponse, Problem>;

/// How many rows fit.
#[derive(Serialize, ToSchema)]
#[schema(as = Count)]
pub(super) struct Count {
    /// How many.
    #[schema(minimum = 0, example = 128)]
    total: i64,
}

/// The scopes are those that the operation names in the table, where they are checked.
type Caller = Authorized<AnyCredential>;

/// `operation` is the name that its cursors are bound to.
pub(super) async fn list(
    shape: &'static Shape,
    lists: Lists,
    operation: &'static str,
    context: Context,
    caller: Caller,
    sent: AnyQuery,
) -> Answer {
    let ListQuery { page, filter, compact } =
        query::read(&sent.0, ErrorCode::BadRequest, |values| ListQuery::read(shape, lists, values))?;
    let listing = Listing::new(&context.state, caller.tenant(), operation, &filter.canonical(shape));
    let page = listing.page(&page).await?;
    let found = context.state.rows.page(caller.tenant(), shape, &filter, page).await?;
    let mut rows = Rows::of(found.count());
    found.show(|row| {
        let shown = Shown::of(shape, row, compact);
        rows.push(&shown);
        shown.checked()
    })?;
    Ok(listing.answer_rows(&context, rows, found.next))
}

pub(super) async fn list_all(shape: &'static Shape, order: usize, context: Context, caller: Caller) -> Answer {
    let found = context.state.rows.all(caller.tenant(), shape, &Filter::all(), order).await?;
    let mut rows = Rows::of(found.len());
    for record in &found {
        rows.push(&Shown::of(shape, record, false));
    }
    Ok(rows.ok(&Meta::of(context.request_id())))
}

/// `of` and `order`: the places of the fields that name the parent and give the order.
pub(super) async fn list_children(
    parent: &'static Shape,
    shape: &'static Shape,
    (of, order): (usize, usize),
    context: Context,
    caller: Caller,
    id: RowId,
) -> Answer {
    let id = id.known(parent.one)?;
    let rows = &context.state.rows;
    rows.get(caller.tenant(), parent, id).await?.ok_or(ResourceError::NotFound(parent.one))?;
    let mut filter = Filter::all();
    filter.add(Condition::Is(of, Value::Integer(id)));
    let found = rows.all(caller.tenant(), shape, &filter, order).await?;
    let mut rows = Rows::of(found.len());
    for record in &found {
        rows.push(&Shown::of(shape, record, false));
    }
    Ok(rows.ok(&Meta::of(context.request_id())))
}

pub(super) async fn get_only(shape: &'static Shape, context: Context, caller: Caller) -> Answer {
    let found = context.state.rows.all(caller.tenant(), shape, &Filter::all(), 0).await?;
    let record = found.first().ok_or(ResourceError::NotFound(shape.one))?;
    Ok(Envelope { data: Shown::of(shape, record, false), meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn create(
    family: &'static dyn Family,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    body: JsonObject,
) -> Answer {
    let shape = family.shape();
    let (draft, fingerprint) = (read(shape, &Body::New, &body)?, body.fingerprint);
    let render = |record: &Record| rendered(&context, StatusCode::CREATED, shape, record);
    caller.execute(&context.state, keyed.with(fingerprint), Create { family, draft }, render).await
}

pub(super) async fn get(shape: &'static Shape, context: Context, caller: Caller, id: RowId) -> Answer {
    let found = context.state.rows.get(caller.tenant(), shape, id.known(shape.one)?).await?;
    let record = found.ok_or(ResourceError::NotFound(shape.one))?;
    Ok(Envelope { data: Shown::of(shape, &record, false), meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn count(
    shape: &'static Shape,
    lists: Lists,
    context: Context,
    caller: Caller,
    sent: AnyQuery,
) -> Answer {
    let filter = query::read(&sent.0, ErrorCode::BadRequest, |values| filters::filter(shape, lists, values))?;
    let total = context.state.rows.count(caller.tenant(), shape, &filter).await?;
    Ok(Envelope { data: Count { total }, meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn get_many(
    shape: &'static Shape,
    context: Context,
    caller: Caller,
    _key: KeyIgnored,
    body: Json<GetManyBody>,
) -> Answer {
    let ids = body.value.parse(body.errors).map_err(Problem::invalid)?;
    let found = context.state.rows.get_many(caller.tenant(), shape, &ids.possible).await?;
    let by_id: HashMap<i64, &Record> = found.iter().map(|record| (record.id, record)).collect();
    let data: Vec<_> =
        ids.possible.iter().filter_map(|id| by_id.get(id)).map(|row| Shown::of(shape, *row, false)).collect();
    let meta = Meta { requested: Some(ids.requested), returned: Some(data.len()), ..Meta::of(context.request_id()) };
    Ok(Envelope { data, meta }.ok())
}

pub(super) async fn update(
    family: &'static dyn Family,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    id: RowId,
    body: JsonObject,
) -> Answer {
    let shape = family.shape();
    let (draft, fingerprint) = (read(shape, &Body::Change, &body)?, body.fingerprint);
    let render = |record: &Record| rendered(&context, StatusCode::OK, shape, record);
    let command = Update { family, id: id.known(shape.one)?, draft };
    caller.execute(&context.state, keyed.with(fingerprint), command, render).await
}

pub(super) async fn delete(
    family: &'static dyn Family,
    context: Context,
    caller: Caller,
    keyed: KeyedEmpty,
    id: RowId,
) -> Answer {
    let command = Delete { family, id: id.known(family.shape().one)? };
    caller.execute(&context.state, keyed.0, command, |_| no_content()).await
}

pub(super) async fn restore(
    family: &'static dyn Family,
    context: Context,
    caller: Caller,
    keyed: KeyedEmpty,
    id: RowId,
) -> Answer {
    let shape = family.shape();
    let render = |record: &Record| rendered(&context, StatusCode::OK, shape, record);
    caller.execute(&context.state, keyed.0, Undelete { family, id: id.known(shape.one)? }, render).await
}

/// What is done to many rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bulk {
    Delete,
    Restore,
}

/// How many rows were deleted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deleted {
    /// How many.
    #[schema(minimum = 0, example = 2)]
    deleted_count: usize,
}

/// How many rows were restored.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Restored {
    /// How many.
    #[schema(minimum = 0, example = 2)]
    restored_count: usize,
}

pub(super) async fn bulk(
    family: &'static dyn Family,
    bulk: Bulk,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    body: Json<BulkBody>,
) -> Answer {
    let mut errors = body.errors;
    let ids = many::ids("ids", body.value.ids, 1..=BulkBody::MAX, &mut errors);
    errors.or(()).map_err(Problem::invalid)?;
    // An id beyond those that rows have is an id of nothing.
    let ids = ids.into_iter().filter_map(|id| i64::try_from(id).ok()).collect();
    let render = |count: &usize| {
        let meta = Meta::of(context.request_id());
        match bulk {
            Bulk::Delete => Envelope { data: Deleted { deleted_count: *count }, meta }.rendered(StatusCode::OK),
            Bulk::Restore => Envelope { data: Restored { restored_count: *count }, meta }.rendered(StatusCode::OK),
        }
    };
    let command = Many { family, ids, restore: bulk == Bulk::Restore };
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

/// What a body sets, or everything that is wrong with it.
pub(crate) fn read(shape: &Shape, kind: &Body, body: &JsonObject) -> Result<Draft, Problem> {
    let mut errors = body.errors.clone();
    for name in body.members.keys() {
        let shown = matches!(name.as_str(), "id" | "createdAt" | "updatedAt") || shape.beside.contains(&name.as_str());
        if !shown && shape.field(name).is_none() {
            errors.push_with(name, || unknown(shape, name));
        }
    }
    Draft::read(shape, kind, &body.members, errors).map_err(Problem::invalid)
}

fn unknown(shape: &Shape, name: &str) -> Fault {
    let settable = shape.fields.iter().filter(|field| field.access == Access::Settable).map(|field| field.name);
    match nearest(name, settable) {
        Some(near) => Fault::new("unknown_field", format_args!("There is no such field. Did you mean `{near}`?")),
        None => Fault::new("unknown_field", "There is no such field."),
    }
}

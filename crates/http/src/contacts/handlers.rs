//! What each operation on contacts does.

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    contacts::{
        self, ContactChanges, ContactDetails, ContactError, ContactFilter, CreateContact, DeleteContact, UpdateContact,
    },
    idempotency::RenderedResponse,
    ids::ContactId,
    text::SearchText,
};
use serde_json::json;

use super::{
    requests::{CountQuery, CreateContactBody, ListQuery, SummaryQuery, UpdateContactBody},
    responses::{Contact, Count, Summary},
};
use crate::{
    envelope::{Envelope, Meta, Rows},
    mutation::no_content,
    paging::Listing,
    privileges::{ContactsDelete, ContactsRead, ContactsWrite},
    problem::Problem,
    request::{Authorized, Json, KeyIgnored, Keyed, KeyedEmpty, PathId, Query, id::ContactResource},
    resource::GetManyBody,
    routes::Context,
};

type Answer = Result<HttpResponse, Problem>;

/// The name that the list's cursors are bound to.
pub(super) const LIST: &str = "getContacts";

pub(super) async fn list(context: Context, caller: Authorized<ContactsRead>, query: Query<ListQuery>) -> Answer {
    let Query(ListQuery { page, filter, compact }) = query;
    let listing = Listing::new(&context.state, caller.tenant(), LIST, &canonical(&filter));
    let page = listing.page(&page).await?;
    let found = context.state.contacts.list(caller.tenant(), &filter, page).await?;
    let mut rows = Rows::of(found.count());
    found.show(|contact| rows.push(&if compact { Contact::compact(contact) } else { Contact::full(contact) }))?;
    Ok(listing.answer_rows(&context, rows, found.next))
}

pub(super) async fn create(
    context: Context,
    caller: Authorized<ContactsWrite>,
    keyed: Keyed,
    body: Json<CreateContactBody>,
) -> Answer {
    let details = ContactDetails::parse(body.value.into(), body.errors).map_err(ContactError::Invalid)?;
    let render = |contact: &contacts::Contact| rendered(&context, StatusCode::CREATED, contact);
    caller.execute(&context.state, keyed.with(body.fingerprint), CreateContact(details), render).await
}

pub(super) async fn get_many(
    context: Context,
    caller: Authorized<ContactsRead>,
    _key: KeyIgnored,
    body: Json<GetManyBody>,
) -> Answer {
    let ids = body.value.parse(body.errors).map_err(Problem::invalid)?;
    let possible: Vec<_> = ids.possible.iter().filter_map(|id| ContactId::new(*id)).collect();
    let found = context.state.contacts.get_many(caller.tenant(), &possible).await?;
    let by_id: HashMap<_, _> = found.iter().map(|contact| (contact.id, contact)).collect();
    let data: Vec<_> =
        possible.iter().filter_map(|id| by_id.get(id)).map(|contact| Contact::full(&(*contact).into())).collect();
    let meta = Meta { requested: Some(ids.requested), returned: Some(data.len()), ..Meta::of(context.request_id()) };
    Ok(Envelope { data, meta }.ok())
}

pub(super) async fn count(context: Context, caller: Authorized<ContactsRead>, query: Query<CountQuery>) -> Answer {
    let total = context.state.contacts.count(caller.tenant(), &query.0.0).await?;
    Ok(Envelope { data: Count { total }, meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn summary(context: Context, caller: Authorized<ContactsRead>, query: Query<SummaryQuery>) -> Answer {
    let summary = context.state.contacts.summary(caller.tenant(), &query.0.0).await?;
    Ok(Envelope { data: Summary::from(&summary), meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn get(context: Context, caller: Authorized<ContactsRead>, id: PathId<ContactResource>) -> Answer {
    let contact = context.state.contacts.get(caller.tenant(), id.known()?).await?.ok_or(ContactError::NotFound)?;
    Ok(Envelope { data: Contact::full(&(&contact).into()), meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn update(
    context: Context,
    caller: Authorized<ContactsWrite>,
    keyed: Keyed,
    id: PathId<ContactResource>,
    body: Json<UpdateContactBody>,
) -> Answer {
    let changes = ContactChanges::parse(body.value.into(), body.errors).map_err(ContactError::Invalid)?;
    let render = |contact: &contacts::Contact| rendered(&context, StatusCode::OK, contact);
    let command = UpdateContact { id: id.known()?, changes };
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

pub(super) async fn delete(
    context: Context,
    caller: Authorized<ContactsDelete>,
    keyed: KeyedEmpty,
    id: PathId<ContactResource>,
) -> Answer {
    caller.execute(&context.state, keyed.0, DeleteContact { id: id.known()? }, |()| no_content()).await
}

fn rendered(context: &Context, status: StatusCode, contact: &contacts::Contact) -> RenderedResponse {
    Envelope { data: Contact::full(&contact.into()), meta: Meta::of(context.request_id()) }.rendered(status)
}

/// The filter in one way of writing, for cursors.
fn canonical(filter: &ContactFilter) -> serde_json::Value {
    let ContactFilter { kind, search, created_from, created_to } = filter;
    json!([kind, search.as_ref().map(SearchText::as_str), created_from, created_to])
}

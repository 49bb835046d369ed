//! What each operation on webhooks does.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    ids::{DeliveryId, EndpointId},
    paging::{Limit, PageRequest},
    webhooks::{
        CreateEndpoint, CreatedEndpoint, DeleteEndpoint, DeliveryFilter, DeliveryStatus, EditEndpoint, Endpoint,
        EndpointDraft, Payload, ReplayDelivery, RotateSecret, SigningSecret, UrlRefusal, WebhookError,
    },
};
use serde_json::json;

use super::{
    requests::{CreateBody, ListQuery, UpdateBody},
    responses::{
        WebhookDelivery, WebhookDeliveryFull, WebhookEndpoint, WebhookEndpointWithSecret, WebhookPayload, WebhookSecret,
    },
};
use crate::{
    envelope::{Envelope, Meta, Rows},
    mutation::no_content,
    paging::Listing,
    privileges::WebhooksManage,
    problem::Problem,
    request::{Authorized, Json, Keyed, KeyedEmpty, Query, RowId},
    routes::Context,
};

type Answer = Result<HttpResponse, Problem>;
type Caller = Authorized<WebhooksManage>;

/// The name that the list's cursors are bound to.
pub(super) const LIST: &str = "listWebhookDeliveries";

pub(super) async fn list(context: Context, caller: Caller) -> Answer {
    let endpoints = context.state.webhooks.reader.endpoints(caller.tenant()).await?;
    let mut rows = Rows::of(endpoints.len());
    for endpoint in &endpoints {
        rows.push(&WebhookEndpoint::from(endpoint));
    }
    Ok(rows.ok(&Meta::of(context.request_id())))
}

pub(super) async fn create(context: Context, caller: Caller, keyed: Keyed, body: Json<CreateBody>) -> Answer {
    let draft = EndpointDraft::from(body.value);
    let refused = refused(&context, &draft).await;
    let endpoint = draft.create(body.errors, refused).map_err(WebhookError::Invalid)?;
    let vault = Arc::clone(&context.state.webhooks.vault);
    let guard = body.guarded.against(|endpoint: &Endpoint| json!(WebhookEndpoint::from(endpoint)));
    let command = CreateEndpoint { endpoint, refused, vault, guard };
    let shown = |created: &CreatedEndpoint| {
        let data = WebhookEndpointWithSecret {
            endpoint: WebhookEndpoint::from(&created.endpoint),
            signing_secret: created.secret.expose(),
        };
        Envelope { data, meta: Meta::of(context.request_id()) }.rendered(StatusCode::CREATED)
    };
    caller.execute_sealed(&context.state, keyed.with(body.fingerprint), command, shown).await
}

pub(super) async fn get(context: Context, caller: Caller, id: RowId) -> Answer {
    let found = context.state.webhooks.reader.endpoint(caller.tenant(), endpoint_id(&id)?).await?;
    let endpoint = found.ok_or(WebhookError::NoEndpoint)?;
    Ok(Envelope { data: WebhookEndpoint::from(&endpoint), meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn update(
    context: Context,
    caller: Caller,
    keyed: Keyed,
    id: RowId,
    body: Json<UpdateBody>,
) -> Answer {
    let draft = EndpointDraft::from(body.value);
    let refused = refused(&context, &draft).await;
    let changes = draft.edit(body.errors, refused).map_err(WebhookError::Invalid)?;
    let guard = body.guarded.against(|endpoint: &Endpoint| json!(WebhookEndpoint::from(endpoint)));
    let command = EditEndpoint { id: endpoint_id(&id)?, changes, refused, guard };
    let render = |endpoint: &Endpoint| {
        Envelope { data: WebhookEndpoint::from(endpoint), meta: Meta::of(context.request_id()) }
            .rendered(StatusCode::OK)
    };
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

pub(super) async fn delete(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId) -> Answer {
    let command = DeleteEndpoint { id: endpoint_id(&id)? };
    caller.execute(&context.state, keyed.0, command, |()| no_content()).await
}

pub(super) async fn rotate(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId) -> Answer {
    let command = RotateSecret { id: endpoint_id(&id)?, vault: Arc::clone(&context.state.webhooks.vault) };
    let shown = |secret: &SigningSecret| {
        let data = WebhookSecret { signing_secret: secret.expose() };
        Envelope { data, meta: Meta::of(context.request_id()) }.rendered(StatusCode::OK)
    };
    caller.execute_sealed(&context.state, keyed.0, command, shown).await
}

pub(super) async fn of_endpoint(context: Context, caller: Caller, id: RowId) -> Answer {
    let (reader, tenant, id) = (&context.state.webhooks.reader, caller.tenant(), endpoint_id(&id)?);
    reader.endpoint(tenant, id).await?.ok_or(WebhookError::NoEndpoint)?;
    let filter = DeliveryFilter { endpoint: Some(id), ..DeliveryFilter::default() };
    let latest = PageRequest { limit: Limit::LARGEST, after: None };
    let found = reader.deliveries(tenant, &filter, latest).await?;
    let mut rows = Rows::of(found.items.len());
    for delivery in &found.items {
        rows.push(&WebhookDelivery::from(delivery));
    }
    Ok(rows.ok(&Meta::of(context.request_id())))
}

pub(super) async fn deliveries(context: Context, caller: Caller, query: Query<ListQuery>) -> Answer {
    let Query(ListQuery { page, filter }) = query;
    let DeliveryFilter { endpoint, status, event_type, created_from, created_to } = &filter;
    let canonical = json!([endpoint, status.map(DeliveryStatus::as_str), event_type, created_from, created_to]);
    let listing = Listing::new(&context.state, caller.tenant(), LIST, &canonical);
    let page = listing.page(&page).await?;
    let found = context.state.webhooks.reader.deliveries(caller.tenant(), &filter, page).await?;
    Ok(listing.answer(&context, &found, WebhookDeliveryFull::from))
}

pub(super) async fn delivery(context: Context, caller: Caller, id: RowId) -> Answer {
    let found = context.state.webhooks.reader.delivery(caller.tenant(), delivery_id(&id)?).await?;
    let payload = found.ok_or(WebhookError::NoDelivery)?;
    Ok(Envelope { data: WebhookPayload::from(&payload), meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn replay(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId) -> Answer {
    let command = ReplayDelivery { id: delivery_id(&id)? };
    let render = |payload: &Payload| {
        Envelope { data: WebhookPayload::from(payload), meta: Meta::of(context.request_id()) }.rendered(StatusCode::OK)
    };
    caller.execute(&context.state, keyed.0, command, render).await
}

/// Why nothing may be sent to the URL of a draft: asked before anything is written, for it takes the network.
async fn refused(context: &Context, draft: &EndpointDraft) -> Option<UrlRefusal> {
    let url = draft.url()?;
    context.state.webhooks.guard.check(&url).await.err()
}

fn endpoint_id(id: &RowId) -> Result<EndpointId, Problem> {
    Ok(EndpointId::new(id.known("webhook endpoint")?).ok_or(WebhookError::NoEndpoint)?)
}

fn delivery_id(id: &RowId) -> Result<DeliveryId, Problem> {
    Ok(DeliveryId::new(id.known("webhook delivery")?).ok_or(WebhookError::NoDelivery)?)
}

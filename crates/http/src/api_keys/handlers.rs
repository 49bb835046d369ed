//! What each operation on keys does.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    clock::Timestamp,
    idempotency::RenderedResponse,
    ids::TenantId,
    keys::{self, CreatedKey, KeyError, KeyFilter, KeyStatus, RevokeKey, RotatedKey, ports::KeyListing},
    text::SearchText,
};
use serde_json::json;

use super::{
    requests::{CreateBody, ListQuery, RotateBody, UpdateBody},
    responses::{ApiKey, ApiKeyOnce},
};
use crate::{
    envelope::{Envelope, Meta},
    mutation::no_content,
    paging::Listing,
    privileges::{ApiKeysManage, ApiKeysRead},
    problem::Problem,
    request::{Authorized, Json, Keyed, KeyedEmpty, PathId, Query, id::KeyResource},
    routes::Context,
};

type Answer = Result<HttpResponse, Problem>;

/// The name that the list's cursors are bound to.
pub(super) const LIST: &str = "getApiKeys";

pub(super) async fn list(context: Context, caller: Authorized<ApiKeysRead>, query: Query<ListQuery>) -> Answer {
    let Query(ListQuery { page, search, status }) = query;
    let now = now(&context);
    let filters = json!([search.as_ref().map(SearchText::as_str), status.map(KeyStatus::as_str)]);
    let filter = KeyFilter { search, status: status.map(|status| (status, now)) };
    let listing = Listing::new(&context.state, caller.tenant(), LIST, &filters);
    let page = listing.page(&page).await?;
    let found = context.state.keys.page(caller.tenant(), &filter, page).await?;
    Ok(listing.answer(&context, &found, |listing| ApiKey::listed(listing, now)))
}

pub(super) async fn create(
    context: Context,
    caller: Authorized<ApiKeysManage>,
    keyed: Keyed,
    body: Json<CreateBody>,
) -> Answer {
    let draft = keys::KeyDraft::from(body.value);
    let now = now(&context);
    let mut command = draft.create(now, body.errors).map_err(KeyError::Invalid)?;
    command.guard = body.guarded.against(move |key| json!(ApiKey::of(key, None, now)));
    let shown = |made: &CreatedKey| once(&context, made, true);
    let kept = |made: &CreatedKey| once(&context, made, false);
    caller.execute_showing_once(&context.state, keyed.with(body.fingerprint), command, shown, kept).await
}

pub(super) async fn get(context: Context, caller: Authorized<ApiKeysRead>, id: PathId<KeyResource>) -> Answer {
    let found = find(&context, caller.tenant(), id).await?;
    Ok(Envelope { data: ApiKey::listed(&found, now(&context)), meta: Meta::of(context.request_id()) }.ok())
}

pub(super) async fn update(
    context: Context,
    caller: Authorized<ApiKeysManage>,
    keyed: Keyed,
    id: PathId<KeyResource>,
    body: Json<UpdateBody>,
) -> Answer {
    let changes = keys::KeyDraft::from(body.value).edit(body.errors).map_err(KeyError::Invalid)?;
    let found = find(&context, caller.tenant(), id).await?;
    let (now, used) = (now(&context), found.last_used_at);
    let render = |key: &keys::ApiKey| {
        Envelope { data: ApiKey::of(key, used, now), meta: Meta::of(context.request_id()) }.rendered(StatusCode::OK)
    };
    let guard = body.guarded.against(move |key| json!(ApiKey::of(key, used, now)));
    let command = keys::EditKey { guard, ..keys::EditKey::new(found.key.id, changes) };
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

pub(super) async fn rotate(
    context: Context,
    caller: Authorized<ApiKeysManage>,
    keyed: Keyed,
    id: PathId<KeyResource>,
    body: Json<RotateBody>,
) -> Answer {
    let overlap = body.value.parse(body.errors).map_err(KeyError::Invalid)?;
    let found = find(&context, caller.tenant(), id).await?;
    let command = keys::RotateKey { id: found.key.id, overlap };
    let shown = |rotated: &RotatedKey| once(&context, &rotated.successor, true);
    let kept = |rotated: &RotatedKey| once(&context, &rotated.successor, false);
    caller.execute_showing_once(&context.state, keyed.with(body.fingerprint), command, shown, kept).await
}

pub(super) async fn revoke(
    context: Context,
    caller: Authorized<ApiKeysManage>,
    keyed: KeyedEmpty,
    id: PathId<KeyResource>,
) -> Answer {
    let found = find(&context, caller.tenant(), id).await?;
    caller.execute(&context.state, keyed.0, RevokeKey::always(found.key.id), |_| no_content()).await
}

/// The key that the path names. Keys are never deleted: it is still there when it is changed.
async fn find(context: &Context, tenant: TenantId, id: PathId<KeyResource>) -> Result<KeyListing, Problem> {
    let found = context.state.keys.get(tenant, id.known()?).await?;
    Ok(found.ok_or(KeyError::NotFound)?)
}

/// The answer to the making of a key, with its secret or without.
fn once(context: &Context, made: &CreatedKey, with_secret: bool) -> RenderedResponse {
    let data = ApiKeyOnce::of(made, with_secret, now(context));
    Envelope { data, meta: Meta::of(context.request_id()) }.rendered(StatusCode::CREATED)
}

fn now(context: &Context) -> Timestamp {
    context.state.environment.clock.now()
}

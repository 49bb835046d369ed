//! What each operation on users does.

use actix_web::HttpResponse;
use serde_json::json;

use super::responses::User;
use crate::{
    envelope::{Envelope, Meta},
    paging::{Listing, PageParams},
    privileges::UsersRead,
    problem::Problem,
    request::{
        Authorized, PathId, Query, QueryParams,
        id::{Resource, UserResource},
        query::Values,
    },
    routes::Context,
};

type Answer = Result<HttpResponse, Problem>;

/// The name that the list's cursors are bound to.
pub(super) const LIST: &str = "getUsers";

/// The query of the list.
pub(super) struct ListQuery(PageParams);

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        Self(PageParams::read(values))
    }
}

pub(super) async fn list(context: Context, caller: Authorized<UsersRead>, query: Query<ListQuery>) -> Answer {
    let Query(ListQuery(page)) = query;
    let listing = Listing::new(&context.state, caller.tenant(), LIST, &json!([]));
    let page = listing.page(&page).await?;
    let found = context.state.users.page(caller.tenant(), page).await?;
    Ok(listing.answer(&context, &found, User::from))
}

pub(super) async fn get(context: Context, caller: Authorized<UsersRead>, id: PathId<UserResource>) -> Answer {
    let found = context.state.users.get(caller.tenant(), id.known()?).await?;
    let user = found.ok_or_else(|| Problem::not_found(UserResource::NAME))?;
    Ok(Envelope { data: User::from(&user), meta: Meta::of(context.request_id()) }.ok())
}

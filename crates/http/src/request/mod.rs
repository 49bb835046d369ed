//! What handlers take from a request, in the order in which they name it.

mod authorized;
mod form;
pub(crate) mod id;
mod idempotency;
mod json;
mod members;
pub(crate) mod query;
mod read_only;

use std::net::IpAddr;

use actix_web::{HttpRequest, dev::Payload};
use bwp_domain::{principal::Credential, rate_limits::Standing};

pub(crate) use authorized::{Authorized, Shown};
pub(crate) use form::{Form, Part};
pub(crate) use id::{ItemId, PathId, RowId, describe_row, number};
pub(crate) use idempotency::{HEADER as IDEMPOTENCY_HEADER, KeyIgnored, Keyed, KeyedEmpty};
pub(crate) use json::{Json, JsonBody, JsonObject, OptionalObject};
pub(crate) use query::{AnyQuery, Query, QueryParams};
pub(crate) use read_only::{Guarded, ReadOnly, ReadOnlyFields, class_of};

use crate::{problem::Problem, state::ApiState};

/// A request that is being taken apart.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a HttpRequest,
    pub(crate) payload: &'a mut Payload,
    pub(crate) state: &'a ApiState,
    /// Whether the handler takes query parameters.
    pub(crate) takes_query: bool,
    /// The caller's credential.
    pub(crate) credential: Credential,
    /// How the caller's budgets stand. `None` while the request runs ahead of being charged.
    pub(crate) standing: Option<Standing>,
    /// Where the caller calls from.
    pub(crate) address: Option<IpAddr>,
    /// Whether a body was read: that may have taken a while.
    pub(crate) body_read: bool,
}

/// Something that a handler takes from a request.
pub(crate) trait Extract: Sized {
    /// Takes it, or says what is wrong with the request.
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem>;

    /// What the OpenAPI document says about it.
    fn describe(_input: &mut crate::openapi::Input) {}
}

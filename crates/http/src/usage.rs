//! `GET /usage`: how the caller's budgets stand.

use actix_web::HttpResponse;
use bwp_domain::rate_limits::Counter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    me::TAG,
    operation::{Operation, Reply},
    privileges::AuditRead,
    problem::Problem,
    rate_limit::Charged,
    request::Authorized,
    routes::Context,
};

/// What was spent of the caller's budgets, this request included.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageResponse)]
pub(crate) struct Usage {
    /// The tenant's units in the last hour, of all of its keys.
    tenant: BudgetUsage,
    /// The key's requests in the last minute. `null` for callers without a key.
    #[serde(rename = "apiKey")]
    #[schema(required = true)]
    api_key: Option<BudgetUsage>,
}

/// What was spent of one budget.
#[derive(Serialize, ToSchema)]
pub(crate) struct BudgetUsage {
    /// How much may be spent in a window. 0: there is no limit, and nothing is counted.
    #[schema(value_type = i64, minimum = 0, example = 10_000)]
    limit: u32,
    /// How much of it was spent. More than `limit` after a costly request that overdrew it.
    #[schema(value_type = i64, minimum = 0, example = 6)]
    used: u64,
    /// How much is left.
    #[schema(value_type = i64, minimum = 0, example = 9_994)]
    remaining: u32,
    /// In how many seconds more is left. 0 if nothing was spent.
    #[schema(value_type = i64, minimum = 0, example = 3_412)]
    #[serde(rename = "resetSeconds")]
    reset_seconds: u32,
    /// The length of the window, which slides, in seconds.
    #[schema(value_type = i64, minimum = 0, example = 3_600)]
    #[serde(rename = "windowSeconds")]
    window_seconds: u32,
}

impl From<Counter> for BudgetUsage {
    fn from(counter: Counter) -> Self {
        let Counter { limit, used, remaining, reset_seconds, window_seconds } = counter;
        Self { limit, used, remaining, reset_seconds, window_seconds }
    }
}

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/usage", usage)
            .named("getUsage", TAG)
            .summary("Get what was spent of the rate limits")
            .description(
                "What the tenant spent in the last hour and the key in the last minute. The headers of every answer say \
                 the same.",
            )
            .replies(Reply::data::<Usage>("What was spent.")),
    ]
}

async fn usage(
    context: Context,
    _caller: Authorized<AuditRead>,
    Charged(standing): Charged,
) -> Result<HttpResponse, Problem> {
    // As it was when this request was charged: what the headers of the answer say.
    let data = Usage { tenant: standing.tenant.into(), api_key: standing.key.map(BudgetUsage::from) };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

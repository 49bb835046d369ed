//! `/projects`.

use actix_web::HttpResponse;
use bwp_domain::{
    change_orders,
    projects::{self, Project, ProjectStatus},
    resource::{Filter, Resource, Value, ports::Sum},
    scopes::ScopeId,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, Query, QueryParams, query::Values},
    resource::{Lists, Operations, summary_filter},
    routes::Context,
};

pub(crate) const TAG: Tag = Tag { name: "Projects", description: "The jobs that the tenant works on." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<Project>("/projects", TAG, Lists::Full)
        .list()
        .create()
        .get()
        .update()
        .delete()
        .count()
        .get_many()
        .and(
            Operation::get("/projects/summary", summary)
                .needs(&[ScopeId::ProjectsRead])
                .summary("Sum projects up")
                .description(
                    "How many projects there are and what they are worth, in all, of each status and of each type that \
                     there is at least one of.",
                )
                .replies(Reply::data::<Summary>("The sums.")),
        )
        .exports()
        .imports()
        .bulk()
        .into_operations()
}

struct SummaryQuery(Filter);

impl QueryParams for SummaryQuery {
    const REFUSAL: ErrorCode = ErrorCode::ValidationFailed;

    fn read(values: &mut Values) -> Self {
        Self(summary_filter(Project::SHAPE, &["contactId", "assignedTo"], values))
    }
}

/// Projects, summed up.
#[derive(Serialize, ToSchema)]
#[schema(as = ProjectSummary)]
struct Summary {
    /// In all.
    totals: Totals,
    /// Of each status that a project has.
    by_status: Vec<OfStatus>,
    /// Of each type that a project has, those with the most projects first, and of those without a type.
    by_type: Vec<OfType>,
}

/// Sums over all projects.
#[derive(Serialize, ToSchema)]
#[schema(as = ProjectTotals)]
struct Totals {
    /// How many.
    #[schema(minimum = 0, example = 12)]
    count: i64,
    /// What they are worth now.
    #[schema(example = "1250000.00")]
    contract_value_total: String,
    /// What approved change orders added to what was signed.
    #[schema(example = "0.00")]
    approved_co_delta_total: String,
    /// How many were to be done before today and are neither completed nor cancelled. The tenant's time zone decides when
    /// today begins.
    #[schema(minimum = 0, example = 1)]
    overdue_count: i64,
}

/// Sums over the projects of one status.
#[derive(Serialize, ToSchema)]
#[schema(as = ProjectsOfStatus)]
struct OfStatus {
    /// The status.
    #[schema(example = "in_progress")]
    status: &'static str,
    /// How many.
    #[schema(minimum = 1, example = 5)]
    count: i64,
    /// What they are worth now.
    #[schema(example = "250000.00")]
    contract_value_total: String,
}

/// Sums over the projects of one type.
#[derive(Serialize, ToSchema)]
#[schema(as = ProjectsOfType)]
struct OfType {
    /// The type. `null`: without one.
    #[schema(required = true, example = "residential")]
    project_type: Option<String>,
    /// How many.
    #[schema(minimum = 1, example = 5)]
    count: i64,
    /// What they are worth now.
    #[schema(example = "250000.00")]
    contract_value_total: String,
}

async fn summary(
    context: Context,
    caller: Authorized<AnyCredential>,
    query: Query<SummaryQuery>,
) -> Result<HttpResponse, Problem> {
    let today = caller.credential().tenant().time_zone.today(context.state.environment.clock.now());
    let sums = projects::summary(&*context.state.rows, caller.tenant(), &query.0.0, today).await?;
    let delta = change_orders::approved_delta(&*context.state.rows, caller.tenant(), &query.0.0).await?;
    let value = |sum: &Sum| sum.sums.first().map(ToString::to_string).unwrap_or_default();
    let of_status = |(status, sum): &(ProjectStatus, Sum)| OfStatus {
        status: status.as_str(),
        count: sum.count,
        contract_value_total: value(sum),
    };
    let of_type = |sum: &Sum| OfType {
        project_type: match sum.groups.first() {
            Some(Value::Text(kind)) => Some(kind.to_string()),
            _ => None,
        },
        count: sum.count,
        contract_value_total: value(sum),
    };
    let totals = Totals {
        count: sums.totals.count,
        contract_value_total: value(&sums.totals),
        approved_co_delta_total: delta.to_string(),
        overdue_count: sums.overdue,
    };
    let data = Summary {
        totals,
        by_status: sums.by_status.iter().map(of_status).collect(),
        by_type: sums.by_type.iter().map(of_type).collect(),
    };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

//! `/time-entries`.

use actix_web::HttpResponse;
use bwp_domain::{
    resource::{Filter, Resource, Value, ports::Sum},
    scopes::ScopeId,
    time_entries::{self, TimeEntry},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::Problem,
    request::{Authorized, Query, QueryParams, query::Values},
    resource::{Lists, Operations, days_filter},
    routes::Context,
};

const TAG: Tag = Tag { name: "TimeEntries", description: "The hours that people worked, and what they cost." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<TimeEntry>("/time-entries", TAG, Lists::Full)
        .list()
        .create()
        .and(
            Operation::get("/time-entries/summary", summary)
                .needs(&[ScopeId::TimeEntriesRead])
                .summary("Sum time entries up")
                .description(
                    "How many hours were worked and what they cost: in all, by each user and for each project. The days are \
                     those of the work.",
                )
                .replies(Reply::data::<Summary>("The sums.")),
        )
        .update()
        .delete()
        .exports()
        .imports()
        .bulk()
        .into_operations()
}

struct SummaryQuery(Filter);

impl QueryParams for SummaryQuery {
    fn read(values: &mut Values) -> Self {
        Self(days_filter(TimeEntry::SHAPE, &["userId", "projectId"], values))
    }
}

/// Time entries, summed up.
#[derive(Serialize, ToSchema)]
#[schema(as = TimeEntrySummary)]
struct Summary {
    /// In all.
    totals: Totals,
    /// Of each user who worked, the most hours first.
    by_user: Vec<OfUser>,
    /// For each project that was worked on, the most hours first.
    by_project: Vec<ForProject>,
}

/// Sums over all time entries.
#[derive(Serialize, ToSchema)]
#[schema(as = TimeEntryTotals)]
struct Totals {
    /// How many entries.
    #[schema(minimum = 0, example = 128)]
    entry_count: i64,
    /// How many hours.
    #[schema(example = "1024.50")]
    hours_total: String,
    /// What they cost. Entries without a rate cost nothing.
    #[schema(example = "43541.25")]
    cost_total: String,
}

/// Sums over the entries of one user.
#[derive(Serialize, ToSchema)]
#[schema(as = TimeEntriesOfUser)]
struct OfUser {
    /// The user, who may have left.
    #[serde(rename = "userId")]
    #[schema(example = 3)]
    user_id: i64,
    /// Their given name.
    #[serde(rename = "firstName")]
    #[schema(required = true, example = "Ada")]
    first_name: Option<String>,
    /// Their family name.
    #[serde(rename = "lastName")]
    #[schema(required = true, example = "Byron")]
    last_name: Option<String>,
    /// How many hours.
    #[schema(example = "40.00")]
    hours_total: String,
    /// What they cost.
    #[schema(example = "1700.00")]
    cost_total: String,
}

/// Sums over the entries for one project.
#[derive(Serialize, ToSchema)]
#[schema(as = TimeEntriesForProject)]
struct ForProject {
    /// The project, which may be deleted.
    #[serde(rename = "projectId")]
    #[schema(example = 9)]
    project_id: i64,
    /// What it is called.
    #[serde(rename = "projectName")]
    #[schema(required = true, example = "Garage, Elm Street")]
    project_name: Option<String>,
    /// How many hours.
    #[schema(example = "40.00")]
    hours_total: String,
    /// What they cost.
    #[schema(example = "1700.00")]
    cost_total: String,
}

async fn summary(
    context: Context,
    caller: Authorized<AnyCredential>,
    query: Query<SummaryQuery>,
) -> Result<HttpResponse, Problem> {
    let state = &context.state;
    let sums = time_entries::summary(&*state.rows, &*state.users, caller.tenant(), &query.0.0).await?;
    let id = |sum: &Sum| sum.groups.first().and_then(Value::as_integer).unwrap_or_default();
    let [hours, cost] = [0, 1].map(|at| move |sum: &Sum| sum.sums.get(at).map(ToString::to_string).unwrap_or_default());
    let totals =
        Totals { entry_count: sums.totals.count, hours_total: hours(&sums.totals), cost_total: cost(&sums.totals) };
    let by_user = sums.by_user.iter().map(|(sum, user)| {
        let name = user.as_ref().map(|user| &user.account.name);
        OfUser {
            user_id: id(sum),
            first_name: name.and_then(|name| name.first.as_deref().map(str::to_owned)),
            last_name: name.and_then(|name| name.last.as_deref().map(str::to_owned)),
            hours_total: hours(sum),
            cost_total: cost(sum),
        }
    });
    let by_project = sums.by_project.iter().map(|(sum, project)| ForProject {
        project_id: id(sum),
        project_name: project.as_ref().map(|project| project.details.name.to_string()),
        hours_total: hours(sum),
        cost_total: cost(sum),
    });
    let data = Summary { totals, by_user: by_user.collect(), by_project: by_project.collect() };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

//! `/leads`.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    lead_stages::LeadStage,
    leads::{self, Convert, Lead},
    projects::Project,
    resource::{Filter, Record, Resource, Stored, Value, ports::Sum},
    scopes::ScopeId,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    lead_stages::TAG,
    operation::{Operation, Reply},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, KeyedEmpty, Query, QueryParams, RowId, query::Values},
    resource::{Lists, Operations, rendered, summary_filter},
    routes::Context,
};

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<Lead>("/leads", TAG, Lists::Full)
        .list()
        .create()
        .count()
        .and(
            Operation::get("/leads/summary", summary)
                .needs(&[ScopeId::LeadsRead])
                .summary("Sum leads up")
                .description(
                    "How many leads there are and what they may bring: in all, in each stage and from each source.",
                )
                .replies(Reply::data::<Summary>("The sums.")),
        )
        .and(
            Operation::post("/leads/{id}/convert", convert)
                .needs(Convert::NEEDS)
                .summary("Convert a lead to a project")
                .description(
                    "Makes a project of the lead, and moves the lead to the first stage where leads are won. A lead that is in \
                     such a stage already, or of which there is a project, is not converted: 409. Tells webhooks of \
                     `project.created` and `lead.updated`.",
                )
                .replies(Reply::row::<Project>(201, "The new project.")),
        )
        .get()
        .update()
        .delete()
        .exports()
        .imports()
        .bulk()
        .into_operations()
}

struct SummaryQuery(Filter);

impl QueryParams for SummaryQuery {
    const REFUSAL: ErrorCode = ErrorCode::ValidationFailed;

    fn read(values: &mut Values) -> Self {
        Self(summary_filter(Lead::SHAPE, &["stageId", "assignedTo"], values))
    }
}

/// Leads, summed up.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadSummary)]
struct Summary {
    /// In all.
    totals: Totals,
    /// In each stage that has some, in the order of the board.
    by_stage: Vec<InStage>,
    /// From each source that there is, the most leads first; those of none last.
    by_source: Vec<OfSource>,
}

/// Sums over all leads.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadTotals)]
struct Totals {
    /// How many.
    #[schema(minimum = 0, example = 128)]
    count: i64,
    /// What they may bring.
    #[schema(example = "250000.50")]
    estimated_value_total: String,
}

/// Sums over the leads in one stage.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadsInStage)]
struct InStage {
    /// The stage's id.
    #[serde(rename = "stageId")]
    #[schema(example = 4, required = true)]
    stage_id: Option<i64>,
    /// What it is called.
    #[serde(rename = "stageName")]
    #[schema(example = "Bid Sent", required = true)]
    stage_name: Option<String>,
    /// How many.
    #[schema(minimum = 1, example = 17)]
    count: i64,
    /// What they may bring.
    #[schema(example = "45000.00")]
    estimated_value_total: String,
}

/// Sums over the leads from one source.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadsOfSource)]
struct OfSource {
    /// The source. `null`: of no source.
    #[schema(example = "referral", required = true)]
    source: Option<String>,
    /// How many.
    #[schema(minimum = 1, example = 17)]
    count: i64,
    /// What they may bring.
    #[schema(example = "45000.00")]
    estimated_value_total: String,
}

async fn convert(
    context: Context,
    caller: Authorized<AnyCredential>,
    keyed: KeyedEmpty,
    id: RowId,
) -> Result<HttpResponse, Problem> {
    let command = Convert { lead: id.known(Lead::SHAPE.one)? };
    let render = |project: &Record| rendered(&context, StatusCode::CREATED, Project::SHAPE, project);
    caller.execute(&context.state, keyed.0, command, render).await
}

async fn summary(
    context: Context,
    caller: Authorized<AnyCredential>,
    query: Query<SummaryQuery>,
) -> Result<HttpResponse, Problem> {
    let sums = leads::summary(&*context.state.rows, caller.tenant(), &query.0.0).await?;
    let value = |sum: &Sum| sum.sums.first().map(ToString::to_string).unwrap_or_default();
    let in_stage = |(sum, stage): &(Sum, Option<_>)| InStage {
        stage_id: sum.groups.first().and_then(Value::as_integer),
        stage_name: stage.as_ref().map(|stage: &Stored<LeadStage>| stage.details.name.to_string()),
        count: sum.count,
        estimated_value_total: value(sum),
    };
    let of_source = |sum: &Sum| OfSource {
        source: match sum.groups.first() {
            Some(Value::Text(source)) => Some(source.to_string()),
            _ => None,
        },
        count: sum.count,
        estimated_value_total: value(sum),
    };
    let data = Summary {
        totals: Totals { count: sums.totals.count, estimated_value_total: value(&sums.totals) },
        by_stage: sums.by_stage.iter().map(in_stage).collect(),
        by_source: sums.by_source.iter().map(of_source).collect(),
    };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

//! `/pay-apps`.

use actix_web::HttpResponse;
use bwp_domain::{
    parts::Part,
    pay_apps::{self, Action, ChangePayApp, CreatePayApp, DeletePayApp, PayApp, PayAppStatus, SendPayApp, SovLine},
    projects::Project,
    resource::{Condition, Filter, Resource, ResourceError, Value, ports::Sum},
    scopes::ScopeId,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::{
    envelope::{Envelope, Meta},
    operation::{Operation, Reply, Tag},
    paging::{DATE_FROM, DATE_TO},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, Query, QueryParams, RowId, query::Values},
    resource::{Lists, Operations, fields_filter, first, members, named, one_with, parts, shown_all},
    routes::Context,
};

const TAG: Tag = Tag { name: "PayApps", description: "What is billed of a project, period by period." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let all = Operations::of::<PayApp>("/pay-apps", TAG, Lists::Full)
        .list()
        .count()
        .get_many()
        .create_by(|_, draft| CreatePayApp(draft))
        .update_by(|ids, draft| ChangePayApp { pay_app: first(ids), draft })
        .delete_by(|ids| DeletePayApp { pay_app: first(ids) })
        .exports()
        .bulk()
        .prints()
        .and(
            Operation::get("/pay-apps/summary", summary)
                .needs(&[ScopeId::PayAppsRead])
                .summary("Sum pay apps up")
                .description(
                    "How many pay apps there are, and what was due of those that are approved or paid. `dateFrom` and `dateTo` bound \
                     the time at which they were submitted: with one, drafts are left out.",
                )
                .replies(Reply::data::<Summary>("The sums.")),
        )
        .and(
            Operation::get("/pay-apps/{id}", get)
                .needs(&[ScopeId::PayAppsRead])
                .summary("Get a pay app")
                .description("One pay app, with its schedule of values, its project and who approved it.")
                .replies(Reply::row_with::<PayApp>(200, "The pay app.", "PayAppInFull", tree)),
        )
        .step_alone("submitted", || Action::Submit)
        .step_alone("approved", || Action::Approve)
        .step_with("reject", "rejected", ErrorCode::ValidationFailed, Action::Reject)
        .step_alone("paid", || Action::MarkPaid)
        .step_with("void", "voided", ErrorCode::ValidationFailed, Action::Void);
    let send = all
        .send("SentPayApp", |pay_app, sending| SendPayApp { pay_app, sending })
        .needs(&[ScopeId::PayAppsSend])
        .summary("Send a pay app to the customer")
        .description("Mails it to the contact of its project. Its status stays. Tells webhooks of `pay_app.updated`.");
    let mut all = all.and(send).into_operations();
    let lines = Operations::of_parts::<PayApp, SovLine>("/pay-apps/{id}/line-items", TAG, "lineId");
    all.extend(lines.into_operations());
    all
}

/// The properties that `GET /pay-apps/{id}` shows besides.
fn tree() -> Json {
    json!({
        "lineItems": {
            "type": "array",
            "items": { "type": "object" },
            "description": "Its schedule of values.",
        },
        "project": { "type": ["object", "null"], "description": "Its project. `null`: it was deleted." },
        "approver": { "type": ["object", "null"], "description": "The user who approved it." },
    })
}

async fn get(context: Context, caller: Authorized<AnyCredential>, id: RowId) -> Result<HttpResponse, Problem> {
    let (rows, tenant) = (&context.state.rows, caller.tenant());
    let record = rows.get(tenant, PayApp::SHAPE, id.known(PayApp::SHAPE.one)?).await?;
    let record = record.ok_or(ResourceError::NotFound(PayApp::SHAPE.one))?;
    let app = record.typed::<PayApp>()?.details;
    let lines = shown_all::<SovLine>(&parts::<SovLine>(&context, tenant, SovLine::OF, record.id).await?)?;
    let project = match rows.get(tenant, Project::SHAPE, app.project_id.get()).await? {
        Some(project) => Json::Object(members(Project::SHAPE, &project, Map::new())?),
        None => Json::Null,
    };
    let approver = match app.approved_by {
        Some(account) => context.state.users.get(tenant, account).await?,
        None => None,
    };
    let approver = approver.map_or(Json::Null, |user| json!(crate::users::shown(&user)));
    let more = named([("lineItems", lines), ("project", project), ("approver", approver)]);
    Ok(one_with(&context, PayApp::SHAPE, &record, more)?)
}

struct SummaryQuery(Filter);

impl QueryParams for SummaryQuery {
    const REFUSAL: ErrorCode = ErrorCode::ValidationFailed;

    fn read(values: &mut Values) -> Self {
        let submitted = PayApp::SHAPE.field("submittedAt").map_or(0, |(at, _)| at);
        let from = values.take(&DATE_FROM).map(|from| Condition::AtLeast(submitted, Value::Moment(from)));
        let to = values.take(&DATE_TO).map(|to| Condition::AtMost(submitted, Value::Moment(to)));
        let mut filter = fields_filter(PayApp::SHAPE, &["projectId"], values);
        from.into_iter().chain(to).for_each(|condition| filter.add(condition));
        Self(filter)
    }
}

/// Pay apps, summed up.
#[derive(Serialize, ToSchema)]
#[schema(as = PayAppSummary)]
struct Summary {
    /// In all.
    totals: Totals,
    /// Of each status.
    by_status: Vec<OfStatus>,
}

/// Sums over all pay apps.
#[derive(Serialize, ToSchema)]
#[schema(as = PayAppTotals)]
struct Totals {
    /// How many.
    #[schema(minimum = 0, example = 12)]
    count: i64,
    /// What was due of those that are approved or paid.
    #[schema(example = "39690.00")]
    invoiced_total: String,
    /// What was due of those that are paid.
    #[schema(example = "27450.00")]
    paid_total: String,
    /// What is due of those that are approved.
    #[schema(example = "12240.00")]
    outstanding_total: String,
}

/// Sums over the pay apps of one status.
#[derive(Serialize, ToSchema)]
#[schema(as = PayAppsOfStatus)]
struct OfStatus {
    /// The status.
    #[schema(example = "approved")]
    status: &'static str,
    /// How many.
    #[schema(minimum = 0, example = 2)]
    count: i64,
    /// What they bill of their periods.
    #[schema(example = "15600.00")]
    current_billed_total: String,
}

async fn summary(
    context: Context,
    caller: Authorized<AnyCredential>,
    query: Query<SummaryQuery>,
) -> Result<HttpResponse, Problem> {
    let sums = pay_apps::summary(&*context.state.rows, caller.tenant(), &query.0.0).await?;
    let billed = |sum: &Sum| sum.sums.first().map(ToString::to_string).unwrap_or_default();
    let of_status = |(status, sum): &(PayAppStatus, Sum)| OfStatus {
        status: status.as_str(),
        count: sum.count,
        current_billed_total: billed(sum),
    };
    let totals = Totals {
        count: sums.count,
        invoiced_total: (sums.outstanding.decimal() + sums.paid.decimal()).to_string(),
        paid_total: sums.paid.to_string(),
        outstanding_total: sums.outstanding.to_string(),
    };
    let data = Summary { totals, by_status: sums.by_status.iter().map(of_status).collect() };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

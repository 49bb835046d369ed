//! `/projects/{id}/phases` and `/projects/{id}/tasks`.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    fields::{Fault, FieldErrors},
    project_phases::ProjectPhase,
    project_plans::{ChangePlan, MOST_STEPS, PlanChange},
    project_tasks::ProjectTask,
    projects::Project,
    resource::{self, Family, Record, Resource, Rules, family},
};
use serde_json::{Value, json};

use crate::{
    envelope::{Envelope, Meta},
    mutation::no_content,
    openapi::{Body, SchemaSource},
    operation::{Operation, Reply},
    privileges::AnyCredential,
    problem::Problem,
    projects::TAG,
    request::{Authorized, ItemId, JsonObject, Keyed, KeyedEmpty, RowId},
    resource::{Lists, Operations, members, read, rendered},
    routes::Context,
};

/// Every operation on the plan of a project.
pub(crate) fn operations() -> Vec<Operation> {
    let mut all = steps::<ProjectPhase>(
        "/projects/{id}/phases",
        "/projects/{id}/phases/order",
        "/projects/{id}/phases/{phaseId}",
    );
    all.extend(steps::<ProjectTask>(
        "/projects/{id}/tasks",
        "/projects/{id}/tasks/order",
        "/projects/{id}/tasks/{taskId}",
    ));
    all
}

type Answer = Result<HttpResponse, Problem>;
type Caller = Authorized<AnyCredential>;

/// The operations on one kind of steps: on all of a project, on their order, and on one.
fn steps<R: Rules>(all: &'static str, order: &'static str, one: &'static str) -> Vec<Operation> {
    let (family, shape) = (family::<R>(), R::SHAPE);
    let (name, many) = (shape.one, shape.many);
    Operations::of::<R>(all, TAG, Lists::Plain)
        .list_children::<Project>("projectId", "order")
        .and(
            Operation::post(all, move |context, caller, keyed, id, body| add(family, context, caller, keyed, id, body))
                .body(Body::of_new(shape))
                .needs(shape.scopes.write)
                .summary(format!("Add a {name}"))
                .description(format!("Only `name` is required. A project has at most {MOST_STEPS} {many}."))
                .replies(Reply::row::<R>(201, "What was added.")),
        )
        .and(
            Operation::put(order, move |context, caller, keyed, id, body| {
                reorder(family, context, caller, keyed, id, body)
            })
            .body(Body { schema: order_schema(), example: json!({ "order": [] }) })
            .needs(shape.scopes.write)
            .summary(format!("Put {many} in order"))
            .description(format!(
                "Takes the ids of all {many} of the project, each once, in the order that they are to have."
            ))
            .replies(Reply::rows::<R>(200, "All of them, in their order.")),
        )
        .and(
            Operation::patch(one, move |context, caller, keyed, id, item, body| {
                change(family, context, caller, keyed, (id, item), body)
            })
            .body(Body::of_change(shape))
            .needs(shape.scopes.write)
            .summary(format!("Change a {name}"))
            .description("Changes the fields that are sent; `null` empties one.")
            .replies(Reply::row::<R>(200, "It after the change.")),
        )
        .and(
            Operation::delete(one, move |context, caller, keyed, id, item| {
                delete(family, context, caller, keyed, (id, item))
            })
            .needs(shape.scopes.delete)
            .summary(format!("Delete a {name}"))
            .description("From then on it is not found. What names it keeps its id.")
            .replies(Reply::no_content("Deleted.")),
        )
        .into_operations()
}

fn order_schema() -> SchemaSource {
    SchemaSource::by(|schemas| {
        let schema = json!({
            "type": "object",
            "description": "An order of all steps of one kind.",
            "required": ["order"],
            "properties": { "order": {
                "type": "array",
                "description": "Their ids, each once.",
                "maxItems": MOST_STEPS,
                "items": { "type": "integer", "minimum": 1 },
            } },
            "additionalProperties": false,
        });
        schemas.insert("PlanOrder", schema);
        "PlanOrder".to_owned()
    })
}

async fn add(
    family: &'static dyn Family,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    id: RowId,
    body: JsonObject,
) -> Answer {
    let draft = read(family.shape(), &resource::Body::New, &body)?;
    let command = ChangePlan { family, project: id.known(Project::SHAPE.one)?, change: PlanChange::Add(draft) };
    let render = |steps: &Vec<Record>| one(&context, StatusCode::CREATED, family, steps);
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

async fn change(
    family: &'static dyn Family,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    (id, item): (RowId, ItemId),
    body: JsonObject,
) -> Answer {
    let draft = read(family.shape(), &resource::Body::Change, &body)?;
    let (project, step) = (id.known(Project::SHAPE.one)?, item.known(family.shape().one)?);
    let command = ChangePlan { family, project, change: PlanChange::Change(step, draft) };
    let render = |steps: &Vec<Record>| one(&context, StatusCode::OK, family, steps);
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

async fn delete(
    family: &'static dyn Family,
    context: Context,
    caller: Caller,
    keyed: KeyedEmpty,
    (id, item): (RowId, ItemId),
) -> Answer {
    let (project, step) = (id.known(Project::SHAPE.one)?, item.known(family.shape().one)?);
    let command = ChangePlan { family, project, change: PlanChange::Delete(step) };
    caller.execute(&context.state, keyed.0, command, |_| no_content()).await
}

async fn reorder(
    family: &'static dyn Family,
    context: Context,
    caller: Caller,
    keyed: Keyed,
    id: RowId,
    body: JsonObject,
) -> Answer {
    let order = order(&body)?;
    let command = ChangePlan { family, project: id.known(Project::SHAPE.one)?, change: PlanChange::Reorder(order) };
    let render = |steps: &Vec<Record>| {
        let shown = |step| members(family.shape(), step, serde_json::Map::new()).unwrap_or_default();
        let data: Vec<_> = steps.iter().map(shown).collect();
        Envelope { data, meta: Meta::of(context.request_id()) }.rendered(StatusCode::OK)
    };
    caller.execute(&context.state, keyed.with(body.fingerprint), command, render).await
}

/// The ids that a body puts in an order, or everything that is wrong with it.
fn order(body: &JsonObject) -> Result<Vec<i64>, Problem> {
    let mut errors: FieldErrors = body.errors.clone();
    for name in body.members.keys().filter(|name| *name != "order") {
        errors.push_with(name, || Fault::new("unknown_field", "There is no such field. Did you mean `order`?"));
    }
    let ids = match body.members.get("order") {
        Some(Value::Array(ids)) => ids.iter().map(Value::as_i64).collect(),
        Some(_) => None,
        None => {
            errors.push("order", Fault::new("required", "This field is required."));
            Some(Vec::new())
        }
    };
    if ids.is_none() {
        errors.push("order", Fault::new("invalid_type", "Must be a list of ids."));
    }
    errors.or(ids.unwrap_or_default()).map_err(Problem::invalid)
}

/// The answer that shows the one step that was added or changed.
fn one(
    context: &Context,
    status: StatusCode,
    family: &'static dyn Family,
    steps: &[Record],
) -> bwp_domain::idempotency::RenderedResponse {
    steps.first().map(|step| rendered(context, status, family.shape(), step)).unwrap_or_default()
}

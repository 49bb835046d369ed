//! The rules of projects' plans.

use crate::office::{Office, key, refused, shown};
use bwp_domain::{
    fields::FieldErrors,
    project_phases::ProjectPhase,
    project_plans::{ChangePlan, PlanChange},
    project_tasks::ProjectTask,
    projects::Project,
    resource::{Body, Draft, ResourceError, Rules, family},
};
use serde_json::{Value as Json, json};

fn plan<R: Rules>(office: &Office, project: i64, change: PlanChange) -> Result<Json, ResourceError> {
    let steps = office.apply(&key(), &ChangePlan { family: family::<R>(), project, change })?;
    Ok(steps.iter().map(shown::<R>).collect())
}

fn draft<R: Rules>(kind: &Body, body: &Json) -> Result<Draft, FieldErrors> {
    Draft::read(R::SHAPE, kind, body.as_object().expect("an object"), FieldErrors::new())
}

fn add<R: Rules>(office: &Office, project: i64, body: &Json) -> Result<Json, ResourceError> {
    plan::<R>(office, project, PlanChange::Add(draft::<R>(&Body::New, body)?)).map(|steps| steps[0].clone())
}

fn change<R: Rules>(office: &Office, project: i64, id: i64, body: &Json) -> Result<Json, ResourceError> {
    let change = PlanChange::Change(id, draft::<R>(&Body::Change, body)?);
    plan::<R>(office, project, change).map(|steps| steps[0].clone())
}

fn id(row: &Json) -> i64 {
    row["id"].as_i64().expect("an id")
}

#[test]
fn steps_are_added_behind_the_others() {
    let office = Office::new();
    let [garage, shed] = ["Garage", "Shed"].map(|name| office.project(name));
    let order = |project: i64, body: Json| {
        let step = add::<ProjectPhase>(&office, project, &body).expect("added");
        assert_eq!((&step["projectId"], &step["status"]), (&json!(project), &json!("pending")));
        step["order"].as_i64().expect("a number")
    };
    assert_eq!(order(garage, json!({ "name": "Dig" })), 1);
    assert_eq!(order(garage, json!({ "name": "Pour", "order": 7, "projectId": shed })), 7);
    assert_eq!(order(garage, json!({ "name": "Roof" })), 8);
    assert_eq!(order(shed, json!({ "name": "Dig" })), 1);
    let task = add::<ProjectTask>(&office, garage, &json!({ "name": "Hole" })).expect("added");
    assert_eq!((&task["order"], &task["status"], &task["priority"]), (&json!(1), &json!("todo"), &json!("medium")));
}

#[test]
fn a_step_is_found_under_its_own_project_alone() {
    let office = Office::new();
    let [garage, shed] = ["Garage", "Shed"].map(|name| office.project(name));
    let step = id(&add::<ProjectPhase>(&office, garage, &json!({ "name": "Dig" })).expect("added"));
    let not_found = |outcome: Result<Json, ResourceError>, one: &str| {
        assert!(matches!(&outcome, Err(ResourceError::NotFound(name)) if *name == one), "{outcome:?}");
    };
    not_found(change::<ProjectPhase>(&office, shed, step, &json!({ "name": "x" })), "project phase");
    not_found(plan::<ProjectPhase>(&office, shed, PlanChange::Delete(step)), "project phase");
    not_found(change::<ProjectPhase>(&office, 999, step, &json!({ "name": "x" })), "project");
    not_found(add::<ProjectPhase>(&office, 999, &json!({ "name": "x" })), "project");
    // Not even by its body does it change its project.
    let changed = change::<ProjectPhase>(&office, garage, step, &json!({ "projectId": shed, "name": "Trench" }))
        .expect("changed");
    assert_eq!((&changed["projectId"], &changed["name"]), (&json!(garage), &json!("Trench")));
    plan::<ProjectPhase>(&office, garage, PlanChange::Delete(step)).expect("deleted");
    not_found(change::<ProjectPhase>(&office, garage, step, &json!({ "name": "x" })), "project phase");
    office.delete::<Project>(shed).expect("deleted");
    not_found(add::<ProjectPhase>(&office, shed, &json!({ "name": "x" })), "project");
}

#[test]
fn a_task_is_in_a_phase_of_its_own_project() {
    let office = Office::new();
    let [garage, shed] = ["Garage", "Shed"].map(|name| office.project(name));
    let own = id(&add::<ProjectPhase>(&office, garage, &json!({ "name": "Dig" })).expect("added"));
    let foreign = id(&add::<ProjectPhase>(&office, shed, &json!({ "name": "Dig" })).expect("added"));
    let task = add::<ProjectTask>(&office, garage, &json!({ "name": "Hole", "phaseId": own })).expect("added");
    assert_eq!(task["phaseId"], own);
    refused(
        add::<ProjectTask>(&office, garage, &json!({ "name": "Hole", "phaseId": foreign })),
        &[("phaseId", "not_found")],
    );
    refused(
        add::<ProjectTask>(&office, garage, &json!({ "name": "Hole", "phaseId": 999 })),
        &[("phaseId", "not_found")],
    );
    refused(
        change::<ProjectTask>(&office, garage, id(&task), &json!({ "phaseId": foreign })),
        &[("phaseId", "not_found")],
    );
    // A deleted phase keeps its tasks.
    plan::<ProjectPhase>(&office, garage, PlanChange::Delete(own)).expect("deleted");
    let again = change::<ProjectTask>(&office, garage, id(&task), &json!({ "phaseId": own, "name": "Trench" }))
        .expect("changed");
    assert_eq!(again["phaseId"], own);
}

#[test]
fn an_order_names_every_step_once() {
    let office = Office::new();
    let project = office.project("Garage");
    let steps: Vec<i64> = ["Dig", "Pour", "Roof"]
        .map(|name| id(&add::<ProjectTask>(&office, project, &json!({ "name": name })).expect("added")))
        .into();
    let reorder = |ids: Vec<i64>| plan::<ProjectTask>(&office, project, PlanChange::Reorder(ids));
    let [dig, pour, roof] = steps[..] else { panic!("three") };
    let ordered = reorder(vec![roof, dig, pour]).expect("ordered");
    let shown: Vec<_> = ordered.as_array().expect("all").iter().map(|step| (id(step), step["order"].clone())).collect();
    assert_eq!(shown, [(roof, json!(1)), (dig, json!(2)), (pour, json!(3))]);
    for ids in [vec![], vec![dig, pour], vec![dig, pour, roof, 999], vec![dig, pour, pour], vec![dig, pour, roof, roof]]
    {
        refused(reorder(ids), &[("order", "invalid_value")]);
    }
    plan::<ProjectTask>(&office, project, PlanChange::Delete(dig)).expect("deleted");
    assert!(reorder(vec![pour, roof]).is_ok());
}

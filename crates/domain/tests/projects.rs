//! The rules of projects.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::Arc;

use bwp_domain::{
    activity::{Action, Activity},
    clock::{Rounding, Timestamp},
    events::Event,
    execute::{Applied, Command, Context, Failure},
    principal::Principal,
    projects::Project,
    resource::{
        Body, Create, Draft, Filter, Record, Resource, ResourceError, Restore, Update, Value, family, snapshot,
    },
    scopes::ScopeId,
    store::UnitOfWork,
    testing::{ScriptedUnitOfWork, credential, environment},
    text::Text,
};
use futures_executor::block_on;
use serde_json::{Value as Json, json};

const BEFORE: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

/// What came of a change: the row as it is shown, what others are told, and the activity.
type Outcome = Result<(Json, Vec<Event>, Vec<Activity>), ResourceError>;

/// Applies a command for a key of tenant 1, which is in this time zone.
fn apply_in<C>(zone: &str, mut uow: ScriptedUnitOfWork, command: &C) -> Outcome
where
    C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError>,
{
    let mut credential = credential(&[ScopeId::ProjectsRead]);
    credential.tenant.time_zone = zone.parse().expect("a zone");
    let (environment, principal) = (environment(), Principal::Key(Arc::new(credential)));
    match block_on(command.apply(&Context::new(&principal, &environment), &mut uow)) {
        Ok(Applied { output, events, .. }) => Ok((snapshot(Project::SHAPE, &output).into(), events, uow.activity)),
        Err(Failure::Rejected(error)) => Err(error),
        Err(Failure::Store(error)) => panic!("{error}"),
    }
}

/// What a body sets.
fn draft(kind: &Body, body: &Json) -> Draft {
    let object = body.as_object().expect("an object");
    Draft::read(Project::SHAPE, kind, object, bwp_domain::fields::FieldErrors::new()).expect("a good body")
}

/// Makes a project of this body, of a tenant in this zone, whose next number is P00042.
fn created_in(zone: &str, body: &Json) -> Outcome {
    let mut uow = ScriptedUnitOfWork::default();
    let number = || Text::parse("P00042".to_owned()).expect("a text");
    uow.numbers.expect_next().times(0..=1).returning(move |_, _| Ok(number()));
    uow.rows.expect_insert().times(0..=1).returning(|_, _, _, _| Ok(5));
    let command = Create { family: family::<Project>(), draft: draft(&Body::New, body) };
    apply_in(zone, uow, &command)
}

fn created(body: &Json) -> Json {
    created_in("UTC", body).expect("made").0
}

/// A project as it was made of this body. Values are as they are sent.
fn stored(body: &Json) -> Record {
    let values = Project::SHAPE.fields.iter().map(|field| match body.get(field.name) {
        Some(sent) => field.read(sent).expect("a good value"),
        None => field.default.clone(),
    });
    let mut record = Record { id: 5, created_at: BEFORE, updated_at: BEFORE, values: values.collect() };
    for (name, value) in [("name", "Garage"), ("projectNumber", "P00001")] {
        let (at, _) = Project::SHAPE.field(name).expect("a field");
        record.values[at] = Value::Text(value.into());
    }
    record
}

/// Changes the project that was made of `before`.
fn change(before: &Json, body: &Json) -> Outcome {
    let mut uow = ScriptedUnitOfWork::default();
    let record = stored(before);
    uow.rows.expect_lock().times(1).return_once(|_, _, _| Ok(Some(record)));
    uow.rows.expect_update().times(0..=1).returning(|_, _, _| Ok(()));
    apply_in("UTC", uow, &Update { family: family::<Project>(), id: 5, draft: draft(&Body::Change, body) })
}

fn changed(before: &Json, body: &Json) -> Json {
    change(before, body).expect("changed").0
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind).collect()
}

#[track_caller]
fn refused(outcome: Outcome, field: &str, code: &str) {
    let Err(ResourceError::Invalid(errors)) = outcome else { panic!("{outcome:?}") };
    let found: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.fault.code)).collect();
    assert_eq!(found, [(field, code)]);
}

#[test]
fn a_new_project_is_being_planned_and_has_the_next_number() {
    let (project, events, activity) = created_in("UTC", &json!({ "name": "Garage" })).expect("made");
    let expected = json!({
        "id": 5, "name": "Garage", "projectNumber": "P00042", "contactId": null, "bidId": null, "projectType": null,
        "status": "planning", "priority": "medium", "startDate": null, "expectedEndDate": null, "actualEndDate": null,
        "contractValue": null, "originalContractValue": null, "description": null, "siteAddress": null,
        "siteCity": null, "siteState": null, "siteZipCode": null, "assignedTo": null, "leadId": null,
        "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
    });
    assert_eq!(project, expected);
    assert_eq!((kinds(&events), &events[0].data), (vec!["project.created"], &expected));
    let key = credential(&[]).key.id;
    let [entry] = activity.as_slice() else { panic!("{activity:?}") };
    assert_eq!((entry.resource, entry.row, entry.action, entry.key), ("project", 5, Action::Created, Some(key)));
}

#[test]
fn a_number_is_made_unless_one_is_sent() {
    for body in [json!({ "projectNumber": null }), json!({ "projectNumber": "" }), json!({})] {
        let mut body = body;
        body["name"] = json!("Garage");
        assert_eq!(created(&body)["projectNumber"], "P00042", "{body}");
    }
    assert_eq!(created(&json!({ "name": "Garage", "projectNumber": "2026-7" }))["projectNumber"], "2026-7");
    let (_, field) = Project::SHAPE.field("projectNumber").expect("a field");
    assert_eq!(field.read(&json!(null)).map_err(|fault| fault.code), Err("not_nullable"));
    assert_eq!(field.read(&json!("")).map_err(|fault| fault.code), Err("too_short"));
}

#[test]
fn a_new_project_with_another_status_is_told_of_once() {
    let (_, events, _) = created_in("UTC", &json!({ "name": "Garage", "status": "on_hold" })).expect("made");
    assert_eq!(kinds(&events), ["project.created"]);
}

#[test]
fn a_change_of_status_is_told_behind_the_change() {
    for (from, to) in [("planning", "cancelled"), ("cancelled", "in_progress"), ("completed", "planning")] {
        let (project, events, activity) =
            change(&json!({ "status": from }), &json!({ "status": to })).expect("changed");
        assert_eq!(kinds(&events), ["project.updated", "project.status_changed"]);
        assert_eq!(events[1].previous_attributes, Some(json!({ "status": from })));
        assert_eq!((&events[0].data, &events[1].data), (&project, &project));
        assert_eq!(activity[0].previous, events[0].previous_attributes);
    }
    let (_, events, activity) = change(&json!({}), &json!({ "status": "planning" })).expect("nothing to do");
    assert!(events.is_empty() && activity.is_empty());
    let (_, events, _) = change(&json!({}), &json!({ "name": "Shed" })).expect("changed");
    assert_eq!(kinds(&events), ["project.updated"]);
}

#[test]
fn a_project_is_completed_on_the_day_that_it_is_at_the_tenants() {
    // It is midnight, UTC.
    for (zone, day) in [("UTC", "2026-01-01T00:00:00.000Z"), ("America/New_York", "2025-12-31T00:00:00.000Z")] {
        let body = json!({ "name": "Garage", "status": "completed" });
        assert_eq!(created_in(zone, &body).expect("made").0["actualEndDate"], day, "{zone}");
    }
    let completed = json!({ "status": "completed" });
    assert_eq!(changed(&json!({}), &completed)["actualEndDate"], "2026-01-01T00:00:00.000Z");
    let ended = "2025-11-30T00:00:00.000Z";
    assert_eq!(changed(&json!({ "actualEndDate": ended }), &completed)["actualEndDate"], ended);
    let sets = |date: Json| json!({ "status": "completed", "actualEndDate": date });
    assert_eq!(changed(&json!({}), &sets(json!(ended)))["actualEndDate"], ended);
    assert_eq!(changed(&json!({}), &sets(json!(null)))["actualEndDate"], json!(null));
    // It is not cleared, and what is completed already is left alone.
    assert_eq!(changed(&sets(json!(ended)), &json!({ "status": "planning" }))["actualEndDate"], ended);
    assert_eq!(changed(&completed, &json!({ "name": "Shed" }))["actualEndDate"], json!(null));
}

#[test]
fn the_values_of_a_new_project_are_the_same_unless_both_are_sent() {
    for (now, signed, is_now, is_signed) in [
        (json!("100"), json!(null), "100.00", "100.00"),
        (json!(null), json!(100.005), "100.01", "100.01"),
        (json!(120), json!(100), "120.00", "100.00"),
    ] {
        let project = created(&json!({ "name": "Garage", "contractValue": now, "originalContractValue": signed }));
        assert_eq!((&project["contractValue"], &project["originalContractValue"]), (&json!(is_now), &json!(is_signed)));
    }
}

#[test]
fn the_value_follows_what_was_signed_unless_it_is_sent_itself() {
    let both = |now: Json, signed: Json| json!({ "contractValue": now, "originalContractValue": signed });
    let parted = || both(json!("120.00"), json!("100.00"));
    let (none, empty) = (json!(null), || both(json!(null), json!(null)));
    for (before, body, after) in [
        // By the difference, up and down.
        (parted(), json!({ "originalContractValue": 150 }), both(json!("170.00"), json!("150.00"))),
        (parted(), json!({ "originalContractValue": 50 }), both(json!("70.00"), json!("50.00"))),
        (parted(), json!({ "contractValue": 90 }), both(json!("90.00"), json!("100.00"))),
        (parted(), both(json!(1), json!(2)), both(json!("1.00"), json!("2.00"))),
        // As it was sent back, and one of them changed.
        (parted(), both(json!("120.00"), json!(150)), both(json!("120.00"), json!("150.00"))),
        // Clearing one leaves the other.
        (parted(), json!({ "contractValue": none }), both(none.clone(), json!("100.00"))),
        (parted(), json!({ "originalContractValue": none }), both(json!("120.00"), none.clone())),
        // The first one sent is both.
        (empty(), json!({ "contractValue": 7 }), both(json!("7.00"), json!("7.00"))),
        (empty(), json!({ "originalContractValue": 7 }), both(json!("7.00"), json!("7.00"))),
        (both(none.clone(), json!(5)), json!({ "originalContractValue": 7 }), both(none.clone(), json!("7.00"))),
        (both(json!(5), none.clone()), json!({ "originalContractValue": 7 }), both(json!("5.00"), json!("7.00"))),
    ] {
        let project = changed(&before, &body);
        let found = both(project["contractValue"].clone(), project["originalContractValue"].clone());
        assert_eq!(found, after, "{before} and {body}");
    }
}

#[test]
fn values_stay_within_their_bounds() {
    let most = "9999999999999.99";
    let before = json!({ "contractValue": most, "originalContractValue": 1 });
    refused(change(&before, &json!({ "originalContractValue": 2 })), "contractValue", "too_large");
    refused(change(&json!({}), &json!({ "contractValue": -1 })), "contractValue", "too_small");
    refused(
        created_in("UTC", &json!({ "name": "Garage", "originalContractValue": "-0.01" })),
        "originalContractValue",
        "too_small",
    );
}

#[test]
fn a_value_that_change_orders_made_negative_can_be_sent_back() {
    let before = json!({ "contractValue": "-20.00", "originalContractValue": "100.00" });
    let body = json!({ "name": "Shed", "contractValue": "-20.00", "originalContractValue": "100.00" });
    assert_eq!(changed(&before, &body)["contractValue"], "-20.00");
}

#[test]
fn a_project_is_not_restored_beside_another_of_its_lead_or_bid() {
    for (field, others, restored) in [("leadId", 0, true), ("leadId", 1, false), ("bidId", 1, false)] {
        let mut record = stored(&json!({}));
        let (at, _) = Project::SHAPE.field(field).expect("a field");
        record.values[at] = Value::Integer(9);
        let mut uow = ScriptedUnitOfWork::default();
        uow.rows.expect_lock_deleted().return_once(|_, _, _| Ok(Some(record)));
        let same = Filter::is(Project::SHAPE, field, Value::Integer(9));
        uow.rows
            .expect_count()
            .withf(move |_, _, filter| *filter == same)
            .times(1)
            .returning(move |_, _, _| Ok(others));
        uow.rows.expect_restore().times(0..=1).returning(|_, _, _, _| Ok(()));
        uow.rows.expect_update().times(0..=1).returning(|_, _, _| Ok(()));
        let outcome = apply_in("UTC", uow, &Restore { family: family::<Project>(), id: 5 });
        match outcome {
            Ok((_, _, activity)) => assert!(restored && activity[0].action == Action::Restored, "{field}"),
            Err(error) => assert!(!restored && matches!(error, ResourceError::Conflict(_)), "{field}: {error}"),
        }
    }
}

#[test]
fn dates_without_a_time_are_their_midnight() {
    let project = created(
        &json!({ "name": "Garage", "startDate": "2026-05-04", "expectedEndDate": "2026-05-03T22:00:00-05:00" }),
    );
    let moment = |text| Timestamp::parse_rfc3339(text, Rounding::Down).expect("a moment");
    assert_eq!(project["startDate"], json!(moment("2026-05-04T00:00:00Z")));
    assert_eq!(project["expectedEndDate"], json!(moment("2026-05-04T03:00:00Z")));
    // Ends may come before beginnings.
    let backwards = json!({ "name": "Garage", "startDate": "2026-05-04", "expectedEndDate": "2026-05-01" });
    assert_eq!(created(&backwards)["expectedEndDate"], "2026-05-01T00:00:00.000Z");
}

//! The rules of site logs.

use crate::office::{Office, key, key_of_a_user, person, refused};
use bwp_domain::{
    resource::{Resource, ResourceError},
    site_logs::SiteLog,
    users::Role,
};
use serde_json::{Value as Json, json};

fn body(project: i64, more: &Json) -> Json {
    let mut body = json!({ "projectId": project, "logDate": "2026-05-04", "notes": "Dry.", "createdBy": 3 });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

#[test]
fn a_log_is_of_the_day_that_is_written() {
    let office = Office::new();
    let project = office.project("Garage");
    for written in ["2026-05-04", "2026-05-04T22:00:00-05:00", "2026-05-04T00:30:00+14:00", "2026-05-04T23:59:59Z"] {
        let log = office.create::<SiteLog>(&key(), &body(project, &json!({ "logDate": written }))).expect("made");
        assert_eq!(log["logDate"], "2026-05-04T00:00:00.000Z", "{written}");
    }
}

#[test]
fn what_is_required_is_what_the_contract_says() {
    let required: Vec<_> =
        SiteLog::SHAPE.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    assert_eq!(required, ["projectId", "logDate", "notes", "createdBy"]);
    refused(
        Office::new().create::<SiteLog>(&key(), &json!({})),
        &[("projectId", "required"), ("logDate", "required"), ("notes", "required"), ("createdBy", "required")],
    );
}

#[test]
fn the_author_stays_and_is_the_person_who_writes() {
    let office = Office::new();
    let project = office.project("Garage");
    // A program logs for anybody.
    let log = office.create::<SiteLog>(&key(), &body(project, &json!({ "createdBy": 5 }))).expect("made");
    assert_eq!(log["createdBy"], 5);
    let id = log["id"].as_i64().expect("an id");
    for sent in [json!(1), json!(99), json!(null), json!("x")] {
        let changed =
            office.change::<SiteLog>(&key(), id, &json!({ "createdBy": sent, "title": "Pour" })).expect("changed");
        assert_eq!((&changed["createdBy"], &changed["title"]), (&json!(5), &json!("Pour")));
    }
    for role in [Role::CompanyAdmin, Role::FieldCrew] {
        assert!(office.create::<SiteLog>(&person(role), &body(project, &json!({}))).is_ok());
        let other = office.create::<SiteLog>(&person(role), &body(project, &json!({ "createdBy": 5 })));
        assert!(matches!(other, Err(ResourceError::Forbidden(_))), "{role}: {other:?}");
        // Others' logs can be edited all the same.
        assert!(office.change::<SiteLog>(&person(role), id, &json!({ "notes": format!("{role}") })).is_ok());
    }
}

#[test]
fn a_review_says_who_and_when() {
    let office = Office::new();
    let project = office.project("Garage");
    let make = |more: &Json| office.create::<SiteLog>(&key_of_a_user(), &body(project, more));
    let review = |log: &Json| (log["isReviewed"].clone(), log["reviewedBy"].clone(), log["reviewedAt"].clone());
    let (now, then) = ("2026-01-01T00:00:00.000Z", "2025-12-24T18:00:00.000Z");
    let plain = make(&json!({})).expect("made");
    assert_eq!(review(&plain), (json!(false), json!(null), json!(null)));
    assert_eq!(review(&make(&json!({ "isReviewed": true })).expect("made")), (json!(true), json!(4), json!(now)));
    let said = json!({ "isReviewed": true, "reviewedBy": 2, "reviewedAt": then });
    let log = make(&said).expect("made");
    assert_eq!(review(&log), (json!(true), json!(2), json!(then)));
    refused(
        make(&json!({ "reviewedBy": 2, "reviewedAt": then })),
        &[("reviewedBy", "invalid_value"), ("reviewedAt", "invalid_value")],
    );

    let id = log["id"].as_i64().expect("an id");
    let change = |body: &Json| office.change::<SiteLog>(&key_of_a_user(), id, body);
    // The mark stays while the log is edited.
    assert_eq!(review(&change(&json!({ "notes": "Wet." })).expect("changed")), review(&log));
    let mut edited = log.clone();
    edited["notes"] = json!("Wet after all.");
    assert_eq!(review(&change(&edited).expect("changed")), review(&log));
    // It is taken back, with what was read of it beside it or without.
    edited["isReviewed"] = json!(false);
    assert_eq!(review(&change(&edited).expect("changed")), review(&plain));
    refused(change(&json!({ "reviewedBy": 1 })), &[("reviewedBy", "invalid_value")]);
    assert_eq!(review(&change(&json!({ "isReviewed": true })).expect("changed")), (json!(true), json!(4), json!(now)));
    assert_eq!(review(&change(&json!({ "reviewedBy": 1 })).expect("changed")), (json!(true), json!(1), json!(now)));
    assert_eq!(review(&change(&json!({ "isReviewed": false })).expect("changed")), review(&plain));
}

#[test]
fn people_review_by_their_role() {
    for (role, may) in
        [(Role::CompanyAdmin, true), (Role::Manager, true), (Role::Member, false), (Role::FieldCrew, false)]
    {
        let office = Office::new();
        let project = office.project("Garage");
        let made = office.create::<SiteLog>(&person(role), &body(project, &json!({ "isReviewed": true })));
        assert_eq!(made.is_ok(), may, "{role}");
        let log = office.create::<SiteLog>(&key(), &body(project, &json!({}))).expect("made");
        let id = log["id"].as_i64().expect("an id");
        let change = |body: &Json| office.change::<SiteLog>(&person(role), id, body);
        assert!(
            change(&json!({ "isReviewed": false, "reviewedBy": null, "title": "Pour" })).is_ok(),
            "{role} sends it back"
        );
        match change(&json!({ "isReviewed": true })) {
            Ok(log) => assert!(may && log["reviewedBy"] == 3, "{role}: {log}"),
            Err(error) => assert!(!may && matches!(error, ResourceError::Forbidden(_)), "{role}: {error}"),
        }
    }
}

#[test]
fn tags_are_there_once_in_their_order() {
    let office = Office::new();
    let project = office.project("Garage");
    for (sent, kept) in [
        (json!(null), json!([])),
        (json!([]), json!([])),
        (json!(["Safety", null, "delay", "SAFETY", "Delay "]), json!(["Safety", "delay", "Delay "])),
    ] {
        let log = office.create::<SiteLog>(&key(), &body(project, &json!({ "tags": sent }))).expect("made");
        assert_eq!(log["tags"], kept, "{sent}");
    }
    let many: Vec<_> = (0..51).map(|n| format!("tag {n}")).collect();
    refused(office.create::<SiteLog>(&key(), &body(project, &json!({ "tags": many }))), &[("tags", "too_long")]);
}

#[test]
fn counts_and_places_have_bounds() {
    let office = Office::new();
    let project = office.project("Garage");
    for (field, sent, code) in [
        ("personnelCount", json!(-1), "too_small"),
        ("personnelCount", json!(100_001), "too_large"),
        ("lat", json!(90.1), "too_large"),
        ("lat", json!(-90.1), "too_small"),
        ("lng", json!(180.5), "too_large"),
        ("lng", json!("7"), "invalid_type"),
    ] {
        let outcome = office.create::<SiteLog>(&key(), &body(project, &json!({ field: sent })));
        refused(outcome, &[(field, code)]);
    }
    // Each place on its own, and days to come.
    let log = body(project, &json!({ "lat": -41.881_832, "personnelCount": 100_000, "logDate": "2099-12-31" }));
    let log = office.create::<SiteLog>(&key(), &log).expect("made");
    assert_eq!((&log["lat"], &log["lng"]), (&json!(-41.881_832), &json!(null)));
}

//! Making, changing and deleting contacts: their rules, and what others are told.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{collections::BTreeSet, sync::Arc};

use bwp_domain::{
    clock::Timestamp,
    contacts::{Contact, ContactType},
    events::Event,
    execute::{Applied, Command, Context, Environment, Failure},
    fields::FieldErrors,
    principal::Principal,
    resource::{
        Body, Condition, Delete, Draft, Filter, Record, Resource, ResourceError, Value, family, ports::Rows, snapshot,
    },
    store::{StoreError, UnitOfWork},
    testing::{FixedClock, MemoryRows, ScriptedUnitOfWork, TypedRows, create, details, environment, tenant_id, update},
    text::SearchText,
};
use futures_executor::block_on;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

const BEFORE: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

type Outcome = Result<(Record, Vec<Event>), ResourceError>;

/// Applies a command for the operator of tenant 1.
fn apply_at<C>(environment: &Environment, rows: &MemoryRows, command: &C) -> Outcome
where
    C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError>,
{
    let principal = Principal::Operator(tenant_id(1));
    match block_on(command.apply(&Context::new(&principal, environment), &mut uow(rows))) {
        Ok(Applied { output, events, .. }) => Ok((output, events)),
        Err(Failure::Rejected(error)) => Err(error),
        Err(Failure::Store(error)) => panic!("{error}"),
    }
}

fn apply<C>(rows: &MemoryRows, command: &C) -> Outcome
where
    C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError>,
{
    apply_at(&environment(), rows, command)
}

/// A unit of work over these rows.
fn uow(rows: &MemoryRows) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.memory = Some(rows.clone());
    uow
}

/// Rows in which contact 1 is the company Acme.
fn acme() -> MemoryRows {
    let rows = MemoryRows::default();
    let made = block_on(uow(&rows).insert_row(tenant_id(1), &details("Acme"), BEFORE)).expect("made");
    assert_eq!(made.id, 1);
    rows
}

fn change(rows: &MemoryRows, id: i64, fields: &Json) -> Outcome {
    apply(rows, &update::<Contact>(id, fields))
}

/// A contact as it is, as events show it.
fn shown(rows: &MemoryRows, id: i64) -> Map<String, Json> {
    let record = block_on(rows.clone().lock(tenant_id(1), Contact::SHAPE, id)).expect("a look").expect("a contact");
    snapshot(Contact::SHAPE, &record)
}

#[track_caller]
fn only(events: &[Event]) -> &Event {
    match events {
        [event] => event,
        other => panic!("one event expected: {other:?}"),
    }
}

/// The fields that are refused, and for what.
#[track_caller]
fn refused(outcome: Outcome) -> Vec<(String, &'static str)> {
    match outcome {
        Err(ResourceError::Invalid(errors)) => {
            errors.iter().map(|error| (error.field.clone(), error.fault.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_contact_is_told_whole() {
    let (environment, rows) = (environment(), MemoryRows::default());
    let (_, events) = apply_at(&environment, &rows, &create(&details("Acme"))).expect("made");
    let event = only(&events);
    assert_eq!((event.kind, event.version, event.occurred_at), ("contact.created", 1, environment.clock.now()));
    assert_eq!(event.previous_attributes, None);
    // To the byte: what was told before this version is told so still.
    let now = environment.clock.now();
    let expected = format!(
        "{{\"id\":1,\"firstName\":null,\"lastName\":null,\"companyName\":\"Acme\",\"position\":null,\"parentContactId\":null,\
         \"email\":null,\"phone\":null,\"mobile\":null,\"website\":null,\"notes\":null,\"type\":\"vendor\",\
         \"createdAt\":\"{now}\",\"updatedAt\":\"{now}\"}}"
    );
    assert_eq!(event.data.to_string(), expected);
}

#[test]
fn every_failing_field_is_named_at_once() {
    let body = json!({
        "firstName": "", "email": "nobody", "phone": "1\u{0}2", "parentContactId": 0, "position": "é".repeat(501),
        "website": "é".repeat(2_001), "notes": "é".repeat(10_001),
    });
    let read =
        |body: &Json| Draft::read(Contact::SHAPE, &Body::New, body.as_object().expect("an object"), FieldErrors::new());
    let errors = read(&body).expect_err("all are wrong");
    let named: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.fault.code)).collect();
    assert_eq!(
        named,
        [
            ("firstName", "too_short"),
            ("position", "too_long"),
            ("parentContactId", "too_small"),
            ("email", "invalid_format"),
            ("phone", "invalid_character"),
            ("website", "too_long"),
            ("notes", "too_long"),
            ("type", "required"),
        ]
    );
    let longest = json!({
        "type": "other", "firstName": "é".repeat(500), "lastName": "é".repeat(500), "companyName": "é".repeat(500),
        "position": "é".repeat(500), "phone": "é".repeat(500), "mobile": "é".repeat(500), "website": "é".repeat(2_000),
        "notes": "é".repeat(10_000),
    });
    assert!(read(&longest).is_ok());
}

#[test]
fn a_parent_that_is_not_there_is_refused_alike_for_new_and_changed_contacts() {
    let rows = acme();
    let foreign = block_on(uow(&rows).insert_row(tenant_id(2), &details("Bolt"), BEFORE)).expect("made").id;
    for parent in [foreign, 99] {
        let mut draft = create(&details("Child"));
        let (at, _) = Contact::SHAPE.field("parentContactId").expect("a field");
        draft.draft.set(at, Value::Integer(parent));
        let made = refused(apply(&rows, &draft));
        assert_eq!(made, refused(change(&rows, 1, &json!({ "parentContactId": parent }))));
        assert_eq!(made, [("parentContactId".to_owned(), "not_found")]);
    }
}

#[test]
fn a_contact_cannot_become_its_own_parent() {
    let refused = refused(change(&acme(), 1, &json!({ "parentContactId": 1 })));
    assert_eq!(refused, [("parentContactId".to_owned(), "invalid_value")]);
}

#[test]
fn a_parent_that_was_deleted_since_may_be_sent_back_and_taken_away() {
    let rows = acme();
    let (child, _) = apply(&rows, &create(&details("Child"))).expect("made");
    change(&rows, child.id, &json!({ "parentContactId": 1 })).expect("it is there");
    apply(&rows, &Delete { family: family::<Contact>(), id: 1 }).expect("deleted");
    change(&rows, child.id, &json!({ "parentContactId": 1, "notes": "moved" })).expect("it was there");
    let (_, events) = change(&rows, child.id, &json!({ "parentContactId": null })).expect("taken away");
    let previous = only(&events).previous_attributes.as_ref().map(|previous| &previous["parentContactId"]);
    assert_eq!(previous, Some(&json!(1)));
}

#[test]
fn an_update_tells_the_old_values_of_what_changed_and_no_others() {
    let (_, events) =
        change(&acme(), 1, &json!({ "companyName": "Bolt", "phone": "1", "type": "vendor" })).expect("changed");
    let event = only(&events);
    assert_eq!(event.kind, "contact.updated");
    assert_eq!(
        event.previous_attributes,
        Some(json!({ "companyName": "Acme", "phone": null, "updatedAt": "2023-11-14T22:13:20.000Z" }))
    );
    assert_eq!((&event.data["companyName"], &event.data["updatedAt"]), (&json!("Bolt"), &json!(event.occurred_at)));
}

#[test]
fn a_clock_that_goes_back_takes_no_change_back() {
    let clock = Arc::new(FixedClock::new(Timestamp::from_unix_millis(BEFORE.unix_millis() - 1)));
    let environment = Environment { clock, ..environment() };
    let command = update::<Contact>(1, &json!({ "notes": "later" }));
    let (changed, events) = apply_at(&environment, &acme(), &command).expect("changed");
    assert_eq!(changed.updated_at, BEFORE);
    assert_eq!(only(&events).previous_attributes, Some(json!({ "notes": null })));
}

#[test]
fn deleting_tells_the_contact_as_it_was() {
    let (_, events) = apply(&acme(), &Delete { family: family::<Contact>(), id: 1 }).expect("deleted");
    let event = only(&events);
    assert_eq!((event.kind, &event.previous_attributes), ("contact.deleted", &None));
    assert_eq!(event.data["companyName"], "Acme");
}

#[test]
fn what_is_not_there_can_neither_be_changed_nor_deleted() {
    let rows = acme();
    for outcome in
        [apply(&rows, &Delete { family: family::<Contact>(), id: 2 }), change(&rows, 2, &json!({ "notes": "late" }))]
    {
        assert_eq!(outcome, Err(ResourceError::NotFound("contact")));
    }
}

#[test]
fn a_failing_store_is_not_taken_for_a_rule() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.rows.expect_lock_alone().return_once(|_, _, _| Err(StoreError::Conflict("a deadlock".to_owned())));
    let (principal, environment) = (Principal::Operator(tenant_id(1)), environment());
    let command = Delete { family: family::<Contact>(), id: 5 };
    let failed = block_on(command.apply(&Context::new(&principal, &environment), &mut uow));
    assert!(matches!(failed, Err(Failure::Store(StoreError::Conflict(_)))), "{failed:?}");
}

/// Cursors of lists are bound to it: those that were given before stay good.
#[test]
fn a_filter_is_written_as_it_always_was() {
    let mut filter = Filter::all();
    assert_eq!(filter.canonical(Contact::SHAPE).to_string(), "[null,null,null,null]");
    filter.add(Condition::CreatedTo(BEFORE));
    filter.add(Condition::Search(SearchText::parse("acme").expect("a text").expect("a text")));
    let vendors = Filter::is(Contact::SHAPE, "type", Value::Text("vendor".into()));
    vendors.conditions().iter().for_each(|condition| filter.add(condition.clone()));
    let expected = format!("[\"vendor\",\"acme\",null,\"{BEFORE}\"]");
    assert_eq!(filter.canonical(Contact::SHAPE).to_string(), expected);
}

/// The fields of a request, all of them valid for a change. The texts are few, so that a change often sets what is there.
fn bodies() -> impl Strategy<Value = Json> {
    let field = |texts: &'static [&'static str], null: bool| {
        let texts = prop::sample::select(texts).prop_map(|text| json!(text));
        let null = if null { Just(Json::Null).boxed() } else { texts.clone().boxed() };
        prop::option::of(prop_oneof![null, texts])
    };
    let names = || field(&["Ann", "Bob"], true);
    let texts = || field(&["", "a", "é"], true);
    let parents = prop::option::of(prop_oneof![Just(Json::Null), (1_i64..3).prop_map(|id| json!(id))]);
    let kinds = field(ContactType::WORDS, false);
    let all_texts = (texts(), texts(), texts(), texts(), texts());
    ((names(), names(), names()), all_texts, field(&["a@b.co", "c@d.co"], true), parents, kinds).prop_map(
        |((first, last, company), (position, phone, mobile, website, notes), email, parent, kind)| {
            let all = [
                ("firstName", first),
                ("lastName", last),
                ("companyName", company),
                ("position", position),
                ("parentContactId", parent),
                ("email", email),
                ("phone", phone),
                ("mobile", mobile),
                ("website", website),
                ("notes", notes),
                ("type", kind),
            ];
            all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
        },
    )
}

/// Rows in which contact 3 has these fields, and two others are there to be its parents.
fn with_third(fields: &Json) -> MemoryRows {
    let rows = acme();
    for name in ["Bolt", "Third"] {
        block_on(uow(&rows).insert_row(tenant_id(1), &details(name), BEFORE)).expect("made");
    }
    let mut record = block_on(rows.clone().lock(tenant_id(1), Contact::SHAPE, 3)).expect("a look").expect("a contact");
    for (name, sent) in fields.as_object().expect("an object") {
        let (at, field) = Contact::SHAPE.field(name).expect("a field");
        record.values[at] = field.read(sent).expect("a good value");
    }
    block_on(rows.clone().update(tenant_id(1), Contact::SHAPE, &record)).expect("stored");
    rows
}

proptest! {
    #[test]
    fn a_field_becomes_what_was_sent_the_others_stay_and_what_changed_is_told(before in bodies(), sent in bodies()) {
        let rows = with_third(&before);
        let old = shown(&rows, 3);
        let (_, events) = change(&rows, 3, &sent).expect("changed");
        let new = shown(&rows, 3);
        let mut expected = old.clone();
        expected.extend(sent.as_object().expect("an object").clone());
        if expected == old {
            prop_assert_eq!((new, events), (old, vec![]));
            return Ok(());
        }
        let event = only(&events);
        expected.insert("updatedAt".to_owned(), json!(event.occurred_at));
        prop_assert_eq!(&new, &expected);
        prop_assert_eq!(event.data.as_object(), Some(&new));
        let previous = event.previous_attributes.as_ref().and_then(Json::as_object).expect("an object");
        let differing: BTreeSet<_> = old.keys().filter(|name| old[*name] != new[*name]).collect();
        prop_assert_eq!(previous.keys().collect::<BTreeSet<_>>(), differing);
        prop_assert!(previous.iter().all(|(name, value)| old[name] == *value));
    }

    #[test]
    fn get_edit_nothing_patch_changes_nothing(before in bodies()) {
        let rows = with_third(&before);
        let old = shown(&rows, 3);
        // Even when its parent is gone.
        for parent in [1, 2] {
            apply(&rows, &Delete { family: family::<Contact>(), id: parent }).expect("deleted");
        }
        let (_, events) = change(&rows, 3, &old.clone().into()).expect("nothing to refuse");
        prop_assert_eq!((shown(&rows, 3), events), (old, vec![]));
    }
}

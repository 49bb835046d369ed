//! The rules of making, changing and deleting contacts.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{collections::BTreeSet, sync::Arc};

use bwp_domain::{
    clock::Timestamp,
    contacts::{
        Contact, ContactChanges, ContactDetails, ContactDraft, ContactError, ContactType, CreateContact, DeleteContact,
        UpdateContact,
    },
    events::Event,
    execute::{Applied, Command, Context, Environment, Failure},
    fields::{Field, FieldErrors},
    ids::ContactId,
    principal::Principal,
    store::StoreError,
    testing::{FixedClock, ScriptedUnitOfWork, contact, details, environment, tenant_id},
};
use futures_executor::block_on;
use mockall::predicate::{always, eq};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Applies a command for the operator of tenant 1, at the environment's time.
fn apply_at<C>(
    environment: &Environment,
    uow: &mut ScriptedUnitOfWork,
    command: &C,
) -> Result<Applied<C::Output>, Failure<C::Error>>
where
    C: Command<ScriptedUnitOfWork>,
{
    let principal = Principal::Operator(tenant_id(1));
    block_on(command.apply(&Context::new(&principal, environment), uow))
}

fn apply<C>(uow: &mut ScriptedUnitOfWork, command: &C) -> Result<Applied<C::Output>, Failure<C::Error>>
where
    C: Command<ScriptedUnitOfWork>,
{
    apply_at(&environment(), uow, command)
}

fn id(number: i64) -> ContactId {
    ContactId::new(number).expect("positive")
}

fn value(text: &str) -> Field<String> {
    Field::Value(text.to_owned())
}

fn changes(draft: ContactDraft) -> ContactChanges {
    ContactChanges::parse(draft, FieldErrors::new()).expect("valid changes")
}

fn parent(number: i64) -> ContactDraft {
    ContactDraft { parent_contact_id: Field::Value(number), ..ContactDraft::default() }
}

fn with_parent(number: i64) -> ContactDetails {
    ContactDetails { parent: Some(id(number)), ..details("Acme") }
}

/// A unit of work in which `stored` is locked when it is asked for, and nothing else may happen.
fn storing(stored: Contact) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.contacts.expect_lock().with(eq(tenant_id(1)), eq(stored.id)).times(1).return_once(|_, _| Ok(Some(stored)));
    uow
}

/// Lets the unit of work answer whether contact `parent` is there.
fn holding_parent(uow: &mut ScriptedUnitOfWork, parent: i64, there: bool) {
    uow.contacts.expect_hold().with(eq(tenant_id(1)), eq(id(parent))).times(1).return_once(move |_, _| Ok(there));
}

/// Lets the unit of work store a change.
fn taking_an_update(uow: &mut ScriptedUnitOfWork) {
    uow.contacts.expect_update().with(eq(tenant_id(1)), always()).times(1).return_once(|_, _| Ok(()));
}

#[track_caller]
fn only(events: &[Event]) -> &Event {
    match events {
        [event] => event,
        other => panic!("one event expected: {other:?}"),
    }
}

/// What the failing fields are refused for.
fn faults<T: std::fmt::Debug>(result: Result<T, Failure<ContactError>>) -> Vec<(String, &'static str, String)> {
    match result {
        Err(Failure::Rejected(ContactError::Invalid(errors))) => {
            errors.iter().map(|error| (error.field.clone(), error.fault.code, error.fault.message.clone())).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn creating_stores_the_details_and_tells_all_of_them() {
    let environment = environment();
    let now = environment.clock.now();
    let mut uow = ScriptedUnitOfWork::default();
    uow.contacts
        .expect_insert()
        .with(eq(tenant_id(1)), eq(details("Acme")), eq(now))
        .times(1)
        .return_once(|_, _, _| Ok(contact(5, details("Acme"))));
    let made = apply_at(&environment, &mut uow, &CreateContact(details("Acme"))).expect("made");
    assert_eq!(made.output, contact(5, details("Acme")));
    let event = only(&made.events);
    assert_eq!((event.kind, event.version, event.occurred_at), ("contact.created", 1, now));
    assert_eq!(event.previous_attributes, None);
    assert_eq!(
        event.data,
        json!({
            "id": 5,
            "firstName": null,
            "lastName": null,
            "companyName": "Acme",
            "position": null,
            "parentContactId": null,
            "email": null,
            "phone": null,
            "mobile": null,
            "website": null,
            "notes": null,
            "type": "vendor",
            "createdAt": "2023-11-14T22:13:20.000Z",
            "updatedAt": "2023-11-14T22:13:20.000Z",
        })
    );
}

#[test]
fn a_new_contacts_parent_is_held() {
    let mut uow = ScriptedUnitOfWork::default();
    holding_parent(&mut uow, 8, true);
    uow.contacts.expect_insert().times(1).return_once(|_, _, _| Ok(contact(5, with_parent(8))));
    let made = apply(&mut uow, &CreateContact(with_parent(8))).expect("made");
    assert_eq!(only(&made.events).data["parentContactId"], 8);
}

#[test]
fn a_parent_that_is_not_there_is_refused_alike_for_new_and_changed_contacts() {
    // A store answers alike for a contact that never was, that was deleted, and that is another tenant's.
    let mut uow = ScriptedUnitOfWork::default();
    holding_parent(&mut uow, 8, false);
    let created = faults(apply(&mut uow, &CreateContact(with_parent(8))));
    let mut uow = storing(contact(5, details("Acme")));
    holding_parent(&mut uow, 8, false);
    let updated = faults(apply(&mut uow, &UpdateContact { id: id(5), changes: changes(parent(8)) }));
    assert_eq!(created, updated);
    let named: Vec<_> = created.iter().map(|(field, code, _)| (field.as_str(), *code)).collect();
    assert_eq!(named, [("parentContactId", "not_found")]);
}

#[test]
fn a_contact_cannot_become_its_own_parent() {
    let mut uow = storing(contact(5, details("Acme")));
    let refused = faults(apply(&mut uow, &UpdateContact { id: id(5), changes: changes(parent(5)) }));
    let named: Vec<_> = refused.iter().map(|(field, code, _)| (field.as_str(), *code)).collect();
    assert_eq!(named, [("parentContactId", "invalid_value")]);
}

#[test]
fn a_parent_that_was_deleted_since_may_be_sent_back() {
    // No expectation of `hold`: whether contact 8 is still there is not asked.
    let mut uow = storing(contact(5, with_parent(8)));
    taking_an_update(&mut uow);
    let draft = ContactDraft { notes: value("moved"), ..parent(8) };
    let changed = apply(&mut uow, &UpdateContact { id: id(5), changes: changes(draft) }).expect("changed");
    assert_eq!(changed.output.details.parent, Some(id(8)));
}

#[test]
fn a_parent_can_be_taken_away() {
    let mut uow = storing(contact(5, with_parent(8)));
    taking_an_update(&mut uow);
    let draft = ContactDraft { parent_contact_id: Field::Null, ..ContactDraft::default() };
    let changed = apply(&mut uow, &UpdateContact { id: id(5), changes: changes(draft) }).expect("changed");
    assert_eq!(changed.output.details.parent, None);
    assert_eq!(
        only(&changed.events).previous_attributes.as_ref().map(|previous| &previous["parentContactId"]),
        Some(&json!(8))
    );
}

#[test]
fn an_update_that_changes_nothing_writes_nothing_and_tells_nobody() {
    for draft in [
        ContactDraft::default(),
        ContactDraft { company_name: value("Acme"), email: Field::Null, ..ContactDraft::default() },
    ] {
        // No expectation of `update`.
        let mut uow = storing(contact(5, details("Acme")));
        let kept = apply(&mut uow, &UpdateContact { id: id(5), changes: changes(draft) }).expect("nothing to refuse");
        assert_eq!(kept.output, contact(5, details("Acme")), "updatedAt stays");
        assert_eq!(kept.events, []);
    }
}

#[test]
fn an_update_tells_the_old_values_of_what_changed_and_no_others() {
    let environment = environment();
    let mut uow = storing(contact(5, details("Acme")));
    taking_an_update(&mut uow);
    let draft = ContactDraft {
        company_name: value("Bolt"),
        phone: value("1"),
        kind: value("vendor"),
        ..ContactDraft::default()
    };
    let command = UpdateContact { id: id(5), changes: changes(draft) };
    let changed = apply_at(&environment, &mut uow, &command).expect("changed");
    let event = only(&changed.events);
    assert_eq!(event.kind, "contact.updated");
    assert_eq!(
        event.previous_attributes,
        Some(json!({ "companyName": "Acme", "phone": null, "updatedAt": "2023-11-14T22:13:20.000Z" }))
    );
    assert_eq!(event.data["companyName"], "Bolt");
    assert_eq!(event.data["updatedAt"], json!(environment.clock.now()));
}

#[test]
fn a_clock_that_goes_back_takes_no_change_back() {
    let stored = contact(5, details("Acme"));
    let clock = Arc::new(FixedClock::new(Timestamp::from_unix_millis(stored.updated_at.unix_millis() - 1)));
    let environment = Environment { clock, ..environment() };
    let mut uow = storing(stored.clone());
    taking_an_update(&mut uow);
    let draft = ContactDraft { notes: value("later"), ..ContactDraft::default() };
    let changed =
        apply_at(&environment, &mut uow, &UpdateContact { id: id(5), changes: changes(draft) }).expect("changed");
    assert_eq!(changed.output.updated_at, stored.updated_at);
    assert_eq!(only(&changed.events).previous_attributes, Some(json!({ "notes": null })));
}

#[test]
fn deleting_tells_the_contact_as_it_was() {
    let environment = environment();
    let mut uow = storing(contact(5, details("Acme")));
    uow.contacts
        .expect_delete()
        .with(eq(tenant_id(1)), eq(id(5)), eq(environment.clock.now()))
        .times(1)
        .return_once(|_, _, _| Ok(()));
    let deleted = apply_at(&environment, &mut uow, &DeleteContact { id: id(5) }).expect("deleted");
    let event = only(&deleted.events);
    assert_eq!((event.kind, &event.previous_attributes), ("contact.deleted", &None));
    assert_eq!(event.data["companyName"], "Acme");
}

#[test]
fn what_is_not_there_can_neither_be_changed_nor_deleted() {
    let nothing = || {
        let mut uow = ScriptedUnitOfWork::default();
        uow.contacts.expect_lock().times(1).return_once(|_, _| Ok(None));
        uow
    };
    let deleted = apply(&mut nothing(), &DeleteContact { id: id(5) }).map(|_| ());
    let draft = ContactDraft { notes: value("late"), ..ContactDraft::default() };
    let updated = apply(&mut nothing(), &UpdateContact { id: id(5), changes: changes(draft) }).map(|_| ());
    for refused in [deleted, updated] {
        assert!(matches!(refused, Err(Failure::Rejected(ContactError::NotFound))), "{refused:?}");
    }
}

#[test]
fn a_failing_store_is_not_taken_for_a_rule() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.contacts.expect_lock().return_once(|_, _| Err(StoreError::Conflict("a deadlock".to_owned())));
    let failed = apply(&mut uow, &DeleteContact { id: id(5) });
    assert!(matches!(failed, Err(Failure::Store(StoreError::Conflict(_)))), "{failed:?}");
}

/// A field of a request. The texts are few, so that a change often sets what is there.
fn field(texts: &'static [&'static str]) -> impl Strategy<Value = Field<String>> {
    prop_oneof![Just(Field::Absent), Just(Field::Null), prop::sample::select(texts).prop_map(value)]
}

/// A request's fields, all of them valid for a change.
fn drafts() -> impl Strategy<Value = ContactDraft> {
    let texts = || field(&["", "a", "é"]);
    let names = || field(&["Ann", "Bob"]);
    let parents = prop_oneof![Just(Field::Absent), Just(Field::Null), (7_i64..9).prop_map(Field::Value)];
    let kinds =
        prop_oneof![Just(Field::Absent), prop::sample::select(ContactType::ALL).prop_map(|kind| value(kind.as_str()))];
    let all_names = (names(), names(), names());
    let all_texts = (texts(), texts(), texts(), texts(), texts());
    (all_names, all_texts, field(&["a@b.co", "c@d.co"]), parents, kinds).prop_map(
        |((first_name, last_name, company_name), (position, phone, mobile, website, notes), email, parent, kind)| {
            let parent_contact_id = parent;
            ContactDraft {
                first_name,
                last_name,
                company_name,
                position,
                parent_contact_id,
                email,
                phone,
                mobile,
                website,
                notes,
                kind,
            }
        },
    )
}

/// A contact with any details, as stored.
fn contacts() -> impl Strategy<Value = Contact> {
    (drafts(), prop::sample::select(ContactType::ALL)).prop_map(|(draft, kind)| {
        let draft = ContactDraft { kind: value(kind.as_str()), ..draft };
        contact(5, ContactDetails::parse(draft, FieldErrors::new()).expect("valid details"))
    })
}

/// The request that sends everything of a contact back.
fn as_sent_back(details: &ContactDetails) -> ContactDraft {
    fn text<T: std::ops::Deref<Target = str>>(stored: Option<&T>) -> Field<String> {
        stored.map_or(Field::Null, |text| value(text))
    }
    ContactDraft {
        first_name: text(details.first_name.as_ref()),
        last_name: text(details.last_name.as_ref()),
        company_name: text(details.company_name.as_ref()),
        position: text(details.position.as_ref()),
        parent_contact_id: details.parent.map_or(Field::Null, |parent| Field::Value(parent.get())),
        email: text(details.email.as_ref()),
        phone: text(details.phone.as_ref()),
        mobile: text(details.mobile.as_ref()),
        website: text(details.website.as_ref()),
        notes: text(details.notes.as_ref()),
        kind: value(details.kind.as_str()),
    }
}

/// A contact as events show it.
fn shown(contact: &Contact) -> Map<String, Value> {
    let mut uow = storing(contact.clone());
    uow.contacts.expect_delete().return_once(|_, _, _| Ok(()));
    let deleted = apply(&mut uow, &DeleteContact { id: contact.id }).expect("deleted");
    only(&deleted.events).data.as_object().expect("an object").clone()
}

/// Applies these changes to a stored contact. Any parent is there.
fn update(before: &Contact, draft: ContactDraft) -> Applied<Contact> {
    let mut uow = storing(before.clone());
    uow.contacts.expect_hold().returning(|_, _| Ok(true));
    uow.contacts.expect_update().returning(|_, _| Ok(()));
    apply(&mut uow, &UpdateContact { id: before.id, changes: changes(draft) }).expect("changed")
}

proptest! {
    #[test]
    fn previous_attributes_are_exactly_what_changed(before in contacts(), draft in drafts()) {
        let changed = update(&before, draft);
        if changed.output == before {
            prop_assert_eq!(changed.events, []);
            return Ok(());
        }
        let event = only(&changed.events);
        let (old, new) = (shown(&before), shown(&changed.output));
        prop_assert_eq!(event.data.as_object(), Some(&new));
        let previous = event.previous_attributes.as_ref().and_then(Value::as_object).expect("an object");
        let differing: BTreeSet<_> = old.keys().filter(|name| old[*name] != new[*name]).collect();
        prop_assert_eq!(previous.keys().collect::<BTreeSet<_>>(), differing);
        prop_assert!(previous.iter().all(|(name, value)| old[name] == *value));
        prop_assert!(previous.contains_key("updatedAt"));
    }

    #[test]
    fn a_field_becomes_what_was_sent_and_the_others_stay(before in contacts(), draft in drafts()) {
        let after = update(&before, draft.clone()).output;
        let expect = |sent: &Field<String>, stored: &Field<String>| match sent {
            Field::Absent | Field::Invalid(_) => stored.clone(),
            sent => sent.clone(),
        };
        let (stored, now) = (as_sent_back(&before.details), as_sent_back(&after.details));
        for (now, sent, stored) in [
            (&now.first_name, &draft.first_name, &stored.first_name),
            (&now.last_name, &draft.last_name, &stored.last_name),
            (&now.company_name, &draft.company_name, &stored.company_name),
            (&now.position, &draft.position, &stored.position),
            (&now.email, &draft.email, &stored.email),
            (&now.phone, &draft.phone, &stored.phone),
            (&now.mobile, &draft.mobile, &stored.mobile),
            (&now.website, &draft.website, &stored.website),
            (&now.notes, &draft.notes, &stored.notes),
            (&now.kind, &draft.kind, &stored.kind),
        ] {
            prop_assert_eq!(now, &expect(sent, stored));
        }
        let parent = if draft.parent_contact_id == Field::Absent { stored.parent_contact_id } else { draft.parent_contact_id };
        prop_assert_eq!(now.parent_contact_id, parent);
        prop_assert_eq!((after.id, after.created_at), (before.id, before.created_at));
    }

    #[test]
    fn get_edit_nothing_patch_changes_nothing(before in contacts()) {
        // No parent is looked for and nothing is stored.
        let mut uow = storing(before.clone());
        let command = UpdateContact { id: before.id, changes: changes(as_sent_back(&before.details)) };
        let kept = apply(&mut uow, &command).expect("nothing to refuse");
        prop_assert_eq!(kept.output, before);
        prop_assert_eq!(kept.events, []);
    }
}

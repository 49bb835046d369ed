//! What others are told about contacts.

use serde_json::{Map, Value, json};

use super::{Contact, ContactDetails};
use crate::{
    events::{Actor, Event},
    execute::Context,
    ids::EventId,
};

const VERSION: i16 = 1;

pub(super) fn created(context: &Context<'_>, contact: &Contact) -> Event {
    event(context, "contact.created", contact, None)
}

pub(super) fn updated(context: &Context<'_>, contact: &Contact, before: &Contact) -> Event {
    event(context, "contact.updated", contact, Some(difference(&snapshot(before), &snapshot(contact))))
}

pub(super) fn deleted(context: &Context<'_>, contact: &Contact) -> Event {
    event(context, "contact.deleted", contact, None)
}

fn event(context: &Context<'_>, kind: &'static str, contact: &Contact, previous_attributes: Option<Value>) -> Event {
    Event {
        id: EventId::generate(context.now, context.entropy),
        kind,
        version: VERSION,
        occurred_at: context.now,
        resource: "contact",
        row: contact.id.get(),
        actor: Actor::of(context.principal),
        data: Value::Object(snapshot(contact)),
        previous_attributes,
    }
}

fn snapshot(contact: &Contact) -> Map<String, Value> {
    let ContactDetails {
        first_name,
        last_name,
        company_name,
        position,
        parent,
        email,
        phone,
        mobile,
        website,
        notes,
        kind,
    } = &contact.details;
    let fields = [
        ("id", json!(contact.id)),
        ("firstName", json!(first_name)),
        ("lastName", json!(last_name)),
        ("companyName", json!(company_name)),
        ("position", json!(position)),
        ("parentContactId", json!(parent)),
        ("email", json!(email)),
        ("phone", json!(phone)),
        ("mobile", json!(mobile)),
        ("website", json!(website)),
        ("notes", json!(notes)),
        ("type", json!(kind)),
        ("createdAt", json!(contact.created_at)),
        ("updatedAt", json!(contact.updated_at)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The values of `before` that are others in `after`.
fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Value {
    let changed = before.iter().filter(|(name, value)| after.get(*name) != Some(value));
    Value::Object(changed.map(|(name, value)| (name.clone(), value.clone())).collect())
}

//! What others are told about resources.

use serde_json::{Map, Value as Json, json};

use super::{Record, Shape};
use crate::{
    events::{Actor, Event},
    execute::Context,
    ids::EventId,
};

/// What happened to a row, as an event: `lead.created` and its like, and those of a family's own.
pub fn event(
    context: &Context<'_>,
    shape: &Shape,
    kind: &'static str,
    record: &Record,
    previous_attributes: Option<Json>,
) -> Event {
    Event {
        id: EventId::generate(context.now, context.entropy),
        kind,
        version: shape.version,
        occurred_at: context.now,
        resource: shape.one,
        row: record.id,
        actor: Actor::of(context.principal),
        data: Json::Object(snapshot(shape, record)),
        previous_attributes,
    }
}

/// All of a row, as events carry it.
pub fn snapshot(shape: &Shape, record: &Record) -> Map<String, Json> {
    let own = shape.fields.iter().zip(&record.values).flat_map(|(field, value)| {
        [Some(field.name), field.also].into_iter().flatten().map(move |name| (name, json!(value)))
    });
    let times = [("createdAt", json!(record.created_at)), ("updatedAt", json!(record.updated_at))];
    [("id", json!(record.id))]
        .into_iter()
        .chain(own)
        .chain(times)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What a row held before, of all that is not the same after.
pub fn changed(shape: &Shape, before: &Record, after: &Record) -> Map<String, Json> {
    let after = snapshot(shape, after);
    snapshot(shape, before).into_iter().filter(|(name, value)| after.get(name) != Some(value)).collect()
}

//! `GET /path/summary`: rows, summed up.

use bwp_domain::{
    resource::{
        Field, Kind, Shape, Value,
        summary::{Asked, Group, Line, Of, Summary, Summed},
    },
    wording::words,
};
use serde_json::{Map, Value as Json, json};

use super::{
    filters,
    handlers::{Answer, Caller},
    schema,
};
use crate::{
    envelope::{Envelope, Meta},
    openapi::SchemaSource,
    problem::ErrorCode,
    request::{AnyQuery, query},
    routes::Context,
};

/// With which code a bad filter is answered.
pub(super) const REFUSAL: ErrorCode = ErrorCode::ValidationFailed;

pub(super) async fn answer(
    shape: &'static Shape,
    summary: &'static Summary,
    context: Context,
    caller: Caller,
    sent: AnyQuery,
) -> Answer {
    let filter = query::read(&sent.0, REFUSAL, |values| filters::summary_filter(shape, summary.filters, values))?;
    let today = caller.credential().tenant().time_zone.today(context.state.environment.clock.now());
    let asked = Asked { rows: &*context.state.rows, tenant: caller.tenant(), filter: &filter, today };
    let data = shown(summary, summary.of(shape, asked).await?);
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

fn shown(summary: &Summary, summed: Summed) -> Map<String, Json> {
    let of_totals = summary.totals.iter().map(|total| total.name).zip(summed.totals);
    let mut data = object([("totals", json!(object([counted(summed.count)].into_iter().chain(valued(of_totals)))))]);
    for (group, lines) in summary.groups.iter().zip(summed.groups) {
        let lines: Vec<_> = lines.into_iter().map(|line| shown_line(summary, group, line)).collect();
        data.insert(group.name.to_owned(), json!(lines));
    }
    data
}

fn shown_line(summary: &Summary, group: &Group, line: Line) -> Map<String, Json> {
    let named = group.named.iter().map(|named| (named.name, json!(line.named)));
    let sums = valued(summary.sums().map(|(total, _)| total.name).zip(line.sums));
    object([(group.value, json!(line.value))].into_iter().chain(named).chain([counted(line.count)]).chain(sums))
}

fn counted(count: i64) -> (&'static str, Json) {
    ("count", json!(count))
}

fn valued<'a>(named: impl Iterator<Item = (&'a str, Value<'static>)>) -> impl Iterator<Item = (&'a str, Json)> {
    named.map(|(name, value)| (name, json!(value)))
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, Json)>) -> Map<String, Json> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The schema of what is answered.
pub(super) fn schema(shape: &'static Shape, summary: &'static Summary) -> SchemaSource {
    SchemaSource::by(move |schemas| {
        let name = format!("{}Summary", shape.name);
        let mut put = |part: &str, doc: String, members: Vec<(&str, Json)>| {
            let required: Vec<_> = members.iter().map(|(name, _)| *name).collect();
            let schema = json!({
                "type": "object", "description": doc, "required": required, "properties": object(members.clone()),
            });
            let name = format!("{name}{part}");
            schemas.insert(&name, schema);
            json!({ "$ref": format!("#/components/schemas/{name}") })
        };
        let mut totals = vec![count("How many.", 0, 128)];
        totals.extend(summary.totals.iter().map(|total| match total.of {
            Of::Count(_) => (total.name, count(total.doc, 0, 3).1),
            Of::Sum(_) | Of::Amount(_) => (total.name, amount(total.doc)),
        }));
        let mut members = vec![("totals", put("Totals", format!("Sums over all {}.", shape.many), totals))];
        for group in summary.groups {
            let Some((_, field)) = shape.field(group.field) else { continue };
            let mut line = vec![(group.value, schema::grouped(shape, field))];
            line.extend(group.named.iter().map(|named| {
                let shown = named.shape.field(named.field).map(|(_, field)| schema::named(field)).unwrap_or_default();
                (named.name, shown)
            }));
            line.push(count("How many.", u8::from(group.always.is_empty()), 17));
            line.extend(summary.sums().map(|(total, _)| (total.name, amount(total.doc))));
            let line = put(&part(group.name), format!("Sums over the {} of one `{}`.", shape.many, group.value), line);
            members.push((group.name, json!({ "type": "array", "description": ordered(field, group), "items": line })));
        }
        put("", format!("{}, summed up.", words(shape.many)), members);
        name
    })
}

fn count(doc: &str, least: u8, example: u8) -> (&'static str, Json) {
    let schema =
        json!({ "type": "integer", "format": "int64", "description": doc, "minimum": least, "example": example });
    ("count", schema)
}

fn amount(doc: &str) -> Json {
    json!({ "type": "string", "description": doc, "example": "12500.00" })
}

/// What is said of a list of lines.
fn ordered(field: &Field, group: &Group) -> String {
    let order = match (&group.named, field.kind) {
        (Some(named), _) => format!("in the order of `{}` of the {}", named.order, named.shape.many),
        (None, Kind::Words(_)) => "in the order of the words".to_owned(),
        _ => "those with the most first, `null` last".to_owned(),
    };
    let always: Vec<_> = group.always.iter().map(|word| format!("`{word}`")).collect();
    let always = if always.is_empty() { String::new() } else { format!(" Always there: {}.", always.join(", ")) };
    format!("One line for each `{}` that there is, {order}.{always}", group.value)
}

/// `ByStage` for `by_stage`.
fn part(name: &str) -> String {
    name.split('_').map(words).collect()
}

//! Which rows of a resource a query asks for.

use std::num::IntErrorKind;

use bwp_domain::{
    resource::{Condition, Field, Filter, Kind, Shape, Value},
    text::{SearchText, Text},
};
use serde_json::json;

use super::{Lists, schema};
use crate::{
    openapi::TEXT_PATTERN,
    paging::{COMPACT, DATE_FROM, DATE_TO, PageParams, UPDATED_FROM},
    request::query::{Values, boolean},
};

/// The query of a list.
pub(super) struct ListQuery {
    pub(super) page: PageParams,
    pub(super) filter: Filter,
    pub(super) compact: bool,
}

impl ListQuery {
    pub(super) fn read(shape: &Shape, lists: Lists, values: &mut Values) -> Self {
        let page = PageParams::read(values);
        let filter = filter(shape, lists, values);
        let compact = lists != Lists::Plain && values.take(&COMPACT).unwrap_or_default();
        Self { page, filter, compact }
    }
}

/// The filters of a list, and of what counts and sums the same rows.
pub(crate) fn filter(shape: &Shape, lists: Lists, values: &mut Values) -> Filter {
    let mut filter = Filter::all();
    for (at, field) in shape.fields.iter().enumerate() {
        if let (Some(name), Kind::Texts { .. }) = (field.filter, field.kind) {
            let describe = || {
                (
                    format!("Only {} that have this in their `{}`, in any case.", shape.many, field.name),
                    json!({ "type": "string", "pattern": TEXT_PATTERN }),
                )
            };
            let read =
                |text: &str| Text::parse(text.to_owned()).map(|text| text.to_string()).map_err(|fault| fault.message);
            let has = values.take_by(name, describe, read);
            if let Some(text) = has {
                filter.add(Condition::Holds(at, text));
            }
            continue;
        }
        if let Some(value) = field.filter.and_then(|name| is(shape, field, name, Absent::Allowed, values)) {
            filter.add(asked(shape, at, value));
        }
    }
    if shape.fields.iter().any(|field| field.search) {
        let found = values.take_by(
            "search",
            || (searched(shape), json!({ "type": "string", "pattern": TEXT_PATTERN })),
            |text| SearchText::parse(text).map_err(|fault| fault.message),
        );
        if let Some(text) = found.flatten() {
            filter.add(Condition::Search(text));
        }
    }
    if shape.fields.iter().any(|field| field.range) {
        range(shape, values, &mut filter);
    } else if lists != Lists::Plain {
        add_created(&mut filter, values);
        if lists == Lists::Full {
            values.take(&UPDATED_FROM).into_iter().for_each(|from| filter.add(Condition::UpdatedFrom(from)));
        }
    }
    filter
}

/// The bounds of the field that `dateFrom` and `dateTo` are about.
fn range(shape: &Shape, values: &mut Values, filter: &mut Filter) {
    for (at, field) in shape.fields.iter().enumerate().filter(|(_, field)| field.range) {
        for (name, last, bound) in RANGE {
            let describe = || {
                let text = format!(
                    "Only {} whose `{}` is this day or {last}. A date, or a date-time.",
                    shape.many, field.name
                );
                (text, json!({ "type": "string" }))
            };
            let read = |text: &str| field.read(&json!(text)).map_err(|fault| fault.message);
            values.take_by(name, describe, read).into_iter().for_each(|day| filter.add(bound(at, day)));
        }
    }
}

/// The bounds of a field's days.
type DayBound = fn(usize, Value<'static>) -> Condition;
const RANGE: [(&str, &str, DayBound); 2] =
    [("dateFrom", "later", Condition::AtLeast), ("dateTo", "earlier", Condition::AtMost)];

/// The filters of what sums rows up: these fields, and the times of creation.
pub(crate) fn summary_filter(shape: &Shape, fields: &[&'static str], values: &mut Values) -> Filter {
    let mut filter = fields_filter(shape, fields, values);
    add_created(&mut filter, values);
    filter
}

/// The filters by these fields alone.
pub(crate) fn fields_filter(shape: &Shape, fields: &[&'static str], values: &mut Values) -> Filter {
    let mut filter = Filter::all();
    for name in fields {
        if let Some((at, field)) = shape.field(name)
            && let Some(value) = is(shape, field, name, Absent::Refused, values)
        {
            filter.add(Condition::Is(at, value));
        }
    }
    filter
}

/// The bounds of the time of creation.
fn add_created(filter: &mut Filter, values: &mut Values) {
    let times = [values.take(&DATE_FROM).map(Condition::CreatedFrom), values.take(&DATE_TO).map(Condition::CreatedTo)];
    times.into_iter().flatten().for_each(|condition| filter.add(condition));
}

/// The filters of what sums up the rows of some days: these fields, each of which may be left empty, and the days.
pub(crate) fn days_filter(shape: &Shape, fields: &[&'static str], values: &mut Values) -> Filter {
    let mut filter = Filter::all();
    for (at, field) in fields.iter().filter_map(|name| shape.field(name)) {
        if let Some(value) = is(shape, field, field.name, Absent::Allowed, values) {
            filter.add(Condition::Is(at, value));
        }
    }
    range(shape, values, &mut filter);
    filter
}

/// Whether the text `null` counts as left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Allowed,
    Refused,
}

fn searched(shape: &Shape) -> String {
    let fields: Vec<_> =
        shape.fields.iter().filter(|field| field.search).map(|field| format!("`{}`", field.name)).collect();
    format!("Only {} in which each word of this is found, in any case: in {}.", shape.many, fields.join(", "))
}

/// The value that the field must hold.
fn is(shape: &Shape, field: &Field, name: &'static str, absent: Absent, values: &mut Values) -> Option<Value<'static>> {
    let nullable = absent == Absent::Allowed && matches!(field.kind, Kind::Id | Kind::Integer { .. } | Kind::Bool);
    let describe = || (format!("Only {} whose `{}` is this.", shape.many, field.name), schema::filter(field, nullable));
    let read = |text: &str| {
        if nullable && text == "null" || field.filter_any == Some(text) {
            return Ok(None);
        }
        let sent = match field.kind {
            // An id of nothing fits nothing.
            Kind::Id if nullable => return whole(text).map(|number| Some(Value::Integer(number))),
            Kind::Id | Kind::Integer { .. } => json!(whole(text)?),
            Kind::Bool => json!(boolean(text)?),
            Kind::Words(words) if !words.contains(&text) => return Err(format!("Send one of {}.", words.join(", "))),
            _ => json!(text),
        };
        field.read(&sent).map(Some).map_err(|fault| fault.message)
    };
    values.take_by(name, describe, read).flatten()
}

/// What a filter asks for: its value, or what a word of it stands for.
fn asked(shape: &Shape, at: usize, value: Value<'static>) -> Condition {
    let flag = shape.fields.get(at).and_then(|field| field.filter_flag);
    match flag.filter(|(word, _)| value.as_text() == Some(word)).and_then(|(_, flag)| shape.field(flag)) {
        Some((flag, _)) => Condition::Is(flag, Value::Bool(true)),
        None => Condition::Is(at, value),
    }
}

/// A whole number. One that is beyond those that rows hold counts as the last of these.
fn whole(text: &str) -> Result<i64, String> {
    match text.parse::<i64>().map_err(|error| *error.kind()) {
        Ok(number) => Ok(number),
        Err(IntErrorKind::PosOverflow) => Ok(i64::MAX),
        Err(IntErrorKind::NegOverflow) => Ok(i64::MIN),
        Err(_) => Err("Send a whole number.".to_owned()),
    }
}

//! The filters of an export: those of the list, as a body says them.

use serde_json::{Map, Value as Json, json};

use crate::{
    clock::{Rounding, Timestamp},
    fields::{Fault, FieldErrors},
    resource::{Condition, Field, Filter, Kind, Shape},
    text::SearchText,
};

/// The moments that bound when a row was made or changed, each with whether it is the first or the last one.
const TIMES: [(&str, Bound); 5] = [
    ("dateFrom", Bound::First(Condition::CreatedFrom)),
    ("dateTo", Bound::Last(Condition::CreatedTo)),
    ("createdAfter", Bound::First(Condition::CreatedFrom)),
    ("createdBefore", Bound::Last(Condition::CreatedTo)),
    ("updatedFrom", Bound::First(Condition::UpdatedFrom)),
];

#[derive(Clone, Copy)]
enum Bound {
    First(fn(Timestamp) -> Condition),
    Last(fn(Timestamp) -> Condition),
}

/// The filter, with what is wrong with it added to `errors`.
pub(super) fn read(shape: &'static Shape, filters: &Map<String, Json>, errors: &mut FieldErrors) -> Filter {
    let mut filter = Filter::all();
    for (name, sent) in filters {
        // As a query leaves a filter out.
        if sent.is_null() || sent.as_str() == Some("") {
            if !is_known(shape, name) {
                errors.push(format_args!("filters.{name}"), unknown());
            }
            continue;
        }
        match condition(shape, name, sent) {
            Ok(condition) => filter.add(condition),
            Err(fault) => errors.push(format_args!("filters.{name}"), fault),
        }
    }
    filter
}

fn unknown() -> Fault {
    Fault::new("unknown_field", "The list has no such filter.")
}

fn filtered<'s>(shape: &'s Shape, name: &str) -> Option<(usize, &'s Field)> {
    shape.fields.iter().enumerate().find(|(_, field)| field.filter == Some(name))
}

fn is_known(shape: &Shape, name: &str) -> bool {
    let searches = name == "search" && shape.fields.iter().any(|field| field.search);
    searches || filtered(shape, name).is_some() || TIMES.iter().any(|(time, _)| *time == name)
}

fn condition(shape: &'static Shape, name: &str, sent: &Json) -> Result<Condition, Fault> {
    if let Some((at, field)) = filtered(shape, name) {
        if let (Kind::Texts { .. }, Some(text)) = (field.kind, sent.as_str()) {
            return Ok(Condition::Holds(at, text.to_owned()));
        }
        return field.read(&meant(field, sent)).map(|value| Condition::Is(at, value));
    }
    if name == "search" && shape.fields.iter().any(|field| field.search) {
        let text = sent.as_str().ok_or_else(|| Fault::new("invalid_type", "Must be a text."))?;
        return SearchText::parse(text)?
            .map(Condition::Search)
            .ok_or_else(|| Fault::new("invalid_value", "Must have a character that is seen."));
    }
    // Where the list bounds a field of the family's own by these.
    let range = shape.fields.iter().enumerate().find(|(_, field)| field.range);
    if let (Some((at, field)), "dateFrom" | "dateTo") = (range, name) {
        let bound = if name == "dateFrom" { Condition::AtLeast } else { Condition::AtMost };
        return field.read(sent).map(|day| bound(at, day));
    }
    let (_, bound) = TIMES.iter().find(|(time, _)| *time == name).ok_or_else(unknown)?;
    let text = sent.as_str().unwrap_or_default();
    let moment = match bound {
        Bound::First(of) => moment(text, "T00:00:00Z", Rounding::Up).map(of),
        Bound::Last(of) => moment(text, "T23:59:59.999Z", Rounding::Down).map(of),
    };
    moment.ok_or_else(|| {
        Fault::new("invalid_format", "Must be a date such as 2026-01-31, or a date-time such as 2026-01-31T08:00:00Z.")
    })
}

/// A day is the whole of it, UTC.
fn moment(text: &str, day: &str, rounding: Rounding) -> Option<Timestamp> {
    let whole = if text.len() == 10 { format!("{text}{day}") } else { text.to_owned() };
    Timestamp::parse_rfc3339(&whole, rounding)
}

/// A query says all in texts: so may a body.
fn meant(field: &Field, sent: &Json) -> Json {
    match (field.kind, sent.as_str()) {
        (Kind::Id | Kind::Integer { .. }, Some(text)) => text.parse::<i64>().map_or_else(|_| json!(text), |n| json!(n)),
        (Kind::Bool, Some("true")) => json!(true),
        (Kind::Bool, Some("false")) => json!(false),
        _ => sent.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        projects::Project,
        resource::{Resource, Value},
    };

    fn read_one(name: &str, sent: Json) -> Result<Filter, String> {
        let mut errors = FieldErrors::new();
        let filters = [(name.to_owned(), sent)].into_iter().collect();
        let filter = read(Project::SHAPE, &filters, &mut errors);
        errors.or(filter).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_day_is_the_whole_of_it() {
        for (name, day, moment) in [
            ("createdAfter", "2026-05-04", "2026-05-04T00:00:00.000Z"),
            ("dateTo", "2026-05-04", "2026-05-04T23:59:59.999Z"),
        ] {
            let (of_day, of_moment) = (read_one(name, json!(day)), read_one(name, json!(moment)));
            assert_eq!(of_day, of_moment);
            assert!(of_day.is_ok());
        }
    }

    #[test]
    fn values_are_those_of_the_list() {
        let at = Project::SHAPE.places(&["status", "contactId"]);
        let is = |at: usize, value| {
            let mut filter = Filter::all();
            filter.add(Condition::Is(at, value));
            Ok(filter)
        };
        assert_eq!(read_one("status", json!("on_hold")), is(at[0], Value::Text("on_hold".into())));
        assert_eq!(read_one("contactId", json!("7")), is(at[1], Value::Integer(7)));
        assert_eq!(read_one("contactId", json!(7)), is(at[1], Value::Integer(7)));
        assert_eq!(read_one("contactId", json!("")), Ok(Filter::all()));
        for (name, sent) in
            [("limit", json!(1)), ("statu", json!("")), ("status", json!("open")), ("dateFrom", json!("4 May"))]
        {
            assert!(read_one(name, sent).is_err_and(|text| text.contains(&format!("filters.{name}"))), "{name}");
        }
    }
}

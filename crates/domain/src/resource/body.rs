//! From what a request says to what a row is to hold.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::{Access, Field, Kind, Record, Resource, Sent, Shape, Value, Written, fixed};
use crate::{
    clock::{Day, Rounding, Timestamp},
    fields::{Fault, FieldErrors},
    text::{Email, Text},
};

/// The fields that a request sets, each with a good value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// By the field's place. `None`: not sent.
    values: Vec<Option<Value<'static>>>,
    /// Whether what the fields refer to is taken as it is.
    as_it_is: bool,
    /// Fields that were sent under both of their names with different values: the place, and the value under the other name.
    contradicted: Vec<(usize, Value<'static>)>,
    /// Read-only fields that were sent, by their places: with the value that they have they are let pass.
    repeated: Vec<(usize, Json)>,
}

/// A body that makes or changes a row.
pub enum Body {
    /// Makes one.
    New,
    /// Changes one.
    Change,
}

impl Draft {
    /// What `object` sets, or everything that is wrong with it: with what was found before, and with members that are no fields of
    /// the resource left to the caller.
    pub fn read(
        shape: &Shape,
        body: &Body,
        object: &Map<String, Json>,
        mut errors: FieldErrors,
    ) -> Result<Self, FieldErrors> {
        let new = matches!(body, Body::New);
        let mut draft = Self { values: vec![None; shape.fields.len()], ..Self::default() };
        for (at, field) in shape.fields.iter().enumerate() {
            let names = [Some(field.name), field.also];
            let mut sent = names.into_iter().flatten().filter_map(|name| Some((name, object.get(name)?))).peekable();
            if sent.peek().is_none() && if new { field.required } else { field.always } {
                errors.push(field.name, Fault::new("required", "This field is required."));
            }
            for (name, sent) in sent {
                let empty = || sent.is_null() || sent.as_str() == Some("");
                match field.access {
                    Access::Ignored => {}
                    Access::Once if !new => {}
                    Access::Settable | Access::Once if field.automatic && new && empty() => {}
                    Access::Settable if field.skips_null && sent.is_null() => {}
                    // The family's rules fill it, as they do in a new one.
                    Access::Settable if field.renewed && empty() => draft.set(at, field.default.clone()),
                    Access::ReadOnly(_) => draft.repeated.push((at, sent.clone())),
                    Access::Settable | Access::Once => match field.read(sent) {
                        Ok(value) => draft.hear(at, value),
                        Err(fault) => errors.push(name, fault),
                    },
                }
            }
        }
        errors.or(draft)
    }

    /// What a body says that makes no row, such as that of a step: `None` unless it was [read](Self::read) by the same description.
    pub fn filled<R: Resource>(&self) -> Option<R> {
        R::from_values(self.for_new(R::SHAPE)).ok()
    }

    /// Sets nothing yet, for a row that is made of another one: what that one referred to is taken as it is. It may have been
    /// deleted since.
    pub fn as_it_is() -> Self {
        Self { as_it_is: true, ..Self::default() }
    }

    /// Sets each field to what it is in this resource, for a row that is made as a copy of it.
    pub fn copy_of<R: Resource>(resource: &R) -> Self {
        let values = resource.to_values().into_iter().map(|value| Some(value.into_owned())).collect();
        Self { values, ..Self::as_it_is() }
    }

    /// Sets the field of this public name.
    pub fn put(&mut self, shape: &Shape, name: &str, value: Value<'static>) {
        if let Some((at, _)) = shape.field(name) {
            self.set(at, value);
        }
    }

    /// Sets the field at this place, or notes that it is set to something else already, under its other name.
    fn hear(&mut self, at: usize, value: Value<'static>) {
        match self.values.get(at).and_then(Option::as_ref) {
            None => self.set(at, value),
            Some(heard) if *heard != value => self.contradicted.push((at, value)),
            Some(_) => {}
        }
    }

    /// Sets the field at this place.
    pub fn set(&mut self, at: usize, value: Value<'static>) {
        if self.values.len() <= at {
            self.values.resize(at + 1, None);
        }
        self.values[at] = Some(value);
    }

    /// What it sets the field at this place to.
    pub fn value(&self, at: usize) -> Option<&Value<'static>> {
        self.values.get(at).and_then(Option::as_ref)
    }

    /// Which fields it sets.
    pub fn sent(&self) -> Sent {
        let mut sent = Sent::default();
        (0..).zip(&self.values).filter(|(_, value)| value.is_some()).for_each(|(at, _)| sent.add(at));
        sent
    }

    /// Whether what it refers to is taken as it is.
    pub(super) const fn is_as_it_is(&self) -> bool {
        self.as_it_is
    }

    /// What a new row holds.
    pub(super) fn for_new(&self, shape: &Shape) -> Vec<Value<'static>> {
        let sent = self.values.iter().chain(std::iter::repeat(&None));
        shape.fields.iter().zip(sent).map(|(field, sent)| sent.as_ref().unwrap_or(&field.default).clone()).collect()
    }

    /// What a row that held `before` holds after the change.
    pub(super) fn over(&self, before: &[Value<'static>]) -> Vec<Value<'static>> {
        let sent = self.values.iter().chain(std::iter::repeat(&None));
        let mut after: Vec<_> =
            before.iter().zip(sent).map(|(before, sent)| sent.as_ref().unwrap_or(before).clone()).collect();
        for (at, other) in &self.contradicted {
            // Of two names, the one that was changed counts.
            if let Some(after) = after.get_mut(*at).filter(|after| before.get(*at) == Some(*after)) {
                *after = other.clone();
            }
        }
        after
    }

    /// Refuses read-only fields that were sent with another value than they have, as they are shown, or as they are for a new row; and
    /// fields that both of their names change, each to something else.
    pub(super) fn refuse_read_only(&self, shape: &Shape, before: Option<&Record>) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::new();
        for (at, other) in &self.contradicted {
            let has = before.and_then(|before| before.values.get(*at));
            let said = self.values.get(*at).and_then(Option::as_ref);
            if let Some(Field { name, also: Some(also), .. }) = shape.fields.get(*at)
                && (has.is_none() || (has != said && has != Some(other)))
            {
                let message =
                    format_args!("`{name}` and `{also}` are the same. Send one of them, or the same in both.");
                errors.push(also, Fault::new("invalid_value", message));
            }
        }
        for (at, sent) in &self.repeated {
            let Some(field) = shape.fields.get(*at) else { continue };
            let has = before.and_then(|before| before.values.get(*at)).unwrap_or(&field.default);
            // By what it means: `60.0` is 60, and a moment may be written in many ways.
            let repeats = field.read(sent).is_ok_and(|said| said == *has) || sent.is_null() && has.is_null();
            if let Access::ReadOnly(instead) = field.access
                && !repeats
            {
                let message = format_args!("Has another value, and cannot be set here. {instead}");
                errors.push(field.name, Fault::new("read_only", message));
            }
        }
        errors.or(())
    }
}

impl Field {
    /// The value that is sent for it, or the fault with that.
    pub fn read(&self, sent: &Json) -> Result<Value<'static>, Fault> {
        if sent.is_null() {
            return if self.nullable {
                Ok(Value::Null)
            } else if let Kind::Texts { .. } = self.kind {
                Ok(Value::Texts(Vec::new()))
            } else {
                Err(Fault::new("not_nullable", "This field cannot be null. Send a value, or leave it out."))
            };
        }
        match self.kind {
            Kind::Text { least, most } => text(sent).and_then(|text| bounded(text, least, most, self.nullable)),
            Kind::Email => Email::parse(text(sent)?).map(|email| Value::Text(email.to_string().into())),
            Kind::Words(words) => word(&text(sent)?, words),
            Kind::Bool => sent.as_bool().map(Value::Bool).ok_or_else(|| wrong_kind("true or false")),
            Kind::Integer { least, most } => whole(sent).and_then(|number| integer(number, least, most)),
            Kind::Id => id(whole(sent)?, self.refers.map_or("row", |reference| reference.one)),
            Kind::Decimal { whole, places, least, most, written } => {
                let number = fixed::read(sent, whole, places, least, most, written)?;
                Ok(if written == Written::Number { Value::Number(number) } else { Value::Decimal(number) })
            }
            Kind::Moment => moment(&text(sent)?),
            Kind::Day => day(&text(sent)?),
            Kind::Texts { most, each } => texts(sent, most, each),
            Kind::Json => json(sent),
        }
    }
}

fn wrong_kind(right: &str) -> Fault {
    Fault::new("invalid_type", format!("Must be {right}."))
}

fn text(sent: &Json) -> Result<String, Fault> {
    sent.as_str().map(str::to_owned).ok_or_else(|| wrong_kind("a text"))
}

fn bounded(text: String, least: usize, most: usize, nullable: bool) -> Result<Value<'static>, Fault> {
    let count = text.chars().count();
    if count < least {
        let empty = if nullable { " To empty the field, send null." } else { "" };
        let plural = if least == 1 { "" } else { "s" };
        return Err(Fault::new("too_short", format!("Must have at least {least} character{plural}.{empty}")));
    }
    if count > most {
        return Err(Fault::new("too_long", format!("Has {count} characters; it may have at most {most}.")));
    }
    Text::parse(text).map(|text| Value::Text(text.to_string().into()))
}

fn word(text: &str, words: &'static [&'static str]) -> Result<Value<'static>, Fault> {
    let known = words.iter().find(|word| **word == text);
    known
        .map(|word| Value::Text((*word).into()))
        .ok_or_else(|| Fault::new("invalid_value", format!("Must be one of {}.", words.join(", "))))
}

/// A whole number as JSON Schema means it: `2` and `2.0` are one. Those beyond 128 bits count as the largest.
fn whole(sent: &Json) -> Result<i128, Fault> {
    let Json::Number(number) = sent else { return Err(wrong_kind("a whole number")) };
    #[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates, which is what is wanted")]
    let float = || number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i128);
    number.as_i128().or_else(float).ok_or_else(|| wrong_kind("a whole number"))
}

fn integer(number: i128, least: i64, most: i64) -> Result<Value<'static>, Fault> {
    if number < i128::from(least) {
        return Err(Fault::new("too_small", format!("Must be {least} or more.")));
    }
    match i64::try_from(number) {
        Ok(number) if number <= most => Ok(Value::Integer(number)),
        _ => Err(Fault::new("too_large", format!("Must be {most} or less."))),
    }
}

/// An id beyond those that rows have is the id of nothing: that is for the look-up to say.
fn id(number: i128, one: &str) -> Result<Value<'static>, Fault> {
    if number < 1 {
        return Err(Fault::new("too_small", format!("Must be the id of a {one}: 1 or more.")));
    }
    Ok(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// A date-time, or a date, which is its midnight. What has no offset is UTC.
fn moment(text: &str) -> Result<Value<'static>, Fault> {
    let is_date = |text: &str| text.len() == 10;
    let has_offset =
        |text: &str| text.ends_with(['Z', 'z']) || text.get(19..).is_some_and(|rest| rest.contains(['+', '-']));
    let full = if is_date(text) {
        format!("{text}T00:00:00Z")
    } else if has_offset(text) {
        text.to_owned()
    } else {
        format!("{text}Z")
    };
    Timestamp::parse_rfc3339(&full, Rounding::Down).map(Value::Moment).ok_or_else(|| {
        Fault::new("invalid_format", "Must be a date such as 2026-01-31, or a date-time such as 2026-01-31T08:00:00Z.")
    })
}

/// The day as it is written, whatever the time and the offset behind it.
fn day(text: &str) -> Result<Value<'static>, Fault> {
    // What is behind the day must be a time all the same.
    moment(text)?;
    text.get(..10).and_then(Day::parse).map(Value::Day).ok_or_else(|| {
        Fault::new("invalid_format", "Must be a date such as 2026-01-31, or a date-time such as 2026-01-31T08:00:00Z.")
    })
}

/// Texts. Those that are `null`, and those that are there already in any case, are left out.
fn texts(sent: &Json, most: usize, each: usize) -> Result<Value<'static>, Fault> {
    let Json::Array(items) = sent else { return Err(wrong_kind("a list of texts")) };
    let mut texts: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    for item in items.iter().filter(|item| !item.is_null()) {
        let Value::Text(text) = bounded(text(item)?, 1, each, false)? else { continue };
        if known.insert(text.to_lowercase()) {
            texts.push(text.into_owned());
        }
    }
    if texts.len() > most {
        return Err(Fault::new("too_long", format!("Has {} texts; it may have at most {most}.", texts.len())));
    }
    Ok(Value::Texts(texts))
}

/// The most characters of any JSON, as it is kept.
const MOST_JSON: usize = 50_000;

/// Any JSON. NUL cannot be stored.
fn json(sent: &Json) -> Result<Value<'static>, Fault> {
    let text = sent.to_string();
    if text.len() > MOST_JSON {
        return Err(Fault::new(
            "too_long",
            format!("Has {} bytes as JSON; it may have at most {MOST_JSON}.", text.len()),
        ));
    }
    if text.contains("\\u0000") {
        return Err(Fault::new("invalid_value", "Must not contain the character NUL."));
    }
    Ok(Value::Json(text))
}

//! Which rows are asked for.

use super::{Record, Shape, Value};
use crate::{clock::Timestamp, text::SearchText};

/// Which rows are asked for: those that fit every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Condition>);

/// What a row must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The field at this place holds this value.
    Is(usize, Value<'static>),
    /// The field at this place holds one of these ids.
    Among(usize, Vec<i64>),
    /// The field at this place holds one of these words.
    OneOf(usize, Vec<String>),
    /// The field at this place holds this text, in any case.
    IsText(usize, String),
    /// The field at this place, which is never null, does not hold this value.
    IsNot(usize, Value<'static>),
    /// The field at this place holds an earlier moment.
    Before(usize, Timestamp),
    /// The field at this place holds this value or a greater one.
    AtLeast(usize, Value<'static>),
    /// The field at this place holds this value or a smaller one.
    AtMost(usize, Value<'static>),
    /// The list of texts at this place has this one, in any case.
    Holds(usize, String),
    /// Made at this moment or later.
    CreatedFrom(Timestamp),
    /// Made at this moment or earlier.
    CreatedTo(Timestamp),
    /// Changed at this moment or later.
    UpdatedFrom(Timestamp),
    /// Each word of this text is found in it, in any case.
    Search(SearchText),
}

impl Filter {
    /// All rows.
    pub const fn all() -> Self {
        Self(Vec::new())
    }

    /// Those whose field of this name holds this value.
    pub fn is(shape: &Shape, name: &str, value: Value<'static>) -> Self {
        let mut filter = Self::all();
        if let Some((at, _)) = shape.field(name) {
            filter.add(Condition::Is(at, value));
        }
        filter
    }

    /// Those that fit this condition too.
    pub fn add(&mut self, condition: Condition) {
        self.0.push(condition);
    }

    /// Every condition.
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// Whether it asks for a value of the field at this place.
    pub fn names(&self, at: usize) -> bool {
        self.0.iter().any(|condition| matches!(condition, Condition::Is(other, _) if *other == at))
    }

    /// Whether a row at hand fits, searches aside: what texts are found is for a store to say.
    pub fn fits(&self, record: &Record) -> bool {
        let held = |at: &usize| record.values.get(*at).filter(|value| !value.is_null());
        self.0.iter().all(|condition| match condition {
            Condition::Is(at, value) => held(at) == Some(value),
            Condition::Among(at, ids) => held(at).and_then(Value::as_integer).is_some_and(|id| ids.contains(&id)),
            Condition::OneOf(at, words) => {
                held(at).and_then(Value::as_text).is_some_and(|held| words.iter().any(|word| word == held))
            }
            Condition::IsText(at, text) => {
                held(at).and_then(Value::as_text).is_some_and(|held| held.to_lowercase() == text.to_lowercase())
            }
            Condition::IsNot(at, value) => held(at).is_some_and(|held| held != value),
            Condition::Before(at, moment) => matches!(held(at), Some(Value::Moment(held)) if held < moment),
            Condition::AtLeast(at, value) => held(at).is_some_and(|held| held >= value),
            Condition::AtMost(at, value) => held(at).is_some_and(|held| held <= value),
            Condition::Holds(at, text) => {
                let same = |has: &String| has.to_lowercase() == text.to_lowercase();
                matches!(held(at), Some(Value::Texts(texts)) if texts.iter().any(same))
            }
            Condition::CreatedFrom(from) => record.created_at >= *from,
            Condition::CreatedTo(to) => record.created_at <= *to,
            Condition::UpdatedFrom(from) => record.updated_at >= *from,
            Condition::Search(_) => true,
        })
    }

    /// Whether one index gives such rows in the order of a list: all of them, or those with one value of one field.
    pub fn is_quick(&self) -> bool {
        matches!(self.0.as_slice(), [] | [Condition::Is(..)])
    }

    /// The filter in one way of writing, for cursors: the values of the fields that lists are filtered by, the text that is searched,
    /// and the bounds of the time of creation, each `null` unless it is asked for; and behind them what else is.
    pub fn canonical(&self, shape: &Shape) -> serde_json::Value {
        let filtered: Vec<usize> =
            (0..).zip(shape.fields).filter(|(_, field)| field.filter.is_some()).map(|(at, _)| at).collect();
        let mut written = vec![serde_json::Value::Null; filtered.len() + 3];
        for condition in &self.0 {
            let (slot, value) = match condition {
                Condition::Is(at, value) => (filtered.iter().position(|field| field == at), serde_json::json!(value)),
                Condition::Search(text) => (Some(filtered.len()), serde_json::json!(text.as_str())),
                Condition::CreatedFrom(moment) => (Some(filtered.len() + 1), serde_json::json!(moment)),
                Condition::CreatedTo(moment) => (Some(filtered.len() + 2), serde_json::json!(moment)),
                _ => (None, serde_json::Value::Null),
            };
            match slot.and_then(|slot| written.get_mut(slot)).filter(|slot| slot.is_null()) {
                Some(slot) => *slot = value,
                None => written.push(condition.canonical(shape)),
            }
        }
        written.into()
    }
}

impl Condition {
    fn canonical(&self, shape: &Shape) -> serde_json::Value {
        let name = |at: usize| shape.fields.get(at).map(|field| field.name);
        match self {
            Self::Is(at, value) => serde_json::json!([name(*at), value]),
            Self::Among(at, ids) => serde_json::json!([name(*at), "in", ids]),
            Self::OneOf(at, words) => serde_json::json!([name(*at), "in", words]),
            Self::IsText(at, text) => serde_json::json!([name(*at), "is", text.to_lowercase()]),
            Self::IsNot(at, value) => serde_json::json!([name(*at), "!=", value]),
            Self::Before(at, moment) => serde_json::json!([name(*at), "<", moment]),
            Self::AtLeast(at, value) => serde_json::json!([name(*at), ">=", value]),
            Self::AtMost(at, value) => serde_json::json!([name(*at), "<=", value]),
            Self::Holds(at, text) => serde_json::json!([name(*at), "has", text]),
            Self::CreatedFrom(moment) => serde_json::json!(["createdAt>=", moment]),
            Self::CreatedTo(moment) => serde_json::json!(["createdAt<=", moment]),
            Self::UpdatedFrom(moment) => serde_json::json!(["updatedAt>=", moment]),
            Self::Search(text) => serde_json::json!(["search", text.as_str()]),
        }
    }
}

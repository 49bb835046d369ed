//! Which rows are asked for.

use super::{Shape, Value};
use crate::{clock::Timestamp, text::SearchText};

/// Which rows are asked for: those that fit every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Condition>);

/// What a row must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The field at this place holds this value.
    Is(usize, Value<'static>),
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

    /// Whether one index gives such rows in the order of a list: all of them, or those with one value of one field.
    pub fn is_quick(&self) -> bool {
        matches!(self.0.as_slice(), [] | [Condition::Is(..)])
    }

    /// The filter in one way of writing, for cursors.
    pub fn canonical(&self, shape: &Shape) -> serde_json::Value {
        let name = |at: usize| shape.fields.get(at).map(|field| field.name);
        let written = self.0.iter().map(|condition| match condition {
            Condition::Is(at, value) => serde_json::json!([name(*at), value]),
            Condition::IsNot(at, value) => serde_json::json!([name(*at), "!=", value]),
            Condition::Before(at, moment) => serde_json::json!([name(*at), "<", moment]),
            Condition::AtLeast(at, value) => serde_json::json!([name(*at), ">=", value]),
            Condition::AtMost(at, value) => serde_json::json!([name(*at), "<=", value]),
            Condition::Holds(at, text) => serde_json::json!([name(*at), "has", text]),
            Condition::CreatedFrom(moment) => serde_json::json!(["createdAt>=", moment]),
            Condition::CreatedTo(moment) => serde_json::json!(["createdAt<=", moment]),
            Condition::UpdatedFrom(moment) => serde_json::json!(["updatedAt>=", moment]),
            Condition::Search(text) => serde_json::json!(["search", text.as_str()]),
        });
        written.collect()
    }
}

//! Fields that answers show and a body cannot set.
//!
//! Two clients send them. One sends back what it read, with a change elsewhere: that works. The other one means to change such a
//! field: it is told that this is not the way. To ignore it would seem to take away a right that stays.

use bwp_domain::{
    clock::{Rounding, Timestamp},
    fields::{Fault, FieldErrors, Guard},
};
use serde_json::Value;
use utoipa::ToSchema;

use crate::openapi::Integer;

/// How a body's field is read that answers show and the body cannot set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadOnly {
    /// Whatever it says, it is ignored: an id, a time of record, a sum. The copy that a client sends back may be stale.
    Ignored,
    /// It has to say what is so: a state, a right, an owner, a name that is taken from elsewhere. The text says what changes it
    /// instead, in a sentence.
    Guarded(&'static str),
}

/// What a body is about, as answers show it.
pub(crate) trait ReadOnlyFields: ToSchema + 'static {
    /// Its fields that are read-only in some body. A body that can set one of them does. A field that is shown, cannot be set
    /// and is not among them is guarded.
    const READ_ONLY: &'static [(&'static str, ReadOnly)];
}

/// How the read-only field of this name is read.
pub(crate) fn class_of<T: ReadOnlyFields>(name: &str) -> ReadOnly {
    let declared = T::READ_ONLY.iter().find(|(field, _)| *field == name);
    declared.map_or(ReadOnly::Guarded(""), |(_, class)| *class)
}

/// What a body says of guarded fields.
#[derive(Debug)]
pub(crate) struct Guarded(Vec<Said>);

#[derive(Debug)]
struct Said {
    field: String,
    value: Value,
    instead: &'static str,
}

impl FromIterator<(String, Value, &'static str)> for Guarded {
    /// Of each field its name, what the body says, and what changes it instead.
    fn from_iter<I: IntoIterator<Item = (String, Value, &'static str)>>(said: I) -> Self {
        Self(said.into_iter().map(|(field, value, instead)| Said { field, value, instead }).collect())
    }
}

impl Guarded {
    /// What is held against the thing that the body is about, as `show` shows it.
    pub(crate) fn against<T>(self, show: impl Fn(&T) -> Value + Send + Sync + 'static) -> Guard<T> {
        if self.0.is_empty() { Guard::NONE } else { Guard::new(move |thing| self.check(&show(thing))) }
    }

    fn check(&self, shown: &Value) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::new();
        for Said { field, value, instead } in &self.0 {
            if !is_same(value, shown.get(field).unwrap_or(&Value::Null)) {
                errors.push_with(field, || {
                    let rest = if instead.is_empty() { "" } else { " " };
                    Fault::new("read_only", format_args!("Has another value, and cannot be set here.{rest}{instead}"))
                });
            }
        }
        errors.or(())
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    let rounded = |rounding| Timestamp::parse_rfc3339(text, rounding);
    rounded(Rounding::Down).filter(|moment| rounded(Rounding::Up) == Some(*moment))
}

/// Whether what a client said means what is shown: a moment and a number may be written in other ways, a list in another order,
/// and of an object not every member need be there.
fn is_same(said: &Value, shown: &Value) -> bool {
    match (said, shown) {
        (Value::String(said), Value::String(shown)) => {
            said == shown || moment(shown).is_some_and(|shown| moment(said) == Some(shown))
        }
        (Value::Number(_), Value::Number(_)) => match (Integer::of(said), Integer::of(shown)) {
            (Some(said), Some(shown)) => said == shown,
            _ => said.as_f64() == shown.as_f64(),
        },
        (Value::Array(said), Value::Array(shown)) => {
            said.len() == shown.len()
                && said.iter().all(|item| shown.iter().any(|shown| is_same(item, shown)))
                && shown.iter().all(|shown| said.iter().any(|item| is_same(item, shown)))
        }
        (Value::Object(said), Value::Object(shown)) => {
            said.iter().all(|(name, value)| shown.get(name).is_some_and(|shown| is_same(value, shown)))
        }
        (said, shown) => said == shown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        for (said, shown) in [
            (json!("active"), json!("active")),
            (json!(null), json!(null)),
            (json!(60.0), json!(60)),
            (json!("2026-01-31T08:00:00Z"), json!("2026-01-31T08:00:00.000Z")),
            (json!("2026-01-31T09:00:00.000+01:00"), json!("2026-01-31T08:00:00.000Z")),
            (json!(["b", "a"]), json!(["a", "b"])),
            (json!({ "type": "user" }), json!({ "type": "user", "id": 5 })),
        ] {
            assert!(is_same(&said, &shown), "{said} {shown}");
        }
        for (said, shown) in [
            (json!("revoked"), json!("active")),
            (json!(null), json!("active")),
            (json!("active"), json!(null)),
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64)),
            (json!(60.5), json!(60)),
            (json!("60"), json!(60)),
            (json!("2026-01-31T08:00:00.0001Z"), json!("2026-01-31T08:00:00.000Z")),
            (json!("2026-01-31T09:00:00Z"), json!("2026-01-31T08:00:00.000Z")),
            (json!(["a"]), json!(["a", "b"])),
            (json!(["a", "a"]), json!(["a", "b"])),
            (json!([]), json!(["a"])),
            (json!({ "type": "user", "id": 6 }), json!({ "type": "user", "id": 5 })),
            (json!({ "name": "x" }), json!({ "type": "user", "id": 5 })),
        ] {
            assert!(!is_same(&said, &shown), "{said} {shown}");
        }
    }
}

//! Fields of a request: what was sent, what is wrong with it, and what it asks to change.
//!
//! A surface (the HTTP API, a page) turns what it received into [`Field`]s; a family's `parse` turns these into valid
//! types and collects what is wrong with *every* field. No field name is written twice: the names are the public ones
//! of the API, and only `parse` knows them.

use std::fmt;

/// What a request says about one field.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// It was not sent.
    #[default]
    Absent,
    /// It was sent as `null`.
    Null,
    /// It was sent with a value of the right kind.
    Value(T),
    /// It was sent with something else.
    Invalid(Fault),
}

/// What a valid request asks of one stored field.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Empty it.
    Clear,
    /// Give it this value.
    Set(T),
}

/// What is wrong with one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A stable word for programs, such as `required` or `invalid_format`.
    pub code: &'static str,
    /// A sentence for people: what is wrong and how to put it right.
    pub message: String,
}

impl Fault {
    /// A fault with this code and message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's public name; a path such as `items[2].name` inside lists. Empty for the body as a whole.
    pub field: String,
    /// What is wrong.
    pub fault: Fault,
}

/// Everything that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// How many are worth telling: a body full of them is no mistake of a person, and each costs time.
    pub const MOST: usize = 100;

    /// Nothing wrong yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One fault of one field.
    pub fn one(field: impl Into<String>, fault: Fault) -> Self {
        let mut errors = Self::new();
        errors.push(field, fault);
        errors
    }

    /// Adds a fault.
    pub fn push(&mut self, field: impl Into<String>, fault: Fault) {
        self.0.push(FieldError { field: field.into(), fault });
    }

    /// Each field's error, in the order found.
    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` if nothing is wrong, else the errors.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Adds the errors of `other` behind these.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Reads a field that may be sent, left out or `null`, with `rule` for its value.
    pub fn optional<T, U>(
        &mut self,
        name: &str,
        field: Field<T>,
        rule: impl FnOnce(T) -> Result<U, Fault>,
    ) -> Patch<U> {
        match field {
            Field::Absent => Patch::Keep,
            Field::Null => Patch::Clear,
            Field::Invalid(fault) => {
                self.push(name, fault);
                Patch::Keep
            }
            Field::Value(value) => match rule(value) {
                Ok(value) => Patch::Set(value),
                Err(fault) => {
                    self.push(name, fault);
                    Patch::Keep
                }
            },
        }
    }

    /// Like [`optional`](Self::optional), for a field that cannot be `null`.
    pub fn non_null<T, U>(
        &mut self,
        name: &str,
        field: Field<T>,
        rule: impl FnOnce(T) -> Result<U, Fault>,
    ) -> Option<U> {
        match self.optional(name, field, rule) {
            Patch::Keep => None,
            Patch::Set(value) => Some(value),
            Patch::Clear => {
                self.push(
                    name,
                    Fault::new("not_nullable", "This field cannot be null. Send a value, or leave it out."),
                );
                None
            }
        }
    }

    /// Like [`non_null`](Self::non_null), for a field that must be there. `None` means that an error was added.
    pub fn required<T, U>(
        &mut self,
        name: &str,
        field: Field<T>,
        rule: impl FnOnce(T) -> Result<U, Fault>,
    ) -> Option<U> {
        if matches!(field, Field::Absent) {
            self.push(name, Fault::new("required", "This field is required."));
            return None;
        }
        self.non_null(name, field, rule)
    }
}

impl<'a> IntoIterator for &'a FieldErrors {
    type Item = &'a FieldError;
    type IntoIter = std::slice::Iter<'a, FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            write!(f, "`{}`: {}", error.field, error.fault.message)?;
        }
        Ok(())
    }
}

impl<T> Patch<T> {
    /// The value for a row that does not exist yet.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Keep | Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// Changes `stored` as asked.
    pub fn apply(self, stored: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *stored = None,
            Self::Set(value) => *stored = Some(value),
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}

/// `null` and values are told apart here; that a field is absent is for `#[serde(default)]` to say. A value of the wrong
/// kind makes the field [`Invalid`](Field::Invalid) and not the whole request, so that every field's error is found.
impl<'de, T: serde::de::DeserializeOwned> serde::Deserialize<'de> for Field<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.is_null() {
            return Ok(Self::Null);
        }
        Ok(match serde_json::from_value(value) {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Invalid(Fault::new("invalid_type", format!("Wrong kind of value: {error}."))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(default)]
        name: Field<String>,
        #[serde(default)]
        size: Field<i64>,
    }

    fn body(json: &str) -> Body {
        serde_json::from_str(json).expect("valid JSON")
    }

    #[test]
    fn tells_absent_null_value_and_wrong_apart() {
        assert_eq!(body("{}").name, Field::Absent);
        assert_eq!(body(r#"{"name":null}"#).name, Field::Null);
        assert_eq!(body(r#"{"name":"a"}"#).name, Field::Value("a".to_owned()));
        assert!(matches!(body(r#"{"name":7}"#).name, Field::Invalid(_)));
    }

    #[test]
    fn every_failing_field_is_reported() {
        let body = body(r#"{"name":7,"size":"x"}"#);
        let mut errors = FieldErrors::new();
        errors.optional("name", body.name, Ok::<_, Fault>);
        errors.required("size", body.size, Ok::<_, Fault>);
        errors.required("type", Field::<String>::Absent, Ok::<_, Fault>);
        errors.required("kind", Field::<String>::Null, Ok::<_, Fault>);
        let seen: Vec<_> = errors.iter().map(|e| (e.field.as_str(), e.fault.code)).collect();
        assert_eq!(
            seen,
            [("name", "invalid_type"), ("size", "invalid_type"), ("type", "required"), ("kind", "not_nullable")]
        );
    }

    #[test]
    fn a_patch_changes_what_it_says() {
        let mut stored = Some(1);
        Patch::Keep.apply(&mut stored);
        assert_eq!(stored, Some(1));
        Patch::Set(2).apply(&mut stored);
        assert_eq!(stored, Some(2));
        Patch::Clear.apply(&mut stored);
        assert_eq!(stored, None);
    }
}

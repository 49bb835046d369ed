//! Fields of a request: what was sent, what is wrong with it, and what it asks to change.
//!
//! A surface (the HTTP API, a page) turns what it received into [`Field`]s; a family's `parse` turns these into valid
//! types and collects what is wrong with *every* field. No field name is written twice: the names are the public ones
//! of the API, and only `parse` knows them.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::text::{excerpt, quoted};

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

/// A list as it was sent: its first entries, each read by itself, and how many it has. An entry behind them is not kept: there may
/// be half a million in a body, and each would take the memory of a [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries<T> {
    kept: Vec<Field<T>>,
    sent: usize,
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

impl<T> Patch<T> {
    /// Changes `stored` as asked.
    pub fn apply(self, stored: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *stored = None,
            Self::Set(value) => *stored = Some(value),
        }
    }
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
    /// The most characters of a message.
    pub const MOST_CHARS: usize = 500;

    /// A fault with this code and message. A longer message is cut while it is written.
    pub fn new(code: &'static str, message: impl fmt::Display) -> Self {
        Self { code, message: excerpt(message, Self::MOST_CHARS) }
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

/// What is wrong with a request: as much of it as is worth telling, and how many faults there are in all.
///
/// What a client sent decides how many faults there are, and names of fields come from the client. So each name is cut, and only
/// the first faults are kept: [`MOST`](Self::MOST) of them, with [`MOST_BYTES`](Self::MOST_BYTES) of text. A fault that is
/// not kept is counted, and neither its name nor its message is written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FieldErrors {
    kept: Vec<FieldError>,
    bytes: usize,
    left_out: usize,
}

impl FieldErrors {
    /// The most faults that are kept.
    pub const MOST: usize = 100;
    /// The most bytes of all names and messages that are kept, as a JSON text has them.
    pub const MOST_BYTES: usize = 16 * 1024;

    /// Nothing wrong yet.
    pub const fn new() -> Self {
        Self { kept: Vec::new(), bytes: 0, left_out: 0 }
    }

    /// One fault of one field.
    pub fn one(field: impl fmt::Display, fault: Fault) -> Self {
        let mut errors = Self::new();
        errors.push(field, fault);
        errors
    }

    /// Adds a fault.
    pub fn push(&mut self, field: impl fmt::Display, fault: Fault) {
        self.push_with(field, || fault);
    }

    /// Adds a fault that is made only if it is kept: one that takes work.
    pub fn push_with(&mut self, field: impl fmt::Display, fault: impl FnOnce() -> Fault) {
        // What is kept are the first: behind one that had no room, none has.
        if self.left_out > 0 || self.kept.len() == Self::MOST {
            self.left_out += 1;
            return;
        }
        let error = FieldError { field: quoted(field), fault: fault() };
        let bytes = self.bytes + bytes_in_json(&error.field) + bytes_in_json(&error.fault.message);
        if bytes > Self::MOST_BYTES {
            self.left_out = 1;
            return;
        }
        self.bytes = bytes;
        self.kept.push(error);
    }

    /// The error of each field that is kept, in the order found.
    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.kept.iter()
    }

    /// How many faults there are, with those that are not kept.
    pub const fn count(&self) -> usize {
        self.kept.len() + self.left_out
    }

    /// How many faults are not kept.
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether nothing is wrong.
    pub const fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// `value` if nothing is wrong, else the errors.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Adds the errors of `other` behind these.
    pub fn extend(&mut self, other: Self) {
        for FieldError { field, fault } in other.kept {
            self.push(field, fault);
        }
        self.left_out += other.left_out;
    }

    /// The same errors, of fields of the part of a body that has this name.
    #[must_use]
    pub fn within(&self, part: &str) -> Self {
        let mut errors = Self::new();
        for FieldError { field, fault } in &self.kept {
            let name = if field.is_empty() { part.to_owned() } else { format!("{part}.{field}") };
            errors.push(name, fault.clone());
        }
        errors.left_out += self.left_out;
        errors
    }

    /// The same errors, each with the message that `message` gives it.
    #[must_use]
    pub fn saying(&self, message: impl Fn(&FieldError) -> String) -> Self {
        let mut said = Self::new();
        for error in self {
            said.push(&error.field, Fault::new(error.fault.code, message(error)));
        }
        said.left_out += self.left_out;
        said
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
        for (n, error) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            write!(f, "`{}`: {}", error.field, error.fault.message)?;
        }
        match self.left_out {
            0 => Ok(()),
            more => write!(f, " And {more} more."),
        }
    }
}

/// How many bytes a text has where JSON escapes it (RFC 8259, section 7).
fn bytes_in_json(text: &str) -> usize {
    let escapes = |byte| match byte {
        0..0x20 => 5,
        b'"' | b'\\' => 1,
        _ => 0,
    };
    text.len() + text.bytes().map(escapes).sum::<usize>()
}

impl<T> Entries<T> {
    /// The most entries that are kept, and that a list may have.
    pub const MOST: usize = 100;

    /// The entries, if all of them were kept.
    pub fn all(self) -> Result<Vec<Field<T>>, Fault> {
        if self.sent == self.kept.len() {
            Ok(self.kept)
        } else {
            Err(Fault::new("too_long", format_args!("Must have at most {} entries.", Self::MOST)))
        }
    }
}

impl<T> FromIterator<Field<T>> for Entries<T> {
    fn from_iter<I: IntoIterator<Item = Field<T>>>(sent: I) -> Self {
        let mut sent = sent.into_iter();
        let kept: Vec<_> = sent.by_ref().take(Self::MOST).collect();
        Self { sent: kept.len() + sent.count(), kept }
    }
}

/// What a request says of fields that it cannot set, to be held against the thing as it is: in the transaction of a change, once
/// the thing is locked and before anything of it is changed.
///
/// A request that sends back what it read passes. One that means to change such a field is refused, and does not seem to succeed.
#[derive(Clone)]
pub struct Guard<T>(Option<Arc<Check<T>>>);

type Check<T> = dyn Fn(&T) -> Result<(), FieldErrors> + Send + Sync;

impl<T> Guard<T> {
    /// The request says nothing of such fields.
    pub const NONE: Self = Self(None);

    /// The request says what `check` compares.
    pub fn new(check: impl Fn(&T) -> Result<(), FieldErrors> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(check)))
    }

    /// What is other in the request than it is.
    pub fn check(&self, thing: &T) -> Result<(), FieldErrors> {
        self.0.as_ref().map_or(Ok(()), |check| check(thing))
    }
}

impl<T> fmt::Debug for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Guard" } else { "Guard::NONE" })
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
            Err(error) => Self::Invalid(Fault::new("invalid_type", format_args!("Wrong kind of value: {error}."))),
        })
    }
}

impl<'de, T: serde::de::DeserializeOwned> serde::Deserialize<'de> for Entries<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: serde::de::DeserializeOwned> serde::de::Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut entries: A) -> Result<Entries<T>, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < Entries::<T>::MOST {
            let Some(entry) = entries.next_element()? else { break };
            kept.push(entry);
        }
        let mut sent = kept.len();
        while entries.next_element::<serde::de::IgnoredAny>()?.is_some() {
            sent += 1;
        }
        Ok(Entries { kept, sent })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::MOST_CHARS_QUOTED;

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
    fn what_a_client_named_is_cut() {
        let long = "é".repeat(1_000_000);
        let errors = FieldErrors::one(&long, Fault::new("unknown_field", format_args!("No {long}.")));
        let [error] = errors.iter().collect::<Vec<_>>().try_into().expect("one");
        assert_eq!(error.field, format!("{}…", "é".repeat(MOST_CHARS_QUOTED)));
        assert_eq!(error.fault.message, format!("No {}…", "é".repeat(Fault::MOST_CHARS - 3)));
    }

    #[test]
    fn what_is_not_kept_is_counted_and_not_made() {
        let mut errors = FieldErrors::new();
        for n in 0..FieldErrors::MOST {
            errors.push(n, Fault::new("required", "This field is required."));
        }
        errors.push_with("more", || unreachable!("there is no room for it"));
        errors.extend(FieldErrors::one("another", Fault::new("required", "This field is required.")));
        assert_eq!((errors.iter().len(), errors.left_out(), errors.count()), (100, 2, 102));
        assert!(errors.to_string().ends_with("`99`: This field is required. And 2 more."));
        assert_eq!(errors.saying(|error| error.fault.message.clone()), errors);
    }

    proptest! {
        #[test]
        fn all_of_them_together_are_bounded(
            faults in prop::collection::vec(("\\PC{0,200}|[\u{0}-\u{1f}\"]{0,200}", "\\PC{0,600}|[\u{0}-\u{1f}]{0,600}"), 0..200),
        ) {
            let mut errors = FieldErrors::new();
            for (field, message) in &faults {
                errors.push(field, Fault::new("invalid_value", message));
            }
            let text: usize = errors
                .iter()
                .flat_map(|error| [&error.field, &error.fault.message])
                .map(|text| serde_json::to_string(text).expect("JSON").len() - 2)
                .sum();
            prop_assert!(text <= FieldErrors::MOST_BYTES && errors.iter().len() <= FieldErrors::MOST);
            prop_assert_eq!(errors.count(), faults.len());
        }
    }

    #[test]
    fn the_first_entries_of_a_list_are_kept() {
        let list = |entries: usize| serde_json::from_value::<Entries<i64>>(vec![7; entries].into()).expect("a list");
        assert_eq!(list(Entries::<i64>::MOST).all().map(|all| all.len()), Ok(100));
        let full = list(500_000);
        assert_eq!((full.kept.len(), full.sent), (100, 500_000));
        assert_eq!(full, std::iter::repeat_n(Field::Value(7), 500_000).collect());
        assert_eq!(full.all().map_err(|fault| fault.code), Err("too_long"));
    }
}

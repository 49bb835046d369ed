//! What a field holds, and the types that fields have.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{
    Bound, Kind, Written,
    fixed::{Coordinate, Fixed},
};
use crate::{
    clock::{Day, Timestamp},
    text::{Email, Name, Text},
};

/// What a field holds. Texts may be borrowed from the row that they came in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Value<'a> {
    /// Nothing.
    #[default]
    Null,
    /// A text, an e-mail address, or one of a list of words.
    Text(Cow<'a, str>),
    /// A whole number or an id.
    Integer(i64),
    /// Yes or no.
    Bool(bool),
    /// A number with decimals that answers write as a string, such as money.
    Decimal(Decimal),
    /// A number with decimals that answers write as a number.
    Number(Decimal),
    /// A moment.
    Moment(Timestamp),
    /// A work day.
    Day(Day),
    /// Texts.
    Texts(Vec<String>),
    /// JSON, as text.
    Json(String),
}

impl Value<'_> {
    /// A copy that borrows nothing.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Integer(number) => Value::Integer(number),
            Self::Bool(bool) => Value::Bool(bool),
            Self::Decimal(decimal) => Value::Decimal(decimal),
            Self::Number(decimal) => Value::Number(decimal),
            Self::Moment(moment) => Value::Moment(moment),
            Self::Day(day) => Value::Day(day),
            Self::Texts(texts) => Value::Texts(texts),
            Self::Json(json) => Value::Json(json),
        }
    }

    /// The number, if it is one: a whole number or an id.
    pub const fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// The number with decimals, if it is one.
    pub const fn as_decimal(&self) -> Option<Decimal> {
        if let Self::Decimal(number) | Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Whether there is nothing.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// As answers and events show it. Money has two decimals, always; other decimals have those of their scale.
impl serde::Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Decimal(decimal) => serializer.collect_str(decimal),
            // A number of a few digits: what JSON readers make of it is shown again as the same digits.
            Self::Number(decimal) => serializer.serialize_f64(f64::try_from(*decimal).unwrap_or_default()),
            Self::Moment(moment) => moment.serialize(serializer),
            Self::Day(day) => day.midnight().serialize(serializer),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::Json(json) => {
                serde_json::from_str::<serde_json::Value>(json).unwrap_or_default().serialize(serializer)
            }
        }
    }
}

/// A type that a field of a resource may have.
pub trait FieldType: Sized {
    /// What such a field holds, before the bounds that the resource gives.
    const KIND: Kind;
    /// Whether it may hold nothing.
    const NULLABLE: bool = false;

    /// The value.
    fn to_value(&self) -> Value<'_>;

    /// The type, from a value of its kind. `None` if the value does not fit.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

impl<T: FieldType> FieldType for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;

    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::from_value(value).map(Some) }
    }
}

macro_rules! texts {
    ($($type:ident: $kind:expr, $read:path;)*) => {$(
        impl FieldType for $type {
            const KIND: Kind = $kind;

            fn to_value(&self) -> Value<'_> {
                Value::Text(Cow::Borrowed(self))
            }

            fn from_value(value: Value<'_>) -> Option<Self> {
                let Value::Text(text) = value else { return None };
                $read(text.into_owned()).ok()
            }
        }
    )*};
}

texts! {
    Text: Kind::Text { least: 0, most: 10_000 }, Text::parse;
    Name: Kind::Text { least: 1, most: 500 }, Name::parse;
    Email: Kind::Email, Email::stored;
}

impl FieldType for i64 {
    const KIND: Kind = Kind::Integer { least: i64::MIN, most: i64::MAX };

    fn to_value(&self) -> Value<'_> {
        Value::Integer(*self)
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        value.as_integer()
    }
}

impl FieldType for bool {
    const KIND: Kind = Kind::Bool;

    fn to_value(&self) -> Value<'_> {
        Value::Bool(*self)
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Bool(bool) = value { Some(bool) } else { None }
    }
}

impl FieldType for Timestamp {
    const KIND: Kind = Kind::Moment;

    fn to_value(&self) -> Value<'_> {
        Value::Moment(*self)
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Moment(moment) = value { Some(moment) } else { None }
    }
}

impl<const WHOLE: u32, const PLACES: u32> FieldType for Fixed<WHOLE, PLACES> {
    const KIND: Kind = Kind::Decimal {
        whole: WHOLE,
        places: PLACES,
        least: Some(Bound::ZERO),
        most: None,
        // Prices and quantities are strings everywhere; families say which of their amounts are.
        written: if PLACES == 2 { Written::Either } else { Written::Text },
    };

    fn to_value(&self) -> Value<'_> {
        Value::Decimal(self.decimal())
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Decimal(decimal) | Value::Number(decimal) = value { Self::exactly(decimal) } else { None }
    }
}

impl FieldType for Coordinate {
    const KIND: Kind = Kind::Decimal {
        whole: 3,
        places: Self::PLACES,
        least: Some(Bound::new(-180, 0)),
        most: Some(Bound::new(180, 0)),
        written: Written::Number,
    };

    fn to_value(&self) -> Value<'_> {
        Value::Number(self.decimal())
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Number(decimal) = value { Some(Self::rounded(decimal)) } else { None }
    }
}

impl FieldType for Day {
    const KIND: Kind = Kind::Day;

    fn to_value(&self) -> Value<'_> {
        Value::Day(*self)
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Day(day) = value { Some(day) } else { None }
    }
}

impl FieldType for Vec<Text> {
    const KIND: Kind = Kind::Texts { most: 50, each: 100 };

    fn to_value(&self) -> Value<'_> {
        Value::Texts(self.iter().map(ToString::to_string).collect())
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        let Value::Texts(texts) = value else { return None };
        texts.into_iter().map(|text| Text::parse(text).ok()).collect()
    }
}

/// Any JSON, kept as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyJson(serde_json::Value);

impl AnyJson {
    /// That it says this.
    pub const fn new(value: serde_json::Value) -> Self {
        Self(value)
    }

    /// What it says.
    pub const fn value(&self) -> &serde_json::Value {
        &self.0
    }
}

impl FieldType for AnyJson {
    const KIND: Kind = Kind::Json;

    fn to_value(&self) -> Value<'_> {
        Value::Json(self.0.to_string())
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        let Value::Json(json) = value else { return None };
        serde_json::from_str(&json).ok().map(Self)
    }
}

/// A text that is none of the words of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known words")]
pub struct UnknownWord;

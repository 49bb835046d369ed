//! What a field holds, and the types that fields have.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{Kind, money::Money};
use crate::{
    clock::Timestamp,
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
    /// Money, or another number with decimals.
    Decimal(Decimal),
    /// A moment.
    Moment(Timestamp),
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
            Self::Moment(moment) => Value::Moment(moment),
        }
    }

    /// The number, if it is one: a whole number or an id.
    pub const fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
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
            Self::Moment(moment) => moment.serialize(serializer),
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

impl FieldType for Money {
    const KIND: Kind = Kind::Money { negative: false };

    fn to_value(&self) -> Value<'_> {
        Value::Decimal(self.decimal())
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Decimal(decimal) = value { Self::exactly(decimal) } else { None }
    }
}

/// A text that is none of the words of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known words")]
pub struct UnknownWord;

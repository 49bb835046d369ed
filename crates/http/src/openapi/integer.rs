//! Whole numbers in JSON.

use bwp_domain::fields::{Fault, Field};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A whole number as JSON Schema means it: `2` and `2.0` are one, and there is no largest one. Those beyond 128 bits
/// count as the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer(pub(crate) i128);

impl Integer {
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        if let Some(whole) = number.as_i128() {
            return Some(Self(whole));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates, which is what is wanted")]
        number.as_f64().filter(|float| float.fract() == 0.0).map(|float| Self(float as i128))
    }

    /// A field with a number. Those beyond 64 bits count as the largest and the smallest.
    pub(crate) fn number(field: &Field<Self>) -> Field<i64> {
        match field {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Value(Self(number)) => {
                let nearest = if *number < 0 { i64::MIN } else { i64::MAX };
                Field::Value(i64::try_from(*number).unwrap_or(nearest))
            }
            Field::Invalid(_) => Field::Invalid(Fault::new("invalid_type", "Must be a whole number.")),
        }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(&Value::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("expected a whole number"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_in_every_way_of_writing() {
        for (value, expected) in [
            (json!(2), Some(2)),
            (json!(2.0), Some(2)),
            (json!(-1), Some(-1)),
            (json!(u64::MAX), Some(i128::from(u64::MAX))),
            (json!(1e300), Some(i128::MAX)),
            (json!(2.5), None),
            (json!("2"), None),
            (json!(null), None),
        ] {
            assert_eq!(Integer::of(&value).map(|n| n.0), expected, "{value}");
        }
    }
}

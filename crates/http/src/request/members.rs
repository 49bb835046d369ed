//! JSON in which each member of an object has a name of its own. `serde_json` keeps the last of several without a word;
//! RFC 8259, section 4, leaves it open which one counts.

use std::fmt;

use bwp_domain::fields::{Fault, FieldErrors};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The most values of a body, those inside others included. Each takes some 70 bytes of memory, and as few as two of the body.
pub(super) const MOST_VALUES: usize = 50_000;

/// Why a body cannot be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is no JSON.
    Malformed(serde_json::Error),
    /// It has more than [`MOST_VALUES`].
    TooManyValues,
}

/// Reads a value, and says which names of members stand in it more than once.
pub(super) fn read(json: &[u8]) -> Result<(Value, FieldErrors), Unreadable> {
    let mut found = Found { repeated: FieldErrors::new(), values: 0 };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let place = Place { path: &Path::Root, found: &mut found };
    let value = place.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(value) => Ok((value, found.repeated)),
        Err(_) if found.values > MOST_VALUES => Err(Unreadable::TooManyValues),
        Err(error) => Err(Unreadable::Malformed(error)),
    }
}

/// What was found so far.
struct Found {
    repeated: FieldErrors,
    values: usize,
}

/// How a value is reached from the outermost one.
enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(outer, name) => write!(f, "{outer}.{name}"),
            Self::Item(outer, number) => write!(f, "{outer}[{number}]"),
        }
    }
}

/// Where the next value stands.
struct Place<'a> {
    path: &'a Path<'a>,
    found: &'a mut Found,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.found.values += 1;
        if self.found.values > MOST_VALUES {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let path = Path::Item(self.path, list.len());
            let Some(item) = items.next_element_seed(Place { path: &path, found: self.found })? else { break };
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let path = Path::Member(self.path, &name);
            let value = members.next_value_seed(Place { path: &path, found: self.found })?;
            if object.contains_key(&name) {
                self.found
                    .repeated
                    .push_with(&path, || Fault::new("repeated", "Stands in its object more than once. Send it once."));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_stand_twice_are_told_by_their_place() {
        let body = br#"{"a": 1, "b": {"c": [{"d": 1, "d": 2}, {"d": 1}]}, "a": 2, "b": 3, "a": 4}"#;
        let (value, repeated) = read(body).expect("well-formed");
        assert_eq!(value, json!({ "a": 4, "b": 3 }));
        let named: Vec<_> = repeated.iter().map(|error| (error.field.as_str(), error.fault.code)).collect();
        assert_eq!(named, ["b.c[0].d", "a", "b", "a"].map(|place| (place, "repeated")));
    }

    #[test]
    fn a_body_full_of_them_is_told_of_some() {
        let (_, repeated) = read(format!("{{{}\"a\":0}}", "\"a\":0,".repeat(10_000)).as_bytes()).expect("well-formed");
        assert_eq!((repeated.iter().len(), repeated.count()), (FieldErrors::MOST, 10_000));
    }

    #[test]
    fn a_body_has_a_bounded_number_of_values() {
        let list = |entries: usize| format!("[{}0]", "0,".repeat(entries - 1));
        assert!(read(list(MOST_VALUES - 1).as_bytes()).is_ok());
        for body in [list(MOST_VALUES), format!("{{{}\"a\":0}}", "\"a\":[],".repeat(MOST_VALUES)), list(500_000)] {
            assert!(matches!(read(body.as_bytes()), Err(Unreadable::TooManyValues)));
        }
    }

    #[test]
    fn what_is_no_json_is_refused_as_serde_json_does() {
        let deep = "[".repeat(200);
        for text in ["", "{", "{}x", "nul", "\"\\ud800\"", "1e999", "{\"a\"}", "[1,]", &deep] {
            let of_serde_json = serde_json::from_str::<Value>(text).expect_err(text);
            let Err(Unreadable::Malformed(error)) = read(text.as_bytes()) else { panic!("{text} is read") };
            assert_eq!(error.to_string(), of_serde_json.to_string());
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let numbers = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from)
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            numbers,
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn all_else_is_read_as_serde_json_does(value in values()) {
            let text = value.to_string();
            let (read, repeated) = read(text.as_bytes()).expect("well-formed");
            prop_assert!(repeated.is_empty());
            prop_assert_eq!(read, serde_json::from_str::<Value>(&text).expect("well-formed"));
        }
    }
}

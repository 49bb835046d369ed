//! Writing JSON.
//!
//! The text is that of `serde_json`, to the byte; keys of maps must be strings. What most of an answer is made of, structs of short texts without anything to
//! escape, is written in less than half the time: a page of a list has hundreds of them.

use serde::ser::{self, Serialize, Serializer};
use serde_json::Error;

/// Writes `value` behind what is in `body`.
pub(crate) fn write(body: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Error> {
    value.serialize(Writer(body))
}

struct Writer<'b>(&'b mut Vec<u8>);

/// Something with parts: how it ends, and whether a part was written yet.
struct Parts<'b> {
    body: &'b mut Vec<u8>,
    end: &'static [u8],
    begun: bool,
}

impl<'b> Writer<'b> {
    #[inline]
    fn parts(self, start: &'static [u8], end: &'static [u8]) -> Parts<'b> {
        self.0.extend_from_slice(start);
        Parts { body: self.0, end, begun: false }
    }

    /// Something with parts, in an object by the name of its variant.
    fn variant(self, variant: &'static str, start: &'static [u8], end: &'static [u8]) -> Result<Parts<'b>, Error> {
        self.0.push(b'{');
        text(self.0, variant)?;
        self.0.extend_from_slice(start);
        Ok(Parts { body: self.0, end, begun: false })
    }
}

#[inline]
fn text(body: &mut Vec<u8>, text: &str) -> Result<(), Error> {
    if !is_plain(text.as_bytes()) {
        return serde_json::to_writer(body, text);
    }
    body.reserve(text.len() + 2);
    body.push(b'"');
    body.extend_from_slice(text.as_bytes());
    body.push(b'"');
    Ok(())
}

/// Whether nothing of a text is escaped (RFC 8259, section 7). Eight bytes are looked at together, the last of them with some
/// before them: a loop over what is left would take as long as all the rest of a short text.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else { return text.iter().all(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\')) };
    let escaped = text.as_chunks().0.iter().chain([last]).fold(0, |escaped, bytes| escaped | escapes(*bytes));
    escaped == 0
}

/// Whether any of eight bytes is escaped: not 0 if so. A byte less than another one borrows, by subtraction, from the bit on
/// top, which is 0 in all but those of characters that are not ASCII.
#[inline]
const fn escapes(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const TOPS: u64 = u64::from_le_bytes([0x80; 8]);
    let bytes = u64::from_le_bytes(bytes);
    let control = bytes.wrapping_sub(ONES * 0x20);
    let quote = (bytes ^ (ONES * 0x22)).wrapping_sub(ONES);
    let backslash = (bytes ^ (ONES * 0x5c)).wrapping_sub(ONES);
    (control | quote | backslash) & !bytes & TOPS
}

impl Parts<'_> {
    #[inline]
    fn next(&mut self) -> Writer<'_> {
        if self.begun {
            self.body.push(b',');
        }
        self.begun = true;
        Writer(self.body)
    }

    #[inline]
    fn named<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        // No name of a field needs an escape: it is a name in Rust, or was given in its place.
        let body = self.next().0;
        body.reserve(name.len() + 3);
        body.push(b'"');
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(b"\":");
        value.serialize(Writer(body))
    }
}

macro_rules! as_serde_json {
    ($($method:ident: $type:ty),*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Error> {
            serde_json::to_writer(self.0, &value)
        }
    )*};
}

impl<'b> Serializer for Writer<'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'b>;
    type SerializeTuple = Parts<'b>;
    type SerializeTupleStruct = Parts<'b>;
    type SerializeTupleVariant = Parts<'b>;
    type SerializeMap = Parts<'b>;
    type SerializeStruct = Parts<'b>;
    type SerializeStructVariant = Parts<'b>;

    as_serde_json! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_bytes: &[u8]
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        text(self.0, value)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), Error> {
        text(self.0, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let parts = self.variant(variant, b":", b"}")?;
        value.serialize(Writer(parts.body))?;
        ser::SerializeSeq::end(parts)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Parts<'b>, Error> {
        Ok(self.parts(b"[", b"]"))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Parts<'b>, Error> {
        Ok(self.parts(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Parts<'b>, Error> {
        Ok(self.parts(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'b>, Error> {
        self.variant(variant, b":[", b"]}")
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Parts<'b>, Error> {
        Ok(self.parts(b"{", b"}"))
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Parts<'b>, Error> {
        Ok(self.parts(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'b>, Error> {
        self.variant(variant, b":{", b"}}")
    }
}

macro_rules! items {
    ($($trait:ident: $method:ident),*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                value.serialize(self.next())
            }

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.body.extend_from_slice(self.end);
        Ok(())
            }
        }
    )*};
}

items!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.named(name, value)
            }

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.body.extend_from_slice(self.end);
        Ok(())
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let body = self.next().0;
        let start = body.len();
        key.serialize(Writer(body))?;
        if body.get(start) == Some(&b'"') { Ok(()) } else { Err(ser::Error::custom("a key must be a string")) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.body.push(b':');
        value.serialize(Writer(self.body))
    }

    fn end(self) -> Result<(), Error> {
        self.body.extend_from_slice(self.end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::Value;

    use super::write;

    fn written(value: &impl Serialize) -> String {
        let mut body = b"before ".to_vec();
        write(&mut body, value).expect("JSON");
        String::from_utf8(body).expect("UTF-8").strip_prefix("before ").expect("what was there").to_owned()
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            texts().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(texts(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Texts of every length around that of what is looked at together, with and without what is escaped, at every place.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof!["[ -~]{0,40}", "[a-z]{0,40}[\"\\\\\u{0}-\u{1f}\u{7f}][a-zé…🏗]{0,40}", any::<String>(),]
    }

    #[derive(Clone, Debug, Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Thing<'a> {
        some_text: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<i64>,
        letter: char,
        pair: (i8, u16),
        unit: (),
        shape: Vec<Shape>,
        by_name: BTreeMap<String, f32>,
        empty: Empty,
        wrapped: Wrapped,
    }

    #[derive(Clone, Debug, Serialize)]
    struct Empty;
    #[derive(Clone, Debug, Serialize)]
    struct Wrapped(i32);
    #[derive(Clone, Debug, Serialize)]
    struct Two(i32, i32);

    #[derive(Clone, Debug, Serialize)]
    enum Shape {
        Point,
        Circle(f64),
        Line(Two, u8),
        Box { width: u32, height: u32 },
    }

    proptest! {
        #[test]
        fn a_value_is_written_as_serde_json_writes_it(value in values()) {
            prop_assert_eq!(written(&value), value.to_string());
        }

        #[test]
        fn a_struct_is_written_as_serde_json_writes_it(
            text in prop::option::of(texts()),
            left_out in any::<Option<i64>>(),
            letter in any::<char>(),
            names in prop::collection::btree_map(texts(), any::<f32>(), 0..3),
        ) {
            let shape = vec![
                Shape::Point,
                Shape::Circle(1.5),
                Shape::Line(Two(1, -2), 3),
                Shape::Box { width: 2, height: 3 },
            ];
            let thing = Thing {
                some_text: text.as_deref(),
                left_out,
                letter,
                pair: (-1, 2),
                unit: (),
                shape,
                by_name: names,
                empty: Empty,
                wrapped: Wrapped(7),
            };
            prop_assert_eq!(written(&thing), serde_json::to_string(&thing).expect("JSON"));
        }
    }

    #[test]
    fn a_key_that_is_no_string_is_an_error() {
        assert!(write(&mut Vec::new(), &BTreeMap::from([(1, 2)])).is_err());
    }
}

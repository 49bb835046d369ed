//! What makes two requests the same.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a request's method, path and JSON body.
///
/// White space between the tokens of the JSON does not count, the order of its keys does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a request. `body` is well-formed JSON, or empty.
    pub fn of(method: &str, path: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        // A NUL between the parts: neither a method nor a path contains one.
        hash.update(method.as_bytes());
        hash.update([0]);
        hash.update(path.as_bytes());
        hash.update([0]);
        for run in significant(body) {
            hash.update(run);
        }
        Self(hash.finalize().into())
    }

    /// A fingerprint as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The fingerprint as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// The runs of `json` that are not white space between tokens.
fn significant(json: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut in_string, mut escaped) = (false, false);
    json.split(move |byte| {
        let blank = !in_string && matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        match byte {
            b'"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && *byte == b'\\' && !escaped;
        blank
    })
    .filter(|run| !run.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn of(body: &str) -> Fingerprint {
        Fingerprint::of("POST", "/api/v1/contacts", body.as_bytes())
    }

    #[test]
    fn white_space_does_not_count_and_order_does() {
        assert_eq!(of(r#"{"a":1,"b":"x y"}"#), of("{ \"a\" : 1,\n\t\"b\": \"x y\" }\r\n"));
        assert_ne!(of(r#"{"a":1,"b":2}"#), of(r#"{"b":2,"a":1}"#));
        assert_ne!(of(r#"{"a":"x y"}"#), of(r#"{"a":"xy"}"#));
        assert_ne!(of(r#"{"a":"\" x"}"#), of(r#"{"a":"\"x"}"#));
        assert_ne!(of(r#"{"a":"\\"}"#), of(r#"{"a":"\\ "}"#));
    }

    #[test]
    fn method_and_path_count() {
        assert_ne!(Fingerprint::of("DELETE", "/a", b""), Fingerprint::of("PATCH", "/a", b""));
        assert_ne!(Fingerprint::of("DELETE", "/a", b""), Fingerprint::of("DELETE", "/b", b""));
    }

    proptest! {
        #[test]
        fn pretty_and_compact_are_the_same(pairs in proptest::collection::vec((".*", ".*"), 0..5)) {
            let value: Value = pairs.into_iter().map(|(k, v)| (k, json!(v))).collect::<serde_json::Map<_, _>>().into();
            let pretty = serde_json::to_string_pretty(&value).expect("JSON");
            prop_assert_eq!(of(&pretty), of(&value.to_string()));
        }

        #[test]
        fn another_text_is_another_request(a: String, b: String) {
            prop_assume!(a != b);
            prop_assert_ne!(of(&json!({ "a": a }).to_string()), of(&json!({ "a": b }).to_string()));
        }
    }
}

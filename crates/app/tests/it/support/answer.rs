//! An answer, read to its end.

use std::fmt;

use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// `null` if the body is empty or no JSON.
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("a whole body").to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status, headers, bytes, json }
    }

    /// The header's value, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("visible text")).unwrap_or_default()
    }

    /// Whether nothing is known yet of what is asked for: another request with the idempotency key is at work, or the server
    /// has too much to do.
    pub(crate) fn says_to_come_again(&self) -> bool {
        let later = self.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0);
        later && matches!((self.status, self.code()), (409, "conflict") | (503, "service_unavailable"))
    }

    /// The problem's code, empty if it is none.
    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// `data` of an answer with this status, in the envelope that every such answer has.
    #[track_caller]
    pub(crate) fn data(&self, status: u16) -> &Value {
        assert_eq!((self.status, self.header("content-type")), (status, "application/json"), "{self}");
        let names: Vec<_> = self.json.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["data", "meta"], "{self}");
        let request_id = self.json["meta"]["request_id"].as_str().expect("a request id");
        assert!(is_public_id("req_", request_id), "{self}");
        // An answer that is given again has the first request's id.
        if self.header("idempotent-replayed").is_empty() {
            assert_eq!(request_id, self.header("x-request-id"), "{self}");
        }
        &self.json["data"]
    }

    /// The detail of a problem with this status and code, which has what every problem has.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> &str {
        assert_eq!((self.status, self.code()), (status, code), "{self}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self}");
        assert_eq!(self.json["status"], status, "{self}");
        assert!(self.json["type"].as_str().is_some_and(|url| url.ends_with(&format!("/docs/errors#{code}"))), "{self}");
        assert!(self.json["title"].as_str().is_some_and(|title| !title.is_empty()), "{self}");
        assert!(is_public_id("req_", self.header("x-request-id")), "{self}");
        assert_eq!(self.json["request_id"], self.header("x-request-id"), "{self}");
        assert_eq!(self.json.get("errors").is_some(), code == "validation_failed", "{self}");
        assert_eq!(
            self.header("www-authenticate").starts_with("Bearer"),
            status == 401 || code == "scope_insufficient",
            "{self}"
        );
        self.json["detail"].as_str().expect("a detail")
    }

    /// Checks that it names just these fields, each with its code, as not valid.
    #[track_caller]
    pub(crate) fn refuses_fields(&self, expected: &[(&str, &str)]) {
        self.problem(422, "validation_failed");
        assert_eq!(self.field_errors(), expected, "{self}");
        let mut messages = self.json["errors"].as_array().into_iter().flatten().map(|error| &error["message"]);
        assert!(messages.all(|message| message.as_str().is_some_and(|text| !text.is_empty())), "{self}");
    }

    /// The answer's JSON without what differs between any two answers.
    pub(crate) fn without_request_id(&self) -> Value {
        let mut json = self.json.clone();
        for place in ["", "/meta"] {
            if let Some(object) = json.pointer_mut(place).and_then(Value::as_object_mut) {
                object.remove("request_id");
            }
        }
        json
    }

    /// Each failing field with its code.
    pub(crate) fn field_errors(&self) -> Vec<(&str, &str)> {
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors
            .iter()
            .map(|error| (error["field"].as_str().unwrap_or_default(), error["code"].as_str().unwrap_or_default()))
            .collect()
    }
}

/// Shown when a test fails.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}\n{}", self.status, self.headers, String::from_utf8_lossy(&self.bytes))
    }
}

/// Whether it is a prefix and 26 characters of Crockford base32.
pub(crate) fn is_public_id(prefix: &str, text: &str) -> bool {
    let is_digit = |b: u8| b.is_ascii_digit() || (b.is_ascii_uppercase() && !b"ILOU".contains(&b));
    text.strip_prefix(prefix).is_some_and(|id| id.len() == 26 && id.bytes().all(is_digit))
}

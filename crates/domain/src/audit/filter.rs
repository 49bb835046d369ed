//! Which entries are asked for.

use crate::{clock::Timestamp, ids::KeyId};

/// The name of an HTTP method: a token (RFC 9110, section 9.1), in capitals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodName(Box<str>);

/// A text that names no HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an HTTP method")]
pub struct NotAMethod;

impl MethodName {
    /// The method that `text` names, in any case.
    pub fn parse(text: &str) -> Result<Self, NotAMethod> {
        // The characters of a token, RFC 9110, section 5.6.2.
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if text.is_empty() || !text.bytes().all(is_token) {
            return Err(NotAMethod);
        }
        Ok(Self(text.to_ascii_uppercase().into_boxed_str()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which entries are asked for: those that fit every part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Sent with this API key.
    pub api_key: Option<KeyId>,
    /// With this method.
    pub method: Option<MethodName>,
    /// Answered with this status.
    pub status: Option<u16>,
    /// Arrived at this moment or later.
    pub created_from: Option<Timestamp>,
    /// Arrived at this moment or earlier.
    pub created_to: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_a_token() {
        for (text, method) in [("GET", "GET"), ("patch", "PATCH"), ("x-CUSTOM", "X-CUSTOM")] {
            assert_eq!(MethodName::parse(text).as_ref().map(MethodName::as_str), Ok(method));
        }
        for text in ["", " ", "GET ", "GE\0T", "GET,PUT", "é", "(GET)"] {
            assert_eq!(MethodName::parse(text), Err(NotAMethod), "{text}");
        }
    }
}

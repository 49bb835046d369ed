//! Blotting out what looks like a credential: a receiver's answer is kept, and shown to whoever looks after webhooks.

/// What is shown in its place.
const BLOT: &str = "[redacted]";

/// How tokens begin that are known to be secret, with the fewest characters that such a token has.
const PREFIXES: [(&str, usize); 12] = [
    ("bwp_", 16),
    ("bwh_", 16),
    ("sk_", 16),
    ("sk-", 16),
    ("pk_", 16),
    ("rk_", 16),
    ("whsec_", 16),
    ("ghp_", 16),
    ("github_pat_", 16),
    ("xox", 16),
    ("AKIA", 16),
    ("eyJ", 24),
];

/// Words before a secret, as in the header `Authorization`.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// Parts of names whose value is secret.
const NAMES: [&str; 11] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "authorization",
    "credential",
    "cookie",
    "signature",
];

/// `text` with whatever looks like a credential blotted out: known kinds of tokens, what follows `Bearer` or `Basic`, and the values
/// of names such as `password` or `api_key`.
pub fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    // What the last word makes of the value behind it.
    let mut expects = Expects::Anything;
    while let Some(next) = rest.chars().next() {
        if !is_token(next) {
            expects = expects.behind(next);
            shown.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
            continue;
        }
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let lower = word.to_ascii_lowercase();
        let scheme = SCHEMES.contains(&lower.as_str());
        let is_secret = match expects {
            Expects::Secret => !scheme,
            Expects::Anything | Expects::Separator => {
                PREFIXES.iter().any(|(prefix, least)| word.starts_with(prefix) && word.len() >= *least)
            }
        };
        shown.push_str(if is_secret { BLOT } else { word });
        expects = match expects {
            // A value goes on to the end of what encloses it.
            Expects::Secret => Expects::Secret,
            _ if scheme => Expects::Secret,
            _ if NAMES.iter().any(|name| lower.contains(name)) => Expects::Separator,
            _ => Expects::Anything,
        };
        rest = behind;
    }
    shown
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expects {
    Anything,
    /// Behind a name: what parts it from its value.
    Separator,
    /// A value that is secret.
    Secret,
}

impl Expects {
    /// What to expect behind a character that belongs to no word.
    const fn behind(self, character: char) -> Self {
        match (self, character) {
            (Self::Separator, ':' | '=') | (Self::Secret, '"' | '\'' | ' ' | '\t' | ':' | '=' | '[' | '{') => {
                Self::Secret
            }
            (Self::Separator, '"' | '\'' | ' ' | '\t') => Self::Separator,
            _ => Self::Anything,
        }
    }
}

/// Characters of tokens in the usual encodings.
const fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | '~' | '+' | '/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_blotted_out() {
        for (text, expected) in [
            (r#"{"error":"no such key bwp_live_4fT9aaaaaaaaaaaaaaaa"}"#, r#"{"error":"no such key [redacted]"}"#),
            ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
            (r#"{"password":"hunter2","user":"ada"}"#, r#"{"password":"[redacted]","user":"ada"}"#),
            (r#"{"access_token": "abc", "n": 1}"#, r#"{"access_token": "[redacted]", "n": 1}"#),
            ("api_key=12345&x=1", "api_key=[redacted]&x=1"),
            ("X-API-Key: 12345", "X-API-Key: [redacted]"),
            ("Set-Cookie: 4711; Path=/x", "Set-Cookie: [redacted]; Path=/x"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "",
            "not found",
            r#"{"ok":false,"id":42,"name":"Søn & Æsir"}"#,
            "the token is not valid.",
            "<html>\n</html>",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text: String) {
            redacted(&text);
        }
    }
}

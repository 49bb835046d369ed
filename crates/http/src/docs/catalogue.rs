//! What the guides say from the code: the scopes, the error codes, the codes of field errors. In markdown.

use std::fmt::Write as _;

use bwp_domain::scopes::{ScopeGroup, ScopeId};

use crate::problem::ErrorCode;

/// The codes of field errors. A test finds those that the code makes and this list lacks.
pub(super) const FIELD_ERRORS: &[(&str, &str)] = &[
    ("required", "The field is not there, and must be."),
    ("not_nullable", "The field is `null`, and cannot be. Send a value, or leave the field out."),
    ("unknown_field", "There is no field of this name. `message` names the nearest one that there is."),
    (
        "read_only",
        "The field cannot be set here, and has another value than you sent. Send the value that it has, or leave it out; \
     `message` names what changes it instead. Ids, times of record and sums are ignored whatever you send.",
    ),
    ("repeated", "The field stands in its object more than once, or the parameter in the query."),
    ("invalid_type", "The value is of the wrong kind, such as a number where a string belongs."),
    ("invalid_format", "The text is not written as it must be, such as an e-mail address."),
    ("invalid_value", "The value is of the right kind and not one of those that are allowed."),
    (
        "invalid_character",
        "The text has a character that it cannot have: NUL (U+0000) in any text, and in names control characters and those that \
     change how other text is shown. `message` names it.",
    ),
    ("invalid_encoding", "The parameter is not percent-encoded UTF-8."),
    ("invalid_length", "The text is too short or too long. `message` gives the limits."),
    ("too_short", "The text or the list is too short."),
    ("too_long", "The text or the list is too long."),
    ("too_small", "The number is below the smallest that is allowed, or the time lies too early."),
    ("too_large", "The number is above the largest that is allowed."),
    ("https_required", "The URL must begin with https://."),
    (
        "address_not_allowed",
        "The URL is not one of a public host, or has a user name, a password or a fragment. Whether its name is unknown or means \
     something inside is not said.",
    ),
    (
        "not_found",
        "The value is the id of something that is not there: it never was, it was deleted, or it is another tenant's.",
    ),
];

/// A table for each group of scopes.
pub(super) fn scopes() -> String {
    let mut text = String::new();
    for (group, title, meaning) in [
        (ScopeGroup::Resource, "Resource scopes", "Seeing, changing and deleting a family of resources."),
        (
            ScopeGroup::Workflow,
            "Workflow scopes",
            "Steps of a business process. They are apart from writing, so that a program that prepares a document need \
             not be able to send or approve it.",
        ),
        (ScopeGroup::Meta, "Meta scopes", "The account itself, and what concerns every family."),
    ] {
        let _ = write!(text, "\n## {title}\n\n{meaning}\n\n| Scope | Family | What it allows |\n|---|---|---|\n");
        for scope in ScopeId::ALL.iter().filter(|scope| scope.group() == group) {
            let _ = writeln!(text, "| `{scope}` | `{}` | {} |", scope.family(), scope.meaning());
        }
    }
    text
}

/// An overview, then a section for each code. The section's id is the code: problems point there.
pub(super) fn errors() -> String {
    let mut text = "| Code | Status | Title |\n|---|---|---|\n".to_owned();
    for code in ErrorCode::ALL {
        let (code, status, title) = (code.as_str(), code.status().as_u16(), code.title());
        let _ = writeln!(text, "| [`{code}`](#{code}) | {status} | {title} |");
    }
    for code in ErrorCode::ALL {
        let _ = write!(
            text,
            "\n### {title} {{#{code}}}\n\n`{code}` · status {status}\n\n{meaning}\n\n**What to do:** {advice}\n",
            title = code.title(),
            code = code.as_str(),
            status = code.status().as_u16(),
            meaning = code.meaning(),
            advice = code.advice(),
        );
    }
    text
}

/// A table of the codes of field errors.
pub(super) fn field_errors() -> String {
    let mut text = "| Code | Meaning |\n|---|---|\n".to_owned();
    for (code, meaning) in FIELD_ERRORS {
        let _ = writeln!(text, "| `{code}` | {meaning} |");
    }
    text
}

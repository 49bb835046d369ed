//! The OpenAPI document, made from the table of operations.

mod document;
mod example;
pub(crate) mod fields;
mod integer;
mod schemas;

use bwp_domain::scopes::ScopeId;
use serde_json::Value;

pub use document::{Document, document};
pub(crate) use integer::Integer;
pub(crate) use schemas::{SchemaSource, Schemas, TEXT_PATTERN, read_only_note, request_schema, word_schema};

use crate::problem::ErrorCode;

/// Where the document is, below the base path.
pub(crate) const PATH: &str = "/openapi.json";

/// What an operation takes from a request, as its handler's signature says.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of an operation by itself")]
pub(crate) struct Input {
    /// The scopes that it needs.
    pub(crate) scopes: &'static [ScopeId],
    /// Its parameters, as the document writes them.
    pub(crate) parameters: Vec<Value>,
    /// Whether it names a resource by its id.
    pub(crate) has_id: bool,
    /// What it does with an idempotency key.
    pub(crate) key: KeyUse,
    /// How it refuses a bad query parameter, if it takes any.
    pub(crate) query_refusal: Option<ErrorCode>,
    /// Whether it tells how the caller's budgets stand.
    pub(crate) standing: bool,
    /// What it takes as a body.
    pub(crate) body: Option<Body>,
    /// Whether the body is a form with a file, and not JSON.
    pub(crate) is_form: bool,
    /// Whether the body may be left out.
    pub(crate) body_optional: bool,
    /// Whether the state of things may forbid it, though it changes nothing.
    pub(crate) conflicts: bool,
}

impl Input {
    /// Calls the second id in the path by the name that the path gives it.
    pub(crate) fn name_item(&mut self, path: &str) {
        let Some(name) = path.split('{').nth(2).and_then(|rest| rest.split('}').next()) else { return };
        for parameter in self.parameters.iter_mut().filter(|parameter| parameter["name"] == ITEM) {
            parameter["name"] = name.into();
        }
    }
}

/// What the second id in a path is called until the path is known.
pub(crate) const ITEM: &str = "{item}";

/// What an operation does with an idempotency key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeyUse {
    /// It takes none.
    #[default]
    None,
    /// It takes one and ignores it: it changes nothing.
    Ignored,
    /// It has one effect for each key.
    Used,
}

/// The body of a request.
pub(crate) struct Body {
    /// Its schema.
    pub(crate) schema: SchemaSource,
    /// A good one.
    pub(crate) example: Value,
}

/// What an answer's `data` is.
pub(crate) enum ReplyKind {
    /// One thing.
    One(SchemaSource),
    /// A page of things.
    Page(SchemaSource),
    /// Those of the things asked for that there are.
    Many(SchemaSource),
    /// All things, in one list.
    All(SchemaSource),
    /// The bytes of a file of this media type.
    File(&'static str),
    /// A page of things, of pages that have numbers.
    Numbered(SchemaSource),
    /// There is no body.
    Nothing,
}

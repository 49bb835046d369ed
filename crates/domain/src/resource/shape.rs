//! The description of a resource: plain data that adapters interpret.

use super::Value;
use crate::scopes::ScopeId;

/// What a resource is: its names, its fields, and who may do what with it.
///
/// It knows no SQL and no HTTP. `#[derive(Resource)]` writes it from a struct.
#[derive(Debug)]
pub struct Shape {
    /// What people call one, such as `lead stage`.
    pub one: &'static str,
    /// What people call many.
    pub many: &'static str,
    /// The name of its schema in the API's document, such as `LeadStage`.
    pub name: &'static str,
    /// Its meaning, in a sentence.
    pub doc: &'static str,
    /// The table that keeps it.
    pub table: &'static str,
    /// The kinds of its events. `None`: nobody is told.
    pub events: Option<Events>,
    /// The version of its events' payload.
    pub version: i16,
    /// Its own fields. Each resource has an id and the times of its creation and last change besides.
    pub fields: &'static [Field],
    /// Whether changes of one tenant's rows are made one after another: each may look at the others, and change them.
    pub in_turn: bool,
    /// Whether answers show when it was last changed.
    pub shows_updated_at: bool,
    /// The scopes that each use of it needs.
    pub scopes: Scopes,
}

/// The kinds of a resource's events.
#[derive(Clone, Copy, Debug)]
pub struct Events {
    /// Such as `lead.created`.
    pub created: &'static str,
    /// Such as `lead.updated`.
    pub updated: &'static str,
    /// Such as `lead.deleted`.
    pub deleted: &'static str,
}

/// The scopes that the uses of a resource need.
#[derive(Clone, Copy, Debug)]
pub struct Scopes {
    /// To read it.
    pub read: &'static [ScopeId],
    /// To make and change it.
    pub write: &'static [ScopeId],
    /// To delete and restore it.
    pub delete: &'static [ScopeId],
}

/// One field.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a field, and none implies another")]
pub struct Field {
    /// Its public name.
    pub name: &'static str,
    /// The column that keeps it.
    pub column: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may hold nothing.
    pub nullable: bool,
    /// Whether a request that makes one must send it.
    pub required: bool,
    /// Whether a new one gets it from the family's rules when a request sends `null`, an empty text or nothing.
    pub automatic: bool,
    /// What it holds when a request that makes one does not send it.
    pub default: Value<'static>,
    /// Who sets it.
    pub access: Access,
    /// Whether a compact list shows it.
    pub compact: bool,
    /// The rows that it names by their ids.
    pub refers: Option<&'static Reference>,
    /// The query parameter by which lists are filtered by it. An index over it serves such a list.
    pub filter: Option<&'static str>,
    /// Whether a search looks into it; of a reference, into the row that it names.
    pub search: bool,
    /// Its meaning, in a sentence.
    pub doc: &'static str,
    /// A value, as it is written.
    pub example: Option<&'static str>,
}

/// Who sets a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Requests do.
    Settable,
    /// The server does. What a request says about it is ignored: a copy may be out of date.
    Ignored,
    /// The server does. A request may repeat its value; another one is refused, with this text, which says what sets it instead.
    ReadOnly(&'static str),
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text of so many characters.
    Text {
        /// At least.
        least: usize,
        /// At most.
        most: usize,
    },
    /// An e-mail address.
    Email,
    /// A whole number.
    Integer {
        /// At least.
        least: i64,
        /// At most.
        most: i64,
    },
    /// The id of a row.
    Id,
    /// Yes or no.
    Bool,
    /// An amount of money.
    Money {
        /// Whether it may be less than nothing.
        negative: bool,
    },
    /// A moment. A date without a time is its midnight, UTC.
    Moment,
    /// One of these words.
    Words(&'static [&'static str]),
}

impl Kind {
    /// The same kind, with other bounds. For a field's attributes.
    #[must_use]
    pub const fn bounded(self, least: Option<i64>, most: Option<i64>) -> Self {
        match self {
            Self::Text { least: l, most: m } => Self::Text { least: or_size(least, l), most: or_size(most, m) },
            Self::Integer { least: l, most: m } => Self::Integer { least: or(least, l), most: or(most, m) },
            other => other,
        }
    }

    /// The same kind, with amounts less than nothing. For a field's attributes.
    #[must_use]
    pub const fn signed(self) -> Self {
        match self {
            Self::Money { .. } => Self::Money { negative: true },
            other => other,
        }
    }
}

const fn or(bound: Option<i64>, default: i64) -> i64 {
    match bound {
        Some(bound) => bound,
        None => default,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length, written in a field's attribute")]
const fn or_size(bound: Option<i64>, default: usize) -> usize {
    match bound {
        Some(bound) => bound as usize,
        None => default,
    }
}

/// Rows that a field names by their ids.
#[derive(Debug)]
pub struct Reference {
    /// What people call one.
    pub one: &'static str,
    /// The table.
    pub table: &'static str,
    /// The column that has the id, beside `tenant_id`.
    pub column: &'static str,
    /// The column that is null as long as the row may be named anew. `None`: always.
    pub ended: Option<&'static str>,
    /// The description of those rows, if they are resources.
    pub shape: Option<fn() -> &'static Shape>,
    /// The columns of those rows that a search through the reference looks into: those that a search for the rows themselves does,
    /// in its order. Empty: none.
    pub searched: &'static [&'static str],
}

impl Shape {
    /// The places of the fields of these public names.
    pub fn places(&self, names: &[&str]) -> Vec<usize> {
        names.iter().filter_map(|name| self.field(name)).map(|(at, _)| at).collect()
    }

    /// The field of this public name, and its place.
    pub fn field(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.name == name)
    }
}

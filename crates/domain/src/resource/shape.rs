//! The description of a resource: plain data that adapters interpret.

use rust_decimal::Decimal;

use super::{Value, Written};
use crate::{clock::Day, scopes::ScopeId};

/// What a resource is: its names, its fields, and who may do what with it.
///
/// It knows no SQL and no HTTP. `#[derive(Resource)]` writes it from a struct.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a resource by itself")]
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
    /// Whether changes lock what they read, and do not go by what is to be expected: for rules that read other rows.
    pub asks: bool,
    /// Whether others are told of new ones.
    pub tells_created: bool,
    /// Whether answers show when it was last changed.
    pub shows_updated_at: bool,
    /// What answers show of it that is no field, such as the rows that belong to it. Bodies may repeat that, without effect.
    pub shows: &'static [&'static str],
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
    /// Its other name: requests may send either, and answers that are not compact show both.
    pub also: Option<&'static str>,
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
    /// Whether a change that sends `null` or an empty text gets it so too.
    pub renewed: bool,
    /// That no other live row of the tenant may hold the same text, in any case: of all rows, or of those that hold the same values in
    /// the fields of these names. A unique index keeps it so. `None`: others may.
    pub unique: Option<&'static [&'static str]>,
    /// Whether a request may send `null`, though it is never empty: a change passes over it, and a new one gets it from the family's
    /// rules.
    pub skips_null: bool,
    /// Whether a request that changes one must send it.
    pub always: bool,
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
    /// The word of its filter that stands for any value, and does not filter.
    pub filter_any: Option<&'static str>,
    /// The word of its filter that asks for rows for which the field of the second name says yes.
    pub filter_flag: Option<(&'static str, &'static str)>,
    /// Whether a search looks into it; of a reference, into the row that it names.
    pub search: bool,
    /// Whether `dateFrom` and `dateTo` of lists bound it, and not the time of creation.
    pub range: bool,
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
    /// Requests that make a row do. What later ones say about it is ignored.
    Once,
    /// The server does. What a request says about it is ignored: a copy may be out of date.
    Ignored,
    /// The server does. A request may repeat its value; another one is refused, with this text, which says what sets it instead.
    ReadOnly(&'static str),
}

impl Access {
    /// Whether a request that makes a new one, or one that changes it, sets the field.
    pub const fn is_settable(self, new: bool) -> bool {
        matches!(self, Self::Settable) || matches!(self, Self::Once) && new
    }
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
    /// An exact number with decimals.
    Decimal {
        /// Digits before the point, at most.
        whole: u32,
        /// Digits behind the point, at most. What is sent is rounded to them.
        places: u32,
        /// At least. `None`: whatever its digits can hold.
        least: Option<Bound>,
        /// At most. `None`: whatever its digits can hold.
        most: Option<Bound>,
        /// How requests and answers write it.
        written: Written,
    },
    /// A moment. A date without a time is its midnight, UTC.
    Moment,
    /// A work day: the day as it is written, whatever the time and the offset.
    Day,
    /// Any JSON, as it is sent.
    Json,
    /// Texts, each once.
    Texts {
        /// How many, at most.
        most: usize,
        /// The characters of one, at most.
        each: usize,
    },
    /// One of these words.
    Words(&'static [&'static str]),
}

impl Kind {
    /// The same kind, with other bounds. For a field's attributes.
    #[must_use]
    pub const fn bounded(self, least: Option<Bound>, most: Option<Bound>) -> Self {
        match self {
            Self::Text { least: l, most: m } => Self::Text { least: or_size(least, l), most: or_size(most, m) },
            Self::Integer { least: l, most: m } => Self::Integer { least: or(least, l), most: or(most, m) },
            Self::Texts { most: m, each } => Self::Texts { most: or_size(most, m), each },
            Self::Decimal { whole, places, least: l, most: m, written } => {
                let least = if least.is_some() { least } else { l };
                let most = if most.is_some() { most } else { m };
                Self::Decimal { whole, places, least, most, written }
            }
            other => other,
        }
    }

    /// The same kind, with numbers less than nothing. For a field's attributes.
    #[must_use]
    pub const fn signed(self) -> Self {
        match self {
            Self::Decimal { whole, places, most, written, .. } => {
                Self::Decimal { whole, places, least: None, most, written }
            }
            other => other,
        }
    }

    /// What a new row holds until the family's rules set it. For a field's attributes.
    #[must_use]
    pub const fn blank(self) -> Value<'static> {
        match self {
            Self::Text { .. } => Value::Text(std::borrow::Cow::Borrowed("")),
            Self::Day => Value::Day(Day::EPOCH),
            _ => Value::Null,
        }
    }

    /// The same kind, written so. For a field's attributes.
    #[must_use]
    pub const fn written(self, written: Written) -> Self {
        match self {
            Self::Decimal { whole, places, least, most, .. } => Self::Decimal { whole, places, least, most, written },
            other => other,
        }
    }

    /// The same kind, with so many characters in each of its texts at most. For a field's attributes.
    #[must_use]
    pub const fn each(self, each: usize) -> Self {
        match self {
            Self::Texts { most, .. } => Self::Texts { most, each },
            other => other,
        }
    }
}

/// A bound of a field: so many units of its last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    units: i64,
    places: u32,
}

impl Bound {
    /// Nothing.
    pub const ZERO: Self = Self::new(0, 0);

    /// `units` of the place so far behind the point: 25 of the second are 0.25.
    pub const fn new(units: i64, places: u32) -> Self {
        Self { units, places }
    }

    /// The bound as a number.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.units, self.places)
    }
}

const fn or(bound: Option<Bound>, default: i64) -> i64 {
    match bound {
        Some(bound) => bound.units,
        None => default,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length, written in a field's attribute")]
const fn or_size(bound: Option<Bound>, default: usize) -> usize {
    match bound {
        Some(bound) => bound.units as usize,
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

    /// The field of this public name, or that is also called so, and its place.
    pub fn field(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.name == name || field.also == Some(name))
    }
}

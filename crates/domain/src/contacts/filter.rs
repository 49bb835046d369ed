//! Which contacts are asked for, and what a summary tells.

use super::ContactType;
use crate::{clock::Timestamp, text::SearchText};

/// Which contacts are asked for: those that fit every part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactFilter {
    /// Of this type.
    pub kind: Option<ContactType>,
    /// In whose name, e-mail address, phone numbers, company's name or notes this text is found, in any case.
    pub search: Option<SearchText>,
    /// Made at this moment or later.
    pub created_from: Option<Timestamp>,
    /// Made at this moment or earlier.
    pub created_to: Option<Timestamp>,
}

/// How many contacts there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactSummary {
    /// How many of each type that there is at least one of, in the types' order.
    pub by_type: Vec<(ContactType, i64)>,
}

impl ContactSummary {
    /// How many in all.
    pub fn total(&self) -> i64 {
        self.by_type.iter().map(|(_, count)| count).sum()
    }
}

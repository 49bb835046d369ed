//! Which contacts are asked for, and what a summary tells.

use super::ContactType;
use crate::{clock::Timestamp, fields::Fault, text::Text};

/// A text that is looked for, in any case, in the name, the e-mail address, the phone numbers, the company's name and
/// the notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(Text);

impl SearchText {
    /// `text` without white space around it, or the fault with it. `Ok(None)` if nothing is left: that looks for
    /// nothing in particular.
    pub fn parse(text: &str) -> Result<Option<Self>, Fault> {
        let text = text.trim();
        if text.is_empty() { Ok(None) } else { Text::parse(text.to_owned()).map(Self).map(Some) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which contacts are asked for: those that fit every part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactFilter {
    /// Of this type.
    pub kind: Option<ContactType>,
    /// In which this text is found.
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

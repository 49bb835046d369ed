//! Which keys are asked for.

use super::KeyStatus;
use crate::{
    clock::Timestamp,
    ids::{KeyId, KeyPublicId},
    text::SearchText,
};

/// One key, named in either of the two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// By its id.
    Id(KeyId),
    /// By its public id.
    Public(KeyPublicId),
}

/// Which keys are asked for: those that fit every part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// In whose name or shown prefix this text is found, in any case.
    pub search: Option<SearchText>,
    /// With this status at this moment.
    pub status: Option<(KeyStatus, Timestamp)>,
}

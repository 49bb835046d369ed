//! Fields that a smaller way of showing a row leaves out.

use serde::Serialize;

/// A field that `compact` leaves out: unlike one that is `null`, it is not there at all.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Projected<T> {
    /// The field is not there.
    LeftOut,
    /// The field, whatever its value.
    Shown(T),
}

impl<T> Projected<T> {
    /// For `#[serde(skip_serializing_if)]`, which every such field needs.
    pub(crate) const fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut)
    }
}

//! How long a rotated key goes on working.

use std::time::Duration;

use crate::fields::Fault;

/// How long a rotated key works beside its successor: up to 7 days. None at all: it ends at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap(Duration);

impl Overlap {
    /// None: the rotated key ends at once.
    pub const NONE: Self = Self(Duration::ZERO);
    /// One day, unless somebody says otherwise: the answer with the successor may be lost, and the old key is then what is left.
    pub const USUAL: Self = Self(Duration::from_hours(24));
    /// The longest: 7 days.
    pub const MAX: Self = Self(Duration::from_hours(7 * 24));

    /// This time, or the fault with it.
    pub fn new(time: Duration) -> Result<Self, Fault> {
        if time <= Self::MAX.0 {
            Ok(Self(time))
        } else {
            Err(Fault::new("too_large", "A rotated key works for at most 7 days (604800 seconds) more."))
        }
    }

    /// So many seconds, or the fault with them.
    pub fn of_seconds(seconds: i64) -> Result<Self, Fault> {
        match u64::try_from(seconds) {
            Ok(seconds) => Self::new(Duration::from_secs(seconds)),
            Err(_) => Err(Fault::new("too_small", "Must be 0 or more.")),
        }
    }

    /// The time.
    pub const fn get(self) -> Duration {
        self.0
    }
}

//! How much may be spent.

use std::{fmt, str::FromStr, time::Duration};

use crate::{ids::KeyId, principal::KeyCredential, text::quoted};

/// How much may be spent in a window: units of a tenant, requests of a key. 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateLimit(u32);

/// A number that is no limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rate limit: expected a whole number from 0 (no limit) to {max}", max = RateLimit::MAX.0)]
pub struct InvalidRateLimit(pub String);

impl RateLimit {
    /// No limit.
    pub const NONE: Self = Self(0);
    /// The largest limit.
    pub const MAX: Self = Self(i32::MAX.cast_unsigned());
    /// What a new tenant gets: 10,000 units.
    pub const OF_TENANT: Self = Self(10_000);
    /// What a new key gets: 60 requests.
    pub const OF_KEY: Self = Self(60);

    /// A limit as it was stored or asked for. `None` if it is larger than [`MAX`](Self::MAX).
    pub const fn new(limit: u32) -> Option<Self> {
        if limit <= Self::MAX.0 { Some(Self(limit)) } else { None }
    }

    /// The number. 0: no limit.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether there is no limit.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RateLimit {
    type Err = InvalidRateLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::new).ok_or_else(|| InvalidRateLimit(quoted(text)))
    }
}

/// A limit and the time it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How much.
    pub limit: RateLimit,
    /// In what time.
    pub window: Duration,
}

impl Budget {
    /// The window of a tenant's budget.
    pub const TENANT_WINDOW: Duration = Duration::from_hours(1);
    /// The window of a key's budget.
    pub const KEY_WINDOW: Duration = Duration::from_mins(1);
    /// Budgets up to this are counted to the millisecond.
    pub const EXACT_UP_TO: u32 = 10_000;
    /// Into how many slots a window the spendings of larger budgets are merged: a key that sends ten requests a second
    /// would else have more to be remembered than its credential.
    pub const SLOTS: u32 = 100;

    /// A tenant's budget: units an hour.
    pub const fn of_tenant(limit: RateLimit) -> Self {
        Self { limit, window: Self::TENANT_WINDOW }
    }

    /// A key's budget: requests a minute.
    pub const fn of_key(limit: RateLimit) -> Self {
        Self { limit, window: Self::KEY_WINDOW }
    }

    /// The window's length in milliseconds, at least 1.
    pub fn window_millis(&self) -> i64 {
        i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX).max(1)
    }

    /// The length in milliseconds of the slots in which spendings are merged. 1: they are kept to the millisecond.
    pub fn slot_millis(&self) -> i64 {
        if self.limit.0 <= Self::EXACT_UP_TO {
            1
        } else {
            // Rounded up: more slots would be more memory.
            (self.window_millis() - 1) / i64::from(Self::SLOTS) + 1
        }
    }
}

/// The budgets that a request is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// The tenant's, in units.
    pub tenant: Budget,
    /// The key's, in requests. `None` for callers without a key.
    pub key: Option<(KeyId, Budget)>,
}

impl From<&KeyCredential> for Budgets {
    fn from(credential: &KeyCredential) -> Self {
        Self {
            tenant: Budget::of_tenant(credential.tenant.rate_limit),
            key: Some((credential.key.id, Budget::of_key(credential.key.rate_limit))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_numbers_that_can_be_stored() {
        assert_eq!("0".parse(), Ok(RateLimit::NONE));
        assert_eq!("2147483647".parse(), Ok(RateLimit::MAX));
        for text in ["", "-1", "2147483648", "1.5", "many"] {
            assert_eq!(text.parse::<RateLimit>(), Err(InvalidRateLimit(text.to_owned())));
        }
    }

    #[test]
    fn large_budgets_are_counted_in_slots() {
        let slot = |limit| Budget::of_tenant(RateLimit(limit)).slot_millis();
        assert_eq!((slot(1), slot(10_000), slot(10_001)), (1, 1, 36_000));
        assert_eq!(Budget::of_key(RateLimit(10_001)).slot_millis(), 600);
        assert_eq!(Budget { limit: RateLimit::MAX, window: Duration::from_millis(7) }.slot_millis(), 1);
    }
}

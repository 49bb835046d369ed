//! Who was refused of late.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{FailuresKey, TooMany};
use crate::{bounded::Bounded, clock::Timestamp};

/// What had too many failures of late, as this process found it: it is refused again without asking the store.
///
/// The store stays the truth, over all processes: it may have taken failures back, or forgotten them. So it is asked again now
/// and then, by one attempt each time, while all others go on to be refused. What is remembered is bounded; for what is not, the
/// store is asked.
pub struct Refused(Mutex<Bounded<FailuresKey, Refusal>>);

struct Refusal {
    /// Until when there are too many failures.
    until: Timestamp,
    /// When the store was asked last.
    asked: Timestamp,
}

/// How many are remembered at least.
const REMEMBERED: usize = 8_192;

impl Default for Refused {
    fn default() -> Self {
        Self(Mutex::new(Bounded::new(REMEMBERED)))
    }
}

impl Refused {
    /// How long after the store was asked it is asked again.
    pub const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(10);

    /// Refuses an attempt that is counted under `keys`, if one of them is known to have had too many failures. The attempt that
    /// is let through when it is time to ask again has to [`remember`](Self::remember) or [`forget`](Self::forget) what comes
    /// of that.
    pub fn check(&self, keys: &[FailuresKey], now: Timestamp) -> Result<(), TooMany> {
        let mut all = self.lock();
        let (mut longest, mut stale) = (None, false);
        for key in keys {
            let Some(refusal) = all.get_mut(key) else { continue };
            if refusal.until <= now {
                all.remove(key);
            } else if refusal.is_fresh(now) {
                longest = longest.max(Some(refusal.until));
            } else {
                stale = true;
            }
        }
        if let Some(until) = longest {
            return Err(TooMany::until(until, now));
        }
        if stale {
            for key in keys {
                if let Some(refusal) = all.get_mut(key) {
                    refusal.asked = now;
                }
            }
        }
        Ok(())
    }

    /// Remembers that the store, asked at `now`, refused what is counted under `key`.
    pub fn remember(&self, key: FailuresKey, refused: TooMany, now: Timestamp) {
        self.lock().insert(key, Refusal { until: now.plus(refused.retry_after), asked: now });
    }

    /// Forgets what was remembered: there is room again.
    pub fn forget(&self, keys: &[FailuresKey]) {
        let mut all = self.lock();
        for key in keys {
            all.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bounded<FailuresKey, Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusal {
    /// Whether the store need not be asked. A clock that was set back makes nothing fresh.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.asked <= now && now < self.asked.plus(Refused::ASKED_AGAIN_AFTER)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("len", &self.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_767_225_600_000 + seconds * 1000)
    }

    const KEY: FailuresKey = FailuresKey::from_bytes([1; 32]);
    const OTHER: FailuresKey = FailuresKey::from_bytes([2; 32]);

    fn for_seconds(seconds: u64) -> TooMany {
        TooMany { retry_after: Duration::from_secs(seconds) }
    }

    #[test]
    fn what_was_refused_is_refused_until_its_time_and_the_store_is_asked_now_and_then_by_one() {
        let refused = Refused::default();
        assert_eq!(refused.check(&[KEY], at(0)), Ok(()));
        refused.remember(KEY, for_seconds(25), at(0));
        assert_eq!(refused.check(&[KEY], at(0)), Err(for_seconds(25)));
        assert_eq!(refused.check(&[OTHER], at(0)), Ok(()));
        assert_eq!(refused.check(&[OTHER, KEY], at(9)), Err(for_seconds(16)));
        assert_eq!(refused.check(&[OTHER, KEY], at(10)), Ok(()), "it is time to ask");
        assert_eq!(refused.check(&[KEY], at(10)), Err(for_seconds(15)), "one asks, others need not");
        assert_eq!(refused.check(&[KEY], at(20)), Ok(()));
        assert_eq!(refused.check(&[KEY], at(24)), Err(for_seconds(1)));
        assert_eq!(refused.check(&[KEY], at(25)), Ok(()), "it is over");
        assert_eq!(refused.check(&[KEY], at(25)), Ok(()));
    }

    #[test]
    fn nobody_asks_while_another_key_is_known_to_be_refused() {
        let refused = Refused::default();
        refused.remember(KEY, for_seconds(900), at(0));
        refused.remember(OTHER, for_seconds(500), at(5));
        assert_eq!(refused.check(&[KEY, OTHER], at(12)), Err(for_seconds(493)));
        assert_eq!(refused.check(&[KEY], at(12)), Ok(()), "that was not this one's turn to ask");
    }

    #[test]
    fn what_is_forgotten_is_let_through_and_a_clock_set_back_refuses_nobody_for_longer() {
        let refused = Refused::default();
        refused.remember(KEY, for_seconds(900), at(0));
        refused.forget(&[KEY, OTHER]);
        assert_eq!(refused.check(&[KEY], at(0)), Ok(()));
        refused.remember(KEY, for_seconds(900), at(10_000));
        assert_eq!(refused.check(&[KEY], at(0)), Ok(()), "the store is asked");
        assert_eq!(
            refused.check(&[KEY], at(0)),
            Err(for_seconds(900)),
            "and nobody waits longer than a failure counts"
        );
    }
}

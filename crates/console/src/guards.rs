//! What keeps strangers within bounds, and the log readable meanwhile.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bwp_domain::{
    clock::{Clock, Timestamp},
    rate_limits::PageBudgets,
    sign_in::Refused,
};

/// What all workers of a server share against too much.
#[derive(Debug)]
pub struct Guards {
    /// How much is asked of the pages.
    pub(crate) budgets: PageBudgets,
    /// Who had too many failures.
    pub(crate) refused: Refused,
    /// Lines about forms of other origins.
    pub(crate) origins: Seldom,
    /// Lines about pages that were not shown because too much is going on.
    pub(crate) busy: Seldom,
}

impl Guards {
    /// Guards that know of nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (origins, busy) = (Seldom::default(), Seldom::default());
        Self { budgets: PageBudgets::new(clock), refused: Refused::default(), origins, busy }
    }
}

/// Has a line written now and then that strangers could have written as often as they like.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    last: Option<Timestamp>,
    left_out: u64,
}

impl Seldom {
    /// Between two lines.
    const PAUSE: Duration = Duration::from_mins(1);

    /// Whether a line may be written at `now`, and how many were left out since the last one.
    pub(crate) fn turn(&self, now: Timestamp) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back keeps no line from being written.
        if lines.last.is_some_and(|last| last <= now && now < last.plus(Self::PAUSE)) {
            lines.left_out += 1;
            return None;
        }
        lines.last = Some(now);
        Some(std::mem::take(&mut lines.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_minute_says_how_many_were_left_out() {
        let seldom = Seldom::default();
        let turn = |second: i64| seldom.turn(Timestamp::from_unix_millis(second * 1000));
        assert_eq!([turn(100), turn(100), turn(159), turn(160), turn(161)], [Some(0), None, None, Some(2), None]);
        assert_eq!([turn(10), turn(11)], [Some(1), None]);
    }
}

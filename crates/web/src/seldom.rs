//! Lines of the log that strangers could have written as often as they like.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::current::CurrentRequest;

/// Has a line written now and then that strangers could have written as often as they like: none of them must fill the log.
#[derive(Debug)]
pub struct Seldom {
    pause: Duration,
    lines: Mutex<Lines>,
}

#[derive(Debug)]
struct Lines {
    last: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// At most one line in each `pause`.
    pub const fn every(pause: Duration) -> Self {
        Self { pause, lines: Mutex::new(Lines { last: None, left_out: 0 }) }
    }

    /// At most one line a second.
    pub const fn each_second() -> Self {
        Self::every(Duration::from_secs(1))
    }

    /// At most one line a minute.
    pub const fn each_minute() -> Self {
        Self::every(Duration::from_mins(1))
    }

    /// Whether a line may be written now, and how many were left out since the last one.
    pub fn turn(&self) -> Option<u64> {
        self.turn_at(Instant::now())
    }

    /// Like [`turn`](Self::turn), for a line about the request that is worked on. About one of a tenant's a line may always be written:
    /// how many requests it sends is bounded.
    pub fn turn_of_request(&self) -> Option<u64> {
        if CurrentRequest::get().is_some_and(|request| request.tenant().is_some()) { Some(0) } else { self.turn() }
    }

    fn turn_at(&self, now: Instant) -> Option<u64> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.last.is_some_and(|last| now.saturating_duration_since(last) < self.pause) {
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
        let (seldom, start) = (Seldom::each_minute(), Instant::now());
        let turn = |second: u64| seldom.turn_at(start + Duration::from_secs(second));
        assert_eq!([turn(100), turn(100), turn(159), turn(160), turn(161)], [Some(0), None, None, Some(2), None]);
    }
}

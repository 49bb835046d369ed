//! One sliding window.

use std::collections::VecDeque;

use super::{Budget, Counter};
use crate::clock::Timestamp;

/// What was spent of one budget within its window, and when.
///
/// Exact for budgets up to [`Budget::EXACT_UP_TO`]: what is spent at `t` leaves at `t` + window, to the millisecond.
/// Spendings of larger budgets are merged into slots, and a slot leaves when its latest spending would: more may be
/// counted than was spent in the window, never less. A window keeps no more entries than its budget, or than about
/// [`Budget::SLOTS`].
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Oldest first, each at a later time than the one before.
    spendings: VecDeque<Spending>,
    /// The time of the latest, in milliseconds since 1970.
    latest: i64,
    /// The sum of them.
    used: u64,
}

/// There are up to a hundred of these for each key that is used, and more for smaller budgets.
#[derive(Clone, Copy, Debug)]
struct Spending {
    /// When: the low bits of the milliseconds since 1970. All of a window lie within a day of each other.
    at: u32,
    /// No budget has room for more.
    amount: u32,
}

impl Window {
    /// A window in which nothing was spent.
    pub const fn new() -> Self {
        Self { spendings: VecDeque::new(), latest: 0, used: 0 }
    }

    /// When a spending was made, in milliseconds since 1970.
    fn time(&self, spending: Spending) -> i64 {
        self.latest - i64::from(low_bits(self.latest).wrapping_sub(spending.at))
    }

    /// Lets go of what has left the window at `now`. To be called before the others, with the same budget and time.
    pub fn advance(&mut self, budget: &Budget, now: Timestamp) {
        let now = now.unix_millis();
        if self.spendings.is_empty() {
            return;
        }
        if self.latest > now {
            self.set_back(now);
        }
        let length = budget.window_millis();
        while let Some(oldest) = self.spendings.front()
            && self.time(*oldest).saturating_add(length) <= now
        {
            self.used -= u64::from(oldest.amount);
            self.spendings.pop_front();
        }
    }

    /// The clock was set back. What now lies in the future counts as spent at this moment, so that it neither leaves too
    /// soon nor stays for as long as the clock was off.
    #[cold]
    fn set_back(&mut self, now: i64) {
        let mut amount = 0_u32;
        while let Some(latest) = self.spendings.back()
            && self.time(*latest) >= now
        {
            amount = amount.saturating_add(latest.amount);
            self.spendings.pop_back();
        }
        self.push(now, amount);
    }

    fn push(&mut self, now: i64, amount: u32) {
        self.latest = now;
        self.spendings.push_back(Spending { at: low_bits(now), amount });
    }

    /// Whether less was spent than the limit.
    pub fn has_room(&self, budget: &Budget) -> bool {
        self.used < u64::from(budget.limit.get())
    }

    /// Notes that `amount` was spent at `now`.
    pub fn spend(&mut self, budget: &Budget, now: Timestamp, amount: u32) {
        if amount == 0 {
            return;
        }
        let (now, slot) = (now.unix_millis(), budget.slot_millis());
        self.used += u64::from(amount);
        match self.spendings.back_mut() {
            Some(latest) if self.latest.div_euclid(slot) == now.div_euclid(slot) => {
                *latest = Spending { at: low_bits(now), amount: latest.amount + amount };
                self.latest = now;
            }
            _ => self.push(now, amount),
        }
    }

    /// How the budget stands at `now`.
    pub fn counter(&self, budget: &Budget, now: Timestamp) -> Counter {
        Counter::new(budget, self.used, self.wait_millis(budget, now))
    }

    /// In how many milliseconds more remains: when the oldest spending leaves, or, while nothing remains, when so many
    /// have left that there is room for one more request. 0 if nothing was spent.
    fn wait_millis(&self, budget: &Budget, now: Timestamp) -> i64 {
        let target = self.used.min(u64::from(budget.limit.get()));
        let mut used = self.used;
        for spending in &self.spendings {
            used -= u64::from(spending.amount);
            if used < target {
                return self.time(*spending).saturating_add(budget.window_millis()) - now.unix_millis();
            }
        }
        0
    }

    /// How much was spent in the window.
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// How many entries it keeps.
    pub fn len(&self) -> usize {
        self.spendings.len()
    }

    /// Whether nothing was spent in the window.
    pub fn is_empty(&self) -> bool {
        self.spendings.is_empty()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the rest is known from the latest")]
const fn low_bits(millis: i64) -> u32 {
    millis as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{super::RateLimit, *};

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000 + millis)
    }

    fn budget(limit: u32, window_millis: u64) -> Budget {
        Budget { limit: RateLimit::new(limit).expect("small"), window: Duration::from_millis(window_millis) }
    }

    /// Spends if there is room.
    fn charge(window: &mut Window, budget: &Budget, now: i64, cost: u32) -> bool {
        window.advance(budget, at(now));
        let room = window.has_room(budget);
        if room {
            window.spend(budget, at(now), cost);
        }
        room
    }

    #[test]
    fn a_spending_leaves_exactly_one_window_later() {
        let (mut window, budget) = (Window::new(), budget(1, 60_000));
        assert!(charge(&mut window, &budget, 0, 1));
        assert!(!charge(&mut window, &budget, 59_999, 1));
        assert!(charge(&mut window, &budget, 60_000, 1));
        assert!(!charge(&mut window, &budget, 119_999, 1));
    }

    #[test]
    fn what_starts_with_room_may_overdraw_and_the_next_waits_until_there_is_room_again() {
        let (mut window, budget) = (Window::new(), budget(10, 10_000));
        assert!(charge(&mut window, &budget, 0, 3));
        assert!(charge(&mut window, &budget, 1_000, 6));
        assert!(charge(&mut window, &budget, 2_500, 200));
        assert!(!charge(&mut window, &budget, 2_500, 1));
        let counter = window.counter(&budget, at(2_500));
        assert_eq!((counter.used, counter.remaining), (209, 0));
        // The first two leave before, and that makes no room.
        assert_eq!(counter.reset_seconds, 10);
        assert!(!charge(&mut window, &budget, 12_499, 1));
        assert!(charge(&mut window, &budget, 12_500, 1));
    }

    #[test]
    fn the_reset_is_when_more_remains() {
        let (mut window, budget) = (Window::new(), budget(10, 60_000));
        assert_eq!(window.counter(&budget, at(0)).reset_seconds, 0);
        assert!(charge(&mut window, &budget, 0, 1));
        assert!(charge(&mut window, &budget, 30_000, 1));
        let counter = window.counter(&budget, at(30_001));
        assert_eq!((counter.used, counter.remaining, counter.reset_seconds), (2, 8, 30));
        window.advance(&budget, at(60_000));
        let counter = window.counter(&budget, at(60_000));
        assert_eq!((counter.used, counter.remaining, counter.reset_seconds, counter.window_seconds), (1, 9, 30, 60));
    }

    #[test]
    fn a_lower_limit_is_waited_for() {
        let mut window = Window::new();
        for second in 0..10 {
            assert!(charge(&mut window, &budget(10, 60_000), second * 1_000, 1));
        }
        let lower = budget(3, 60_000);
        assert!(!charge(&mut window, &lower, 9_000, 1));
        assert_eq!(window.counter(&lower, at(9_000)).reset_seconds, 58);
        assert!(!charge(&mut window, &lower, 66_999, 1));
        assert!(charge(&mut window, &lower, 67_000, 1));
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_out_for_longer_than_a_window() {
        let (mut window, budget) = (Window::new(), budget(2, 60_000));
        assert!(charge(&mut window, &budget, 3_600_000, 1));
        assert!(charge(&mut window, &budget, 3_600_500, 1));
        assert!(!charge(&mut window, &budget, 1_000, 1));
        assert_eq!((window.used(), window.len()), (2, 1));
        assert!(!charge(&mut window, &budget, 60_999, 1));
        assert!(charge(&mut window, &budget, 61_000, 1));
    }

    #[test]
    fn what_was_spent_long_ago_has_left_however_long_that_is() {
        // A multiple of what 32 bits of milliseconds hold, and what lies around it.
        for pause in [60_000, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 32) + 59_999, 5 << 32] {
            let (mut window, budget) = (Window::new(), budget(1, 60_000));
            assert!(charge(&mut window, &budget, 0, 1));
            assert!(charge(&mut window, &budget, pause, 1), "{pause}");
            assert!(!charge(&mut window, &budget, pause + 59_999, 1), "{pause}");
        }
    }

    /// Every spending, for ever.
    #[derive(Default)]
    struct Naive(Vec<(i64, u32)>);

    impl Naive {
        fn used(&self, now: i64, length: i64) -> u64 {
            self.0.iter().filter(|(at, _)| at + length > now).map(|(_, amount)| u64::from(*amount)).sum()
        }
    }

    fn requests() -> impl Strategy<Value = Vec<(i64, u32)>> {
        // Pauses of all sizes, also none.
        proptest::collection::vec((prop_oneof![Just(0), 0..5_i64, 0..2_000_i64], 1..200_u32), 1..300)
    }

    proptest! {
        #[test]
        fn is_exact_for_budgets_that_are_not_large(limit in 1..=10_000_u32, length in 1..5_000_u64, requests in requests()) {
            let (mut window, mut naive, budget) = (Window::new(), Naive::default(), budget(limit, length));
            let mut now = 0;
            for (pause, cost) in requests {
                now += pause;
                let used = naive.used(now, budget.window_millis());
                let admitted = charge(&mut window, &budget, now, cost);
                prop_assert_eq!(admitted, used < u64::from(limit));
                if admitted {
                    naive.0.push((now, cost));
                }
                prop_assert_eq!(window.used(), naive.used(now, budget.window_millis()));
            }
        }

        #[test]
        fn large_budgets_leave_at_most_a_slot_late_and_never_early(
            limit in 10_001..20_000_u32, length in 10_000..100_000_u64, requests in requests(),
        ) {
            let (mut window, mut naive, budget) = (Window::new(), Naive::default(), budget(limit, length));
            let mut now = 0;
            for (pause, cost) in requests {
                now += pause;
                if charge(&mut window, &budget, now, cost) {
                    naive.0.push((now, cost));
                }
                prop_assert!(window.used() >= naive.used(now, budget.window_millis()));
                prop_assert!(window.used() <= naive.used(now - budget.slot_millis(), budget.window_millis()));
            }
        }

        #[test]
        fn who_waits_when_nothing_remains_is_never_refused(
            limit in 1..50_u32, length in 1..20_000_u64, requests in requests(),
        ) {
            let (mut window, budget) = (Window::new(), budget(limit, length));
            let mut now = 0;
            for (pause, cost) in requests {
                let counter = window.counter(&budget, at(now));
                if counter.remaining == 0 {
                    now += i64::from(counter.reset_seconds) * 1_000;
                }
                now += pause;
                prop_assert!(charge(&mut window, &budget, now, cost));
            }
        }

        #[test]
        fn the_reset_is_no_longer_than_it_must_be(limit in 1..50_u32, requests in requests()) {
            let (mut window, budget) = (Window::new(), budget(limit, 30_000));
            let mut now = 0;
            for (pause, cost) in requests {
                now += pause;
                charge(&mut window, &budget, now, cost);
                let counter = window.counter(&budget, at(now));
                let mut later = window.clone();
                later.advance(&budget, at(now + i64::from(counter.reset_seconds) * 1_000));
                prop_assert!(later.counter(&budget, at(now)).remaining > counter.remaining);
                let mut sooner = window.clone();
                sooner.advance(&budget, at(now + (i64::from(counter.reset_seconds) - 1) * 1_000));
                prop_assert_eq!(sooner.counter(&budget, at(now)).remaining, counter.remaining);
            }
        }
    }

    #[test]
    fn a_window_keeps_a_bounded_number_of_entries() {
        for (limit, bound) in [(10_000, 10_000), (10_001, 101), (2_000_000_000, 101)] {
            let (mut window, budget) = (Window::new(), budget(limit, 60_000));
            let mut most = 0;
            // A request each millisecond, for two windows.
            for now in 0..120_000 {
                charge(&mut window, &budget, now, 1);
                most = most.max(window.len());
            }
            assert!(most <= bound, "{limit}: {most}");
        }
    }
}

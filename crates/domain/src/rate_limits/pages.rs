//! How much may be asked of the pages.

use std::{
    fmt,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    bounded::Bounded,
    clock::{Clock, Timestamp},
    ids::AccountId,
    network::network,
};

/// A steady rate with a burst on top: what was not asked for so far may be asked for at once, up to `burst`. This is the generic
/// cell rate algorithm, which needs one moment to be remembered of each who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many at once.
    pub burst: u32,
    /// How long until there is room for one more.
    pub every: Duration,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asked {
    /// To see a page.
    Page,
    /// To do what a form says.
    Form,
}

/// More was asked for than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much was asked for: try again in {} seconds", .retry_after.as_secs())]
pub struct TooFast {
    /// When there is room again: at least a second, in whole seconds.
    pub retry_after: Duration,
}

/// The budgets of the pages, of those addresses and accounts that asked for something of late. Each process counts for itself,
/// in memory: no more of them is remembered than fits, and a budget that was forgotten is whole again.
pub struct PageBudgets {
    clock: Arc<dyn Clock>,
    of_addresses: Counts<Option<IpAddr>>,
    of_accounts: Counts<AccountId>,
}

/// By who asks and for what: until when what was asked for so far lasts at the steady rate.
type Counts<K> = Mutex<Bounded<(K, Asked), Timestamp>>;

/// How many addresses and accounts are remembered at least.
const REMEMBERED: usize = 16_384;

impl Pace {
    /// Of one network address, that many people may share: 50 pages a second go on for ever.
    pub const PAGES_OF_ADDRESS: Self = Self { burst: 3_000, every: Duration::from_millis(20) };
    /// Five forms a second go on for ever.
    pub const FORMS_OF_ADDRESS: Self = Self { burst: 300, every: Duration::from_millis(200) };
    /// Of one person: five pages a second go on for ever.
    pub const PAGES_OF_ACCOUNT: Self = Self { burst: 600, every: Duration::from_millis(200) };
    /// A form each five seconds goes on for ever: most of them leave a row.
    pub const FORMS_OF_ACCOUNT: Self = Self { burst: 120, every: Duration::from_secs(5) };

    /// Takes one at `now`, if there is room. `lasts` is until when what was taken so far lasts.
    fn take(self, lasts: &mut Timestamp, now: Timestamp) -> Result<(), TooFast> {
        let most = now.plus(self.every * self.burst);
        // The clock may have been set back: nobody waits for longer than it takes to have the whole burst again.
        *lasts = (*lasts).clamp(now, most);
        let next = lasts.plus(self.every);
        if next <= most {
            *lasts = next;
            return Ok(());
        }
        let wait = u64::try_from(next.unix_millis() - most.unix_millis()).unwrap_or_default();
        Err(TooFast { retry_after: Duration::from_secs(wait.div_ceil(1000).max(1)) })
    }
}

impl PageBudgets {
    /// Budgets of which nothing is spent.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let counts = || Bounded::new(REMEMBERED);
        Self { clock, of_addresses: Mutex::new(counts()), of_accounts: Mutex::new(Bounded::new(REMEMBERED)) }
    }

    /// Charges an address, or the network of version 6 that it belongs to. All whose address is not known are one.
    pub fn charge_address(&self, address: Option<IpAddr>, asked: Asked) -> Result<(), TooFast> {
        let pace = match asked {
            Asked::Page => Pace::PAGES_OF_ADDRESS,
            Asked::Form => Pace::FORMS_OF_ADDRESS,
        };
        charge(&self.of_addresses, (address.map(network), asked), pace, self.clock.now())
    }

    /// Charges the account of somebody who is signed in.
    pub fn charge_account(&self, account: AccountId, asked: Asked) -> Result<(), TooFast> {
        let pace = match asked {
            Asked::Page => Pace::PAGES_OF_ACCOUNT,
            Asked::Form => Pace::FORMS_OF_ACCOUNT,
        };
        charge(&self.of_accounts, (account, asked), pace, self.clock.now())
    }
}

fn charge<K: Eq + Hash>(counts: &Counts<K>, of: (K, Asked), pace: Pace, now: Timestamp) -> Result<(), TooFast> {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(lasts) = counts.get_mut(&of) {
        return pace.take(lasts, now);
    }
    pace.take(counts.insert(of, now), now)
}

impl fmt::Debug for PageBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageBudgets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::FixedClock;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000 + millis)
    }

    const PACE: Pace = Pace { burst: 3, every: Duration::from_secs(5) };

    #[test]
    fn a_burst_is_let_through_and_then_one_at_a_time() {
        let mut lasts = at(0);
        let mut take = |now| PACE.take(&mut lasts, at(now)).map_err(|it| it.retry_after.as_secs());
        assert_eq!([take(0), take(0), take(0), take(0), take(1)], [Ok(()), Ok(()), Ok(()), Err(5), Err(5)]);
        assert_eq!([take(4_999), take(5_000), take(5_000)], [Err(1), Ok(()), Err(5)]);
        // Who asked for nothing for long has the whole burst again, and no more.
        assert_eq!([take(99_999), take(99_999), take(99_999), take(99_999)], [Ok(()), Ok(()), Ok(()), Err(5)]);
        // The clock was set back by more than a day: nobody waits for as long as it was off.
        assert_eq!([take(-100_000_000), take(-99_995_000)], [Err(5), Ok(())]);
    }

    proptest! {
        /// No stretch of time has more than the burst and what the rate gives meanwhile; who waits as long as they are told is
        /// let through.
        #[test]
        fn paces(pauses in prop::collection::vec(0_i64..20_000, 1..80)) {
            let (mut lasts, mut now, mut admitted) = (at(0), 0, Vec::new());
            for pause in pauses {
                now += pause;
                match PACE.take(&mut lasts, at(now)) {
                    Ok(()) => admitted.push(now),
                    Err(TooFast { retry_after }) => {
                        let wait = i64::try_from(retry_after.as_millis()).expect("short");
                        let after = |wait| {
                            let mut lasts = lasts;
                            PACE.take(&mut lasts, at(now + wait)).is_ok()
                        };
                        prop_assert!(after(wait));
                        prop_assert!(wait == 1000 || !after(wait - 1000));
                    }
                }
            }
            for (index, from) in admitted.iter().enumerate() {
                for (more, to) in admitted[index..].iter().enumerate() {
                    prop_assert!(i64::try_from(more + 1).expect("few") <= 3 + (to - from) / 5_000);
                }
            }
        }
    }

    #[test]
    fn addresses_accounts_pages_and_forms_have_budgets_of_their_own() {
        let clock = Arc::new(FixedClock::new(at(0)));
        let budgets = PageBudgets::new(Arc::clone(&clock) as _);
        let address = |text: &str| Some(text.parse().expect("an address"));
        let spend = |address, asked| (0..10_000).take_while(|_| budgets.charge_address(address, asked).is_ok()).count();
        assert_eq!(spend(address("2001:db8::1"), Asked::Form), 300);
        assert_eq!(spend(address("2001:db8::2:1"), Asked::Form), 0, "the same network");
        assert_eq!(spend(address("2001:db8:0:1::1"), Asked::Form), 300);
        assert_eq!(spend(address("2001:db8::1"), Asked::Page), 3_000);
        assert_eq!((spend(None, Asked::Form), spend(None, Asked::Form)), (300, 0));
        let account = |id| AccountId::new(id).expect("positive");
        let spend = |id, asked| (0..10_000).take_while(|_| budgets.charge_account(account(id), asked).is_ok()).count();
        assert_eq!([spend(1, Asked::Form), spend(1, Asked::Page), spend(2, Asked::Form)], [120, 600, 120]);
        assert_eq!(budgets.charge_account(account(1), Asked::Form).map_err(|it| it.retry_after.as_secs()), Err(5));
        clock.set(at(5_000));
        assert_eq!(budgets.charge_account(account(1), Asked::Form), Ok(()));
    }
}

//! How often clients are registered from an address.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bwp_domain::{bounded::Bounded, clock::Timestamp, network::network};

/// Counts tries of late, in memory: each process for itself. Of many addresses no more are remembered than fit.
#[derive(Debug)]
pub struct Registrations(Mutex<Bounded<Option<IpAddr>, VecDeque<Timestamp>>>);

impl Default for Registrations {
    fn default() -> Self {
        Self(Mutex::new(Bounded::new(Self::REMEMBERED)))
    }
}

impl Registrations {
    /// How many tries there may be in [`WINDOW`](Self::WINDOW).
    const MOST: usize = 5;
    const WINDOW: Duration = Duration::from_mins(1);
    const REMEMBERED: usize = 4_096;

    /// One more try from `address`, or from the network of version 6 that it belongs to. In how many seconds there is room again, if there is none.
    pub(crate) fn try_one(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), u32> {
        let address = address.map(network);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get_mut(&address).is_none() {
            all.insert(address, VecDeque::new());
        }
        let Some(tries) = all.get_mut(&address) else { return Ok(()) };
        while tries.front().is_some_and(|first| first.plus(Self::WINDOW) <= now) {
            tries.pop_front();
        }
        match tries.front() {
            Some(first) if tries.len() >= Self::MOST => {
                let wait = first.plus(Self::WINDOW).unix_millis() - now.unix_millis();
                Err(u32::try_from((wait + 999) / 1000).unwrap_or(1).max(1))
            }
            _ => {
                tries.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_try_in_a_minute_waits_until_the_first_is_a_minute_ago() {
        let at = |millis: i64| Timestamp::from_unix_millis(1_700_000_000_000 + millis);
        let (registrations, address) = (Registrations::default(), "192.0.2.1".parse().ok());
        for n in 0..5 {
            assert_eq!(registrations.try_one(address, at(n * 1000)), Ok(()));
        }
        assert_eq!(registrations.try_one(address, at(5_001)), Err(55));
        assert_eq!(registrations.try_one("192.0.2.2".parse().ok(), at(5_001)), Ok(()));
        assert_eq!(registrations.try_one(address, at(60_000)), Ok(()));
        for n in 1..=5 {
            assert_eq!(registrations.try_one(format!("2001:db8::{n}").parse().ok(), at(0)), Ok(()));
        }
        assert_eq!(registrations.try_one("2001:db8::6".parse().ok(), at(0)), Err(60), "the same network");
        assert_eq!(registrations.try_one(address, at(60_001)), Err(1));
    }
}

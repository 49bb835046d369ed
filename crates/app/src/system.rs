//! The system's clock and randomness. Nothing else reads them, but for the store, which compares the clock with the database's.

use std::{cell::RefCell, sync::Arc};

use bwp_domain::{
    clock::{Clock, Timestamp},
    entropy::Entropy,
    execute::Environment,
};
use bwp_postgres::PgStore;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's adapter")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now().into()
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the port's adapter")]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            // Keys made of anything else would be guessed.
            tracing::error!(%error, "the system has no randomness");
            std::process::abort();
        }
    }
}

/// An extension of a file that nobody can lie in wait for, and two at once do not share.
pub(crate) fn unguessable(extension: &str) -> String {
    let mut word = [0; 8];
    SystemEntropy.fill(&mut word);
    format!("{:016x}.{extension}", u64::from_be_bytes(word))
}

/// Randomness for what must be unlike all others but is no secret, such as the ids of requests: a source is asked for many
/// at once, since the system takes as long for a thousand bytes as for ten.
pub(crate) struct EntropyAhead(pub(crate) Arc<dyn Entropy>);

/// How many bytes a thread asks for.
const AHEAD: usize = 1024;

thread_local! {
    /// Bytes, and how many of them are taken.
    static STOCK: RefCell<([u8; AHEAD], usize)> = const { RefCell::new(([0; AHEAD], AHEAD)) };
}

impl Entropy for EntropyAhead {
    fn fill(&self, bytes: &mut [u8]) {
        STOCK.with_borrow_mut(|(stock, taken)| {
            if *taken + bytes.len() > stock.len() {
                self.0.fill(stock);
                *taken = 0;
            }
            match stock.get_mut(*taken..*taken + bytes.len()) {
                Some(next) => {
                    bytes.copy_from_slice(next);
                    *taken += bytes.len();
                }
                None => self.0.fill(bytes),
            }
        });
    }
}

/// The system's clock and randomness.
pub(crate) fn environment() -> Environment {
    Environment { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), sends_mail: false }
}

/// The same, with the clock by which rows of `store` get their times, put right.
pub(crate) async fn environment_of(store: &PgStore) -> anyhow::Result<Environment> {
    store.put_clock_right().await?;
    Ok(Environment { clock: store.clock(), ..environment() })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_is_taken_twice() {
        let ahead = EntropyAhead(Arc::new(SystemEntropy));
        let mut seen = HashSet::new();
        for length in [10, 10, 1000, 16, 1024, 2000].into_iter().cycle().take(600) {
            let mut bytes = vec![0; length];
            ahead.fill(&mut bytes);
            assert!(bytes.windows(8).all(|window| window != [0; 8]), "left as it was");
            assert!(seen.insert(bytes[..8].to_vec()), "taken twice");
        }
    }
}

//! The system's clock and randomness: the only place that reads them.

use std::sync::Arc;

use bwp_domain::{
    clock::{Clock, Timestamp},
    entropy::Entropy,
    execute::Environment,
};

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

/// The system's clock and randomness.
pub(crate) fn environment() -> Environment {
    Environment { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
}

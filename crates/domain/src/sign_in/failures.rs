//! How many failures there may be, of whom.

use std::{fmt, net::IpAddr, time::Duration};

use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    ids::{AccountId, DeviceId},
    network::network,
    text::Email,
};

use super::DeviceHash;

/// What failures are counted of.
#[derive(Clone, Copy, Debug)]
pub enum Counted<'a> {
    /// Who comes from this address, or from the same network of version 6. All whose address is not known are one.
    Address(Option<IpAddr>),
    /// Who tries to sign in with this e-mail address, whether or not anybody has it, in browsers that are not known.
    Email(&'a Email),
    /// Who tries to sign in to the account that knows this browser, in which its owner has signed in before. Its name, the
    /// token, is no measure: others who sign in with the browser change that.
    Device(DeviceId),
    /// Who tries to change this account's password, being signed in.
    PasswordChange(AccountId),
    /// Who signs in to this account rightly: without a bound, that fills the security log.
    SignIn(AccountId),
}

/// What failures of one thing are kept under: a SHA-256, which does not tell who tried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FailuresKey([u8; 32]);

/// The failures of late, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures(Vec<Timestamp>);

/// There were too many failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts: try again in {} seconds", .retry_after.as_secs())]
pub struct TooMany {
    /// When it may be tried again: at least a second, in whole seconds.
    pub retry_after: Duration,
}

impl TooMany {
    /// That there are too many failures until then.
    pub(super) fn until(until: Timestamp, now: Timestamp) -> Self {
        let wait = u64::try_from(until.unix_millis() - now.unix_millis()).unwrap_or_default();
        // Servers' clocks may differ: nobody waits longer than a failure counts.
        let seconds = wait.div_ceil(1000).clamp(1, Failures::WINDOW.as_secs());
        Self { retry_after: Duration::from_secs(seconds) }
    }
}

impl Counted<'_> {
    /// How many failures there may be of one address: many people may share one.
    pub const OF_ADDRESS: usize = 20;
    /// How many of one e-mail address, from all unknown browsers together.
    pub const OF_EMAIL: usize = 10;
    /// How many of one account in one known browser.
    pub const OF_DEVICE: usize = 10;
    /// How many of one account that wants to change its password.
    pub const OF_PASSWORD_CHANGE: usize = 10;
    /// How often an account may be signed in to.
    pub const OF_SIGN_IN: usize = 60;

    /// How many failures there may be in [`Failures::WINDOW`].
    pub const fn limit(&self) -> usize {
        match self {
            Self::Address(_) => Self::OF_ADDRESS,
            Self::Email(_) => Self::OF_EMAIL,
            Self::Device(_) => Self::OF_DEVICE,
            Self::PasswordChange(_) => Self::OF_PASSWORD_CHANGE,
            Self::SignIn(_) => Self::OF_SIGN_IN,
        }
    }

    /// What the failures are kept under.
    pub fn key(&self) -> FailuresKey {
        let mut hasher = Sha256::new();
        match self {
            Self::Address(address) => {
                hasher.update(b"address\0");
                hasher.update(address.map(|address| network(address).to_string()).unwrap_or_default());
            }
            Self::Email(email) => {
                hasher.update(b"email\0");
                hasher.update(email.folded());
            }
            Self::Device(device) => {
                hasher.update(b"device\0");
                hasher.update(device.get().to_be_bytes());
            }
            Self::PasswordChange(account) => {
                hasher.update(b"password change\0");
                hasher.update(account.get().to_be_bytes());
            }
            Self::SignIn(account) => {
                hasher.update(b"sign-in\0");
                hasher.update(account.get().to_be_bytes());
            }
        }
        FailuresKey(hasher.finalize().into())
    }
}

impl FailuresKey {
    /// A key as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Under which an attempt with this e-mail address in this browser is remembered by who has not looked yet whether the
    /// browser is known.
    pub fn of_attempt(device: &DeviceHash, email: &Email) -> Self {
        let hasher = Sha256::new().chain_update(b"attempt\0").chain_update(device.as_bytes());
        Self(hasher.chain_update(email.folded()).finalize().into())
    }

    /// The key as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for FailuresKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FailuresKey(…)")
    }
}

impl Failures {
    /// For how long a failure counts.
    pub const WINDOW: Duration = Duration::from_mins(15);

    /// Failures at these times.
    pub fn new(mut times: Vec<Timestamp>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// When they were, oldest first.
    pub fn times(&self) -> &[Timestamp] {
        &self.0
    }

    /// Counts another one at `now`, unless there were `limit` in the time before. An attempt that is not admitted is not
    /// counted: who waits as long as they are told gets another one.
    pub fn admit(&mut self, limit: usize, now: Timestamp) -> Result<(), TooMany> {
        self.0.retain(|at| at.plus(Self::WINDOW) > now);
        let surplus = self.0.len().checked_sub(limit);
        // When this one is forgotten there is room again.
        if let Some(freeing) = surplus.and_then(|surplus| self.0.get(surplus)) {
            return Err(TooMany::until(freeing.plus(Self::WINDOW), now));
        }
        let place = self.0.partition_point(|at| *at <= now);
        self.0.insert(place, now);
        Ok(())
    }

    /// Takes back one that was counted at `at`: it was none.
    pub fn forgive(&mut self, at: Timestamp) {
        if let Ok(place) = self.0.binary_search(&at) {
            self.0.remove(place);
        }
    }
}

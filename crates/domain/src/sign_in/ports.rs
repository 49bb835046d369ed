//! What signing in needs from a store.

use async_trait::async_trait;

use super::{DeviceHash, Failures, FailuresKey};
use crate::{
    clock::Timestamp,
    ids::{AccountId, DeviceId},
    store::StoreError,
};

/// Failed attempts and known browsers, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SignInRepository: Send {
    /// What was counted under each of these keys, in their order; nothing for a new key.
    ///
    /// MUST hold each of them until the unit of work ends: another one that asks for it waits, and then sees what this one
    /// stored. MUST NOT deadlock with another one that asks for the same keys in another order.
    async fn lock_failures(&mut self, keys: &[FailuresKey]) -> Result<Vec<Failures>, StoreError>;

    /// Stores what is counted under this key. MUST be called on a key that this unit of work has locked.
    async fn store_failures(&mut self, key: &FailuresKey, failures: &Failures) -> Result<(), StoreError>;

    /// Whose browser this is: the accounts that were last signed in to with it at `since` or later, and as which of its
    /// own each of them knows it.
    async fn owners(&mut self, device: &DeviceHash, since: Timestamp)
    -> Result<Vec<(AccountId, DeviceId)>, StoreError>;

    /// Notes that this account is signed in to at `now` in the browser that is known as `new` from now on.
    ///
    /// MUST know it under the new name for every account that knew it under the `old` one, and under the old one for none:
    /// a name that was planted in a browser, or copied from it, is worth nothing once somebody has signed in. MUST leave each
    /// account the id by which it knows it: failures are counted under that. MUST keep of this account, whose lock is held, no
    /// more than [`MOST_DEVICES`](super::MOST_DEVICES): those that were signed in with last.
    async fn remember(
        &mut self,
        account: AccountId,
        old: Option<DeviceHash>,
        new: &DeviceHash,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets every browser of this account but the one that is known as `kept`.
    async fn forget(&mut self, account: AccountId, kept: Option<DeviceHash>) -> Result<(), StoreError>;
}

/// A unit of work that lends what signing in needs.
pub trait HasSignIns: Send {
    /// Failed attempts and known browsers.
    fn sign_ins(&mut self) -> &mut dyn SignInRepository;
}

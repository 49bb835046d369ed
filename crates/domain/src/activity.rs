//! Activity: what was done to each row, by whom and when.

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    events::Actor,
    ids::{AccountId, KeyId, TenantId},
    principal::Principal,
    store::StoreError,
    words,
};

words! {
    /// What was done to a row.
    pub enum Action {
        /// It was made.
        Created = "created",
        /// Its fields were changed.
        Updated = "updated",
        /// It was deleted.
        Deleted = "deleted",
        /// It was deleted, and that was taken back.
        Restored = "restored",
    }
}

/// One change of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// The person who made the change, if one was signed in.
    pub account: Option<AccountId>,
    /// The key that made the change. Neither: the operator did.
    pub key: Option<KeyId>,
    /// What people call such a row.
    pub resource: &'static str,
    /// Which row.
    pub row: i64,
    /// What was done.
    pub action: Action,
    /// For an update, the old values of what changed.
    pub previous: Option<serde_json::Value>,
}

impl Activity {
    /// What `principal` does at `at` to a row.
    pub fn of(principal: &Principal, at: Timestamp, resource: &'static str, row: i64, action: Action) -> Self {
        let Actor { account, key } = Actor::of(principal);
        Self { at, account, key, resource, row, action, previous: None }
    }
}

/// Where activity is kept.
#[async_trait]
pub trait ActivityLog: Send {
    /// Appends an entry. MUST become visible together with the changes of the same unit of work, or not at all.
    async fn append(&mut self, tenant: TenantId, activity: Activity) -> Result<(), StoreError>;
}

/// A log in memory, for tests.
#[async_trait]
impl ActivityLog for Vec<Activity> {
    async fn append(&mut self, _: TenantId, activity: Activity) -> Result<(), StoreError> {
        self.push(activity);
        Ok(())
    }
}

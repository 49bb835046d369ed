//! What the security log needs from a store.

use async_trait::async_trait;

use super::{SecurityEntry, SecurityRecord};
use crate::{
    ids::{KeyId, TenantId},
    paging::{Page, PageRequest},
    store::StoreError,
};

/// The log, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SecurityLog: Send {
    /// Appends entries. MUST become visible together with the changes of the same unit of work, or not at all.
    async fn append(&mut self, tenant: TenantId, entries: &[SecurityEntry]) -> Result<(), StoreError>;
}

/// The log, outside any unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SecurityLogReader: Send + Sync {
    /// A page of the log, newest first by (time, id); of one key alone, if `key` is given.
    async fn list(
        &self,
        tenant: TenantId,
        key: Option<KeyId>,
        page: PageRequest,
    ) -> Result<Page<SecurityRecord>, StoreError>;
}

//! Where the log is written and read.

use async_trait::async_trait;

use super::{AuditEntry, AuditFilter, AuditRecord};
use crate::{
    ids::TenantId,
    paging::{Page, PageRequest},
    store::StoreError,
};

/// Where requests are recorded.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait AuditSink: Send + Sync {
    /// Records a request.
    ///
    /// MUST NOT wait for anything, and cannot fail: an entry that finds no room is counted as lost.
    fn record(&self, entry: AuditEntry);
}

/// The log, as it is read.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AuditReader: Send + Sync {
    /// A page of the tenant's entries, newest first by (createdAt, id).
    ///
    /// MUST cost the same wherever the page starts. MUST NOT show an entry twice or leave one out that was there
    /// throughout a walk, whatever is recorded meanwhile.
    async fn list(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError>;
}

//! Numbers of documents: each tenant's run on, kind by kind, and none is left out. Those of some kinds run on within a row that they
//! belong to, such as the change orders of a project.

use async_trait::async_trait;

use crate::{ids::TenantId, resource::Shape, store::StoreError, text::Text};

/// What is numbered. A number is a prefix and so many digits, or more once these are not enough.
#[derive(Debug)]
pub struct Numbering {
    /// What a tenant's numbers begin with, unless it has chosen another prefix.
    pub prefix: &'static str,
    /// How many digits a number has at least.
    pub digits: usize,
    /// What has the numbers.
    pub shape: &'static Shape,
    /// The column that holds them.
    pub column: &'static str,
    /// The column of the row within which they run on. `None`: within the tenant.
    pub within: Option<&'static str>,
}

/// Numbers, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Numbers: Send {
    /// The tenant's next number. One that a live row has already, in any case of its letters, is skipped.
    ///
    /// MUST be given to no other unit of work if this one commits, and MUST be given to another one if it does not.
    async fn next(&mut self, tenant: TenantId, numbering: &'static Numbering) -> Result<Text, StoreError>;

    /// Like [`next`](Self::next), of a numbering that runs on within the row of this id.
    async fn next_of(&mut self, tenant: TenantId, numbering: &'static Numbering, row: i64) -> Result<Text, StoreError>;
}

/// A unit of work that lends the numbers.
pub trait HasNumbers: Send {
    /// The numbers.
    fn numbers(&mut self) -> &mut dyn Numbers;
}

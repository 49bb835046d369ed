//! Numbers of documents: each tenant's run on, kind by kind, and none is left out.

use async_trait::async_trait;

use crate::{ids::TenantId, resource::Shape, store::StoreError, text::Text};

/// What is numbered. A number is a prefix and five digits, or more once five are not enough.
#[derive(Debug)]
pub struct Numbering {
    /// What a tenant's numbers begin with, unless it has chosen another prefix.
    pub prefix: &'static str,
    /// What has the numbers.
    pub shape: &'static Shape,
    /// The column that holds them.
    pub column: &'static str,
}

/// Numbers, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Numbers: Send {
    /// The tenant's next number. One that a live row has already, in any case of its letters, is skipped.
    ///
    /// MUST be given to no other unit of work if this one commits, and MUST be given to another one if it does not.
    async fn next(&mut self, tenant: TenantId, numbering: &'static Numbering) -> Result<Text, StoreError>;
}

/// A unit of work that lends the numbers.
pub trait HasNumbers: Send {
    /// The numbers.
    fn numbers(&mut self) -> &mut dyn Numbers;
}

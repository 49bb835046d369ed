//! What contacts need from a store.

use async_trait::async_trait;

use super::{Contact, ContactDetails, ContactFilter, ContactPage, ContactSummary};
use crate::{
    clock::Timestamp,
    ids::{ContactId, TenantId},
    paging::PageRequest,
    store::StoreError,
};

/// Contacts, outside any unit of work. Deleted contacts are absent.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ContactReader: Send + Sync {
    /// A page of contacts, newest first by (createdAt, id).
    ///
    /// MUST cost the same wherever the page starts. MUST NOT show a contact twice or leave one out that was there
    /// throughout a walk, whatever is made or deleted meanwhile.
    async fn list(
        &self,
        tenant: TenantId,
        filter: &ContactFilter,
        page: PageRequest,
    ) -> Result<ContactPage, StoreError>;

    /// The contact with this id.
    async fn get(&self, tenant: TenantId, id: ContactId) -> Result<Option<Contact>, StoreError>;

    /// The contacts among `ids` that there are, in any order, each once.
    async fn get_many(&self, tenant: TenantId, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError>;

    /// How many contacts fit.
    async fn count(&self, tenant: TenantId, filter: &ContactFilter) -> Result<i64, StoreError>;

    /// How many contacts of each type fit.
    async fn summary(&self, tenant: TenantId, filter: &ContactFilter) -> Result<ContactSummary, StoreError>;
}

/// Contacts, inside a unit of work. Deleted contacts are absent.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ContactRepository: Send {
    /// Stores a contact made at `now` and gives it its id.
    async fn insert(&mut self, tenant: TenantId, new: &ContactDetails, now: Timestamp) -> Result<Contact, StoreError>;

    /// The contact, locked so that nobody else changes or deletes it until the unit of work ends.
    async fn lock(&mut self, tenant: TenantId, id: ContactId) -> Result<Option<Contact>, StoreError>;

    /// Whether the contact is there. MUST keep others from deleting it until the unit of work ends, and MUST let
    /// others ask the same and change it.
    async fn hold(&mut self, tenant: TenantId, id: ContactId) -> Result<bool, StoreError>;

    /// Stores the details and `updated_at` of a contact that this unit of work has locked.
    async fn update(&mut self, tenant: TenantId, contact: &Contact) -> Result<(), StoreError>;

    /// Deletes a contact that this unit of work has locked. Its row stays, unseen.
    async fn delete(&mut self, tenant: TenantId, id: ContactId, now: Timestamp) -> Result<(), StoreError>;
}

/// A unit of work that lends the contacts.
pub trait HasContacts: Send {
    /// The contacts.
    fn contacts(&mut self) -> &mut dyn ContactRepository;
}

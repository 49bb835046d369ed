//! Rows as their resources' types, for tests that know them.

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::{
    clock::Timestamp,
    fields::FieldErrors,
    ids::TenantId,
    paging::{Page, PageRequest},
    resource::{
        Access, Body, Create, Draft, Filter, Referable, Resource, Rules, Stored, Update, Value, family,
        ports::{HasRows, RowReader, record},
    },
    store::StoreError,
};

/// The rows of a unit of work, typed.
#[async_trait]
pub trait TypedRows {
    /// Stores a row made at `now`.
    async fn insert_row<R: Resource>(
        &mut self,
        tenant: TenantId,
        details: &R,
        now: Timestamp,
    ) -> Result<Stored<R>, StoreError>;

    /// The row, locked against changes.
    async fn lock_row<R: Resource>(&mut self, tenant: TenantId, id: i64) -> Result<Option<Stored<R>>, StoreError>;

    /// The row, locked against changes and pins.
    async fn lock_row_alone<R: Resource>(&mut self, tenant: TenantId, id: i64)
    -> Result<Option<Stored<R>>, StoreError>;

    /// Whether the row is there; it stays.
    async fn pin_row<R: Referable>(&mut self, tenant: TenantId, id: i64) -> Result<bool, StoreError>;

    /// Stores what a locked row holds.
    async fn update_row<R: Resource>(&mut self, tenant: TenantId, row: &Stored<R>) -> Result<(), StoreError>;

    /// Deletes a row that is locked alone.
    async fn delete_row<R: Resource>(&mut self, tenant: TenantId, id: i64, now: Timestamp) -> Result<(), StoreError>;
}

#[async_trait]
impl<U: HasRows + ?Sized> TypedRows for U {
    async fn insert_row<R: Resource>(
        &mut self,
        tenant: TenantId,
        details: &R,
        now: Timestamp,
    ) -> Result<Stored<R>, StoreError> {
        let values: Vec<_> = details.to_values().into_iter().map(Value::into_owned).collect();
        let id = self.rows().insert(tenant, R::SHAPE, &values, now).await?;
        Ok(Stored { id, details: details.clone(), created_at: now, updated_at: now })
    }

    async fn lock_row<R: Resource>(&mut self, tenant: TenantId, id: i64) -> Result<Option<Stored<R>>, StoreError> {
        let found = self.rows().lock(tenant, R::SHAPE, id).await?;
        found.map(|record| record.typed()).transpose()
    }

    async fn lock_row_alone<R: Resource>(
        &mut self,
        tenant: TenantId,
        id: i64,
    ) -> Result<Option<Stored<R>>, StoreError> {
        let found = self.rows().lock_alone(tenant, R::SHAPE, id).await?;
        found.map(|record| record.typed()).transpose()
    }

    async fn pin_row<R: Referable>(&mut self, tenant: TenantId, id: i64) -> Result<bool, StoreError> {
        self.rows().pin(tenant, R::REFERENCE, id).await
    }

    async fn update_row<R: Resource>(&mut self, tenant: TenantId, row: &Stored<R>) -> Result<(), StoreError> {
        self.rows().update(tenant, R::SHAPE, &row.record()).await
    }

    async fn delete_row<R: Resource>(&mut self, tenant: TenantId, id: i64, now: Timestamp) -> Result<(), StoreError> {
        self.rows().delete(tenant, R::SHAPE, id, now).await
    }
}

/// Rows that are read, typed.
#[async_trait]
pub trait TypedReader {
    /// The row.
    async fn read_row<R: Resource>(&self, tenant: TenantId, id: i64) -> Result<Option<Stored<R>>, StoreError>;

    /// A page of rows.
    async fn read_page<R: Resource>(
        &self,
        tenant: TenantId,
        filter: &Filter,
        page: PageRequest,
    ) -> Result<Page<Stored<R>>, StoreError>;
}

#[async_trait]
impl<S: RowReader + ?Sized> TypedReader for S {
    async fn read_row<R: Resource>(&self, tenant: TenantId, id: i64) -> Result<Option<Stored<R>>, StoreError> {
        let found = self.get(tenant, R::SHAPE, id).await?;
        found.map(|record| record.typed()).transpose()
    }

    async fn read_page<R: Resource>(
        &self,
        tenant: TenantId,
        filter: &Filter,
        page: PageRequest,
    ) -> Result<Page<Stored<R>>, StoreError> {
        let found = self.page(tenant, R::SHAPE, filter, page).await?;
        let mut items = Vec::with_capacity(found.count());
        found.show(|row| record(R::SHAPE, row)?.typed().map(|row| items.push(row)))?;
        Ok(Page { items, next: found.next })
    }
}

/// The command that makes a row which holds this.
pub fn create<R: Rules>(details: &R) -> Create {
    let mut draft = Draft::default();
    for (at, value) in details.to_values().into_iter().enumerate() {
        if R::SHAPE.fields.get(at).is_some_and(|field| field.access == Access::Settable) {
            draft.set(at, value.into_owned());
        }
    }
    Create { family: family::<R>(), draft }
}

/// The command that sets these fields of a row.
///
/// # Panics
/// If they are not good.
#[expect(clippy::expect_used, reason = "a test's own fields")]
pub fn update<R: Rules>(id: i64, fields: &Json) -> Update {
    let fields = fields.as_object().expect("an object");
    let draft = Draft::read(R::SHAPE, &Body::Change, fields, FieldErrors::new()).expect("good fields");
    Update { family: family::<R>(), id, draft }
}

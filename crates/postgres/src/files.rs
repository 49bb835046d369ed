//! Which bytes tenants keep.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    files::ports::{FileLedger, FileUsage, HasFiles, Kept, StoredBytes},
    ids::TenantId,
    store::{Inconsistency, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{error::DuringExt, locks::Lock, schema::files, store::PgStore, unit_of_work::PgUnitOfWork};

const TABLE: &str = "files";

impl HasFiles for PgUnitOfWork {
    fn files(&mut self) -> &mut dyn FileLedger {
        self
    }
}

#[async_trait]
impl FileLedger for PgUnitOfWork {
    async fn keep(&mut self, tenant: TenantId, bytes: &StoredBytes, now: Timestamp) -> Result<Kept, StoreError> {
        let connection = self.connection()?;
        // A statement of its own: what follows sees what those have committed who had the lock before.
        Lock::AllRows(TABLE, tenant.get()).wait(connection).await.during("waiting to keep a file")?;
        let (sha256, size) = (&bytes.digest.as_bytes()[..], i64::try_from(bytes.size).unwrap_or(i64::MAX));
        let known: Option<String> = files::table
            .filter(files::tenant_id.eq(tenant.get()).and(files::sha256.eq(sha256)))
            .select(files::name)
            .first(connection)
            .await
            .optional()
            .during("looking for a file")?;
        let name = if let Some(known) = known {
            let misfit = || Inconsistency { table: TABLE, column: "name", row: bytes.digest.to_string() };
            known.parse().map_err(|_| StoreError::Inconsistent(misfit()))?
        } else {
            diesel::insert_into(files::table)
                .values((
                    files::tenant_id.eq(tenant.get()),
                    files::sha256.eq(sha256),
                    files::name.eq(bytes.name.as_str()),
                    files::size.eq(size),
                    files::created_at.eq(DateTime::<Utc>::from(now)),
                ))
                .execute(connection)
                .await
                .during("keeping a file")?;
            bytes.name.clone()
        };
        Ok(Kept { name, total: total(connection, tenant).await? })
    }
}

#[async_trait]
impl FileUsage for PgStore {
    async fn used(&self, tenant: TenantId) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        total(&mut connection, tenant).await
    }
}

async fn total(connection: &mut AsyncPgConnection, tenant: TenantId) -> Result<u64, StoreError> {
    let of_tenant = files::table.filter(files::tenant_id.eq(tenant.get()));
    let sum: Option<rust_decimal::Decimal> =
        of_tenant.select(diesel::dsl::sum(files::size)).first(connection).await.during("summing files up")?;
    let sum = sum.unwrap_or_default();
    u64::try_from(sum).map_err(|_| StoreError::Internal(format!("a tenant keeps {sum} bytes")))
}

//! The store: where units of work begin, and from where is read.

use async_trait::async_trait;
use bwp_domain::{
    idempotency::IdempotencyKey,
    ids::TenantId,
    store::{Health, JoinGuard, Store, StoreError, UnitOfWork},
};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection, pooled_connection::deadpool::Pool};

use crate::{
    connect::{ConnectError, Connection, PoolSettings, connection, pool},
    error::DuringExt,
    join::Joins,
    unit_of_work::PgUnitOfWork,
};

/// Everything that is kept, in one PostgreSQL database. Cheap to clone.
#[derive(Clone)]
pub struct PgStore {
    pool: Pool<AsyncPgConnection>,
    joins: Joins,
}

impl PgStore {
    /// A store over the database at `url`, whose schema is up to date (see [`migrate`](crate::migrate)). Connects when
    /// it is first used.
    pub fn new(url: &str, settings: PoolSettings) -> Result<Self, ConnectError> {
        Ok(Self { pool: pool(url, settings)?, joins: Joins::default() })
    }

    pub(crate) async fn connection(&self) -> Result<Connection, StoreError> {
        connection(&self.pool).await
    }
}

#[async_trait]
impl Health for PgStore {
    async fn check(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        connection.batch_execute("SELECT 1").await.during("asking whether the database answers")
    }
}

#[async_trait]
impl Store for PgStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        Ok(Box::new(PgUnitOfWork::begin(self.connection().await?).await?))
    }

    async fn join(&self, tenant: TenantId, key: &IdempotencyKey) -> Option<JoinGuard> {
        self.joins.join(tenant, key).await.map(|guard| Box::new(guard) as JoinGuard)
    }
}

//! The store: where units of work begin, and from where is read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bwp_domain::{
    clock::Clock,
    idempotency::IdempotencyKey,
    ids::TenantId,
    principal::KeyCredential,
    resource::{Record, Shape},
    store::{Health, JoinGuard, Store, StoreError, UnitOfWork},
};
use diesel_async::SimpleAsyncConnection;
use futures_util::FutureExt;

use crate::{
    clock::{DatabaseClock, MachineClock},
    connect::{ConnectError, Connection, Pool, PoolSettings, PoolUse, connection, pool},
    credentials::{Credentials, Known, REMEMBERED},
    expecting::{Batches, Expectations},
    hint::EventsHint,
    ids_ahead::IdsOfTables,
    join::Joins,
    lanes::Lanes,
    long_reads::LongReads,
    reading::Reading,
    resource,
    session::Place,
    together::Together,
    unit_of_work::PgUnitOfWork,
};

/// Everything that is kept, in one PostgreSQL database. Cheap to clone.
#[derive(Clone)]
pub struct PgStore {
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) credentials: Credentials,
    found: Arc<Mutex<Found>>,
    pub(crate) batches: Batches,
    pub(crate) shared: Arc<Shared>,
    pool: Pool,
    long_reads: Arc<LongReads>,
    settings: PoolSettings,
}

/// Rows that are asked for by their ids, of each resource, by its table.
type Found = HashMap<&'static str, Together<(TenantId, i64), Record>>;

/// What all threads of a process share.
pub(crate) struct Shared {
    pub(crate) place: Arc<Place>,
    clock: Arc<DatabaseClock>,
    joins: Joins,
    known: Arc<Known>,
    /// Of all threads.
    pools: Mutex<Vec<Pool>>,
    /// Ids that no row has, of each resource, by its table.
    pub(crate) ids: IdsOfTables,
    pub(crate) events: Arc<EventsHint>,
}

impl PgStore {
    /// A store over the database at `url`, whose schema is up to date (see [`migrate`](crate::migrate)). Connects when
    /// it is first used.
    pub fn new(url: &str, settings: PoolSettings) -> Result<Self, ConnectError> {
        Self::by_clock(url, settings, Arc::new(MachineClock))
    }

    /// The same on a machine whose clock is this one.
    #[cfg(feature = "testing")]
    pub fn on_machine(url: &str, settings: PoolSettings, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        Self::by_clock(url, settings, clock)
    }

    fn by_clock(url: &str, settings: PoolSettings, machine: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let shared = Shared {
            place: Arc::new(Place::parse(url)?),
            joins: Joins::new(settings.wait),
            clock: Arc::new(DatabaseClock::new(machine)),
            known: Arc::new(Known::new(REMEMBERED)),
            pools: Mutex::default(),
            ids: IdsOfTables::default(),
            events: Arc::default(),
        };
        Self::over(Arc::new(shared), settings)
    }

    /// The same store with connections of its own. For a thread that works alone: with connections that it shares with
    /// none, it wakes no other thread.
    pub fn for_thread(&self, settings: PoolSettings) -> Result<Self, ConnectError> {
        Self::over(Arc::clone(&self.shared), settings)
    }

    fn over(shared: Arc<Shared>, settings: PoolSettings) -> Result<Self, ConnectError> {
        let lanes = Arc::new(Lanes::new(Arc::clone(&shared.place), settings));
        let credentials = Credentials::new(Arc::clone(&lanes), Arc::clone(&shared.known), settings.wait);
        let pool = pool(Arc::clone(&shared.place), settings)?;
        shared.pools.lock().unwrap_or_else(PoisonError::into_inner).push(pool.clone());
        let batches = Batches::new(pool.clone(), settings.wait);
        let long_reads = Arc::new(LongReads::of(settings.max_size, settings.wait));
        Ok(Self { lanes, credentials, found: Arc::default(), batches, shared, pool, long_reads, settings })
    }

    /// Where rows of a resource are asked for by their ids.
    pub(crate) fn found(&self, shape: &'static Shape) -> Together<(TenantId, i64), Record> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let together = found.entry(shape.table).or_insert_with(|| {
            let lanes = Arc::clone(&self.lanes);
            Together::new("reading a row", self.patience(), move |asked| {
                let lanes = Arc::clone(&lanes);
                async move { resource::find(&lanes, shape, asked).await }.boxed()
            })
        });
        together.clone()
    }

    /// How the pools of all threads are used now.
    pub fn pool_use(&self) -> PoolUse {
        let pools = self.shared.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().map(Pool::status).fold(PoolUse::default(), |sum, pool| PoolUse {
            open: sum.open + pool.size,
            idle: sum.idle + pool.available,
            waiting: sum.waiting + pool.waiting,
        })
    }

    /// Whether a pooler is between us and PostgreSQL: the next transaction may have another session.
    pub async fn is_pooled(&self) -> Result<bool, StoreError> {
        Ok(self.connection().await?.is_pooled())
    }

    /// The settings that statements without a transaction should have and have not, since a pooler between us and PostgreSQL
    /// gives them sessions of its own. Empty without one. The server works without them, but nothing ends a statement there
    /// that nobody waits for any more, and lists take longer.
    pub fn pooler_lacks(&self) -> Vec<String> {
        self.shared.place.lacks()
    }

    /// A connection for a tenant's read that may take long, or whose statements are planned anew each time.
    pub(crate) async fn reading(&self, tenant: TenantId) -> Result<Reading, StoreError> {
        let leave = self.long_reads.enter(tenant).await?;
        Reading::begin(leave, self.connection().await?, self.patience(), self.clock()).await
    }

    pub(crate) async fn connection(&self) -> Result<Connection, StoreError> {
        let most = self.settings.max_waiting;
        // Whose queue has no end does not look at it.
        if most < usize::MAX && self.pool.status().waiting >= most {
            return Err(StoreError::Busy(format!("{most} wait for a database connection already")));
        }
        connection(&self.pool).await
    }

    /// The clock by which rows are to get their times.
    pub fn clock(&self) -> Arc<DatabaseClock> {
        Arc::clone(&self.shared.clock)
    }

    /// Compares this machine's clock with the database's: [`clock`](Self::clock) is right from then on. To be called now and then.
    pub async fn put_clock_right(&self) -> Result<(), StoreError> {
        self.shared.clock.put_right(&mut *self.connection().await?).await
    }

    /// How long is waited for what a healthy server answers at once.
    pub(crate) const fn patience(&self) -> Duration {
        self.settings.wait
    }
}

#[async_trait]
impl Health for PgStore {
    async fn check(&self) -> Result<(), StoreError> {
        self.lanes
            .read(
                "asking whether the database answers",
                |link| async move { link.shared().batch_execute("SELECT 1").await },
            )
            .await
    }
}

#[async_trait]
impl Store for PgStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let connection = self.connection().await?;
        let begun = PgUnitOfWork::begin(connection, self.patience(), self.clock()).await?;
        Ok(Box::new(begun.hinting(Arc::clone(&self.shared.events))))
    }

    fn begin_expecting(&self, credential: &Arc<KeyCredential>) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let expecting = PgUnitOfWork::expecting_all(Expectations::new(self.clone(), Arc::clone(credential)));
        Ok(Box::new(expecting.hinting(Arc::clone(&self.shared.events))))
    }

    async fn join(&self, tenant: TenantId, key: &IdempotencyKey) -> Option<Box<dyn JoinGuard>> {
        self.shared.joins.join(tenant, key).await.map(|guard| Box::new(guard) as _)
    }
}

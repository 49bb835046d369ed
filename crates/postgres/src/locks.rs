//! Advisory locks: one number for each thing that is locked.

use std::time::Duration;

use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

/// The type of what a locking function returns: nothing.
#[derive(diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 2278, array_oid = 0))]
pub struct Void;

diesel::define_sql_function! {
    fn pg_advisory_xact_lock(key: BigInt) -> Void;
}
diesel::define_sql_function! {
    fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool;
}
diesel::define_sql_function! {
    fn pg_advisory_xact_lock_shared(key: BigInt) -> Void;
}

/// How long a transaction waits for a lock, unless it says otherwise. Longer than the server waits before it looks for
/// deadlocks (a second, by default), so that these are told apart.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_millis(1500);

/// The statement that bounds the waits for locks in the rest of a transaction.
pub(crate) fn bounded(patience: Duration) -> String {
    format!("SET LOCAL lock_timeout = {}", patience.as_millis())
}

/// What is locked. Advisory locks share one space of 64-bit numbers in a database: the first byte says what kind of
/// thing a number stands for. 9 is the making of partitions of the audit log, by a function of its migration.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock {
    /// An API key: held shared by those who write with it, exclusively by the one who revokes or narrows it.
    ApiKey(i64),
    /// An account: held shared by those who are signed in while they change something, exclusively by the one who ends its
    /// sessions or changes what it may do.
    Account(i64),
    /// What a user gave an app: held shared by the app while it changes something, exclusively by the one who ends it or gives it new
    /// tokens.
    Grant(i64),
    /// A tenant's team: held by the one who changes a role or takes access away, before any of the above.
    Team(i64),
    /// The making of the first tenant.
    FirstStart,
    /// The schema.
    Migrations,
    /// Tidying the search index.
    SearchIndex,
    /// Claiming a job.
    Jobs,
    /// All rows of one table and tenant, for changes that look at all of them.
    AllRows(&'static str, i64),
}

/// 16 bits of a name. Two names with the same ones keep each other waiting, and nothing else.
const fn hash(name: &str) -> i64 {
    let (bytes, mut hash, mut at) = (name.as_bytes(), 0, 0);
    while at < bytes.len() {
        hash = (hash * 31 + bytes[at] as i64) % 0xffff;
        at += 1;
    }
    hash
}

impl Lock {
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::ApiKey(id) => 1 << 56 | id,
            Self::FirstStart => 2 << 56,
            Self::Account(id) => 4 << 56 | id,
            Self::Migrations => 3 << 56,
            Self::Team(tenant) => 5 << 56 | tenant,
            Self::SearchIndex => 6 << 56,
            Self::Jobs => 11 << 56,
            Self::Grant(id) => 12 << 56 | id,
            Self::AllRows(table, tenant) => 7 << 56 | hash(table) << 40 | tenant,
        }
    }

    /// Takes the lock until the transaction ends, if nobody holds it.
    pub(crate) async fn try_take(self, connection: &mut AsyncPgConnection) -> diesel::QueryResult<bool> {
        diesel::select(pg_try_advisory_xact_lock(self.number())).get_result(connection).await
    }

    /// Waits for the lock and holds it until the transaction ends, with others who share it.
    pub(crate) async fn share(self, connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
        diesel::select(pg_advisory_xact_lock_shared(self.number())).execute(connection).await.map(|_| ())
    }

    /// Waits for the lock as long as for any other, and holds it alone until the transaction ends.
    pub(crate) async fn wait(self, connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
        diesel::select(pg_advisory_xact_lock(self.number())).execute(connection).await.map(|_| ())
    }

    /// Waits for the lock and holds it alone until the transaction ends. However long that takes: those who share it
    /// end soon, and who takes it must not be turned away by a busy key.
    pub(crate) async fn take(self, connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
        connection.batch_execute(&bounded(Duration::ZERO)).await?;
        diesel::select(pg_advisory_xact_lock(self.number())).execute(connection).await.map(|_| ())
    }
}

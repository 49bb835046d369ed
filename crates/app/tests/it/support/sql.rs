//! Looks into the database, for what no answer shows.

use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::PATIENCE;

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The connections to this database that servers and stores have.
const STORES: &str = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'bwp'";

/// A connection to a database.
pub(crate) struct Sql(AsyncPgConnection);

impl Sql {
    pub(crate) async fn connect(url: &str) -> Self {
        Self(AsyncPgConnection::establish(url).await.expect("the database answers"))
    }

    /// The whole number that a query gives.
    pub(crate) async fn number(&mut self, query: &str) -> i64 {
        let query = format!("SELECT ({query})::bigint AS number");
        diesel::sql_query(query.as_str()).get_result::<Number>(&mut self.0).await.expect(&query).number
    }

    /// What a query gives for the columns `name` and `number`.
    pub(crate) async fn rows(&mut self, query: &str) -> Vec<(String, i64)> {
        let rows: Vec<Row> = diesel::sql_query(query).load(&mut self.0).await.expect(query);
        rows.into_iter().map(|row| (row.name, row.number)).collect()
    }

    pub(crate) async fn run(&mut self, statement: &str) {
        self.0.batch_execute(statement).await.expect(statement);
    }

    /// How many transactions wait for a lock.
    pub(crate) async fn waiting(&mut self) -> i64 {
        self.number(&format!("SELECT count(*) {STORES} AND wait_event_type = 'Lock'")).await
    }

    /// Returns when so many transactions wait for a lock.
    pub(crate) async fn until_waiting(&mut self, expected: i64) {
        self.until(&format!("SELECT count(*) {STORES} AND wait_event_type = 'Lock'"), expected).await;
    }

    /// Returns when no transaction is open and no lock is held.
    pub(crate) async fn until_quiet(&mut self) {
        let open =
            format!("SELECT count(*) {STORES} AND (xact_start IS NOT NULL OR state LIKE 'idle in transaction%')");
        self.until(&open, 0).await;
        self.until(&format!("SELECT count(*) FROM pg_locks WHERE pid IN (SELECT pid {STORES})"), 0).await;
    }

    async fn until(&mut self, query: &str, expected: i64) {
        let began = Instant::now();
        loop {
            let number = self.number(query).await;
            if number == expected {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{query}: {number}, not {expected}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Closes all connections of servers and stores to this database, and tells how many those were.
    pub(crate) async fn cut_connections(&mut self) -> i64 {
        self.number(&format!("SELECT count(pg_terminate_backend(pid)) {STORES}")).await
    }
}

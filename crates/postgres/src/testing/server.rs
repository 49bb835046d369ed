//! The server that tests make their databases on.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    process,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bwp_embedded::{Cluster, Durability, Options};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

/// A PostgreSQL server for tests: the one that `BWP_TEST_DATABASE_URL` names (its path is replaced), or a private
/// cluster under `target/`, shared by all test processes and stopped by the last one.
pub struct TestServer {
    base: Base,
    started: Instant,
    counter: AtomicU32,
    /// Databases whose tests are over.
    done: Mutex<Vec<String>>,
}

enum Base {
    Given(String),
    Private(Cluster),
}

const VARIABLE: &str = "BWP_TEST_DATABASE_URL";

impl TestServer {
    #[expect(clippy::expect_used, reason = "a test without its server has failed")]
    pub(super) fn find_or_start() -> Self {
        let base = match std::env::var(VARIABLE) {
            Ok(url) => Base::Given(url.rsplit_once('/').map_or(url.clone(), |(base, _)| base.to_owned())),
            Err(_) => {
                let options = Options { durability: Durability::None, max_connections: 500, ..Options::default() };
                Base::Private(Cluster::open(&private_folder(), &options).expect("a private cluster for tests"))
            }
        };
        Self { base, started: Instant::now(), counter: AtomicU32::new(0), done: Mutex::default() }
    }

    /// Where a database of this server is.
    pub fn url(&self, database: &str) -> String {
        match &self.base {
            Base::Given(base) => format!("{base}/{database}"),
            Base::Private(cluster) => cluster.url(database),
        }
    }

    pub(super) fn unused_name(&self) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        // A process id comes again; with the time of its first test it is another.
        let nanos = self.started.elapsed().as_nanos();
        format!("test_{}_{count}_{nanos}", process::id())
    }

    /// Named after the text of the steps, so that another step makes another template.
    #[expect(clippy::expect_used, reason = "a test without its schema has failed")]
    #[expect(clippy::unused_self, reason = "the template belongs to the server")]
    pub(super) fn template_name(&self) -> String {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let steps = std::fs::read_dir(folder).expect("the migrations are beside the crates");
        let mut steps: Vec<_> = steps.filter_map(|step| Some(step.ok()?.path().join("up.sql"))).collect();
        steps.sort();
        let mut hash = DefaultHasher::new();
        for step in steps {
            std::fs::read(step).unwrap_or_default().hash(&mut hash);
        }
        format!("template_{:016x}", hash.finish())
    }

    pub(super) fn drop_later(&self, name: &str) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    }

    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    pub(super) async fn run(&self, statement: &str) {
        let done = std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner));
        let mut connection =
            AsyncPgConnection::establish(&self.url("postgres")).await.expect("the test server answers");
        for name in done {
            // A server that a test left running may still use it; then it stays until the next run's clean-up.
            let _ = connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
        // A template is busy for a moment after its last user left.
        for _ in 0..50 {
            match connection.batch_execute(statement).await {
                Ok(()) => return,
                Err(error) if error.to_string().contains("being accessed by other users") => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => panic!("{statement}: {error}"),
            }
        }
        panic!("{statement}: still being accessed by other users");
    }

    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    pub(super) async fn exists(&self, database: &str) -> bool {
        let mut connection =
            AsyncPgConnection::establish(&self.url("postgres")).await.expect("the test server answers");
        diesel::sql_query("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind::<diesel::sql_types::Text, _>(database)
            .execute(&mut connection)
            .await
            .expect("the catalogue is readable")
            > 0
    }
}

/// `target/test-postgres`, wherever the test runs.
fn private_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/test-postgres")
}

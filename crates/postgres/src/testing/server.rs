//! The server that tests make their databases on.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bwp_embedded::{Cluster, Durability, Options};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

/// A PostgreSQL server for tests: the one that `BWP_TEST_DATABASE_URL` names (its path is replaced), or a private
/// cluster under `target/`, shared by all test processes and stopped by the last one.
pub struct TestServer {
    base: Base,
    /// Databases whose tests are over.
    done: Mutex<Vec<String>>,
}

enum Base {
    Given(String),
    Private(Cluster),
}

const VARIABLE: &str = "BWP_TEST_DATABASE_URL";

/// The server of this process, for as long as a test has a database on it.
static SHARED: Mutex<Weak<TestServer>> = Mutex::new(Weak::new());

static COUNTER: AtomicU32 = AtomicU32::new(0);

impl TestServer {
    /// The server of this process. The first to ask starts it, and throws away what dead processes left.
    #[expect(clippy::expect_used, reason = "a test without its server has failed")]
    pub(super) async fn shared() -> Arc<Self> {
        let (server, is_new) = tokio::task::spawn_blocking(|| {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().map_or_else(
                || {
                    let server = Arc::new(Self::find_or_start());
                    *shared = Arc::downgrade(&server);
                    (server, true)
                },
                |server| (server, false),
            )
        })
        .await
        .expect("the test server starts");
        if is_new {
            server.drop_leftovers().await;
        }
        server
    }

    #[expect(clippy::expect_used, reason = "a test without its server has failed")]
    fn find_or_start() -> Self {
        let base = if let Ok(url) = std::env::var(VARIABLE) {
            Base::Given(url.rsplit_once('/').map_or(url.clone(), |(base, _)| base.to_owned()))
        } else {
            let options = Options { durability: Durability::None, max_connections: 500, ..Options::default() };
            Base::Private(Cluster::open(&private_folder(), &options).expect("a private cluster for tests"))
        };
        Self { base, done: Mutex::default() }
    }

    /// Where a database of this server is.
    pub fn url(&self, database: &str) -> String {
        match &self.base {
            Base::Given(base) => format!("{base}/{database}"),
            Base::Private(cluster) => cluster.url(database),
        }
    }

    /// A name that says whose database it is. A process id comes again, but not before the leftovers of the dead process
    /// are gone.
    pub(super) fn unused_name() -> String {
        format!("{PREFIX}{}_{}", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
    }

    /// Drops the databases of processes that have ended.
    #[expect(clippy::expect_used, reason = "a test without its server has failed")]
    async fn drop_leftovers(&self) {
        let names: Vec<DatabaseName> =
            diesel::sql_query("SELECT datname FROM pg_database WHERE starts_with(datname, $1)")
                .bind::<Text, _>(PREFIX)
                .load(&mut self.maintenance().await)
                .await
                .expect("the catalogue is readable");
        let (mut dead, mut alive) = (Vec::new(), vec![process::id().to_string()]);
        for DatabaseName { datname } in names {
            let owner = datname.trim_start_matches(PREFIX).split('_').next().unwrap_or_default().to_owned();
            if alive.contains(&owner) {
                continue;
            }
            if is_alive(&owner) { alive.push(owner) } else { dead.push(datname) }
        }
        for name in dead {
            self.drop_database(&name).await;
        }
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

    /// A connection for making and dropping databases.
    #[expect(clippy::expect_used, reason = "a test without its server has failed")]
    pub(super) async fn maintenance(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.url("postgres")).await.expect("the test server answers")
    }

    async fn drop_database(&self, name: &str) {
        // A server that a test left running may still use it; then it stays until the next run's clean-up.
        let _ = self.maintenance().await.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    }

    pub(super) async fn run(&self, statement: &str) {
        let done = std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner));
        for name in done {
            self.drop_database(&name).await;
        }
        let mut connection = self.maintenance().await;
        // A template is busy for a moment after its last user left.
        for _ in 0..1_200 {
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
        diesel::sql_query("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind::<Text, _>(database)
            .execute(&mut self.maintenance().await)
            .await
            .expect("the catalogue is readable")
            > 0
    }
}

/// What the names of tests' databases begin with; the process id follows.
const PREFIX: &str = "test_";

#[derive(diesel::QueryableByName)]
struct DatabaseName {
    #[diesel(sql_type = Text)]
    datname: String,
}

/// Whether a process runs. When that cannot be told, it does.
fn is_alive(process: &str) -> bool {
    let signalled = process::Command::new("kill").args(["-0", process]).stderr(process::Stdio::null()).status();
    signalled.map_or(true, |status| status.success())
}

/// `target/test-postgres`, wherever the test runs.
fn private_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/test-postgres")
}

//! Bringing a database's schema up to date.

use std::{pin::pin, time::Duration};

use diesel::{
    Connection, ConnectionError, RunQueryDsl,
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_types::Text,
};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::time::{sleep, timeout};

use crate::{
    address::{Address, Driver, InvalidDatabaseUrl},
    locks::Lock,
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The oldest PostgreSQL that works, as `server_version_num` writes it.
pub const OLDEST_SERVER: i32 = 150_000;

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Nothing can be reached under the URL.
    #[error(transparent)]
    Url(#[from] InvalidDatabaseUrl),
    /// The database cannot be reached.
    #[error("cannot connect to the database: {0}")]
    Connect(String),
    /// The server is too old.
    #[error("the server is PostgreSQL {0}, and 15 or newer is needed: upgrade it, or name another in DATABASE_URL")]
    TooOld(String),
    /// The database cannot hold every text.
    #[error("the database's encoding is {0}, and UTF8 is needed: create one with `ENCODING 'UTF8'`")]
    Encoding(String),
    /// The role may not make what the schema needs.
    #[error(
        "{0}: bwp's role must own its database, which lets it make tables and extensions there: ALTER DATABASE … OWNER TO …"
    )]
    Rights(String),
    /// A step failed.
    #[error("a migration failed: {0}")]
    Failed(String),
}

/// What was done to the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// The steps that were taken now, by name. Empty if the schema was up to date.
    pub applied: Vec<String>,
}

#[derive(diesel::QueryableByName)]
struct Server {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    number: i32,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Text)]
    encoding: String,
    /// Whether a step was ever taken.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    begun: bool,
}

/// What a database has of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Nothing is in the database.
    Empty,
    /// Nothing of the schema is there, and something else is.
    Foreign,
    /// Steps are left to be taken.
    Older,
    /// Every step that is known here was taken; newer ones may have been, too.
    UpToDate,
}

/// How long to wait before the lock is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the one who holds the lock says something. A pooler or the server may end a transaction in which nothing
/// happens.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Takes the steps that the database at `url` has not taken. Of many callers at once, one takes them and the others
/// wait.
pub async fn migrate(url: &str) -> Result<MigrationReport, MigrateError> {
    let address = Address::parse(url)?;
    if blocking(&address, is_up_to_date).await? {
        return Ok(MigrationReport::default());
    }
    let (mut lock, _driver) = hold(&address).await?;
    let mut work = pin!(blocking(&address, take_steps));
    let applied = loop {
        tokio::select! {
            applied = &mut work => break applied?,
            // If the lock is lost, another one may take the same step. One of the two fails then, and leaves nothing behind.
            () = sleep(SIGN_OF_LIFE) => { let _ = lock.batch_execute("SELECT 1").await; }
        }
    };
    // All is done: whether the lock goes now or with the connection is no matter.
    let _ = lock.batch_execute("COMMIT").await;
    Ok(MigrationReport { applied })
}

/// Looks at what the database at `url` has of the schema. Changes nothing.
///
/// # Errors
/// The database cannot be reached or used.
pub async fn schema(url: &str) -> Result<Schema, MigrateError> {
    blocking(&Address::parse(url)?, look).await
}

/// How long connecting may take. Longer than the pools wait: some databases are asleep until somebody comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one host may take to be reached. The URL may name more.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

async fn connect(address: &Address) -> Result<(AsyncPgConnection, Driver), MigrateError> {
    // It is large, and a part of what starts a server.
    let connecting = Box::pin(async {
        // The options of a session are for requests.
        let (client, driver) = address.connect("bwp migrations", "", REACHED_WITHIN, PATIENCE).await?;
        Ok::<_, ConnectionError>((AsyncPgConnection::try_from(client).await?, driver))
    });
    let connected = timeout(PATIENCE, connecting).await;
    let connected = connected.map_err(|_| MigrateError::Connect(format!("no answer within {PATIENCE:?}")))?;
    connected.map_err(|error| MigrateError::Connect(error.to_string()))
}

/// Does some work over a connection of its own. Diesel's migrations are synchronous.
async fn blocking<T: Send + 'static>(
    address: &Address,
    work: fn(&mut SyncConnection) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    let (connection, _driver) = connect(address).await?;
    tokio::task::spawn_blocking(move || work(&mut SyncConnection::from(connection))).await.map_err(failed)?
}

/// A connection with a transaction that holds the lock, until it is committed. A lock of the session would do without, but
/// a pooler may give each transaction another session, and leave that one locked. Of a holder whose machine is gone it is
/// taken when no sign of life has come for a minute.
async fn hold(address: &Address) -> Result<(AsyncPgConnection, Driver), MigrateError> {
    const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = 60000";
    let (mut connection, driver) = connect(address).await?;
    let mut told = false;
    loop {
        connection.batch_execute(BEGIN).await.map_err(failed)?;
        // Tried, and not waited for: who waits in a statement keeps an index from being built CONCURRENTLY.
        if Lock::Migrations.try_take(&mut connection).await.map_err(failed)? {
            return Ok((connection, driver));
        }
        connection.batch_execute("ROLLBACK").await.map_err(failed)?;
        if !std::mem::replace(&mut told, true) {
            tracing::info!("another process brings the schema up to date: waiting for it");
        }
        sleep(PAUSE).await;
    }
}

type SyncConnection = AsyncConnectionWrapper<AsyncPgConnection>;

#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped with")]
fn failed(error: impl ToString) -> MigrateError {
    let text = error.to_string();
    // Of what PostgreSQL says in another language the hint is missing, and nothing else.
    let denied = ["permission denied for schema", "permission denied to create extension"];
    if denied.iter().any(|it| text.contains(it)) { MigrateError::Rights(text) } else { MigrateError::Failed(text) }
}

fn is_up_to_date(connection: &mut SyncConnection) -> Result<bool, MigrateError> {
    Ok(server(connection)?.begun && !connection.has_pending_migration(MIGRATIONS).map_err(failed)?)
}

/// Fails on a server that cannot be used.
fn server(connection: &mut SyncConnection) -> Result<Server, MigrateError> {
    let server: Server = diesel::sql_query(
        "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text, \
         current_setting('server_encoding') AS encoding, \
         to_regclass('__diesel_schema_migrations') IS NOT NULL AS begun",
    )
    .get_result(connection)
    .map_err(failed)?;
    if server.number < OLDEST_SERVER {
        return Err(MigrateError::TooOld(server.text));
    }
    if server.encoding != "UTF8" {
        return Err(MigrateError::Encoding(server.encoding));
    }
    Ok(server)
}

#[derive(diesel::QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(diesel::QueryableByName)]
struct Holds {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    something: bool,
}

fn look(connection: &mut SyncConnection) -> Result<Schema, MigrateError> {
    // Not asked of diesel, which makes its table to look into it: others may have one of that name, with steps of theirs.
    let taken: Vec<Step> = if server(connection)?.begun {
        let taken = "SELECT version::text AS version FROM __diesel_schema_migrations";
        diesel::sql_query(taken).load(connection).map_err(failed)?
    } else {
        Vec::new()
    };
    let ours = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(failed)?;
    let left = ours.iter().filter(|step| {
        let version = step.name().version().to_string();
        !taken.iter().any(|taken| taken.version == version)
    });
    Ok(match left.count() {
        0 => Schema::UpToDate,
        left if left < ours.len() => Schema::Older,
        _ if holds_something(connection)? => Schema::Foreign,
        _ => Schema::Empty,
    })
}

/// Whether there is a table, a view or a sequence that came neither with PostgreSQL nor with an extension.
fn holds_something(connection: &mut SyncConnection) -> Result<bool, MigrateError> {
    let holds: Holds = diesel::sql_query(
        "SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND nspname <> 'information_schema' AND nspname !~ '^pg_'
                AND relname <> '__diesel_schema_migrations'
                AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')) AS something",
    )
    .get_result(connection)
    .map_err(failed)?;
    Ok(holds.something)
}

fn take_steps(connection: &mut SyncConnection) -> Result<Vec<String>, MigrateError> {
    let mut applied = Vec::new();
    for step in connection.pending_migrations(MIGRATIONS).map_err(failed)? {
        let taken = if step.metadata().run_in_transaction() {
            connection.transaction(|connection| {
                // The role's time for a statement is for requests.
                SimpleConnection::batch_execute(connection, "SET LOCAL statement_timeout = 0")?;
                connection.run_migration(&step)
            })
        } else {
            connection.run_migration(&step)
        };
        applied.push(taken.map_err(failed)?.to_string());
    }
    Ok(applied)
}

/// Undoes every step, newest first. For tests of the way back.
#[cfg(feature = "testing")]
pub async fn revert_all(url: &str) -> Result<(), MigrateError> {
    blocking(&Address::parse(url)?, |connection| {
        connection.revert_all_migrations(MIGRATIONS).map(|_| ()).map_err(failed)
    })
    .await
}

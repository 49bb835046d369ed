//! Bringing a database's schema up to date.

use std::time::Duration;

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_types::Text};
use diesel_async::{AsyncPgConnection, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    address::{Address, InvalidDatabaseUrl},
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
struct ServerVersion {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    number: i32,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Text)]
    encoding: String,
}

/// Takes the steps that the database at `url` has not taken. Of many callers at once, one takes them and the others
/// wait.
pub async fn migrate(url: &str) -> Result<MigrationReport, MigrateError> {
    let connection = connect(url).await?;
    // Diesel's migrations are synchronous.
    tokio::task::spawn_blocking(move || migrate_blocking(connection))
        .await
        .map_err(|error| MigrateError::Failed(error.to_string()))?
}

type SyncConnection = AsyncConnectionWrapper<AsyncPgConnection>;

/// How long connecting may take. Longer than the pools wait: some databases are asleep until somebody comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one host may take to be reached. The URL may name more.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

async fn connect(url: &str) -> Result<AsyncPgConnection, MigrateError> {
    let address = Address::parse(url)?;
    let connecting = async {
        // What drives it ends with the connection.
        let (client, _driver) = address.connect(REACHED_WITHIN, PATIENCE).await?;
        AsyncPgConnection::try_from(client).await
    };
    let connected = tokio::time::timeout(PATIENCE, connecting).await;
    let connected = connected.map_err(|_| MigrateError::Connect(format!("no answer within {PATIENCE:?}")))?;
    connected.map_err(|error| MigrateError::Connect(error.to_string()))
}

fn migrate_blocking(connection: AsyncPgConnection) -> Result<MigrationReport, MigrateError> {
    let failed = |error: diesel::result::Error| MigrateError::Failed(error.to_string());
    let mut connection = SyncConnection::from(connection);
    let version: ServerVersion = diesel::sql_query(
        "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text, \
         current_setting('server_encoding') AS encoding",
    )
    .get_result(&mut connection)
    .map_err(failed)?;
    if version.number < OLDEST_SERVER {
        return Err(MigrateError::TooOld(version.text));
    }
    if version.encoding != "UTF8" {
        return Err(MigrateError::Encoding(version.encoding));
    }
    // A lock of the session: each step is a transaction of its own. It goes with the connection, however this ends.
    let lock = format!("SELECT pg_advisory_lock({})", Lock::Migrations.number());
    connection.batch_execute(&lock).map_err(failed)?;
    let applied =
        connection.run_pending_migrations(MIGRATIONS).map_err(|error| MigrateError::Failed(error.to_string()))?;
    Ok(MigrationReport { applied: applied.iter().map(ToString::to_string).collect() })
}

/// Undoes every step, newest first. For tests of the way back.
#[cfg(feature = "testing")]
pub async fn revert_all(url: &str) -> Result<(), MigrateError> {
    let connection = connect(url).await?;
    tokio::task::spawn_blocking(move || {
        SyncConnection::from(connection)
            .revert_all_migrations(MIGRATIONS)
            .map(|_| ())
            .map_err(|error| MigrateError::Failed(error.to_string()))
    })
    .await
    .map_err(|error| MigrateError::Failed(error.to_string()))?
}

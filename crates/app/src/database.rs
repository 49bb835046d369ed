//! The database: the one that is named, or a private one in the data folder.

use std::{convert::Infallible, path::PathBuf, process::Command, sync::Arc, time::Duration};

use anyhow::Context;
use bwp_embedded::{Cluster, Installation, Options, find_installation};
use bwp_postgres::{PgStore, PoolSettings};

use crate::cli::DatabaseArgs;

/// An open database with its schema up to date.
pub(crate) struct Database {
    url: String,
    private: Option<Arc<Cluster>>,
    postgres_bin: Option<PathBuf>,
}

const NAME: &str = "bwp";

impl Database {
    /// Opens the database; a private one is made, started or joined. Brings the schema up to date.
    pub(crate) async fn open(args: &DatabaseArgs) -> anyhow::Result<Self> {
        let database = Self::open_as_it_is(args).await?;
        match database.migrate().await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.close().await?;
                Err(error)
            }
        }
    }

    /// Brings the schema up to date.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        for step in &bwp_postgres::migrate(&self.url).await?.applied {
            tracing::info!(step, "migrated");
        }
        Ok(())
    }

    /// Opens the database and leaves its schema alone.
    pub(crate) async fn open_as_it_is(args: &DatabaseArgs) -> anyhow::Result<Self> {
        let postgres_bin = args.postgres_bin.clone();
        let options = Options { bin_dir: postgres_bin.clone(), ..Options::default() };
        if let Some(url) = &args.database_url {
            return Ok(Self { url: url.clone(), private: None, postgres_bin });
        }
        let folder = args.data_dir.clone();
        let cluster = tokio::task::spawn_blocking(move || Cluster::open(&folder, &options)).await??;
        Ok(Self { url: cluster.url(NAME), private: Some(Arc::new(cluster)), postgres_bin })
    }

    /// Where it is. May hold a password: never log it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is a private one, in the data folder.
    pub(crate) const fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// A store over it, for a command: few connections.
    pub(crate) fn store(&self) -> anyhow::Result<PgStore> {
        Ok(PgStore::new(&self.url, PoolSettings { max_size: 2, ..PoolSettings::default() })?)
    }

    /// A client program of PostgreSQL, such as `pg_dump`.
    pub(crate) fn tool(&self, name: &str) -> anyhow::Result<Command> {
        if let Some(cluster) = &self.private {
            return Ok(cluster.tool(name));
        }
        let Installation { bin_dir, .. } =
            find_installation(self.postgres_bin.as_deref()).context("looking for pg_dump")?;
        Ok(Command::new(bin_dir.join(name)))
    }

    /// Keeps a private one running, for as long as this is awaited.
    pub(crate) async fn keep_running(&self) -> Infallible {
        let Some(cluster) = &self.private else { return std::future::pending().await };
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let cluster = Arc::clone(cluster);
            match tokio::task::spawn_blocking(move || cluster.revive()).await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => tracing::warn!("PostgreSQL had ended; it was started again"),
                Ok(Err(error)) => tracing::error!(%error, "PostgreSQL has ended and does not start; it is tried again"),
                Err(error) => tracing::error!(%error, "looking after PostgreSQL failed"),
            }
        }
    }

    /// Stops a private one that nobody else uses.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        // While a task still has it, that one closes it.
        if let Some(cluster) = self.private.and_then(Arc::into_inner) {
            tokio::task::spawn_blocking(move || cluster.close()).await??;
        }
        Ok(())
    }
}

/// Runs `work` on the open database and closes it, whatever comes of the work.
pub(crate) async fn with_database<T>(
    args: &DatabaseArgs,
    work: impl AsyncFnOnce(&Database) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let database = Database::open(args).await?;
    let done = work(&database).await;
    let closed = database.close().await;
    done.and_then(|value| closed.map(|()| value))
}

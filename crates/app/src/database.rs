//! The database: the one that is named, or a private one in the data folder.

use std::{convert::Infallible, path::PathBuf, process::Command, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use bwp_embedded::{Cluster, Installation, Options, find_installation};
use bwp_postgres::{ForLibpq, PgStore, PoolSettings, Schema};

use crate::cli::DatabaseArgs;

/// An open database.
pub(crate) struct Database {
    url: String,
    private: Option<Arc<Cluster>>,
    postgres_bin: Option<PathBuf>,
}

const NAME: &str = "bwp";

/// What a command needs of the database. Only some may make one: whoever gave a wrong folder or a wrong URL must hear of it,
/// and not be served by an empty database, nor find our tables among those of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The schema of this version or of an older one. It is left as it is.
    Data,
    /// The schema of this version. An older one is not migrated in passing: servers of the version before may run on it.
    Schema,
    /// The schema of this version; where nothing is at all, it is made.
    Beginning,
    /// The schema of this version, whatever that takes.
    Everything,
}

impl Database {
    /// Opens the database; a private one is made if it may be, started or joined.
    pub(crate) async fn open(args: &DatabaseArgs, needs: Needs) -> anyhow::Result<Self> {
        if matches!(needs, Needs::Data | Needs::Schema) {
            refuse_empty_folder(args).await?;
        }
        let database = Self::open_as_it_is(args).await?;
        match database.prepare(args, needs).await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.close().await?;
                Err(error)
            }
        }
    }

    async fn prepare(&self, args: &DatabaseArgs, needs: Needs) -> anyhow::Result<()> {
        if needs == Needs::Everything {
            return self.migrate().await;
        }
        match (bwp_postgres::schema(&self.url).await?, needs) {
            (Schema::UpToDate, _) | (Schema::Older, Needs::Data) => Ok(()),
            (Schema::Empty, Needs::Beginning) => self.migrate().await,
            (Schema::Older, _) => bail!(
                "the schema in {} is older than this version of bwp. Bring it up to date with `bwp migrate`, or use the bwp \
                 of the servers that run on it",
                self.place(args)?
            ),
            (Schema::Empty | Schema::Foreign, _) => bail!(
                "nothing of bwp is in {}. Name another with --data-dir or --database-url; if this is the one, `bwp serve` \
                 or `bwp migrate` makes the schema there",
                self.place(args)?
            ),
        }
    }

    /// Fails if there is no schema that could be taken as it is.
    pub(crate) async fn refuse_without_schema(&self, args: &DatabaseArgs) -> anyhow::Result<()> {
        // What cannot be looked at, by a role with few rights, say, may be there.
        if let Ok(Schema::Empty | Schema::Foreign) = bwp_postgres::schema(&self.url).await {
            bail!(
                "nothing of bwp is in {}: run `bwp migrate` first, or start without --skip-migrations",
                self.place(args)?
            );
        }
        Ok(())
    }

    /// Where it is, for people: without its password.
    fn place(&self, args: &DatabaseArgs) -> anyhow::Result<String> {
        if self.is_private() {
            return Ok(format!("the database of the data folder {}", args.data_dir.display()));
        }
        let ForLibpq { name, password: _ } = bwp_postgres::for_libpq(&self.url)?;
        Ok(format!("the database {name}"))
    }

    /// Brings the schema up to date.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        let applied = bwp_postgres::migrate(&self.url).await?.applied;
        for step in &applied {
            tracing::debug!(step, "migrated");
        }
        if let Some(last) = applied.last() {
            tracing::info!(steps = applied.len(), last, "the schema is brought up to date");
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
        let open = move || {
            // It takes some seconds, in which nothing else is said. What is wrong with the folder is said by opening it.
            if matches!(Cluster::is_in(&folder), Ok(false)) {
                tracing::info!(folder = %folder.display(), "making a PostgreSQL for the data, which takes some seconds");
            }
            Cluster::open(&folder, &options)
        };
        let cluster = tokio::task::spawn_blocking(open).await??;
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

/// Refuses a data folder without a database, before one is made there.
async fn refuse_empty_folder(args: &DatabaseArgs) -> anyhow::Result<()> {
    let folder = args.data_dir.clone();
    if args.database_url.is_some() || tokio::task::spawn_blocking(move || Cluster::is_in(&folder)).await?? {
        return Ok(());
    }
    let folder = std::path::absolute(&args.data_dir).unwrap_or_else(|_| args.data_dir.clone());
    bail!(
        "there is no database in the data folder {}. Name the folder with --data-dir, or a database of yours with \
         --database-url; `bwp serve` makes a new one",
        folder.display()
    )
}

/// Runs `work` on the open database and closes it, whatever comes of the work.
pub(crate) async fn with_database<T>(
    args: &DatabaseArgs,
    needs: Needs,
    work: impl AsyncFnOnce(&Database) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let database = Database::open(args, needs).await?;
    let done = work(&database).await;
    let closed = database.close().await;
    done.and_then(|value| closed.map(|()| value))
}

//! The cluster as its users see it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    EmbeddedError, Installation, Options,
    account::Account,
    create, database,
    installation::Search,
    layout::{self, Layout},
    locks::{StartLock, UserLock},
    postmaster::Record,
    server,
    url::socket_url,
};

/// A running cluster that this process uses.
///
/// The server runs until the last process that uses it closes it. Dropping does the same as [`Cluster::close`], but can
/// only log what goes wrong.
#[derive(Debug)]
pub struct Cluster {
    layout: Layout,
    socket_dir: PathBuf,
    installation: Installation,
    options: Options,
    /// `None` once closed.
    user: Option<UserLock>,
}

impl Cluster {
    /// Opens the cluster of a data folder: makes it (superuser `bwp`, database `bwp`, UTF-8) if there is none, and starts
    /// its server or joins the one that runs. What a crash left is cleaned up.
    ///
    /// Blocks while another process starts or stops the same cluster, and while the server starts: well under a second,
    /// a few seconds for a new cluster, longer after a crash of the machine.
    ///
    /// # Errors
    /// Any [`EmbeddedError`]. Nothing half-made remains in the way of the next attempt.
    pub fn open(data_dir: &Path, options: &Options) -> Result<Self, EmbeddedError> {
        let data_dir = layout::prepare_data_dir(data_dir)?;
        let turn = StartLock::acquire(&data_dir)?;
        let (layout, account) = layout::settle(data_dir)?;
        create::remove_leftovers(&layout)?;

        let search = Search::of_this_machine(options.bin_dir.as_deref());
        let installation = if let Some(major) = create::cluster_major(&layout)? {
            search.for_cluster(&layout.pgdata(), major)?
        } else {
            let installation = search.any()?;
            create::create(&layout, &account, &installation, options.durability, &turn)?;
            installation
        };

        let user = UserLock::acquire(&layout.data_dir)?;
        let socket_dir = server::run(&layout, &account, &installation, options)?;
        if let Err(error) = database::ensure(&installation, &socket_dir, &turn) {
            if let Err(error) = close(&layout, user) {
                tracing::warn!(%error, "PostgreSQL could not be stopped");
            }
            return Err(error);
        }
        Ok(Self { layout, socket_dir, installation, options: options.clone(), user: Some(user) })
    }

    /// Whether a data folder holds a cluster, whether it runs or not. Changes nothing: a command that only looks asks this
    /// before [`Cluster::open`] makes one.
    ///
    /// # Errors
    /// [`EmbeddedError::Damaged`] if the cluster's place is lost, or an I/O error.
    pub fn is_in(data_dir: &Path) -> Result<bool, EmbeddedError> {
        layout::holds_cluster(data_dir)
    }

    /// Starts the server again if it has ended: killed for want of memory, say. It restarts itself when one of its
    /// processes dies, but not when its first one does. Returns whether there was anything to do; if not, this takes well
    /// under a millisecond. The URL stays the same.
    ///
    /// # Errors
    /// Any [`EmbeddedError`].
    pub fn revive(&self) -> Result<bool, EmbeddedError> {
        let pgdata = self.layout.pgdata();
        if Record::read(&pgdata)?.is_some_and(|record| record.is_true(&pgdata)) {
            return Ok(false);
        }
        let _turn = StartLock::acquire(&self.layout.data_dir)?;
        let account = Account::choose(&pgdata, &[])?;
        server::run(&self.layout, &account, &self.installation, &self.options)?;
        Ok(true)
    }

    /// The URL of a database in the cluster, for clients in Rust and for libpq's alike. The role is the superuser `bwp`;
    /// there is no password.
    pub fn url(&self, database: &str) -> String {
        socket_url(&self.socket_dir, database)
    }

    /// The folder of the server's socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The server's log.
    pub fn log_path(&self) -> PathBuf {
        self.layout.log()
    }

    /// The binaries that run the cluster.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// A client program (`psql`, `pg_dump`, …) of the server's own version, without the environment variables that would
    /// lead it to another server. Give it [`Cluster::url`] as its database.
    pub fn tool(&self, name: &str) -> Command {
        database::client(&self.installation, name)
    }

    /// Ends this process's use of the cluster, and stops the server if no other process uses it. Open transactions are
    /// rolled back; close the connections before.
    ///
    /// # Errors
    /// [`EmbeddedError::StopTimeout`], [`EmbeddedError::Busy`], or an I/O error on the locks.
    pub fn close(mut self) -> Result<(), EmbeddedError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), EmbeddedError> {
        let Some(user) = self.user.take() else { return Ok(()) };
        let _turn = StartLock::acquire(&self.layout.data_dir)?;
        close(&self.layout, user)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the PostgreSQL cluster could not be closed");
        }
    }
}

/// Gives up this process's use, and stops the server if nobody else uses it. The caller holds the start lock.
fn close(layout: &Layout, user: UserLock) -> Result<(), EmbeddedError> {
    if user.was_the_last()? { server::stop(layout) } else { Ok(()) }
}

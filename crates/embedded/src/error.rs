//! What can go wrong, and what to do then.

use std::{io, path::PathBuf, process::ExitStatus};

use crate::files::FileError;

/// Why a cluster could not be found, made, started or stopped.
///
/// Each message says what happened and what to do about it, and is meant to be shown to the person who ran the command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// No server binaries on this machine.
    #[error(
        "no PostgreSQL server was found on this machine. To install one: {install}. \
         To use a database that you run yourself: --database-url. (Looked in {looked_in}.)"
    )]
    NoInstallation {
        /// The command that installs the server on this platform.
        install: String,
        /// The places that were tried.
        looked_in: String,
    },

    /// Server binaries were found, but all are too old.
    #[error(
        "PostgreSQL {minimum} or newer is needed, and only {found} was found. To install a newer one: {install}. \
         To use a database that you run yourself: --database-url."
    )]
    TooOld {
        /// The oldest major version that works.
        minimum: u32,
        /// The versions found, and where.
        found: String,
        /// The command that installs the server on this platform.
        install: String,
    },

    /// The folder given for the binaries has no working server.
    #[error(
        "{path} was given as the folder of the PostgreSQL binaries, but {reason}. Correct it, or leave it out to search the usual places."
    )]
    UnusableInstallation {
        /// The folder given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The cluster was made by a major version that is not installed.
    #[error(
        "the cluster {cluster} was made by PostgreSQL {major}, and only {found} was found; each major version has its \
         own format. To install that version: {install}. To move to another version, make a backup with the old one \
         and restore it with the new one."
    )]
    OtherVersion {
        /// The cluster's folder.
        cluster: PathBuf,
        /// The major version that made it.
        major: u32,
        /// The versions found, and where.
        found: String,
        /// The command that installs the server on this platform.
        install: String,
    },

    /// The installation lacks extensions that the schema needs.
    #[error("PostgreSQL lacks the extension(s) {missing}. To install them: {install}. Then start again.")]
    MissingExtensions {
        /// The extensions' names.
        missing: String,
        /// The command that installs them on this platform.
        install: String,
    },

    /// A path that PostgreSQL cannot work with.
    #[error("the data folder {path:?} cannot be used: {reason}. Choose another with --data-dir.")]
    UnusableDataDir {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// A folder or file that should be one's own is a link, say, or somebody else's.
    #[error(
        "{path} cannot be trusted: {reason}. Remove it if it is not needed, or choose another folder with --data-dir."
    )]
    Untrusted {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// What lies where the cluster should be is no cluster, or its place is lost.
    #[error("{path} is not a usable cluster: {reason}.")]
    Damaged {
        /// The cluster's folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// Another process is starting or stopping the cluster and does not finish.
    #[error(
        "another process has held {path} for {seconds} s while it starts or stops the database. End that process, then try again."
    )]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long this process waited, in seconds.
        seconds: u64,
    },

    /// A program did not run or did not succeed.
    #[error("{program} failed ({failure}){output}")]
    Program {
        /// The program.
        program: String,
        /// Its exit status, or why it could not be run.
        failure: String,
        /// The end of its output.
        output: String,
    },

    /// The server ended before it was ready.
    #[error("PostgreSQL ended while starting ({status}). The end of its log, {log}:\n{tail}")]
    Start {
        /// How it ended.
        status: ExitStatus,
        /// The log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },

    /// The server runs but did not become ready.
    #[error(
        "PostgreSQL was not ready after {seconds} s. It is left running, for it may be repairing its data after a \
         crash: try again to go on waiting. The end of its log, {log}:\n{tail}"
    )]
    StartTimeout {
        /// How long this process waited, in seconds.
        seconds: u64,
        /// The log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },

    /// The server was told to stop and still runs.
    #[error("PostgreSQL (process {pid}) still runs {seconds} s after it was told to stop. See its log, {log}.")]
    StopTimeout {
        /// The server's process.
        pid: i32,
        /// How long this process waited, in seconds.
        seconds: u64,
        /// The log file.
        log: PathBuf,
    },

    /// A file or folder could not be read, written or made.
    #[error("cannot {action} {path}: {source}. Check that this user may do so, and that the disk is not full.")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl From<FileError> for EmbeddedError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Unfit { path, what } => Self::Untrusted { path, reason: format!("it is {what}") },
            FileError::Io { action, path, source } => Self::Io { action, path, source },
        }
    }
}

/// Names the file and the deed in an I/O error.
pub(crate) trait IoContext<T> {
    /// Says what was being done (`"read"`) to which file.
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T, EmbeddedError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T, EmbeddedError> {
        self.map_err(|source| EmbeddedError::Io { action, path: path.into(), source })
    }
}

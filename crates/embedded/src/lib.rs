//! A private PostgreSQL cluster in a data folder: made, started, shared between processes, and stopped.
//!
//! With no database URL, `bwp serve` keeps its data in a cluster that belongs to its data folder alone. This crate makes
//! that cluster, starts it, lets other processes (`bwp key create` beside a running server, say) join it, and stops it
//! when its last user is done. The server binaries come from the platform's package manager; see [`find_installation`].
//!
//! ```no_run
//! use bwp_embedded::{Cluster, Options};
//!
//! # fn main() -> Result<(), bwp_embedded::EmbeddedError> {
//! let cluster = Cluster::open(".bwp".as_ref(), &Options::default())?;
//! println!("{}", cluster.url("bwp"));
//! cluster.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything here blocks; asynchronous callers use a thread for blocking work.
//!
//! # What lies in the data folder
//! | | |
//! |---|---|
//! | `start.lock` | held while a process makes, starts, joins or stops the cluster |
//! | `users.lock` | held, shared, by each process for as long as it uses the cluster |
//! | `postgres.log` | what the server said; the one before it is `postgres.log.1` |
//! | `postgres/data` | the cluster |
//! | `postgres/run` | its socket, unless that path were too long: then `/tmp/bwp-<hash>` |
//! | `postgres.location` | where `postgres/` is, when the server's user cannot enter the data folder |
//!
//! # Who may connect
//! The server listens on a unix socket only, and trusts whoever reaches it. That is safe because the socket lies in a
//! folder with mode 0700 that belongs to the user who runs the server: whoever can enter it can also read the cluster's
//! files, and a password would protect nothing more.
//!
//! # Root
//! PostgreSQL refuses to run as root. Started by root, it runs as the owner of the cluster; a new cluster belongs to the
//! owner of the data folder if that is an ordinary user, else to `postgres`, else to `nobody`. Root itself writes nothing
//! into the folders that it gives to that user.

mod account;
mod cluster;
mod create;
mod database;
mod error;
pub mod files;
mod folder;
mod hash;
mod installation;
mod layout;
mod locks;
mod log;
mod options;
mod platform;
mod postmaster;
mod server;
mod settings;
mod url;

pub use cluster::Cluster;
pub use error::EmbeddedError;
pub use installation::{Installation, MINIMUM_MAJOR, Version, find_installation};
pub use options::{Durability, Options};

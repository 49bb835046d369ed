//! What a caller may choose.

use std::path::PathBuf;

/// How a cluster is found, made and run.
///
/// The settings take effect when the server starts; a process that joins a running server takes it as it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether committed data survives a crash of the machine.
    pub durability: Durability,
    /// How many connections the server accepts at once.
    pub max_connections: u16,
    /// The folder with `postgres` and `initdb`; nothing else is tried when it is given. `None`: PATH and the usual places.
    pub bin_dir: Option<PathBuf>,
    /// More settings for the server, as name and value (`("work_mem", "16MB")`). They win over this crate's own, except
    /// for those that keep the server off the network.
    pub settings: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { durability: Durability::Full, max_connections: 200, bin_dir: None, settings: Vec::new() }
    }
}

/// Whether committed data survives a crash of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A commit that was acknowledged is on disk. What people's data needs.
    #[default]
    Full,
    /// Nothing waits for the disk: fast, for clusters that tests make and throw away. A crash of the server loses the
    /// last commits, and a crash of the machine may ruin the cluster.
    None,
}

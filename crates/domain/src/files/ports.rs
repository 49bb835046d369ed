//! What files need from outside: a store of bytes, and a ledger of which bytes a tenant keeps.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use super::{FileDigest, FileName};
use crate::{clock::Timestamp, ids::TenantId, store::StoreError};

/// What can go wrong with a store of files. The text is for the log, never for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The store cannot be reached, refuses, or is full: trying again later may work.
    #[error("file store: {0}")]
    Unavailable(String),
}

/// Where files are kept.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Begins to write a file, whose name must be new.
    async fn create(&self, name: &FileName) -> Result<Box<dyn FileWriter>, FileError>;

    /// The file's bytes: all of them, or those of a range, which must not be empty and must lie in the file. `Ok(None)` if there
    /// is no such file.
    async fn open(&self, name: &FileName, range: Option<Range<u64>>) -> Result<Option<Box<dyn FileReader>>, FileError>;

    /// How many bytes the file has. `Ok(None)` if there is no such file.
    async fn size(&self, name: &FileName) -> Result<Option<u64>, FileError>;

    /// Deletes the file. That there is none is no error.
    async fn delete(&self, name: &FileName) -> Result<(), FileError>;
}

/// A file that is being written. Nobody sees it before it is [complete](Self::complete).
///
/// MUST hold no more than a few MiB of it in memory. One that is dropped before that MUST leave nothing that is ever seen, and
/// MUST throw away what it has written as far as it can.
#[async_trait]
pub trait FileWriter: Send {
    /// Writes the next bytes. Waits while there are too many on their way.
    async fn write(&mut self, bytes: Bytes) -> Result<(), FileError>;

    /// Makes the file, whole and durable.
    async fn complete(self: Box<Self>) -> Result<(), FileError>;
}

/// A file, or a range of it, that is being read.
///
/// MUST hold no more than a few MiB of it in memory.
#[async_trait]
pub trait FileReader: Send {
    /// The next bytes. `Ok(None)` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, FileError>;
}

/// Bytes that lie in a store, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBytes {
    /// Under which name.
    pub name: FileName,
    /// Their digest.
    pub digest: FileDigest,
    /// How many they are.
    pub size: u64,
}

/// Bytes that a tenant keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Under which name they lie in the store.
    pub name: FileName,
    /// How many bytes the tenant keeps in all.
    pub total: u64,
}

/// Which bytes each tenant keeps, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait FileLedger: Send {
    /// Takes note that the tenant keeps `bytes`. If it keeps the same ones already, they stay under the name that they have, and
    /// those that are given are not needed.
    ///
    /// MUST let one unit of work of a tenant do so after the other: the total is exact, and the same bytes are kept once.
    async fn keep(&mut self, tenant: TenantId, bytes: &StoredBytes, now: Timestamp) -> Result<Kept, StoreError>;
}

/// A unit of work that lends the ledger of files.
pub trait HasFiles: Send {
    /// The ledger.
    fn files(&mut self) -> &mut dyn FileLedger;
}

/// Which bytes each tenant keeps, outside any unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait FileUsage: Send + Sync {
    /// How many bytes the tenant keeps.
    async fn used(&self, tenant: TenantId) -> Result<u64, StoreError>;
}

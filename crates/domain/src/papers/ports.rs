//! What papers need from outside.

use async_trait::async_trait;

use super::Paper;
use crate::store::StoreError;

/// Why a document was not printed. The text is for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// Its rows could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The printer failed.
    #[error("printing failed: {0}")]
    Printer(String),
}

/// A document that was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// What the file is called.
    pub file_name: String,
    /// A PDF.
    pub bytes: Vec<u8>,
}

/// What makes PDFs.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Printer: Send + Sync {
    /// Makes a PDF. MUST give the same bytes for the same paper, MUST NOT hold up other work on the caller's thread, and MUST bound
    /// how many are made at once. A logo or a signature that cannot be read is left out.
    async fn print(&self, paper: Paper) -> Result<Vec<u8>, PaperError>;
}

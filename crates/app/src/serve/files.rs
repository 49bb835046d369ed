//! Where files are kept.

use std::path::Path;

use anyhow::Context;
use bwp_files::Files;
use bwp_http::FileLimits;

use crate::cli::{FilesArgs, ServeArgs};

/// The folder of the files in the data folder.
const FOLDER: &str = "files";

/// The place that the operator named, or the data folder.
pub(crate) fn configured(args: &FilesArgs, data_dir: &Path) -> anyhow::Result<Files> {
    match args.files.as_deref().map(str::trim) {
        None => Ok(Files::in_folder(data_dir.join(FOLDER))),
        Some(place) => Files::at(place).context("--files"),
    }
}

/// How large they may be.
pub(super) fn limits(args: &ServeArgs) -> FileLimits {
    FileLimits {
        max_bytes: usize::try_from(args.max_file_size).unwrap_or(usize::MAX),
        quota: Some(args.tenant_files).filter(|quota| *quota > 0),
    }
}

/// Throws away what a process that was killed has left.
pub(super) async fn sweep(files: Files) {
    match files.sweep().await {
        Ok(0) => {}
        Ok(swept) => tracing::info!(swept, "unfinished files were thrown away"),
        Err(error) => tracing::warn!(%error, "unfinished files are looked for again when the server starts"),
    }
}

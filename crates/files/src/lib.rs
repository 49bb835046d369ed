//! The port [`FileStore`] over a folder, or over a store that speaks S3.
//!
//! What is written lies aside, under a name that no file has, until it is whole; then it gets its name at once. A process that
//! is killed leaves it there: [`Files::sweep`] throws it away later. In a store that speaks S3 the store does so, by a rule
//! for multipart uploads that were not completed.

mod http;
mod open;
mod sweep;

use std::{ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use bwp_domain::files::{
    FileName,
    ports::{FileError, FileReader, FileStore, FileWriter},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart, path::Path};
use tokio::{runtime::Handle, time::timeout};

pub use self::open::{Files, OpenError};

/// How long a store may be silent in the middle of a file.
const SILENCE: Duration = Duration::from_secs(20);
/// How many parts are on their way while the next one is gathered.
const AT_ONCE: usize = 2;

#[async_trait]
impl FileStore for Files {
    async fn create(&self, name: &FileName) -> Result<Box<dyn FileWriter>, FileError> {
        let upload = self.store()?.put_multipart(&path(name)).await.map_err(unavailable)?;
        let part = self.part();
        Ok(Box::new(Writer { part, upload: Some(WriteMultipart::new_with_chunk_size(upload, part)) }))
    }

    async fn open(&self, name: &FileName, range: Option<Range<u64>>) -> Result<Option<Box<dyn FileReader>>, FileError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = absent_or(self.store()?.get_opts(&path(name), options).await)?;
        Ok(found.map(|found| Box::new(Reader(found.into_stream())) as _))
    }

    async fn size(&self, name: &FileName) -> Result<Option<u64>, FileError> {
        Ok(absent_or(self.store()?.head(&path(name)).await)?.map(|found| found.size))
    }

    async fn delete(&self, name: &FileName) -> Result<(), FileError> {
        absent_or(self.store()?.delete(&path(name)).await).map(|_| ())
    }
}

fn path(name: &FileName) -> Path {
    Path::from(name.as_str())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped with")]
fn unavailable(error: Error) -> FileError {
    FileError::Unavailable(error.to_string())
}

fn absent_or<T>(found: Result<T, Error>) -> Result<Option<T>, FileError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

/// A file that is being written.
struct Writer {
    part: usize,
    /// `None`: it is complete, or lost.
    upload: Option<WriteMultipart>,
}

impl Writer {
    fn lost() -> FileError {
        FileError::Unavailable("a part of the file could not be written before".to_owned())
    }
}

#[async_trait]
impl FileWriter for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<(), FileError> {
        for part in bytes.chunks(self.part) {
            let upload = self.upload.as_mut().ok_or_else(Self::lost)?;
            upload.wait_for_capacity(AT_ONCE).await.map_err(unavailable)?;
            upload.write(part);
        }
        Ok(())
    }

    async fn complete(mut self: Box<Self>) -> Result<(), FileError> {
        let upload = self.upload.take().ok_or_else(Self::lost)?;
        upload.finish().await.map(|_| ()).map_err(unavailable)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        // Outside a runtime the store throws away what it can by itself.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = upload.abort().await {
                    tracing::warn!(%error, "what was written of a file could not be thrown away");
                }
            });
        }
    }
}

struct Reader(BoxStream<'static, Result<Bytes, Error>>);

#[async_trait]
impl FileReader for Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, FileError> {
        let next = timeout(SILENCE, self.0.next()).await;
        let next = next.map_err(|_| FileError::Unavailable("it is silent for too long".to_owned()))?;
        next.transpose().map_err(unavailable)
    }
}

type Shared = Arc<dyn ObjectStore>;

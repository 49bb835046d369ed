//! Where the files are: a folder or a URL.

use std::{
    fs::DirBuilder,
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use bwp_domain::files::ports::FileError;
use object_store::{
    BackoffConfig, ObjectStoreScheme, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path as StorePath, prefix::PrefixStore,
};

use crate::{Shared, http::Connector, unavailable};

/// Files in a folder, or in a store that speaks S3. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Files(pub(crate) Place);

#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A folder, which is made when it is first used: a server that never keeps a file needs none.
    Folder(PathBuf, Arc<OnceLock<Shared>>),
    /// A bucket, below a prefix.
    Bucket(Shared),
}

/// What was said of the place of the files makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is a URL of another kind.
    #[error("{0}: expected a folder, or a URL such as s3://bucket/prefix")]
    Unknown(String),
    /// The store lacks something.
    #[error("{0}")]
    Unusable(String),
}

/// How long failed requests to a store are tried again.
const RETRIES: Duration = Duration::from_secs(20);

impl Files {
    /// Files in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self(Place::Folder(folder.into(), Arc::default()))
    }

    /// Files in this place: a folder, as a path or a `file://` URL, or `s3://bucket/prefix`.
    ///
    /// What else a store that speaks S3 is to be told stands in the environment, under the names that all its programs know:
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, and `AWS_ALLOW_HTTP` for one without TLS.
    ///
    /// # Errors
    /// The place is of an unknown kind, or the store lacks something.
    pub fn at(place: &str) -> Result<Self, OpenError> {
        let Some((scheme, rest)) = place.split_once("://") else { return Ok(Self::in_folder(place)) };
        match scheme {
            "file" if rest.starts_with('/') => Ok(Self::in_folder(rest)),
            "s3" => Self::in_bucket(place).map(|store| Self(Place::Bucket(store))),
            _ => Err(OpenError::Unknown(place.to_owned())),
        }
    }

    fn in_bucket(place: &str) -> Result<Shared, OpenError> {
        let unusable = |error: &dyn std::fmt::Display| OpenError::Unusable(error.to_string());
        let url = place.parse().map_err(|_| OpenError::Unknown(place.to_owned()))?;
        let (_, prefix): (_, StorePath) = ObjectStoreScheme::parse(&url).map_err(|error| unusable(&error))?;
        let retry = RetryConfig { max_retries: 3, retry_timeout: RETRIES, backoff: BackoffConfig::default() };
        let bucket =
            AmazonS3Builder::from_env().with_url(place).with_http_connector(Connector).with_retry(retry).build();
        Ok(Arc::new(PrefixStore::new(bucket.map_err(|error| unusable(&error))?, prefix)))
    }

    /// The folder, if it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Place::Folder(folder, _) => Some(folder),
            Place::Bucket(_) => None,
        }
    }

    /// The size of what is sent to the store at once: more than the least that stores take, which is 5 MiB.
    pub(crate) const fn part(&self) -> usize {
        match &self.0 {
            Place::Folder(..) => 1024 * 1024,
            Place::Bucket(_) => 6 * 1024 * 1024,
        }
    }

    pub(crate) fn store(&self) -> Result<&Shared, FileError> {
        match &self.0 {
            Place::Bucket(store) => Ok(store),
            Place::Folder(folder, open) => {
                if let Some(store) = open.get() {
                    return Ok(store);
                }
                let store = open_folder(folder)?;
                Ok(open.get_or_init(|| store))
            }
        }
    }
}

fn open_folder(folder: &Path) -> Result<Shared, FileError> {
    make(folder).map_err(|error| FileError::Unavailable(format!("{}: {error}", folder.display())))?;
    // Written to the disk before it is said to be there.
    let store = LocalFileSystem::new_with_prefix(folder).map_err(unavailable)?.with_fsync(true);
    Ok(Arc::new(store))
}

/// Nobody else may enter: these are a tenant's papers.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

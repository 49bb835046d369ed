//! Finding credentials.
//!
//! Each request asks the database about its own credential, after it arrived. What was read of a key before spares reading
//! it again: all keys and tenants together have one revision, and what was read at the revision that they have now is true.

use std::{sync::Arc, time::Duration};

use bwp_domain::{keys::KeyHash, principal::KeyCredential, store::StoreError};
use futures_util::FutureExt;
use quick_cache::sync::Cache;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    api_keys,
    lanes::Lanes,
    together::{Findings, Together},
};

/// What was read of keys, by their hashes. It is never an answer by itself.
pub(crate) type Known = Cache<KeyHash, Remembered>;

/// The most keys that are remembered: some hundred bytes each.
pub(crate) const REMEMBERED: usize = 10_000;

/// For how long what was read is remembered. Who changes keys past the triggers, such as a restore of single tables, renews no
/// revision; a minute later that is seen all the same.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);

/// What was read of a key.
#[derive(Clone)]
pub(crate) struct Remembered {
    credential: Arc<KeyCredential>,
    /// The revision that all keys and tenants had then.
    revision: Uuid,
    /// When that was.
    read: Instant,
}

/// Finds credentials over one thread's lanes.
#[derive(Clone)]
pub(crate) struct Credentials {
    known: Arc<Known>,
    confirming: Together<(), Uuid>,
    reading: Together<KeyHash, Arc<KeyCredential>>,
}

impl Credentials {
    pub(crate) fn new(lanes: Arc<Lanes>, known: Arc<Known>, patience: Duration) -> Self {
        let confirming = {
            let lanes = Arc::clone(&lanes);
            Together::new("confirming credentials", patience, move |_| {
                let lanes = Arc::clone(&lanes);
                async move { Ok(api_keys::revision(&lanes).await?.map(|now| ((), Ok(now))).into_iter().collect()) }
                    .boxed()
            })
        };
        let remembered = Arc::clone(&known);
        let reading = Together::new("finding keys by their hashes", patience, move |hashes| {
            let (lanes, known) = (Arc::clone(&lanes), Arc::clone(&remembered));
            async move { read(&lanes, &known, hashes).await }.boxed()
        });
        Self { known, confirming, reading }
    }

    /// What was last read of a key.
    pub(crate) fn recall(&self, hash: &KeyHash) -> Option<Arc<KeyCredential>> {
        self.known.get(hash).map(|remembered| remembered.credential)
    }

    /// The credential as it is now: read or confirmed by a statement that is sent after this was called.
    pub(crate) async fn find(&self, hash: &KeyHash) -> Result<Option<Arc<KeyCredential>>, StoreError> {
        if let Some(remembered) = self.known.get(hash)
            && remembered.read.elapsed() < REMEMBERED_FOR
            && self.confirming.find(()).await? == Some(remembered.revision)
        {
            return Ok(Some(remembered.credential));
        }
        self.reading.find(*hash).await
    }
}

/// All that there is to know of these keys.
async fn read(
    lanes: &Lanes,
    known: &Known,
    hashes: Vec<KeyHash>,
) -> Result<Findings<KeyHash, Arc<KeyCredential>>, StoreError> {
    let mut found = Findings::with_capacity(hashes.len());
    let began = Instant::now();
    for (hash, credential, revision) in api_keys::credentials(lanes, hashes).await? {
        if let (Ok(credential), Some(revision)) = (&credential, revision) {
            known.insert(hash, Remembered { credential: Arc::clone(credential), revision, read: began });
        }
        found.insert(hash, credential);
    }
    Ok(found)
}

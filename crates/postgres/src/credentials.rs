//! Finding credentials.
//!
//! Each request asks the database about its own credential, after it arrived. What was read of a key before spares reading
//! it again: the statement gives the revisions that the key and its tenant have now, and a credential of the same revisions
//! is true.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bwp_domain::{
    keys::KeyHash,
    principal::{Credential, Revision},
    store::StoreError,
};
use futures_util::FutureExt;
use quick_cache::sync::Cache;

use crate::{
    api_keys,
    lanes::Lanes,
    together::{Findings, Together},
};

/// What was read of keys, by their hashes. It is never an answer by itself.
pub(crate) type Known = Cache<KeyHash, Arc<Credential>>;

/// The most keys that are remembered: some hundred bytes each.
pub(crate) const REMEMBERED: usize = 10_000;

type Found = Findings<KeyHash, Arc<Credential>>;

/// Finds credentials over one thread's lanes.
#[derive(Clone)]
pub(crate) struct Credentials {
    known: Arc<Known>,
    finding: Together<KeyHash, Arc<Credential>>,
}

impl Credentials {
    pub(crate) fn new(lanes: Arc<Lanes>, known: Arc<Known>, patience: Duration) -> Self {
        let remembered = Arc::clone(&known);
        let finding = Together::new("finding keys by their hashes", patience, move |hashes| {
            let (lanes, known) = (Arc::clone(&lanes), Arc::clone(&remembered));
            async move { read(&lanes, &known, hashes).await }.boxed()
        });
        Self { known, finding }
    }

    /// What was last read of a key.
    pub(crate) fn recall(&self, hash: &KeyHash) -> Option<Arc<Credential>> {
        self.known.get(hash)
    }

    /// The credential as it is now: read by a statement that is sent after this was called.
    pub(crate) async fn find(&self, hash: &KeyHash) -> Result<Option<Arc<Credential>>, StoreError> {
        self.finding.find(*hash).await
    }
}

async fn read(lanes: &Lanes, known: &Known, hashes: Vec<KeyHash>) -> Result<Found, StoreError> {
    let (mut guesses, mut new) = (Vec::with_capacity(hashes.len()), Vec::new());
    for hash in hashes {
        match known.get(&hash) {
            Some(credential) => guesses.push((hash, credential)),
            None => new.push(hash),
        }
    }
    let ((mut found, changed), read) = tokio::try_join!(confirm(lanes, guesses), read_whole(lanes, known, new))?;
    found.extend(read);
    found.extend(read_whole(lanes, known, changed).await?);
    Ok(found)
}

/// Those that are as they were known, and the hashes of those that are not.
async fn confirm(lanes: &Lanes, guesses: Vec<(KeyHash, Arc<Credential>)>) -> Result<(Found, Vec<KeyHash>), StoreError> {
    if guesses.is_empty() {
        return Ok(Default::default());
    }
    let hashes = guesses.iter().map(|(hash, _)| *hash).collect();
    let now: HashMap<KeyHash, Revision> = api_keys::revisions(lanes, hashes).await?.into_iter().collect();
    let (mut same, mut changed) = (Found::with_capacity(guesses.len()), Vec::new());
    for (hash, credential) in guesses {
        match now.get(&hash) {
            Some(revision) if *revision == credential.revision => {
                same.insert(hash, Ok(credential));
            }
            Some(_) => changed.push(hash),
            // Gone, with a database that was restored.
            None => {}
        }
    }
    Ok((same, changed))
}

/// All that there is to know of these keys.
async fn read_whole(
    lanes: &Lanes,
    known: &Known,
    hashes: Vec<KeyHash>,
) -> Result<Vec<(KeyHash, Result<Arc<Credential>, StoreError>)>, StoreError> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let read = api_keys::credentials(lanes, hashes).await?;
    for (hash, credential) in &read {
        if let Ok(credential) = credential {
            known.insert(*hash, Arc::clone(credential));
        }
    }
    Ok(read)
}

//! Finding the credentials of many requests at once.
//!
//! Each request asks the database about its own credential, after it arrived. Those that ask while an answer is on its
//! way are asked about together, in the next statement. What was read of a key before spares reading it again: the
//! statement gives the revisions that the key and its tenant have now, and a credential of the same revisions is true.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bwp_domain::{
    keys::KeyHash,
    principal::{Credential, Revision},
    store::StoreError,
};
use quick_cache::sync::Cache;
use tokio::{sync::oneshot, time::timeout};

use crate::{api_keys, lanes::Lanes};

/// What was read of keys, by their hashes. It is never an answer by itself.
pub(crate) type Known = Cache<KeyHash, Arc<Credential>>;

/// The most keys that are remembered: some hundred bytes each.
pub(crate) const REMEMBERED: usize = 10_000;

type Found = Result<Option<Arc<Credential>>, StoreError>;
type Read = Result<Arc<Credential>, StoreError>;

/// Finds credentials over one thread's lanes.
#[derive(Clone)]
pub(crate) struct Credentials(Arc<Inner>);

struct Inner {
    lanes: Arc<Lanes>,
    known: Arc<Known>,
    queue: Mutex<Queue>,
    patience: Duration,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(KeyHash, oneshot::Sender<Found>)>,
    /// Whether somebody is looking. They go on until nobody waits.
    busy: bool,
}

impl Credentials {
    pub(crate) fn new(lanes: Arc<Lanes>, known: Arc<Known>, patience: Duration) -> Self {
        Self(Arc::new(Inner { lanes, known, queue: Mutex::default(), patience }))
    }

    /// What was last read of a key.
    pub(crate) fn recall(&self, hash: &KeyHash) -> Option<Arc<Credential>> {
        self.0.known.get(hash)
    }

    /// The credential as it is now: read by a statement that is sent after this was called.
    pub(crate) async fn find(&self, hash: &KeyHash) -> Found {
        let (told, answer) = oneshot::channel();
        if self.0.enqueue(*hash, told) {
            // A task of its own: a request that goes away must not take the others' answers with it.
            tokio::spawn(Arc::clone(&self.0).look());
        }
        match timeout(self.0.patience, answer).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(StoreError::Unavailable("looking for credentials ended".to_owned())),
            Err(_) => Err(StoreError::Unavailable("finding a key by its hash: no answer in time".to_owned())),
        }
    }
}

impl Inner {
    /// Whether the caller is to begin looking.
    fn enqueue(&self, hash: KeyHash, told: oneshot::Sender<Found>) -> bool {
        let mut queue = self.queue();
        queue.waiting.push((hash, told));
        !std::mem::replace(&mut queue.busy, true)
    }

    /// Those who wait now. Nobody does: that ends the looking.
    fn dequeue(&self) -> Option<Vec<(KeyHash, oneshot::Sender<Found>)>> {
        let mut queue = self.queue();
        queue.busy = !queue.waiting.is_empty();
        queue.busy.then(|| std::mem::take(&mut queue.waiting))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(self: Arc<Self>) {
        let _looking = Looking(&self);
        while let Some(asking) = self.dequeue() {
            let hashes: Vec<KeyHash> = asking.iter().map(|(hash, _)| *hash).collect();
            let found = self.read(hashes).await;
            for (hash, told) in asking {
                let answer = match &found {
                    Ok(found) => found.get(&hash).cloned().transpose(),
                    Err(error) => Err(error.clone()),
                };
                // Who went away needs no answer.
                let _ = told.send(answer);
            }
        }
    }

    async fn read(&self, hashes: Vec<KeyHash>) -> Result<HashMap<KeyHash, Read>, StoreError> {
        let (mut known, mut new) = (Vec::with_capacity(hashes.len()), Vec::new());
        for hash in hashes {
            match self.known.get(&hash) {
                Some(credential) => known.push((hash, credential)),
                None => new.push(hash),
            }
        }
        let ((mut found, changed), read) = tokio::try_join!(self.confirm(known), self.read_whole(new))?;
        found.extend(read);
        found.extend(self.read_whole(changed).await?);
        Ok(found)
    }

    /// Those that are as they were known, and the hashes of those that are not.
    async fn confirm(
        &self,
        known: Vec<(KeyHash, Arc<Credential>)>,
    ) -> Result<(HashMap<KeyHash, Read>, Vec<KeyHash>), StoreError> {
        if known.is_empty() {
            return Ok(Default::default());
        }
        let hashes = known.iter().map(|(hash, _)| *hash).collect();
        let now: HashMap<KeyHash, Revision> = api_keys::revisions(&self.lanes, hashes).await?.into_iter().collect();
        let (mut same, mut changed) = (HashMap::with_capacity(known.len()), Vec::new());
        for (hash, credential) in known {
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
    async fn read_whole(&self, hashes: Vec<KeyHash>) -> Result<Vec<(KeyHash, Read)>, StoreError> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let read = api_keys::credentials(&self.lanes, hashes).await?;
        for (hash, credential) in &read {
            if let Ok(credential) = credential {
                self.known.insert(*hash, Arc::clone(credential));
            }
        }
        Ok(read)
    }
}

/// Lets somebody else look if the one who does ends unforeseen.
struct Looking<'a>(&'a Inner);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        if queue.busy {
            // Those who wait are told by their channels' end.
            *queue = Queue::default();
        }
    }
}

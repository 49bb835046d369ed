//! Asking about many things at once.
//!
//! Those that ask while an answer is on its way are asked about together, by the next statement: under load the cost of a
//! statement is shared by many requests. Nobody waits for company: who asks while none is on its way is asked about at
//! once. Whatever is answered was read after it was asked.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bwp_domain::store::StoreError;
use futures_util::future::BoxFuture;
use tokio::{sync::oneshot, time::timeout};

/// What is found for each of many keys; keys for which nothing is there are left out. An `Err` is the trouble of one key.
pub(crate) type Findings<K, V> = HashMap<K, Result<V, StoreError>>;

type Look<K, V> = Box<dyn Fn(Vec<K>) -> BoxFuture<'static, Result<Findings<K, V>, StoreError>> + Send + Sync>;
type Answer<V> = oneshot::Sender<Result<Option<V>, StoreError>>;

/// Finds a `V` for each `K` that is asked about. Cheap to clone.
pub(crate) struct Together<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    during: &'static str,
    look: Look<K, V>,
    queue: Mutex<Queue<K, V>>,
    patience: Duration,
}

struct Queue<K, V> {
    waiting: Vec<(K, Answer<V>)>,
    /// Whether somebody is looking. They go on until nobody waits.
    busy: bool,
}

impl<K, V> Clone for Together<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Together<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Whoever waits longer than `patience` is told that there is no answer.
    pub(crate) fn new(
        during: &'static str,
        patience: Duration,
        look: impl Fn(Vec<K>) -> BoxFuture<'static, Result<Findings<K, V>, StoreError>> + Send + Sync + 'static,
    ) -> Self {
        let queue = Mutex::new(Queue { waiting: Vec::new(), busy: false });
        Self(Arc::new(Inner { during, look: Box::new(look), queue, patience }))
    }

    /// What is there now.
    pub(crate) async fn find(&self, key: K) -> Result<Option<V>, StoreError> {
        let (told, answer) = oneshot::channel();
        if self.0.enqueue(key, told) {
            // A task of its own: a request that goes away must not take the others' answers with it.
            let looking = Looking { inner: Arc::clone(&self.0), done: false };
            tokio::spawn(looking.run());
        }
        let during = self.0.during;
        match timeout(self.0.patience, answer).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(StoreError::Unavailable(format!("{during}: it was broken off"))),
            Err(_) => Err(StoreError::Unavailable(format!("{during}: no answer in time"))),
        }
    }
}

impl<K, V> Inner<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Whether the caller is to begin looking.
    fn enqueue(&self, key: K, told: Answer<V>) -> bool {
        let mut queue = self.queue();
        queue.waiting.push((key, told));
        !std::mem::replace(&mut queue.busy, true)
    }

    /// Those who wait now. Nobody does: that ends the looking.
    fn dequeue(&self) -> Option<Vec<(K, Answer<V>)>> {
        let mut queue = self.queue();
        queue.busy = !queue.waiting.is_empty();
        queue.busy.then(|| std::mem::take(&mut queue.waiting))
    }
}

impl<K, V> Inner<K, V> {
    fn queue(&self) -> MutexGuard<'_, Queue<K, V>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one who looks. If that ends unforeseen, even before it began, somebody else may look.
struct Looking<K, V> {
    inner: Arc<Inner<K, V>>,
    done: bool,
}

impl<K, V> Looking<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    async fn run(mut self) {
        while let Some(asking) = self.inner.dequeue() {
            let found = (self.inner.look)(asking.iter().map(|(key, _)| *key).collect()).await;
            for (key, told) in asking {
                let answer = match &found {
                    Ok(found) => found.get(&key).cloned().transpose(),
                    Err(error) => Err(error.clone()),
                };
                // Who went away needs no answer.
                let _ = told.send(answer);
            }
        }
        // From when nobody waited on, another one may look.
        self.done = true;
    }
}

impl<K, V> Drop for Looking<K, V> {
    fn drop(&mut self) {
        if !self.done {
            // Those who wait are told by their channels' end.
            *self.inner.queue() = Queue { waiting: Vec::new(), busy: false };
        }
    }
}

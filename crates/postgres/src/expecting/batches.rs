//! Changes of many requests, made by one statement.
//!
//! What is ready while the statements before it are on their way goes with the next one: under load the costs of a
//! transaction, of the wait for the disk above all, are shared. Nobody waits for company.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bwp_domain::store::StoreError;
use diesel::result::Error;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::{Either, join_all, select};
use tokio::{sync::oneshot, time::timeout};

use super::{Expectations, statement::Statement};
use crate::{
    connect::{Connection, Pool, connection},
    error::{is_gone, is_passing},
};

/// The most changes in a statement.
const MOST: usize = 8;
/// The most statements on their way at once, without those of [`Inner::make_alone`].
const AT_ONCE: usize = 3;
/// How long a change waits for a lock when it is alone, and how long when others go with it.
const ALONE: Duration = Duration::from_millis(200);
const WITH_OTHERS: Duration = Duration::from_millis(50);

type Made = Result<(), StoreError>;

/// Makes changes over one thread's connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Batches(Arc<Inner>);

struct Inner {
    pool: Pool,
    patience: Duration,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Ready>,
    /// How many are making changes. They go on until nobody waits.
    at_work: usize,
}

/// A change that is worked out, and who is told what became of it.
struct Ready {
    expected: Expectations,
    told: oneshot::Sender<Made>,
}

impl Batches {
    pub(crate) fn new(pool: Pool, patience: Duration) -> Self {
        Self(Arc::new(Inner { pool, patience, queue: Mutex::default() }))
    }

    /// Makes the changes, if all is as expected.
    pub(super) async fn make(&self, expected: Expectations) -> Made {
        let (told, made) = oneshot::channel();
        if self.0.enqueue(Ready { expected, told }) {
            // A task of its own: a request that goes away must not take the others' changes with it.
            tokio::spawn(AtWork { inner: Arc::clone(&self.0), done: false }.run());
        }
        match timeout(self.0.patience, made).await {
            Ok(Ok(made)) => made,
            // It may be made all the same: it must not be done again.
            Ok(Err(_)) => Err(StoreError::Unavailable("making a change: it was broken off".to_owned())),
            Err(_) => Err(StoreError::Unavailable("making a change: no answer in time".to_owned())),
        }
    }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller is to see to it that one more is at work.
    fn enqueue(&self, ready: Ready) -> bool {
        let mut queue = self.queue();
        queue.waiting.push_back(ready);
        let more = queue.at_work < AT_ONCE;
        queue.at_work += usize::from(more);
        more
    }

    /// The one who waits longest, and others whose changes go with it. Nobody waits: that ends the work.
    fn dequeue(&self) -> Option<Vec<Ready>> {
        let mut queue = self.queue();
        // Who went away before anything was sent wants nothing made.
        queue.waiting.retain(|ready| !ready.told.is_closed());
        let Some(first) = queue.waiting.pop_front() else {
            queue.at_work -= 1;
            return None;
        };
        let mut batch = vec![first];
        let mut index = 0;
        while index < queue.waiting.len() && batch.len() < MOST {
            let fits = batch.iter().all(|other| other.expected.goes_with(&queue.waiting[index].expected));
            match fits.then(|| queue.waiting.remove(index)).flatten() {
                Some(ready) => batch.push(ready),
                None => index += 1,
            }
        }
        batch.sort_by(|one, other| one.expected.place().cmp(&other.expected.place()));
        Some(batch)
    }

    /// The numbers of those that were made, counted from 1. After [`StoreError::Conflict`] none was.
    async fn make(
        &self,
        connection: Result<Connection, StoreError>,
        batch: &mut [Ready],
    ) -> Result<Vec<i32>, StoreError> {
        let (expected, told): (Vec<_>, Vec<_>) =
            batch.iter_mut().map(|Ready { expected, told }| (&*expected, told)).unzip();
        let all_gone = pin!(join_all(told.into_iter().map(oneshot::Sender::closed)));
        let work = pin!(timeout(self.patience, async { send(connection?, &expected).await }));
        // In this order: of those who went away while a connection was waited for, nothing is sent.
        let why = match select(all_gone, work).await {
            Either::Left(_) => "nobody waits for it any more",
            Either::Right((Ok(made), _)) => return made,
            Either::Right((Err(_), _)) => "no answer in time",
        };
        Err(StoreError::Unavailable(format!("making changes: {why}")))
    }

    async fn make_alone(&self, ready: Ready) {
        let mut alone = vec![ready];
        tell(&self.make(connection(&self.pool).await, &mut alone).await, alone);
    }
}

/// See [`Inner::make`].
async fn send(mut connection: Connection, expected: &[&Expectations]) -> Result<Vec<i32>, StoreError> {
    let statement = Statement::of(expected, if expected.len() > 1 { WITH_OTHERS } else { ALONE });
    // To the end of the answer, and not just its first row: the server commits after that.
    let error = match statement.get_results::<Vec<i32>>(&mut connection).await {
        Ok(mut rows) => return rows.pop().ok_or_else(|| StoreError::Internal("making changes: no answer".to_owned())),
        Err(error) => error,
    };
    if !was_undone(&error, &mut connection).await {
        // They may have been committed: they must not be done again.
        return Err(StoreError::Unavailable(format!("making expected changes: {error}")));
    }
    if !is_passing(&error) {
        tracing::warn!(%error, "expected changes cannot be made: they are asked for, which takes longer");
    }
    Err(StoreError::Conflict(format!("making expected changes: {error}")))
}

/// Whether a statement that failed has left nothing behind. That is so if the session goes on: a statement of its own that
/// the server refuses is undone. A session that ends may have ended after the commit, whatever was said: a pooler that
/// loses its server says so by an error in words of its own, and closes our connection some time later.
async fn was_undone(error: &Error, connection: &mut Connection) -> bool {
    matches!(error, Error::DatabaseError(..)) && !is_gone(error) && connection.batch_execute("SELECT 1").await.is_ok()
}

/// Tells those of a batch what became of their changes.
fn tell(outcome: &Result<Vec<i32>, StoreError>, batch: Vec<Ready>) {
    for (number, ready) in (1..).zip(batch) {
        let made = match outcome {
            Ok(made) if made.contains(&number) => Ok(()),
            Ok(_) => Err(StoreError::Conflict("not all was as expected".to_owned())),
            Err(error) => Err(error.clone()),
        };
        // Who went away needs no answer.
        let _ = ready.told.send(made);
    }
}

/// One who makes changes. If that ends unforeseen, even before it began, somebody else may.
struct AtWork {
    inner: Arc<Inner>,
    done: bool,
}

impl AtWork {
    async fn run(mut self) {
        loop {
            // What becomes ready while a connection is waited for goes with the rest.
            let connection = connection(&self.inner.pool).await;
            let Some(mut batch) = self.inner.dequeue() else { break };
            let outcome = self.inner.make(connection, &mut batch).await;
            if batch.len() > 1 && matches!(outcome, Err(StoreError::Conflict(_))) {
                // None was made, for something about one of them: the others are not to suffer from it.
                for ready in batch {
                    let inner = Arc::clone(&self.inner);
                    tokio::spawn(async move { inner.make_alone(ready).await });
                }
            } else {
                tell(&outcome, batch);
            }
        }
        self.done = true;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if !self.done {
            self.inner.queue().at_work -= 1;
        }
    }
}

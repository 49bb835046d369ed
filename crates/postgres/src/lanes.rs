//! Lanes: connections that many short reads share.
//!
//! What is sent on one while others wait for their answers goes out with theirs and is answered in turn (pipelining): the
//! server works through a heap of statements without being woken for each, and a handful of connections carry what
//! hundreds of requests ask. A statement that takes long would keep those behind it waiting; such go through the pool.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bwp_domain::store::StoreError;
use diesel::QueryResult;
use tokio::{sync::Mutex as AsyncMutex, time::timeout};

use crate::{
    connect::{NAME, PoolSettings},
    error::{DuringExt, is_gone},
    link::Link,
    session::{Place, Session},
};

/// How many wait on a lane before the next one is used.
const MANY: usize = 128;

/// A few connections, opened when they are first used and again when they break.
pub(crate) struct Lanes {
    place: Arc<Place>,
    session: Session,
    patience: Duration,
    all: Vec<Lane>,
}

#[derive(Default)]
struct Lane {
    link: Mutex<Option<Arc<Link>>>,
    /// Held by the one who opens a connection.
    opening: AsyncMutex<()>,
    /// How many wait for an answer.
    waiting: AtomicUsize,
}

impl Lanes {
    pub(crate) fn new(place: Arc<Place>, settings: PoolSettings) -> Self {
        let session = Session {
            name: NAME,
            statement_timeout: settings.wait.min(settings.statement_timeout),
            connect_timeout: settings.wait,
            // Each of these statements is a walk down one index, whatever its values.
            planned_once: true,
        };
        let lanes = (0..settings.lanes.max(1)).map(|_| Lane::default()).collect();
        Self { place, session, patience: settings.wait, all: lanes }
    }

    /// How long is waited for an answer.
    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    /// What `statement` reads. A read that finds its connection closed is sent once more, on a new one.
    pub(crate) async fn read<T, F, Fut>(&self, during: &str, statement: F) -> Result<T, StoreError>
    where
        F: Fn(Arc<Link>) -> Fut,
        Fut: Future<Output = QueryResult<T>>,
    {
        let lane = self.lane()?;
        let _waiting = Waiting::on(lane);
        let read = async {
            let link = self.link(lane).await?;
            match statement(Arc::clone(&link)).await {
                Err(error) if is_gone(&error) || !link.is_open() => {
                    lane.close(&link);
                    statement(self.link(lane).await?).await.during(during)
                }
                read => read.during(during),
            }
        };
        if let Ok(read) = timeout(self.patience, read).await {
            return read;
        }
        // Others may wait behind whatever this one waited for.
        if let Some(link) = lane.open_link() {
            lane.close(&link);
        }
        Err(StoreError::Unavailable(format!("{during}: no answer in time")))
    }

    /// The first lane on which not many wait: the fuller a lane, the less each statement costs. So many wait only behind
    /// something that hangs.
    fn lane(&self) -> Result<&Lane, StoreError> {
        let waiting = |lane: &&Lane| lane.waiting.load(Ordering::Relaxed);
        let free = self.all.iter().find(|lane| waiting(lane) < MANY);
        let lane = free.or_else(|| self.all.iter().min_by_key(waiting));
        lane.ok_or_else(|| StoreError::Internal("there are no lanes".to_owned()))
    }

    async fn link(&self, lane: &Lane) -> Result<Arc<Link>, StoreError> {
        if let Some(link) = lane.open_link() {
            return Ok(link);
        }
        let _opening = lane.opening.lock().await;
        if let Some(link) = lane.open_link() {
            return Ok(link);
        }
        let link = Link::open(&self.place, self.session)
            .await
            .map_err(|error| StoreError::Unavailable(format!("cannot connect to the database: {error}")))?;
        let link = Arc::new(link);
        *lane.link() = Some(Arc::clone(&link));
        Ok(link)
    }
}

impl Lane {
    fn link(&self) -> std::sync::MutexGuard<'_, Option<Arc<Link>>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_link(&self) -> Option<Arc<Link>> {
        self.link().as_ref().filter(|link| link.is_open()).cloned()
    }

    /// Uses `link` no more: the next one opens another, unless somebody has.
    fn close(&self, link: &Arc<Link>) {
        let mut open = self.link();
        if open.as_ref().is_some_and(|open| Arc::ptr_eq(open, link)) {
            *open = None;
        }
    }
}

/// Counts one who waits, until it is dropped.
struct Waiting<'a>(&'a Lane);

impl<'a> Waiting<'a> {
    fn on(lane: &'a Lane) -> Self {
        lane.waiting.fetch_add(1, Ordering::Relaxed);
        Self(lane)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

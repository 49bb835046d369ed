//! The cursors' secrets, as they are now.

use std::{
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use actix_web::rt::time::sleep;
use bwp_domain::{
    paging::{CursorKeys, CursorScope, Position},
    store::StoreError,
};
use futures_util::lock::Mutex;

use crate::problem::{ErrorCode, Problem};

/// Reads the secrets that are in use.
pub type LoadCursorKeys =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<CursorKeys, StoreError>> + Send>> + Send + Sync>;

/// Signs and reads cursors. A cursor that no known secret signed may be of a secret that came into use since: then the
/// secrets are read again, but not more often than every [`PAUSE`]. Requests that come meanwhile wait for the same answer.
pub struct Cursors {
    keys: RwLock<Arc<CursorKeys>>,
    load: LoadCursorKeys,
    loaded: Mutex<Instant>,
}

const PAUSE: Duration = Duration::from_millis(200);

impl Cursors {
    /// Starts with `keys`, and reads newer ones with `load`.
    pub fn new(keys: CursorKeys, load: LoadCursorKeys) -> Self {
        Self { keys: RwLock::new(Arc::new(keys)), load, loaded: Mutex::new(Instant::now()) }
    }

    /// Always these keys.
    pub fn fixed(keys: CursorKeys) -> Self {
        let again = keys.clone();
        Self::new(
            keys,
            Box::new(move || {
                let keys = again.clone();
                Box::pin(async move { Ok(keys) })
            }),
        )
    }

    /// Reads the secrets again, unless another call has begun to do so since this one.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let called = Instant::now();
        let mut loaded = self.loaded.lock().await;
        if *loaded > called {
            return Ok(());
        }
        sleep(PAUSE.saturating_sub(loaded.elapsed())).await;
        // When it began: what came into use while it ran may be missing.
        let began = Instant::now();
        let keys = (self.load)().await?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        *loaded = began;
        Ok(())
    }

    /// The cursor for the page behind `position`.
    pub(crate) fn seal(&self, scope: &CursorScope<'_>, position: Position) -> String {
        self.keys().seal(scope, position)
    }

    /// The position in a cursor of this list.
    pub(crate) async fn open(&self, scope: &CursorScope<'_>, cursor: &str) -> Result<Position, Problem> {
        if let Ok(position) = self.keys().open(scope, cursor) {
            return Ok(position);
        }
        self.refresh().await?;
        self.keys().open(scope, cursor).map_err(|_| {
            Problem::new(
                ErrorCode::BadRequest,
                "`cursor`: not a cursor of this list. Pass on what the previous page gave, with the same filters, or \
                 leave it out to start anew.",
            )
        })
    }

    /// A text that carries `payload`, good for this purpose alone.
    pub(crate) fn sign(&self, purpose: &str, payload: &[u8]) -> String {
        self.keys().sign(purpose, payload)
    }

    /// What a text carries that was signed for this purpose.
    pub(crate) async fn read(&self, purpose: &str, text: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if let Ok(payload) = self.keys().read(purpose, text) {
            return Ok(Some(payload));
        }
        self.refresh().await?;
        Ok(self.keys().read(purpose, text).ok())
    }

    fn keys(&self) -> Arc<CursorKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

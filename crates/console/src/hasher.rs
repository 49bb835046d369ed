//! Hashing passwords, on threads that answer no requests.

use std::sync::Arc;

use actix_web::web;
use async_trait::async_trait;
use bwp_domain::{
    accounts::{
        Password, PasswordHash, TypedPassword,
        ports::{Asker, PasswordHasher, PasswordHasherError},
    },
    entropy::Entropy,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Argon2id on blocking threads, a few at a time: each takes 19 MiB and a processor for some tens of milliseconds.
///
/// Strangers wait in a queue of their own, for half of the places: who is known waits for others who are known, and for no
/// more strangers than have those.
#[derive(Debug)]
pub struct BlockingHasher<E: ?Sized> {
    running: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    waiting: Waiting,
    entropy: Arc<E>,
}

/// Room to wait in.
#[derive(Debug)]
struct Waiting {
    known: Semaphore,
    strangers: Semaphore,
}

/// How many of each kind wait for each that runs, before others are told to come again.
const WAITING: usize = 64;

/// Kept until the work is done, though the one who asked may be gone by then.
type Place = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

impl BlockingHasher<dyn Entropy> {
    /// Runs at most `at_once` at once.
    pub fn new(at_once: usize, entropy: Arc<dyn Entropy>) -> Self {
        let room = || Semaphore::new(at_once * WAITING);
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            strangers: Arc::new(Semaphore::new(at_once.div_ceil(2))),
            waiting: Waiting { known: room(), strangers: room() },
            entropy,
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordHasherError> {
        let room = match asker {
            Asker::Known => &self.waiting.known,
            Asker::Stranger => &self.waiting.strangers,
        };
        let _waits = match room.try_acquire() {
            Ok(permit) => permit,
            Err(TryAcquireError::NoPermits) => return Err(PasswordHasherError::Busy),
            Err(error @ TryAcquireError::Closed) => return Err(failed(&error)),
        };
        let place = self.place(asker).await?;
        let done = web::block(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|error| failed(&error))
    }

    async fn place(&self, asker: Asker) -> Result<Place, PasswordHasherError> {
        let of = |semaphore: &Arc<Semaphore>| Arc::clone(semaphore).acquire_owned();
        // First theirs: in the queue that all share stand no more strangers than have one of these.
        let of_strangers = match asker {
            Asker::Known => None,
            Asker::Stranger => Some(of(&self.strangers).await.map_err(|error| failed(&error))?),
        };
        Ok((of(&self.running).await.map_err(|error| failed(&error))?, of_strangers))
    }
}

fn failed(error: &dyn std::fmt::Display) -> PasswordHasherError {
    PasswordHasherError::Failed(error.to_string())
}

#[async_trait]
impl PasswordHasher for BlockingHasher<dyn Entropy> {
    async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordHasherError> {
        let entropy = Arc::clone(&self.entropy);
        self.run(Asker::Known, move || password.hash(&*entropy)).await?.map_err(PasswordHasherError::Failed)
    }

    async fn verify(
        &self,
        typed: TypedPassword,
        hash: Option<PasswordHash>,
        asker: Asker,
    ) -> Result<bool, PasswordHasherError> {
        self.run(asker, move || typed.matches(hash.as_ref())).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use bwp_domain::testing::SequentialEntropy;
    use futures_util::{FutureExt, future::join_all};

    use super::*;

    /// Work that goes on until its sender is dropped.
    fn work() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
        let (sender, receiver) = mpsc::channel::<()>();
        (sender, move || assert!(receiver.recv().is_err(), "nothing is sent"))
    }

    #[actix_web::test]
    async fn however_many_strangers_ask_who_is_known_has_a_place() {
        let hasher = BlockingHasher::new(2, Arc::new(SequentialEntropy::default()));
        let (senders, mut strangers): (Vec<_>, Vec<_>) = (0..2 * WAITING)
            .map(|_| {
                let (sender, work) = work();
                (sender, Box::pin(hasher.run(Asker::Stranger, work)))
            })
            .unzip();
        for stranger in &mut strangers {
            assert!(stranger.as_mut().now_or_never().is_none(), "it runs or waits");
        }
        let refused = hasher.run(Asker::Stranger, || ()).await;
        assert!(matches!(refused, Err(PasswordHasherError::Busy)), "{refused:?}");
        // One stranger runs, and goes on; who is known is done meanwhile.
        assert_eq!(hasher.run(Asker::Known, || 7).await.expect("a place"), 7);
        drop(senders);
        assert!(join_all(strangers).await.iter().all(Result::is_ok));
        assert!(hasher.run(Asker::Stranger, || ()).await.is_ok(), "there is room again");
    }
}

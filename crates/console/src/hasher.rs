//! Hashing passwords, on threads that answer no requests.

use std::sync::Arc;

use actix_web::web;
use async_trait::async_trait;
use bwp_domain::{
    accounts::{
        Password, PasswordHash, TypedPassword,
        ports::{PasswordHasher, PasswordHasherError},
    },
    entropy::Entropy,
};
use tokio::sync::{Semaphore, TryAcquireError};

/// Argon2id on blocking threads, a few at a time: each takes 19 MiB and a processor for some tens of milliseconds.
#[derive(Debug)]
pub struct BlockingHasher<E: ?Sized> {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    entropy: Arc<E>,
}

/// How many wait for each that runs, before others are told to come again.
const WAITING: usize = 64;

impl BlockingHasher<dyn Entropy> {
    /// Runs at most `at_once` at once.
    pub fn new(at_once: usize, entropy: Arc<dyn Entropy>) -> Self {
        let running = Arc::new(Semaphore::new(at_once));
        Self { running, waiting: Arc::new(Semaphore::new(at_once * WAITING)), entropy }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordHasherError> {
        let failed = |error: &dyn std::fmt::Display| PasswordHasherError::Failed(error.to_string());
        let _waits = match self.waiting.try_acquire() {
            Ok(permit) => permit,
            Err(TryAcquireError::NoPermits) => return Err(PasswordHasherError::Busy),
            Err(error @ TryAcquireError::Closed) => return Err(failed(&error)),
        };
        // Kept until the work is done, though the one who asked may be gone by then.
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|error| failed(&error))?;
        let done = web::block(move || {
            let done = work();
            drop(running);
            done
        });
        done.await.map_err(|error| failed(&error))
    }
}

#[async_trait]
impl PasswordHasher for BlockingHasher<dyn Entropy> {
    async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordHasherError> {
        let entropy = Arc::clone(&self.entropy);
        self.run(move || password.hash(&*entropy)).await?.map_err(PasswordHasherError::Failed)
    }

    async fn verify(&self, typed: TypedPassword, hash: Option<PasswordHash>) -> Result<bool, PasswordHasherError> {
        self.run(move || typed.matches(hash.as_ref())).await
    }
}

//! Keeping the connection: looking for Redis while it is lost, and at it while it is there.

use std::{convert::Infallible, future::Future, time::Duration};

use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use tokio::time::{sleep, timeout};

use crate::{address::Unreachable, limiter::RedisLimiter, link::Connected};

/// Why Redis was not found.
#[derive(Debug, thiserror::Error)]
enum NotFound {
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("no answer within {0:?}")]
    TooSlow(Duration),
}

impl RedisLimiter {
    /// Looks for Redis once. Says in the log whether it is there.
    ///
    /// The connection is driven by the runtime that this is called on.
    pub async fn connect(&self) -> bool {
        match self.find().await {
            Ok(connection) => {
                tracing::info!("rate limits are counted in Redis");
                self.link.found(connection, 0);
                true
            }
            Err(why) => {
                tracing::warn!(%why, "Redis is not there; rate limits begin as --redis-lost says");
                false
            }
        }
    }

    /// Finds Redis again whenever it is lost, and notices when it is lost while nobody asks. Runs until it is dropped,
    /// and so does the connection: both are driven by the runtime that this is called on.
    pub async fn keep_connected(&self) -> Infallible {
        let mut number = 0;
        loop {
            if let Some(connected) = self.link.connected() {
                // Requests may notice sooner.
                let _ = timeout(self.settings.probe_every, self.link.until_lost()).await;
                self.look_at(connected).await;
            } else {
                sleep(self.settings.retry_every).await;
                number += 1;
                self.look_for(number).await;
            }
        }
    }

    async fn look_at(&self, mut connected: Connected) {
        if self.link.lost_since().is_none()
            && let Err(why) = self.in_time(self.script.probe(&mut connected.connection)).await
        {
            self.link.lose(&connected, self.clock.now(), &why);
        }
    }

    async fn look_for(&self, number: u64) {
        match self.find().await {
            Ok(connection) => {
                self.link.found(connection, number);
                tracing::info!("Redis is back; rate limits are counted there again");
            }
            Err(why) => tracing::debug!(%why, "Redis is still lost"),
        }
    }

    /// A connection on which Redis does what requests ask of it.
    async fn find(&self) -> Result<MultiplexedConnection, NotFound> {
        let settings = &self.settings;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(settings.connect_deadline))
            .set_response_timeout(Some(settings.deadline));
        let connecting = self.address.connect(&config);
        let connected = timeout(settings.connect_deadline, connecting).await;
        let mut connection = connected.map_err(|_| NotFound::TooSlow(settings.connect_deadline))??;
        self.in_time(self.script.probe(&mut connection)).await?;
        Ok(connection)
    }

    async fn in_time(&self, asked: impl Future<Output = redis::RedisResult<()>>) -> Result<(), NotFound> {
        let deadline = self.settings.deadline;
        Ok(timeout(deadline, asked).await.map_err(|_| NotFound::TooSlow(deadline))??)
    }
}

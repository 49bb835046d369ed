//! How long the work on a request may take.

use std::{cell::Cell, future::poll_fn, pin::pin, rc::Rc, task::Poll, time::Duration};

use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    static CLOCK: Rc<Clock>;
}

/// The work was not done in time, and was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work was not done within {} s", limit.as_secs_f64())]
pub struct DeadlineExceeded {
    /// The time that it had.
    pub limit: Duration,
}

struct Clock {
    limit: Duration,
    until: Cell<Instant>,
    stopped: Cell<bool>,
}

/// What `work` gives, if it takes no longer than `limit`; else it is dropped.
///
/// The time that [`crate::body::read_body`] waits for a body does not count: it has a limit of its own, and after it the work has
/// the whole of `limit` again.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, DeadlineExceeded> {
    let clock = Rc::new(Clock { limit, until: Cell::new(Instant::now() + limit), stopped: Cell::new(false) });
    let mut work = pin!(CLOCK.scope(Rc::clone(&clock), work));
    let mut sleep = pin!(sleep_until(clock.until.get()));
    poll_fn(move |context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
        }
        while sleep.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let until = if clock.stopped.get() { now + limit } else { clock.until.get() };
            if until <= now {
                return Poll::Ready(Err(DeadlineExceeded { limit }));
            }
            sleep.as_mut().reset(until);
        }
        Poll::Pending
    })
    .await
}

/// Stops the clock of [`within`] until it is dropped.
pub(crate) struct Stopped(Option<Rc<Clock>>);

impl Stopped {
    pub(crate) fn now() -> Self {
        let clock = CLOCK.try_with(Rc::clone).ok();
        if let Some(clock) = &clock {
            clock.stopped.set(true);
        }
        Self(clock)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(clock) = &self.0 {
            clock.stopped.set(false);
            clock.until.set(Instant::now() + clock.limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(50);

    #[actix_web::test]
    async fn ends_what_takes_too_long() {
        assert_eq!(within(LIMIT, async { 1 }).await, Ok(1));
        assert_eq!(within(LIMIT, sleep(LIMIT / 2)).await, Ok(()));
        assert_eq!(within(LIMIT, std::future::pending::<()>()).await, Err(DeadlineExceeded { limit: LIMIT }));
    }

    #[actix_web::test]
    async fn does_not_count_the_time_of_the_body() {
        let work = async {
            {
                let _stopped = Stopped::now();
                sleep(LIMIT * 3).await;
            }
            sleep(LIMIT / 2).await;
            1
        };
        assert_eq!(within(LIMIT, work).await, Ok(1));
        let work = async {
            drop(Stopped::now());
            sleep(LIMIT * 3).await;
        };
        assert!(within(LIMIT, work).await.is_err());
    }
}

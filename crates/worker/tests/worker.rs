//! Tasks are woken, started again, and stopped.

#![expect(clippy::unwrap_used, reason = "a test that cannot do what it says has failed")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bwp_worker::{Hint, Pulse, Task, Worker};
use tokio::{sync::mpsc, time::timeout};

/// So long that a test which waits for it has failed.
const LONG: Duration = Duration::from_mins(1);

/// Tells of each time it is woken, and that it stopped.
struct Told {
    hint: Hint,
    sender: mpsc::UnboundedSender<&'static str>,
    timer: Duration,
}

#[async_trait]
impl Task for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn hint(&self) -> Hint {
        self.hint.clone()
    }

    async fn run(&self, pulse: &Pulse) {
        while pulse.next(self.timer).await {
            self.sender.send("woken").unwrap();
        }
        self.sender.send("stopped").unwrap();
    }
}

#[tokio::test]
async fn a_hint_wakes_a_task_and_stopping_waits_for_it() {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let hint = Hint::default();
    let worker = Worker::default().with(Told { hint: hint.clone(), sender, timer: LONG }).start().unwrap();
    hint.give();
    assert_eq!(timeout(LONG / 2, heard.recv()).await.unwrap(), Some("woken"));
    assert!(worker.stop(LONG / 2).await);
    assert_eq!(heard.recv().await, Some("stopped"));
}

#[tokio::test]
async fn a_lost_hint_delays_work_until_the_timer() {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let timer = Duration::from_millis(5);
    let worker = Worker::default().with(Told { hint: Hint::default(), sender, timer }).start().unwrap();
    assert_eq!(timeout(LONG, heard.recv()).await.unwrap(), Some("woken"));
    assert!(worker.stop(LONG).await);
}

/// Panics the first time.
struct Clumsy(Arc<AtomicUsize>);

#[async_trait]
impl Task for Clumsy {
    fn name(&self) -> &'static str {
        "clumsy"
    }

    async fn run(&self, pulse: &Pulse) {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "as it is meant to");
        pulse.stopped().await;
    }
}

#[tokio::test]
async fn a_task_that_fails_is_started_again() {
    let starts = Arc::new(AtomicUsize::new(0));
    let worker = Worker::default().with(Clumsy(Arc::clone(&starts))).start().unwrap();
    timeout(LONG, async {
        while starts.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert!(worker.stop(LONG).await);
}

/// Tells that it began, and never stops.
struct Stubborn(mpsc::UnboundedSender<&'static str>);

#[async_trait]
impl Task for Stubborn {
    fn name(&self) -> &'static str {
        "stubborn"
    }

    async fn run(&self, _pulse: &Pulse) {
        self.0.send("begun").unwrap();
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn stopping_waits_no_longer_than_it_is_told_to() {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let worker = Worker::default().with(Stubborn(sender)).start().unwrap();
    assert_eq!(heard.recv().await, Some("begun"));
    assert!(!worker.stop(Duration::from_millis(20)).await);
}

//! Running tasks.

use std::{io, sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::{
    runtime,
    sync::watch,
    time::{sleep, timeout},
};

use crate::{Hint, Pulse};

/// One kind of background work.
#[async_trait]
pub trait Task: Send + Sync + 'static {
    /// What it is called in logs.
    fn name(&self) -> &'static str;

    /// Who tells the task that there may be work.
    fn hint(&self) -> Hint {
        Hint::default()
    }

    /// Works until `pulse` says that it is to stop, then ends what is under way and returns. MUST do nothing that another
    /// process does at the same time, and MUST leave nothing undone for good when it is killed.
    ///
    /// One that returns before, or panics, is started again.
    async fn run(&self, pulse: &Pulse);
}

/// The tasks of a process.
#[derive(Default)]
pub struct Worker {
    tasks: Vec<Arc<dyn Task>>,
}

/// A [`Worker`] at work.
pub struct RunningWorker {
    stop: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

/// Between the end of a task that should not end and its next start.
const PAUSE: Duration = Duration::from_secs(1);

impl Worker {
    /// With this task too.
    #[must_use]
    pub fn with(mut self, task: impl Task) -> Self {
        self.tasks.push(Arc::new(task));
        self
    }

    /// Runs the tasks on a thread of their own.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self) -> io::Result<RunningWorker> {
        let (stop, stopping) = watch::channel(false);
        let (ending, ended) = watch::channel(false);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("bwp-worker".to_owned()).spawn(move || {
            runtime.block_on(join_all(self.tasks.into_iter().map(|task| supervise(task, stopping.clone()))));
            // What still blocks, such as the look-up of a name, is not waited for.
            runtime.shutdown_background();
            ending.send_replace(true);
        })?;
        Ok(RunningWorker { stop, ended })
    }
}

impl RunningWorker {
    /// Stops the tasks: what is under way ends, for `patience` at most. `false`: something did not, and is left to the process's
    /// end, as a crash would leave it.
    pub async fn stop(mut self, patience: Duration) -> bool {
        self.stop.send_replace(true);
        // An error: the thread is gone.
        timeout(patience, self.ended.wait_for(|ended| *ended)).await.is_ok()
    }
}

async fn supervise(task: Arc<dyn Task>, stopping: watch::Receiver<bool>) {
    let pulse = Pulse::new(task.hint(), stopping);
    while !pulse.is_stopping() {
        let (running, its) = (Arc::clone(&task), pulse.clone());
        let ended = tokio::spawn(async move { running.run(&its).await }).await;
        if pulse.is_stopping() {
            return;
        }
        match ended {
            Ok(()) => tracing::error!(task = task.name(), "a background task ended; it is started again"),
            Err(error) => tracing::error!(task = task.name(), %error, "a background task failed; it is started again"),
        }
        tokio::select! {
            () = pulse.stopped() => {}
            () = sleep(PAUSE) => {}
        }
    }
}

//! The background work of a server.

use std::{io, sync::Arc};

use bwp_domain::execute::Environment;
use bwp_files::Files;
use bwp_postgres::PgStore;
use bwp_worker::{Hint, JobPorts, Jobs, RunningWorker, Worker};

/// Starts it, over connections of its own.
pub(super) fn start(
    store: &PgStore,
    environment: &Environment,
    files: &Files,
    job_started: Hint,
) -> io::Result<RunningWorker> {
    let store = Arc::new(store.clone());
    let ports = JobPorts {
        store: Arc::clone(&store) as _,
        queue: Arc::clone(&store) as _,
        snapshots: store,
        files: Arc::new(files.clone()),
        environment: environment.clone(),
    };
    Worker::default().with(Jobs::new(ports, job_started)).start()
}

//! The tasks of the background loop.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use bwp_domain::{
    execute::Environment,
    papers::{Papers, Printer},
    vault::Vault,
};
use bwp_files::Files;
use bwp_outbound::{Guard, Smtp, Tls, Webhooks};
use bwp_pdf::Press;
use bwp_postgres::{PgStore, PoolSettings};
use bwp_worker::{Deliver, DeliveryLimits, FanOut, Hint, JobPorts, Jobs, RunningWorker, SendMail, Worker};

use crate::cli::OutboundArgs;

/// The connections of the background loop: four jobs hold one each, and the outbox, queues and outcomes are read and written at once.
pub(crate) const CONNECTIONS: usize = 7;

/// The fewest it can work with: a job holds one as long as it reads, and shows with another that it is at work.
pub(crate) const FEWEST_CONNECTIONS: usize = 2;

/// A pool of so many. It reads nothing in lanes: none is opened.
pub(crate) const fn connections(most: usize) -> PoolSettings {
    PoolSettings { max_size: most, lanes: 1, ..PoolSettings::DEFAULT }
}

/// How long what is under way may take when the process stops. What is not done by then is done by another, or after the next start.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What leaves the server, as the operator allows it.
pub(crate) fn outbound(args: &OutboundArgs) -> anyhow::Result<Webhooks> {
    let blocks = args.webhook_allow.iter().filter(|text| !text.trim().is_empty());
    let allowed: Result<Vec<_>, _> = blocks.map(|text| text.trim().parse()).collect();
    Ok(Webhooks::new(Guard::new(allowed.context("--webhook-allow")?), Tls::System))
}

/// How many documents are printed at once: each takes a processor and some ten megabytes.
const PRINTED_AT_ONCE: usize = 2;

/// What makes PDFs. One for the process.
pub(crate) fn printer() -> Arc<dyn Printer> {
    Arc::new(Press::new(PRINTED_AT_ONCE))
}

/// What the tasks work with.
pub(crate) struct Means {
    /// What sends webhooks.
    pub(crate) outbound: Webhooks,
    /// What secrets are kept in.
    pub(crate) vault: Arc<Vault>,
    /// Where files are kept.
    pub(crate) files: Files,
    /// What makes PDFs.
    pub(crate) printer: Arc<dyn Printer>,
    /// What tells that a job was started.
    pub(crate) job_started: Hint,
    /// The mail server, and the address under which people reach the server. `None`: no mail is sent.
    pub(crate) mail: Option<(Smtp, Arc<str>)>,
}

/// Starts all tasks, over connections of their own.
pub(crate) fn start(
    store: &PgStore,
    connections: PoolSettings,
    environment: &Environment,
    Means { outbound, vault, files, printer, job_started, mail }: Means,
) -> anyhow::Result<RunningWorker> {
    let jobs_at_once = connections.max_size.div_ceil(2);
    let store = Arc::new(store.for_thread(connections)?);
    let (events, deliveries) = (Hint::default(), Hint::default());
    let hint = events.clone();
    store.on_events(move || hint.give());
    let jobs = JobPorts {
        store: Arc::clone(&store) as _,
        queue: Arc::clone(&store) as _,
        snapshots: Arc::clone(&store) as _,
        files: Arc::new(files),
        papers: Papers { rows: Arc::clone(&store) as _, users: Arc::clone(&store) as _, printer: Arc::clone(&printer) },
        environment: environment.clone(),
    };
    let send_mail = mail.map(|(mailer, public_url)| SendMail {
        queue: Arc::clone(&store) as _,
        rows: Arc::clone(&store) as _,
        papers: Papers { rows: Arc::clone(&store) as _, users: Arc::clone(&store) as _, printer },
        store: Arc::clone(&store) as _,
        mailer: Arc::new(mailer),
        vault: Arc::clone(&vault),
        public_url,
        environment: environment.clone(),
    });
    let deliver = Deliver {
        queues: Arc::clone(&store) as _,
        courier: Arc::new(outbound),
        vault,
        environment: environment.clone(),
        limits: DeliveryLimits::default(),
        hint: deliveries.clone(),
    };
    let mut worker = Worker::default().with(FanOut::new(store, events, deliveries)).with(deliver).with(Jobs::new(
        jobs,
        jobs_at_once,
        job_started,
    ));
    if let Some(send_mail) = send_mail {
        worker = worker.with(send_mail);
    }
    worker.start().context("starting the background loop")
}

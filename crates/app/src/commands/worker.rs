//! `bwp worker`

use std::sync::Arc;

use anyhow::Context;

use crate::{
    background,
    cli::{DatabaseArgs, WorkerArgs},
    database::{Database, Needs},
    logging, mail,
    serve::{files, stop::StopSignals},
    system::environment_of,
    vault,
};
use bwp_domain::execute::Environment;
use bwp_postgres::{PgStore, PoolSettings};
use bwp_web::public_url::PublicUrl;
use bwp_worker::Hint;

/// Runs the background loop, and serves nothing.
pub(crate) async fn run(args: &DatabaseArgs, worker: &WorkerArgs) -> anyhow::Result<()> {
    logging::start(&worker.log, worker.log_format, None)?;
    let outbound = background::outbound(&worker.outbound)?;
    let smtp = mail::configured(&worker.mail)?;
    let public_url: Option<PublicUrl> =
        worker.public_url.as_deref().map(str::parse).transpose().context("--public-url")?;
    let keys = vault::configured(&worker.outbound)?;
    let files = files::configured(&worker.files, &args.data_dir)?;
    let mut signals = StopSignals::listen().context("listening for signals")?;
    let database = Database::open(args, Needs::Schema).await?;
    let ran = async {
        let settings = PoolSettings { max_size: 1, lanes: 1, ..PoolSettings::default() };
        let store = PgStore::new(database.url(), settings)?;
        let environment = Environment { sends_mail: smtp.is_some(), ..environment_of(&store).await? };
        let mail = smtp.zip(public_url.map(|url| url.as_str().into()));
        let vault = Arc::new(vault::open(keys, args, &*environment.entropy)?);
        let printer = background::printer();
        let means = background::Means { outbound, vault, files, printer, job_started: Hint::default(), mail };
        let connections = background::connections(background::CONNECTIONS);
        let running = background::start(&store, connections, &environment, means)?;
        tracing::info!("working");
        tokio::select! {
            () = signals.next() => {}
            never = database.keep_running() => match never {},
        }
        tracing::info!("stopping: what is under way is finished");
        if !running.stop(background::PATIENCE).await {
            tracing::warn!("stopped at once: what was under way is done again by another");
        }
        anyhow::Ok(())
    }
    .await;
    let closed = database.close().await;
    ran.and(closed)
}

//! `bwp serve`

mod cursors;
mod first_start;
mod housekeeping;
mod rate_limits;
mod threads;

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use actix_web::{
    App,
    web::{self, Data},
};
use anyhow::Context;
use bwp_domain::ids::RequestId;
use bwp_http::{
    ApiState,
    docs::{self, DocsPages},
};
use bwp_postgres::PgStore;
use bwp_web::{
    body::{self, BodyLimits},
    client_address::TrustedProxies,
    head, headers, limits,
    observe::{self, Observer},
    public_url::PublicUrl,
    server::{self, ServerLimits},
};
use rate_limits::RateLimits;
use threads::Threads;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    cli::{DatabaseArgs, ServeArgs},
    database::Database,
    logging,
    output::Output,
    system::environment,
};

pub(crate) async fn run(database: &DatabaseArgs, args: &ServeArgs, output: Output) -> anyhow::Result<()> {
    logging::start(&args.log, args.log_format)?;
    // What can be wrong is found before anything is started.
    let proxies = TrustedProxies::parse(args.trusted_proxies.iter().filter(|entry| !entry.trim().is_empty()))
        .context("--trusted-proxies")?;
    let public_url: Option<PublicUrl> =
        args.public_url.as_deref().map(str::parse).transpose().context("--public-url")?;
    let secrets = cursors::configured(&args.cursor_secret)?;
    let limits = RateLimits::configured(args, &environment())?;

    let database = Database::open(database).await?;
    let served = serve(&database, args, proxies, public_url, secrets, limits, output).await;
    let closed = database.close().await;
    served.and(closed)
}

async fn serve(
    database: &Database,
    args: &ServeArgs,
    proxies: TrustedProxies,
    public_url: Option<PublicUrl>,
    secrets: Vec<bwp_domain::paging::CursorSecret>,
    rate_limits: RateLimits,
    output: Output,
) -> anyhow::Result<()> {
    let signals = StopSignals::listen().context("listening for signals")?;
    let environment = environment();
    let threads = Threads::of(args.workers, args.database_connections)?;
    let store = PgStore::new(database.url(), Threads::OWN)?;
    let cursors = cursors::open(&store, &environment, secrets).await?;
    rate_limits.connect().await;

    let listener = server::bind(args.listen)
        .with_context(|| format!("cannot listen on {}; choose another address with --listen", args.listen))?;
    let bound = listener.local_addr()?;
    // Only now: its secrets are shown once, and a server that cannot listen shows nothing. On a database that others run,
    // who runs the server makes its tenants; a key printed there may end in a log.
    let first = if database.is_private() { first_start::provision(&store, &environment).await? } else { None };
    let public_url = public_url.map_or_else(|| format!("http://{}", reachable(bound)), |url| url.as_str().to_owned());
    let state = ApiState {
        store: Arc::new(store.clone()),
        keys: Arc::new(store.clone()),
        contacts: Arc::new(store.clone()),
        rate_limits: rate_limits.limiter(),
        health: Arc::new(store.clone()),
        environment: environment.clone(),
        cursors: Arc::new(cursors),
        public_url: public_url.as_str().into(),
        body_limits: BodyLimits { deadline: *args.body_timeout, ..BodyLimits::default() },
    };
    let document = Data::new(bwp_http::document(&public_url, env!("CARGO_PKG_VERSION")));
    let pages = Arc::new(DocsPages::new(&public_url, env!("CARGO_PKG_VERSION")));
    let observer = Observer {
        new_request_id: {
            let environment = environment.clone();
            Arc::new(move || RequestId::generate(environment.clock.now(), &*environment.entropy).to_string())
        },
        trusted_proxies: Arc::new(proxies),
    };
    let shared = state.clone();
    let stores = store.clone();
    let app = move || {
        // Each worker is a thread, with database connections of its own.
        let worker = stores.for_thread(threads.each).unwrap_or_else(|error| {
            tracing::error!(%error, "a worker shares the connections of others");
            stores.clone()
        });
        let state = Data::new(ApiState {
            store: Arc::new(worker.clone()),
            keys: Arc::new(worker.clone()),
            contacts: Arc::new(worker.clone()),
            health: Arc::new(worker),
            ..shared.clone()
        });
        App::new()
            .service(web::redirect("/", "docs"))
            .configure(|config| docs::configure(config, Arc::clone(&pages)))
            .configure(bwp_http::configure(state, document.clone()))
            .wrap(head::answer_like_get())
            .wrap(limits::refuse_long_targets(bwp_http::refuse_long_target))
            .wrap(body::close_when_unread())
            .wrap(headers::api_headers())
            .wrap(observe::observe(observer.clone()))
    };
    let limits = ServerLimits { workers: Some(threads.workers), ..ServerLimits::default() };
    let server = server::serve(listener, &limits, app)?;

    let stop = server.handle();
    actix_web::rt::spawn(async move {
        signals.wait().await;
        tracing::info!("stopping: requests in flight are finished");
        stop.stop(true).await;
    });
    let housekeeping = actix_web::rt::spawn(housekeeping::run(store, environment, state.cursors, rate_limits));
    let ready = first_start::ready(bound, &public_url, first.as_ref());
    output.print(&ready, || first_start::greeting(&public_url, first.as_ref()))?;
    tracing::info!(address = %bound, %public_url, "serving");
    tokio::select! {
        ended = server => ended?,
        never = database.keep_running() => match never {},
    }
    housekeeping.abort();
    tracing::info!("stopped");
    Ok(())
}

/// Who listens on every address is reached on this machine by the loopback one.
fn reachable(mut bound: SocketAddr) -> SocketAddr {
    if bound.ip().is_unspecified() {
        bound.set_ip(match bound {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    bound
}

/// Ctrl-C, or SIGTERM from a service manager: someone wants the server to stop.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// From now on these signals no longer end the process at once, which would leave a private PostgreSQL running.
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the first one since [`listen`](Self::listen).
    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

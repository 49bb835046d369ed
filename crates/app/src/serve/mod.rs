//! `bwp serve`

mod admin;
mod console;
mod cursors;
pub(crate) mod files;
mod first_start;
mod housekeeping;
mod maintenance;
mod metrics;
mod rate_limits;
mod readiness;
pub(crate) mod stop;
mod threads;
#[cfg(feature = "otel")]
mod traces;
#[cfg(not(feature = "otel"))]
#[path = "traces/none.rs"]
mod traces;

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, web::Data};
use anyhow::Context;
use bwp_domain::{execute::Environment, ids::RequestId, paging::CursorSecret, papers::Papers, vault::VaultKey};
use bwp_files::Files;
use bwp_http::{
    ApiState, FileLimits, Refusals, WebhookPorts,
    docs::{self, DocsPages},
};
use bwp_outbound::{Smtp, Webhooks};
use bwp_postgres::{AuditLimits, AuditLog, PgStore, PoolSettings};
use bwp_web::{
    availability::Availability,
    body::{self, BodyLimits},
    client_address::TrustedProxies,
    compress, head, headers, limits,
    metrics::Meter,
    observe::{self, Observer},
    public_url::PublicUrl,
    server::{self, Door, ServerLimits},
};
use bwp_worker::Hint;

use self::{metrics::Metrics, rate_limits::RateLimits, stop::StopSignals, threads::Threads, traces::Traces};
use crate::{
    background::{self, Means},
    cli::{DatabaseArgs, ServeArgs},
    database::Database,
    logging, mail,
    output::Output,
    system::{EntropyAhead, environment, environment_of},
    vault,
};

/// How long the last entries of the audit log may take to be written when the server stops.
const LAST_ENTRIES: Duration = Duration::from_secs(5);

pub(crate) async fn run(database: &DatabaseArgs, args: &ServeArgs, output: Output) -> anyhow::Result<()> {
    let traces = Traces::start(args.otlp_endpoint.as_deref()).context("--otlp-endpoint")?;
    logging::start(&args.log, args.log_format, traces.as_ref().map(Traces::layer))?;
    let done = run_traced(database, args, output, traces.as_ref()).await;
    if let Some(traces) = traces {
        traces.finish().await;
    }
    done
}

async fn run_traced(
    database: &DatabaseArgs,
    args: &ServeArgs,
    output: Output,
    traces: Option<&Traces>,
) -> anyhow::Result<()> {
    // What can be wrong is found before anything is started.
    let configured = Configured::by(args, database)?;

    // From here on a signal is remembered until somebody asks for it: a private PostgreSQL must not outlive its start.
    let mut signals = StopSignals::listen().context("listening for signals")?;
    let named = database;
    let database = Database::open_as_it_is(named).await?;
    let migrated = tokio::select! {
        migrated = migrate(&database, named, args.skip_migrations) => migrated.map(|()| true),
        () = signals.next() => Ok(false),
    };
    match migrated {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!("stopped before it served");
            database.close().await?;
            // A migration that waits for another server's cannot be called off, and is not waited for.
            std::process::exit(0);
        }
        Err(error) => {
            database.close().await?;
            return Err(error);
        }
    }
    let served = serve(&database, args, configured, output, Outside { named, signals, traces }).await;
    let closed = database.close().await;
    served.and(closed)
}

async fn migrate(database: &Database, named: &DatabaseArgs, skip: bool) -> anyhow::Result<()> {
    if skip { database.refuse_without_schema(named).await } else { database.migrate().await }
}

/// What the operator said, as far as it can be wrong.
struct Configured {
    proxies: TrustedProxies,
    public_url: Option<PublicUrl>,
    secrets: Vec<CursorSecret>,
    rate_limits: RateLimits,
    threads: Threads,
    files: Files,
    file_limits: FileLimits,
    outbound: Webhooks,
    secret_keys: Vec<VaultKey>,
    mail: Option<Smtp>,
}

impl Configured {
    fn by(args: &ServeArgs, database: &DatabaseArgs) -> anyhow::Result<Self> {
        let proxies = args.trusted_proxies.iter().filter(|entry| !entry.trim().is_empty());
        Ok(Self {
            proxies: TrustedProxies::parse(proxies).context("--trusted-proxies")?,
            public_url: args.public_url.as_deref().map(str::parse).transpose().context("--public-url")?,
            secrets: cursors::configured(&args.cursor_secret)?,
            rate_limits: RateLimits::configured(args, &environment())?,
            threads: Threads::of(args.workers, args.database_connections, !args.no_worker)?,
            outbound: background::outbound(&args.outbound)?,
            secret_keys: vault::configured(&args.outbound)?,
            mail: mail::configured(&args.mail)?,
            files: files::configured(&args.files, &database.data_dir)?,
            file_limits: files::limits(args),
        })
    }
}

/// Who tells the server to stop, who is told of its requests, and what the operator calls the database.
struct Outside<'a> {
    named: &'a DatabaseArgs,
    signals: StopSignals,
    traces: Option<&'a Traces>,
}

#[expect(clippy::too_many_lines, reason = "what a server is made of, one after another")]
async fn serve(
    database: &Database,
    args: &ServeArgs,
    Configured { proxies, public_url, secrets, rate_limits, threads, files, file_limits, outbound, secret_keys, mail }: Configured,
    output: Output,
    Outside { named, signals, traces }: Outside<'_>,
) -> anyhow::Result<()> {
    let store = PgStore::new(database.url(), Threads::OWN)?;
    let environment = Environment { sends_mail: mail.is_some(), ..environment_of(&store).await? };
    let cursors = cursors::open(&store, &environment, secrets).await?;
    let vault = Arc::new(vault::open(secret_keys, named, &*environment.entropy)?);
    readiness::warn_of_pooler(&store);
    rate_limits.connect().await;

    let listener = server::bind(args.listen)
        .with_context(|| format!("cannot listen on {}; choose another address with --listen", args.listen))?;
    let door = Door::of(&listener)?;
    let (bound, admin) = (listener.local_addr()?, args.admin_listen.map(admin::bind).transpose()?);
    // Only now: its secrets are shown once, and a server that cannot listen shows nothing. On a database that others run,
    // who runs the server makes its tenants; a key printed there may end in a log.
    let first = if database.is_private() { first_start::provision(&store, &environment).await? } else { None };
    let public_url = public_url.map_or_else(|| of_listener(bound), Ok)?;
    let audit = AuditLog::start(database.url(), PoolSettings::DEFAULT, AuditLimits::default())?;
    let (meter, availability) = (Arc::<Meter>::default(), Arc::<Availability>::default());
    maintenance::set(&availability, args.maintenance);
    let readiness = Arc::new(readiness::checks(&store, &availability, rate_limits.limiter(), audit.queue()));
    let mut metrics = Metrics::new(&meter, &availability);
    metrics.of_the_database(&store);
    let refusals = Arc::<Refusals>::default();
    metrics.of_the_audit_log(audit.queue(), Arc::clone(&refusals));
    metrics.of_the_rate_limits(rate_limits.limiter());
    let job_started = Hint::default();
    let papers =
        Papers { rows: Arc::new(store.clone()), users: Arc::new(store.clone()), printer: background::printer() };
    let hint = job_started.clone();
    let state = ApiState {
        store: Arc::new(store.clone()),
        keys: Arc::new(store.clone()),
        oauth: Arc::new(store.clone()),
        registrations: Arc::default(),
        users: Arc::new(store.clone()),
        rows: Arc::new(store.clone()),
        calendar: Arc::new(store.clone()),
        files: Arc::new(files.clone()),
        file_usage: Arc::new(store.clone()),
        file_limits,
        notifications: Arc::new(store.clone()),
        jobs: Arc::new(store.clone()),
        papers: papers.clone(),
        job_queue: Arc::new(store.clone()),
        job_started: Arc::new(move || hint.give()),
        most_upload: args.max_import_size,
        audit_log: Arc::new(store.clone()),
        audit: audit.queue(),
        refusals,
        rate_limits: rate_limits.limiter(),
        webhooks: WebhookPorts {
            reader: Arc::new(store.clone()),
            feed: Arc::new(store.clone()),
            guard: Arc::new(outbound.clone()),
            vault: Arc::clone(&vault),
        },
        readiness: Arc::clone(&readiness),
        meter: Arc::clone(&meter),
        environment: environment.clone(),
        cursors: Arc::new(cursors),
        public_url: public_url.as_str().into(),
        body_limits: BodyLimits { deadline: *args.body_timeout, ..BodyLimits::default() },
        request_timeout: Some(*args.request_timeout).filter(|limit| !limit.is_zero()),
    };
    let console = console::state(&state, store.for_thread(threads.of_pages)?, &public_url);
    let document = Data::new(bwp_http::document(public_url.as_str(), env!("CARGO_PKG_VERSION")));
    let pages = Arc::new(DocsPages::new(public_url.as_str(), env!("CARGO_PKG_VERSION")));
    let observer = Observer {
        new_request_id: request_ids(&environment),
        trusted_proxies: Arc::new(proxies),
        meter,
        availability: Arc::clone(&availability),
        trace: traces.map(Traces::of_requests),
    };
    let shared = state.clone();
    let stores = store.clone();
    let app = move || {
        let worker = of_worker(&stores, threads.each);
        let console = Data::new(console.clone());
        let state = Data::new(over(&worker, &shared));
        App::new()
            .configure(|config| docs::configure(config, Arc::clone(&pages)))
            .configure(bwp_console::configure(console.clone()))
            .configure(bwp_http::configure(state, document.clone()))
            .configure(bwp_console::configure_not_found(console))
            .wrap(compress::gzip_json())
            .wrap(head::answer_like_get())
            .wrap(limits::refuse_long_targets(bwp_http::refuse_long_target))
            .wrap(body::close_when_unread())
            .wrap(headers::api_headers())
            .wrap(observe::observe(observer.clone()))
    };
    let limits = ServerLimits { workers: Some(threads.workers), ..ServerLimits::default() };
    let server = server::serve(listener, &limits, app)?;

    let stop = stop::run(signals, Arc::clone(&availability), door, server.handle(), *args.drain);
    let admin = admin.map(|listener| admin::Admin::start(listener, metrics, readiness)).transpose()?;
    actix_web::rt::spawn(files::sweep(files.clone()));
    let switch = actix_web::rt::spawn(maintenance::switch(availability, args.maintenance));
    let worker = if args.no_worker {
        None
    } else {
        Some(background::start(
            &store,
            threads.of_background,
            &environment,
            Means {
                outbound,
                vault,
                files,
                printer: papers.printer,
                job_started,
                mail: mail.map(|mail| (mail, public_url.as_str().into())),
            },
        )?)
    };
    let housekeeping = housekeeping::run(store, environment, state.cursors, rate_limits, *args.audit_retention);
    let housekeeping = actix_web::rt::spawn(housekeeping);
    let ready =
        first_start::ready(bound, admin.as_ref().map(|admin| admin.address), public_url.as_str(), first.as_ref());
    first_start::tell(output, &ready, public_url.as_str(), first.as_ref(), named)?;
    tracing::info!(address = %bound, %public_url, "serving");
    let ended = tokio::select! {
        ended = server => ended,
        never = database.keep_running() => match never {},
        () = stop => {
            tracing::warn!("stopped at once: requests in flight were cut off");
            Ok(())
        }
    };
    housekeeping.abort();
    switch.abort();
    if let Some(worker) = worker
        && !worker.stop(background::PATIENCE).await
    {
        tracing::warn!("background work was cut off: it is done again by another, or after the next start");
    }
    // Every request has been answered, and recorded.
    let counts = audit.finish(LAST_ENTRIES).await;
    if let Some(admin) = admin {
        admin.stop().await;
    }
    tracing::info!(audit_entries_written = counts.written, audit_entries_lost = counts.lost, "stopped");
    ended.map_err(anyhow::Error::from)
}

/// The same state, over the connections of this store.
fn over(worker: &PgStore, shared: &ApiState) -> ApiState {
    ApiState {
        store: Arc::new(worker.clone()),
        keys: Arc::new(worker.clone()),
        oauth: Arc::new(worker.clone()),
        users: Arc::new(worker.clone()),
        rows: Arc::new(worker.clone()),
        calendar: Arc::new(worker.clone()),
        file_usage: Arc::new(worker.clone()),
        notifications: Arc::new(worker.clone()),
        jobs: Arc::new(worker.clone()),
        papers: Papers {
            rows: Arc::new(worker.clone()),
            users: Arc::new(worker.clone()),
            printer: Arc::clone(&shared.papers.printer),
        },
        job_queue: Arc::new(worker.clone()),
        webhooks: WebhookPorts {
            reader: Arc::new(worker.clone()),
            feed: Arc::new(worker.clone()),
            ..shared.webhooks.clone()
        },
        ..shared.clone()
    }
}

/// Each worker is a thread, with database connections of its own.
fn of_worker(stores: &PgStore, settings: PoolSettings) -> PgStore {
    stores.for_thread(settings).unwrap_or_else(|error| {
        tracing::error!(%error, "a worker shares the connections of others");
        stores.clone()
    })
}

/// Who gives each request its id.
fn request_ids(environment: &Environment) -> Arc<dyn Fn() -> String + Send + Sync> {
    let environment = environment.clone();
    let entropy = EntropyAhead(environment.entropy);
    Arc::new(move || RequestId::generate(environment.clock.now(), &entropy).to_string())
}

/// The URL of a server that nobody said one of.
fn of_listener(bound: SocketAddr) -> anyhow::Result<PublicUrl> {
    format!("http://{}", reachable(bound)).parse().context("the address it listens on")
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

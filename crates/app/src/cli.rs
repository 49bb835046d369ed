//! What can be said on the command line and in the environment.

#![expect(clippy::doc_markdown, rustdoc::bare_urls, reason = "these comments are what --help prints")]

use std::{
    ffi::OsString,
    io::{self, Write},
    net::{SocketAddr, ToSocketAddrs},
    num::NonZeroUsize,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use bwp_domain::{
    clock::Day,
    ids::{KeyPublicId, TenantPublicId},
    papers::{Layout, Typeface},
    rate_limits::RateLimit,
    resource::{Decimal, Money},
    scopes::ScopeId,
    tenants::{TenantStatus, TimeZone},
    users::Role,
};
use clap::{
    Args, CommandFactory, Error, FromArgMatches, Parser, Subcommand,
    builder::{PossibleValuesParser, Resettable, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};

/// An open server for the v1 API. Without a command, it serves.
#[derive(Parser)]
#[command(name = "bwp", version, propagate_version = true, after_help = AFTER_HELP)]
#[command(override_usage = "bwp [OPTIONS] [COMMAND]")]
pub(crate) struct Cli {
    #[command(flatten, next_help_heading = COMMON)]
    pub(crate) database: DatabaseArgs,

    /// Print JSON, for programs
    #[arg(long, global = true, help_heading = COMMON)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Under which the options stand that every command has, behind its own.
const COMMON: &str = "Options of every command";

const AFTER_HELP: &str = "\
Without --database-url, the data is kept in a PostgreSQL of its own in the data folder. Every command works whether or \
not `bwp serve` runs.";

impl Cli {
    /// Reads the command line. Ends the process when it is wrong or asks for help.
    pub(crate) fn read() -> Self {
        let line: Vec<OsString> = std::env::args_os().collect();
        Self::parse_or_serve(line.clone()).unwrap_or_else(|error| {
            if let Some(name) = variable_of(&error, &line) {
                // Nobody is left to tell when this fails.
                let _ = writeln!(io::stderr().lock(), "bwp: the value is that of the variable {name}");
            }
            error.exit()
        })
    }

    /// Reads a command line; one without a command is one of `serve`.
    fn parse_or_serve(mut line: Vec<OsString>) -> Result<Self, Error> {
        let error = match Self::parse(&line) {
            Ok(cli) => return Ok(cli),
            Err(error) => error,
        };
        let no_command = [
            ErrorKind::MissingSubcommand,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ErrorKind::UnknownArgument,
        ];
        if !no_command.contains(&error.kind()) {
            return Err(error);
        }
        line.insert(1.min(line.len()), "serve".into());
        // What `serve` does not know either is better explained by the line as it was given.
        Self::parse(&line).map_err(|of_serve| match of_serve.kind() {
            ErrorKind::UnknownArgument => error,
            _ => of_serve,
        })
    }

    fn parse(line: &[OsString]) -> Result<Self, Error> {
        let mut command = with_tidy_variables(Self::command());
        let mut matches = match command.try_get_matches_from_mut(line) {
            // The help names them all.
            Err(error) if error.kind() == ErrorKind::DisplayHelp => return Self::try_parse_from(line),
            parsed => parsed?,
        };
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    }
}

/// How many workers actix can have: with one more it panics.
pub(crate) const MOST_WORKERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(511);

/// Knows all scopes by name, and so which one may be meant.
fn scope() -> impl TypedValueParser<Value = ScopeId> {
    let names = ScopeId::ALL.iter().map(|scope| scope.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<ScopeId>())
}

fn workers(text: &str) -> Result<NonZeroUsize, String> {
    let workers = text.parse().ok().filter(|workers| *workers <= MOST_WORKERS);
    workers.ok_or_else(|| format!("expected a whole number from 1 to {MOST_WORKERS}"))
}

/// An empty variable sets nothing: whoever writes `${X:-}` into a compose file has no other way to leave it out. Nor are blanks around a
/// value part of it, or the carriage return of a file that was written on Windows.
fn with_tidy_variables(command: clap::Command) -> clap::Command {
    let tidy = |arg: clap::Arg| {
        let value = arg.get_env().and_then(|name| std::env::var_os(name)?.into_string().ok());
        match value.as_deref().map(|value| (value, value.trim())) {
            Some((_, "")) => arg.env(Resettable::Reset),
            // A default stands where the variable's value would.
            Some((value, trimmed)) if value != trimmed => {
                arg.env(Resettable::Reset).default_value(clap::builder::OsStr::from(trimmed.to_owned()))
            }
            _ => arg,
        }
    };
    command.mut_args(tidy).mut_subcommands(with_tidy_variables)
}

/// The variable whose value is wrong, if it is one's and not what stands on the command line.
fn variable_of(error: &Error, line: &[OsString]) -> Option<String> {
    let (Some(ContextValue::String(arg)), Some(ContextValue::String(value))) =
        (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
    else {
        return None;
    };
    let option = arg.split([' ', '=']).next()?;
    let is_on_line = line.iter().any(|word| word.to_string_lossy().split('=').next() == Some(option));
    let name = env_of(&Cli::command(), option.strip_prefix("--")?).filter(|_| !is_on_line)?;
    let set = std::env::var(&name).ok()?;
    set.split(',').any(|part| part.trim() == value.trim()).then_some(name)
}

/// The variable of the option of this name, here or in a command.
fn env_of(command: &clap::Command, option: &str) -> Option<String> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(option)).and_then(|arg| arg.get_env());
    let own = own.map(|name| name.to_string_lossy().into_owned());
    own.or_else(|| command.get_subcommands().find_map(|command| env_of(command, option)))
}

/// An address to listen on. A host's name is looked up, and of its addresses one of IPv4 is taken first.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    const EXPECTED: &str = "expected an address and a port, such as 127.0.0.1:8080 for this machine alone, or 0.0.0.0:8080 for everybody \
                            who reaches it";
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
            let found = text.to_socket_addrs().map_err(|error| format!("{error}; {EXPECTED}"))?;
            let mut found: Vec<_> = found.collect();
            found.sort_by_key(SocketAddr::is_ipv6);
            found.first().copied().ok_or_else(|| EXPECTED.to_owned())
        }
        _ => Err(EXPECTED.to_owned()),
    }
}

/// Yes or no, as people write it in variables.
fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => Some(true),
        "" | "0" | "off" | "no" | "false" => Some(false),
        _ => None,
    }
}

fn switched(text: &str) -> Result<bool, String> {
    switch(text).ok_or_else(|| "expected true or false; on, off, yes, no, 1 and 0 do as well".to_owned())
}

/// A number of bytes: plain, or in KiB, MiB, GiB or TiB.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "kib" => Some(1 << 10),
        "mib" => Some(1 << 20),
        "gib" => Some(1 << 30),
        "tib" => Some(1 << 40),
        _ => None,
    };
    let bytes = unit.zip(number.parse::<u64>().ok()).and_then(|(unit, number)| number.checked_mul(unit));
    bytes.ok_or_else(|| "expected a number of bytes, such as 500MiB, 2GiB or 1048576".to_owned())
}

#[derive(Args)]
pub(crate) struct DatabaseArgs {
    /// Folder in which a private PostgreSQL keeps the data
    #[arg(long, global = true, env = "BWP_DATA_DIR", value_name = "FOLDER", default_value = ".bwp")]
    pub(crate) data_dir: PathBuf,

    /// PostgreSQL (15 or newer) to use instead of a private one: postgres://user:password@host/database. Over a network
    /// add ?sslmode=verify-full, and &sslrootcert=FILE if its certificate authority is not one that the system trusts
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,

    /// Folder with the programs of PostgreSQL, if they are not in PATH or in a usual place
    #[arg(long, global = true, env = "BWP_POSTGRES_BIN", value_name = "FOLDER")]
    pub(crate) postgres_bin: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the API (the default)
    #[command(
        after_help = "Example:\n  bwp serve --listen 0.0.0.0:8080 --public-url https://api.example.com --trusted-proxies 10.0.0.0/8"
    )]
    Serve(Box<ServeArgs>),
    /// Do what the server does when nobody asks, such as delivering webhooks, and serve nothing
    Worker(WorkerArgs),
    /// Bring the database's schema up to date, which `serve` does by itself
    #[command(
        after_help = "Example:\n  bwp migrate --database-url postgres://bwp:password@db.example.com/bwp?sslmode=verify-full"
    )]
    Migrate,
    /// Make, list, suspend and limit tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Make and list users, and give them another password
    #[command(subcommand)]
    User(UserCommand),
    /// Set and list what an hour of work costs
    #[command(subcommand)]
    Rate(RateCommand),
    /// Make, list, rotate and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Try the mail server
    #[command(subcommand)]
    Mail(MailCommand),
    /// Hear of events on a developer's machine
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Manage the secret that signs cursors
    #[command(subcommand)]
    CursorSecret(CursorSecretCommand),
    /// Print the OpenAPI document
    #[command(after_help = "Example:\n  bwp openapi --public-url https://api.example.com > openapi.json")]
    Openapi(OpenapiArgs),
    /// Write a tenant's rows of a family to a CSV file
    #[command(
        after_help = "Examples:\n  bwp export contacts --tenant tnt_… -o vendors.csv --filter type=vendor\n  bwp export leads --tenant tnt_… -o - | head"
    )]
    Export(ExportArgs),
    /// Write all data to a file
    #[command(after_help = "Examples:\n  bwp backup all.dump\n  bwp backup - | gzip > all.dump.gz")]
    Backup(BackupArgs),
    /// Read all data from a file that `backup` wrote, into an empty database
    #[command(after_help = "Example:\n  bwp restore all.dump")]
    Restore(RestoreArgs),
    /// Print a script by which a shell completes commands and options
    #[command(
        after_help = "Examples:\n  bwp completions bash > ~/.local/share/bash-completion/completions/bwp\n  bwp completions powershell >> $PROFILE"
    )]
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) outbound: OutboundArgs,

    #[command(flatten)]
    pub(crate) mail: MailArgs,

    /// URL under which people reach the server, for the links in mail. Without it this worker sends no mail
    #[arg(long, env = "BWP_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,

    #[command(flatten)]
    pub(crate) files: FilesArgs,

    /// What is logged: error, warn, info, debug, trace, or a filter such as info,bwp_worker=debug
    #[arg(long, env = "BWP_LOG", value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,

    /// How it is logged
    #[arg(long, env = "BWP_LOG_FORMAT", value_name = "FORMAT", default_value = "pretty")]
    pub(crate) log_format: LogFormat,
}

/// Where files are kept.
#[derive(Args, Debug)]
pub(crate) struct FilesArgs {
    /// Where documents and other files are kept: a folder, or s3://bucket/prefix with what else there is to say in AWS_REGION,
    /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL [default: files, in the data folder]
    #[arg(long, env = "BWP_FILES", value_name = "PLACE")]
    pub(crate) files: Option<String>,
}

// What leaves the server, and what its secrets are kept with. With a doc comment it would become what a command is about.
#[derive(Args)]
pub(crate) struct OutboundArgs {
    /// Keys of 64 hexadecimal digits that encrypt secrets in the database, such as those that sign webhooks: the first
    /// encrypts, all decrypt. Every server and worker needs the same [default: one in the data folder, secret.key]
    #[arg(long, env = "BWP_SECRET_KEY", value_name = "KEY", value_delimiter = ',', hide_env_values = true)]
    pub(crate) secret_key: Vec<String>,

    /// Addresses or CIDR blocks to which webhooks may go although they are not public, over http too [default: none]
    #[arg(long, env = "BWP_WEBHOOK_ALLOW", value_name = "CIDR", value_delimiter = ',')]
    pub(crate) webhook_allow: Vec<String>,
}

impl std::fmt::Debug for OutboundArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundArgs").field("webhook_allow", &self.webhook_allow).finish_non_exhaustive()
    }
}

// The mail server.
#[derive(Args)]
pub(crate) struct MailArgs {
    /// Mail server: smtps://user:password@mail.example.com, or smtp:// with STARTTLS; ?tls=none speaks without encryption
    /// [default: none, and mail waits]
    #[arg(long, env = "BWP_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) smtp_url: Option<String>,

    /// Address that mail comes from, such as office@example.com
    #[arg(long, env = "BWP_MAIL_FROM", value_name = "ADDRESS")]
    pub(crate) mail_from: Option<String>,
}

impl std::fmt::Debug for MailArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailArgs").field("mail_from", &self.mail_from).finish_non_exhaustive()
    }
}

#[derive(Subcommand)]
pub(crate) enum WebhookCommand {
    /// Print a tenant's events as they happen, and send them on to a program of yours
    #[command(
        after_help = "Examples:\n  bwp webhook listen --type contact.created,contact.updated\n  bwp webhook listen --server https://api.example.com --forward-to http://localhost:3000/webhooks"
    )]
    Listen(ListenArgs),
}

#[derive(Args)]
pub(crate) struct ListenArgs {
    /// The server whose events they are
    #[arg(long, env = "BWP_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) server: String,
    /// An API key with the scope webhooks:manage
    #[arg(long, env = "BWP_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) key: String,
    /// Where each event is sent on to, signed as webhooks are
    #[arg(long, value_name = "URL")]
    pub(crate) forward_to: Option<String>,
    /// The secret that signs what is sent on. Unless it is set, one is made and shown
    #[arg(long, env = "BWP_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true, requires = "forward_to")]
    pub(crate) secret: Option<String>,
    /// Only events of these types
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    /// Send a mail, to see whether the mail server takes it
    #[command(
        after_help = "Example:\n  bwp mail test --to you@example.com --smtp-url smtps://user:password@mail.example.com --mail-from office@example.com"
    )]
    Test {
        /// To whom it goes
        #[arg(long, value_name = "ADDRESS")]
        to: String,
        #[command(flatten)]
        mail: MailArgs,
    },
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on
    #[arg(long, env = "BWP_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = listen_address)]
    pub(crate) listen: SocketAddr,

    /// URL under which clients reach the server [default: http:// and the address it listens on]
    #[arg(long, env = "BWP_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// Reverse proxies that are believed about the client's address: addresses or CIDR blocks
    #[arg(long, env = "BWP_TRUSTED_PROXIES", value_name = "CIDR", value_delimiter = ',')]
    pub(crate) trusted_proxies: Vec<String>,

    /// Secrets of 32 bytes or more that sign cursors: the first signs, all are accepted [default: one in the database]
    #[arg(long, env = "BWP_CURSOR_SECRET", value_name = "SECRET", value_delimiter = ',', hide_env_values = true)]
    pub(crate) cursor_secret: Vec<String>,

    /// Threads that answer requests, 512 at most [default: one for each CPU]
    #[arg(long, env = "BWP_WORKERS", value_name = "N", value_parser = workers)]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Connections to the database, at most [default: up to 16 for each thread, 64 in all, and 10]
    #[arg(long, env = "BWP_DATABASE_CONNECTIONS", value_name = "N")]
    pub(crate) database_connections: Option<usize>,

    /// Redis in which the servers count rate limits together: redis://user:password@host/0, or rediss:// with TLS
    /// [default: each counts alone]
    #[arg(long, env = "BWP_REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) redis_url: Option<String>,

    /// What to do about rate limits while Redis is lost
    #[arg(long, env = "BWP_REDIS_LOST", value_name = "CHOICE", default_value = "local")]
    pub(crate) redis_lost: RedisLost,

    /// How long Redis may take to answer before it is taken for lost
    #[arg(long, env = "BWP_REDIS_DEADLINE", value_name = "TIME", default_value = "250ms")]
    pub(crate) redis_deadline: humantime::Duration,

    #[command(flatten)]
    pub(crate) files: FilesArgs,

    /// How large an uploaded file may be
    #[arg(long, env = "BWP_MAX_FILE_SIZE", value_name = "SIZE", default_value = "500MiB", value_parser = size)]
    pub(crate) max_file_size: u64,

    /// How much the files of one tenant may take together; 0: as much as there is room for
    #[arg(long, env = "BWP_TENANT_FILES", value_name = "SIZE", default_value = "0", value_parser = size)]
    pub(crate) tenant_files: u64,

    /// How large a file may be that is uploaded to be imported
    #[arg(long, env = "BWP_MAX_IMPORT_SIZE", value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    pub(crate) max_import_size: u64,

    /// Take the schema as it is: `bwp migrate` was run before
    #[arg(long, env = "BWP_SKIP_MIGRATIONS", value_parser = switched)]
    pub(crate) skip_migrations: bool,

    /// How long the audit log is kept, in whole months: those that end within this time
    #[arg(long, env = "BWP_AUDIT_RETENTION", value_name = "TIME", default_value = "400days")]
    pub(crate) audit_retention: humantime::Duration,

    /// How long a client may take to send a body
    #[arg(long, env = "BWP_BODY_TIMEOUT", value_name = "TIME", default_value = "30s")]
    pub(crate) body_timeout: humantime::Duration,

    /// How long the work on a request may take, without the time in which its body arrives; 0s: as long as it takes
    #[arg(long, env = "BWP_REQUEST_TIMEOUT", value_name = "TIME", default_value = "10s")]
    pub(crate) request_timeout: humantime::Duration,

    /// Address and port of a second listener, for the operator alone: /metrics, /readyz, /healthz [default: none]
    #[arg(long, env = "BWP_ADMIN_LISTEN", value_name = "ADDRESS", value_parser = listen_address)]
    pub(crate) admin_listen: Option<SocketAddr>,

    /// OpenTelemetry collector to which traces of requests are sent over HTTP: http://127.0.0.1:4318 [default: none]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,

    /// Start closed for maintenance: answer 503 until SIGUSR2 opens the server (SIGUSR1 closes it). A TIME such as 5m
    /// is what clients are told to wait
    #[arg(long, env = "BWP_MAINTENANCE", value_name = "TIME", default_value = "off", hide_default_value = true)]
    #[arg(num_args = 0..=1, default_missing_value = "on")]
    pub(crate) maintenance: Maintenance,

    #[command(flatten)]
    pub(crate) mail: MailArgs,

    #[command(flatten)]
    pub(crate) outbound: OutboundArgs,

    /// Leave what the server does when nobody asks, such as delivering webhooks, to others: see `bwp worker`
    #[arg(long, env = "BWP_NO_WORKER")]
    pub(crate) no_worker: bool,

    /// How long the server goes on serving after SIGTERM, not ready any more, so that a load balancer turns away from it
    #[arg(long, env = "BWP_DRAIN", value_name = "TIME", default_value = "0s")]
    pub(crate) drain: humantime::Duration,

    /// What is logged: error, warn, info, debug, trace, or a filter such as info,bwp_web=debug, which adds a line for
    /// each answered request
    #[arg(long, env = "BWP_LOG", value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,

    /// How it is logged
    #[arg(long, env = "BWP_LOG_FORMAT", value_name = "FORMAT", default_value = "pretty")]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum RedisLost {
    /// Each server counts alone
    Local,
    /// Answer every request with 503
    Refuse,
    /// Let every request in, and count none
    Allow,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Pretty,
    /// A JSON object each line
    Json,
}

/// Whether to start closed, and what clients are then told to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maintenance {
    Off,
    On(Duration),
}

impl Maintenance {
    /// What clients are told to wait if nobody says more.
    pub(crate) const WAIT: Duration = Duration::from_mins(1);
}

impl FromStr for Maintenance {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match switch(text) {
            Some(false) => Ok(Self::Off),
            Some(true) => Ok(Self::On(Self::WAIT)),
            None => text.trim().parse::<humantime::Duration>().map(|time| Self::On(*time)),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Make a tenant
    #[command(after_help = "Example:\n  bwp tenant create --name \"Byron Masonry\"")]
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// How many units an hour it may spend with all of its keys; 0 for no limit
        #[arg(long, value_name = "UNITS", default_value_t = RateLimit::OF_TENANT)]
        rate_limit: RateLimit,
    },
    /// List the tenants
    #[command(after_help = "Example:\n  bwp tenant list --json")]
    List,
    /// Let a tenant use the API, or keep it out
    #[command(after_help = "Example:\n  bwp tenant set-status tnt_01JD0C9Z3T7QWERTYV5K8M2N4P suspended")]
    SetStatus {
        /// The tenant's id, `tnt_…`
        tenant: TenantPublicId,
        /// active, suspended or subscription_inactive
        status: TenantStatus,
    },
    /// Set how many units an hour a tenant may spend with all of its keys
    #[command(after_help = "Example:\n  bwp tenant set-limit tnt_01JD0C9Z3T7QWERTYV5K8M2N4P 20000")]
    SetLimit {
        /// The tenant's id, `tnt_…`
        tenant: TenantPublicId,
        /// A read costs 1 unit, a change 5; 0 for no limit
        #[arg(value_name = "UNITS PER HOUR")]
        limit: RateLimit,
    },
    /// Set which day it is at a tenant's: what is overdue there, and when a project is completed
    #[command(after_help = "Example:\n  bwp tenant set-time-zone tnt_01JD0C9Z3T7QWERTYV5K8M2N4P Europe/Berlin")]
    SetTimeZone {
        /// The tenant's id, `tnt_…`
        tenant: TenantPublicId,
        /// A name of the IANA database, such as Europe/Berlin
        #[arg(value_name = "ZONE")]
        zone: TimeZone,
    },
    /// Set what a tenant's documents say of the company, and how they look. What is not named stays; "" empties it
    #[command(
        after_help = "Example:\n  bwp tenant set-letterhead tnt_01JD0C9Z3T7QWERTYV5K8M2N4P --phone \"+1 555 0100\" --accent-color \"#b45309\" --layout band --logo logo.png"
    )]
    SetLetterhead(Box<LetterheadArgs>),
}

#[derive(Args, Debug)]
pub(crate) struct LetterheadArgs {
    /// The tenant's id, `tnt_…`
    pub(crate) tenant: TenantPublicId,
    /// The company's name
    #[arg(long)]
    pub(crate) company_name: Option<String>,
    /// The main colour, such as #1f2a44
    #[arg(long, value_name = "COLOR")]
    pub(crate) primary_color: Option<String>,
    /// The colour of what stands out
    #[arg(long, value_name = "COLOR")]
    pub(crate) accent_color: Option<String>,
    /// The address, with a line for each line
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Telephone number
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// E-mail address
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Web site
    #[arg(long)]
    pub(crate) website: Option<String>,
    /// The number of the company's licence
    #[arg(long)]
    pub(crate) license_number: Option<String>,
    /// What the company says of itself
    #[arg(long)]
    pub(crate) tagline: Option<String>,
    /// What stands at the foot of each page
    #[arg(long)]
    pub(crate) footer: Option<String>,
    /// How invoices are paid, as text or simple HTML
    #[arg(long)]
    pub(crate) how_to_pay: Option<String>,
    /// What stands before amounts; a dollar sign unless set
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) currency_symbol: Option<String>,
    /// classic, band or plain
    #[arg(long, value_parser = word::<Layout>)]
    pub(crate) layout: Option<Layout>,
    /// sans or serif
    #[arg(long, value_parser = word::<Typeface>)]
    pub(crate) typeface: Option<Typeface>,
    /// A PNG or JPEG file of 512 KiB at most; "" for none
    #[arg(long, value_name = "FILE")]
    pub(crate) logo: Option<OsString>,
}

/// One of some words.
fn word<W: std::str::FromStr>(text: &str) -> Result<W, String> {
    text.parse().map_err(|_| format!("`{text}` is none of them"))
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user of a tenant
    #[command(
        after_help = "Example:\n  bwp user create --tenant tnt_01JD0C9Z3T7QWERTYV5K8M2N4P --email ada@example.com --role manager --password-stdin < password"
    )]
    Create {
        /// The tenant's id, `tnt_…`
        #[arg(long)]
        tenant: TenantPublicId,
        /// E-mail address
        #[arg(long)]
        email: String,
        /// company_admin, manager, member, field_crew or viewer
        #[arg(long)]
        role: Role,
        /// Read the password from standard input: 12 characters or more
        #[arg(long, required_unless_present = "existing_account")]
        password_stdin: bool,
        /// Take the account that somebody has with this address, in another tenant; they keep their password
        #[arg(long, conflicts_with = "password_stdin")]
        existing_account: bool,
    },
    /// List the users of a tenant
    #[command(after_help = "Example:\n  bwp user list --tenant tnt_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    List {
        /// The tenant's id, `tnt_…`
        #[arg(long)]
        tenant: TenantPublicId,
    },
    /// Give somebody another password, for all tenants in which they are a user, and sign them out everywhere
    #[command(after_help = "Example:\n  bwp user set-password --email ada@example.com --password-stdin < password")]
    SetPassword {
        /// E-mail address
        #[arg(long)]
        email: String,
        /// Read the password from standard input: 12 characters or more
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RateCommand {
    /// Set what an hour of work costs from a day on. Work that was logged before keeps its cost
    Set {
        /// The tenant's id, `tnt_…`
        #[arg(long)]
        tenant: TenantPublicId,
        /// E-mail address of the user whose work it is [default: the work of all who have no rate of their own]
        #[arg(long, value_name = "EMAIL")]
        user: Option<String>,
        /// The id of the project, if the user's work on others costs something else
        #[arg(long, value_name = "ID", requires = "user", value_parser = clap::value_parser!(i64).range(1..))]
        project: Option<i64>,
        /// The first day: 2026-01-31
        #[arg(long, value_name = "DAY", value_parser = day)]
        from: Day,
        /// What an hour costs: 42.50
        #[arg(value_name = "AMOUNT", value_parser = amount)]
        hourly_rate: Money,
    },
    /// List a tenant's rates, by their first days
    List {
        /// The tenant's id, `tnt_…`
        #[arg(long)]
        tenant: TenantPublicId,
    },
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "expected a day such as 2026-01-31".to_owned())
}

fn amount(text: &str) -> Result<Money, String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number = text.parse::<Decimal>().ok().filter(|_| plain);
    number.and_then(Money::exactly).ok_or_else(|| "expected an amount such as 42.50".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make an API key. It is shown once
    #[command(
        after_help = "Example:\n  bwp key create --tenant tnt_01JD0C9Z3T7QWERTYV5K8M2N4P --name \"nightly sync\" --scope contacts:read --scope leads:read"
    )]
    Create {
        /// The tenant's id, `tnt_…`
        #[arg(long)]
        tenant: TenantPublicId,
        /// What the key is for
        #[arg(long)]
        name: String,
        /// What the key may do, such as contacts:read; may be given many times
        #[arg(long = "scope", value_name = "SCOPE", value_parser = scope(), hide_possible_values = true)]
        scopes: Vec<ScopeId>,
        /// Make a test key, `bwp_test_…`
        #[arg(long)]
        test: bool,
        /// Address or CIDR block from which the key may be used; may be given many times [default: all]
        #[arg(long = "allow-ip", value_name = "CIDR")]
        allow_ip: Vec<String>,
        /// When the key ends, from now on: 90d, 12h, …
        #[arg(long, value_name = "TIME")]
        expires_in: Option<humantime::Duration>,
        /// How many requests a minute may be sent with the key; 0 for no limit
        #[arg(long, value_name = "REQUESTS", default_value_t = RateLimit::OF_KEY)]
        rate_limit: RateLimit,
    },
    /// List a tenant's keys
    #[command(after_help = "Example:\n  bwp key list --tenant tnt_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    List {
        /// The tenant's id, `tnt_…`
        #[arg(long)]
        tenant: TenantPublicId,
    },
    /// Give a key a successor with the same rights, which is shown once
    #[command(after_help = "Example:\n  bwp key rotate key_01JD0C9Z3T7QWERTYV5K8M2N4P --overlap 1h")]
    Rotate {
        /// The key's id, `key_…`
        key: KeyPublicId,
        /// How long the old key goes on working, up to 7d; never longer than it would have. 0s: it ends at once
        #[arg(long, value_name = "TIME", default_value = "1day")]
        overlap: humantime::Duration,
    },
    /// Revoke a key for good, from the next request on
    #[command(after_help = "Example:\n  bwp key revoke key_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    Revoke {
        /// The key's id, `key_…`
        key: KeyPublicId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CursorSecretCommand {
    /// Make a new secret in the database. Cursors of the one before stay valid
    #[command(after_help = "Example:\n  bwp cursor-secret rotate")]
    Rotate,
}

#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {
    /// URL under which clients reach the server
    #[arg(long, env = "BWP_PUBLIC_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) public_url: String,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The family: contacts, leads, projects, bids …
    pub(crate) family: String,
    /// The tenant's id, `tnt_…`
    #[arg(long)]
    pub(crate) tenant: TenantPublicId,
    /// The file to write, or - for standard output. A file of that name is replaced when all rows are written
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Only rows that fit: a filter of the API's list, as NAME=VALUE. May be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) filter: Vec<String>,
    /// Only these columns, in this order
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write, or - for standard output. A file of that name is replaced when the backup is whole; a link, a
    /// FIFO or a device is refused
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The file to read, or - for standard input
    pub(crate) file: PathBuf,
    /// Throw away what the database holds now
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, ErrorKind> {
        Cli::parse_or_serve(line.split(' ').map(OsString::from).collect()).map_err(|error| error.kind())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        for line in ["bwp", "bwp --data-dir x", "bwp --listen 127.0.0.1:9", "bwp --json --workers 2"] {
            assert!(matches!(parse(line), Ok(Cli { command: Command::Serve(_), .. })), "{line}");
        }
    }

    #[test]
    fn maintenance_is_a_switch_or_a_time() {
        let parsed = |line: &str| match parse(line) {
            Ok(Cli { command: Command::Serve(args), .. }) => Ok(args.maintenance),
            Ok(_) => panic!("{line}: not serve"),
            Err(error) => Err(error),
        };
        assert_eq!(parsed("bwp serve"), Ok(Maintenance::Off));
        assert_eq!(parsed("bwp serve --maintenance"), Ok(Maintenance::On(Maintenance::WAIT)));
        assert_eq!(parsed("bwp --maintenance=5m"), Ok(Maintenance::On(Duration::from_mins(5))));
        assert_eq!(parsed("bwp --maintenance off"), Ok(Maintenance::Off));
        assert_eq!(parsed("bwp --maintenance soon"), Err(ErrorKind::ValueValidation));
    }

    #[test]
    fn an_address_is_resolved_or_told_with_an_example() {
        for (text, address) in
            [("127.0.0.1:8080", "127.0.0.1:8080"), ("[::1]:0", "[::1]:0"), ("localhost:8080", "127.0.0.1:8080")]
        {
            assert_eq!(listen_address(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in [":8080", "8080", "localhost", "127.0.0.1:99999", "http://127.0.0.1:8080", ""] {
            let told = listen_address(text).unwrap_err();
            assert!(told.contains("127.0.0.1:8080") && told.contains("0.0.0.0:8080"), "{text}: {told}");
        }
    }

    #[test]
    fn there_are_as_many_workers_as_there_can_be() {
        for (workers, expected) in
            [("1", true), ("512", true), ("513", false), ("0", false), ("-1", false), ("", false)]
        {
            let line = ["bwp", "--workers", workers].map(OsString::from).to_vec();
            assert_eq!(Cli::parse_or_serve(line).is_ok(), expected, "{workers}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_the_line_as_it_was_given() {
        assert_eq!(parse("bwp --listen nowhere").err(), Some(ErrorKind::ValueValidation));
        assert_eq!(parse("bwp tenant list --nmae x").err(), Some(ErrorKind::UnknownArgument));
        assert_eq!(parse("bwp tenent").err(), Some(ErrorKind::InvalidSubcommand));
        assert_eq!(parse("bwp --help").err(), Some(ErrorKind::DisplayHelp));
    }
}

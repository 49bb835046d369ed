//! Where the database is, and how its server is spoken to: with TLS or without. Every connection is opened here.

use std::time::Duration;

use bwp_tls::{Check, Identity, Parameters, TlsError, client_config, explain};
use diesel::ConnectionError;
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Config, Connection, Error, NoTls, Socket,
    config::{Host, SslMode, SslNegotiation},
    error::SqlState,
    tls::{MakeTlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;

mod libpq;
mod sslmode;

pub use libpq::{ForLibpq, for_libpq};
use sslmode::Tls;

/// What a URL says of the database.
pub(crate) struct Address {
    config: Config,
    encryption: Encryption,
}

enum Encryption {
    Never,
    /// With TLS if the server has it, without if not.
    IfOffered(MakeRustlsConnect),
    Always(MakeRustlsConnect),
}

/// A URL under which no database can be reached, and why. The URL is not shown: it may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("DATABASE_URL: {0}")]
pub struct InvalidDatabaseUrl(String);

impl From<TlsError> for InvalidDatabaseUrl {
    fn from(error: TlsError) -> Self {
        Self(error.to_string())
    }
}

/// A client, and what moves its bytes.
pub(crate) type Driven = (Client, Driver);

/// The task that moves a connection's bytes, on the thread that opened it. Dropped, the connection is closed at once, whatever
/// is still running on it: by itself the task would wait for the answers that are due.
pub(crate) struct Driver(JoinHandle<()>);

impl Driver {
    /// Whether the connection has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Address {
    /// Reads a URL, and the files that it names for TLS.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        let parameters = parameters(url);
        let mut config = parsed(&parameters.rest)?;
        let tls = match config.get_ssl_mode() {
            // In the other form, `host=… dbname=…`, the driver alone has seen it.
            SslMode::Disable => Tls::Disable,
            SslMode::Require => Tls::Always(Check::Nothing),
            _ => Tls::said(&parameters)?,
        };
        name_by_addresses(&mut config);
        // PostgreSQL speaks no TLS on a unix socket, and nobody listens there.
        let on_the_network = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
        let direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
        let encryption = match tls {
            Tls::Disable | Tls::Prefer if direct => {
                let text = "sslnegotiation=direct needs TLS: say sslmode=require or stricter as well";
                return Err(InvalidDatabaseUrl(text.to_owned()));
            }
            _ if !on_the_network => Encryption::Never,
            Tls::Disable => Encryption::Never,
            Tls::Prefer => Encryption::IfOffered(connector(&Check::Nothing, &parameters, false)?),
            Tls::Always(check) => Encryption::Always(connector(&check, &parameters, direct)?),
        };
        config.ssl_mode(match encryption {
            Encryption::Never => SslMode::Disable,
            Encryption::IfOffered(_) => SslMode::Prefer,
            Encryption::Always(_) => SslMode::Require,
        });
        Ok(Self { config, encryption })
    }

    /// Opens a connection that calls itself `name`, with these `options` for its session beside those of the URL. A pooler may
    /// refuse options, or take no notice: then the session is without. To reach the server may take `patience`; the rest is
    /// the caller's to bound. What is sent may stay unacknowledged for as long as `silence`.
    pub(crate) async fn connect(
        &self,
        name: &str,
        options: &str,
        patience: Duration,
        silence: Duration,
    ) -> Result<Driven, ConnectionError> {
        let mut config = self.config.clone();
        config.application_name(name).connect_timeout(patience).tcp_user_timeout(silence);
        let connected = match &self.encryption {
            Encryption::Never => opened(&config, options, &NoTls).await,
            Encryption::Always(tls) => opened(&config, options, tls).await,
            Encryption::IfOffered(tls) => match opened(&config, options, tls).await {
                // As libpq does. Whoever wants to be sure asks for TLS.
                Err(error) if is_about_tls(&error) => {
                    opened(config.ssl_mode(SslMode::Disable), options, &NoTls).await.map_err(|_| error)
                }
                connected => connected,
            },
        };
        connected.map_err(|error| ConnectionError::BadConnection(describe(&error)))
    }
}

fn parsed(url: &str) -> Result<Config, InvalidDatabaseUrl> {
    let is_url = is_url(url);
    let expected = "expected postgres://user:password@host/database";
    // The driver would repeat what it does not know.
    if !is_url && url.contains("://") {
        return Err(InvalidDatabaseUrl(expected.to_owned()));
    }
    url.parse().map_err(|error: Error| {
        let why = describe(&error);
        // It understands the other form, `host=… dbname=…`, but not all of our parameters in it.
        InvalidDatabaseUrl(if is_url { why } else { format!("{why}: {expected}") })
    })
}

/// Whether it is a URL. The other form is `host=… dbname=…`.
fn is_url(text: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
}

/// What it says of TLS, and the rest for the driver. In the other form the driver reads it all: a `?` is a part of some value.
fn parameters(text: &str) -> Parameters {
    if is_url(text) { Parameters::take(text, &sslmode::PARAMETERS) } else { Parameters::none(text) }
}

/// A server that is given by its address alone is called by it.
fn name_by_addresses(config: &mut Config) {
    if config.get_hosts().is_empty() {
        for address in config.get_hostaddrs().to_vec() {
            config.host(address.to_string());
        }
    }
}

fn connector(check: &Check, parameters: &Parameters, direct: bool) -> Result<MakeRustlsConnect, InvalidDatabaseUrl> {
    let identity = match (parameters.get("sslcert"), parameters.get("sslkey")) {
        (Some(certificate), Some(key)) => Some(Identity { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        _ => return Err(InvalidDatabaseUrl("sslcert and sslkey go together: name both files, or neither".to_owned())),
    };
    let mut config = client_config(check, identity.as_ref())?;
    if direct {
        // A server that is spoken TLS to from the first byte wants to hear that it is meant.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

/// Opens a connection with these options, or without them if that is what a pooler wants.
async fn opened<T>(config: &Config, options: &str, tls: &T) -> Result<Driven, Error>
where
    T: MakeTlsConnect<Socket> + Clone,
    T::Stream: Unpin + Send + 'static,
{
    let mut ours = config.clone();
    if !options.is_empty() {
        ours.options(format!("{} {options}", config.get_options().unwrap_or_default()));
    }
    match ours.connect(tls.clone()).await {
        Err(error) if is_about_options(&error) => config.connect(tls.clone()).await,
        connected => connected,
    }
    .map(driven)
}

fn driven<T>((client, connection): (Client, Connection<Socket, T>)) -> Driven
where
    T: TlsStream + Unpin + Send + 'static,
{
    let driver = tokio::spawn(async move {
        // Whoever waits for an answer is told; one that nobody waits for is no news.
        let _ = connection.await;
    });
    (client, Driver(driver))
}

/// Whether a pooler refused settings that it does not hand on: PgBouncer, or Amazon's RDS Proxy.
fn is_about_options(error: &Error) -> bool {
    const WORDS: [&str; 2] = ["startup parameter", "command-line options"];
    error.as_db_error().is_some_and(|error| WORDS.iter().any(|words| error.message().contains(words)))
}

/// Whether it was TLS that failed, or the server that refuses this user with TLS.
fn is_about_tls(error: &Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
        // Its kind is private.
        || error.to_string().starts_with("error performing TLS handshake")
}

/// An error with what caused it, and what to do about it.
pub(crate) fn describe(error: &Error) -> String {
    if let Some(explained) = explain(error) {
        return explained;
    }
    let text = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let advice = if text.ends_with("server does not support TLS") {
        "switch TLS on there (ssl = on; for PgBouncer client_tls_sslmode), or, where nobody listens on the network between, say \
         sslmode=disable"
    } else if error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) && text.ends_with("no encryption") {
        "the server may take this user with TLS alone: say sslmode=require"
    } else if text.ends_with("SSL required") {
        "PgBouncer takes clients with TLS alone: say sslmode=require"
    } else {
        return text;
    };
    format!("{text}: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_spoken_to_without_tls_and_a_host_as_the_url_says() {
        let encryption = |url: &str| match &Address::parse(url).expect("a URL").encryption {
            Encryption::Never => "never",
            Encryption::IfOffered(_) => "if offered",
            Encryption::Always(_) => "always",
        };
        for (url, expected) in [
            ("postgres://u@%2Frun%2Fpostgresql/d?sslmode=verify-full", "never"),
            ("postgres:///d?host=/run/postgresql", "never"),
            ("postgres://h/d?sslmode=disable", "never"),
            ("postgres://h/d", "if offered"),
            ("host=h dbname=d", "if offered"),
            ("host=h dbname=d sslmode=disable", "never"),
            ("host=h dbname=d sslmode=require", "always"),
            ("postgres:///d?hostaddr=192.0.2.1&sslmode=require", "always"),
        ] {
            assert_eq!(encryption(url), expected, "{url}");
        }
    }
}

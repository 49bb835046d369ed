//! Where Redis is, and whether it is spoken to with TLS.

use std::{io, sync::Arc};

use bwp_tls::{Check, Parameters, Roots, TlsError, client_config, explain};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, RedisError, aio::MultiplexedConnection};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::pki_types::{InvalidDnsNameError, ServerName},
};

/// What a URL says of Redis.
pub(crate) struct Address {
    client: Client,
    tls: Option<Tls>,
}

struct Tls {
    connector: TlsConnector,
    host: String,
    port: u16,
    name: ServerName<'static>,
}

/// A text that is no URL of Redis. The text is not shown: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRedisUrl {
    /// It is none.
    #[error("expected redis:// or rediss://user:password@host:port/database, or redis+unix:///path: {0}")]
    Url(#[from] RedisError),
    /// Its host has no name that a certificate can be for.
    #[error("{0}: a certificate cannot be for this host")]
    Name(#[from] InvalidDnsNameError),
    /// It asks for TLS that is none.
    #[error(
        "rediss://…#insecure would take any server for Redis: name the file with its certificate authority instead, \
         rediss://…?sslrootcert=/path/to/ca.pem"
    )]
    Insecure,
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("{}", explain(.0).unwrap_or_else(|| .0.to_string()))]
    Io(#[from] io::Error),
}

impl Address {
    /// Reads a URL, and the certificate authorities if it asks for TLS.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidRedisUrl> {
        // Redis' own client would read the system's authorities anew for each attempt to connect, and trust nobody if one
        // of them is odd. So TLS is ours, and it sees the URL of a Redis without.
        let secured = ["rediss://", "valkeys://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let Some(secured) = secured else { return Ok(Self { client: Client::open(url)?, tls: None }) };
        let (secured, fragment) = secured.split_once('#').unwrap_or((secured, ""));
        if !fragment.is_empty() {
            return Err(InvalidRedisUrl::Insecure);
        }
        let parameters = Parameters::take(secured, &["sslrootcert"]);
        let client = Client::open(format!("redis://{}", parameters.rest))?;
        let ConnectionAddr::Tcp(host, port) = client.get_connection_info().addr().clone() else {
            return Ok(Self { client, tls: None });
        };
        let roots = parameters.get("sslrootcert").map_or(Roots::System, Roots::named);
        let config = client_config(&Check::AuthorityAndName(roots), None)?;
        let name = ServerName::try_from(host.clone())?;
        Ok(Self { client, tls: Some(Tls { connector: Arc::new(config).into(), host, port, name }) })
    }

    /// A connection, driven by the runtime that this is called on.
    pub(crate) async fn connect(&self, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, Unreachable> {
        let Some(Tls { connector, host, port, name }) = &self.tls else {
            return Ok(self.client.get_multiplexed_async_connection_with_config(config).await?);
        };
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        // A request is one small packet, and waits for its answer.
        stream.set_nodelay(true)?;
        let stream = connector.connect(name.clone(), stream).await?;
        let settings = self.client.get_connection_info().redis_settings();
        // Once it has logged in.
        let (connection, driver) = MultiplexedConnection::new_with_config(settings, stream, config.clone()).await?;
        tokio::spawn(driver);
        Ok(connection)
    }
}

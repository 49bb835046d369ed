//! Connections: to the very address that was found good.

use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bwp_tls::{Check, Roots, client_config};
use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::guard::{Guard, Refused};

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It took too long.
    #[error("timeout")]
    Timeout,
    /// The host has no address.
    #[error("dns")]
    Dns,
    /// No connection was made.
    #[error("connect")]
    Connect,
    /// TLS was not agreed on, or the certificate is not good.
    #[error("tls")]
    Tls,
    /// The guard refuses an address of the host.
    #[error("address_not_allowed")]
    AddressNotAllowed,
    /// What came back is no HTTP, or the connection ended before.
    #[error("protocol")]
    Protocol,
}

impl Failure {
    /// What an error of the HTTP client comes from.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(failure) = error.downcast_ref::<Self>() {
                return *failure;
            }
            next = error.source();
        }
        Self::Protocol
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::Dns,
            Refused::NotAllowed | Refused::NotSecure => Self::AddressNotAllowed,
        }
    }
}

/// How long is waited for one address of several.
const EACH: Duration = Duration::from_secs(3);

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Connector {
    guard: Guard,
    tls: Tls,
}

/// Whom certificates must be signed by.
#[derive(Clone)]
pub enum Tls {
    /// Those whom the system trusts.
    System,
    /// As this says.
    Config(Arc<ClientConfig>),
}

impl Tls {
    /// Read when the first host is connected to: that takes some milliseconds, and many servers never do.
    fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        match self {
            Self::Config(config) => Ok(Arc::clone(config)),
            Self::System => {
                if let Some(config) = SYSTEM.get() {
                    return Ok(Arc::clone(config));
                }
                let config = client_config(&Check::AuthorityAndName(Roots::System), None).map_err(|error| {
                    tracing::error!(%error, "no https request leaves the server");
                    Failure::Tls
                })?;
                Ok(Arc::clone(SYSTEM.get_or_init(|| Arc::new(config))))
            }
        }
    }
}

impl Connector {
    pub(crate) const fn new(guard: Guard, tls: Tls) -> Self {
        Self { guard, tls }
    }

    async fn connect(self, uri: Uri) -> Result<Io, Failure> {
        let is_secure = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or(Failure::Dns)?;
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let addresses = self.guard.addresses(host, is_secure).await?;
        let connection = open(&addresses, port).await?;
        // What is sent is one small write.
        let _ = connection.set_nodelay(true);
        if !is_secure {
            return Ok(TokioIo::new(Box::new(connection)));
        }
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| Failure::Tls)?;
        let connection = TlsConnector::from(self.tls.config()?).connect(name, connection).await.map_err(|error| {
            tracing::debug!(%error, "no TLS");
            Failure::Tls
        })?;
        Ok(TokioIo::new(Box::new(connection)))
    }
}

/// A connection to the first address that takes one.
async fn open(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Failure> {
    let last = addresses.len().saturating_sub(1);
    for (at, address) in addresses.iter().enumerate() {
        let connecting = TcpStream::connect(SocketAddr::new(*address, port));
        let connected = if at == last {
            // The deadline of the whole bounds it.
            connecting.await
        } else {
            match timeout(EACH, connecting).await {
                Ok(connected) => connected,
                Err(_) => continue,
            }
        };
        if let Ok(connection) = connected {
            return Ok(connection);
        }
    }
    Err(Failure::Connect)
}

/// A connection with TLS or without.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Io = TokioIo<Box<dyn Stream>>;

impl Connection for Box<dyn Stream> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Service<Uri> for Connector {
    type Response = Io;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Io, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

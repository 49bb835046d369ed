//! The HTTP server: which limits its connections have, in one place.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener},
    num::NonZeroUsize,
    time::Duration,
};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse},
    rt::net::TcpStream,
};
use socket2::{Domain, Socket, Type};

/// The limits of the server's connections. actix counts time in steps of half a second: what is limited here may end so much early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Worker threads; one for each CPU if `None`.
    pub workers: Option<NonZeroUsize>,
    /// Open connections for each worker; no more are accepted until one closes.
    pub max_connections: usize,
    /// How long the head of a connection's first request may take; 408 after that. actix has no such limit for the requests that
    /// follow on the same connection, nor for any body: see [`crate::body::read_body`].
    pub request_head: Duration,
    /// How long a connection may be idle between two requests.
    pub keep_alive: Duration,
    /// How long a connection is kept for the client to take the last answer, while what still arrives is thrown away.
    pub disconnect: Duration,
    /// How long a client may leave an answer unread (Linux; elsewhere without limit). actix has no limit of its own for writing: an
    /// answer that the client does not take would stay in memory for ever, though its handler is long done.
    pub unread_answer: Duration,
    /// How long requests in flight may take to end when the server stops, rounded down to whole seconds.
    pub shutdown: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            workers: None,
            max_connections: 10_000,
            request_head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            disconnect: Duration::from_secs(5),
            unread_answer: Duration::from_mins(1),
            shutdown: Duration::from_secs(30),
        }
    }
}

/// How many connections wait to be accepted.
const BACKLOG: i32 = 1024;

/// Binds `address`: from now on connections wait to be accepted. The listener's local address tells the port when `address` leaves
/// that to the system with port 0.
///
/// # Errors
/// The address cannot be bound.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A server that starts again takes the port over from the connections of the one before that are still closing.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The way in to a server, kept by whoever closes it.
#[derive(Debug)]
pub struct Door(Socket);

impl Door {
    /// The door of `listener`, which may then be given away.
    ///
    /// # Errors
    /// There are no more file descriptors.
    pub fn of(listener: &TcpListener) -> io::Result<Self> {
        Ok(Self(listener.try_clone()?.into()))
    }

    /// From now on the kernel refuses connections, so that whoever comes knows that nothing of a request was read. Connections
    /// that were accepted go on.
    ///
    /// The server's own way to stop closes connections that were accepted a moment ago before it reads their requests. Closing
    /// the door first, and waiting a moment, gives them the time to be served. (Linux; elsewhere this does nothing.)
    pub fn close(self) {
        // Elsewhere a listener cannot be shut down; stopping the server closes it.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Serves `app` on what `listener` accepts, over HTTP/1.1. The server runs once the [`Server`] is awaited or spawned, and stops by its
/// `handle().stop(graceful)`: signals are left to the caller, who has more to stop than this.
///
/// # Errors
/// The listener cannot be used.
pub fn serve<F, T, B>(listener: TcpListener, limits: &ServerLimits, app: F) -> io::Result<Server>
where
    F: Fn() -> App<T> + Send + Clone + 'static,
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    let unread_answer = limits.unread_answer;
    let mut server = HttpServer::new(app)
        .on_connect(move |connection, _| {
            if let Some(stream) = connection.downcast_ref() {
                limit_unread(stream, unread_answer);
            }
        })
        .client_request_timeout(limits.request_head)
        .client_disconnect_timeout(limits.disconnect)
        .keep_alive(limits.keep_alive)
        .max_connections(limits.max_connections)
        .shutdown_timeout(limits.shutdown.as_secs())
        // A client that has sent its request may close its side and wait for the answer; and a write that has begun is finished.
        .h1_allow_half_closed(true)
        .tcp_nodelay(true)
        .disable_signals();
    if let Some(workers) = limits.workers {
        server = server.workers(workers.get());
    }
    Ok(server.listen(listener)?.run())
}

/// Makes the kernel end a connection whose peer has acknowledged nothing, or offered no room, for `limit` while something was to be
/// sent (`TCP_USER_TIMEOUT`, tcp(7); RFC 5482).
#[cfg(target_os = "linux")]
fn limit_unread(stream: &TcpStream, limit: Duration) {
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limit)) {
        tracing::warn!(%error, "a connection has no limit for unread answers");
    }
}

#[cfg(not(target_os = "linux"))]
fn limit_unread(_stream: &TcpStream, _limit: Duration) {}

//! A real server on a free port, and a client that says exactly the bytes it is told.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    num::NonZeroUsize,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
    rt::System,
};
use bwp_web::server::{ServerLimits, bind, serve};

/// A server in a thread of its own; it stops when dropped.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// How long what a server does at once may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// One worker, and no limit that a slow machine could reach, but those that come after an answer.
fn usual_limits() -> ServerLimits {
    ServerLimits {
        workers: NonZeroUsize::new(1),
        request_head: PATIENCE,
        keep_alive: PATIENCE,
        disconnect: Duration::from_secs(1),
        unread_answer: PATIENCE,
        shutdown: Duration::from_secs(1),
        ..ServerLimits::default()
    }
}

/// Limits short enough to wait for. actix counts time in steps of half a second, so none may be shorter than that.
pub(crate) fn short_limits() -> ServerLimits {
    ServerLimits {
        request_head: Duration::from_secs(1),
        keep_alive: Duration::from_secs(1),
        unread_answer: Duration::from_secs(1),
        ..usual_limits()
    }
}

impl TestServer {
    pub(crate) fn start<F, T, B>(app: F) -> Self
    where
        F: Fn() -> App<T> + Send + Clone + 'static,
        T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
            + 'static,
        B: MessageBody + 'static,
    {
        Self::start_with(usual_limits(), app)
    }

    pub(crate) fn start_with<F, T, B>(limits: ServerLimits, app: F) -> Self
    where
        F: Fn() -> App<T> + Send + Clone + 'static,
        T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
            + 'static,
        B: MessageBody + 'static,
    {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async move {
                let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
                let address = listener.local_addr().unwrap();
                let server = serve(listener, &limits, app).unwrap();
                sender.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = receiver.recv().unwrap();
        Self { address, handle, thread: Some(thread) }
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, received: Vec::new() }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        self.thread.take().unwrap().join().unwrap();
    }
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Client {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends; `false` if the connection is closed already.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Waits until something of an answer is there, and leaves it unread.
    pub(crate) fn wait(&mut self) {
        self.stream.peek(&mut [0]).unwrap();
    }

    /// The next answer, with its body.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.answer_head();
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.received.len() < length {
            assert!(self.receive(), "the connection ended inside a body");
        }
        answer.body = self.received.drain(..length).collect();
        answer
    }

    /// The head of the next answer, to a HEAD request say.
    pub(crate) fn answer_head(&mut self) -> Answer {
        loop {
            if let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head: Vec<u8> = self.received.drain(..end + 4).collect();
                let head = String::from_utf8(head).unwrap();
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return Answer { status, head, body: Vec::new() };
            }
            assert!(self.receive(), "the connection ended without an answer; received {:?}", self.received);
        }
    }

    /// Waits for the server to close: all bytes that came before, or `None` if it does not close.
    pub(crate) fn closed(&mut self) -> Option<Vec<u8>> {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.checked_duration_since(Instant::now())?.max(Duration::from_millis(1));
            self.stream.set_read_timeout(Some(left)).unwrap();
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Some(std::mem::take(&mut self.received)),
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return Some(std::mem::take(&mut self.received)),
            }
        }
    }

    fn receive(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let length = self.stream.read(&mut buffer).unwrap();
        self.received.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

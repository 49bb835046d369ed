//! Requests.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, response::Parts};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    connect::{Connector, Failure, Tls},
    guard::Guard,
};

/// Sends requests to hosts that others name. Cheap to clone; connections are kept for the next request to the same host.
#[derive(Clone)]
pub struct Client {
    inner: legacy::Client<Connector, Full<Bytes>>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Post<'a> {
    /// Where to.
    pub url: &'a Url,
    /// Headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: String,
    /// How long all of it may take: the look-up of the name, connecting, TLS, the request and its answer.
    pub deadline: Duration,
    /// How much of the answer's body is read, in bytes.
    pub most: usize,
}

/// The answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The beginning of the body, as far as it came in time.
    pub body: Vec<u8>,
}

/// How long an idle connection is kept: shorter than usual servers keep theirs, or a request would meet one that is being closed.
const IDLE: Duration = Duration::from_secs(4);

/// How many idle connections are kept to one host.
const MOST_IDLE: usize = 32;

/// How long the body of a success is waited for.
const DRAIN: Duration = Duration::from_millis(250);

/// How much more of a body is read than is kept, in bytes, to use the connection again.
const MOST_DRAINED: usize = 64 * 1_024;

impl Client {
    /// A client that goes nowhere but where `guard` lets it, and trusts whom `tls` does.
    pub fn new(guard: Guard, tls: Tls) -> Self {
        let inner = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .build(Connector::new(guard, tls));
        Self { inner }
    }

    /// Sends a request by POST. A redirection is an answer like any other.
    ///
    /// # Errors
    /// [`Failure`], when the head of no answer came.
    pub async fn post(&self, post: Post<'_>) -> Result<Received, Failure> {
        let Post { url, headers, body, deadline, most } = post;
        let end = Instant::now() + deadline;
        let (head, body) = self.ask(Method::POST, url, headers, body, end).await?;
        let mut kept = Vec::new();
        // The head decides; a body that does not come, or has no end, is as long as it is by then. That of a success says nothing: it
        // is read for the next request's sake.
        let end = if head.status.is_success() { end.min(Instant::now() + DRAIN) } else { end };
        let _ = timeout_at(end, read(body, &head.headers, most, &mut kept)).await;
        Ok(Received { status: head.status.as_u16(), headers: head.headers, body: kept })
    }

    /// Gets all of a resource, of at most so many bytes.
    ///
    /// # Errors
    /// [`Failure`], when it did not come as a whole and in time.
    pub async fn get(
        &self,
        url: &Url,
        headers: Vec<(HeaderName, HeaderValue)>,
        deadline: Duration,
        most: usize,
    ) -> Result<Received, Failure> {
        let end = Instant::now() + deadline;
        let (head, body) = self.ask(Method::GET, url, headers, String::new(), end).await?;
        let whole = timeout_at(end, Limited::new(body, most).collect()).await.map_err(|_| Failure::Timeout)?;
        let body = whole.map_err(|_| Failure::Protocol)?.to_bytes().to_vec();
        Ok(Received { status: head.status.as_u16(), headers: head.headers, body })
    }

    async fn ask(
        &self,
        method: Method,
        url: &Url,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: String,
        end: Instant,
    ) -> Result<(Parts, Incoming), Failure> {
        let uri: Uri = url.as_str().parse().map_err(|_| Failure::Protocol)?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.headers_mut().extend(headers.into_iter().map(|(name, value)| (Some(name), value)));
        let answered = timeout_at(end, self.inner.request(request)).await.map_err(|_| Failure::Timeout)?;
        Ok(answered.map_err(|error| Failure::of(&error))?.into_parts())
    }
}

/// Reads the beginning of a body into `kept`, and what can be thrown away quickly behind it.
async fn read(mut body: Incoming, headers: &HeaderMap, most: usize, kept: &mut Vec<u8>) {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // Of a body of unknown length nothing is read that is not kept: it may come slowly, and without an end.
    let most_read = announced.filter(|length| *length <= MOST_DRAINED).map_or(most, |length| length.max(most));
    let mut read = 0;
    while read <= most_read {
        let Some(Ok(frame)) = body.frame().await else { return };
        let Ok(data) = frame.into_data() else { continue };
        read += data.len();
        let room = most - kept.len();
        kept.extend_from_slice(data.get(..room).unwrap_or(&data));
    }
}

impl fmt::Debug for Received {
    /// Without what the receiver wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("status", &self.status).finish_non_exhaustive()
    }
}

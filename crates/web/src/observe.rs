//! The outermost middleware: names each request, follows it through the log, and says who sent it.

use std::{fmt, rc::Rc, sync::Arc, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    middleware::{Next, from_fn},
};
use tracing::{Instrument, Span, field};

use crate::{
    answer,
    client_address::{ClientAddress, TrustedProxies},
    limits::MAX_PATH_BYTES,
    request_id::RequestId,
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What [`observe`] needs to know.
#[derive(Clone)]
pub struct Observer {
    /// Makes a new request id, of visible ASCII characters. Randomness comes from the caller, so that a test can do without.
    pub new_request_id: Arc<dyn Fn() -> String + Send + Sync>,
    /// The proxies that are believed about the client's address.
    pub trusted_proxies: Arc<TrustedProxies>,
}

/// The middleware that goes around all others. For each request it
///
/// - makes a [`RequestId`] (never the client's) and puts it into `X-Request-Id` of the answer, whoever made the answer: a handler,
///   the default service, or an `Err` on its way to actix;
/// - finds the [`ClientAddress`];
/// - runs the rest inside a span `request` with `request_id`, `method`, `path` and `tenant` (empty until [`record_tenant`]). The
///   query string and the headers are left out: they may hold what must not be logged;
/// - writes one line at the end with `status` and `duration_ms` (until the head of the answer is ready): at level error for a 5xx,
///   else info. A request whose work was dropped, because its connection broke or its handler panicked, gets a line that says so.
///
/// Answers that actix gives before there is a request have neither: 400 for a malformed head, 408 for a slow one, 431 for a big one.
pub fn observe<S, B>(
    observer: Observer,
) -> impl Transform<S, ServiceRequest, Response = ServiceResponse<B>, Error = Error, InitError = ()> + 'static
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    let observer = Rc::new(observer);
    from_fn(move |request: ServiceRequest, next: Next<B>| {
        let observer = Rc::clone(&observer);
        async move { run(&observer, request, next).await }
    })
}

/// Writes the tenant into the span of `request`, once it is known.
pub fn record_tenant(request: &HttpRequest, tenant: impl fmt::Display) {
    if let Some(RequestSpan(span)) = request.extensions().get() {
        span.record("tenant", field::display(tenant));
    }
}

/// The request's span, kept because the current one may be a child of it.
struct RequestSpan(Span);

async fn run<B: MessageBody + 'static>(
    observer: &Observer,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = RequestId::new(&(observer.new_request_id)());
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        path = loggable(request.path()),
        tenant = field::Empty,
    );
    let address = request.peer_addr().and_then(|peer| observer.trusted_proxies.client(peer.ip(), request.headers()));
    {
        let mut extensions = request.extensions_mut();
        extensions.insert(id.clone());
        extensions.insert(ClientAddress(address));
        extensions.insert(RequestSpan(span.clone()));
    }

    let log = LogLine::start(span.clone());
    let result = id.clone().scope(next.call(request)).instrument(span).await;
    log.end(match &result {
        Ok(answer) => answer.status(),
        Err(error) => error.as_response_error().status_code(),
    });

    match HeaderValue::from_str(id.as_str()) {
        Ok(value) => answer::with_headers(result, move |headers| {
            headers.insert(X_REQUEST_ID, value.clone());
        }),
        // Not the client's doing, so it is answered; a test of the wiring finds it.
        Err(_) => result,
    }
}

/// The path as far as it is worth a log line: one beyond the limit is refused anyway.
fn loggable(path: &str) -> &str {
    &path[..path.floor_char_boundary(MAX_PATH_BYTES)]
}

/// The line at the end of a request. Dropped before its end, it says that.
struct LogLine {
    span: Span,
    started: Instant,
    ended: bool,
}

impl LogLine {
    fn start(span: Span) -> Self {
        Self { span, started: Instant::now(), ended: false }
    }

    fn end(mut self, status: StatusCode) {
        self.ended = true;
        let (status, duration_ms) = (status.as_u16(), self.milliseconds());
        if status >= 500 {
            tracing::error!(parent: &self.span, status, duration_ms, "answered");
        } else {
            tracing::info!(parent: &self.span, status, duration_ms, "answered");
        }
    }

    /// Since the start, to the microsecond.
    fn milliseconds(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let duration_ms = self.milliseconds();
        if std::thread::panicking() {
            tracing::error!(parent: &self.span, duration_ms, "panicked");
        } else {
            tracing::info!(parent: &self.span, duration_ms, "abandoned: the connection is gone");
        }
    }
}

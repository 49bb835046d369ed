//! The outermost middleware: names each request, follows it through the log, and says who sent it.

use std::{fmt, net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::{Next, from_fn},
};
use tracing::{Instrument, Span, field};

use crate::{
    answer,
    availability::Availability,
    client_address::{ClientAddress, TrustedProxies},
    current::{CurrentRequest, loggable},
    metrics::{CredentialRefused, Meter, RouteMeter},
    request_id::RequestId,
    seldom::Seldom,
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What [`observe`] needs to know.
#[derive(Clone)]
pub struct Observer {
    /// Makes a new request id, of visible ASCII characters. Randomness comes from the caller, so that a test can do without.
    pub new_request_id: Arc<dyn Fn() -> String + Send + Sync>,
    /// The proxies that are believed about the client's address.
    pub trusted_proxies: Arc<TrustedProxies>,
    /// Where requests are counted.
    pub meter: Arc<Meter>,
    /// Whether the server is about to stop: then each answer ends its connection.
    pub availability: Arc<Availability>,
    /// Who follows requests beyond this process, if anybody does.
    pub trace: Option<Arc<dyn Trace>>,
}

/// Follows requests beyond this process: a tracing system.
pub trait Trace: Send + Sync {
    /// A request has come, and nothing was done for it yet. Its span may still be given a parent: the one that the headers name, if they
    /// come `from` a proxy that is trusted.
    fn begin(&self, span: &Span, headers: &HeaderMap, from: Hop);

    /// It is answered. `route` is the one that [`record_route`] named.
    fn end(&self, span: &Span, route: Option<&RouteMeter>, status: StatusCode);
}

/// Who sent a request to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// A proxy that is believed.
    TrustedProxy,
    /// Anybody.
    Stranger,
}

/// Put into the extensions of an answer with a 5xx that is given on purpose, because too much is asked for at once: it has no line
/// of the log at level error. Whoever asks for too much must not fill the log.
#[derive(Clone, Copy, Debug)]
pub struct TurnedAway;

/// The middleware that goes around all others. For each request it
///
/// - makes a [`RequestId`] (never the client's) and puts it into `X-Request-Id` of the answer, whoever made the answer: a handler,
///   the default service, or an `Err` on its way to actix;
/// - finds the [`ClientAddress`];
/// - runs the rest as work on a [`CurrentRequest`], so that each line of the log can name its request; with a [`Trace`], inside a
///   span `request` as well;
/// - counts it in the [`Meter`], under the route that [`record_route`] names;
/// - writes one line at the end with `status` and `duration_ms` (until the head of the answer is ready): at level error for a 5xx,
///   else debug, as for a 503 of a server that is closed on purpose, so that a busy server does not pay for a line each. A request whose work was dropped, because its connection broke
///   or its handler panicked, gets a line that says so;
/// - ends the connection with the answer (`Connection: close`, RFC 9112 section 9.6) when the server is about to stop.
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

/// Says whose request this is, once it is known.
pub fn record_tenant(request: &HttpRequest, tenant: impl fmt::Display) {
    if let Some(current) = CurrentRequest::of(request) {
        current.set_tenant(tenant);
    }
}

/// Says under which route `request` is counted. Without this it is counted among all others.
pub fn record_route(request: &HttpRequest, route: &Arc<RouteMeter>) {
    if let Some(current) = CurrentRequest::of(request) {
        current.route.replace(Some(Arc::clone(route)));
    }
}

async fn run<B: MessageBody + 'static>(
    observer: &Observer,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = RequestId::new(&(observer.new_request_id)());
    let span =
        observer.trace.as_deref().map_or_else(Span::none, |trace| begin(trace, &id, &request, hop(observer, &request)));
    if let Some(peer) = request.peer_addr().map(|peer| peer.ip())
        && observer.trusted_proxies.ignores(peer, request.headers())
        && let Some(left_out) = UNTRUSTED.turn()
    {
        tracing::warn!(
            %peer,
            left_out,
            "X-Forwarded-For or Forwarded came from a peer that is no trusted proxy, and was not believed. If it is your proxy, name it \
             with --trusted-proxies: until then all of its clients have its address."
        );
    }
    let address = request.peer_addr().and_then(|peer| observer.trusted_proxies.client(peer.ip(), request.headers()));
    let current = CurrentRequest::new(id.clone(), request.method().clone(), request.uri().clone(), span.clone());
    let current = Rc::new(current);
    {
        let mut extensions = request.extensions_mut();
        extensions.insert(ClientAddress(address));
        extensions.insert(Rc::clone(&current));
    }

    let ending = Ending::of(Rc::clone(&current), address, observer);
    let work = async move {
        let result = next.call(request).await;
        // Inside, so that its line is named as well.
        ending.answered(&result);
        result
    };
    let result = current.scope(work).instrument(span).await;

    let result = if observer.availability.is_stopping() { answer::last_of_connection(result) } else { result };
    match HeaderValue::from_str(id.as_str()) {
        Ok(value) => answer::with_headers(result, move |headers| {
            headers.insert(X_REQUEST_ID, value.clone());
        }),
        // Not the client's doing, so it is answered; a test of the wiring finds it.
        Err(_) => result,
    }
}

fn hop(observer: &Observer, request: &ServiceRequest) -> Hop {
    let is_trusted = request.peer_addr().is_some_and(|peer| observer.trusted_proxies.contains(peer.ip()));
    if is_trusted { Hop::TrustedProxy } else { Hop::Stranger }
}

/// The span of `request`, with what is known at its start.
fn begin(trace: &dyn Trace, id: &RequestId, request: &ServiceRequest, from: Hop) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        request_id = %id,
        method = loggable(request.method().as_str()),
        path = loggable(request.path()),
        tenant = field::Empty,
    );
    trace.begin(&span, request.headers(), from);
    span
}

/// Lines about strangers' requests that failed.
static FAILED: Seldom = Seldom::each_second();
/// Lines about strangers' requests that were given up.
static ABANDONED: Seldom = Seldom::each_second();
/// Lines about proxies that are not trusted.
static UNTRUSTED: Seldom = Seldom::each_minute();

/// What is done at the end of a request. Dropped before that, it says so.
struct Ending {
    request: Rc<CurrentRequest>,
    meter: Arc<Meter>,
    availability: Arc<Availability>,
    trace: Option<Arc<dyn Trace>>,
    client: Option<IpAddr>,
    answered: bool,
}

impl Ending {
    fn of(request: Rc<CurrentRequest>, client: Option<IpAddr>, observer: &Observer) -> Self {
        observer.meter.begin();
        let (meter, availability) = (Arc::clone(&observer.meter), Arc::clone(&observer.availability));
        Self { request, meter, availability, trace: observer.trace.clone(), client, answered: false }
    }

    fn answered<B>(mut self, result: &Result<ServiceResponse<B>, Error>) {
        self.answered = true;
        let mut is_turned_away = false;
        let status = match result {
            Ok(answer) => {
                is_turned_away = answer.response().extensions().get::<TurnedAway>().is_some();
                if let Some(CredentialRefused(reason)) = answer.response().extensions().get()
                    && let Some(left_out) = self.meter.refuse(reason)
                {
                    tracing::info!(client = self.client.map(field::display), left_out, "credential refused: {reason}");
                }
                answer.status()
            }
            Err(error) => error.as_response_error().status_code(),
        };
        let took = self.request.started.elapsed();
        {
            let route = self.request.route.borrow();
            self.meter.answered(route.as_deref(), status, took);
            if let Some(trace) = &self.trace {
                trace.end(&self.request.span, route.as_deref(), status);
            }
        }
        // Closed on purpose, the server has nothing to report.
        let is_closed = self.availability.is_stopping() || self.availability.maintenance().is_some();
        let is_planned = is_closed && status == StatusCode::SERVICE_UNAVAILABLE;
        let status = status.as_u16();
        if status >= 500 && !is_planned && !is_turned_away {
            if let Some(left_out) = FAILED.turn_of_request() {
                tracing::error!(status, duration_ms = milliseconds(took), left_out, "answered");
            }
        } else {
            tracing::debug!(status, duration_ms = milliseconds(took), "answered");
        }
    }
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let panicked = std::thread::panicking();
        self.meter.unanswered(panicked);
        let duration_ms = milliseconds(self.request.started.elapsed());
        if panicked {
            tracing::error!(duration_ms, "panicked");
        } else if let Some(left_out) = ABANDONED.turn_of_request() {
            tracing::info!(duration_ms, left_out, "abandoned: the connection is gone");
        }
    }
}

//! The request that a task works on, for code that actix gives no request to: the log above all.

use std::{
    cell::{OnceCell, RefCell},
    fmt,
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use actix_web::{
    HttpMessage, HttpRequest,
    http::{Method, Uri},
};
use tracing::{Span, field};

use crate::{limits::MAX_PATH_BYTES, metrics::RouteMeter, request_id::RequestId};

tokio::task_local! {
    static CURRENT: Rc<CurrentRequest>;
}

/// What is known of a request while it is worked on. The query and the headers are no part of it: they may hold what must not be
/// logged.
///
/// It costs a request nothing but its memory. A span with the same fields, made in case somebody writes a line, costs some three
/// microseconds: that of [`crate::observe::Trace`] is only made where spans are wanted for their own sake.
pub struct CurrentRequest {
    id: RequestId,
    method: Method,
    uri: Uri,
    tenant: OnceCell<String>,
    pub(crate) route: RefCell<Option<Arc<RouteMeter>>>,
    /// None, unless somebody traces.
    pub(crate) span: Span,
    pub(crate) started: Instant,
}

impl CurrentRequest {
    /// It has come just now.
    pub(crate) fn new(id: RequestId, method: Method, uri: Uri, span: Span) -> Self {
        let (tenant, route) = (OnceCell::new(), RefCell::new(None));
        Self { id, method, uri, tenant, route, span, started: Instant::now() }
    }

    /// The request that the current task works on; `None` outside [`crate::observe::observe`], and in a task spawned from the
    /// request's.
    pub fn get() -> Option<Rc<Self>> {
        CURRENT.try_with(Rc::clone).ok()
    }

    pub(crate) fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get().cloned()
    }

    /// Runs `work` as work on this request, see [`CurrentRequest::get`].
    pub(crate) async fn scope<F: Future>(self: Rc<Self>, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Its name.
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// `GET`, `POST` and so on. Any word is a method: it is cut like the path.
    pub fn method(&self) -> &str {
        loggable(self.method.as_str())
    }

    /// The path as far as it is worth a log line: one beyond the limit is refused anyway.
    pub fn path(&self) -> &str {
        loggable(self.uri.path())
    }

    /// The tenant, once its credential was accepted ([`crate::observe::record_tenant`]).
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.get().map(String::as_str)
    }

    pub(crate) fn set_tenant(&self, tenant: impl fmt::Display) {
        self.span.record("tenant", field::display(self.tenant.get_or_init(|| tenant.to_string())));
    }
}

/// See [`CurrentRequest::path`].
pub(crate) fn loggable(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_PATH_BYTES)]
}

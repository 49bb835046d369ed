//! HEAD answers like GET, without the body (RFC 9110 section 9.3.2).

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::Method,
    middleware::{Next, from_fn},
};

/// Middleware that routes a HEAD request as a GET, before any routing, so that each GET route answers both and nobody forgets one.
///
/// Handlers see GET. The body that they return is not sent, because actix's HTTP/1 encoder leaves it out for what came in as HEAD;
/// `Content-Length` stays what the body's length is. (The encoder goes by the request that it decoded last, so a client that sends
/// HEAD and GET without waiting for the first answer cannot rely on it.)
pub fn answer_like_get<S, B>()
-> impl Transform<S, ServiceRequest, Response = ServiceResponse<B>, Error = Error, InitError = ()> + 'static
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    from_fn(|mut request: ServiceRequest, next: Next<B>| async move {
        if request.method() == Method::HEAD {
            request.head_mut().method = Method::GET;
            request.extensions_mut().insert(WasHead);
        }
        next.call(request).await
    })
}

/// Marks a request that came in as HEAD.
struct WasHead;

/// The method with which `request` came in, where its handler sees GET.
pub fn method(request: &HttpRequest) -> Method {
    if request.extensions().get::<WasHead>().is_some() { Method::HEAD } else { request.method().clone() }
}

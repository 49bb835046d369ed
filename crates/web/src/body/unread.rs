//! What becomes of a connection when an answer goes out before the request's body has been read.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform},
    error::PayloadError,
    middleware::{Next, from_fn},
    web::Bytes,
};
use futures_util::Stream;

/// Middleware that ends a connection after an answer to a request whose chunked body was not read to its end.
///
/// With a `Content-Length`, actix does so by itself: it answers with `Connection: close`, throws away what still comes for the
/// disconnect timeout, so that the client gets to read the answer, and closes. For a chunked body whose reader is gone it instead
/// reads on until the last chunk, with no limit of size or time and even after `Connection: close`, so that any 401 or 404 could be
/// made to hold a connection for ever. It tells the two cases apart by whether the payload still exists; so this middleware keeps
/// a chunked payload until the answer has been written.
pub fn close_when_unread<S, B>()
-> impl Transform<S, ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()> + 'static
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    from_fn(|mut request: ServiceRequest, next: Next<B>| async move {
        if !request.chunked().unwrap_or(false) {
            return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
        }
        let kept = SharedPayload(Rc::new(RefCell::new(request.take_payload())));
        request.set_payload(Payload::Stream { payload: Box::pin(kept.clone()) });
        match next.call(request).await {
            Ok(answer) => {
                Ok(answer.map_body(|_, body| BoxBody::new(KeepingBody { body: body.boxed(), _payload: kept })))
            }
            Err(mut error) => {
                error.add_response_mapper(move |answer| {
                    let kept = kept.clone();
                    answer.map_body(|_, body| BoxBody::new(KeepingBody { body, _payload: kept }))
                });
                Err(error)
            }
        }
    })
}

/// A payload with two owners: the handler that reads it and the answer that outlives the handler.
#[derive(Clone)]
struct SharedPayload(Rc<RefCell<Payload>>);

impl Stream for SharedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// An answer's body that keeps the request's payload.
struct KeepingBody {
    body: BoxBody,
    _payload: SharedPayload,
}

impl MessageBody for KeepingBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

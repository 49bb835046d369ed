//! Changing the headers of an answer, whichever way it left the inner service.

use actix_web::{
    Error,
    dev::ServiceResponse,
    http::{ConnectionType, header::HeaderMap},
};

/// Applies `change` to the headers of the answer in `result`.
///
/// A middleware inside this one may have failed with an `Error` that becomes a response only in actix's dispatcher, beyond all
/// middleware; such an answer is changed at that moment, by the error's response mapper. `change` may then run more than once.
pub(crate) fn with_headers<B>(
    result: Result<ServiceResponse<B>, Error>,
    change: impl Fn(&mut HeaderMap) + 'static,
) -> Result<ServiceResponse<B>, Error> {
    match result {
        Ok(mut answer) => {
            change(answer.headers_mut());
            Ok(answer)
        }
        Err(mut error) => {
            error.add_response_mapper(move |mut answer| {
                change(answer.headers_mut());
                answer
            });
            Err(error)
        }
    }
}

/// Makes the answer in `result` the last one of its connection.
pub(crate) fn last_of_connection<B>(result: Result<ServiceResponse<B>, Error>) -> Result<ServiceResponse<B>, Error> {
    match result {
        Ok(mut answer) => {
            answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            Ok(answer)
        }
        Err(mut error) => {
            error.add_response_mapper(|mut answer| {
                answer.head_mut().set_connection_type(ConnectionType::Close);
                answer
            });
            Err(error)
        }
    }
}

//! Changing the headers of an answer, whichever way it left the inner service.

use actix_web::{Error, dev::ServiceResponse, http::header::HeaderMap};

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

//! Reading a body whole, within limits.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    dev::Payload,
    http::header::CONTENT_LENGTH,
    web::{Bytes, BytesMut},
};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::deadline::Stopped;

/// How much memory a mere announcement of a body may take, in bytes. More is taken as the body arrives.
const FIRST_ALLOCATION: usize = 16 * 1024;

/// How much body is read, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// The longest body, in bytes.
    pub max_bytes: usize,
    /// How long the whole body may take, from the call on. A sender that is never idle, but slow, ends with it as well.
    pub deadline: Duration,
}

impl Default for BodyLimits {
    /// 1 MiB within 30 seconds.
    fn default() -> Self {
        Self { max_bytes: 1024 * 1024, deadline: Duration::from_secs(30) }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than the limit: 413 (RFC 9110 section 15.5.14).
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// It was not there at the deadline: 408 (RFC 9110 section 15.5.9).
    #[error("the body did not arrive within {} s", deadline.as_secs_f64())]
    TooSlow {
        /// The time that it had.
        deadline: Duration,
    },
    /// The connection ended before it, or its chunks are malformed: 400, though hardly anyone is left to read the answer.
    #[error("the body did not arrive whole")]
    Incomplete,
}

/// Reads the whole body. `content_length` is what [`content_length`] says of the same request.
///
/// A body that announces a length above the limit is refused without reading; one that announces none is counted as it arrives.
/// Memory grows with what has arrived, not with what was announced. Until the deadline only the connection waits: no worker thread
/// does, nor anything else that the caller does not hold.
///
/// After an error the connection must not be used for a next request, since the rest of this body stands before it.
/// [`super::close_when_unread`] sees to that; an answer needs no header for it.
pub async fn read_body(
    payload: &mut Payload,
    content_length: Option<u64>,
    limits: BodyLimits,
) -> Result<Bytes, BodyError> {
    let BodyLimits { max_bytes, deadline } = limits;
    let announced = match content_length.map(usize::try_from) {
        None => 0,
        Some(Ok(length)) if length <= max_bytes => length,
        Some(_) => return Err(BodyError::TooLarge { limit: max_bytes }),
    };
    let read = async {
        let mut body = BytesMut::with_capacity(announced.min(FIRST_ALLOCATION));
        while let Some(part) = payload.next().await {
            let part = part.map_err(|_| BodyError::Incomplete)?;
            if part.len() > max_bytes - body.len() {
                return Err(BodyError::TooLarge { limit: max_bytes });
            }
            body.extend_from_slice(&part);
        }
        Ok(body.freeze())
    };
    let _stopped = Stopped::now();
    timeout(deadline, read).await.unwrap_or(Err(BodyError::TooSlow { deadline }))
}

/// The length that `request` announces for its body, in bytes; `None` for a chunked body and for a request without one. Malformed
/// and repeated lengths do not get here: actix answers 400 to them.
pub fn content_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

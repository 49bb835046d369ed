//! Reading a body part by part: for those that are too long to be held whole.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{dev::Payload, web::Bytes};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

use super::BodyError;
use crate::deadline::Stopped;

/// How much of a long body is read, and how slowly it may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// The longest body, in bytes.
    pub max_bytes: usize,
    /// How long is waited for a body in all, on top of what its bytes need at the [least rate](Self::LEAST_RATE).
    pub deadline: Duration,
}

impl StreamLimits {
    /// The bytes of a second below which a sender is too slow, on the whole.
    pub const LEAST_RATE: u64 = 16 * 1024;
}

/// The parts of a body, as they arrive. It is bounded as [`read_body`](super::read_body) bounds one, and the time of
/// [`within`](crate::deadline::within) stands still until it is dropped.
///
/// Only the time in which the sender is waited for counts, and not that in which its bytes are put somewhere.
pub struct BodyStream {
    payload: Payload,
    limits: StreamLimits,
    read: usize,
    waited: Duration,
    /// Since when a part is waited for, and the alarm for that.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    _stopped: Stopped,
}

impl BodyStream {
    /// Takes the body. `content_length` is what [`content_length`](super::content_length) says of the same request.
    ///
    /// # Errors
    /// A body that announces a length above the limit is refused unread.
    pub fn new(payload: Payload, content_length: Option<u64>, limits: StreamLimits) -> Result<Self, BodyError> {
        if content_length.is_some_and(|length| length > limits.max_bytes as u64) {
            return Err(BodyError::TooLarge { limit: limits.max_bytes });
        }
        let stopped = Stopped::now();
        Ok(Self { payload, limits, read: 0, waited: Duration::ZERO, waiting: None, _stopped: stopped })
    }

    /// How much longer may be waited.
    fn patience(&self) -> Duration {
        let earned = Duration::from_millis(self.read as u64 * 1_000 / StreamLimits::LEAST_RATE);
        (self.limits.deadline + earned).saturating_sub(self.waited)
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        match Pin::new(&mut this.payload).poll_next(context) {
            Poll::Ready(part) => {
                if let Some((since, _)) = this.waiting.take() {
                    this.waited += since.elapsed();
                }
                Poll::Ready(part.map(|part| {
                    let part = part.map_err(|_| BodyError::Incomplete)?;
                    if part.len() > this.limits.max_bytes - this.read {
                        return Err(BodyError::TooLarge { limit: this.limits.max_bytes });
                    }
                    this.read += part.len();
                    Ok(part)
                }))
            }
            Poll::Pending => {
                let patience = this.patience();
                let (_, alarm) = this.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(patience))));
                alarm.as_mut().poll(context).map(|()| Some(Err(BodyError::TooSlow { deadline: this.limits.deadline })))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::error::PayloadError;
    use futures_util::{StreamExt, stream};

    use super::*;

    const LIMITS: StreamLimits = StreamLimits { max_bytes: 100_000, deadline: Duration::from_millis(200) };

    fn of(
        parts: impl Stream<Item = Result<Bytes, PayloadError>> + 'static,
        length: Option<u64>,
    ) -> Result<BodyStream, BodyError> {
        BodyStream::new(Payload::Stream { payload: Box::pin(parts) }, length, LIMITS)
    }

    async fn read(mut body: BodyStream) -> Result<usize, BodyError> {
        let mut all = 0;
        while let Some(part) = body.next().await {
            all += part?.len();
        }
        Ok(all)
    }

    fn parts(sizes: &'static [usize]) -> impl Stream<Item = Result<Bytes, PayloadError>> {
        stream::iter(sizes).map(|size| Ok(Bytes::from(vec![0; *size])))
    }

    #[actix_web::test]
    async fn a_body_has_a_most_whatever_it_announces() {
        let too_large = Err(BodyError::TooLarge { limit: LIMITS.max_bytes });
        assert_eq!(read(of(parts(&[1, 99_999]), None).unwrap()).await, Ok(100_000));
        assert_eq!(read(of(parts(&[99_999, 2]), None).unwrap()).await, too_large);
        assert_eq!(of(parts(&[]), Some(100_001)).map(|_| 0), too_large);
    }

    #[actix_web::test]
    async fn a_body_that_breaks_off_is_told_from_one_that_ends() {
        let broken = parts(&[10]).chain(stream::iter([Err(PayloadError::Incomplete(None))]));
        assert_eq!(read(of(broken, None).unwrap()).await, Err(BodyError::Incomplete));
    }

    #[actix_web::test]
    async fn a_sender_that_stops_is_not_waited_for() {
        let stops = parts(&[10]).chain(stream::pending());
        assert_eq!(read(of(stops, None).unwrap()).await, Err(BodyError::TooSlow { deadline: LIMITS.deadline }));
    }

    #[actix_web::test]
    async fn time_in_which_nothing_is_asked_for_does_not_count() {
        let mut body = of(parts(&[10, 10]), None).unwrap();
        assert!(body.next().await.unwrap().is_ok());
        tokio::time::sleep(LIMITS.deadline * 3).await;
        assert_eq!(read(body).await, Ok(10));
    }
}

//! Deliveries: an event on its way to an endpoint.

use std::{collections::BTreeMap, time::Duration};

use super::redacted;
use crate::{
    clock::Timestamp,
    entropy::Entropy,
    ids::{DeliveryId, EndpointId, EventId},
    words,
};

/// How often a delivery is tried.
pub const MOST_ATTEMPTS: u32 = 7;

/// How long is waited after each attempt but the last, before jitter.
const PAUSES: [Duration; MOST_ATTEMPTS as usize - 1] = [
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(6),
    Duration::from_hours(24),
];

/// By how many percent a pause is longer or shorter, at most: receivers that come back are not met by all deliveries at once.
const JITTER: u64 = 20;

/// How long an attempt may take: the look-up of the name, connecting, TLS, the request and its answer.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How much of the body of an answer is kept, in bytes.
pub const MOST_BODY: usize = 1_024;

/// The headers of an answer that are kept.
pub const KEPT_HEADERS: [&str; 3] = ["content-type", "x-request-id", "x-trace-id"];

/// The most characters of a header that is kept.
const MOST_HEADER: usize = 256;

/// For how long deliveries are kept after they ended.
pub const KEPT_FOR: Duration = Duration::from_hours(30 * 24);

words! {
    /// How far a delivery has come.
    pub enum DeliveryStatus {
        /// It was not tried since it was made or replayed.
        Pending = "pending",
        /// The receiver took it.
        Succeeded = "succeeded",
        /// The last attempt failed, and it is tried again.
        Failed = "failed",
        /// It failed, and is not tried again.
        Exhausted = "exhausted",
    }
}

words! {
    /// Why there was no answer to an attempt.
    pub enum NoAnswer {
        /// It took too long.
        Timeout = "timeout",
        /// The name of the host is not known.
        Dns = "dns",
        /// No connection was made.
        Connect = "connect",
        /// TLS was not agreed on, or the certificate is not good.
        Tls = "tls",
        /// The host has an address to which nothing may be sent.
        AddressNotAllowed = "address_not_allowed",
        /// What came back is no HTTP, or the connection ended before.
        Protocol = "protocol",
    }
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The head of an answer was received.
    Received {
        /// The HTTP status.
        status: u16,
        /// The headers that are kept.
        headers: BTreeMap<String, String>,
        /// The beginning of the body, as far as it came in time.
        body: Vec<u8>,
    },
    /// None was.
    None(NoAnswer),
}

/// An event on its way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event's.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: String,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// How often it was tried since it was made or replayed.
    pub attempts: u32,
    /// When it is tried next. `None` of one that has ended or waits for its endpoint to be active.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was tried last.
    pub last_attempted_at: Option<Timestamp>,
    /// The status of the last answer.
    pub response_status: Option<u16>,
    /// The beginning of its body, if it was no success.
    pub response_body: Option<String>,
    /// Some of its headers.
    pub response_headers: Option<BTreeMap<String, String>>,
    /// Why there was none.
    pub error_message: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// A delivery, with the body that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The delivery.
    pub delivery: Delivery,
    /// The body, byte for byte.
    pub body: String,
}

/// Which deliveries are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Those of this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Those that have come so far.
    pub status: Option<DeliveryStatus>,
    /// Those of events of this type.
    pub event_type: Option<String>,
    /// Those that were made then or later.
    pub created_from: Option<Timestamp>,
    /// Those that were made then or earlier.
    pub created_to: Option<Timestamp>,
}

/// What is done about a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It succeeded.
    Succeeded,
    /// It is tried again after this time.
    Again(Duration),
    /// It is not tried again.
    Exhausted,
}

impl Answer {
    /// What is done after this answer to the attempt of this number, counted from 1.
    pub fn verdict(&self, attempt: u32, entropy: &dyn Entropy) -> Verdict {
        let again = match self {
            Self::Received { status: 200..=299, .. } => return Verdict::Succeeded,
            // A redirection is not followed. The receiver may mend it.
            Self::Received { status: 408 | 429, .. } => true,
            Self::Received { status: 400..=499, .. } => false,
            Self::Received { .. } | Self::None(_) => true,
        };
        let pause = attempt.checked_sub(1).and_then(|before| PAUSES.get(before as usize)).filter(|_| again);
        pause.map_or(Verdict::Exhausted, |pause| Verdict::Again(jittered(*pause, entropy)))
    }

    /// What is said of an endpoint that is disabled after it.
    pub fn summary(&self) -> String {
        match self {
            Self::Received { status, .. } => format!("HTTP {status}"),
            Self::None(reason) => reason.to_string(),
        }
    }

    /// The beginning of the body, as it is kept: nothing of a success.
    pub fn kept_body(&self) -> Option<String> {
        match self {
            Self::Received { status: 200..=299, .. } | Self::None(_) => None,
            Self::Received { body, .. } => {
                let text = String::from_utf8_lossy(body.get(..MOST_BODY).unwrap_or(body));
                // PostgreSQL cannot store NUL.
                Some(redacted(&text.replace('\0', "\u{fffd}")))
            }
        }
    }

    /// The headers, as they are kept.
    pub fn kept_headers(&self) -> Option<BTreeMap<String, String>> {
        match self {
            Self::None(_) => None,
            Self::Received { headers, .. } => {
                let kept = KEPT_HEADERS.iter().filter_map(|name| headers.get_key_value(*name));
                let bounded = |text: &String| {
                    redacted(&text.chars().filter(|c| *c != '\0').take(MOST_HEADER).collect::<String>())
                };
                Some(kept.map(|(name, value)| (name.clone(), bounded(value))).collect())
            }
        }
    }
}

fn jittered(pause: Duration, entropy: &dyn Entropy) -> Duration {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    // From 0 to twice the jitter, in millionths of a percent or so.
    let share = u64::from(u32::from_be_bytes(bytes)) * 2 * JITTER / u64::from(u32::MAX);
    let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis / 100 * (100 - JITTER + share))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Entropy for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn received(status: u16, body: &str) -> Answer {
        Answer::Received { status, headers: BTreeMap::new(), body: body.into() }
    }

    #[test]
    fn a_success_ends_it() {
        for status in [200, 201, 204, 299] {
            assert_eq!(received(status, "").verdict(1, &Always(0)), Verdict::Succeeded, "{status}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_seven_times_with_growing_pauses() {
        let pauses = |answer: &Answer, entropy| {
            let verdicts = (1..=8).map(|attempt| answer.verdict(attempt, &Always(entropy)));
            verdicts
                .map(|verdict| match verdict {
                    Verdict::Again(pause) => Some(pause.as_secs()),
                    Verdict::Exhausted => None,
                    Verdict::Succeeded => panic!("no success"),
                })
                .collect::<Vec<_>>()
        };
        let shortest = [24, 96, 720, 2_880, 17_280, 69_120].map(Some);
        let longest = [36, 144, 1_080, 4_320, 25_920, 103_680].map(Some);
        let answers = [408, 429, 500, 503, 599, 301, 307, 304, 100].map(|status| received(status, ""));
        for answer in answers.into_iter().chain(NoAnswer::ALL.iter().copied().map(Answer::None)) {
            assert_eq!(pauses(&answer, 0), [&shortest[..], &[None, None]].concat(), "{answer:?}");
            assert_eq!(pauses(&answer, 255), [&longest[..], &[None, None]].concat(), "{answer:?}");
        }
    }

    #[test]
    fn other_refusals_end_it_at_once() {
        for status in [400, 401, 403, 404, 410, 413, 422, 499] {
            assert_eq!(received(status, "").verdict(1, &Always(0)), Verdict::Exhausted, "{status}");
        }
    }

    #[test]
    fn of_an_answer_little_is_kept() {
        assert_eq!(received(204, "secret").kept_body(), None);
        assert_eq!(received(500, "token=abc\0").kept_body().as_deref(), Some("token=[redacted]\u{fffd}"));
        assert_eq!(received(500, &"é".repeat(1_000)).kept_body().map(|body| body.chars().count()), Some(512));
        let headers = [("content-type", "text/html"), ("set-cookie", "a=b"), ("x-request-id", "r1")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let kept = Answer::Received { status: 200, headers, body: Vec::new() }.kept_headers().expect("headers");
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["content-type", "x-request-id"]);
    }
}

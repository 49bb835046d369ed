//! One attempt.

use std::sync::Arc;

use bwp_domain::{
    clock::Timestamp,
    execute::Environment,
    webhooks::{
        Answer, DeliveryStatus,
        delivery::Verdict,
        ports::{Courier, Due, EventMessage, Message, Outcome, QueueId},
    },
};

use super::queue::Route;

/// An attempt that is about to be made.
pub(super) struct Attempt {
    pub(super) queue: QueueId,
    pub(super) route: Arc<Route>,
    pub(super) due: Due,
}

/// An attempt that was made.
#[derive(Debug)]
pub(super) struct Ended {
    /// What is recorded.
    pub(super) outcome: Outcome,
    /// What is said of it if the endpoint is disabled.
    pub(super) summary: String,
}

impl Attempt {
    pub(super) async fn make(self, courier: &dyn Courier, environment: &Environment) -> Ended {
        let Self { queue, route, due } = self;
        let began_at = environment.clock.now();
        let answer = courier.send(message(&route, &due, began_at)).await;
        let ended_at = environment.clock.now();
        let (status, next_attempt_at) = match answer.verdict(due.attempt, &*environment.entropy) {
            Verdict::Succeeded => (DeliveryStatus::Succeeded, None),
            Verdict::Again(pause) => (DeliveryStatus::Failed, Some(ended_at.plus(pause))),
            Verdict::Exhausted => (DeliveryStatus::Exhausted, None),
        };
        let (response_status, error_message) = match &answer {
            Answer::Received { status, .. } => (Some(*status), None),
            Answer::None(reason) => (None, Some(reason.to_string())),
        };
        let outcome = Outcome {
            queue,
            delivery: due.delivery,
            replays: due.replays,
            attempt: due.attempt,
            began_at,
            ended_at,
            status,
            next_attempt_at,
            response_status,
            response_body: answer.kept_body(),
            response_headers: answer.kept_headers(),
            error_message,
        };
        Ended { outcome, summary: answer.summary() }
    }
}

/// The same bytes each time, signed anew.
fn message(route: &Route, due: &Due, now: Timestamp) -> Message {
    let (id, delivery) = (due.event_id.to_string(), due.delivery_id());
    let event = EventMessage { id, kind: &due.event_type, delivery, body: &due.body };
    Message::telling(route.url.clone(), &event, &route.secrets, now)
}

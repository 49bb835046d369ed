//! The queue of one endpoint, as far as it was read.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use bwp_domain::{
    ids::DeliveryId,
    vault::Vault,
    webhooks::{
        DeliveryStatus, SigningSecret, WebhookUrl,
        ports::{Due, Outcome, QueueId, Refilled, Target},
    },
};

/// What the last attempts to an endpoint tell of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing is known.
    New,
    /// The last one succeeded.
    Proven,
    /// The last one failed.
    Failing,
}

/// Where an endpoint is, and what signs.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) url: WebhookUrl,
    pub(super) secrets: Vec<SigningSecret>,
}

/// A run of a delivery.
type Run = (DeliveryId, u32);

pub(super) struct Queue {
    /// Which state of it was read last.
    pub(super) state: i64,
    /// The last first attempt that was read.
    pub(super) after: i64,
    pub(super) trust: Trust,
    route: Option<Arc<Route>>,
    /// Nothing can be signed, and so nothing is sent before the endpoint is changed.
    is_blocked: bool,
    first: VecDeque<Due>,
    again: VecDeque<Due>,
    /// Whether there may be more that is due.
    more: bool,
    /// Those that were read, until they are recorded.
    runs: HashSet<Run>,
    /// How many requests are under way.
    sending: usize,
    /// How many may be: more with each success, one after a failure.
    window: usize,
}

/// No state of a queue.
const UNREAD: i64 = 0;

/// How many requests to an endpoint of which nothing is known may be under way.
const FIRST_WINDOW: usize = 2;

/// How many of a queue may wait to be recorded, for each that may be under way.
const UNRECORDED: usize = 8;

impl Queue {
    pub(super) fn new(trust: Trust) -> Self {
        Self {
            state: UNREAD,
            after: 0,
            trust,
            route: None,
            is_blocked: false,
            first: VecDeque::new(),
            again: VecDeque::new(),
            more: false,
            runs: HashSet::new(),
            sending: 0,
            window: if trust == Trust::Failing { 1 } else { FIRST_WINDOW },
        }
    }

    /// Whether nothing is under way, nor to be recorded.
    pub(super) fn is_done(&self) -> bool {
        self.runs.len() == self.first.len() + self.again.len()
    }

    /// Whether nothing is due, as far as is known.
    pub(super) fn is_empty(&self) -> bool {
        self.state != UNREAD && !self.is_blocked && !self.more && self.first.is_empty() && self.again.is_empty()
    }

    /// Whether more is to be read now.
    pub(super) fn wants_more(&self, few: usize) -> bool {
        self.more && self.first.len() + self.again.len() <= few
    }

    /// Takes what was read.
    pub(super) fn refill(&mut self, id: QueueId, refilled: Refilled, vault: &Vault) {
        self.state = refilled.state;
        self.is_blocked = false;
        let route = refilled.target.as_ref().and_then(|target| {
            let route = route(id, target, vault);
            self.is_blocked = route.is_none();
            route
        });
        if refilled.target.is_some_and(|target| target.consecutive_failures > 0) && self.trust == Trust::New {
            self.fail();
        }
        self.route = route.map(Arc::new);
        if self.route.is_none() {
            self.drop_what_waits();
            return;
        }
        self.more = refilled.more;
        for due in refilled.due {
            if due.is_first {
                self.after = self.after.max(due.delivery.get());
            }
            if !self.runs.insert((due.delivery, due.replays)) {
                continue;
            }
            if due.replays > 0 {
                self.forget_older(&due);
            }
            if due.is_first { &mut self.first } else { &mut self.again }.push_back(due);
        }
    }

    /// Nothing is sent for now. What waits is read again when something is.
    fn drop_what_waits(&mut self) {
        for due in self.first.drain(..).chain(self.again.drain(..)) {
            self.runs.remove(&(due.delivery, due.replays));
        }
        self.after = 0;
        self.more = false;
    }

    /// A delivery was replayed: what was to be sent of its run before is not.
    fn forget_older(&mut self, replayed: &Due) {
        let runs = &mut self.runs;
        let mut is_kept = |due: &Due| {
            let is_older = due.delivery == replayed.delivery && due.replays < replayed.replays;
            if is_older {
                runs.remove(&(due.delivery, due.replays));
            }
            !is_older
        };
        self.first.retain(&mut is_kept);
        self.again.retain(&mut is_kept);
    }

    /// The next attempt, if one may be begun now.
    pub(super) fn next(&mut self, most: usize) -> Option<(Arc<Route>, Due)> {
        let route = self.route.as_ref()?;
        let unrecorded = self.runs.len() - self.first.len() - self.again.len();
        if self.sending >= self.window.min(most) || unrecorded >= most * UNRECORDED {
            return None;
        }
        // A retry that is due is no more urgent than what is new, and no less: by turns.
        let due = if self.sending.is_multiple_of(2) {
            self.first.pop_front().or_else(|| self.again.pop_front())
        } else {
            self.again.pop_front().or_else(|| self.first.pop_front())
        }?;
        self.sending += 1;
        Some((Arc::clone(route), due))
    }

    /// An attempt has ended.
    pub(super) fn end(&mut self, outcome: &Outcome, most: usize) {
        self.sending = self.sending.saturating_sub(1);
        if outcome.status == DeliveryStatus::Succeeded {
            self.trust = Trust::Proven;
            self.window = (self.window + 1).min(most);
        } else {
            self.fail();
        }
    }

    fn fail(&mut self) {
        self.trust = Trust::Failing;
        self.window = 1;
    }

    /// The outcome of a run is recorded.
    pub(super) fn settle(&mut self, delivery: DeliveryId, replays: u32) {
        self.runs.remove(&(delivery, replays));
    }
}

/// Where the endpoint is, and what signs: without the secret of now nothing does.
fn route(id: QueueId, target: &Target, vault: &Vault) -> Option<Route> {
    let (current, previous) = target.secrets.split_first()?;
    let Ok(current) = current.open(id.tenant, vault) else {
        tracing::error!(
            tenant = id.tenant.get(),
            endpoint = id.endpoint.get(),
            "the signing secret was sealed with a key that this server does not have: nothing is delivered to the endpoint"
        );
        return None;
    };
    let previous = previous.iter().filter_map(|kept| kept.open(id.tenant, vault).ok());
    let url = WebhookUrl::parse(target.url.clone()).ok()?;
    Some(Route { url, secrets: std::iter::once(current).chain(previous).collect() })
}

//! Delivering webhooks.
//!
//! A worker leases queues of endpoints in which something is due. It alone sends to these: first attempts begin in the order of
//! commit, some at a time. Outcomes are recorded many at once. A queue in which nothing is due any more is given back.

mod attempt;
mod queue;
mod recorder;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bwp_domain::{
    execute::Environment,
    ids::TenantId,
    store::StoreError,
    vault::Vault,
    webhooks::ports::{Courier, DeliveryQueues, LEASE, QueueId, Refill, WorkerId},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use self::{
    attempt::{Attempt, Ended},
    queue::{Queue, Trust},
    recorder::{Recorded, record},
};
use crate::{Hint, Pulse, Task};

/// Sends deliveries to their endpoints.
pub struct Deliver {
    /// Where they wait.
    pub queues: Arc<dyn DeliveryQueues>,
    /// What sends them.
    pub courier: Arc<dyn Courier>,
    /// What opens the secrets that sign.
    pub vault: Arc<Vault>,
    /// Time and randomness.
    pub environment: Environment,
    /// How many requests are under way.
    pub limits: DeliveryLimits,
    /// Who tells that deliveries were made.
    pub hint: Hint,
}

/// How many requests to receivers are under way at once.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryLimits {
    /// Of this process.
    pub in_all: usize,
    /// To the endpoints of one tenant.
    pub of_tenant: usize,
    /// To one endpoint.
    pub of_endpoint: usize,
}

impl Default for DeliveryLimits {
    fn default() -> Self {
        Self { in_all: 512, of_tenant: 128, of_endpoint: 32 }
    }
}

impl DeliveryLimits {
    /// How many may be under way when one is begun to an endpoint of this kind: those that fail leave room for those that do not.
    const fn room(&self, trust: Trust) -> usize {
        match trust {
            Trust::Proven => self.in_all,
            Trust::New => self.in_all / 4 * 3,
            Trust::Failing => self.in_all / 2,
        }
    }
}

/// Between two looks at the queues: while there is work, and when there is none.
const SOON: Duration = Duration::from_millis(50);
const LATER: Duration = Duration::from_millis(200);

/// How often the worker says that it is there.
const BEAT: Duration = Duration::from_secs(LEASE.as_secs() / 5);

/// The most queues that are leased at once, and in all.
const MOST_LEASED: usize = 128;
const MOST_QUEUES: usize = 4_096;

/// How many deliveries of a queue are read at once, and how few are left when more are read.
const READ: usize = 128;
const FEW: usize = 32;

/// How many endpoints are remembered that have no work.
const MOST_REMEMBERED: usize = 16_384;

/// How long is waited after a failure of the database.
const PATIENCE: Duration = Duration::from_secs(1);

#[async_trait]
impl Task for Deliver {
    fn name(&self) -> &'static str {
        "delivering webhooks"
    }

    fn hint(&self) -> Hint {
        self.hint.clone()
    }

    async fn run(&self, pulse: &Pulse) {
        let mut id = [0; 16];
        self.environment.entropy.fill(&mut id);
        let worker = WorkerId(u128::from_be_bytes(id));
        let (outcomes, recorded) = record(Arc::clone(&self.queues), self.environment.clone());
        let beating = tokio::spawn(beat(Arc::clone(&self.queues), worker));
        let (ended, endings) = mpsc::unbounded_channel();
        let round = Round {
            deliver: self,
            worker,
            queues: HashMap::new(),
            turns: VecDeque::new(),
            known: HashMap::new(),
            of_tenants: HashMap::new(),
            sending: 0,
            ended,
            outcomes,
        };
        round.run(pulse, endings, recorded).await;
        beating.abort();
        if let Err(error) = self.queues.leave(worker).await {
            tracing::warn!(%error, "queues of webhook deliveries were not given back; others take them in some seconds");
        }
    }
}

async fn beat(queues: Arc<dyn DeliveryQueues>, worker: WorkerId) {
    loop {
        if let Err(error) = queues.beat(worker).await {
            tracing::warn!(%error, "the leases of webhook deliveries may be lost");
        }
        sleep(BEAT).await;
    }
}

/// A worker at work.
struct Round<'a> {
    deliver: &'a Deliver,
    worker: WorkerId,
    queues: HashMap<QueueId, Queue>,
    /// In which order queues send next.
    turns: VecDeque<QueueId>,
    /// What is known of endpoints that have no queue here now.
    known: HashMap<QueueId, Trust>,
    of_tenants: HashMap<TenantId, usize>,
    /// How many requests are under way.
    sending: usize,
    ended: mpsc::UnboundedSender<Ended>,
    outcomes: mpsc::UnboundedSender<Ended>,
}

impl Round<'_> {
    async fn run(
        mut self,
        pulse: &Pulse,
        mut endings: mpsc::UnboundedReceiver<Ended>,
        mut recorded: mpsc::UnboundedReceiver<Recorded>,
    ) {
        let mut look = Instant::now();
        loop {
            let stopping = pulse.is_stopping();
            if stopping && self.queues.values().all(Queue::is_done) {
                return;
            }
            if !stopping {
                let looked = if Instant::now() >= look {
                    look = Instant::now() + if self.queues.is_empty() { LATER } else { SOON };
                    self.look().await
                } else {
                    self.read(false).await
                };
                if let Err(error) = looked {
                    tracing::warn!(%error, "webhook deliveries are looked at again later");
                    look = Instant::now() + PATIENCE;
                }
                self.send();
            }
            let wait = look.saturating_duration_since(Instant::now());
            tokio::select! {
                Some(ended) = endings.recv() => self.end(ended),
                Some(done) = recorded.recv() => self.settle(&done),
                more = pulse.next(wait), if !stopping => if more { look = Instant::now() },
            }
            while let Ok(ended) = endings.try_recv() {
                self.end(ended);
            }
            while let Ok(done) = recorded.try_recv() {
                self.settle(&done);
            }
        }
    }

    /// Leases queues, reads what has changed, and gives back what is empty.
    async fn look(&mut self) -> Result<(), StoreError> {
        let room = MOST_QUEUES.saturating_sub(self.queues.len()).min(MOST_LEASED);
        if room > 0 {
            for id in self.deliver.queues.lease(self.worker, room).await? {
                let trust = self.known.remove(&id).unwrap_or(Trust::New);
                // One that was lost, and leased again.
                self.queues.remove(&id);
                self.queues.insert(id, Queue::new(trust));
                self.turns.retain(|turn| *turn != id);
                self.turns.push_back(id);
            }
        }
        self.read(true).await?;
        self.release().await
    }

    /// Reads what is due: of all queues that have changed, or of those alone that may have more and have little left.
    async fn read(&mut self, all: bool) -> Result<(), StoreError> {
        let asked: Vec<Refill> = self
            .queues
            .iter()
            .filter_map(|(id, queue)| {
                let more = queue.wants_more(FEW);
                (all || more).then_some(Refill { queue: *id, seen: queue.state, after: queue.after, more })
            })
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        for refilled in self.deliver.queues.refill(self.worker, &asked, READ).await? {
            let id = refilled.queue;
            if !refilled.is_leased {
                self.forget(id);
            } else if let Some(queue) = self.queues.get_mut(&id) {
                queue.refill(id, refilled, &self.deliver.vault);
            }
        }
        Ok(())
    }

    /// Gives back queues in which nothing is due.
    async fn release(&mut self) -> Result<(), StoreError> {
        let done = self.queues.iter().filter(|(_, queue)| queue.is_done() && queue.is_empty());
        let done: Vec<_> = done.map(|(id, queue)| (*id, queue.state)).collect();
        if done.is_empty() {
            return Ok(());
        }
        for id in self.deliver.queues.release(self.worker, &done).await? {
            self.forget(id);
        }
        Ok(())
    }

    fn forget(&mut self, id: QueueId) {
        let Some(queue) = self.queues.remove(&id) else { return };
        self.turns.retain(|turn| *turn != id);
        if self.known.len() >= MOST_REMEMBERED {
            self.known.clear();
        }
        self.known.insert(id, queue.trust);
    }

    /// Begins attempts, a queue after another, as far as there is room.
    fn send(&mut self) {
        let mut idle = 0;
        while idle < self.turns.len() {
            let Some(id) = self.turns.pop_front() else { return };
            self.turns.push_back(id);
            idle = if self.send_one(id) { 0 } else { idle + 1 };
        }
    }

    fn send_one(&mut self, id: QueueId) -> bool {
        let limits = &self.deliver.limits;
        let Some(queue) = self.queues.get_mut(&id) else { return false };
        let of_tenant = self.of_tenants.entry(id.tenant).or_default();
        if self.sending >= limits.room(queue.trust) || *of_tenant >= limits.of_tenant {
            return false;
        }
        let Some((route, due)) = queue.next(limits.of_endpoint) else { return false };
        *of_tenant += 1;
        self.sending += 1;
        let attempt = Attempt { queue: id, route, due };
        let (courier, environment) = (Arc::clone(&self.deliver.courier), self.deliver.environment.clone());
        let ended = self.ended.clone();
        tokio::spawn(async move {
            // Nobody listens when the worker has stopped: it is sent again by another.
            let _ = ended.send(attempt.make(&*courier, &environment).await);
        });
        true
    }

    /// An attempt has ended: it is recorded.
    fn end(&mut self, ended: Ended) {
        self.sending -= 1;
        if let Some(of_tenant) = self.of_tenants.get_mut(&ended.outcome.queue.tenant) {
            *of_tenant -= 1;
            if *of_tenant == 0 {
                self.of_tenants.remove(&ended.outcome.queue.tenant);
            }
        }
        if let Some(queue) = self.queues.get_mut(&ended.outcome.queue) {
            queue.end(&ended.outcome, self.deliver.limits.of_endpoint);
        }
        // The recorder goes on for as long as this worker.
        let _ = self.outcomes.send(ended);
    }

    /// The outcome of an attempt is recorded.
    fn settle(&mut self, Recorded(queue, delivery, replays): &Recorded) {
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.settle(*delivery, *replays);
        }
    }
}

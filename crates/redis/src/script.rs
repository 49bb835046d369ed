//! The script that decides, and what it is told and answers.

use std::time::Duration;

use bwp_domain::{
    ids::TenantId,
    rate_limits::{Admission, Budget, Budgets, Counter, RateLimit, Standing},
};
use redis::{RedisResult, Script, ScriptInvocation, aio::MultiplexedConnection};

/// Whether a request is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is: so many units.
    Charge(u32),
    /// Nothing is changed.
    Look,
}

/// The script. Redis keeps it by its hash; who does not have it is sent it.
pub(crate) struct ChargeScript(Script);

/// For each layer: 1 if there is room, what was spent, how many milliseconds until more remains.
type Answer = [u64; 6];

impl ChargeScript {
    pub(crate) fn new() -> Self {
        Self(Script::new(include_str!("charge.lua")))
    }

    /// Decides a request: one round trip.
    pub(crate) async fn run(
        &self,
        connection: &mut MultiplexedConnection,
        tenant: TenantId,
        budgets: &Budgets,
        mode: Mode,
    ) -> RedisResult<Admission> {
        // What is in braces decides where a cluster keeps a key: both of a tenant are in one place.
        let of_tenant = format!("bwp:rate:{{{tenant}}}");
        let of_key = match &budgets.key {
            Some((id, _)) => format!("{of_tenant}:key:{id}"),
            None => format!("{of_tenant}:key"),
        };
        let answer = self.prepare(&of_tenant, &of_key, budgets, mode).invoke_async(connection).await?;
        Ok(admission(budgets, answer))
    }

    /// Does what a request would, on lists of its own: a Redis that answers and may not be written to is as good as none.
    pub(crate) async fn probe(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let budget = Budget { limit: RateLimit::MAX, window: Duration::from_secs(1) };
        let budgets = Budgets { tenant: budget, key: None };
        let invocation = self.prepare("bwp:rate:{probe}", "bwp:rate:{probe}:key", &budgets, Mode::Charge(1));
        invocation.invoke_async::<Answer>(connection).await.map(|_| ())
    }

    fn prepare(&self, of_tenant: &str, of_key: &str, budgets: &Budgets, mode: Mode) -> ScriptInvocation<'_> {
        let mut invocation = self.0.prepare_invoke();
        invocation.key(of_tenant).key(of_key);
        let no_key = Budget::of_key(RateLimit::NONE);
        for budget in [&budgets.tenant, budgets.key.as_ref().map_or(&no_key, |(_, budget)| budget)] {
            invocation.arg(budget.limit.get()).arg(budget.window_millis()).arg(budget.slot_millis());
        }
        match mode {
            Mode::Charge(cost) => invocation.arg(cost).arg(1).arg(1),
            Mode::Look => invocation.arg(0).arg(0).arg(0),
        };
        invocation
    }
}

fn admission(budgets: &Budgets, answer: Answer) -> Admission {
    let [tenant_room, tenant_used, tenant_wait, key_room, key_used, key_wait] = answer;
    let counter = |budget, used, wait| Counter::new(budget, used, i64::try_from(wait).unwrap_or(i64::MAX));
    let standing = Standing {
        tenant: counter(&budgets.tenant, tenant_used, tenant_wait),
        key: budgets.key.as_ref().map(|(_, budget)| counter(budget, key_used, key_wait)),
    };
    Admission::of(tenant_room == 1, key_room == 1, standing)
}

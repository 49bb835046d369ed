//! What was spent and what remains.

use super::{Budget, Budgets};

/// Which of the two budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// The tenant's: units, shared by all of its callers.
    Tenant,
    /// The key's: requests.
    Key,
}

/// How one budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// How much may be spent in a window. 0: there is no limit, and nothing is counted.
    pub limit: u32,
    /// How much of it was spent. More than the limit after a costly request that overdrew it.
    pub used: u64,
    /// How much is left.
    pub remaining: u32,
    /// In how many whole seconds, rounded up, more will be left. 0 if nothing was spent.
    pub reset_seconds: u32,
    /// The length of the window, in seconds.
    pub window_seconds: u32,
}

impl Counter {
    /// How a budget stands of which `used` was spent, and of which more will be left in `wait_millis`.
    pub fn new(budget: &Budget, used: u64, wait_millis: i64) -> Self {
        let limit = budget.limit.get();
        let wait_seconds = wait_millis.clamp(0, budget.window_millis()).cast_unsigned().div_ceil(1000);
        Self {
            limit,
            used,
            remaining: u32::try_from(u64::from(limit).saturating_sub(used)).unwrap_or(limit),
            reset_seconds: u32::try_from(wait_seconds).unwrap_or(u32::MAX),
            window_seconds: u32::try_from(budget.window.as_secs()).unwrap_or(u32::MAX),
        }
    }

    /// How a budget stands of which nothing was spent.
    pub fn untouched(budget: &Budget) -> Self {
        Self::new(budget, 0, 0)
    }

    /// Whether there is a limit.
    pub const fn is_limited(&self) -> bool {
        self.limit > 0
    }
}

/// How the budgets of a caller stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The tenant's.
    pub tenant: Counter,
    /// The key's. `None` for callers without a key.
    pub key: Option<Counter>,
}

impl Standing {
    /// How budgets stand of which nothing was spent.
    pub fn untouched(budgets: &Budgets) -> Self {
        Self {
            tenant: Counter::untouched(&budgets.tenant),
            key: budgets.key.as_ref().map(|(_, budget)| Counter::untouched(budget)),
        }
    }

    /// The counter of `layer`.
    pub const fn of(&self, layer: Layer) -> Option<&Counter> {
        match layer {
            Layer::Tenant => Some(&self.tenant),
            Layer::Key => self.key.as_ref(),
        }
    }
}

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may, and was charged.
    Admitted(Standing),
    /// It may not, and costs nothing.
    Refused {
        /// The budget that is spent. If both are, the one that has room later.
        layer: Layer,
        /// How the budgets stand.
        standing: Standing,
    },
}

impl Admission {
    /// What follows from which budgets have room.
    pub fn of(tenant_has_room: bool, key_has_room: bool, standing: Standing) -> Self {
        let layer = match (tenant_has_room, key_has_room) {
            (true, true) => return Self::Admitted(standing),
            (false, true) => Layer::Tenant,
            (true, false) => Layer::Key,
            (false, false) => {
                let of_key = standing.key.map_or(0, |key| key.reset_seconds);
                if of_key > standing.tenant.reset_seconds { Layer::Key } else { Layer::Tenant }
            }
        };
        Self::Refused { layer, standing }
    }

    /// How the budgets stand after it.
    pub const fn standing(&self) -> &Standing {
        match self {
            Self::Admitted(standing) | Self::Refused { standing, .. } => standing,
        }
    }
}

//! When keys were last used: seldom written, however often they are used.

use std::{collections::HashMap, time::Duration};

use bwp_domain::{
    audit::AuditEntry,
    clock::Timestamp,
    ids::{KeyId, TenantId},
};
use tokio::time::Instant;

/// For how long a key that was written is not written again.
const REST: Duration = Duration::from_secs(10);

/// The keys that were used lately.
#[derive(Default)]
pub(super) struct Usage(HashMap<(TenantId, KeyId), Use>);

struct Use {
    last: Timestamp,
    /// What was written, and when.
    written: Option<(Timestamp, Instant)>,
}

/// A key, and when it was last used.
pub(super) type LastUse = (TenantId, KeyId, Timestamp);

impl Usage {
    /// Nothing is to be written, now or later.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes note of a request.
    pub(super) fn note(&mut self, entry: &AuditEntry) {
        if let Some(key) = entry.api_key {
            let at = entry.created_at;
            let used = self.0.entry((entry.tenant, key)).or_insert(Use { last: at, written: None });
            used.last = used.last.max(at);
        }
    }

    /// What is to be written now, in the keys' order: servers that write the same keys at once lock them in the same
    /// order. `all`: what could wait too. Forgets keys that were not used for a while.
    pub(super) fn due(&mut self, now: Instant, all: bool) -> Vec<LastUse> {
        let rested = |at: Instant| now.duration_since(at) >= REST;
        self.0.retain(|_, used| used.written.is_none_or(|(last, at)| used.last > last || !rested(at)));
        let is_due = |used: &Use| used.written.is_none_or(|(last, at)| used.last > last && (all || rested(at)));
        let mut due: Vec<LastUse> = self
            .0
            .iter()
            .filter(|(_, used)| is_due(used))
            .map(|((tenant, key), used)| (*tenant, *key, used.last))
            .collect();
        due.sort_unstable();
        due
    }

    /// Takes note of what was written.
    pub(super) fn written(&mut self, written: &[LastUse], now: Instant) {
        for (tenant, key, last) in written {
            if let Some(used) = self.0.get_mut(&(*tenant, *key)) {
                used.written = Some((*last, now));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bwp_domain::testing::{audit_entry, tenant_id};

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    fn used(tenant: i64, key: i64, millis: i64) -> AuditEntry {
        AuditEntry { api_key: KeyId::new(key), ..audit_entry(tenant_id(tenant), at(millis)) }
    }

    fn last(tenant: i64, key: i64, millis: i64) -> LastUse {
        (tenant_id(tenant), KeyId::new(key).expect("positive"), at(millis))
    }

    #[test]
    fn a_busy_key_is_written_at_once_and_then_every_ten_seconds() {
        let (mut usage, start) = (Usage::default(), Instant::now());
        let second = |n| start + Duration::from_secs(n);
        for millis in [3, 1, 2] {
            usage.note(&used(1, 7, millis));
        }
        assert_eq!(usage.due(start, false), [last(1, 7, 3)]);
        usage.written(&[last(1, 7, 3)], start);
        usage.note(&used(1, 7, 4));
        assert_eq!(usage.due(second(9), false), []);
        assert_eq!(usage.due(second(9), true), [last(1, 7, 4)]);
        assert_eq!(usage.due(second(10), false), [last(1, 7, 4)]);
        usage.written(&[last(1, 7, 4)], second(10));
        assert_eq!(usage.due(second(19), true), []);
        assert!(!usage.is_empty());
        assert_eq!(usage.due(second(20), false), []);
        assert!(usage.is_empty(), "a key that rests is forgotten");
    }

    #[test]
    fn keys_are_written_in_their_order() {
        let mut usage = Usage::default();
        for (tenant, key) in [(2, 1), (1, 9), (1, 3)] {
            usage.note(&used(tenant, key, 0));
        }
        usage.note(&AuditEntry { api_key: None, ..used(3, 1, 0) });
        assert_eq!(usage.due(Instant::now(), false), [last(1, 3, 0), last(1, 9, 0), last(2, 1, 0)]);
    }
}

//! Sets of scopes.

use std::fmt;

use super::ScopeId;

/// A set of scopes, as small as a number.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(u128);

impl ScopeSet {
    /// No scope.
    pub const EMPTY: Self = Self(0);

    /// The set of these scopes.
    pub const fn of(scopes: &[ScopeId]) -> Self {
        let mut bits = 0;
        let mut n = 0;
        while n < scopes.len() {
            bits |= 1 << scopes[n] as u32;
            n += 1;
        }
        Self(bits)
    }

    /// Whether `scope` is in the set.
    pub const fn contains(self, scope: ScopeId) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// Whether every scope of `other` is in the set.
    pub const fn includes(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether there is no scope in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in both sets.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in this one or in `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The scopes, in the catalogue's order.
    pub fn iter(self) -> impl Iterator<Item = ScopeId> {
        ScopeId::ALL.iter().copied().filter(move |scope| self.contains(*scope))
    }
}

const _: () = assert!(ScopeId::ALL.len() <= 128, "a ScopeSet has 128 places");

impl FromIterator<ScopeId> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = ScopeId>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u32))
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(ScopeId::as_str)).finish()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
        }
        Ok(())
    }
}

impl serde::Serialize for ScopeSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;

    fn scopes() -> impl Strategy<Value = Vec<ScopeId>> {
        subsequence(ScopeId::ALL, 0..=ScopeId::ALL.len())
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(left in scopes(), right in scopes()) {
            let (a, b): (ScopeSet, ScopeSet) = (left.iter().copied().collect(), right.iter().copied().collect());
            prop_assert_eq!(a.iter().collect::<Vec<_>>(), left.clone());
            prop_assert_eq!(a, ScopeSet::of(&left));
            prop_assert_eq!(a.includes(b), right.iter().all(|s| left.contains(s)));
            prop_assert_eq!(a.without(b).is_empty(), b.includes(a));
            prop_assert_eq!(a.common(b), a.without(a.without(b)));
        }
    }
}

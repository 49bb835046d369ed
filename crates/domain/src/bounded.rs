//! A memory of bounded size: of many strangers no more is remembered than fits.

use std::{collections::HashMap, hash::Hash};

/// Remembers values by key, the latest at least. It keeps two generations: when the younger is full, the older is forgotten
/// as a whole, and what is asked for meanwhile moves on to the younger. Each call costs the same, however many keys strangers
/// make up.
#[derive(Debug)]
pub struct Bounded<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Bounded<K, V> {
    /// One that remembers the latest `half` values or more, and never more than twice as many.
    pub fn new(half: usize) -> Self {
        Self { half, young: HashMap::new(), old: HashMap::new() }
    }

    /// The value under this key, if it is remembered.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if self.young.contains_key(key) {
            return self.young.get_mut(key);
        }
        let (key, value) = self.old.remove_entry(key)?;
        Some(self.insert(key, value))
    }

    /// Remembers `value` under this key, in place of another one.
    pub fn insert(&mut self, key: K, value: V) -> &mut V {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        } else {
            self.old.remove(&key);
        }
        self.young.entry(key).insert_entry(value).into_mut()
    }

    /// Forgets the value under this key.
    pub fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_no_more_than_fit() {
        let mut bounded = Bounded::new(10);
        for n in 0..1_000 {
            bounded.insert(n, n);
            assert!(bounded.len() <= 20);
            for latest in (0..=n).rev().take(10) {
                assert_eq!(bounded.get_mut(&latest).copied(), Some(latest), "of {n}");
            }
        }
        assert_eq!(bounded.get_mut(&0), None);
        bounded.remove(&999);
        assert_eq!(bounded.get_mut(&999), None);
    }

    #[test]
    fn there_is_one_value_of_a_key() {
        let mut bounded = Bounded::new(2);
        for n in 0..3 {
            bounded.insert(n, 0);
        }
        bounded.insert(0, 1);
        assert_eq!((bounded.get_mut(&0).copied(), bounded.len()), (Some(1), 3));
        bounded.remove(&0);
        assert_eq!((bounded.get_mut(&0).copied(), bounded.len()), (None, 2));
    }
}

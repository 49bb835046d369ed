//! Moments that cannot be foreseen, and that come again with their seed.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use super::setting;

/// `SplitMix64`.
pub(crate) struct Random(u64);

impl Random {
    /// From `BWP_TEST_SEED`, or any seed, which is printed.
    pub(crate) fn from_seed() -> Self {
        let seed = setting("BWP_TEST_SEED", RandomState::new().build_hasher().finish());
        println!("BWP_TEST_SEED={seed}");
        Self(seed)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % limit as u64).expect("below a usize")
    }

    /// Sleeps for less than `milliseconds`.
    pub(crate) async fn sleep(&mut self, milliseconds: u16) {
        // In steps finer than a millisecond: a write takes just a few.
        let microseconds = self.below(usize::from(milliseconds) * 1000) as u64;
        tokio::time::sleep(Duration::from_micros(microseconds)).await;
    }
}

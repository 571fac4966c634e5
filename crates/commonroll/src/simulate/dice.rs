//! What the simulator asks of chance: the same seed gives the same day.

use crate::chance::Chance;

/// Dice that follow from their seed.
pub struct Dice(Chance);

impl Dice {
    /// The dice of a seed for one purpose, so that a change of one part of the day leaves the others as they were.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut chance = Chance::new(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        chance.below(1);
        Self(chance)
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    /// A number of seconds or minutes from `low` up to `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(usize::try_from(high - low + 1).unwrap_or(1))).unwrap_or(0)
    }

    /// All of a list in another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

/// What an agent asks of chance, always the same: how long it waits between two tries.
pub struct Loaded;

impl commonroll_agent::Randomness for Loaded {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x55);
    }
}

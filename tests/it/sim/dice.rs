//! The one source of chance in a simulated run: everything that happens follows from its seed.

use commonroll_store::faults::{Call, Trouble};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// What may happen to a hub's store, with dice of its own: how its threads interleave must not change the run's.
pub struct Faults {
    dice: Dice,
    /// So many of a hundred commits meet with a fault, and half as many of the reads.
    percent: AtomicUsize,
}

impl Faults {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { dice: Dice::new(!seed), percent: AtomicUsize::new(0) })
    }

    /// Lets so many of a hundred commits meet with a fault; gives how many did before.
    pub fn set(&self, percent: usize) -> usize {
        self.percent.swap(percent, Ordering::Relaxed)
    }

    pub fn fate(&self, call: Call) -> Trouble {
        let percent = self.percent.load(Ordering::Relaxed);
        match call {
            Call::Commit if self.dice.percent(percent) => *self.dice.pick(&[
                Trouble::Slow(5),
                Trouble::Away,
                Trouble::Full,
                Trouble::Lost,
                Trouble::Unknown(false),
                Trouble::Unknown(true),
            ]),
            Call::Read if self.dice.percent(percent / 2) => {
                *self.dice.pick(&[Trouble::Slow(5), Trouble::Slow(20), Trouble::Short, Trouble::Away])
            }
            _ => Trouble::None,
        }
    }
}

/// Dice with a memory, shared by everything in a run.
#[derive(Clone)]
pub struct Dice(Arc<Mutex<u64>>);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)))
    }

    /// SplitMix64: every seed gives a run of its own, and neighbours have nothing in common.
    pub fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn percent(&self, n: usize) -> bool {
        self.below(100) < n
    }

    pub fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

impl commonroll_agent::Randomness for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.next() as u8);
    }
}

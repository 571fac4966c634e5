//! Time and chance, as arguments: the binary brings the real ones, a test or a simulation its own.

use commonroll_core::Timestamp;
use std::time::Duration;

/// Tells what time it is.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}

/// Gives bytes that nobody can foresee.
pub trait Randomness: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

/// A random fraction in `[0, 1)`.
pub(crate) fn fraction(rng: &dyn Randomness) -> f64 {
    let mut bytes = [0; 4];
    rng.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

/// How long to wait before try number `tries` (from 0): doubling from `first` up to `most`, then somewhere between half
/// of that and all of it, so that many agents that lost the same hub don't come back at the same moment.
pub fn backoff(tries: u32, first: Duration, most: Duration, rng: &dyn Randomness) -> Duration {
    let doubled = first.saturating_mul(1 << tries.min(16)).min(most);
    doubled.mul_f64(0.5 + fraction(rng) / 2.0)
}

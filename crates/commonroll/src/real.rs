//! The real clock and real chance. Everything else takes them as arguments.

use commonroll_core::Timestamp;

/// The machine's clock and the cryptographic provider's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real;

/// Now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::from_jiff(jiff::Timestamp::now())
}

impl Real {
    /// 32 bytes that nobody can know.
    pub fn random_seed(self) -> [u8; 32] {
        let mut seed = [0; 32];
        commonroll_hub::Randomness::fill(&self, &mut seed);
        seed
    }
}

impl commonroll_exchange::Clock for Real {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl commonroll_agent::Clock for Real {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl commonroll_hub::Randomness for Real {
    fn fill(&self, bytes: &mut [u8]) {
        commonroll_hub::ProviderRandomness.fill(bytes);
    }
}

impl commonroll_agent::Randomness for Real {
    fn fill(&self, bytes: &mut [u8]) {
        commonroll_hub::Randomness::fill(&commonroll_hub::ProviderRandomness, bytes);
    }
}

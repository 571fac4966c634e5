//! Time and chance, as arguments.
//!
//! The hub asks no system clock and draws no random number by itself: `main` passes both in, and a test says what
//! they are. Private keys are the exception: the cryptographic provider draws them, and never repeats one for a test.

use commonroll_core::Timestamp;
use commonroll_exchange::Exchange;
use rustls::{pki_types::UnixTime, time_provider::TimeProvider};
use std::{fmt, sync::Arc, time::Duration};

pub use commonroll_exchange::Clock;

/// Gives unpredictable bytes: codes, ids and serial numbers are made of them.
pub trait Randomness: Send + Sync {
    /// Fills the whole slice.
    fn fill(&self, bytes: &mut [u8]);
}

/// The randomness of the cryptographic provider: what `main` passes in.
#[derive(Debug, Default, Clone, Copy)]
pub struct ProviderRandomness;

impl Randomness for ProviderRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Random bytes, as many as the caller's array has.
pub(crate) fn draw<const N: usize>(random: &dyn Randomness) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// Clock and randomness together, as the doors carry them.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Randomness>,
}

impl Surroundings {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same by the time that is known to have been where the clock can't be believed: certificates are made and judged by
    /// it, or nobody could be told what is wrong. Such a connection gets that answer and no other.
    pub fn known(&self, exchange: &Exchange) -> Self {
        let clock = Known { clock: self.clock.clone(), exchange: exchange.clone() };
        Self { clock: Arc::new(clock), random: self.random.clone() }
    }
}

/// A clock that never shows more than can be believed.
struct Known {
    clock: Arc<dyn Clock>,
    exchange: Exchange,
}

impl Clock for Known {
    fn now(&self) -> Timestamp {
        self.exchange.time_known(self.clock.now())
    }

    fn is_believed(&self) -> bool {
        self.exchange.clock_holds(self.clock.now()).is_ok()
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Surroundings")
    }
}

/// Lets TLS judge certificates by the hub's clock.
#[derive(Debug)]
pub(crate) struct TlsTime(pub Surroundings);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.now().micros()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_micros(micros)))
    }
}

//! Strangers at the door: one log line for many alike, and never an entry in the log.
//!
//! A stranger must not be able to fill a disk. The first refusal from an address is logged at once; what follows
//! within a minute is counted and told in one line. Only so many addresses are remembered.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(60);
const ADDRESSES_MAX: usize = 1_024;

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The TLS handshake failed: no certificate, or not one of ours.
    Handshake,
    /// The handshake took too long.
    Slow,
    /// The certificate is ours, but names no agent that may speak.
    Unknown,
}

impl Why {
    pub fn word(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Slow => "slow",
            Self::Unknown => "unknown",
        }
    }
}

struct Seen {
    since: Instant,
    untold: u64,
}

/// Counts refusals of strangers by address.
#[derive(Default)]
pub(crate) struct Strangers {
    seen: Mutex<HashMap<IpAddr, Seen>>,
}

impl Strangers {
    /// Notes one refusal. `fingerprint` is empty where no certificate was shown. True if it was logged at once.
    pub fn note(&self, peer: IpAddr, fingerprint: &str, why: Why) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get_mut(&peer) {
            known.untold += 1;
            return false;
        }
        if seen.len() >= ADDRESSES_MAX {
            return false; // counted in the metrics all the same
        }
        seen.insert(peer, Seen { since: Instant::now(), untold: 0 });
        drop(seen);
        tracing::warn!(security = true, %peer, fingerprint, why = why.word(), "stranger refused");
        true
    }

    /// Tells what has gathered since, and forgets addresses that have gone quiet. The hub's timer calls this.
    pub fn tell(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|peer, known| {
            if known.since.elapsed() < WINDOW {
                return true;
            }
            if known.untold > 0 {
                tracing::warn!(security = true, %peer, count = known.untold, "stranger refused again");
                *known = Seen { since: Instant::now(), untold: 0 };
                return true;
            }
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn many_refusals_of_one_address_are_one_event_and_memory_is_bounded() {
        let strangers = Strangers::default();
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert!(strangers.note(peer, "", Why::Handshake), "the first is told at once");
        assert!((0..500).all(|_| !strangers.note(peer, "", Why::Handshake)), "the rest is counted");
        for last in 0..u32::try_from(3 * ADDRESSES_MAX).unwrap() {
            strangers.note(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + last)), "", Why::Slow);
        }
        assert_eq!(strangers.seen.lock().unwrap().len(), ADDRESSES_MAX);
    }
}

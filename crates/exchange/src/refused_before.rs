//! Records that were refused before: an agent tries again what waits for others, and a try that changes nothing is no new fault.
//!
//! The log counts every refusal, and says how many of them are such tries. That is this node's memory, never the source's word: a
//! start, another node, and what no longer has room count a try as new.

use commonroll_core::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How long a refusal is remembered after its last try: agents try every hour, and are off over night.
const REMEMBERED_US: i64 = 3 * 86_400_000_000;
/// Refusals that are remembered of one source.
const OF_A_SOURCE: usize = 20_000;

/// A record's content by its root, and the rule that refused it.
pub type Refused = ([u8; 14], &'static str);

/// What was refused lately, by source, and when last.
#[derive(Default)]
pub struct RefusedBefore(Mutex<HashMap<u16, HashMap<Refused, Timestamp>>>);

impl RefusedBefore {
    /// True if the same rule refused the very same record lately.
    pub fn has(&self, source: u16, refused: Refused, now: Timestamp) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&source).and_then(|of| of.get(&refused)).is_some_and(|at| is_lately(*at, now))
    }

    /// Remembers refusals whose entry is durable.
    pub fn remember(&self, source: u16, refused: &[Refused], now: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = held.entry(source).or_default();
        if of.len() >= OF_A_SOURCE {
            of.retain(|_, at| is_lately(*at, now));
        }
        for refused in refused {
            if of.len() < OF_A_SOURCE || of.contains_key(refused) {
                of.insert(*refused, now);
            }
        }
    }
}

fn is_lately(at: Timestamp, now: Timestamp) -> bool {
    now.micros() - at.micros() < REMEMBERED_US
}

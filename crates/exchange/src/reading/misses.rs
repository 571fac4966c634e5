//! Who keeps asking for what is not theirs: after so many refusals they wait. Bounded: one count for each person.

use commonroll_core::{PersonId, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Refusals within the span after which a person must wait.
pub(crate) const MISSES_MAX: u32 = 60;
/// The span: ten minutes.
const SPAN_US: i64 = 600_000_000;

/// When each person's span began, and the refusals in it.
#[derive(Default)]
pub(crate) struct Misses(Mutex<HashMap<PersonId, (i64, u32)>>);

impl Misses {
    /// Counts a refusal. True at the one with which they have to wait.
    pub fn missed(&self, person: PersonId, now: Timestamp) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = held.entry(person).or_default();
        if !(0..SPAN_US).contains(&(now.micros() - *since)) {
            (*since, *count) = (now.micros(), 0);
        }
        *count += 1;
        *count == MISSES_MAX
    }

    /// True if a person has to wait.
    pub fn too_many(&self, person: PersonId, now: Timestamp) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&person).is_some_and(|(since, count)| {
            *count >= MISSES_MAX && (0..SPAN_US).contains(&(now.micros() - *since))
        })
    }
}

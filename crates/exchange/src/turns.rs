//! Turns: work that takes long is done for each once at a time, and for all together so many times. Nobody waits here: who
//! has no turn is told so.

use std::{
    collections::HashSet,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Who has a turn.
#[derive(Debug, Clone)]
pub(crate) struct Turns<K>(Arc<Mutex<HashSet<K>>>);

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// A turn; over when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<K: Eq + Hash>(Turns<K>, K);

impl<K: Eq + Hash + Copy> Turns<K> {
    /// Gives somebody a turn, if they have none and fewer than `most` have one.
    pub fn begin(&self, who: K, most: usize) -> Option<Turn<K>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (held.len() < most && held.insert(who)).then(|| Turn(self.clone(), who))
    }
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_one_turn_at_a_time_and_all_together_two() {
        let turns: Turns<u16> = Turns::default();
        let first = turns.begin(1, 2).expect("nobody else has one");
        assert!(turns.begin(1, 2).is_none(), "theirs runs");
        let second = turns.begin(2, 2);
        assert!(second.is_some() && turns.begin(3, 2).is_none(), "two run");
        drop(first);
        assert!(turns.begin(3, 2).is_some() && turns.begin(2, 2).is_none());
    }
}

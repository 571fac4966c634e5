//! What entries of the last minutes say of live boards: who is named there need not be named anew each time a page looks.

use super::super::BoardAsk;
use commonroll_core::{PersonId, Role, Timestamp};
use std::collections::{BTreeSet, HashMap};

/// For so long an entry covers what a live board shows.
const COVERS_US: i64 = 600_000_000;

/// Whom the entries of each person's board name, and when each was made. A board comes in parts, and two windows may show two
/// of them: so there are several.
#[derive(Default)]
pub(crate) struct Covered(HashMap<Whose, Vec<Covers>>);

/// Whose board, in which role.
type Whose = (PersonId, Role, BoardAsk);

/// What an entry said: when, by which law, of whom.
struct Covers {
    at: Timestamp,
    law: String,
    learners: BTreeSet<u32>,
}

impl Covered {
    /// True if everybody of these was named a moment ago, by the same law.
    pub(super) fn covers(&self, whose: Whose, law: &str, learners: &BTreeSet<u32>, now: Timestamp) -> bool {
        let fresh = |shown: &&Covers| shown.is_fresh(now) && shown.law == law;
        let named: Vec<&Covers> = self.0.get(&whose).into_iter().flatten().filter(fresh).collect();
        let by_one = |learner: &u32| named.iter().any(|shown| shown.learners.contains(learner));
        !named.is_empty() && learners.iter().all(by_one)
    }

    /// There is an entry that names these.
    pub(super) fn put(&mut self, whose: Whose, law: String, learners: BTreeSet<u32>, now: Timestamp) {
        for boards in self.0.values_mut() {
            boards.retain(|shown| shown.is_fresh(now));
        }
        self.0.retain(|_, boards| !boards.is_empty());
        let boards = self.0.entry(whose).or_default();
        boards.retain(|shown| shown.law != law || !shown.learners.is_subset(&learners));
        boards.push(Covers { at: now, law, learners });
    }
}

impl Covers {
    fn is_fresh(&self, now: Timestamp) -> bool {
        (0..COVERS_US).contains(&(now.micros() - self.at.micros()))
    }
}

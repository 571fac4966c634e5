//! What goes of matches when a home has a learner forgotten: what people said of them and of guests who were taken for them.
//!
//! Only where the hub forgets what it matches the learner by, too: as long as it could still match them by numbers, what
//! keeps them apart from somebody's guest has to stand.

use crate::{
    directory::{
        Directory,
        change::Change,
        matches::{MatchCase, MatchDeed, MatchStep},
    },
    writer::Work,
};
use commonroll_core::{LocalId, Timestamp};

/// Cases that name a home's learner.
pub(crate) fn naming(directory: &Directory, home: u16, local: &LocalId) -> Vec<MatchCase> {
    let theirs = |case: &&MatchCase| (case.home == home && case.names(local)) || is_word(case, home, local);
    directory.matches().all().filter(theirs).cloned().collect()
}

/// True if a case is an institution's own word on which registration of its learner is the main one, and no more.
fn is_word(case: &MatchCase, home: u16, local: &LocalId) -> bool {
    case.host == home && case.guest == *local && !case.has_guest()
}

/// True if an entry goes with a learner: it names them, or belongs to a case that is about nobody else.
pub(crate) fn goes_with(directory: &Directory, case: &MatchCase, (home, local): (u16, &LocalId)) -> bool {
    let is_whole = || directory.matches().get(case.id()).is_some_and(|held| held.names_only(local));
    is_word(case, home, local) || (case.home == home && (case.names(local) || is_whole()))
}

/// Cases about nobody else go, but for the home's bare no to a host's question; of others, what names the learner.
pub(crate) fn forget(work: &mut Work<'_>, home: u16, local: &LocalId, now: Timestamp) {
    for mut case in naming(work.planner.directory, home, local) {
        // A no that was said stays said, to nobody by now: that it went would tell the host who was meant.
        if is_word(&case, home, local) || (case.names_only(local) && !case.is_declined()) {
            work.planner.make(Change::MatchGone { id: case.id });
            continue;
        }
        case.bars.retain(|bar| bar.local != *local);
        case.steps.retain(|step| step.local.as_ref() != Some(local));
        let deed = MatchDeed::Forgotten;
        case.step(MatchStep { deed, at: now, institution: home, by: None, role: None, local: None });
        work.planner.make(Change::Match { case: Box::new(case) });
    }
}

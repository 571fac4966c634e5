//! What a home was not handed, since its source was locked for that kind again after publishing it: the home's people don't read
//! it either. What was handed out before stays, on pages as in the home's MIS.

use super::Loaded;
use crate::{
    by_learner::{Unread, notes_of},
    directory::Directory,
    shared::Shared,
};
use commonroll_core::Slug;
use std::collections::{BTreeMap, HashSet};

/// The entry of what was withheld at leaving: places from 1, codes, learners.
const WITHHELD: &str = "delivery.withheld";

/// Records that a lock is about, and that the home's feed has passed: the log says whether they left.
type Passed = BTreeMap<(u32, Slug), Vec<usize>>;

/// Marks what is held back from the home.
pub(super) async fn mark(shared: &Shared, found: &mut [Loaded]) -> Result<(), Unread> {
    let mut passed = Passed::new();
    {
        let directory = shared.directory();
        for (place, one) in found.iter_mut().enumerate() {
            let Some(home) = kept_from(&directory, one) else { continue };
            // What is not handed to it yet is decided when it leaves, and withheld then.
            one.held_back = one.seq >= shared.handed(&directory, home);
            if let Some(state) = directory.institution(home).filter(|_| !one.held_back) {
                let key = (one.entry.learner, state.info.slug.clone());
                passed.entry(key).or_default().push(place);
            }
        }
    }
    for ((learner, home), places) in passed {
        let notes = notes_of(shared, learner, &[WITHHELD]).await?;
        let of_home = notes.iter().filter(|(_, note)| note.more["recipient"].as_str() == Some(home.as_str()));
        let lists = of_home.filter_map(|(_, note)| note.more["withheld"].as_array()).flatten();
        let withheld: HashSet<u64> = lists.filter_map(|one| one[0].as_u64()).collect();
        for place in places {
            if let Some(one) = found.get_mut(place) {
                one.held_back = withheld.contains(&(one.seq + 1));
            }
        }
    }
    Ok(())
}

/// The home that a lock keeps a record from, if one does.
fn kept_from(directory: &Directory, one: &Loaded) -> Option<u16> {
    let entry = &one.entry;
    let locked = !entry.corrects() && directory.unlocks().lock(entry.source, entry.kind, one.date).is_some();
    let of = &one.payload.as_ref().filter(|_| locked)?.circumstances;
    let learner = directory.placed(entry.source, &of.learner, of.date, of.at, of.group.as_ref()).learner?;
    let (home, _) = directory.home_of(learner)?;
    (*home != entry.source).then_some(*home)
}

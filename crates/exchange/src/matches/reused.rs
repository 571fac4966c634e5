//! An id of a home's own that stands for another child all at once: a person of the home says whether it does.

use super::{REFUSED, seen::called, settles};
use crate::{
    Exchange,
    directory::{Directory, Local, tokens::MatchingKey},
    office::{Acting, LawError},
    stretch::{Stretch, cut},
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{LocalId, Timestamp};

/// An id that is in doubt.
#[derive(Clone)]
pub struct ReusedSeen {
    /// The asker's institution's own id.
    pub local: LocalId,
    /// As it calls the child now.
    pub called: String,
    /// Since when number and date of birth are both others.
    pub since: Timestamp,
    /// Guests of partners who are matched with the child of before.
    pub guests: usize,
    /// Goes with the answer, and says what was shown here.
    pub stamp: String,
}

/// Ids of an institution's own learners that are in doubt, in their order: what is asked for, and how many there are.
pub(crate) fn reused(
    directory: &Directory,
    key: &MatchingKey,
    own: u16,
    stretch: Stretch,
) -> (Vec<ReusedSeen>, usize) {
    let Some(state) = directory.institution(own) else { return (Vec::new(), 0) };
    let seen = |(id, local): (&LocalId, &Local)| {
        let since = local.doubt.as_ref()?.since;
        // Whoever only claims a child isn't told how many know them.
        let learner = local.learner.filter(|_| !local.contested);
        let others = learner.map(|learner| directory.known_at(learner).filter(|(at, _)| *at != own).count());
        Some(ReusedSeen {
            local: id.clone(),
            called: called(Some(local)),
            since,
            guests: others.unwrap_or_default(),
            stamp: stamp(key, id, local),
        })
    };
    let mut all: Vec<_> = state.locals.iter().filter(|(_, local)| local.doubt.is_some()).collect();
    all.sort_by_key(|(id, _)| *id);
    let count = all.len();
    (cut(all, stretch).into_iter().filter_map(seen).collect(), count)
}

fn stamp(key: &MatchingKey, id: &LocalId, local: &Local) -> String {
    let shown = serde_json::json!(["reused", id.as_str(), local.tokens, local.doubt]);
    key.stamp(shown.to_string().as_bytes())
}

impl Exchange {
    /// A person says whom an id of their institution's own stands for: the same child as before, of whom number and date of
    /// birth were both corrected, or another. In force on every stream when the call returns. `shown` is the stamp of what the
    /// person had before them.
    ///
    /// # Errors
    /// [`LawError`]: alike for an id that isn't there and one that isn't in doubt; and where it is declared otherwise by now.
    pub async fn settle_reused(
        &self,
        acting: Acting<'_>,
        (local, shown): (&LocalId, &str),
        is_same: bool,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let (actor, local, shown) = (acting.owned(), local.clone(), shown.to_owned());
        let shared = self.shared.clone();
        self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let rules = settles(work, &actor)?;
            let (directory, own) = (&*work.planner.directory, actor.speaker.number);
            let held = directory.local(own, &local).filter(|held| held.doubt.is_some());
            let held = held.ok_or(NotAllowed::Denied)?;
            if stamp(&shared.key, &local, held) != shown {
                return Err(LawError::State("this has changed meanwhile; look at the page again"));
            }
            work.more = serde_json::json!({
                "institution": actor.speaker.institution(), "learner": held.learner, "role": actor.role,
                "rules": rules, "reused": if is_same { "same" } else { "another" },
            });
            work.planner.settle_doubt(own, &local, is_same, now);
            Ok(())
        })
        .await
    }
}

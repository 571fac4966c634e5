//! Whether learners and their parents see the learner's own record: the home's to say, for all of its learners.

use crate::{
    Exchange,
    directory::change::Change,
    office::{Acting, may},
    submit_with,
    types::{AdminError, NotAllowed},
    writer::Work,
};
use commonroll_core::Timestamp;
use commonroll_policy::OfficeAct;

impl Exchange {
    /// Lets the learners of the caller's institution and their parents in, or no longer. In force when it returns. What
    /// they then may read is policy's to say.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] if policy does not let this person in this role; it is counted.
    pub async fn set_access(&self, acting: Acting<'_>, on: bool, now: Timestamp) -> Result<(), AdminError> {
        let (actor, by) = (acting.owned(), acting.speaker.by());
        let set = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let own = actor.speaker.institution();
            let _permit =
                may(work.planner.directory, actor.acting(), OfficeAct::SetAccess, Some(own), false)?;
            let institution = work.planner.directory.number_of(own).ok_or(NotAllowed::Denied)?;
            work.more = actor.speaker.more(actor.role);
            let as_it_is =
                work.planner.directory.institution(institution).is_some_and(|state| state.access == on);
            if !as_it_is {
                work.planner.make(Change::Access { institution, on });
            }
            Ok::<_, NotAllowed>(())
        });
        let answer = set.await.map_err(|_| AdminError::Unavailable)?.map_err(AdminError::from);
        self.counted(super::Inviter::Person(acting.speaker, acting.role), answer)
    }
}

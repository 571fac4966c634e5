//! A learner who was said to be found by mistake: the alert stands again at once, and both words stay in its history.
//!
//! Only the institution that said it may take it back, and only while the lesson lasts: after that there is nobody in it to look
//! for. Whoever was told is told anew, and nobody has it in hand any more.

use super::{
    Whereabouts,
    alerts::{REFUSED, WORDS, learner_of, make, may_still, on_board, remark},
};
use crate::{
    Exchange,
    directory::{
        alerts::{AlertId, Alerted, RemarkId, Said, Step},
        change::PersonUuid,
    },
    office::{Acting, LawError},
    projection::look,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Timestamp, record::Text};

impl Whereabouts {
    /// True while the lesson of an alert lasts.
    pub(super) fn lasts(&self, alert: AlertId, now: Timestamp) -> bool {
        let id = alert.key().as_ref().and_then(learner_of);
        id.and_then(|id| self.expected.get(&id)).is_some_and(|of| now < of.time.end())
    }
}

/// True if an institution may take back that a learner was found: it said so itself.
pub(super) fn is_theirs(alert: &Alerted, institution: u16) -> bool {
    alert.found.as_ref().is_some_and(|found| found.institution == institution)
}

impl Exchange {
    /// A person takes back that a learner was found: they, or a colleague, were mistaken. The alert stands again when the call
    /// returns, whoever was told of it is told anew, and nobody has it in hand. `why` may be empty.
    ///
    /// # Errors
    /// [`LawError`]: alike for an alert that is not there, one that is not on the person's board, and one whose learner somebody of
    /// another institution found; `State` if nobody was found, or the lesson is over.
    pub async fn not_found(
        &self,
        acting: Acting<'_>,
        alert: AlertId,
        why: &str,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let words = Text::parse("why", why, WORDS)?;
        let seen = self.shared.views.get().map(|views| {
            let directory = self.shared.directory();
            let whereabouts = look(&views.whereabouts);
            let own = acting.speaker.number;
            let theirs = directory
                .alerts()
                .get(alert)
                .is_some_and(|held| held.found.is_none() || is_theirs(held, own));
            let seen = theirs && on_board(&directory, &whereabouts, acting, alert, now);
            (seen, whereabouts.lasts(alert, now))
        });
        let Some((true, lasts)) = seen else {
            return Err(self.turned_away(acting, REFUSED, now, NotAllowed::Denied));
        };
        let actor = acting.owned();
        let done = self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            may_still(directory, &actor, alert, now)?;
            let held = directory.alerts().get(alert).ok_or(NotAllowed::Denied)?;
            let Some(found) = held.found.clone() else {
                return Err(LawError::State("nobody is said to be found here"));
            };
            let own = actor.speaker.number;
            if found.institution != own {
                return Err(NotAllowed::Denied.into());
            }
            if !lasts {
                return Err(LawError::State("the lesson is over; look for the learner in the next one"));
            }
            let mut alerted = Alerted { found: None, over: None, in_hand: None, ..held.clone() };
            let by = PersonUuid(actor.id());
            let back = Said { by, role: actor.role, institution: own, at: now, words: String::new() };
            alerted.undone.push((found, back));
            alerted.hands.clear();
            // Told anew from here on: its clock starts again, as the board's does.
            (alerted.repeated, alerted.again, alerted.last) = (0, Some(now), now);
            let (date, more) = (alerted.date, actor.speaker.more(actor.role));
            make(work, alerted, Step::NotFound, more.clone());
            remark(work, RemarkId { alert, institution: own, found: false, at: now }, date, &words, more);
            Ok(())
        });
        done.await?;
        // Who was silenced by the mistake is missed from this moment, and not from the next tick.
        super::tick(&self.shared, now).await;
        if let Some(views) = self.shared.views.get() {
            views.board_changes.send_modify(|turn| *turn += 1);
        }
        Ok(())
    }
}

//! Recalls: copies that this institution may no longer have are taken back, and a signed receipt says what became of them.
//!
//! The order is that of receiving: the removal is written into the outbox, then remembered together with the cursor, and
//! only then answered. A crash in between writes the same files again and answers once. What a program of ours takes out is
//! answered when the MIS has said what became of it.

use crate::{
    error::AgentError,
    hub::{Hub, HubError},
    outbox::{Removal, TakenBack},
    receive::Receiver,
    spool::{Spool, feed::record_key, recalls::Recalled},
};
use commonroll_audit::{CopyOutcome, SigningKey};
use commonroll_connectors::render::Session;
use commonroll_core::{RecordKind, Revision, SchoolDate, Slug, Timestamp};
use commonroll_wire::{
    CopyAnswer, Notice, WithdrawnCopy, answer_withdrawal, pb::exchange::v1::ReceiveResponse, read_answers,
    read_notice,
};
use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The source itself took the record back: that revision has already undone what was written.
const TAKEN_BACK: &str = "record_withdrawn";

impl Receiver<'_> {
    /// Takes the notices of a piece: writes what is to be removed, and gives what is to be remembered and answered.
    pub(crate) async fn recall(
        &self,
        piece: &ReceiveResponse,
        after: u64,
    ) -> Result<Vec<Recalled>, AgentError> {
        let mut recalled = Vec::new();
        for message in piece.notices.iter().filter(|notice| notice.sequence > after) {
            match read_notice(message) {
                Ok(notice) => recalled.push(self.take_back(notice).await?),
                Err(invalid) => {
                    let text = format!("a withdrawal notice can't be read ({invalid}); update the agent");
                    self.spool.alarm("withdrawal", &text, self.now).await?;
                }
            }
        }
        Ok(recalled)
    }

    async fn take_back(&self, notice: Notice) -> Result<Recalled, AgentError> {
        let keys: Vec<_> = notice.copies.iter().map(|copy| record_key(&copy.source, copy.id)).collect();
        let (held, aside) = (self.spool.received(&keys).await?, self.spool.aside_holds(&keys).await?);
        // What could not be believed or read was set aside without an id: its place tells which it is, or what it says of itself,
        // since what was sent again lies elsewhere.
        let places_aside: Vec<u64> = notice.copies.iter().map(|copy| copy.sequence).collect();
        let mut places_aside = self.spool.aside_places(&places_aside).await?;
        let unread = self.spool.unread_asides(&keys).await?;
        places_aside.extend(unread.values().flatten());
        let by_hand = self.spool.by_hand(&keys).await?;
        let done = notice.reason == TAKEN_BACK;
        let mut answers: Vec<CopyAnswer> = Vec::with_capacity(keys.len());
        let (mut removals, mut places, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (copy, key) in notice.copies.iter().zip(&keys) {
            let newest = held.get(key).copied();
            let has = match newest {
                Some(newest) => done || newest <= copy.revision.get(),
                None => false,
            };
            if has {
                places.push(answers.len());
                removals.push(Removal {
                    id: copy.id,
                    // Older ones go with it.
                    revision: newest
                        .and_then(|newest| Revision::new(newest).ok())
                        .map_or(copy.revision, |newest| newest.max(copy.revision)),
                    source: copy.source.clone(),
                    kind: copy.kind,
                    learner: copy.learner.clone(),
                    reason: notice.reason.clone(),
                    // The withdrawn revision came before, and was written.
                    is_written: done,
                    decided: self.decided_of(copy).await?,
                    is_rested_on: self.is_rested_on(copy).await?,
                    is_by_hand: by_hand.has(copy.kind, key),
                });
            }
            let is_aside =
                aside.contains(key) || places_aside.contains(&copy.sequence) || unread.contains_key(key);
            if !done && (has || is_aside) {
                gone.push(key.clone());
            }
            // What waited to be written is dropped here and now.
            let outcome = if is_aside { CopyOutcome::Removed } else { CopyOutcome::NotHeld };
            answers.push(CopyAnswer { sequence: copy.sequence, outcome, reason: String::new() });
        }
        let mut carried = Vec::new();
        for (place, taken) in places.into_iter().zip(self.remove(notice.sequence, &removals)?) {
            (answers[place].outcome, answers[place].reason) = (taken.outcome, taken.reason.to_owned());
            if taken.is_carried {
                carried.push((answers[place].sequence, notice.copies[place].id));
            }
        }
        Ok(Recalled {
            number: notice.number,
            sequence: notice.sequence,
            reason: notice.reason,
            answers,
            gone,
            aside: if done { HashSet::new() } else { places_aside },
            carried,
            is_answered: false,
        })
    }

    /// Sessions of the copy's day that a person here decided for its learner.
    async fn decided_of(&self, copy: &WithdrawnCopy) -> Result<Vec<Session>, AgentError> {
        let (Some(learner), Some(date)) = (&copy.learner, SchoolDate::from_days(copy.id.days())) else {
            return Ok(Vec::new());
        };
        match copy.kind {
            RecordKind::Attendance => {
                Ok(self.spool.decided_on(date).await?.remove(learner.as_str()).unwrap_or_default())
            }
            RecordKind::Assessment | RecordKind::Behaviour => Ok(Vec::new()),
        }
    }

    /// True if a session code that a person here decided rests on the copy.
    async fn is_rested_on(&self, copy: &WithdrawnCopy) -> Result<bool, AgentError> {
        match (&copy.learner, SchoolDate::from_days(copy.id.days()), copy.kind) {
            (Some(learner), Some(date), RecordKind::Attendance) => {
                self.spool.rests_on((learner, date), copy.id).await
            }
            _ => Ok(false),
        }
    }

    fn remove(&self, sequence: u64, removals: &[Removal]) -> Result<Vec<TakenBack>, AgentError> {
        if removals.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |_| Err(std::io::Error::other("the write-back failed"));
        let range = format!("{sequence:012}");
        let taken = catch_unwind(AssertUnwindSafe(|| self.write_back.take_back(&range, removals)))
            .unwrap_or_else(failed)
            .map_err(AgentError::io("writing removals into the outbox"))?;
        match taken.len() == removals.len() {
            true => Ok(taken),
            false => Err(AgentError::Damaged("removals")),
        }
    }
}

/// Sends deletion receipts that the hub does not have. Gives how many it took.
///
/// # Errors
/// When the hub can't be reached or the spool fails; what was not sent is sent again.
pub async fn answer(
    hub: &dyn Hub,
    spool: &Spool,
    recipient: &Slug,
    key: &SigningKey,
    now: Timestamp,
) -> Result<u64, AgentError> {
    let mut taken = 0;
    spool.settle_recalls().await?;
    for recalled in spool.recalls_unanswered().await? {
        let (number, sequence) = (recalled.number, recalled.sequence);
        let request = answer_withdrawal(recipient, number, sequence, &recalled.answers, key)
            .map_err(|_| AgentError::Keys("the deletion receipt could not be signed"))?;
        debug_assert!(read_answers(&request).is_ok(), "an answer keeps the schema's rules");
        match hub.answer_withdrawal(request).await {
            Ok(()) => {
                spool.recall_answered(number).await?;
                taken += 1;
            }
            // Nothing that waiting changes; records must not wait behind it.
            Err(HubError::NotAllowed | HubError::Refused(_)) => {
                let text = "the hub refuses a deletion receipt; its operator must look";
                spool.alarm("deletion-receipt", text, now).await?;
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(taken)
}

//! Notices in the log: how a withdrawal and a sending-again become entries and places in a feed, and how they are read.
//!
//! A notice's entry lists places in the log and the hub's learner numbers, nothing personal. Which copies are to go is
//! decided in `recall`, or by a source that takes a record back; what becomes of them is the recipient's to say.

use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Bytes16, Change},
    },
    entry::{Entry, Note},
    follow::{Unread, entries_at},
    publish::PublishJob,
    shared::Shared,
    submit_with,
    types::{FeedError, NotAllowed, RecordAnswer, Speaker},
    withdrawal::{
        AnswerError, Answered, CopyAnswer, NOTICE_COPIES, OutCopy, OutNotice, Reason, Withdrawal,
        WithdrawalAnswer,
    },
    writer::{Plan, Work},
};
use commonroll_audit::{
    deletion::{DeletionDigest, verify_deletion},
    keys::PublicKey,
};
use commonroll_core::{Invalid, RecordId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Name of the entry that sends one record again.
pub const AGAIN: &str = "delivery.again";
/// Name of a notice's entry.
pub const ISSUED: &str = "notice.issued";

/// What a change hands out besides itself.
#[derive(Clone)]
pub enum Outgoing {
    /// A notice, for copies by place in the log (from 0) and learner.
    Notice { change: Change, of: Vec<(u64, u32)> },
    /// A record, by its place in the log (from 0), once more.
    Again { recipient: u16, of: u64, learner: u32, groups: u32 },
    /// Payloads that must go, with what is to be read of it in the entry.
    Erased { change: Change, more: serde_json::Value },
    /// A change of an alert, with what is to be read of it in the entry.
    Alert { change: Change, more: serde_json::Value },
    /// An answer, copy by copy.
    Answered { change: Change, answers: Vec<CopyAnswer> },
}

/// What a notice's entry says beside its change. Places are counted from 1.
#[derive(Serialize, Deserialize)]
pub struct NoticeSays {
    pub recipient: String,
    pub number: u64,
    pub reason: Reason,
    pub of: Vec<(u64, u32)>,
}

/// What the entry of a record that is sent again says. The place is counted from 1.
#[derive(Serialize, Deserialize)]
pub struct AgainSays {
    pub recipient: String,
    pub of: u64,
    pub learner: u32,
    pub groups: u32,
}

/// An entry of a feed that is no record.
pub enum Special {
    /// A notice.
    Notice(NoticeSays),
    /// A record that stands elsewhere in the log.
    Again(AgainSays),
}

impl Special {
    /// Reads a note that stands in a feed.
    pub fn read(note: &Note) -> Option<Self> {
        match note.what.as_str() {
            ISSUED => serde_json::from_value(note.more.clone()).ok().map(Self::Notice),
            AGAIN => serde_json::from_value(note.more.clone()).ok().map(Self::Again),
            _ => None,
        }
    }
}

/// Makes something that is handed out part of a commit, with its place in the recipient's feed.
pub fn put(plan: &mut Plan, directory: &Directory, outgoing: Outgoing, by: &str, now: Timestamp) {
    let slug =
        |number: u16| directory.institution(number).map_or_else(String::new, |s| s.info.slug.to_string());
    match outgoing {
        Outgoing::Notice { change, of } => {
            let Change::Notice { recipient, number, reason, .. } = change else { return };
            let of = of.into_iter().map(|(seq, learner)| (seq + 1, learner)).collect();
            let says = NoticeSays { recipient: slug(recipient), number, reason, of };
            into_feed(plan, recipient);
            plan.change_with(&change, by, said(&says), now);
            plan.changes.push(change);
        }
        Outgoing::Again { recipient, of, learner, groups } => {
            let says = AgainSays { recipient: slug(recipient), of: of + 1, learner, groups };
            into_feed(plan, recipient);
            plan.note(AGAIN, by, said(&says), now);
        }
        Outgoing::Erased { change, more } | Outgoing::Alert { change, more } => {
            plan.change_with(&change, by, more, now);
            plan.changes.push(change);
        }
        Outgoing::Answered { change, answers } => {
            let outcomes: Vec<_> =
                answers.iter().map(|a| (a.sequence, a.outcome as u8, a.reason.as_str())).collect();
            let Change::Notice { number, reason, .. } = &change else { return };
            let more = serde_json::json!({ "number": number, "reason": reason, "outcomes": outcomes });
            plan.change_with(&change, by, more, now);
            plan.changes.push(change);
        }
    }
}

fn said<T: Serialize>(says: &T) -> serde_json::Value {
    serde_json::to_value(says).expect("numbers and codes are JSON")
}

fn into_feed(plan: &mut Plan, recipient: u16) {
    let seq = plan.next();
    plan.feeds.entry(recipient).or_default().push(seq);
    plan.special.push((recipient, seq));
}

/// Splits copies of one recipient and reason into notices, numbered on from what the directory knows.
pub fn issue(
    directory: &mut Directory,
    recipient: u16,
    reason: Reason,
    of: &[(u64, u32)],
    now: Timestamp,
) -> Vec<Outgoing> {
    let notice = |of: &[(u64, u32)]| {
        let number = directory.copies().next(recipient);
        let copies = u32::try_from(of.len()).unwrap_or(u32::MAX);
        let change = Change::Notice { recipient, number, reason, copies, issued: now, answered: None };
        directory.apply(&change);
        Outgoing::Notice { change, of: of.to_vec() }
    };
    of.chunks(NOTICE_COPIES).map(notice).collect()
}

/// Asks whoever gets a withdrawal that a source published to say what became of the copy.
pub fn taken_back(plan: &mut Plan, working: &mut Directory, now: Timestamp) {
    if plan.taken_back.is_empty() {
        return;
    }
    let mut by_recipient: BTreeMap<u16, Vec<(u64, u32)>> = BTreeMap::new();
    for (recipient, seq, learner) in std::mem::take(&mut plan.taken_back) {
        by_recipient.entry(recipient).or_default().push((seq, learner));
    }
    for (recipient, of) in by_recipient {
        for notice in issue(working, recipient, Reason::RecordWithdrawn, &of, now) {
            put(plan, working, notice, "hub", now);
        }
    }
}

/// A correction that was refused for being confidential still says that what was published before must not leave.
pub fn hide(
    plan: &mut Plan,
    working: &mut Directory,
    job: &PublishJob,
    results: &[RecordAnswer],
    holds: impl Fn(RecordId) -> Option<(u16, u32)>,
) {
    for (record, result) in job.records.iter().zip(results) {
        let (RecordAnswer::Rejected { code: "confidential", .. }, Ok(facts)) = (result, &record.facts) else {
            continue;
        };
        let Some((_, revision)) = holds(facts.id).filter(|(source, _)| *source == job.speaker.number) else {
            continue;
        };
        if facts.revision <= revision || working.copies().is_hidden(facts.id, facts.revision - 1) {
            continue;
        }
        let change = Change::Hidden { record: Bytes16(facts.id.0), below: facts.revision };
        working.apply(&change);
        plan.change_with(&change, job.speaker.institution.as_str(), serde_json::Value::Null, job.now);
        plan.changes.push(change);
    }
}

/// A notice as it leaves.
pub async fn out(
    shared: &Shared,
    recipient: u16,
    seq: u64,
    says: &NoticeSays,
    issued_at: Timestamp,
) -> Result<OutNotice, FeedError> {
    let mut seqs: Vec<u64> = says.of.iter().map(|(sequence, _)| sequence.saturating_sub(1)).collect();
    seqs.sort_unstable();
    seqs.dedup();
    let found = entries_at(shared.store.as_ref(), &seqs).await.map_err(|unread| match unread {
        Unread::Store => FeedError::Unavailable,
        Unread::Damaged => FeedError::Damaged,
    })?;
    let mut entries = HashMap::with_capacity(found.len());
    for (seq, bytes) in found {
        let Ok(Entry::Record(record)) = Entry::decode(&bytes) else { return Err(FeedError::Damaged) };
        entries.insert(seq, record);
    }
    let directory = shared.directory();
    let learners: Vec<u32> = says.of.iter().map(|(_, learner)| *learner).collect();
    let ids = directory.local_ids(recipient, &learners);
    let copy = |(sequence, learner): &(u64, u32)| {
        let entry = entries.get(&(sequence - 1)).ok_or(FeedError::Damaged)?;
        let source = directory.institution(entry.source).ok_or(FeedError::Damaged)?.info.slug.clone();
        Ok(OutCopy {
            sequence: *sequence,
            id: entry.id,
            source,
            revision: entry.revision,
            kind: entry.kind,
            recipient_learner: ids.get(learner).cloned(),
        })
    };
    let copies = says.of.iter().map(copy).collect::<Result<_, FeedError>>()?;
    Ok(OutNotice { sequence: seq + 1, number: says.number, reason: says.reason, issued_at, copies })
}

impl Exchange {
    /// Takes a recipient's answer to a notice; gives when the answer that holds was taken. The first one holds.
    pub async fn answer_withdrawal(
        &self,
        speaker: &Speaker,
        answer: WithdrawalAnswer,
        now: Timestamp,
    ) -> Result<Timestamp, AnswerError> {
        self.speaker(speaker.agent)?;
        let (held, key) = {
            let directory = self.shared.directory();
            let held = directory.copies().notice(speaker.number, answer.number).cloned();
            (held, directory.agent(speaker.agent).map(|a| PublicKey::from_bytes(a.key)))
        };
        let (Some(held), Some(key)) = (held, key) else { return Err(self.not_yours(speaker)) };
        if let Some(answered) = held.answered {
            return Timestamp::from_micros("answered_at", answered.at_us).map_err(AnswerError::from);
        }
        let says = self.says(speaker, &answer).await?;
        if !says.of.iter().map(|(sequence, _)| *sequence).eq(answer.answers.iter().map(|a| a.sequence)) {
            return Err(
                Invalid::new("answers", "must be one for each copy of the notice, in its order").into()
            );
        }
        let mut digest = DeletionDigest::default();
        answer.answers.iter().for_each(|a| digest.add(a.sequence, a.outcome, &a.reason));
        let (slug, number) = (speaker.institution.as_str(), answer.number);
        verify_deletion(&key, slug, number, answer.sequence, &digest, &answer.signature).map_err(|_| {
            Invalid::new("signature", "does not cover these outcomes with the key enrolled for this agent")
        })?;
        let answered = Answered::count(&answer, digest.as_bytes(), now);
        let (agent, recipient) = (speaker.agent, speaker.number);
        let planned = submit_with(&self.shared, slug, now, move |work: &mut Work<'_>| {
            work.planner.directory.speaker(agent)?;
            let held = work.planner.directory.copies().notice(recipient, number).cloned();
            let held = held.ok_or(NotAllowed::Denied)?;
            if let Some(answered) = held.answered {
                return Ok(answered.at_us);
            }
            let (reason, copies, issued) = (held.reason, held.copies, held.issued);
            let answered = Some(Box::new(answered.clone()));
            let change = Change::Notice { recipient, number, reason, copies, issued, answered };
            work.planner.directory.apply(&change);
            work.outgoing.push(Outgoing::Answered { change, answers: answer.answers.clone() });
            Ok::<_, NotAllowed>(now.micros())
        });
        let at = planned.await.map_err(|_| AnswerError::Unavailable)??;
        Timestamp::from_micros("answered_at", at).map_err(AnswerError::from)
    }

    /// What the notice that an answer names says in the log.
    async fn says(&self, speaker: &Speaker, answer: &WithdrawalAnswer) -> Result<NoticeSays, AnswerError> {
        let seq = answer.sequence.checked_sub(1).ok_or_else(|| self.not_yours(speaker))?;
        let found = entries_at(self.shared.store.as_ref(), &[seq]).await;
        let found = found.map_err(|_| AnswerError::Unavailable)?;
        let Some(Ok(Entry::Note(note))) = found.first().map(|(_, bytes)| Entry::decode(bytes)) else {
            return Err(self.not_yours(speaker));
        };
        match Special::read(&note) {
            Some(Special::Notice(says))
                if says.recipient == speaker.institution.as_str() && says.number == answer.number =>
            {
                Ok(says)
            }
            _ => Err(self.not_yours(speaker)),
        }
    }

    /// The one answer for somebody else's notice and for one that is not there.
    fn not_yours(&self, speaker: &Speaker) -> AnswerError {
        self.refused(speaker.institution.as_str(), "feed.refused", "");
        NotAllowed::Denied.into()
    }

    /// Every withdrawal notice, by recipient and number: counts, never a record.
    pub fn withdrawals(&self) -> Vec<Withdrawal> {
        let directory = self.shared.directory();
        let slug = |n: u16| directory.institution(n).map_or_else(String::new, |s| s.info.slug.to_string());
        let shown = directory.copies().notices().map(|(recipient, number, notice)| Withdrawal {
            recipient: slug(recipient),
            number,
            reason: notice.reason.as_str(),
            copies: notice.copies,
            issued_us: notice.issued.micros(),
            answered: notice.answered.clone(),
        });
        shown.collect()
    }
}

//! Who was asked to let copies go, since when, and what became of them: of an institution's own copies, and of records that it
//! made.
//!
//! Read off the log's own entries, so that nobody has to believe the hub's count. Of a notice that is about records of several
//! sources each of them is told of its own.

use super::{AskError, Asker, Event, LINES, Window};
use crate::{
    Exchange,
    entry::{Entry, Note},
    follow::entries_at,
    notices::{NoticeSays, Special},
};
use commonroll_audit::CopyOutcome;
use commonroll_core::Timestamp;
use std::collections::{HashMap, HashSet};

/// The entry of an answer.
const ANSWERED: &str = "notice.answered";

/// When an answer came, and the outcome of each copy by its place in the log, counted from 1.
type Answer = (Timestamp, HashMap<u64, CopyOutcome>);

impl Exchange {
    /// The notices of a window that concern the asker, in the order of the log; one event for each, with its answer.
    pub(super) async fn withdrawn(&self, asker: &Asker, window: &Window) -> Result<Vec<Event>, AskError> {
        let mut issued: Vec<(u64, Timestamp, NoticeSays)> = Vec::new();
        let mut answers: HashMap<(String, u64), Answer> = HashMap::new();
        let mut walk = self.walk();
        let look = |seq: u64, bytes: &[u8], issued: &mut Vec<_>, answers: &mut HashMap<_, _>| {
            // A note's first byte spares reading the records.
            let Some((2, _)) = bytes.split_first() else { return };
            let Ok(Entry::Note(note)) = Entry::decode(bytes) else { return };
            let Ok(at) = Timestamp::from_micros("at", note.at_us) else { return };
            if note.what == ANSWERED {
                if let Some((number, outcomes)) = answer(&note) {
                    answers.insert((note.by, number), (at, outcomes));
                }
            } else if let Some(Special::Notice(says)) = Special::read(&note)
                && window.holds(at)
            {
                issued.push((seq + 1, at, says));
            }
        };
        while walk.some(|seq, bytes| look(seq, bytes, &mut issued, &mut answers)).await? {
            if issued.len() > LINES {
                return Err(AskError::TooMuch(LINES));
            }
        }
        let mut events = Vec::new();
        for (sequence, at, says) in issued {
            let mut places: Vec<u64> = says.of.iter().map(|(place, _)| *place).collect();
            if let Some((number, own)) = &asker.own
                && says.recipient != own.as_str()
            {
                let theirs = self.made_by(*number, &places).await?;
                places.retain(|place| theirs.contains(place));
            }
            if places.is_empty() {
                continue;
            }
            let answer = answers.get(&(says.recipient.clone(), says.number));
            let more = said(&says, &places, answer);
            let what = crate::notices::ISSUED.to_owned();
            events.push(Event { sequence, at, what, by: "hub".to_owned(), more });
        }
        Ok(events)
    }

    /// Which of the records at some places (from 1) an institution made.
    async fn made_by(&self, number: u16, places: &[u64]) -> Result<HashSet<u64>, AskError> {
        let mut seqs: Vec<u64> = places.iter().filter_map(|place| place.checked_sub(1)).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let found = entries_at(self.shared.store.as_ref(), &seqs).await.map_err(|_| AskError::Unavailable)?;
        let theirs = |(seq, bytes): (u64, Vec<u8>)| match Entry::decode(&bytes) {
            Ok(Entry::Record(record)) if record.source == number => Some(seq + 1),
            _ => None,
        };
        Ok(found.into_iter().filter_map(theirs).collect())
    }
}

/// What an answer says, copy by copy.
fn answer(note: &Note) -> Option<(u64, HashMap<u64, CopyOutcome>)> {
    let outcomes = note.more["outcomes"].as_array()?.iter();
    let outcome = |one: &serde_json::Value| {
        let number = i32::try_from(one[1].as_i64()?).ok()?;
        Some((one[0].as_u64()?, CopyOutcome::from_number(number)?))
    };
    Some((note.more["number"].as_u64()?, outcomes.filter_map(outcome).collect()))
}

/// What is told of a notice: counts, of these copies alone.
fn said(says: &NoticeSays, places: &[u64], answer: Option<&Answer>) -> serde_json::Value {
    let mut more = serde_json::json!({
        "recipient": says.recipient, "number": says.number, "reason": says.reason, "copies": places.len(),
    });
    if let Some((at, outcomes)) = answer {
        let count =
            |wanted: CopyOutcome| places.iter().filter(|place| outcomes.get(place) == Some(&wanted)).count();
        more["answered"] = serde_json::json!({
            "at_us": at.micros(), "removed": count(CopyOutcome::Removed), "flagged": count(CopyOutcome::Flagged),
            "kept": count(CopyOutcome::Kept), "not_held": count(CopyOutcome::NotHeld),
        });
    }
    more
}

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
    notices::{ISSUED, NoticeSays, Special},
    withdrawal::Reason,
};
use commonroll_audit::CopyOutcome;
use commonroll_core::Timestamp;
use std::collections::{HashMap, HashSet};

/// The entry of an answer.
const ANSWERED: &str = "notice.answered";

/// The outcome of each copy by its place in the log, counted from 1.
type Outcomes = HashMap<u64, CopyOutcome>;

/// What a stretch of the log says of notices, in its order.
enum Said {
    Issued(u64, Timestamp, NoticeSays),
    Answered(Timestamp, (String, u64), Outcomes),
}

/// A notice that concerns the asker.
struct Kept {
    sequence: u64,
    at: Timestamp,
    recipient: String,
    number: u64,
    reason: Reason,
    copies: usize,
    /// The copies' places, until they are answered for.
    places: Vec<u64>,
    answered: Option<serde_json::Value>,
}

/// The notices that concern the asker: of others nothing is held, neither the notice nor its answer.
struct Notices {
    lines_max: usize,
    kept: Vec<Kept>,
    by_number: HashMap<(String, u64), usize>,
}

impl Notices {
    fn new(lines_max: usize) -> Self {
        Self { lines_max, kept: Vec::new(), by_number: HashMap::new() }
    }

    fn issue(
        &mut self,
        (sequence, at): (u64, Timestamp),
        says: NoticeSays,
        places: Vec<u64>,
    ) -> Result<(), AskError> {
        if self.kept.len() >= self.lines_max {
            return Err(AskError::TooMuch(self.lines_max));
        }
        let NoticeSays { recipient, number, reason, .. } = says;
        self.by_number.insert((recipient.clone(), number), self.kept.len());
        let copies = places.len();
        self.kept.push(Kept { sequence, at, recipient, number, reason, copies, places, answered: None });
        Ok(())
    }

    fn answer(&mut self, at: Timestamp, of: &(String, u64), outcomes: &Outcomes) {
        let kept = self.by_number.remove(of).and_then(|place| self.kept.get_mut(place));
        let Some(kept) = kept else { return };
        let places = std::mem::take(&mut kept.places);
        let count =
            |wanted: CopyOutcome| places.iter().filter(|place| outcomes.get(place) == Some(&wanted)).count();
        kept.answered = Some(serde_json::json!({
            "at_us": at.micros(), "removed": count(CopyOutcome::Removed), "flagged": count(CopyOutcome::Flagged),
            "kept": count(CopyOutcome::Kept), "not_held": count(CopyOutcome::NotHeld),
        }));
    }
}

impl Kept {
    fn event(self) -> Event {
        let mut more = serde_json::json!({
            "recipient": self.recipient, "number": self.number, "reason": self.reason, "copies": self.copies,
        });
        if let Some(answered) = self.answered {
            more["answered"] = answered;
        }
        let (what, by) = (ISSUED.to_owned(), "hub".to_owned());
        Event { sequence: self.sequence, at: self.at, what, by, more }
    }
}

impl Exchange {
    /// The notices of a window that concern the asker, in the order of the log; one event for each, with its answer.
    pub(super) async fn withdrawn(&self, asker: &Asker, window: &Window) -> Result<Vec<Event>, AskError> {
        let mut notices = Notices::new(LINES);
        let mut walk = self.walk();
        let mut said = Vec::new();
        while walk.some(|seq, bytes| said.extend(read(seq, bytes, window))).await? {
            for one in said.drain(..) {
                match one {
                    Said::Answered(at, of, outcomes) => notices.answer(at, &of, &outcomes),
                    Said::Issued(sequence, at, says) => {
                        let mut places: Vec<u64> = says.of.iter().map(|(place, _)| *place).collect();
                        if let Some((number, own)) = &asker.own
                            && says.recipient != own.as_str()
                        {
                            let theirs = self.made_by(*number, &places).await?;
                            places.retain(|place| theirs.contains(place));
                        }
                        if !places.is_empty() {
                            notices.issue((sequence, at), says, places)?;
                        }
                    }
                }
            }
        }
        Ok(notices.kept.into_iter().map(Kept::event).collect())
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

/// What an entry says of a notice.
fn read(seq: u64, bytes: &[u8], window: &Window) -> Option<Said> {
    // A note's first byte spares reading the records.
    let (2, _) = bytes.split_first()? else { return None };
    let Ok(Entry::Note(note)) = Entry::decode(bytes) else { return None };
    let at = Timestamp::from_micros("at", note.at_us).ok()?;
    if note.what == ANSWERED {
        let (number, outcomes) = answer(&note)?;
        return Some(Said::Answered(at, (note.by, number), outcomes));
    }
    match Special::read(&note) {
        Some(Special::Notice(says)) if window.holds(at) => Some(Said::Issued(seq + 1, at, says)),
        _ => None,
    }
}

/// What an answer says, copy by copy.
fn answer(note: &Note) -> Option<(u64, Outcomes)> {
    let outcomes = note.more["outcomes"].as_array()?.iter();
    let outcome = |one: &serde_json::Value| {
        let number = i32::try_from(one[1].as_i64()?).ok()?;
        Some((one[0].as_u64()?, CopyOutcome::from_number(number)?))
    };
    Some((note.more["number"].as_u64()?, outcomes.filter_map(outcome).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros("at", 1_789_372_800_000_000 + second * 1_000_000).unwrap()
    }

    fn says(recipient: &str, number: u64) -> NoticeSays {
        NoticeSays { recipient: recipient.to_owned(), number, reason: Reason::PlacementEnded, of: Vec::new() }
    }

    fn outcomes(places: &[u64]) -> Outcomes {
        places.iter().map(|place| (*place, CopyOutcome::Removed)).collect()
    }

    #[test]
    fn what_concerns_the_asker_alone_is_counted_and_held() {
        let mut notices = Notices::new(2);
        let of = |number| ("kingsmead".to_owned(), number);
        assert_eq!(notices.issue((7, at(1)), says("kingsmead", 1), vec![3, 4]), Ok(()));
        // Somebody else's answers are nothing to it, nor is one that comes before its notice.
        for number in 0..1_000 {
            notices.answer(at(2), &("ridgeway".to_owned(), number), &outcomes(&[3]));
            notices.answer(at(2), &of(number + 2), &outcomes(&[3]));
        }
        notices.answer(at(3), &of(1), &outcomes(&[3, 9]));
        assert_eq!(notices.issue((9, at(4)), says("kingsmead", 2), vec![5]), Ok(()));
        assert!(notices.kept[0].places.is_empty(), "once answered, the sums are enough");
        assert_eq!(notices.by_number.len(), 1, "and nothing is waited for");
        assert_eq!(notices.issue((11, at(5)), says("kingsmead", 3), vec![6]), Err(AskError::TooMuch(2)));
        let events: Vec<Event> = notices.kept.into_iter().map(Kept::event).collect();
        let told: Vec<_> = events.iter().map(|event| (event.sequence, &event.more["copies"])).collect();
        assert_eq!(told, [(7, &2.into()), (9, &1.into())]);
        assert_eq!(
            (&events[0].more["answered"]["removed"], events[1].more.get("answered")),
            (&1.into(), None)
        );
    }
}

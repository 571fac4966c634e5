//! What the directory knows of copies that recipients hold: notices and their answers, records that were hidden since,
//! and how far changes have been followed by their notices.

use crate::withdrawal::{Answered, Reason};
use commonroll_core::{RecordId, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// Notices and what belongs to them.
#[derive(Clone, Default)]
pub struct Copies {
    notices: BTreeMap<(u16, u64), Notice>,
    hidden: HashMap<RecordId, u32>,
    /// Grows whenever a sweep recalled or sent copies again, here or on another node.
    pub turn: u64,
    /// Up to which size of the log, and when, changes were followed by their notices.
    pub swept: Option<(u64, Timestamp)>,
}

/// A withdrawal notice.
#[derive(Clone)]
pub struct Notice {
    /// Why.
    pub reason: Reason,
    /// How many copies.
    pub copies: u32,
    /// When.
    pub issued: Timestamp,
    /// What was answered.
    pub answered: Option<Answered>,
}

impl Copies {
    /// Takes a notice, new or answered.
    pub fn put(&mut self, recipient: u16, number: u64, notice: Notice) {
        let swept = !matches!(notice.reason, Reason::RecordWithdrawn | Reason::Erased);
        if self.notices.insert((recipient, number), notice).is_none() && swept {
            self.turn += 1;
        }
    }

    /// Revisions of a record below this one may not leave.
    pub fn hide(&mut self, record: RecordId, below: u32) {
        let held = self.hidden.entry(record).or_default();
        *held = (*held).max(below);
    }

    /// True if a revision may not leave, since its source has marked the record confidential after it.
    pub fn is_hidden(&self, record: RecordId, revision: u32) -> bool {
        !self.hidden.is_empty() && self.hidden.get(&record).is_some_and(|below| revision < *below)
    }

    /// The number of a recipient's next notice.
    pub fn next(&self, recipient: u16) -> u64 {
        let last = self.notices.range((recipient, 0)..=(recipient, u64::MAX)).next_back();
        last.map_or(1, |((_, number), _)| number + 1)
    }

    /// A notice.
    pub fn notice(&self, recipient: u16, number: u64) -> Option<&Notice> {
        self.notices.get(&(recipient, number))
    }

    /// Every notice, by recipient and number.
    pub fn notices(&self) -> impl Iterator<Item = (u16, u64, &Notice)> {
        self.notices.iter().map(|((recipient, number), notice)| (*recipient, *number, notice))
    }

    /// Notices that a recipient has not answered, and since when the oldest of them waits.
    pub fn unanswered(&self, recipient: u16) -> (u64, Option<Timestamp>) {
        let of = self.notices.range((recipient, 0)..=(recipient, u64::MAX)).map(|(_, notice)| notice);
        let open = of.filter(|notice| notice.answered.is_none());
        open.fold((0, None), |(count, since), notice| {
            (count + 1, Some(since.map_or(notice.issued, |held: Timestamp| held.min(notice.issued))))
        })
    }
}

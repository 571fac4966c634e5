//! What an export is, and what it came to.

use crate::{
    settings::Source,
    spool::{exports::Fault, sent::Range, sight::RowProblem},
};
use commonroll_connectors::ReadSeek;
use commonroll_core::RecordKind;
use std::collections::{BTreeMap, btree_map};

/// A file to take.
pub struct Export<'a> {
    /// Where it comes from.
    pub source: &'a Source,
    /// Its name, without folders.
    pub name: &'a str,
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// How many bytes it has.
    pub size: u64,
    /// When it was last modified, microseconds since the epoch.
    pub modified_us: i64,
    /// Its bytes.
    pub reader: Box<dyn ReadSeek + Send>,
}

/// What an export meant.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Taken {
    /// Items in the file.
    pub items: u64,
    /// Records that were not known.
    pub new: u64,
    /// Records whose content changed.
    pub corrected: u64,
    /// Records that are gone.
    pub withdrawn: u64,
    /// Records that were sent already.
    pub unchanged: u64,
    /// How many of these stood in stretches of the file that were known, and not read.
    #[serde(skip)]
    pub known: u64,
    /// Learners, groups, placements, days and the like that are new or changed.
    pub declared: u64,
    /// Records to be sent, by kind and date, and days, notices and support notes.
    pub sending: BTreeMap<String, u64>,
    /// What a person should look at; at most a thousand.
    pub problems: Vec<RowProblem>,
    /// How many problems there are in all.
    pub problem_count: u64,
    /// New records by kind and days of their date, for telling how many there were before.
    #[serde(skip)]
    pub(super) new_on: BTreeMap<(RecordKind, i32), u64>,
}

impl Taken {
    /// Declarations that are new or changed: a name for each, empty for those that are only counted.
    pub(super) fn declares(&mut self, changed: Vec<String>) {
        self.declared += changed.len() as u64;
        for what in changed.into_iter().filter(|what| !what.is_empty()) {
            *self.sending.entry(what).or_default() += 1;
        }
    }

    /// A new record is said otherwise by a later row.
    pub(super) fn is_not_new(&mut self, kind: RecordKind, days: i32) {
        self.new = self.new.saturating_sub(1);
        if let Some(n) = self.new_on.get_mut(&(kind, days)) {
            *n = n.saturating_sub(1);
        }
    }

    /// One record less is sent of this sort.
    pub(super) fn is_not_sent(&mut self, what: String) {
        if let btree_map::Entry::Occupied(mut place) = self.sending.entry(what) {
            match place.get() {
                0 | 1 => _ = place.remove(),
                n => *place.get_mut() = n - 1,
            }
        }
    }

    pub(super) fn new_in(&self, range: Range) -> u64 {
        let inside = |(kind, days): &(RecordKind, i32)| {
            *kind == range.kind && range.date.is_none_or(|date| date.days() == *days)
        };
        self.new_on.iter().filter(|(key, _)| inside(key)).map(|(_, n)| n).sum()
    }
}

/// What became of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the spool.
    Taken(Taken),
    /// It was refused as a whole; the one before stands.
    Refused(Fault),
}

/// Whether the export is taken, or only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Into the spool.
    Take,
    /// To tell what would happen. The spool stays as it is.
    Look,
}

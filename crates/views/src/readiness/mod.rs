//! Readiness: how tight a partner's data is, measured from what it sent and took, and never from a form.
//!
//! A fold of the last [`DAYS`] days: lessons that were declared, marks that came, refusals, receipts, signs of life. What the
//! directory says (who is placed, who is matched) is asked for when a report is made. A report is parts with their numbers,
//! a score that is their mean, and the next three fixes, which follow from the parts alone: see [`report`]. Names and who
//! may look aren't known here.

mod days;
mod report;
mod rows;
mod words;

pub use days::{DayMet, Site};
pub use report::{Fix, For, Mapping, Matching, Part, Report, tens};
pub use rows::{Advice, export_refused, kept_back};
pub use words::{Definition, NOT_MEASURED, What, advice, count, refused_title};

use commonroll_core::{Interval, LocalId, RecordId, SchoolDate, Timestamp};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Over how many days readiness is measured, today included.
pub const DAYS: i32 = 28;
/// The goal of every part and of the score, of 100.
pub const GOAL: u32 = 90;
/// A register is on time if its first mark is here so soon after the lesson's end, in microseconds.
pub const ON_TIME: i64 = 10 * MINUTE;
/// A home takes a record in time if its receipt is here so soon after the record, in microseconds.
pub const TAKEN_IN: i64 = 5 * MINUTE;
/// In lesson time a partner is silent if its newest word is older than this, in minutes.
pub const FRESH_MINUTES: u32 = 15;

const MINUTE: i64 = 60_000_000;
/// Records that wait for one home's receipt and are remembered one by one, which is weeks of a large school; more are counted
/// as late.
const WAITING: usize = 100_000;

/// One lesson as its host declared it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The host's group.
    pub group: LocalId,
    /// When.
    pub time: Interval,
}

/// A record at one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub seq: u64,
    /// Which record.
    pub record: RecordId,
    /// At which revision.
    pub revision: u32,
    /// About whom, by the hub's own number.
    pub learner: u32,
}

/// A mark that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Came {
    /// Which.
    pub entry: Entry,
    /// The lesson, as its source gave it.
    pub time: Interval,
    /// When it was accepted.
    pub accepted: Timestamp,
}

/// What a home has not given its receipt for, and when receipts came while older parts of the log were still read.
#[derive(Debug, Clone, Default)]
struct Waiting {
    records: VecDeque<(u64, Timestamp)>,
    cursors: BTreeMap<u64, Timestamp>,
}

/// What is known of every partner.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    sites: HashMap<u16, Site>,
    waiting: HashMap<u16, Waiting>,
    /// Grows each time it changes who somebody is: thousands of learners come in one import, and each partner's days are touched
    /// once for all of them, when somebody next comes to that partner.
    learners: u64,
    /// True once everything of before the start has been told, so that all comes in the log's order from then on.
    in_order: bool,
}

impl Readiness {
    /// What is known of a partner.
    pub fn site(&mut self, institution: u16) -> &mut Site {
        let site = self.sites.entry(institution).or_default();
        site.know(self.learners);
        site
    }

    /// A host declared a date anew, at this place of the log: all its lessons that take place.
    pub fn declared(&mut self, host: u16, seq: u64, date: SchoolDate, lessons: Vec<Due>) {
        self.site(host).declared(seq, date, lessons);
    }

    /// Who is placed at a host from one date to another has changed.
    pub fn placements_changed(&mut self, host: u16, (first, last): (SchoolDate, SchoolDate)) {
        self.site(host).unsettle(first, last);
    }

    /// Who somebody is, or whose, has changed: that may touch a lesson anywhere.
    pub fn learners_changed(&mut self) {
        self.learners += 1;
    }

    /// A mark of a group came.
    pub fn came(&mut self, host: u16, group: &LocalId, date: SchoolDate, came: Came) {
        self.site(host).came(group, date, came);
    }

    /// A record of a source was taken; for a home it waits there.
    pub fn taken(&mut self, source: u16, home: Option<u16>, seq: u64, accepted: Timestamp) {
        self.site(source).taken(accepted);
        let Some(home) = home else { return };
        let in_order = self.in_order;
        let waiting = self.waiting.entry(home).or_default();
        // The receipt may have been told before the record, while older parts of the log are read beside newer ones.
        let receipt = waiting.cursors.range(seq.saturating_add(1)..).next().map(|(_, at)| *at);
        match receipt.filter(|_| !in_order) {
            Some(at) => self.site(home).receipt(accepted, at),
            None if waiting.records.len() < WAITING => waiting.records.push_back((seq, accepted)),
            None => self.site(home).receipt(accepted, accepted.plus_micros(TAKEN_IN + 1)),
        }
    }

    /// A home gave its receipt for everything before this place (counted from 1, as cursors are).
    pub fn receipt(&mut self, home: u16, cursor: u64, at: Timestamp) {
        let in_order = self.in_order;
        let waiting = self.waiting.entry(home).or_default();
        if !in_order {
            waiting.cursors.insert(cursor, at);
        }
        let covered: Vec<(u64, Timestamp)> = match in_order {
            true => {
                let count = waiting.records.partition_point(|(seq, _)| *seq < cursor);
                waiting.records.drain(..count).collect()
            }
            false => {
                let all = std::mem::take(&mut waiting.records);
                let (covered, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|(seq, _)| *seq < cursor);
                waiting.records = rest.into();
                covered
            }
        };
        let site = self.site(home);
        site.heard(at);
        covered.into_iter().for_each(|(_, accepted)| site.receipt(accepted, at));
    }

    /// What may not be used any more is not counted any more: a start isn't told of it either.
    pub fn gone(&mut self, is: impl Fn(&Entry) -> bool) {
        self.sites.values_mut().for_each(|site| site.gone(&is));
    }

    /// Records for a home that it hasn't given its receipt for, and when the oldest of them was taken.
    pub fn waiting(&self, home: u16) -> (u64, Option<Timestamp>) {
        let waiting = self.waiting.get(&home).map(|waiting| &waiting.records);
        waiting.map_or((0, None), |records| {
            (records.len() as u64, records.iter().map(|(_, accepted)| *accepted).min())
        })
    }

    /// Everything of before the start has been told.
    pub fn in_order(&mut self) {
        self.in_order = true;
        for waiting in self.waiting.values_mut() {
            waiting.cursors.clear();
            waiting.records.make_contiguous().sort_unstable();
        }
    }

    /// Lets a partner come to this moment: what lies before the first day that counts goes, and so many days at most are
    /// worked out of those whose facts have changed. `expected` says who was placed in a group of it at a lesson, by the
    /// hub's numbers. True once nothing is left to be worked out.
    pub fn settle(
        &mut self,
        institution: u16,
        (today, now): (SchoolDate, Timestamp),
        most: usize,
        expected: impl FnMut(&LocalId, SchoolDate, Timestamp) -> Vec<u32>,
    ) -> bool {
        let first = today.days() - DAYS + 1;
        if let Some(waiting) = self.waiting.get_mut(&institution) {
            let old = |at: &Timestamp| day_of(*at) < first;
            while waiting.records.front().is_some_and(|(_, accepted)| old(accepted)) {
                waiting.records.pop_front();
            }
        }
        self.sites.get_mut(&institution).is_none_or(|site| {
            site.drop_before(first);
            site.know(self.learners);
            site.settle((today, now), most, expected)
        })
    }

    /// The report of a partner, as far as its days are settled.
    pub fn report(
        &mut self,
        institution: u16,
        (today, now): (SchoolDate, Timestamp),
        (matching, readers): (Matching, For),
    ) -> Report {
        let late = self.waiting.get(&institution).map_or(0, |waiting| {
            let over = |at: &Timestamp| now.micros() - at.micros() > TAKEN_IN;
            waiting.records.iter().filter(|(_, accepted)| over(accepted)).count() as u64
        });
        report::made(self.site(institution), today, (matching, readers), late)
    }
}

/// The day in UTC of an instant.
const fn day_of(at: Timestamp) -> i32 {
    at.micros().div_euclid(86_400_000_000) as i32
}

//! A report: parts with the numbers behind them, the score that is their mean, and the three fixes that follow.
//!
//! The same facts give the same report. For whom it isn't their own, counts are rounded, groups are left out, and a part that
//! says something of learners (marks, registers, grades, matches) is not shown and not in the score if fewer than five of
//! them stand behind it, so that nothing can be subtracted. The other parts say how a partner's machines do.

use super::{
    DAYS, GOAL, ON_TIME,
    days::{Site, Sums},
    words::{self, What},
};
use crate::progress::FEWEST;
use commonroll_core::{LocalId, SchoolDate, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Rules whose refusals say that a source's numbering went back, or that it sent something else under a used number.
pub(super) const WENT_BACK: [&str; 2] = ["stale_revision", "conflict"];
/// Fixes in a report at most.
const FIXES: usize = 3;

/// For whom a report is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// The partner's own people and agents: all of it.
    Own,
    /// Others who may compare partners: shares, rounded counts, no group.
    Others,
}

/// Whom a partner has matched, and what its agents keep back, as the directory has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Matching {
    /// Guests whom it hosts.
    pub guests: u64,
    /// Those of them who are matched with a home's learner.
    pub matched: u64,
    /// Own learners whom another institution claims too.
    pub contested: u64,
    /// What its agents told of their sources; `None` if none has.
    pub mapping: Option<Mapping>,
}

/// What a partner's agents keep back of their sources, as they told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mapping {
    /// Rows that are kept back: the mapping doesn't know what they say.
    pub kept: u64,
    /// In how many sorts, by column, rule and code.
    pub sorts: u64,
    /// Exports that are refused as a whole.
    pub refused: u64,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it measures.
    pub what: What,
    /// Of 100, rounded down; `None` if there is nothing to measure, or too little to show.
    pub points: Option<u32>,
    /// How many were as they should be, of how many.
    pub numbers: (u64, u64),
    /// The numbers in a sentence or two; where nothing is measured, why.
    pub said: String,
}

/// Something to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The part that it mends.
    pub what: What,
    /// In a few words.
    pub title: String,
    /// What is so, and what to do.
    pub text: String,
    /// Who can, as a role.
    pub owner: &'static str,
    /// By when: a Friday.
    pub by: SchoolDate,
    /// By about how many points the score grows when the part reaches its goal; 0 if it is about safety alone.
    pub adds: u32,
}

/// A partner's readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// First and last day that were measured.
    pub between: (SchoolDate, SchoolDate),
    /// Of 100: the mean of the parts that are measured, by their weights. `None` if none is.
    pub score: Option<u32>,
    /// Every part, measured or not, in their order.
    pub parts: Vec<Part>,
    /// The next three at most.
    pub fixes: Vec<Fix>,
    /// When its newest record was taken, in the days that were measured.
    pub newest: Option<Timestamp>,
    /// True if counts are rounded and details left out.
    pub rounded: bool,
}

/// All that is summed over the days.
#[derive(Default)]
pub(super) struct All {
    pub marks: (u64, u64),
    pub registers: (u64, u64),
    pub receipts: (u64, u64),
    pub records: (u64, u64),
    pub matched: (u64, u64),
    pub mapped: (u64, u64),
    pub mapping: Mapping,
    pub grades: (u64, u64),
    pub slots: (u64, u64),
    pub days: (u64, u64),
    pub delays: Vec<u32>,
    pub missing: BTreeMap<LocalId, u64>,
    pub late: BTreeMap<LocalId, u64>,
    pub refused: BTreeMap<String, u64>,
    pub contested: u64,
    pub out_of_step: u64,
    pub went_back: u64,
    /// Different learners behind marks, registers and grades.
    pub visitors: BTreeSet<u32>,
    pub registered: BTreeSet<u32>,
    pub graded: BTreeSet<u32>,
}

impl All {
    fn lessons(&mut self, sums: &Sums) {
        plus(&mut self.marks, (sums.marks_here, sums.marks_due));
        plus(&mut self.registers, (sums.on_time, sums.registers));
        self.delays.extend(&sums.delays);
        let add = |to: &mut BTreeMap<LocalId, u64>, from: &BTreeMap<LocalId, u64>| {
            from.iter().for_each(|(group, count)| *to.entry(group.clone()).or_default() += count);
        };
        add(&mut self.missing, &sums.missing);
        add(&mut self.late, &sums.late);
        self.visitors.extend(&sums.visitors);
        self.registered.extend(&sums.registered);
    }

    /// True if so few learners stand behind a part that others aren't told of it.
    fn few(&self, what: What) -> bool {
        let learners = match what {
            What::Complete => self.visitors.len(),
            What::OnTime => self.registered.len(),
            What::Grades => self.graded.len(),
            What::Matched => usize::try_from(self.matched.1).unwrap_or(usize::MAX),
            What::TakenIn | What::Mapped | What::Valid | What::Fresh | What::Stable => return false,
        };
        learners < FEWEST
    }

    /// How many were as they should be, of how many.
    pub const fn of(&self, what: What) -> (u64, u64) {
        match what {
            What::Complete => self.marks,
            What::OnTime => self.registers,
            What::TakenIn => self.receipts,
            What::Mapped => self.mapped,
            What::Valid => self.records,
            What::Matched => self.matched,
            What::Grades => self.grades,
            What::Fresh => self.slots,
            What::Stable => self.days,
        }
    }
}

const fn plus(sum: &mut (u64, u64), more: (u64, u64)) {
    sum.0 += more.0;
    sum.1 += more.1;
}

pub(super) fn made(
    site: &Site,
    today: SchoolDate,
    (matching, readers): (Matching, For),
    late_receipts: u64,
) -> Report {
    let all = summed(site, today, matching, late_receipts);
    let rounded = readers == For::Others;
    let parts: Vec<Part> = What::ALL.into_iter().map(|what| part(&all, what, rounded)).collect();
    let weights: u32 = measured(&parts).map(|(what, _)| what.weight()).sum();
    let sum: u32 = measured(&parts).map(|(what, points)| what.weight() * points).sum();
    let score = (weights > 0).then(|| (sum + weights / 2) / weights);
    let first = SchoolDate::from_days(today.days() - DAYS + 1).unwrap_or(today);
    Report {
        between: (first, today),
        score,
        fixes: fixes(&all, &parts, (weights, today), rounded),
        parts,
        newest: site.newest,
        rounded,
    }
}

fn measured(parts: &[Part]) -> impl Iterator<Item = (What, u32)> {
    parts.iter().filter_map(|part| Some((part.what, part.points?)))
}

fn summed(site: &Site, today: SchoolDate, matching: Matching, late_receipts: u64) -> All {
    let mut all = All::default();
    for (day, sums) in site.measured(today) {
        all.lessons(sums);
        if let Some(span) = sums.span {
            plus(&mut all.slots, site.fresh(span));
        }
        let refused: u64 = day.refused.values().sum();
        plus(&mut all.records, (day.taken, day.taken + refused));
        plus(&mut all.receipts, (day.receipts_in_time, day.receipts));
        let on_scale = day.grades.iter().filter(|(_, on_scale)| *on_scale).count();
        plus(&mut all.grades, (on_scale as u64, day.grades.len() as u64));
        all.graded.extend(day.grades.iter().map(|(grade, _)| grade.learner));
        let back: u64 = WENT_BACK.iter().filter_map(|rule| day.refused.get(*rule)).sum();
        let sent = day.taken + refused + day.repeated + day.out_of_step > 0;
        let steady = sent && day.out_of_step == 0 && back == 0;
        plus(&mut all.days, (u64::from(steady), u64::from(sent)));
        all.out_of_step += day.out_of_step;
        all.went_back += back;
        for (rule, count) in &day.refused {
            *all.refused.entry(rule.clone()).or_default() += count;
        }
    }
    plus(&mut all.receipts, (0, late_receipts));
    all.matched = (matching.matched, matching.guests + matching.contested);
    all.contested = matching.contested;
    if let Some(mapping) = matching.mapping {
        all.mapping = mapping;
        all.mapped = (all.records.0, all.records.0 + mapping.kept);
    }
    all.delays.sort_unstable();
    all
}

fn part(all: &All, what: What, rounded: bool) -> Part {
    let numbers = all.of(what);
    let few = rounded && all.few(what);
    let points = (numbers.1 > 0 && !few).then(|| (numbers.0 * 100 / numbers.1) as u32);
    let said = match (numbers.1, few) {
        (0, _) => what.nothing().to_owned(),
        (_, true) => "Too few learners to show to others.".to_owned(),
        _ => words::said(all, what, rounded),
    };
    let numbers = match rounded {
        true if points.is_none() || what == What::Matched => (0, 0),
        true if what == What::Stable => numbers,
        true => (tens(numbers.0), tens(numbers.1)),
        false => numbers,
    };
    Part { what, points, numbers, said }
}

/// A count for whom it isn't their own: to the nearest ten.
pub const fn tens(number: u64) -> u64 {
    (number + 5) / 10 * 10
}

fn fixes(all: &All, parts: &[Part], (weights, today): (u32, SchoolDate), rounded: bool) -> Vec<Fix> {
    let mut fixes: Vec<Fix> = Vec::new();
    for (what, points) in measured(parts) {
        let (good, of) = all.of(what);
        // Nothing is sent about somebody whom nobody has matched, however few they are.
        let unsafe_still = what == What::Matched && good < of;
        if points >= GOAL && !unsafe_still {
            continue;
        }
        let adds = what.weight() * GOAL.saturating_sub(points);
        let (title, text) = words::fix(all, what, rounded);
        let by = friday(today, what.days());
        let adds = if adds == 0 { 0 } else { (adds / weights.max(1)).max(1) };
        fixes.push(Fix { what, title, text, owner: what.owner(), by, adds });
    }
    // Safety first, then what helps most; equal ones in the order of the parts.
    fixes.sort_by_key(|fix| (fix.what != What::Matched, std::cmp::Reverse(fix.adds), fix.what));
    fixes.truncate(FIXES);
    fixes
}

/// The first Friday so many days after a date, or later.
fn friday(today: SchoolDate, after: i32) -> SchoolDate {
    let day = today.days() + after;
    // 2 January 1970 was a Friday.
    SchoolDate::from_days(day + (1 - day).rem_euclid(7)).unwrap_or(today)
}

/// The delay within which this share (in hundredths) of registers was here, in minutes.
pub(super) fn within(delays: &[u32], hundredths: usize) -> Option<u32> {
    let place = (delays.len() * hundredths).div_ceil(100).checked_sub(1)?;
    delays.get(place).copied()
}

/// Minutes after a lesson's end within which a register is on time.
pub(super) const ON_TIME_MINUTES: i64 = ON_TIME / 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_is_due_on_a_friday_with_some_days_to_do_it() {
        let date = |text: &str| text.parse::<SchoolDate>().unwrap();
        assert_eq!(friday(date("2026-11-16"), 2), date("2026-11-20"), "a Monday");
        assert_eq!(friday(date("2026-11-19"), 2), date("2026-11-27"), "a Thursday");
        assert_eq!(friday(date("2026-11-13"), 7), date("2026-11-20"), "a Friday");
    }

    #[test]
    fn half_of_the_registers_are_the_lower_middle_one() {
        assert_eq!(within(&[], 50), None);
        assert_eq!(within(&[0, 3, 7, 200], 50), Some(3));
        assert_eq!(within(&[0, 3, 7, 200], 90), Some(200));
    }
}

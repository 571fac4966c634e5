//! What is remembered of one partner's days: what was due, what came, what was refused, when it was heard.

use super::{Came, DAYS, Due, Entry, FRESH_MINUTES, MINUTE, ON_TIME, TAKEN_IN, day_of};
use crate::progress::FEWEST;
use commonroll_core::{LocalId, SchoolDate, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Minutes of one slot in which a sign of life is noted. Slots are counted from the epoch: a school's day is no day in UTC.
const SLOT: u32 = 5;
const SLOTS: i64 = 24 * 60 / SLOT as i64;
/// Kinds of refusal that are kept apart on a day; more are counted together.
const RULES: usize = 40;
/// Groups of one day at most, and lessons and marks of one group's day: what comes above is not measured.
const GROUPS: usize = 20_000;
const MARKS: usize = 5_000;
/// Grades that are remembered of one day.
const GRADES: usize = 50_000;

/// Marks and lessons of one group on one day.
#[derive(Debug, Clone, Default)]
struct Register {
    due: Vec<Due>,
    came: Vec<Came>,
    /// As they were worked out last, while they hold; only of a day that goes on, so that one mark doesn't work out all of it.
    sums: Option<Box<Sums>>,
    /// The end of its next lesson: they don't hold any more then.
    until: Option<Timestamp>,
}

/// Sums of the lessons of one day.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    pub marks_due: u64,
    pub marks_here: u64,
    pub registers: u64,
    pub on_time: u64,
    /// Delay of each register's first mark after the lesson's end, in minutes; 0 for before it.
    pub delays: Vec<u32>,
    /// Marks missing, and registers late, by group.
    pub missing: BTreeMap<LocalId, u64>,
    pub late: BTreeMap<LocalId, u64>,
    /// Learners behind the marks that were due, and behind the registers that came.
    pub visitors: BTreeSet<u32>,
    pub registered: BTreeSet<u32>,
    /// From the first lesson's start to the last one's end.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.marks_due += other.marks_due;
        self.marks_here += other.marks_here;
        self.registers += other.registers;
        self.on_time += other.on_time;
        self.delays.extend(&other.delays);
        for (to, from) in [(&mut self.missing, &other.missing), (&mut self.late, &other.late)] {
            from.iter().for_each(|(group, count)| *to.entry(group.clone()).or_default() += count);
        }
        self.visitors.extend(&other.visitors);
        self.registered.extend(&other.registered);
        self.spans(other.span);
    }

    fn spans(&mut self, more: Option<(Timestamp, Timestamp)>) {
        let spans = self.span.into_iter().chain(more);
        self.span = spans.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
    }
}

/// One day.
#[derive(Debug, Clone, Default)]
pub(super) struct Day {
    registers: HashMap<LocalId, Register>,
    /// The place of the declaration that holds.
    declared: Option<u64>,
    /// As they were worked out last; true while they still hold, and the end of the next lesson, when they don't any more.
    sums: Sums,
    settled: bool,
    until: Option<Timestamp>,
    pub taken: u64,
    pub repeated: u64,
    pub out_of_step: u64,
    /// Records refused, by rule.
    pub refused: BTreeMap<String, u64>,
    pub receipts: u64,
    pub receipts_in_time: u64,
    /// Grades, and whether they are of a scale that can be compared.
    pub grades: Vec<(Entry, bool)>,
}

/// How tight attendance was on one school day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayMet {
    /// Which.
    pub date: SchoolDate,
    /// Of a hundred marks that were due, so many came, rounded down.
    pub complete: u32,
    /// Of a hundred registers that came, so many came on time, rounded down.
    pub on_time: u32,
    /// True if too few learners stand behind it to show the figures to others.
    pub few: bool,
}

/// What is remembered of a partner.
#[derive(Debug, Clone, Default)]
pub struct Site {
    pub(super) days: BTreeMap<i32, Day>,
    /// Up to which change of learners its days know who was expected.
    learners: u64,
    /// The day that goes on, whose registers keep their sums.
    goes_on: Option<i32>,
    /// Slots in which it was heard.
    heard: BTreeSet<i64>,
    /// When the newest record of it was taken.
    pub(super) newest: Option<Timestamp>,
    /// When it last said anything, a receipt too.
    said: Option<Timestamp>,
}

impl Site {
    fn day(&mut self, day: i32) -> &mut Day {
        self.days.entry(day).or_default()
    }

    /// Learners have changed up to here: where that is further than before, no day holds any more.
    pub(super) fn know(&mut self, learners: u64) {
        if std::mem::replace(&mut self.learners, learners) != learners {
            self.days.values_mut().for_each(Day::unsettle);
        }
    }

    pub(super) fn declared(&mut self, seq: u64, date: SchoolDate, lessons: Vec<Due>) {
        let day = self.day(date.days());
        if day.declared.is_some_and(|held| held > seq) {
            return;
        }
        day.declared = Some(seq);
        day.unsettle();
        day.registers.values_mut().for_each(|register| register.due.clear());
        for due in lessons {
            if day.registers.len() < GROUPS || day.registers.contains_key(&due.group) {
                day.registers.entry(due.group.clone()).or_default().due.push(due);
            }
        }
    }

    pub(super) fn unsettle(&mut self, first: SchoolDate, last: SchoolDate) {
        let touched = first.days()..=last.days();
        if !touched.is_empty() {
            self.days.range_mut(touched).for_each(|(_, day)| day.unsettle());
        }
    }

    pub(super) fn came(&mut self, group: &LocalId, date: SchoolDate, came: Came) {
        let day = self.day(date.days());
        if day.registers.len() >= GROUPS && !day.registers.contains_key(group) {
            return;
        }
        day.settled = false;
        let register = day.registers.entry(group.clone()).or_default();
        register.sums = None;
        if register.came.len() < MARKS {
            register.came.push(came);
        }
    }

    pub(super) fn taken(&mut self, at: Timestamp) {
        self.heard(at);
        self.day(day_of(at)).taken += 1;
        self.newest = self.newest.max(Some(at));
    }

    /// A grade was taken; true if it is one of a scale that can be compared.
    pub fn graded(&mut self, at: Timestamp, grade: Entry, on_scale: bool) {
        let grades = &mut self.day(day_of(at)).grades;
        if grades.len() < GRADES {
            grades.push((grade, on_scale));
        }
    }

    /// Records were refused, by rule, or had come before.
    pub fn refused(&mut self, at: Timestamp, rules: &[(String, u32)], repeated: u32) {
        self.heard(at);
        let day = self.day(day_of(at));
        day.repeated += u64::from(repeated);
        for (rule, count) in rules {
            let known = day.refused.len() < RULES || day.refused.contains_key(rule);
            let rule = if known { rule.clone() } else { "others".to_owned() };
            *day.refused.entry(rule).or_default() += u64::from(*count);
        }
    }

    /// Batches came out of step: a number was left out, or one that was used carried something else.
    pub fn out_of_step(&mut self, at: Timestamp, batches: u64) {
        self.heard(at);
        self.day(day_of(at)).out_of_step += batches;
    }

    /// It said something.
    pub fn heard(&mut self, at: Timestamp) {
        self.heard.insert(slot_of(at));
        self.said = self.said.max(Some(at));
    }

    /// When it last said anything that the log holds, in the days that count.
    pub const fn said(&self) -> Option<Timestamp> {
        self.said
    }

    pub(super) fn receipt(&mut self, accepted: Timestamp, at: Timestamp) {
        self.said = self.said.max(Some(at));
        let day = self.day(day_of(accepted));
        day.receipts += 1;
        day.receipts_in_time += u64::from(at.micros() - accepted.micros() <= TAKEN_IN);
    }

    pub(super) fn gone(&mut self, is: &impl Fn(&Entry) -> bool) {
        for day in self.days.values_mut() {
            day.grades.retain(|(grade, _)| !is(grade));
            for register in day.registers.values_mut() {
                let before = register.came.len();
                register.came.retain(|came| !is(&came.entry));
                if register.came.len() < before {
                    (register.sums, day.settled) = (None, false);
                }
            }
        }
    }

    pub(super) fn drop_before(&mut self, first: i32) {
        if self.days.first_key_value().is_some_and(|(day, _)| *day < first) {
            self.days = self.days.split_off(&first);
        }
        // A school's day may begin on the day before in UTC.
        let slot = i64::from(first - 1) * SLOTS;
        if self.heard.first().is_some_and(|heard| *heard < slot) {
            self.heard = self.heard.split_off(&slot);
        }
        self.newest = self.newest.filter(|at| day_of(*at) >= first);
        self.said = self.said.filter(|at| day_of(*at) >= first);
    }

    /// Works out the sums of days whose facts have changed since, or of which a lesson has ended, so many at most.
    pub(super) fn settle(
        &mut self,
        (today, now): (SchoolDate, Timestamp),
        most: usize,
        mut expected: impl FnMut(&LocalId, SchoolDate, Timestamp) -> Vec<u32>,
    ) -> bool {
        if let Some(before) = self.goes_on.replace(today.days()).filter(|before| *before != today.days())
            && let Some(day) = self.days.get_mut(&before)
        {
            day.registers.values_mut().for_each(|register| register.sums = None);
        }
        // The newest first: that is what people look at.
        let days = self.days.range_mut((today.days() - DAYS + 1)..=today.days()).rev();
        let mut open = days.filter(|(_, day)| !day.settled || day.until.is_some_and(|until| until <= now));
        for (number, day) in open.by_ref().take(most) {
            let Some(date) = SchoolDate::from_days(*number) else { continue };
            day.settle(date, now, *number == today.days(), &mut expected);
        }
        open.next().is_none()
    }

    /// The days that count, with the sums of their lessons.
    pub(super) fn measured(&self, today: SchoolDate) -> impl Iterator<Item = (&Day, &Sums)> {
        self.days.range((today.days() - DAYS + 1)..=today.days()).map(|(_, day)| (day, &day.sums))
    }

    /// The school days of before today that are known, the newest first: those on which marks of visiting learners were due.
    pub fn school_days(&self, today: SchoolDate) -> Vec<DayMet> {
        let days = self.days.range((today.days() - DAYS + 1)..today.days()).rev();
        let met = days.filter(|(_, day)| day.sums.marks_due > 0).filter_map(|(number, day)| {
            let share = |good: u64, of: u64| u32::try_from(good * 100 / of.max(1)).unwrap_or(0);
            Some(DayMet {
                date: SchoolDate::from_days(*number)?,
                complete: share(day.sums.marks_here, day.sums.marks_due),
                on_time: share(day.sums.on_time, day.sums.registers),
                few: day.sums.visitors.len() < FEWEST,
            })
        });
        met.collect()
    }

    /// True if nothing of before today has changed since it was worked out: before that [`Self::school_days`] may leave a day out.
    pub fn is_settled(&self, today: SchoolDate) -> bool {
        self.days.range((today.days() - DAYS + 1)..today.days()).all(|(_, day)| day.settled)
    }

    /// Slots of a stretch in which its newest word was young enough, and all of them.
    pub(super) fn fresh(&self, (from, to): (Timestamp, Timestamp)) -> (u64, u64) {
        let back = i64::from(FRESH_MINUTES / SLOT);
        let slots = slot_of(from)..=slot_of(to.plus_micros(-1)).min(slot_of(from) + SLOTS);
        let young = |slot: &i64| self.heard.range((slot - back + 1)..=*slot).next().is_some();
        let all = slots.clone().count() as u64;
        (slots.filter(young).count() as u64, all)
    }

    /// Records refused in the days that count: rule, how many, and the first and the last day.
    pub fn refusals(&self, today: SchoolDate) -> Vec<(String, u64, (SchoolDate, SchoolDate))> {
        let mut all: BTreeMap<&str, (u64, i32, i32)> = BTreeMap::new();
        for (number, day) in self.days.range((today.days() - DAYS + 1)..=today.days()) {
            for (rule, count) in &day.refused {
                let held = all.entry(rule).or_insert((0, *number, *number));
                (held.0, held.2) = (held.0 + count, *number);
            }
        }
        let dated = |(rule, (count, first, last)): (&str, (u64, i32, i32))| {
            let between = (SchoolDate::from_days(first)?, SchoolDate::from_days(last)?);
            Some((rule.to_owned(), count, between))
        };
        all.into_iter().filter_map(dated).collect()
    }

    /// When the newest record of it was taken, in the days that count.
    pub const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }
}

impl Day {
    fn unsettle(&mut self) {
        self.settled = false;
        self.registers.values_mut().for_each(|register| register.sums = None);
    }

    /// Works out the sums of the registers that have changed, and adds all up. `goes_on` says of a day that more will change.
    fn settle(
        &mut self,
        date: SchoolDate,
        now: Timestamp,
        goes_on: bool,
        expected: &mut impl FnMut(&LocalId, SchoolDate, Timestamp) -> Vec<u32>,
    ) {
        let mut all = Sums::default();
        for (group, register) in &mut self.registers {
            let over = register.until.is_some_and(|until| until <= now);
            let held = register.sums.take().filter(|_| !over);
            let sums = held.unwrap_or_else(|| Box::new(register.sums((group, date), now, expected)));
            all.add(&sums);
            register.until = register.next_end(now);
            register.sums = goes_on.then_some(sums);
        }
        self.sums = all;
        self.until = self.registers.values().filter_map(|register| register.until).min();
        self.settled = true;
    }
}

impl Register {
    fn sums(
        &self,
        (group, date): (&LocalId, SchoolDate),
        now: Timestamp,
        expected: &mut impl FnMut(&LocalId, SchoolDate, Timestamp) -> Vec<u32>,
    ) -> Sums {
        let mut sums = Sums::default();
        for due in self.due.iter().filter(|due| due.time.end() <= now) {
            sums.spans(Some((due.time.start(), due.time.end())));
            let visiting = expected(group, date, due.time.start());
            if !visiting.is_empty() {
                self.sum(due, &visiting, &mut sums);
            }
        }
        sums
    }

    /// When its next lesson ends that isn't over.
    fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.due.iter().map(|due| due.time.end()).filter(|end| *end > now).min()
    }

    fn sum(&self, due: &Due, visiting: &[u32], sums: &mut Sums) {
        let meets = |came: &&Came| came.time.start() < due.time.end() && due.time.start() < came.time.end();
        let came = || self.came.iter().filter(meets);
        let marked: HashSet<u32> = came().map(|came| came.entry.learner).collect();
        let missing = visiting.iter().filter(|who| !marked.contains(who)).count() as u64;
        sums.marks_due += visiting.len() as u64;
        sums.marks_here += visiting.len() as u64 - missing;
        sums.visitors.extend(visiting);
        if missing > 0 {
            *sums.missing.entry(due.group.clone()).or_default() += missing;
        }
        // Corrections change nothing: what counts is when the first mark was here.
        let Some(first) = came().map(|came| came.accepted).min() else { return };
        let delay = first.micros() - due.time.end().micros();
        sums.registers += 1;
        sums.registered.extend(visiting);
        sums.delays.push(u32::try_from(delay.max(0) / MINUTE).unwrap_or(u32::MAX));
        if delay <= ON_TIME {
            sums.on_time += 1;
        } else {
            *sums.late.entry(due.group.clone()).or_default() += 1;
        }
    }
}

const fn slot_of(at: Timestamp) -> i64 {
    at.micros().div_euclid(SLOT as i64 * MINUTE)
}

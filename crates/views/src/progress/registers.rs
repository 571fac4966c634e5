//! Register punctuality and freshness: how soon after a lesson's start, and its end, its first mark is here.
//!
//! It counts registers and not learners, so that nothing of it needs to be hidden: a register says when it came, not what
//! stands in it. Later marks of a lesson and corrections change nothing.

use super::{CourseNumber, key::week_of_days, ledger::day_of};
use commonroll_core::{Interval, Timestamp};
use std::collections::{BTreeMap, HashSet};

/// A register is in time if its first mark is here so soon after the lesson's start, in microseconds.
pub const IN_TIME: i64 = 10 * 60 * 1_000_000;

/// Upper ends of the classes in which delays are counted, in seconds; the last class is open.
pub const CLASSES: [i64; 15] =
    [1, 2, 5, 10, 20, 30, 60, 120, 240, 600, 1_800, 3_600, 14_400, 86_400, 604_800];

/// How registers came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Punctual {
    /// Registers of which something is here.
    pub registers: u64,
    /// First mark here within 10 minutes of the start.
    pub in_time: u64,
    /// First mark here before the lesson's end.
    pub by_end: u64,
    /// By how long after the lesson's end the first mark was here; what came before the end is in the first class.
    delays: [u64; CLASSES.len() + 1],
}

impl Punctual {
    fn add(&mut self, other: &Self) {
        self.registers += other.registers;
        self.in_time += other.in_time;
        self.by_end += other.by_end;
        self.delays.iter_mut().zip(other.delays).for_each(|(sum, more)| *sum += more);
    }

    /// Seconds after the lesson's end within which this share of registers (in hundredths) was here: the upper end of the
    /// class, 0 for before the end. `None` without registers, and beyond a week.
    pub fn within(&self, hundredths: u64) -> Option<i64> {
        if self.registers == 0 {
            return None;
        }
        if self.by_end * 100 >= self.registers * hundredths {
            return Some(0);
        }
        let mut so_far = 0;
        let classes = self.delays.iter().zip(CLASSES);
        for (count, end) in classes {
            so_far += count;
            if so_far * 100 >= self.registers * hundredths {
                return Some(end);
            }
        }
        None
    }
}

/// When registers came; see [`Registers::of`].
#[derive(Debug, Clone, Default)]
pub struct Registers {
    seen: HashSet<(u16, CourseNumber, u64, Timestamp)>,
    weeks: BTreeMap<(u16, i32), Punctual>,
}

impl Registers {
    /// A mark of a lesson of a group came. Only a register's first mark counts.
    pub fn put(
        &mut self,
        host: u16,
        course: CourseNumber,
        group: u64,
        lesson: Interval,
        accepted: Timestamp,
    ) {
        if !self.seen.insert((host, course, group, lesson.start())) {
            return;
        }
        let after = |since: Timestamp| accepted.micros().saturating_sub(since.micros());
        let delay = after(lesson.end()).max(0);
        let at = CLASSES.iter().position(|end| delay <= end * 1_000_000).unwrap_or(CLASSES.len());
        let mut delays = [0; CLASSES.len() + 1];
        delays[at] = 1;
        let in_time = u64::from(after(lesson.start()) <= IN_TIME);
        let by_end = u64::from(accepted <= lesson.end());
        let week = week_of_days(day_of(lesson.start().micros()));
        let one = Punctual { registers: 1, in_time, by_end, delays };
        self.weeks.entry((host, week)).or_default().add(&one);
    }

    /// Lets go of the registers of weeks before this one.
    pub(crate) fn let_go(&mut self, before: i32) {
        let week = |instant: Timestamp| week_of_days(day_of(instant.micros()));
        self.seen.retain(|(.., start)| week(*start) >= before);
        self.weeks.retain(|(_, week), _| *week >= before);
    }

    /// Registers of the hosts and weeks that fit.
    pub fn of(&self, fits: impl Fn(u16, i32) -> bool) -> Punctual {
        let mut sum = Punctual::default();
        let fitting = self.weeks.iter().filter(|((host, week), _)| fits(*host, *week));
        fitting.for_each(|(_, more)| sum.add(more));
        sum
    }

    /// Registers of one host.
    pub fn of_host(&self, host: u16) -> Punctual {
        let mut sum = Punctual::default();
        self.weeks.range((host, i32::MIN)..=(host, i32::MAX)).for_each(|(_, more)| sum.add(more));
        sum
    }

    /// Hosts of which there is any register.
    pub fn hosts(&self) -> Vec<u16> {
        let mut hosts: Vec<u16> = self.weeks.keys().map(|(host, _)| *host).collect();
        hosts.dedup();
        hosts
    }
}

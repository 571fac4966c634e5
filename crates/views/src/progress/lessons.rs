//! Attendance and punctuality: how marks count, and on which days their learners travelled.
//!
//! Each record has one part, which a correction replaces and a withdrawal takes away, at the cost of its learner's few
//! lessons of that day.

use super::{
    About, Key,
    key::week_of_days,
    ledger::{Ledger, day},
};
use commonroll_core::{
    RecordId,
    record::{
        Attendance,
        attendance::{Physical, Statistical},
    },
};
use std::collections::HashMap;

/// What a mark says, as far as figures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// There. Counts as attended.
    Attended {
        /// After the start.
        late: bool,
    },
    /// Due, and not there.
    Missed,
    /// Not due: leaves the denominator.
    NotDue,
    /// The source can't say, or holds it back. Neither present nor absent.
    Unknown,
}

impl Outcome {
    /// How a mark counts. Where a statutory register says so, as the register says; else by what the host saw.
    pub fn of(mark: &Attendance) -> Self {
        let physical = mark.presence.as_ref().map(|presence| presence.physical);
        let late = physical == Some(Physical::Late);
        match mark.register.and_then(|register| register.statistical) {
            Some(Statistical::Attended) => Self::Attended { late },
            Some(Statistical::Authorised | Statistical::Unauthorised) => Self::Missed,
            Some(Statistical::NotCounted) => Self::NotDue,
            None => match physical {
                Some(Physical::Present | Physical::Late) => Self::Attended { late },
                Some(Physical::Absent) => Self::Missed,
                Some(Physical::NotRequired) => Self::NotDue,
                Some(Physical::Unknown) | None => Self::Unknown,
            },
        }
    }

    const fn sums(self) -> [i64; 3] {
        match self {
            Self::Attended { late: false } => [1, 1, 0],
            Self::Attended { late: true } => [1, 1, 1],
            Self::Missed => [1, 0, 0],
            Self::NotDue | Self::Unknown => [0; 3],
        }
    }
}

/// Marks of a host that are not lessons due, so that its own figures can be followed line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Aside {
    /// Marks of a session or a day, without a teaching group.
    pub sessions: i64,
    /// Not required, cancelled, closed.
    pub not_due: i64,
    /// No mark yet, or held back.
    pub unknown: i64,
    /// Records that their source has taken back.
    pub withdrawn: i64,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    host: u16,
    home: Option<u16>,
    learner: u32,
    course: Option<u32>,
    day: i32,
    outcome: Option<Outcome>,
}

/// A learner's day, as far as it moves when a second site comes to it.
type Lesson = (RecordId, Key, [i64; 3]);

/// Lessons due, attended and begun late; see [`Lessons::ledger`].
#[derive(Debug, Clone)]
pub struct Lessons {
    records: HashMap<RecordId, Held>,
    days: HashMap<(u32, i32), Vec<Lesson>>,
    ledger: Ledger<3>,
    aside: HashMap<u16, Aside>,
}

impl Default for Lessons {
    fn default() -> Self {
        Self {
            records: HashMap::new(),
            days: HashMap::new(),
            // Whose lateness alone changes is not one of the many behind a sum of lessons.
            ledger: Ledger::new(|change| change[0] != 0 || change[1] != 0),
            aside: HashMap::new(),
        }
    }
}

impl Lessons {
    /// Takes a record's newest revision; `None` withdraws it.
    pub fn put(&mut self, id: RecordId, about: &About, outcome: Option<Outcome>) {
        let (host, home, learner, course) = (about.host, about.home, about.learner, about.course);
        let now = Held { host, home, learner, course, day: day(about.date), outcome };
        if let Some(before) = self.records.insert(id, now) {
            self.count(id, &before, -1);
        }
        self.count(id, &now, 1);
    }

    pub(crate) fn forget(&mut self, id: RecordId) {
        if let Some(before) = self.records.remove(&id) {
            self.count(id, &before, -1);
        }
    }

    fn count(&mut self, id: RecordId, held: &Held, sign: i64) {
        let aside = self.aside.entry(held.host).or_default();
        let (Some(course), Some(outcome)) = (held.course, held.outcome) else {
            match held.outcome {
                None => aside.withdrawn += sign,
                Some(_) => aside.sessions += sign,
            }
            return;
        };
        match outcome {
            Outcome::NotDue => aside.not_due += sign,
            Outcome::Unknown => aside.unknown += sign,
            Outcome::Attended { .. } | Outcome::Missed => {
                let week = Some(week_of_days(held.day));
                let key =
                    Key { host: Some(held.host), course: Some(course), home: held.home, week, travel: None };
                self.lesson(id, held, key, outcome.sums(), sign);
            }
        }
    }

    /// Adds a lesson to its learner's day or takes it away; if that makes the day a travel day, or one no longer, the
    /// other lessons of the day move with it.
    fn lesson(&mut self, id: RecordId, held: &Held, key: Key, sums: [i64; 3], sign: i64) {
        let lessons = self.days.entry((held.learner, held.day)).or_default();
        let travelled = sites(lessons) > 1;
        let mut moves: Vec<(Key, [i64; 3], bool, bool)> = Vec::new();
        if sign < 0 {
            lessons.retain(|(other, ..)| *other != id);
            moves.push((key, sums.map(|sum| -sum), travelled, travelled));
        }
        if sign > 0 {
            lessons.push((id, key, sums));
        }
        let travels = sites(lessons) > 1;
        if sign > 0 {
            moves.push((key, sums, travels, travels));
        }
        if travels != travelled {
            let others = lessons.iter().filter(|(other, ..)| *other != id);
            moves.extend(others.map(|(_, key, sums)| (*key, *sums, travelled, travels)));
        }
        if lessons.is_empty() {
            self.days.remove(&(held.learner, held.day));
        }
        for (key, sums, from, to) in moves {
            let at = |travel| Key { travel: Some(travel), ..key };
            if from != to {
                self.ledger.add(held.day, at(from), held.learner, sums.map(|sum| -sum));
            }
            self.ledger.add(held.day, at(to), held.learner, sums);
        }
    }

    /// Sums: lessons due, attended, and attended but begun late.
    pub const fn ledger(&self) -> &Ledger<3> {
        &self.ledger
    }

    pub(crate) fn release(&mut self, today: i32) {
        self.ledger.release(today);
    }

    /// What a host's marks say that aren't lessons due.
    pub fn aside(&self, host: u16) -> Aside {
        self.aside.get(&host).copied().unwrap_or_default()
    }
}

/// At how many sites a learner's lessons of a day are.
fn sites(lessons: &[Lesson]) -> usize {
    let first = lessons.first().map(|(_, key, _)| key.host);
    match first {
        None => 0,
        Some(first) if lessons.iter().all(|(_, key, _)| key.host == first) => 1,
        Some(_) => 2,
    }
}

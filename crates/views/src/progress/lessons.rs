//! Attendance and punctuality: how marks count, and on which days their learners travelled.
//!
//! Each record has one part, which a correction replaces and a withdrawal takes away, at the cost of its learner's few
//! lessons of that day. What that takes is kept for each record of two school years, so it is kept small.

use super::{
    About, Key,
    key::week_of_days,
    ledger::{Ledger, day},
};
use crate::ByDay;
use commonroll_core::{
    RecordId,
    record::{
        Attendance,
        attendance::{Physical, Statistical},
    },
};
use std::collections::{BTreeMap, HashMap};

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

/// What a record said. Small, since there are as many as two school years bring.
#[derive(Debug, Clone, Copy)]
struct Held {
    who: Who,
    day: i32,
    outcome: Option<Outcome>,
}

/// Number of a [`Side`].
type Who = u32;

/// Who was taught by whom: what many records share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Side {
    host: u16,
    home: Option<u16>,
    learner: u32,
    course: Option<u32>,
}

/// A learner's lessons of a day on one side, as far as they move when a second site comes to the day.
#[derive(Debug, Clone, Copy)]
struct Cell {
    who: Who,
    host: u16,
    sums: [i32; 3],
}

/// Lessons due, attended and begun late; see [`Lessons::ledger`].
#[derive(Debug, Clone)]
pub struct Lessons {
    records: ByDay<Held>,
    sides: Vec<Side>,
    numbers: HashMap<Side, Who>,
    days: BTreeMap<i32, HashMap<u32, Vec<Cell>>>,
    ledger: Ledger<3>,
    /// By host, and the week that the marks are of.
    aside: BTreeMap<(u16, i32), Aside>,
}

impl Default for Lessons {
    fn default() -> Self {
        Self {
            records: ByDay::default(),
            sides: Vec::new(),
            numbers: HashMap::new(),
            days: BTreeMap::new(),
            // Whose lateness alone changes is not one of the many behind a sum of lessons.
            ledger: Ledger::new(|change| change[0] != 0 || change[1] != 0),
            aside: BTreeMap::new(),
        }
    }
}

impl Lessons {
    /// Takes a record's newest revision; `None` withdraws it.
    pub fn put(&mut self, id: RecordId, about: &About, outcome: Option<Outcome>) {
        let (host, home, learner, course) = (about.host, about.home, about.learner, about.course);
        let who = self.number(Side { host, home, learner, course });
        let now = Held { who, day: day(about.date), outcome };
        if let Some(before) = self.records.insert(id, now) {
            self.count(before, -1);
        }
        self.count(now, 1);
    }

    pub(crate) fn forget(&mut self, id: RecordId) {
        if let Some(before) = self.records.remove(id) {
            self.count(before, -1);
        }
    }

    /// Lets go of everything before a Monday: of the sums, and of what would be needed to correct them.
    pub(crate) fn let_go(&mut self, monday: i32) {
        self.records.let_go(monday);
        self.days = self.days.split_off(&monday);
        let week = week_of_days(monday);
        self.aside.retain(|(_, of), _| *of >= week);
        self.ledger.let_go(week);
    }

    fn number(&mut self, side: Side) -> Who {
        let next = self.sides.len() as Who;
        let number = *self.numbers.entry(side).or_insert(next);
        if number == next {
            self.sides.push(side);
        }
        number
    }

    fn count(&mut self, held: Held, sign: i64) {
        let side = self.sides[held.who as usize];
        let week = week_of_days(held.day);
        let aside = self.aside.entry((side.host, week)).or_default();
        let (Some(_), Some(outcome)) = (side.course, held.outcome) else {
            match held.outcome {
                None => aside.withdrawn += sign,
                Some(_) => aside.sessions += sign,
            }
            return;
        };
        match outcome {
            Outcome::NotDue => aside.not_due += sign,
            Outcome::Unknown => aside.unknown += sign,
            Outcome::Attended { .. } | Outcome::Missed => self.lesson(held, side, outcome.sums(), sign),
        }
    }

    /// Adds a lesson to its learner's day or takes it away; if that makes the day a travel day, or one no longer, the
    /// other lessons of the day move with it.
    fn lesson(&mut self, held: Held, side: Side, sums: [i64; 3], sign: i64) {
        let of_day = self.days.entry(held.day).or_default();
        let cells = of_day.entry(side.learner).or_default();
        let travelled = sites(cells) > 1;
        let at = cells.iter().position(|cell| cell.who == held.who).unwrap_or_else(|| {
            cells.reserve_exact(1);
            cells.push(Cell { who: held.who, host: side.host, sums: [0; 3] });
            cells.len() - 1
        });
        let change = sums.map(|sum| sum * sign);
        cells[at].sums.iter_mut().zip(change).for_each(|(sum, change)| *sum += change as i32);
        // Every lesson here is due: without one, the cell is empty.
        cells.retain(|cell| cell.sums[0] != 0);
        let travels = sites(cells) > 1;
        let own = if sign < 0 { travelled } else { travels };
        let mut moves = vec![(held.who, change, own, own)];
        if travels != travelled {
            // It came to a new site or went from one: the others are at other sites.
            let others = cells.iter().filter(|cell| cell.who != held.who);
            moves.extend(others.map(|cell| (cell.who, cell.sums.map(i64::from), travelled, travels)));
        }
        if cells.is_empty() {
            of_day.remove(&side.learner);
            if of_day.is_empty() {
                self.days.remove(&held.day);
            }
        }
        for (who, sums, from, to) in moves {
            let Side { host, home, learner, course } = self.sides[who as usize];
            let week = Some(week_of_days(held.day));
            let at = |travel| Key { host: Some(host), course, home, week, travel: Some(travel) };
            if from != to {
                self.ledger.add(held.day, at(from), learner, sums.map(|sum| -sum));
            }
            self.ledger.add(held.day, at(to), learner, sums);
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
        let weeks = self.aside.range((host, i32::MIN)..=(host, i32::MAX));
        weeks.fold(Aside::default(), |sum, (_, week)| Aside {
            sessions: sum.sessions + week.sessions,
            not_due: sum.not_due + week.not_due,
            unknown: sum.unknown + week.unknown,
            withdrawn: sum.withdrawn + week.withdrawn,
        })
    }
}

/// At how many sites a learner's lessons of a day are.
fn sites(cells: &[Cell]) -> usize {
    match cells.first() {
        None => 0,
        Some(first) if cells.iter().all(|cell| cell.host == first.host) => 1,
        Some(_) => 2,
    }
}

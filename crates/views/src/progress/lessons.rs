//! Attendance and punctuality: how marks count, and on which days their learners travelled.
//!
//! Each record has one part, which a correction replaces and a withdrawal takes away, at the cost of its learner's few
//! lessons of that day. What that takes is kept for each record of two school years, so it is kept small, and of days that
//! nothing touches not in memory.

use super::{About, Key, key::week_of_days, ledger::Ledger};
use crate::by_day::{ByDay, Packed, Shelf};
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

/// Where a record stands in the log, and at which revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// In two halves, which lie closer together than a whole.
    seq: [u32; 2],
    /// Its newest revision.
    pub revision: u32,
}

impl Standing {
    /// At a place from 0.
    pub const fn new(seq: u64, revision: u32) -> Self {
        Self { seq: [(seq >> 32) as u32, seq as u32], revision }
    }

    /// Its place, from 0.
    pub const fn seq(self) -> u64 {
        (self.seq[0] as u64) << 32 | self.seq[1] as u64
    }
}

/// What a record said. Small, since there are as many as two school years bring.
#[derive(Debug, Clone, Copy)]
struct Held {
    standing: Standing,
    who: Who,
    outcome: Option<Outcome>,
}

impl Packed for Held {
    const BYTES: usize = 17;

    fn pack(&self, to: &mut Vec<u8>) {
        let [high, low] = self.standing.seq;
        [high, low, self.standing.revision, self.who].iter().for_each(|part| to.extend(part.to_le_bytes()));
        to.push(match self.outcome {
            None => 0,
            Some(Outcome::Attended { late: false }) => 1,
            Some(Outcome::Attended { late: true }) => 2,
            Some(Outcome::Missed) => 3,
            Some(Outcome::NotDue) => 4,
            Some(Outcome::Unknown) => 5,
        });
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        let part = |at: usize| Some(u32::from_le_bytes(from.get(at..at + 4)?.try_into().ok()?));
        let standing = Standing { seq: [part(0)?, part(4)?], revision: part(8)? };
        let outcome = match from.get(16)? {
            0 => None,
            1 => Some(Outcome::Attended { late: false }),
            2 => Some(Outcome::Attended { late: true }),
            3 => Some(Outcome::Missed),
            4 => Some(Outcome::NotDue),
            5 => Some(Outcome::Unknown),
            _ => return None,
        };
        Some(Self { standing, who: part(12)?, outcome })
    }

    fn place(&self) -> u64 {
        self.standing.seq()
    }
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

impl Side {
    /// The sums of a lesson due; `None` for what is none.
    fn lesson(&self, outcome: Option<Outcome>) -> Option<[i64; 3]> {
        self.course?;
        match outcome? {
            Outcome::NotDue | Outcome::Unknown => None,
            lesson @ (Outcome::Attended { .. } | Outcome::Missed) => Some(lesson.sums()),
        }
    }
}

/// A learner's lessons of a day on one side, as far as they move when a second site comes to the day.
#[derive(Debug, Clone, Copy)]
struct Cell {
    who: Who,
    host: u16,
    sums: [i32; 3],
}

/// Lessons due, attended and begun late; see [`Lessons::ledger`].
#[derive(Debug)]
pub struct Lessons {
    records: ByDay<Held>,
    sides: Vec<Side>,
    numbers: HashMap<Side, Who>,
    /// Of the days whose records are in memory, by learner.
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
    /// Keeps about so many records in memory, and the days that were not touched for longest on a shelf.
    pub(crate) fn on(shelf: Box<dyn Shelf>, room: usize) -> Self {
        Self { records: ByDay::on(shelf, room), ..Self::default() }
    }

    /// False once something that was laid on the shelf could not be read again: sums aren't right any more.
    pub const fn is_sound(&self) -> bool {
        self.records.is_sound()
    }

    /// Takes a record's revision, unless a newer one is here; `None` withdraws it. True if it was taken.
    pub fn put(&mut self, id: RecordId, standing: Standing, about: &About, outcome: Option<Outcome>) -> bool {
        if self.records.get(id).is_some_and(|held| held.standing.revision > standing.revision) {
            self.settle();
            return false;
        }
        self.open(id.days());
        let (host, home, learner, course) = (about.host, about.home, about.learner, about.course);
        let who = self.number(Side { host, home, learner, course });
        let now = Held { standing, who, outcome };
        if let Some(before) = self.records.insert(id, now) {
            self.count(id.days(), before, -1);
        }
        self.count(id.days(), now, 1);
        self.settle();
        true
    }

    /// Forgets the records whose places fit; `may` says of the first and the last place of many whether any can. Their parts
    /// go from the sums.
    pub(crate) fn forget(&mut self, may: impl Fn((u64, u64)) -> bool, fits: impl Fn(u64) -> bool) {
        self.records
            .find(may, |_, held| fits(held.standing.seq()))
            .into_iter()
            .for_each(|id| self.forget_one(id, u32::MAX));
    }

    /// Forgets a record if its revision is below this one.
    pub(crate) fn forget_one(&mut self, id: RecordId, below: u32) {
        if self.records.get(id).is_some_and(|held| held.standing.revision < below) {
            self.open(id.days());
            if let Some(before) = self.records.remove(id) {
                self.count(id.days(), before, -1);
            }
        }
        self.settle();
    }

    /// Lets go of everything before a Monday: of the sums, and of what would be needed to correct them.
    pub(crate) fn let_go(&mut self, monday: i32) {
        self.records.let_go(monday);
        self.days = self.days.split_off(&monday);
        let week = week_of_days(monday);
        self.aside.retain(|(_, of), _| *of >= week);
        self.ledger.let_go(week);
    }

    /// A day's lessons by learner, as its records say, before anything of it changes.
    fn open(&mut self, day: i32) {
        if self.days.contains_key(&day) {
            return;
        }
        let mut of_day: HashMap<u32, Vec<Cell>> = HashMap::new();
        for held in self.records.of(day) {
            let side = self.sides[held.who as usize];
            if let Some(sums) = side.lesson(held.outcome) {
                add(of_day.entry(side.learner).or_default(), (held.who, side.host), sums);
            }
        }
        self.days.insert(day, of_day);
    }

    fn settle(&mut self) {
        for day in self.records.settle() {
            self.days.remove(&day);
        }
    }

    fn number(&mut self, side: Side) -> Who {
        let next = self.sides.len() as Who;
        let number = *self.numbers.entry(side).or_insert(next);
        if number == next {
            self.sides.push(side);
        }
        number
    }

    fn count(&mut self, day: i32, held: Held, sign: i64) {
        let side = self.sides[held.who as usize];
        if let Some(sums) = side.lesson(held.outcome) {
            return self.lesson(day, held.who, sums.map(|sum| sum * sign));
        }
        let aside = self.aside.entry((side.host, week_of_days(day))).or_default();
        match (side.course, held.outcome) {
            (_, None) => aside.withdrawn += sign,
            (Some(_), Some(Outcome::NotDue)) => aside.not_due += sign,
            (Some(_), Some(Outcome::Unknown)) => aside.unknown += sign,
            (_, Some(_)) => aside.sessions += sign,
        }
    }

    /// Adds a lesson to its learner's day or takes it away; if that makes the day a travel day, or one no longer, the
    /// other lessons of the day move with it.
    fn lesson(&mut self, day: i32, who: Who, change: [i64; 3]) {
        let side = self.sides[who as usize];
        let of_day = self.days.entry(day).or_default();
        let cells = of_day.entry(side.learner).or_default();
        let travelled = sites(cells) > 1;
        add(cells, (who, side.host), change);
        // Every lesson here is due: without one, the cell is empty.
        cells.retain(|cell| cell.sums[0] != 0);
        let travels = sites(cells) > 1;
        let own = if change[0] < 0 { travelled } else { travels };
        let mut moves = vec![(who, change, own, own)];
        if travels != travelled {
            // It came to a new site or went from one: the others are at other sites.
            let others = cells.iter().filter(|cell| cell.who != who);
            moves.extend(others.map(|cell| (cell.who, cell.sums.map(i64::from), travelled, travels)));
        }
        if cells.is_empty() {
            of_day.remove(&side.learner);
        }
        for (who, sums, from, to) in moves {
            let Side { host, home, learner, course } = self.sides[who as usize];
            let week = Some(week_of_days(day));
            let at = |travel| Key { host: Some(host), course, home, week, travel: Some(travel) };
            if from != to {
                self.ledger.add(day, at(from), learner, sums.map(|sum| -sum));
            }
            self.ledger.add(day, at(to), learner, sums);
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

/// Adds to a learner's lessons of a day.
fn add(cells: &mut Vec<Cell>, (who, host): (Who, u16), change: [i64; 3]) {
    let at = cells.iter().position(|cell| cell.who == who).unwrap_or_else(|| {
        cells.reserve_exact(1);
        cells.push(Cell { who, host, sums: [0; 3] });
        cells.len() - 1
    });
    cells[at].sums.iter_mut().zip(change).for_each(|(sum, change)| *sum += change as i32);
}

/// At how many sites a learner's lessons of a day are.
fn sites(cells: &[Cell]) -> usize {
    match cells.first() {
        None => 0,
        Some(first) if cells.iter().all(|cell| cell.host == first.host) => 1,
        Some(_) => 2,
    }
}

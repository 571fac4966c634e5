//! What came from each partner, by code, scale and kind: counts that follow corrections, withdrawals and erasures.
//!
//! Of a record the highest revision counts, whichever comes last. No name and no mark of anybody is kept: only whose row it is,
//! as a number, so that rows behind which few learners stand can be hidden.

use crate::progress::FEWEST;
use commonroll_core::{
    RecordId, SchoolDate,
    record::{assessment::GradeKind, attendance::Physical},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// Days for which marks count, and for which grades do: a school year's collections lie far apart.
pub const MARK_DAYS: i32 = 28;
/// See [`MARK_DAYS`].
pub const GRADE_DAYS: i32 = 200;
/// Different rows of one partner at most; what comes above is not compared.
const ROWS: usize = 2_000;

/// What rows are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// A mark: its code set and code, and what it says.
    Mark {
        /// Code set.
        set: String,
        /// Code.
        code: String,
        /// What the partner's agent made of it.
        means: Means,
    },
    /// A grade.
    Grade {
        /// What it claims.
        kind: Kind,
        /// Scale.
        scale: String,
        /// Version of the scale.
        version: String,
        /// Subject, in the partner's words.
        subject: String,
        /// How it could be read.
        read: Read,
    },
}

/// A mark's physical axis, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Means {
    /// In the room.
    Present,
    /// In the room, late.
    Late,
    /// Not in the room.
    Absent,
    /// Nothing to attend.
    NotRequired,
    /// Can't say.
    Unknown,
}

impl From<Physical> for Means {
    fn from(physical: Physical) -> Self {
        match physical {
            Physical::Present => Self::Present,
            Physical::Late => Self::Late,
            Physical::Absent => Self::Absent,
            Physical::NotRequired => Self::NotRequired,
            Physical::Unknown => Self::Unknown,
        }
    }
}

impl Means {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Late => "late",
            Self::Absent => "absent",
            Self::NotRequired => "not required",
            Self::Unknown => "not known",
        }
    }
}

/// A grade's kind, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(pub GradeKind);

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0 as u8).cmp(&(other.0 as u8))
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Kind {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self.0 {
            GradeKind::Prior => "prior attainment",
            GradeKind::MinimumTarget => "minimum target",
            GradeKind::TeacherTarget => "teacher’s target",
            GradeKind::WorkingAt => "working at",
            GradeKind::Predicted => "predicted",
            GradeKind::Mock => "mock",
            GradeKind::Effort => "effort",
            GradeKind::Final => "final",
            GradeKind::Assignment => "single piece of work",
        }
    }
}

/// How a grade could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// A grade of its scale.
    Known,
    /// The scale is known, and this is no grade of it.
    NotOnScale,
    /// Nobody knows the scale.
    NoScale,
    /// No grade: ungraded, pending, withheld, blank.
    Missing,
}

/// One record, as it came.
pub struct Came {
    /// Its place in the log.
    pub seq: u64,
    /// Which record.
    pub id: RecordId,
    /// At which revision.
    pub revision: u32,
    /// Who sent it.
    pub source: u16,
    /// About whom.
    pub learner: u32,
    /// Its school date.
    pub date: SchoolDate,
    /// By what it is counted; `None` for what its source took back, or left nothing open of.
    pub row: Option<Row>,
    /// What piece of work it is a result of: of the same learner, subject, title, set and kind.
    pub piece: Option<u64>,
}

impl Came {
    /// A number for a piece of work.
    pub fn piece(learner: u32, parts: &[&str]) -> u64 {
        let mut hasher = DefaultHasher::new();
        (learner, parts).hash(&mut hasher);
        hasher.finish()
    }
}

struct Held {
    seq: u64,
    revision: u32,
    source: u16,
    learner: u32,
    date: i32,
    row: Option<Arc<Row>>,
    piece: Option<u64>,
}

/// What is counted of one row.
#[derive(Debug, Default)]
pub struct Tally {
    rows: u64,
    /// Rows of each learner, of all days.
    of: HashMap<u32, u32>,
    /// Rows of each learner, by day.
    days: BTreeMap<i32, HashMap<u32, u32>>,
}

impl Tally {
    /// How many there are.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// How many there are since a day, and of whom.
    pub fn since(&self, day: SchoolDate) -> (u64, Crowd) {
        let of = self.days.range(day.days()..).flat_map(|(_, of)| of);
        of.fold((0, Crowd::default()), |(rows, mut learners), (learner, more)| {
            learners.add([*learner]);
            (rows + u64::from(*more), learners)
        })
    }

    /// First and last day.
    pub fn between(&self) -> Option<(SchoolDate, SchoolDate)> {
        let day = |day: Option<(&i32, _)>| day.and_then(|(day, _)| SchoolDate::from_days(*day));
        Some((day(self.days.first_key_value())?, day(self.days.last_key_value())?))
    }

    /// Who stands behind it, by number; each once.
    pub fn learners(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.of.keys().copied()
    }

    fn count(&mut self, learner: u32, day: i32) {
        self.rows += 1;
        *self.of.entry(learner).or_default() += 1;
        *self.days.entry(day).or_default().entry(learner).or_default() += 1;
    }

    fn discount(&mut self, learner: u32, day: i32) {
        let Some(of) = self.days.get_mut(&day) else { return };
        let Some(rows) = of.get_mut(&learner) else { return };
        (self.rows, *rows) = (self.rows - 1, *rows - 1);
        if *rows == 0 {
            of.remove(&learner);
        }
        if let hash_map::Entry::Occupied(mut all) = self.of.entry(learner) {
            *all.get_mut() -= 1;
            if *all.get() == 0 {
                all.remove();
            }
        }
        if of.is_empty() {
            self.days.remove(&day);
        }
    }
}

/// Learners behind some rows, as far as anybody asks of them: whether they are too few to be told of. Whoever comes above that
/// is not kept, so that adding up a whole consortium costs no more than its rows.
#[derive(Debug, Clone, Default)]
pub struct Crowd(HashSet<u32>);

impl Crowd {
    /// Some more; each counts once.
    pub fn add(&mut self, learners: impl IntoIterator<Item = u32>) {
        let mut learners = learners.into_iter();
        while self.is_few()
            && let Some(learner) = learners.next()
        {
            self.0.insert(learner);
        }
    }

    /// Those of another besides.
    pub fn join(&mut self, other: &Self) {
        self.add(other.0.iter().copied());
    }

    /// True if they are too few to be told of.
    pub fn is_few(&self) -> bool {
        self.0.len() < FEWEST
    }
}

/// Results of a piece of work: whose it is, and how many.
#[derive(Debug, Clone, Copy)]
struct Piece {
    learner: u32,
    results: u32,
}

/// Pieces of work, and who stands behind those with one result and those with several.
#[derive(Debug, Default)]
pub struct Pieces {
    /// How many have one result, and of whom.
    pub one: (u64, Crowd),
    /// How many have several, and of whom.
    pub several: (u64, Crowd),
}

/// What came from all partners.
#[derive(Default)]
pub struct Traffic {
    held: HashMap<RecordId, Held>,
    /// Whose day it is: of grades, and of all else.
    grades: BTreeMap<i32, Vec<RecordId>>,
    marks: BTreeMap<i32, Vec<RecordId>>,
    rows: BTreeMap<u16, BTreeMap<Arc<Row>, Tally>>,
    pieces: HashMap<u16, HashMap<u64, Piece>>,
}

impl Traffic {
    /// Takes a record, unless a higher revision of it is known.
    pub fn came(&mut self, came: Came) {
        if self.held.get(&came.id).is_some_and(|held| held.revision > came.revision) {
            return;
        }
        self.drop_one(came.id);
        let day = came.date.days();
        let row = came.row.and_then(|row| self.row(came.source, row));
        if let Some(row) = &row {
            let tally = self.rows.entry(came.source).or_default().entry(row.clone()).or_default();
            tally.count(came.learner, day);
        }
        let piece = came.piece.filter(|_| row.is_some());
        if let Some(piece) = piece {
            let of = Piece { learner: came.learner, results: 0 };
            let pieces = self.pieces.entry(came.source).or_default();
            pieces.entry(piece).or_insert(of).results += 1;
        }
        let days = match row.as_deref() {
            Some(Row::Grade { .. }) => &mut self.grades,
            Some(Row::Mark { .. }) | None => &mut self.marks,
        };
        days.entry(day).or_default().push(came.id);
        let held = Held {
            seq: came.seq,
            revision: came.revision,
            source: came.source,
            learner: came.learner,
            date: day,
            row,
            piece,
        };
        self.held.insert(came.id, held);
    }

    /// The row as it is kept; `None` above the bound.
    fn row(&self, source: u16, row: Row) -> Option<Arc<Row>> {
        let Some(rows) = self.rows.get(&source) else { return Some(Arc::new(row)) };
        match rows.get_key_value(&row) {
            Some((kept, _)) => Some(kept.clone()),
            None if rows.len() < ROWS => Some(Arc::new(row)),
            None => None,
        }
    }

    fn drop_one(&mut self, id: RecordId) {
        let Some(held) = self.held.remove(&id) else { return };
        if let Some(row) = &held.row
            && let Some(rows) = self.rows.get_mut(&held.source)
            && let Some(tally) = rows.get_mut(row)
        {
            tally.discount(held.learner, held.date);
            if tally.days.is_empty() {
                rows.remove(row);
            }
        }
        if let Some(piece) = held.piece
            && let Some(pieces) = self.pieces.get_mut(&held.source)
            && let hash_map::Entry::Occupied(mut counted) = pieces.entry(piece)
        {
            counted.get_mut().results -= 1;
            if counted.get().results == 0 {
                counted.remove();
            }
        }
    }

    /// Forgets records whose place in the log may not be used any more.
    pub fn forget(&mut self, gone: impl Fn(u64) -> bool) {
        let of: Vec<RecordId> =
            self.held.iter().filter(|(_, held)| gone(held.seq)).map(|(id, _)| *id).collect();
        of.into_iter().for_each(|id| self.drop_one(id));
    }

    /// Forgets a record's revisions below one.
    pub fn hide(&mut self, id: RecordId, below: u32) {
        if self.held.get(&id).is_some_and(|held| held.revision < below) {
            self.drop_one(id);
        }
    }

    /// Lets go of what is too old to count.
    pub fn tick(&mut self, today: SchoolDate) {
        for (grades, most) in [(true, GRADE_DAYS), (false, MARK_DAYS)] {
            let days = if grades { &mut self.grades } else { &mut self.marks };
            let young = days.split_off(&(today.days() - most));
            let old = std::mem::replace(days, young);
            for (day, ids) in old {
                for id in ids {
                    let there = self.held.get(&id).is_some_and(|held| {
                        held.date == day && matches!(held.row.as_deref(), Some(Row::Grade { .. })) == grades
                    });
                    if there {
                        self.drop_one(id);
                    }
                }
            }
        }
    }

    /// The rows of a partner.
    pub fn rows_of(&self, source: u16) -> impl Iterator<Item = (&Row, &Tally)> {
        self.rows.get(&source).into_iter().flatten().map(|(row, tally)| (row.as_ref(), tally))
    }

    /// Pieces of work of a partner.
    pub fn pieces_of(&self, source: u16) -> Pieces {
        let mut pieces = Pieces::default();
        for piece in self.pieces.get(&source).into_iter().flat_map(HashMap::values) {
            let (count, learners) = if piece.results > 1 { &mut pieces.several } else { &mut pieces.one };
            *count += 1;
            learners.add([piece.learner]);
        }
        pieces
    }
}

//! Grade against target: working-at less minimum target, in grades, where the two can be compared at all.
//!
//! They can if both are whole grades of one scale in one version, whose points are known from a source and not by guess.
//! Everything else is not comparable, for a reason that is counted as such and never as zero.

use super::{
    About, Key,
    ledger::{Ledger, day},
};
use commonroll_core::{
    RecordId, SchoolDate,
    confidence::Confidence,
    grades::{Grade, Scale, Value, find, parse_grade},
    record::assessment::{GradeKind, GradeValue, ResultGiven},
};
use std::collections::HashMap;

/// A grade as far as comparing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// A whole grade: its scale's number and its rank.
    Whole(u32, i16),
    /// A grade that has no points, or only guessed ones: split, fine, a number, or not on its scale.
    NoPoints,
    /// Pending, withheld, ungraded, not assessed.
    NoGrade,
}

/// Why a learner's grades on a course are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Apart {
    /// There is no minimum target, or no working-at grade.
    OneMissing = 0,
    /// The two are on different scales or versions.
    OtherScale = 1,
    /// One has no points that are known: a split or fine grade, a mark, or a grade that its scale doesn't have.
    NoPoints = 2,
    /// One says why there is no grade: pending, withheld, ungraded.
    NoGrade = 3,
}

/// What comes of a learner's grades on a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Compared(i64),
    Apart(Apart),
}

/// Learners compared; grades of gap in sum; learners below, on and above target.
pub type GapSums = [i64; 5];
/// Learners not compared, by [`Apart`].
pub type ApartSums = [i64; 4];

#[derive(Debug, Clone, Copy)]
struct Held {
    id: RecordId,
    date: SchoolDate,
    order: u64,
    kind: GradeKind,
    read: Read,
}

#[derive(Debug, Clone, Default)]
struct OfLearner {
    home: Option<u16>,
    grades: Vec<Held>,
    said: Option<(i32, Key, Standing)>,
}

/// Grades against targets; see [`Gaps::compared`] and [`Gaps::apart`].
#[derive(Debug, Clone)]
pub struct Gaps {
    scales: Vec<(String, String)>,
    records: HashMap<RecordId, (u16, u32, u32)>,
    learners: HashMap<(u16, u32, u32), OfLearner>,
    compared: Ledger<5>,
    apart: Ledger<4>,
    order: u64,
}

impl Default for Gaps {
    fn default() -> Self {
        Self {
            scales: Vec::new(),
            records: HashMap::new(),
            learners: HashMap::new(),
            compared: Ledger::new(|change| *change != [0; 5]),
            apart: Ledger::new(|change| *change != [0; 4]),
            order: 0,
        }
    }
}

impl Gaps {
    /// Takes a result's newest revision; `None` withdraws it. Kinds other than working-at and minimum target, and results
    /// without a course, change nothing.
    pub fn put(&mut self, id: RecordId, about: &About, result: Option<&ResultGiven>) {
        self.forget(id);
        let matters =
            |result: &&ResultGiven| matches!(result.kind, GradeKind::WorkingAt | GradeKind::MinimumTarget);
        let (Some(course), Some(result)) = (about.course, result.filter(matters)) else { return };
        self.order += 1;
        let (order, read) = (self.order, self.read(result));
        let at = (about.host, course, about.learner);
        self.records.insert(id, at);
        let learner = self.learners.entry(at).or_default();
        learner.home = about.home;
        learner.grades.push(Held { id, date: about.date, order, kind: result.kind, read });
        self.settle(at);
    }

    pub(crate) fn forget(&mut self, id: RecordId) {
        let Some(before) = self.records.remove(&id) else { return };
        if let Some(held) = self.learners.get_mut(&before) {
            held.grades.retain(|grade| grade.id != id);
        }
        self.settle(before);
    }

    fn read(&mut self, result: &ResultGiven) -> Read {
        let GradeValue::Given(text) = &result.value else { return Read::NoGrade };
        let scale = find(&result.scale_id, &result.scale_version);
        let grade = scale.as_deref().and_then(|scale| Some((scale, parse_grade(scale, text).ok()?)));
        let Some((scale, grade)) = grade else { return Read::NoPoints };
        match rank(scale, &grade) {
            Some(rank) => Read::Whole(self.scale_number(scale), rank),
            None if matches!(grade.value(), Value::Special(_)) => Read::NoGrade,
            None => Read::NoPoints,
        }
    }

    fn scale_number(&mut self, scale: &Scale) -> u32 {
        let is_it = |held: &(String, String)| held.0 == scale.id() && held.1 == scale.version();
        let at = self.scales.iter().position(is_it).unwrap_or_else(|| {
            self.scales.push((scale.id().to_owned(), scale.version().to_owned()));
            self.scales.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Works out what a learner's grades on a course say now, and notes the difference.
    fn settle(&mut self, at: (u16, u32, u32)) {
        let Some(learner) = self.learners.get_mut(&at) else { return };
        let newest = |kind| {
            learner.grades.iter().filter(|held| held.kind == kind).max_by_key(|held| (held.date, held.order))
        };
        let pair = (newest(GradeKind::WorkingAt), newest(GradeKind::MinimumTarget));
        let date = learner.grades.iter().map(|held| held.date).max();
        let now = date.map(|date| {
            let key = Key { host: Some(at.0), course: Some(at.1), home: learner.home, ..Key::default() };
            (day(date), key, compare(pair.0.map(|held| held.read), pair.1.map(|held| held.read)))
        });
        let before = std::mem::replace(&mut learner.said, now);
        if learner.grades.is_empty() {
            self.learners.remove(&at);
        }
        if before == now {
            return;
        }
        // Both of a change wait together, so that what was said before can't be told from what is said now.
        let together = before.map_or(i32::MIN, |(day, ..)| day).max(now.map_or(i32::MIN, |(day, ..)| day));
        for (said, sign) in [(before, -1), (now, 1)] {
            match said {
                Some((_, key, Standing::Compared(gap))) => {
                    let side = |is: bool| i64::from(is) * sign;
                    let sums = [sign, gap * sign, side(gap < 0), side(gap == 0), side(gap > 0)];
                    self.compared.add(together, key, at.2, sums);
                }
                Some((_, key, Standing::Apart(why))) => {
                    let mut sums = [0; 4];
                    sums[why as usize] = sign;
                    self.apart.add(together, key, at.2, sums);
                }
                None => {}
            }
        }
    }

    /// Learners on a course whose grades can be compared.
    pub const fn compared(&self) -> &Ledger<5> {
        &self.compared
    }

    /// Learners on a course whose grades can't.
    pub const fn apart(&self) -> &Ledger<4> {
        &self.apart
    }

    pub(crate) fn release(&mut self, today: i32) {
        self.compared.release(today);
        self.apart.release(today);
    }
}

/// A whole grade's rank, if its points are known in either system.
fn rank(scale: &Scale, grade: &Grade) -> Option<i16> {
    let known = [grade.points_dfe(), grade.points_ucas()];
    let sourced = known.into_iter().flatten().any(|points| points.confidence != Confidence::Knowledge);
    let whole = matches!(grade.value(), Value::Whole(_)) && scale.ordered() && sourced;
    // A whole grade's rank is a count of rows.
    grade.rank().filter(|_| whole).map(|rank| rank as i16)
}

fn compare(working: Option<Read>, target: Option<Read>) -> Standing {
    match (working, target) {
        (None, _) | (_, None) => Standing::Apart(Apart::OneMissing),
        (Some(Read::NoGrade), _) | (_, Some(Read::NoGrade)) => Standing::Apart(Apart::NoGrade),
        (Some(Read::NoPoints), _) | (_, Some(Read::NoPoints)) => Standing::Apart(Apart::NoPoints),
        (Some(Read::Whole(a, _)), Some(Read::Whole(b, _))) if a != b => Standing::Apart(Apart::OtherScale),
        (Some(Read::Whole(_, now)), Some(Read::Whole(_, goal))) => {
            Standing::Compared(i64::from(now) - i64::from(goal))
        }
    }
}

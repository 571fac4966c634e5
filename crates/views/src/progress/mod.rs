//! Progress: attendance, punctuality, grade against target, retention, and how soon registers come, by course, site, home
//! and week, and on travel days.
//!
//! A fold: records and placements come in one at a time, each in its newest revision, and sums move by what changed. What
//! may be shown is cut to [`FEWEST`] learners in `ledger`; names, and who may look, are not known here.

pub mod definitions;
mod gaps;
mod key;
mod ledger;
mod lessons;
mod places;
mod registers;
mod table;

pub use gaps::{Apart, ApartSums, GapSums, Gaps};
pub use key::{CourseNumber, Key, monday, week_of};
pub use ledger::{FEWEST, Ledger};
pub use lessons::{Aside, Lessons, Outcome, Standing};
pub use places::{KeptSums, Place, PlaceNumber, Places};
pub use registers::{CLASSES, IN_TIME, Punctual, Registers};
pub use table::{Attended, Bridge, Figures, Gap, Kept, Scope, Seen};

use crate::by_day::Shelf;
use commonroll_core::{Interval, RecordId, SchoolDate, Timestamp, record::assessment::ResultGiven};

/// What a record or placement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct About {
    /// The institution that teaches: the record's source.
    pub host: u16,
    /// The learner's home; `None` while it isn't settled.
    pub home: Option<u16>,
    /// The learner, by the hub's own number.
    pub learner: u32,
    /// The course; `None` for what isn't about a teaching group.
    pub course: Option<CourseNumber>,
    /// The school date.
    pub date: SchoolDate,
}

/// One attendance mark at its newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// How it counts.
    pub outcome: Outcome,
    /// The lesson, if its source gave a time, and a number of the group.
    pub lesson: Option<(u64, Interval)>,
}

/// How long between two releases, at most as often as this: one hour, in microseconds.
const RELEASE_EVERY: i64 = 3_600_000_000;

/// Marks that are kept in memory where there is a [`Shelf`] for the others: some school days of many learners.
const ROOM: usize = 100_000;

/// Changes of lessons that wait for the hour; above, what can be published is, so that a term that is sent at once isn't held
/// in memory. By the order of the log alone, too.
const WAITING: usize = 50_000;

/// All of it.
#[derive(Debug, Default)]
pub struct Progress {
    lessons: Lessons,
    gaps: Gaps,
    places: Places,
    registers: Registers,
    /// The hour that has begun, and how many releases there were.
    hour: i64,
    releases: u64,
    newest: Option<Timestamp>,
    /// The Monday with which the figures of lessons begin, in days since 1970.
    begins: i32,
    /// Changes that waited after the last time that there were too many: as many again may come before the next.
    waited: usize,
}

/// The Monday of the week of 1 August with which the last school year began: what is older is in no figure. Days since
/// 1970, like `today`.
fn first_monday(today: i32) -> i32 {
    let begin = SchoolDate::from_days(today).and_then(|today| {
        let civil = today.civil();
        let year = if civil.month() >= 8 { civil.year() - 1 } else { civil.year() - 2 };
        let august = civil.with().year(year).month(8).day(1).build().ok()?;
        monday(week_of(SchoolDate::from_civil(august)))
    });
    begin.map_or(i32::MIN, SchoolDate::days)
}

impl Progress {
    /// Nothing yet. Days whose marks nothing touches are laid on the shelf; what is said is the same.
    pub fn on(shelf: Box<dyn Shelf>) -> Self {
        Self::with_room(shelf, ROOM)
    }

    /// The same with room for so many marks in memory.
    pub fn with_room(shelf: Box<dyn Shelf>, room: usize) -> Self {
        Self { lessons: Lessons::on(shelf, room), ..Self::default() }
    }

    /// False once something that was laid on the shelf could not be read again: what is said isn't right any more.
    pub const fn is_sound(&self) -> bool {
        self.lessons.is_sound()
    }

    /// The log is at this time: called with each entry's own time, before the entry is taken. When an hour has begun, what
    /// can be published is. Times that go back change nothing.
    pub fn tick(&mut self, at: Timestamp) {
        if self.newest.is_some_and(|newest| newest >= at) {
            return;
        }
        let hour = at.micros().div_euclid(RELEASE_EVERY);
        let began = self.newest.is_some() && hour > self.hour;
        (self.newest, self.hour) = (Some(at), hour);
        let today = ledger::day_of(at.micros());
        self.places.tick(today);
        let begins = first_monday(today);
        if begins > self.begins {
            self.begins = begins;
            self.lessons.let_go(begins);
            self.registers.let_go(key::week_of_days(begins));
        }
        if began {
            self.lessons.release(today);
            self.gaps.release(today);
            self.places.release(today);
            self.releases += 1;
        }
    }

    /// The first day whose lessons are in the figures, in days since 1970: those of this school year and the last one, by
    /// the log's time. It only ever moves on, and what was before it is let go.
    pub const fn begins(&self) -> i32 {
        self.begins
    }

    /// Takes an attendance record's revision, unless a newer one is here; `None` withdraws it. `accepted` is when the hub
    /// took this revision. What is older than the figures changes nothing. The date in the id is the one of `about`.
    pub fn mark(
        &mut self,
        id: RecordId,
        standing: Standing,
        about: &About,
        mark: Option<&Mark>,
        accepted: Timestamp,
    ) {
        if ledger::day(about.date) < self.begins {
            return;
        }
        let taken = self.lessons.put(id, standing, about, mark.map(|mark| mark.outcome));
        let timed = mark.and_then(|mark| mark.lesson).zip(about.course).filter(|_| taken);
        if let Some(((group, lesson), course)) = timed {
            self.registers.put(about.host, course, group, lesson, accepted);
        }
        if self.lessons.ledger().pending() > WAITING.max(self.waited * 2)
            && let Some(newest) = self.newest
        {
            self.lessons.release(ledger::day_of(newest.micros()));
            self.waited = self.lessons.ledger().pending();
            self.releases += 1;
        }
    }

    /// Takes an assessment result's newest revision; `None` withdraws it.
    pub fn grade(&mut self, id: RecordId, about: &About, result: Option<&ResultGiven>) {
        self.gaps.put(id, about, result);
    }

    /// Forgets the marks at the places that fit, since they may not be used any more. Their part goes from the sums, and they
    /// aren't counted as taken back. `may` says of the first and the last place of a day's marks whether any of them can fit.
    pub fn forget_marks(&mut self, may: impl Fn((u64, u64)) -> bool, fits: impl Fn(u64) -> bool) {
        self.lessons.forget(may, fits);
    }

    /// The same of one mark, if its revision is below this one.
    pub fn forget_mark(&mut self, id: RecordId, below: u32) {
        self.lessons.forget_one(id, below);
    }

    /// Forgets an assessment result that may not be used any more.
    pub fn forget_grade(&mut self, id: RecordId) {
        self.gaps.forget(id);
    }

    /// Takes a placement as it is now.
    pub fn place(&mut self, number: PlaceNumber, about: &About, place: Option<Place>) {
        self.places.put(number, about, place);
    }

    /// Attendance.
    pub const fn lessons(&self) -> &Lessons {
        &self.lessons
    }

    /// Grades against targets.
    pub const fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// Placements.
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// Registers.
    pub const fn registers(&self) -> &Registers {
        &self.registers
    }

    /// How often figures were released, and the time of the newest entry.
    pub const fn as_of(&self) -> (u64, Option<Timestamp>) {
        (self.releases, self.newest)
    }
}

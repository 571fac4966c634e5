//! Of what a figure is a sum: host, course, home, week, and whether the learner travelled that day.
//!
//! A cell names all five; a sum that had to be pooled names fewer. The ladder says in which order things are pooled.

use commonroll_core::SchoolDate;

/// A course: what groups with one title at one host are taken together as. The caller numbers them.
pub type CourseNumber = u32;

/// What a sum is about. `None`: of several, pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key {
    /// The institution that teaches.
    pub host: Option<u16>,
    /// The course.
    pub course: Option<CourseNumber>,
    /// The learners' home.
    pub home: Option<u16>,
    /// The week, by [`week_of`].
    pub week: Option<i32>,
    /// True on days on which the learner had lessons at two sites.
    pub travel: Option<bool>,
}

/// The week of a date: weeks begin on Monday and are counted from the one of 5 January 1970.
pub fn week_of(date: SchoolDate) -> i32 {
    week_of_days(date.days())
}

pub(crate) const fn week_of_days(days: i32) -> i32 {
    (days - 4).div_euclid(7)
}

/// The Monday of a week.
pub fn monday(week: i32) -> Option<SchoolDate> {
    SchoolDate::from_days(week.checked_mul(7)?.checked_add(4)?)
}

/// One step of the pooling: what is kept of a key, and how many days after the day a figure waits before it is pooled so.
pub(crate) struct Rung {
    pub patience: i32,
    pub keep: fn(&Key) -> Key,
}

/// Finest first. What finds too few learners on one rung tries the next, in time. Days that aren't over are never summed:
/// whether a learner travelled is known at their end.
pub(crate) const LADDER: &[Rung] = &[
    Rung { patience: 1, keep: |key| *key },
    Rung { patience: 1, keep: |key| Key { home: None, ..*key } },
    Rung { patience: 3, keep: |key| Key { home: None, travel: None, ..*key } },
    Rung { patience: 3, keep: |key| Key { home: None, course: None, ..*key } },
    Rung { patience: 3, keep: |key| Key { home: None, course: None, travel: None, ..*key } },
    Rung { patience: 8, keep: |key| Key { home: None, week: None, travel: None, ..*key } },
    Rung { patience: 8, keep: |key| Key { host: key.host, ..Key::default() } },
    Rung { patience: 8, keep: |key| Key { week: key.week, ..Key::default() } },
    Rung { patience: 15, keep: |_| Key::default() },
];

//! What is expected of a day: lessons, notices told in advance, and what a host needs to look after a visitor.
//!
//! A day is declared as a whole and replaces what was said of its date before. Reasons of an absence are not said here:
//! they stay with whoever knows them.

use crate::{
    ids::{Invalid, LocalId},
    record::Text,
    time::{Interval, SchoolDate},
};
use std::{collections::HashSet, fmt, str::FromStr};

/// Most lessons of one institution on one day.
pub const LESSONS_MAX: usize = 2_000;
/// Most characters of a room.
pub const ROOM_CHARS: usize = 40;
/// Most characters of what a learner needs.
pub const NEEDS_CHARS: usize = 500;
/// Most characters of what to do in an emergency.
pub const EMERGENCY_CHARS: usize = 200;

/// Week of a timetable's cycle, such as A or B, in the institution's own word: 1 to 12 visible characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Week(String);

impl Week {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Week {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = Text::parse("week", text, 12)?;
        match text.is_empty() || text.as_str().contains(['\n', '\r', '\t']) {
            true => Err(Invalid::new("week", "must have 1 to 12 visible characters")),
            false => Ok(Self(text.as_str().to_owned())),
        }
    }
}

impl TryFrom<String> for Week {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Week> for String {
    fn from(week: Week) -> Self {
        week.0
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One timetabled meeting of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonDeclaration {
    /// The institution's own id of the meeting, once in a day.
    pub local_id: LocalId,
    /// The institution's code of the group.
    pub group: LocalId,
    /// When.
    pub time: Interval,
    /// Room in the institution's words; at most 40 characters.
    pub room: Text,
    /// True if it does not take place.
    pub cancelled: bool,
}

/// All lessons of an institution on one date. A lesson that was declared for the date before and is not here is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayDeclaration {
    /// The local school date.
    pub date: SchoolDate,
    /// True if nobody is expected at all (closure, inset).
    pub closed: bool,
    /// Week of the timetable's cycle, if it has one.
    pub week: Option<Week>,
    /// In the order of their start, at most 2,000.
    lessons: Vec<LessonDeclaration>,
}

impl DayDeclaration {
    /// A day with its lessons, which are put into the order of their start.
    ///
    /// # Errors
    /// [`Invalid`] naming `lessons` or the lesson's field.
    pub fn new(
        date: SchoolDate,
        closed: bool,
        week: Option<Week>,
        mut lessons: Vec<LessonDeclaration>,
    ) -> Result<Self, Invalid> {
        if lessons.len() > LESSONS_MAX {
            return Err(Invalid::new("lessons", "must be at most 2,000 on one day"));
        }
        if lessons.iter().any(|lesson| lesson.room.as_str().chars().nth(ROOM_CHARS).is_some()) {
            return Err(Invalid::new("room", "must have at most 40 characters"));
        }
        let mut seen = HashSet::with_capacity(lessons.len());
        if !lessons.iter().all(|lesson| seen.insert(&lesson.local_id)) {
            return Err(Invalid::new("local_id", "must be another one for each lesson of a day"));
        }
        lessons.sort_by(|one, other| {
            (one.time.start(), &one.local_id).cmp(&(other.time.start(), &other.local_id))
        });
        Ok(Self { date, closed, week, lessons })
    }

    /// The lessons, in the order of their start.
    pub fn lessons(&self) -> &[LessonDeclaration] {
        &self.lessons
    }
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The learner's absence is expected.
    ExpectedAbsence,
    /// The learner is not to attend for now. No reason is given.
    NotAttending,
    /// The home has the learner itself. Said by the home alone.
    TakenBack,
    /// The home's own timetable leaves the learner to a partner. Excuses nothing. Said by the home alone.
    AtPartner,
    /// The home's own timetable has the learner in a lesson of its own. Excuses nothing. Said by the home alone.
    OwnLesson,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::ExpectedAbsence, Self::NotAttending, Self::TakenBack, Self::AtPartner, Self::OwnLesson];

    /// The kind's name, as mapping files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExpectedAbsence => "expected_absence",
            Self::NotAttending => "not_attending",
            Self::TakenBack => "taken_back",
            Self::AtPartner => "at_partner",
            Self::OwnLesson => "own_lesson",
        }
    }
}

impl FromStr for NoticeKind {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rule = "must be expected_absence, not_attending, taken_back, at_partner or own_lesson";
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(Invalid::new("kind", rule))
    }
}

/// Something known in advance about a learner, told once and known at every site. The reason stays at home.
#[derive(Clone, PartialEq, Eq)]
pub struct NoticeDeclaration {
    /// The institution's own id of the notice.
    pub local_id: LocalId,
    /// The institution's own id for the learner.
    pub learner: LocalId,
    /// What it says.
    pub kind: NoticeKind,
    /// When it holds.
    pub time: Interval,
    /// True if it is taken back.
    pub withdrawn: bool,
}

impl fmt::Debug for NoticeDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoticeDeclaration(..)")
    }
}

/// What a learner needs from those who teach them elsewhere, written by the home for sharing. Not a diagnosis. With
/// both texts empty the home takes back what it said.
#[derive(Clone, PartialEq, Eq)]
pub struct SupportDeclaration {
    /// The home's own id for the learner.
    pub learner: LocalId,
    /// Needs and arrangements; at most 500 characters.
    pub needs: Text,
    /// What to do in an emergency and whom to ring first; at most 200 characters.
    pub emergency: Text,
    /// Last date on which it holds.
    pub last_date: SchoolDate,
}

impl SupportDeclaration {
    /// True if it takes back what was said before.
    pub const fn is_nothing(&self) -> bool {
        self.needs.is_empty() && self.emergency.is_empty()
    }
}

impl fmt::Debug for SupportDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SupportDeclaration(..)")
    }
}

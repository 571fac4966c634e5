//! What really happens on the day, and what of it must be found. The scorer holds the alerts against this; nothing of it
//! reaches the hub but through exports.

use super::world::Who;
use std::collections::{BTreeMap, HashMap};

/// Seconds of the day.
pub type At = i64;

/// A learner in a lesson in which a host expects them.
#[derive(Clone, Copy, Default)]
pub struct Line {
    /// From when until when the learner is in the room; `None` if they never are.
    pub there: Option<(At, At)>,
    /// A teacher's slip: marked absent until then, though there.
    pub slip: Option<At>,
    /// Not on the host's list, so that the register says nothing of them: never, or until the teacher adds them.
    pub off_list: bool,
    pub added: Option<At>,
    /// Nobody has to be there: from when on everybody could know it.
    pub excused: Option<At>,
}

/// What goes wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Seen at one site, and never arrives at the next, where nobody takes the register.
    BetweenSites,
    /// The host marks the learner absent; nobody has told them.
    MarkedAbsent,
    /// The host marks the learner absent, and then takes the lesson out of its timetable.
    Dropped,
    /// The register is taken, and the learner is not on it.
    NotOnRegister,
    /// Nobody takes the register, and nobody of the class is there.
    RegisterNotTaken,
    /// The class does not take place, and nobody takes its learners back.
    Cancelled,
    /// Leaves a lesson long before its end.
    LeftEarly,
    /// The host's source falls silent while learners are due.
    SourceSilent,
    /// The home's timetable leaves the learner to a host that has no lesson for them.
    NobodyExpects,
    /// The home's timetable has the learner in a lesson of its own, and a host expects them.
    BothExpect,
}

impl Kind {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::BetweenSites,
        Self::MarkedAbsent,
        Self::Dropped,
        Self::NotOnRegister,
        Self::RegisterNotTaken,
        Self::Cancelled,
        Self::LeftEarly,
        Self::SourceSilent,
        Self::NobodyExpects,
        Self::BothExpect,
    ];

    /// In a few words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BetweenSites => "missing between two sites",
            Self::MarkedAbsent => "marked absent at the host",
            Self::Dropped => "absent, and the lesson taken away",
            Self::NotOnRegister => "not on the register",
            Self::RegisterNotTaken => "register not taken",
            Self::Cancelled => "class cancelled, nobody taken back",
            Self::LeftEarly => "left early",
            Self::SourceSilent => "source silent while learners are due",
            Self::NobodyExpects => "each site thinks the other has them",
            Self::BothExpect => "expected in two places at once",
        }
    }
}

/// What an alert is about, by places of the made world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A learner in a lesson, whom nobody can place.
    Unaccounted {
        /// Place among the lessons.
        lesson: usize,
        /// Place among the learners.
        learner: usize,
    },
    /// A learner who left a lesson.
    LeftEarly {
        /// Place among the lessons.
        lesson: usize,
        /// Place among the learners.
        learner: usize,
    },
    /// A register.
    Register {
        /// Place among the lessons.
        lesson: usize,
    },
    /// A cancelled class, told to a home.
    Class {
        /// Place among the lessons.
        lesson: usize,
        /// The home.
        home: Who,
    },
    /// A source.
    Source {
        /// The host.
        host: Who,
    },
    /// Timetables of the next day, where they don't fit about a learner.
    Timetables {
        /// Place among the learners.
        learner: usize,
        /// True if two expect them, false if nobody does.
        both: bool,
    },
}

impl About {
    /// The lesson and the learner, where it is about one.
    pub const fn learner(self) -> Option<(usize, usize)> {
        match self {
            Self::Unaccounted { lesson, learner } | Self::LeftEarly { lesson, learner } => {
                Some((lesson, learner))
            }
            Self::Register { .. } | Self::Class { .. } | Self::Source { .. } | Self::Timetables { .. } => {
                None
            }
        }
    }
}

/// Something that has to be told.
#[derive(Debug, Clone)]
pub struct Must {
    pub about: About,
    /// To whom.
    pub to: Vec<Who>,
    /// The moment that the rules set: from then on it is to be told.
    pub moment: At,
}

/// A hole: it is found when all of this was told.
#[derive(Debug, Clone)]
pub struct Hole {
    pub kind: Kind,
    pub must: Vec<Must>,
}

/// The truth of a day.
#[derive(Default)]
pub struct Truth {
    /// Each expectation: lesson and learner.
    pub lines: HashMap<(usize, usize), Line>,
    pub holes: Vec<Hole>,
    /// How much of the ordinary happened, by name.
    pub mess: BTreeMap<&'static str, usize>,
}

impl Truth {
    /// True if an alert at this moment would name somebody who is where they are expected, or excused.
    pub fn is_well(&self, lesson: usize, learner: usize, at: At) -> bool {
        let Some(line) = self.lines.get(&(lesson, learner)) else { return true };
        let there = line.there.is_some_and(|(from, until)| from <= at && at < until);
        there || line.excused.is_some_and(|since| since <= at)
    }

    /// True if a learner was in some room, or excused, after a lesson began and not later than a moment.
    pub fn turned_up(&self, lessons: &[usize], learner: usize, after: At, before: At) -> bool {
        lessons.iter().filter_map(|lesson| self.lines.get(&(*lesson, learner))).any(|line| {
            let there = line.there.is_some_and(|(from, until)| from <= before && until > after);
            there || line.excused.is_some_and(|since| since <= before)
        })
    }

    /// Notes that something ordinary happened.
    pub fn note(&mut self, what: &'static str, times: usize) {
        *self.mess.entry(what).or_default() += times;
    }
}

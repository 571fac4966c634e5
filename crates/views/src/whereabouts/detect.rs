//! The ways in which it is found that something is wrong.
//!
//! All of them are always at work. They can be switched off one by one only so that a simulated day shows that none of
//! them could be left out: what one of them finds no other does.

use super::Why;

/// A way of finding something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detector {
    /// A host marked a learner absent, and nobody saw them elsewhere.
    MarkedAbsent,
    /// A register was taken, and the learner is not on it.
    NotOnRegister,
    /// A register was not taken.
    RegisterNotTaken,
    /// A learner left one site and did not arrive at the next.
    NotArrived,
    /// A class does not take place, and nobody has the learner.
    Cancelled,
    /// A learner left a lesson before its end.
    LeftEarly,
    /// A source is silent while learners are due.
    SourceSilent,
    /// Timetables of a day that is still to come don't fit together.
    Timetables,
}

impl Detector {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::MarkedAbsent,
        Self::NotOnRegister,
        Self::RegisterNotTaken,
        Self::NotArrived,
        Self::Cancelled,
        Self::LeftEarly,
        Self::SourceSilent,
        Self::Timetables,
    ];

    /// In a word: `marked-absent`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MarkedAbsent => "marked-absent",
            Self::NotOnRegister => "not-on-register",
            Self::RegisterNotTaken => "register-not-taken",
            Self::NotArrived => "not-arrived",
            Self::Cancelled => "cancelled",
            Self::LeftEarly => "left-early",
            Self::SourceSilent => "source-silent",
            Self::Timetables => "timetables",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl From<Why> for Detector {
    fn from(why: Why) -> Self {
        match why {
            // Only what was told before is ever in that state.
            Why::MarkedAbsent | Why::NoLongerExpected => Self::MarkedAbsent,
            Why::RegisterNotTaken => Self::RegisterNotTaken,
            Why::NotOnRegister => Self::NotOnRegister,
            Why::NotArrived => Self::NotArrived,
            Why::Cancelled => Self::Cancelled,
        }
    }
}

/// Those that are at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detectors(u16);

impl Default for Detectors {
    fn default() -> Self {
        Self::ALL
    }
}

impl Detectors {
    /// All of them.
    pub const ALL: Self = Self(u16::MAX);

    /// The same without one.
    #[must_use]
    pub const fn without(self, detector: Detector) -> Self {
        Self(self.0 & !detector.bit())
    }

    /// True if this one is at work.
    pub const fn has(self, detector: Detector) -> bool {
        self.0 & detector.bit() != 0
    }
}

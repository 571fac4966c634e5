//! An attendance mark on three axes. The host knows the physical one; the legal one is only the home's to decide.
//!
//! Times are an interval of real time, never a period name, since no two bells agree. Code tables are not here.

use super::Text;
use crate::{ids::Invalid, time::Interval};

/// An attendance mark. Groups that the source or policy withheld are `None`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Attendance {
    /// What the host saw (group 2).
    pub presence: Option<Presence>,
    /// The mark in the source's own code (group 3).
    pub source_code: Option<SourceCode>,
    /// A remark written to be shared, at most 500 characters (group 4).
    pub note: Option<Text>,
    /// What a home's statutory register says (group 5).
    pub register: Option<Register>,
}

impl std::fmt::Debug for Attendance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attendance(..)")
    }
}

/// What the host saw.
#[derive(Clone, PartialEq, Eq)]
pub struct Presence {
    /// Was the learner in the room?
    pub physical: Physical,
    /// The meeting's time, if the source gave one.
    pub interval: Option<Interval>,
    /// Whole minutes late, if known; at most 1,440.
    pub minutes_late: Option<u32>,
    /// Whole minutes before the end at which the learner left, if known; at most 1,440.
    pub minutes_left_early: Option<u32>,
}

impl Presence {
    /// Checks the rules that tie the fields together.
    pub fn check(self) -> Result<Self, Invalid> {
        if self.minutes_late.is_some_and(|m| m > 1440) {
            return Err(Invalid::new("minutes_late", "must be between 0 and 1440 whole minutes"));
        }
        if self.minutes_left_early.is_some_and(|m| m > 1440) {
            return Err(Invalid::new("minutes_left_early", "must be between 0 and 1440 whole minutes"));
        }
        let in_room = matches!(self.physical, Physical::Present | Physical::Late);
        if !in_room
            && (self.minutes_late.is_some_and(|m| m > 0) || self.minutes_left_early.is_some_and(|m| m > 0))
        {
            return Err(Invalid::new(
                "minutes_late",
                "only a learner who was in the room can be late or leave early",
            ));
        }
        Ok(self)
    }
}

/// The physical axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Physical {
    /// In the room.
    Present,
    /// In the room, after the start.
    Late,
    /// Not in the room.
    Absent,
    /// Nothing to attend.
    NotRequired,
    /// The source can't say. Never present, never absent.
    Unknown,
}

/// The mark in the source's own words.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceCode {
    /// Exactly as written, 1 to 16 characters.
    pub code: String,
    /// `ENG-2024`, or `<institution>/<name>`.
    pub code_set: String,
}

impl SourceCode {
    /// Takes a code of 1 to 16 characters and its code set of 1 to 64.
    pub fn new(code: &str, code_set: &str) -> Result<Self, Invalid> {
        if code.is_empty() || code.chars().count() > 16 || code.chars().any(char::is_control) {
            return Err(Invalid::new("code", "must have 1 to 16 visible characters"));
        }
        if code_set.is_empty() || code_set.len() > 64 || code_set.chars().any(char::is_control) {
            return Err(Invalid::new("code_set", "must name the code set in 1 to 64 characters"));
        }
        Ok(Self { code: code.to_owned(), code_set: code_set.to_owned() })
    }
}

/// What a home's statutory register says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Register {
    /// Legal category.
    pub legal: Legal,
    /// How it counts; `None` if the source did not derive it.
    pub statistical: Option<Statistical>,
}

/// The legal axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Legal {
    /// Present at the session.
    Present,
    /// At an approved educational activity elsewhere.
    ApprovedEducationalActivity,
    /// Absent with leave.
    AuthorisedAbsence,
    /// Absent without leave.
    UnauthorisedAbsence,
    /// Could not attend, for a reason that isn't the learner's. Leaves the denominator.
    NotPossible,
    /// No session was due.
    Admin,
}

/// The statistical axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Statistical {
    /// Attended, and possible.
    Attended,
    /// Authorised absence, and possible.
    Authorised,
    /// Unauthorised absence, and possible.
    Unauthorised,
    /// Leaves the denominator.
    NotCounted,
}

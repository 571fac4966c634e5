//! Attendance: what marks mean, how they count, and what a home's register may be proposed to say.
//!
//! Three axes, known by different people: the host saw the physical one, only the home decides the legal one, and the
//! statistical one follows from the code. Nothing here turns a partner's word into a legal code; it is proposed.

mod english;
mod problem;
mod rate;
mod session;
mod table;
mod usage;

pub use english::{ALL, Category, ENG_2024, EnglishCode, IN_FORCE, WITHDRAWN, Withdrawn, lookup};
pub use problem::CodeProblem;
pub use rate::{AttendanceRate, Counts};
pub use session::{
    AwayCode, HomeMark, HostLesson, HostMark, Outcome, Review, SessionRules, SessionWindow, Standing,
    propose_session,
};
pub use table::{CodeTable, Meaning};
pub use usage::{UsageCode, UsageCodes};

/// A code as a person meant it: padding removed from both ends, nothing inside touched. Exports pad with spaces, tabs
/// and no-break spaces; anything else in front or behind is part of the code and shows up as unknown.
fn unpadded(code: &str) -> &str {
    code.trim_matches([' ', '\t', '\u{a0}'])
}

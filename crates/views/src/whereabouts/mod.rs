//! Where the learners are: what is expected, what is evidenced, and what is neither.
//!
//! Expectations come from timetables and placements, evidence from hosts' marks, notices and cancellations. [`judge`]
//! turns what is known of one expectation at one moment into a [`State`]; [`Board`] keeps many of them current and says
//! what has to be told to whom. **Unknown is a value**: a silent source makes nobody present and nobody absent.

mod alert;
mod board;
mod detect;
mod evening;
mod judge;

pub use alert::{Alert, AlertKey, Notify, What};
pub use board::{Board, Evidence};
pub use detect::{Detector, Detectors};
pub use evening::{AtHome, Finding, HostLesson, MANY, Place, Week, mismatches};
pub use judge::{Excuse, Facts, Mark, State, Why, judge};

use commonroll_core::{Interval, Timestamp, agreement::Times};

const MINUTE: i64 = 60_000_000;

fn after(at: Timestamp, minutes: u16) -> Timestamp {
    at.plus_micros(i64::from(minutes) * MINUTE)
}

/// A learner is expected in a lesson. Learner and institutions are the hub's own numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectation {
    /// Who.
    pub learner: u32,
    /// Whose learner it is.
    pub home: u16,
    /// Where.
    pub site: u16,
    /// The host's meeting, as a number that the feeder keeps for it.
    pub lesson: u64,
    /// When.
    pub time: Interval,
    /// What the agreements between home and host set.
    pub times: Times,
}

/// Which expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The host.
    pub site: u16,
    /// Its meeting.
    pub lesson: u64,
    /// The learner.
    pub learner: u32,
}

impl Expectation {
    /// Its name.
    pub const fn id(&self) -> Id {
        Id { site: self.site, lesson: self.lesson, learner: self.learner }
    }
}

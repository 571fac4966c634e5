//! A behaviour or achievement event, and one learner's involvement in it.
//!
//! Others who were involved never travel. Text written to be shared is kept apart from the internal comment, which
//! leaves its source only as a hash.

use super::Text;
use crate::{
    ids::{Invalid, LocalId},
    time::{SchoolDate, Timestamp},
};

/// One learner's part in one event. Groups that the source or policy withheld are `None`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Behaviour {
    /// The event (group 2).
    pub event: Option<Event>,
    /// The learner's part (group 3).
    pub involvement: Option<Involvement>,
    /// A summary written to be shared, at most 2,000 characters (group 4).
    pub share_safe_text: Option<Text>,
    /// The internal comment, at most 8,000 characters (group 5). Withheld by the source itself.
    pub internal_comment: Option<Text>,
}

impl std::fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Behaviour(..)")
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Good or bad.
    pub polarity: Polarity,
    /// Shared category.
    pub category: Category,
    /// 1 (slight) to 5 (grave); `None` if the source doesn't grade it.
    pub severity: Option<Severity>,
    /// The source's own label, verbatim, at most 200 characters.
    pub source_label: Text,
    /// When, if the source gave a time.
    pub happened_at: Option<Timestamp>,
    /// Where, in the source's words, at most 100 characters.
    pub location: Text,
    /// The source's event id.
    pub event_id: Option<LocalId>,
}

/// How grave an event is: 1 (slight) to 5 (grave).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Severity(u8);

impl Severity {
    /// Takes 1 to 5.
    pub fn new(level: u32) -> Result<Self, Invalid> {
        match u8::try_from(level) {
            Ok(level @ 1..=5) => Ok(Self(level)),
            _ => Err(Invalid::new("severity", "must be 1 to 5, or left out")),
        }
    }

    /// The level.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// One learner's part.
#[derive(Clone, PartialEq, Eq)]
pub struct Involvement {
    /// The part.
    pub role: Option<Role>,
    /// Points on the source's own scale; not comparable.
    pub points: Option<i32>,
    /// What was done, at most 200 characters.
    pub action: Text,
    /// Status in the source's words, at most 100 characters.
    pub status: Text,
    /// Date by which home is asked to act.
    pub home_action_by: Option<SchoolDate>,
}

/// Good, bad, or just seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// Achievement or praise.
    Positive,
    /// Incident.
    Negative,
    /// Observation.
    Neutral,
}

/// The small list that a consortium shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Engagement, effort, participation.
    EngagementPositive,
    /// Achievement, award, representation.
    Achievement,
    /// Lateness.
    AttendanceLateness,
    /// Truancy.
    Truancy,
    /// Work missing or late.
    WorkMissing,
    /// Low-level disruption.
    LowLevelDisruption,
    /// Defiance.
    Defiance,
    /// Verbal abuse.
    VerbalAbuse,
    /// Physical.
    Physical,
    /// Bullying or prejudice.
    BullyingOrPrejudice,
    /// Property or theft.
    PropertyOrTheft,
    /// Substances or prohibited item.
    SubstancesOrProhibitedItem,
    /// Anything else.
    Other,
}

/// The learner's part in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Did it.
    Perpetrator,
    /// It was done to them.
    Victim,
    /// Saw it.
    Witness,
    /// Told of it.
    Reporter,
    /// Took part.
    Participant,
}

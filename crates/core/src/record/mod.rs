//! One record: an attendance mark, an assessment result or a learner's part in a behaviour event, at one revision.
//!
//! A record kind is one file here, one variant of [`Body`] and one of [`RecordKind`]; the compiler leads the rest of
//! the tour. How a record is sealed and signed is not known here: see `commonroll-audit` and `commonroll-wire`.

pub mod assessment;
pub mod attendance;
pub mod behaviour;

pub use assessment::Assessment;
pub use attendance::Attendance;
pub use behaviour::Behaviour;

use crate::{
    ids::{Invalid, LocalId, RecordId, Revision, Slug, is_direction_mark},
    time::{SchoolDate, Timestamp},
};
use std::{fmt, str::FromStr};

/// The kinds of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RecordKind {
    /// One attendance mark.
    Attendance = 1,
    /// One assessment result.
    Assessment = 2,
    /// One involvement in a behaviour or achievement event.
    Behaviour = 3,
}

impl FromStr for RecordKind {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let named = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        named.ok_or(Invalid::new("kind", "must be attendance, assessment or behaviour"))
    }
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Attendance, Self::Assessment, Self::Behaviour];

    /// The kind's name, as in the schema's package and in the policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attendance => "attendance",
            Self::Assessment => "assessment",
            Self::Behaviour => "behaviour",
        }
    }

    /// The kind with this number in the schema.
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Attendance),
            2 => Some(Self::Assessment),
            3 => Some(Self::Behaviour),
            _ => None,
        }
    }

    /// Field groups of this kind besides the head: number and name, ascending.
    pub const fn groups(self) -> &'static [(u32, &'static str)] {
        match self {
            Self::Attendance => &[(2, "presence"), (3, "source_code"), (4, "note"), (5, "register")],
            Self::Assessment => &[(2, "result"), (3, "comment")],
            Self::Behaviour => {
                &[(2, "event"), (3, "involvement"), (4, "share_safe_text"), (5, "internal_comment")]
            }
        }
    }

    /// The name of the field group with this number, the head (1) among them.
    pub fn group_name(self, number: u32) -> Option<&'static str> {
        let named = self.groups().iter().find(|(group, _)| *group == number).map(|(_, name)| *name);
        named.or((number == 1).then_some("head"))
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which record this is: its identity, its source, and what it is about. Never withheld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Stable identity.
    pub id: RecordId,
    /// Grows with each correction or withdrawal.
    pub revision: Revision,
    /// The institution that made the record.
    pub source: Slug,
    /// The learner, by the source's own id.
    pub learner: LocalId,
    /// The teaching group, by the source's own code.
    pub group: Option<LocalId>,
    /// The local school date that the record is about.
    pub date: SchoolDate,
    /// When the source made this revision.
    pub recorded_at: Timestamp,
    /// Travels only if a policy names it.
    pub confidential: bool,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// An attendance mark.
    Attendance(Attendance),
    /// An assessment result.
    Assessment(Assessment),
    /// An involvement in a behaviour event.
    Behaviour(Behaviour),
    /// The source takes the record back.
    Withdrawn(RecordKind),
}

/// A record at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which record.
    pub head: Head,
    /// What it says.
    pub body: Body,
}

impl Record {
    /// The record's kind.
    pub const fn kind(&self) -> RecordKind {
        match &self.body {
            Body::Attendance(_) => RecordKind::Attendance,
            Body::Assessment(_) => RecordKind::Assessment,
            Body::Behaviour(_) => RecordKind::Behaviour,
            Body::Withdrawn(kind) => *kind,
        }
    }

    /// The instant that the record is about, if its source gave one: the start of a lesson, the time of an event.
    pub fn instant(&self) -> Option<Timestamp> {
        match &self.body {
            Body::Attendance(mark) => mark.presence.as_ref().and_then(|p| p.interval).map(|i| i.start()),
            Body::Behaviour(involved) => involved.event.as_ref().and_then(|e| e.happened_at),
            Body::Assessment(_) | Body::Withdrawn(_) => None,
        }
    }
}

/// Text of limited length that is written by people, so `Debug` hides it. Line breaks and tabs are allowed; other
/// control characters and direction marks are not.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Text(String);

impl Text {
    /// Takes text of at most `max_chars` characters; `field` is named in the error.
    pub fn parse(field: &'static str, text: &str, max_chars: usize) -> Result<Self, Invalid> {
        // Plain ASCII, the usual case, is looked at once and by bytes.
        if text.len() <= max_chars && text.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return Ok(Self(text.trim().to_owned()));
        }
        if text.chars().nth(max_chars).is_some() {
            return Err(Invalid::new(field, "is longer than the schema allows; shorten it at the source"));
        }
        if text.chars().any(|c| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || is_direction_mark(c))
        {
            return Err(Invalid::new(field, "must not hold control characters or direction marks"));
        }
        Ok(Self(text.trim().to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if there is no text.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

//! What is told, and what is shown of it. `Debug` hides what is personal.

use crate::directory::messages::MessageId;
use commonroll_core::{Role, SchoolDate, Slug, Timestamp};
use std::fmt;

/// What a teacher tells a home.
#[derive(Clone)]
pub struct Telling {
    /// True for praise, false for a concern.
    pub praise: bool,
    /// What happened, in 1 to 500 characters written for sharing. Personal.
    pub words: String,
    /// By when the home is asked to act, within 60 days; only with a concern.
    pub act_by: Option<SchoolDate>,
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telling(..)")
    }
}

/// A message as somebody may see it.
#[derive(Clone, PartialEq)]
pub struct MessageSeen {
    /// Which.
    pub id: MessageId,
    /// The learner, by the hub's number.
    pub learner: u32,
    /// True for praise, false for a concern.
    pub praise: bool,
    /// What was written; `None` if that part may not be seen. Personal.
    pub words: Option<String>,
    /// By when the home is asked to act, if it is and that part may be seen.
    pub act_by: Option<SchoolDate>,
    /// True if that date is past and the home has said nothing.
    pub overdue: bool,
    /// Who sent it: slug and name.
    pub host: (Slug, String),
    /// To whom it went: slug and name.
    pub home: (Slug, String),
    /// False if no home reads it any more: the host has found since that it is about another learner, or the learner has
    /// another home. Whoever is home now has to be told anew.
    pub reaches: bool,
    /// What the host calls the group.
    pub group: String,
    /// The school date.
    pub date: SchoolDate,
    /// When.
    pub at: Timestamp,
    /// Who wrote it: a name within their own institution, `None` outside it.
    pub from: Option<String>,
    /// True if the reader wrote it.
    pub own: bool,
    /// What the home said to it.
    pub answers: Vec<AnswerSeen>,
    /// True if the reader can answer for the home.
    pub may_answer: bool,
    /// Parts that may be seen, as field groups of behaviour: bit `1 << number`.
    pub groups: u32,
    /// Ids of the policies that permit.
    pub reason: String,
    /// The agreement that it rests on, with its version.
    pub agreement: Option<String>,
}

impl fmt::Debug for MessageSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageSeen({}, ..)", self.id)
    }
}

/// What the home said.
#[derive(Clone, PartialEq, Eq)]
pub struct AnswerSeen {
    /// Who: a name within their own institution, `None` outside it.
    pub name: Option<String>,
    /// In which role.
    pub role: Role,
    /// When.
    pub at: Timestamp,
    /// In their words; empty if they said only that they read it, or if words may not be seen. Personal.
    pub words: String,
}

impl fmt::Debug for AnswerSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswerSeen({}, ..)", self.role)
    }
}

/// What a teacher is told before telling a home anything: whom it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TellSeen {
    /// The home: slug and name.
    pub home: (Slug, String),
    /// True if the agreement with the home shares written praise and concerns.
    pub open: bool,
    /// True if it lets the home be asked to act.
    pub may_ask: bool,
    /// Who at the home can read it, and whether its words, too.
    pub readers: Vec<(Role, bool)>,
    /// The agreement, with its version.
    pub agreement: Option<String>,
}

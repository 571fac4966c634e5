//! A question to the policies: may this institution publish, or be handed, a record of this kind?
//!
//! It carries relations and what is in force, never a learner: nothing personal reaches a policy.

use commonroll_core::{RecordKind, Slug};

/// What somebody wants to do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Give it to the hub.
    Publish,
    /// Be handed it by the hub.
    Receive,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 2] = [Self::Publish, Self::Receive];

    /// The action's name, as in the policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Receive => "receive",
        }
    }
}

/// One question. Everything that a decision depends on is in here.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Publish or receive.
    pub action: Action,
    /// The institution that publishes, or that would receive.
    pub actor: &'a Slug,
    /// The institution that made the record.
    pub source: &'a Slug,
    /// The record's kind.
    pub kind: RecordKind,
    /// The learner's home. `None` if the learner is not known, or if two institutions claim to be home.
    pub home: Option<&'a Slug>,
    /// True if a placement between home and source, declared and accepted, covers the record's date, time and group.
    pub placed: bool,
    /// The agreement in force today that lists this kind: between source and home for publishing, between source and
    /// actor for receiving.
    pub agreement: Option<AgreementInForce<'a>>,
    /// True if the source marked the record confidential.
    pub confidential: bool,
}

/// What an agreement in force grants for one kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreementInForce<'a> {
    /// The agreement's name.
    pub id: &'a Slug,
    /// Its version.
    pub version: u32,
    /// Field groups that it lists for this kind: bit `1 << number`. The head is granted with the kind.
    pub groups: u32,
}

//! One row of a list that is carried: a mark, a result, or one learner's part in an event.

use commonroll_connectors::render::{AssessmentRow, BehaviourRow, MarkRow, RowHead, Session};

/// A row of a list.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// Of a lesson or a session.
    Mark(MarkRow),
    /// A result.
    Result(AssessmentRow),
    /// Of behaviour.
    Event(BehaviourRow),
}

impl Row {
    /// Which record it is.
    pub const fn head(&self) -> &RowHead {
        match self {
            Self::Mark(row) => &row.head,
            Self::Result(row) => &row.head,
            Self::Event(row) => &row.head,
        }
    }

    /// The session that it is for.
    pub const fn session(&self) -> Option<Session> {
        match self {
            Self::Mark(row) => row.session,
            Self::Result(_) | Self::Event(_) => None,
        }
    }

    /// True if a person of the home decided it.
    pub const fn is_decided(&self) -> bool {
        match self {
            Self::Mark(row) => row.decided,
            Self::Result(_) | Self::Event(_) => false,
        }
    }
}

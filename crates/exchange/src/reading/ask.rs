//! What is asked about a learner, and what is shown. `Debug` hides what is personal.

use crate::{
    by_learner::Unread,
    decide::NOT_UNLOCKED,
    messages::MessageSeen,
    types::{NotAllowed, SealedGroup},
};
use bytes::Bytes;
use commonroll_core::{
    LocalId, Purpose, RecordId, RecordKind, SchoolDate, Slug, Timestamp, directory::DateRange,
};
use commonroll_policy::Denied;
use std::sync::Arc;

/// What a person wants to read.
#[derive(Clone)]
pub struct ReadAsk {
    /// The learner, by the id of the caller's institution.
    pub learner: LocalId,
    /// Why.
    pub purpose: Purpose,
    /// School dates of the records: from the first to the last, both included.
    pub dates: (Option<SchoolDate>, Option<SchoolDate>),
    /// Kinds of record; empty for every kind.
    pub kinds: Vec<RecordKind>,
    /// True to see revisions, too, that a newer one has replaced.
    pub older: bool,
    /// True to see what hosts told the home, too.
    pub messages: bool,
}

impl std::fmt::Debug for ReadAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReadAsk({}, {:?}, ..)", self.purpose, self.kinds)
    }
}

impl ReadAsk {
    /// Everything of a learner that may be seen for a purpose.
    pub const fn about(learner: LocalId, purpose: Purpose) -> Self {
        Self { learner, purpose, dates: (None, None), kinds: Vec::new(), older: false, messages: false }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = RecordKind> + '_ {
        RecordKind::ALL.into_iter().filter(|kind| self.kinds.is_empty() || self.kinds.contains(kind))
    }
}

/// What is shown of a learner.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The learner, by the hub's number: as the log names them.
    pub learner: u32,
    /// Hash of the policy set that decided, in hexadecimal.
    pub policy: String,
    /// Time zone of the person's institution.
    pub time_zone: String,
    /// The card, if it may be seen.
    pub card: Option<CardSeen>,
    /// The records, by kind, date and place in the log.
    pub records: Vec<RecordSeen>,
    /// What hosts told the home, if it was asked for; newest first.
    pub messages: Vec<MessageSeen>,
    /// What of the kinds asked for is not shown, and why.
    pub not_shown: Vec<KindSaid>,
}

/// What is not shown of a kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindSaid {
    /// Which kind.
    pub kind: RecordKind,
    /// Stable code.
    pub code: String,
    /// What is missing, and who can change it.
    pub reason: String,
    /// How many records. `None` if the kind isn't shown to this role for this purpose, whether there are any or not.
    pub records: Option<u64>,
    /// Who made them, or would have.
    pub sources: Vec<Slug>,
}

impl KindSaid {
    pub(super) fn new(kind: RecordKind, denied: &Denied, counted: bool) -> Self {
        Self {
            kind,
            code: denied.code.as_str().to_owned(),
            reason: denied.reason().to_owned(),
            records: counted.then_some(0),
            sources: Vec::new(),
        }
    }

    /// Records that the home was not handed.
    pub(super) fn held_back(kind: RecordKind) -> Self {
        let reason = "the partners locked this kind for its source again before it reached the learner's home; see Readiness";
        let (code, reason) = (NOT_UNLOCKED.to_owned(), reason.to_owned());
        Self { kind, code, reason, records: Some(0), sources: Vec::new() }
    }
}

/// Whether a record can be read, and whether it still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordState {
    /// It stands.
    Stands,
    /// A newer revision has replaced it.
    Replaced,
    /// Its source has taken it back.
    Withdrawn,
    /// What it said was erased, or is past the time for which it is kept.
    Erased,
    /// It is not the institution's to have now: not handed to it yet and not permitted any more, kept back, or called back.
    Withheld,
    /// What is stored is not what the log committed to. It is not shown; the hub's operator is told.
    Damaged,
}

impl RecordState {
    /// The state as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stands => "stands",
            Self::Replaced => "replaced",
            Self::Withdrawn => "withdrawn",
            Self::Erased => "erased",
            Self::Withheld => "withheld",
            Self::Damaged => "damaged",
        }
    }
}

/// One record as a person may see it.
#[derive(Clone, PartialEq)]
pub struct RecordSeen {
    /// Place in the log, counted from 1.
    pub sequence: u64,
    /// Which record, at which revision.
    pub record: (RecordId, u32),
    /// What it is.
    pub kind: RecordKind,
    /// Who made it.
    pub source: Slug,
    /// The school date that it is about.
    pub date: SchoolDate,
    /// When the hub took it.
    pub accepted_at: Timestamp,
    /// Whether it stands.
    pub state: RecordState,
    /// Its field groups; what may not be seen is a hash.
    pub groups: Arc<[SealedGroup]>,
    /// Field groups that may be seen and have content here: bit `1 << number`.
    pub seen: u32,
    /// What its source calls the group: title and subject.
    pub group_title: Option<(String, String)>,
    /// Ids of the policies that permit.
    pub reason: String,
    /// The agreement that it rests on, with its version.
    pub agreement: Option<String>,
}

impl std::fmt::Debug for RecordSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordSeen({} {} {:?})", self.sequence, self.kind, self.state)
    }
}

/// A learner's card, as far as the hub can say it: needs and whom to call only if the home wrote them for sharing.
#[derive(Clone, PartialEq)]
pub struct CardSeen {
    /// Parts of the card that may be seen: bit `1 << number` of the policies' card groups.
    pub groups: u32,
    /// The home, if nobody contests it.
    pub home: Option<(Slug, String)>,
    /// The learner by the caller's institution's id.
    pub learner: LocalId,
    /// Placements in force today that are the caller's institution's to know.
    pub placements: Vec<PlacementSeen>,
    /// Where the learner was seen today; `None` if that part may not be seen.
    pub presence: Option<Vec<PresenceSeen>>,
    /// What the learner needs, as the home wrote it for sharing, if that part may be seen and the home did.
    pub needs: Option<String>,
    /// What to do in an emergency and whom to ring first, alike.
    pub emergency: Option<String>,
    /// Parts that may be seen and that the hub doesn't hold: the home is to be asked.
    pub not_held: Vec<&'static str>,
    /// Ids of the policies that permit.
    pub reason: String,
    /// The agreement in force between home and the caller's institution, with its version.
    pub agreement: Option<String>,
}

impl std::fmt::Debug for CardSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CardSeen({:b}, ..)", self.groups)
    }
}

/// A placement in force.
#[derive(Clone, PartialEq, Eq)]
pub struct PlacementSeen {
    /// Who teaches.
    pub host: Slug,
    /// Which group; `None` for every group.
    pub group: Option<LocalId>,
    /// When.
    pub dates: DateRange,
}

/// One mark of today, without anything but whether the learner was there.
#[derive(Clone, PartialEq, Eq)]
pub struct PresenceSeen {
    /// Who made it.
    pub source: Slug,
    /// The presence field group, as its source encoded it.
    pub content: Bytes,
    /// When the hub took it.
    pub accepted_at: Timestamp,
}

impl std::fmt::Debug for PlacementSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PlacementSeen({}, ..)", self.host)
    }
}

impl std::fmt::Debug for PresenceSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PresenceSeen({}, ..)", self.source)
    }
}

/// Why nothing is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not theirs to see, or not there: one wording.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Too many refusals.
    #[error(
        "too many readings were refused to you; wait ten minutes, and ask for learners whom you teach or answer for"
    )]
    TooMany,
    /// The answer is too long.
    #[error("there are more than {0} records; narrow it with dates or kinds")]
    TooMuch(usize),
    /// The log could not be read, or the entry not be written: nothing was shown.
    #[error("the hub can't use its log just now, so nothing is shown; try again")]
    Unavailable,
}

impl From<Unread> for ReadError {
    fn from(_: Unread) -> Self {
        Self::Unavailable
    }
}

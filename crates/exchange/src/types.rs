//! What goes into the exchange and what comes out: batches, answers, pages, errors.
//!
//! These are plain values between the doors of the hub and the law. They carry sealed bytes as they came from the
//! source; nothing here knows protobuf or a transport.

use crate::{ahead::ClockAhead, entry::Seal, withdrawal::OutNotice};
use bytes::Bytes;
use commonroll_audit::hash::Hash;
use commonroll_core::{Invalid, LocalId, PersonId, Slug, Timestamp, record::Record};
use std::{fmt, str::FromStr, sync::Arc, time::Duration};

/// Id that the hub gave to an agent when it joined: a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub [u8; 16]);

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for AgentId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        uuid::Uuid::parse_str(text)
            .map(|id| Self(*id.as_bytes()))
            .map_err(|_| Invalid::new("agent", "must be the agent's id: a UUID"))
    }
}

/// One field group as its source sealed it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedGroup {
    /// Number of the group within its record kind; 1 is the head.
    pub number: u32,
    /// Its content, or its hash alone.
    pub state: GroupState,
}

/// Whether a field group can be read.
#[derive(Clone, PartialEq, Eq)]
pub enum GroupState {
    /// Salt and content, byte for byte.
    Open {
        /// Salt that only the source can derive.
        salt: [u8; 16],
        /// The group's encoded message.
        content: Bytes,
    },
    /// The leaf hash of a group that its source or policy withheld.
    Withheld(Hash),
}

impl fmt::Debug for SealedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedGroup({}, ..)", self.number)
    }
}

/// One record of a batch on its way in.
#[derive(Debug, Clone)]
pub struct IncomingRecord {
    /// The sealed field groups, ascending.
    pub groups: Arc<[SealedGroup]>,
    /// RFC 6962 root over the groups' leaves.
    pub root: Hash,
    /// The record, or the rule that it breaks.
    pub content: Result<Record, Invalid>,
}

/// A signed batch on its way in.
#[derive(Debug, Clone)]
pub struct IncomingBatch {
    /// Who the seal says has signed.
    pub source: String,
    /// The source's batch number, from 1.
    pub number: u64,
    /// How many records the seal covers.
    pub size: u32,
    /// First bytes of the hash of the signing key.
    pub key_id: [u8; 8],
    /// Ed25519 signature.
    pub signature: [u8; 64],
    /// The records, in the order signed.
    pub records: Vec<IncomingRecord>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchAnswer {
    /// The batch.
    pub number: u64,
    /// One answer for each record.
    pub results: Vec<RecordAnswer>,
    /// Records, by their place in the batch, of which the log holds another newest revision of this source's, with that
    /// revision: a source that doesn't know of it has lost what it remembered.
    pub held: Vec<(usize, u32)>,
    /// The number that the next new batch must carry.
    pub next_batch: u64,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordAnswer {
    /// Durable in the log.
    Accepted {
        /// Place in the log, counted from 1.
        sequence: u64,
    },
    /// This revision with this content is in the log already.
    Duplicate {
        /// Where it first was, counted from 1.
        sequence: u64,
    },
    /// Breaks a rule; not stored.
    Rejected {
        /// Stable code.
        code: &'static str,
        /// Field at fault, or empty.
        field: &'static str,
        /// What to do.
        reason: &'static str,
    },
}

/// A piece of a feed, decided at this moment, ready to leave.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Records by the batch that their source signed.
    pub batches: Vec<OutBatch>,
    /// Withdrawal notices. A page holds records or notices, never both.
    pub notices: Vec<OutNotice>,
    /// Everything up to here was delivered or is not for this recipient; counted from 1.
    pub cursor: u64,
}

impl Page {
    /// How many records the page holds.
    pub fn len(&self) -> usize {
        self.batches.iter().map(|b| b.records.len()).sum()
    }

    /// True if the page holds neither a record nor a notice.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.notices.is_empty()
    }
}

/// Records of one signed batch that go to one recipient.
#[derive(Debug, Clone)]
pub struct OutBatch {
    /// Who signed.
    pub source: Slug,
    /// The source's batch number.
    pub number: u64,
    /// How many records the signature covers.
    pub size: u32,
    /// First bytes of the hash of the signing key.
    pub key_id: [u8; 8],
    /// Ed25519 signature.
    pub signature: [u8; 64],
    /// The records, in the order of their numbers.
    pub records: Vec<OutRecord>,
    /// What it was signed with: the roots of the whole batch.
    pub(crate) seal: Arc<Seal>,
}

impl OutBatch {
    /// The inclusion path of the record at a place in the signed batch.
    pub fn path(&self, batch_index: u32) -> Vec<Hash> {
        self.seal.tree().path(batch_index as usize).unwrap_or_default()
    }

    /// The path that proves the records at some places together; `None` if the places don't ascend.
    pub fn joint_path(&self, places: &[usize]) -> Option<Vec<Hash>> {
        self.seal.tree().joint_path(places)
    }
}

/// One record on its way to one recipient, already redacted.
#[derive(Debug, Clone)]
pub struct OutRecord {
    /// Place in the log, counted from 1.
    pub sequence: u64,
    /// Place in the signed batch, from 0.
    pub batch_index: u32,
    /// Field groups; those that policy withholds carry their hash alone.
    pub groups: Arc<[SealedGroup]>,
    /// The learner by the recipient's own id.
    pub recipient_learner: LocalId,
    /// When the hub accepted the record.
    pub accepted_at: Timestamp,
    /// True if it is sent once more on purpose: it takes the place of the same revision.
    pub again: bool,
}

impl OutRecord {
    /// Bytes that it takes on its way, about.
    pub(crate) fn size(&self) -> usize {
        let group = |group: &SealedGroup| match &group.state {
            GroupState::Open { content, .. } => content.len() + 24,
            GroupState::Withheld(_) => 40,
        };
        80 + self.groups.iter().map(group).sum::<usize>()
    }
}

/// A recipient's signed receipt.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    /// Everything up to here is safe; counted from 1.
    pub cursor: u64,
    /// Running digest of what was received.
    pub digest: Hash,
    /// First bytes of the hash of the signing key.
    pub key_id: [u8; 8],
    /// Ed25519 signature.
    pub signature: [u8; 64],
}

/// What became of a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclareResult {
    /// New or changed, and in the log.
    Accepted,
    /// Known already.
    Unchanged,
    /// Breaks a rule.
    Rejected {
        /// Stable code.
        code: &'static str,
        /// Field at fault.
        field: &'static str,
        /// What to do.
        reason: &'static str,
    },
    /// A claim to be home of a learner whom another institution claims. Kept; delivers nothing.
    Contested,
}

/// The institution as the hub sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Learners registered there.
    pub home_learners: u64,
    /// Guests there.
    pub guests: u64,
    /// Guests who matched nobody, by the institution's own ids.
    pub unmatched: Vec<LocalId>,
    /// Learners whom another institution claims too.
    pub contested: Vec<LocalId>,
    /// Placements that no host has accepted.
    pub placements_waiting_for_host: u64,
    /// Acceptances whose home has declared nothing.
    pub acceptances_waiting_for_home: u64,
    /// Placements in force on either side.
    pub placements_in_force: u64,
}

/// A signing key of an institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyInfo {
    /// Ed25519 public key.
    pub public_key: [u8; 32],
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The speaker is not known, revoked, or may not do this. One wording, whatever the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Not enrolled, or revoked.
    #[error("not enrolled here, or revoked; ask the data manager for an invitation")]
    Unknown,
    /// Known, but not allowed, or not there.
    #[error("not found, or not yours to see")]
    Denied,
}

/// Why a batch was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The speaker may not speak.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The batch or a record names another institution as its source.
    #[error("a batch may only name the speaking institution as its source")]
    Impersonation,
    /// The batch's number is not the one that follows.
    #[error("the next batch must carry number {expected}")]
    Gap {
        /// The number expected.
        expected: u64,
    },
    /// The batch as a whole breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The clock can't be believed.
    #[error(transparent)]
    Clock(#[from] ClockAhead),
    /// There is no room for it; it works again as soon as there is.
    #[error("the hub's disk is full; keep everything and try again")]
    Full,
    /// It could not be made durable just now.
    #[error("the hub can't write to its log just now; try again")]
    Unavailable,
}

/// Why nothing more leaves on this feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The recipient's agent was revoked.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Stored bytes are not what the log committed to.
    #[error("stored records are damaged; the hub's operator must restore them")]
    Damaged,
    /// The clock can't be believed.
    #[error(transparent)]
    Clock(#[from] ClockAhead),
    /// The log can't be read or written just now.
    #[error("the hub can't use its log just now; try again")]
    Unavailable,
    /// The hub is closing.
    #[error("the hub is stopping; connect again")]
    Closed,
}

/// Why an acknowledgement was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// The speaker may not speak.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The cursor lies beyond what was sent.
    #[error("field `cursor`: lies beyond what was sent, which is {sent}")]
    OutOfRange {
        /// The last cursor sent.
        sent: u64,
    },
    /// The receipt breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It could not be made durable just now.
    #[error("the hub can't write to its log just now; try again")]
    Unavailable,
}

/// Why a declaration or an administrator's change was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// The speaker may not speak.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// An entry of a consortium file breaks a rule.
    #[error("{place}: {fault}")]
    Entry {
        /// Which entry, by the file's own keys and counted from 1.
        place: String,
        /// The field at fault and what to write instead; never a learner's id.
        fault: String,
    },
    /// There is no such thing.
    #[error("there is no such {0} in the directory")]
    Missing(&'static str),
    /// It could not be made durable just now.
    #[error("the hub can't write to its log just now; try again")]
    Unavailable,
}

/// Why an agent could not enrol or renew. One wording for every bad invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Wrong, used or expired; unknown, revoked or too long unused.
    #[error("the invitation or key is not valid; ask the consortium's data manager for a new invitation")]
    Refused,
    /// Too many failures from this address.
    #[error("too many failed attempts; wait and try again")]
    TooMany {
        /// How long to wait.
        retry: Duration,
    },
    /// It could not be made durable just now.
    #[error("the hub can't write to its log just now; try again")]
    Unavailable,
}

/// Whom to revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoke {
    /// One agent.
    Agent(AgentId),
    /// One person.
    Person(PersonId),
    /// Every agent and every person of an institution.
    Institution(Slug),
}

/// Who is speaking, proven by the certificate and the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    pub(crate) agent: AgentId,
    pub(crate) institution: Slug,
    pub(crate) number: u16,
}

impl Speaker {
    /// The agent.
    pub const fn agent(&self) -> AgentId {
        self.agent
    }

    /// The institution that it speaks for.
    pub const fn institution(&self) -> &Slug {
        &self.institution
    }
}

/// Which person is acting, proven by the certificate and the directory. Asked anew at every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSpeaker {
    pub(crate) id: PersonId,
    pub(crate) institution: Slug,
    pub(crate) number: u16,
}

impl PersonSpeaker {
    /// The person.
    pub const fn id(&self) -> PersonId {
        self.id
    }

    /// The institution that they act for.
    pub const fn institution(&self) -> &Slug {
        &self.institution
    }

    /// How the log names them.
    pub fn by(&self) -> String {
        format!("person:{}", self.id)
    }
}

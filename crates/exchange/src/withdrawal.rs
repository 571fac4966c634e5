//! Words of withdrawing: notices to recipients that are no longer entitled to a copy, and their signed answers.
//!
//! Plain values. How a notice gets into the log is in `notices`, when there is one in `recall`.

use commonroll_audit::{deletion::CopyOutcome, hash::Hash};
use commonroll_core::{Invalid, LocalId, RecordId, RecordKind, Slug, Timestamp};
use serde::{Deserialize, Serialize};

use crate::types::NotAllowed;

/// Copies in one notice at most.
pub const NOTICE_COPIES: usize = 500;

/// Why a copy is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No placement covers the record any more.
    PlacementEnded,
    /// No agreement in force lists this kind of record any more.
    AgreementEnded,
    /// The policy no longer lets it be received.
    PolicyNarrowed,
    /// Some of its field groups may no longer be received; a narrower copy follows.
    FieldsNarrowed,
    /// The record is about somebody else than was believed.
    MatchUndone,
    /// The recipient is no longer the learner's home.
    HomeChanged,
    /// The source has marked the record confidential since.
    SourceMarkedConfidential,
    /// The source took the record back.
    RecordWithdrawn,
    /// The learner's home had it erased.
    Erased,
}

impl Reason {
    /// The reason's stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlacementEnded => "placement_ended",
            Self::AgreementEnded => "agreement_ended",
            Self::PolicyNarrowed => "policy_narrowed",
            Self::FieldsNarrowed => "fields_narrowed",
            Self::MatchUndone => "match_undone",
            Self::HomeChanged => "home_changed",
            Self::SourceMarkedConfidential => "source_marked_confidential",
            Self::RecordWithdrawn => "record_withdrawn",
            Self::Erased => "erased",
        }
    }
}

/// A notice on its way to its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutNotice {
    /// Place in the log, counted from 1.
    pub sequence: u64,
    /// The recipient's own numbering, from 1.
    pub number: u64,
    /// Why.
    pub reason: Reason,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The copies.
    pub copies: Vec<OutCopy>,
}

/// A copy that is to go, with every older revision of the record.
#[derive(Clone, PartialEq, Eq)]
pub struct OutCopy {
    /// Where the record was accepted, counted from 1.
    pub sequence: u64,
    /// The record.
    pub id: RecordId,
    /// Who made it.
    pub source: Slug,
    /// Its revision.
    pub revision: u32,
    /// Its kind.
    pub kind: RecordKind,
    /// The learner by the recipient's own id, if the recipient still has one for them.
    pub recipient_learner: Option<LocalId>,
}

impl std::fmt::Debug for OutCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutCopy({}, ..)", self.sequence)
    }
}

/// A recipient's answer to a notice.
#[derive(Debug, Clone)]
pub struct WithdrawalAnswer {
    /// The notice's number.
    pub number: u64,
    /// The notice's place in the log, counted from 1.
    pub sequence: u64,
    /// One answer for each copy, in the notice's order.
    pub answers: Vec<CopyAnswer>,
    /// First bytes of the hash of the signing key.
    pub key_id: [u8; 8],
    /// Ed25519 signature over the deletion text.
    pub signature: [u8; 64],
}

/// What became of one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyAnswer {
    /// The copy's sequence number.
    pub sequence: u64,
    /// What became of it.
    pub outcome: CopyOutcome,
    /// Why it is flagged or kept, as a code; empty otherwise.
    pub reason: String,
}

/// A notice as people see it: counts, never a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    /// Who was asked.
    pub recipient: String,
    /// The recipient's own numbering, from 1.
    pub number: u64,
    /// Why.
    pub reason: &'static str,
    /// How many copies.
    pub copies: u32,
    /// When it was issued, microseconds since the epoch.
    pub issued_us: i64,
    /// What was answered; `None` while nothing was.
    pub answered: Option<Answered>,
}

/// What a recipient answered, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// When the answer came, microseconds since the epoch.
    pub at_us: i64,
    /// Copies that were removed.
    pub removed: u32,
    /// Copies that a person removes by hand.
    pub flagged: u32,
    /// Copies that stay, each for a stated reason.
    pub kept: u32,
    /// Copies that were not there.
    pub not_held: u32,
    /// Digest that was signed, in hexadecimal.
    pub digest: String,
    /// First bytes of the hash of the signing key, in hexadecimal.
    pub key_id: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

impl Answered {
    /// Counts what was said.
    pub(crate) fn count(answer: &WithdrawalAnswer, digest: &Hash, now: Timestamp) -> Self {
        use crate::directory::change::hex;
        let of = |outcome| {
            u32::try_from(answer.answers.iter().filter(|a| a.outcome == outcome).count()).unwrap_or(u32::MAX)
        };
        Self {
            at_us: now.micros(),
            removed: of(CopyOutcome::Removed),
            flagged: of(CopyOutcome::Flagged),
            kept: of(CopyOutcome::Kept),
            not_held: of(CopyOutcome::NotHeld),
            digest: hex(digest),
            key_id: hex(&answer.key_id),
            signature: hex(&answer.signature),
        }
    }
}

/// Why an answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The speaker may not speak, or there is no such notice of its own.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The answer breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The word about one and the same thing was changed again and again; everything else of the answer was taken.
    #[error("the word about a session code was changed too often; say it again in an hour")]
    TooOften,
    /// It could not be made durable just now.
    #[error("the hub can't write to its log just now; try again")]
    Unavailable,
}

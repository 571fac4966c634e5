//! Withdrawal notices and their answers: copies that a recipient is no longer entitled to, and what became of them.

use crate::{pb::exchange::v1 as pb, read, read_kind};
use bytes::Bytes;
use commonroll_audit::{CopyOutcome, DeletionDigest, SealError, SigningKey, sign_deletion};
use commonroll_core::{Invalid, LocalId, RecordId, RecordKind, Revision, Slug};

/// Copies in one notice at most.
pub const COPIES_MAX: usize = 500;
/// Characters of a reason's code at most.
const CODE_MAX: usize = 40;

/// A notice, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its place in the log, counted from 1.
    pub sequence: u64,
    /// Its number among the recipient's notices.
    pub number: u64,
    /// Why: a stable code. One that this version does not know is still a reason.
    pub reason: String,
    /// When it was issued, microseconds since the epoch.
    pub issued_at_us: i64,
    /// The copies.
    pub copies: Vec<WithdrawnCopy>,
}

/// A copy that is to go, with every older revision of the record.
#[derive(Clone, PartialEq, Eq)]
pub struct WithdrawnCopy {
    /// Sequence number with which the record was accepted.
    pub sequence: u64,
    /// The record.
    pub id: RecordId,
    /// Who made it.
    pub source: Slug,
    /// The revision that was delivered.
    pub revision: Revision,
    /// Its kind.
    pub kind: RecordKind,
    /// The learner, by the recipient's own id; `None` if the hub knows none any more.
    pub learner: Option<LocalId>,
}

impl std::fmt::Debug for WithdrawnCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WithdrawnCopy({}, ..)", self.sequence)
    }
}

/// What became of one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyAnswer {
    /// The copy's sequence number, as in the notice.
    pub sequence: u64,
    /// What became of it.
    pub outcome: CopyOutcome,
    /// Why it is flagged or kept, as a code; empty otherwise.
    pub reason: String,
}

/// Reads a notice.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_notice(message: &pb::WithdrawalNotice) -> Result<Notice, Invalid> {
    if message.copies.is_empty() || message.copies.len() > COPIES_MAX {
        return Err(Invalid::new("copies", "must be 1 to 500 copies"));
    }
    let copy = |copy: &pb::WithdrawnCopy| {
        Ok(WithdrawnCopy {
            sequence: copy.sequence,
            id: RecordId(read::exactly("record_id", &copy.record_id, "must have exactly 16 bytes")?),
            source: read::slug("source", &copy.source)?,
            revision: Revision::new(copy.revision)?,
            kind: read_kind(copy.kind)?,
            learner: read::optional_id("recipient_learner_local_id", &copy.recipient_learner_local_id)?,
        })
    };
    Ok(Notice {
        sequence: message.sequence,
        number: message.number,
        reason: code("reason", &message.reason)?,
        issued_at_us: message.issued_at_us,
        copies: message.copies.iter().map(copy).collect::<Result<_, Invalid>>()?,
    })
}

/// An answer to a notice, signed.
///
/// # Errors
/// [`SealError::Slug`] only if a slug could not stand in signed text, which no checked slug does.
pub fn answer_withdrawal(
    recipient: &Slug,
    number: u64,
    sequence: u64,
    answers: &[CopyAnswer],
    key: &SigningKey,
) -> Result<pb::AnswerWithdrawalRequest, SealError> {
    let mut digest = DeletionDigest::default();
    answers.iter().for_each(|answer| digest.add(answer.sequence, answer.outcome, &answer.reason));
    let signature = sign_deletion(key, recipient.as_str(), number, sequence, &digest)?;
    let message = |answer: &CopyAnswer| pb::CopyAnswer {
        sequence: answer.sequence,
        outcome: i32::from(answer.outcome as u8),
        reason: answer.reason.clone(),
    };
    Ok(pb::AnswerWithdrawalRequest {
        number,
        sequence,
        answers: answers.iter().map(message).collect(),
        key_id: Bytes::copy_from_slice(key.public().id().as_bytes()),
        signature: Bytes::copy_from_slice(&signature),
    })
}

/// Reads what an answer says of each copy. The signature is checked where the notice is known.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_answers(request: &pb::AnswerWithdrawalRequest) -> Result<Vec<CopyAnswer>, Invalid> {
    if request.answers.is_empty() || request.answers.len() > COPIES_MAX {
        return Err(Invalid::new("answers", "must be one answer for each copy of the notice"));
    }
    let answer = |answer: &pb::CopyAnswer| {
        let outcome = CopyOutcome::from_number(answer.outcome)
            .ok_or(Invalid::new("outcome", "must be removed, flagged, kept or not held"))?;
        let reason = match outcome {
            CopyOutcome::Flagged | CopyOutcome::Kept => code("reason", &answer.reason)?,
            _ if answer.reason.is_empty() => String::new(),
            _ => return Err(Invalid::new("reason", "must be empty unless the copy is flagged or kept")),
        };
        Ok(CopyAnswer { sequence: answer.sequence, outcome, reason })
    };
    request.answers.iter().map(answer).collect()
}

/// A code: it lands in the log and in texts for people, so it can't hold anything personal.
fn code(field: &'static str, text: &str) -> Result<String, Invalid> {
    let sound =
        (1..=CODE_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    match sound {
        true => Ok(text.to_owned()),
        false => Err(Invalid::new(field, "must be a code of 1 to 40 lower-case letters and underscores")),
    }
}

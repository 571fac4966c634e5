//! What became of a record or a declaration: the answers of the hub, to and from the schema.

use crate::{pb::directory::v1 as directory, pb::exchange::v1 as exchange, read};
use commonroll_core::Invalid;

/// The code of a refusal because a field breaks a rule of the schema.
pub const INVALID_FIELD: &str = "invalid_field";
/// Most bytes of each text of an answer.
const TEXT_MAX: usize = 500;

/// Why something was refused. Never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code of the rule: `no_placement`, `no_agreement`, `invalid_field` ...
    pub code: String,
    /// The field at fault; empty unless one is.
    pub field: String,
    /// What to do, in plain words.
    pub reason: String,
}

impl From<&Invalid> for Refusal {
    fn from(invalid: &Invalid) -> Self {
        Self { code: INVALID_FIELD.into(), field: invalid.field.into(), reason: invalid.rule.into() }
    }
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordAnswer {
    /// Durable in the log.
    Accepted {
        /// Its sequence number, from 1.
        sequence: u64,
    },
    /// In the log already.
    Duplicate {
        /// The first one's sequence number, from 1.
        sequence: u64,
    },
    /// Not stored.
    Rejected(Refusal),
}

/// What became of one declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeclarationAnswer {
    /// New or changed, and in the log.
    Accepted,
    /// Known already.
    Unchanged,
    /// Breaks a rule.
    Rejected(Refusal),
    /// A claim to be the home of a learner whom another institution claims. Kept, and delivers nothing.
    Contested {
        /// Stable code of the rule.
        code: String,
        /// What to do, in plain words.
        reason: String,
    },
}

/// An answer about a record as the schema writes it.
pub fn write_record_answer(answer: RecordAnswer) -> exchange::RecordResult {
    use exchange::RecordOutcome as Outcome;
    let (outcome, sequence, refusal) = match answer {
        RecordAnswer::Accepted { sequence } => (Outcome::Accepted, sequence, None),
        RecordAnswer::Duplicate { sequence } => (Outcome::Duplicate, sequence, None),
        RecordAnswer::Rejected(refusal) => (Outcome::Rejected, 0, Some(refusal)),
    };
    let (code, field, reason) = refusal.map(|r| (r.code, r.field, r.reason)).unwrap_or_default();
    exchange::RecordResult { outcome: outcome as i32, sequence, code, field, reason, held_revision: 0 }
}

/// Reads an answer about a record.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_record_answer(result: exchange::RecordResult) -> Result<RecordAnswer, Invalid> {
    use exchange::RecordOutcome as Outcome;
    let sequence = || match result.sequence {
        0 => Err(Invalid::new("sequence", "must be at least 1 for a record that is in the log")),
        sequence => Ok(sequence),
    };
    Ok(match read::known("outcome", result.outcome)? {
        Outcome::Unspecified => return read::required("outcome", None),
        Outcome::Accepted => RecordAnswer::Accepted { sequence: sequence()? },
        Outcome::Duplicate => RecordAnswer::Duplicate { sequence: sequence()? },
        Outcome::Rejected => RecordAnswer::Rejected(read_refusal(result.code, result.field, result.reason)?),
    })
}

/// An answer about a declaration as the schema writes it.
pub fn write_declaration_answer(answer: DeclarationAnswer) -> directory::DeclarationResult {
    use directory::DeclarationOutcome as Outcome;
    let (outcome, code, field, reason) = match answer {
        DeclarationAnswer::Accepted => (Outcome::Accepted, String::new(), String::new(), String::new()),
        DeclarationAnswer::Unchanged => (Outcome::Unchanged, String::new(), String::new(), String::new()),
        DeclarationAnswer::Rejected(r) => (Outcome::Rejected, r.code, r.field, r.reason),
        DeclarationAnswer::Contested { code, reason } => (Outcome::Contested, code, String::new(), reason),
    };
    directory::DeclarationResult { outcome: outcome as i32, code, field, reason }
}

/// Reads an answer about a declaration.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_declaration_answer(result: directory::DeclarationResult) -> Result<DeclarationAnswer, Invalid> {
    use directory::DeclarationOutcome as Outcome;
    Ok(match read::known("outcome", result.outcome)? {
        Outcome::Unspecified => return read::required("outcome", None),
        Outcome::Accepted => DeclarationAnswer::Accepted,
        Outcome::Unchanged => DeclarationAnswer::Unchanged,
        Outcome::Rejected => {
            DeclarationAnswer::Rejected(read_refusal(result.code, result.field, result.reason)?)
        }
        Outcome::Contested => {
            let Refusal { code, reason, .. } = read_refusal(result.code, String::new(), result.reason)?;
            DeclarationAnswer::Contested { code, reason }
        }
    })
}

fn read_refusal(code: String, field: String, reason: String) -> Result<Refusal, Invalid> {
    Ok(Refusal {
        code: read::verbatim("code", code, TEXT_MAX)?,
        field: read::verbatim("field", field, TEXT_MAX)?,
        reason: read::verbatim("reason", reason, TEXT_MAX)?,
    })
}

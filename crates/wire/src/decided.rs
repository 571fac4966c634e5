//! Session codes that a person of a home decided, on their way to the home's own agent, and what became of them.

use crate::{pb::exchange::v1 as pb, read};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use commonroll_core::{Invalid, LocalId, RecordId, Revision, SchoolDate, Slug, Timestamp, record::Text};

/// Answers in one message at most.
pub const ANSWERS_MAX: usize = 1_000;
/// Characters of what an MIS said at most.
pub const WORDS_MAX: usize = 300;
/// Characters of a code at most.
const CODE_MAX: usize = 4;
/// Marks behind one decision at most.
const EVIDENCE_MAX: usize = 64;

/// A learner's session.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionOf {
    /// The learner, by the home's own id.
    pub learner: LocalId,
    /// The school date.
    pub date: SchoolDate,
    /// False for the morning's.
    pub afternoon: bool,
}

/// What a person of a home decided for one learner's session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCode {
    /// Whose session.
    pub of: SessionOf,
    /// From 1; a later decision has a higher one.
    pub revision: Revision,
    /// The code; empty if the home's own mark stays.
    pub code: String,
    /// Whole minutes late, if the code carries them.
    pub minutes_late: Option<u32>,
    /// The host whose lesson it was.
    pub host: Slug,
    /// Hosts' marks by which the learner was seen: record and revision.
    pub evidence: Vec<(RecordId, Revision)>,
    /// When it was decided.
    pub decided_at: Timestamp,
}

/// What became of a decided code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionCodeOutcome {
    /// Safe in the outbox, from where a program carries it.
    Outbox,
    /// Safe in the outbox as a list for a person.
    ByHand,
    /// It stands in the MIS.
    Applied,
    /// The MIS refused it, or a person's mark stands there.
    Refused,
    /// The home's own mark stays: nothing is written.
    Kept,
}

/// What became of one code.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCodeAnswer {
    /// Whose session.
    pub of: SessionOf,
    /// Of which decision.
    pub revision: Revision,
    /// What became of it.
    pub outcome: SessionCodeOutcome,
    /// What the MIS said; empty unless it was refused.
    pub words: String,
}

impl std::fmt::Debug for SessionOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionOf(..)")
    }
}

impl std::fmt::Debug for SessionCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionCode(revision {}, ..)", self.revision)
    }
}

impl std::fmt::Debug for SessionCodeAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionCodeAnswer({:?}, ..)", self.outcome)
    }
}

/// The id under which a home's outbox and MIS know what was decided of a learner's session: 4 bytes of days since 1970-01-01
/// (big-endian), then the first 12 bytes of SHA-256 over `"commonroll/session-code/v1\n{home}\n{am or pm}\n{learner}"`.
pub fn session_code_id(home: &Slug, of: &SessionOf) -> RecordId {
    let session = if of.afternoon { "pm" } else { "am" };
    let parts = ["commonroll/session-code/v1\n", home.as_str(), "\n", session, "\n", of.learner.as_str()];
    let digest = digest(&SHA256, parts.concat().as_bytes());
    let mut id = [0; 16];
    id[..4].copy_from_slice(&of.date.days().to_be_bytes());
    id[4..].copy_from_slice(&digest.as_ref()[..12]);
    RecordId(id)
}

/// Reads a decided code.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_session_code(message: &pb::SessionCode) -> Result<SessionCode, Invalid> {
    let code = &message.code;
    if code.chars().count() > CODE_MAX || !code.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Invalid::new("code", "must be a code of 1 to 4 characters, or empty"));
    }
    if message.evidence.len() > EVIDENCE_MAX {
        return Err(Invalid::new("evidence", "must be at most 64 marks"));
    }
    let evidence = |one: &pb::SessionEvidence| {
        let id = read::exactly("record_id", &one.record_id, "must have exactly 16 bytes")?;
        Ok((RecordId(id), Revision::new(one.revision)?))
    };
    Ok(SessionCode {
        of: session_of(&message.learner_local_id, &message.date, message.session)?,
        revision: Revision::new(message.revision)?,
        code: code.clone(),
        minutes_late: message.minutes_late,
        host: read::slug("host", &message.host)?,
        evidence: message.evidence.iter().map(evidence).collect::<Result<_, Invalid>>()?,
        decided_at: Timestamp::from_micros("decided_at_us", message.decided_at_us)?,
    })
}

/// A decided code as the schema writes it.
pub fn write_session_code(code: &SessionCode) -> pb::SessionCode {
    let evidence = |(id, revision): &(RecordId, Revision)| pb::SessionEvidence {
        record_id: Bytes::copy_from_slice(&id.0),
        revision: revision.get(),
    };
    pb::SessionCode {
        learner_local_id: code.of.learner.as_str().to_owned(),
        date: code.of.date.to_string(),
        session: session(&code.of).into(),
        revision: code.revision.get(),
        code: code.code.clone(),
        minutes_late: code.minutes_late,
        host: code.host.as_str().to_owned(),
        evidence: code.evidence.iter().map(evidence).collect(),
        decided_at_us: code.decided_at.micros(),
    }
}

/// Reads what became of codes.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_session_code_answers(
    request: &pb::AnswerSessionCodesRequest,
) -> Result<Vec<SessionCodeAnswer>, Invalid> {
    if request.answers.len() > ANSWERS_MAX {
        return Err(Invalid::new("answers", "must be at most 1,000 answers"));
    }
    let answer = |answer: &pb::SessionCodeAnswer| {
        let outcome = match read::known::<pb::SessionCodeOutcome>("outcome", answer.outcome)? {
            pb::SessionCodeOutcome::Outbox => Some(SessionCodeOutcome::Outbox),
            pb::SessionCodeOutcome::ByHand => Some(SessionCodeOutcome::ByHand),
            pb::SessionCodeOutcome::Applied => Some(SessionCodeOutcome::Applied),
            pb::SessionCodeOutcome::Refused => Some(SessionCodeOutcome::Refused),
            pb::SessionCodeOutcome::Kept => Some(SessionCodeOutcome::Kept),
            pb::SessionCodeOutcome::Unspecified => None,
        };
        let outcome = read::required("outcome", outcome)?;
        if outcome != SessionCodeOutcome::Refused && !answer.words.is_empty() {
            return Err(Invalid::new("words", "must be empty unless the code was refused"));
        }
        Ok(SessionCodeAnswer {
            of: session_of(&answer.learner_local_id, &answer.date, answer.session)?,
            revision: Revision::new(answer.revision)?,
            outcome,
            words: Text::parse("words", &answer.words, WORDS_MAX)?.as_str().to_owned(),
        })
    };
    request.answers.iter().map(answer).collect()
}

/// What became of a code as the schema writes it.
pub fn write_session_code_answer(answer: &SessionCodeAnswer) -> pb::SessionCodeAnswer {
    let outcome = match answer.outcome {
        SessionCodeOutcome::Outbox => pb::SessionCodeOutcome::Outbox,
        SessionCodeOutcome::ByHand => pb::SessionCodeOutcome::ByHand,
        SessionCodeOutcome::Applied => pb::SessionCodeOutcome::Applied,
        SessionCodeOutcome::Refused => pb::SessionCodeOutcome::Refused,
        SessionCodeOutcome::Kept => pb::SessionCodeOutcome::Kept,
    };
    pb::SessionCodeAnswer {
        learner_local_id: answer.of.learner.as_str().to_owned(),
        date: answer.of.date.to_string(),
        session: session(&answer.of).into(),
        revision: answer.revision.get(),
        outcome: outcome.into(),
        words: answer.words.clone(),
    }
}

fn session_of(learner: &str, date: &str, session: i32) -> Result<SessionOf, Invalid> {
    let afternoon = match read::known::<pb::DaySession>("session", session)? {
        pb::DaySession::Morning => Some(false),
        pb::DaySession::Afternoon => Some(true),
        pb::DaySession::Unspecified => None,
    };
    Ok(SessionOf {
        learner: LocalId::parse("learner_local_id", learner)?,
        date: SchoolDate::parse("date", date)?,
        afternoon: read::required("session", afternoon)?,
    })
}

const fn session(of: &SessionOf) -> pb::DaySession {
    if of.afternoon { pb::DaySession::Afternoon } else { pb::DaySession::Morning }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of() -> SessionOf {
        let learner = LocalId::parse("learner", "K1").expect("an id");
        SessionOf {
            learner,
            date: SchoolDate::parse("date", "2026-09-14").expect("a date"),
            afternoon: false,
        }
    }

    #[test]
    fn a_code_comes_back_as_it_was_and_a_wrong_one_names_its_field() {
        let host: Slug = "northgate".parse().expect("a slug");
        let code = SessionCode {
            of: of(),
            revision: Revision::FIRST.next(),
            code: "B".to_owned(),
            minutes_late: Some(0),
            host,
            evidence: vec![(RecordId([7; 16]), Revision::FIRST)],
            decided_at: Timestamp::from_micros("at", 1_789_376_400_000_000).expect("a moment"),
        };
        let message = write_session_code(&code);
        assert_eq!(read_session_code(&message), Ok(code));
        let field = |message| read_session_code(&message).expect_err("refused").field;
        assert_eq!(field(pb::SessionCode { session: 0, ..message.clone() }), "session");
        assert_eq!(field(pb::SessionCode { session: 9, ..message.clone() }), "session");
        assert_eq!(field(pb::SessionCode { code: "B and more".to_owned(), ..message.clone() }), "code");
        assert_eq!(field(pb::SessionCode { revision: 0, ..message }), "revision");
        assert!(!format!("{:?}", of()).contains("K1"));
    }

    #[test]
    fn only_a_refusal_has_words() {
        let answer = |outcome, words: &str| {
            let answer =
                SessionCodeAnswer { of: of(), revision: Revision::FIRST, outcome, words: words.to_owned() };
            let answers = vec![write_session_code_answer(&answer)];
            let read = read_session_code_answers(&pb::AnswerSessionCodesRequest { answers });
            read.map(|read| read == [answer])
        };
        assert_eq!(answer(SessionCodeOutcome::Refused, "the register is closed"), Ok(true));
        assert_eq!(answer(SessionCodeOutcome::Applied, ""), Ok(true));
        assert!(answer(SessionCodeOutcome::Kept, "words").is_err());
        assert!(answer(SessionCodeOutcome::Refused, &"x".repeat(WORDS_MAX + 1)).is_err());
    }

    #[test]
    fn each_learners_session_of_each_home_has_an_id_of_its_own() {
        let kingsmead: Slug = "kingsmead".parse().expect("a slug");
        let ridgeway: Slug = "ridgeway".parse().expect("a slug");
        let (morning, afternoon) = (of(), SessionOf { afternoon: true, ..of() });
        let id = session_code_id(&kingsmead, &morning);
        assert_eq!(id.days(), of().date.days());
        assert_ne!(id, session_code_id(&kingsmead, &afternoon));
        assert_ne!(id, session_code_id(&ridgeway, &morning));
    }
}

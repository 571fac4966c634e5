//! What people here decided of session codes: kept before it is written, with what became of it and what the hub knows of that.
//!
//! One row for each learner's session, of the newest decision. It stays for weeks after the outbox and the hub have it, since what
//! it stands over, a host's mark that is late, may still come.

use super::{ROWS, Spool, feed::record_key, set};
use crate::error::AgentError;
use bytes::Bytes;
use commonroll_connectors::render::{Outcome, Session};
use commonroll_core::{LocalId, RecordId, Revision, SchoolDate, Slug};
use commonroll_wire::{
    SessionCode, SessionCodeAnswer, SessionCodeOutcome, SessionOf, pb::exchange::v1 as pb, read_session_code,
    write_session_code, write_session_code_answer,
};
use prost::Message;
use std::collections::HashMap;

/// Days for which a decision is remembered.
const DAYS: i32 = 60;
/// Name of the number that the newest file of decisions has.
const NUMBER: &str = "decided";

/// A decision on its way into the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub code: SessionCode,
    /// The id under which outbox and MIS know it.
    pub record: RecordId,
    /// The revision of its row in the outbox, higher than any before.
    pub row: Revision,
}

/// What is known of a learner's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The hub's revision of the decision.
    pub revision: u32,
    /// When it was decided, microseconds since the epoch.
    pub at_us: i64,
    /// The revision of its row in the outbox.
    pub row: Revision,
}

/// A row as it is stored: the message, the record's id, and the revision of its row in the outbox.
type Stored = (Vec<u8>, String, i64);

impl Spool {
    /// The newest decision about a learner's session.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn decision(&self, of: &SessionOf) -> Result<Option<Known>, AgentError> {
        let found: Option<(i64, i64, i64)> = sqlx::query_as(
            "SELECT revision, at_us, row FROM decided WHERE learner = $1 AND date = $2 AND session = $3",
        )
        .bind(of.learner.as_str())
        .bind(of.date.to_string())
        .bind(name(of).as_str())
        .fetch_optional(self.pool())
        .await?;
        let known = |(revision, at_us, row): (i64, i64, i64)| {
            Ok(Known { revision: number(revision)?, at_us, row: revision_of(row)? })
        };
        found.map(known).transpose()
    }

    /// Which sessions of a date were decided, by learner.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn decided_on(&self, date: SchoolDate) -> Result<HashMap<String, Vec<Session>>, AgentError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT learner, session FROM decided WHERE day = $1 ORDER BY session")
                .bind(date.days())
                .fetch_all(self.pool())
                .await?;
        let mut found: HashMap<String, Vec<Session>> = HashMap::new();
        for (learner, session) in rows {
            let session = [Session::Am, Session::Pm].into_iter().find(|one| one.as_str() == session);
            let session = session.ok_or(AgentError::Damaged("decided.session"))?;
            found.entry(learner).or_default().push(session);
        }
        Ok(found)
    }

    /// Keeps decisions before they are written: they make one file, under the next number.
    ///
    /// # Errors
    /// When the spool fails; nothing is kept then.
    pub async fn keep_decisions(&self, decisions: &[Decision], today: SchoolDate) -> Result<(), AgentError> {
        let number = self.number(NUMBER).await?.saturating_add(1);
        let mut tx = self.begin().await?;
        for decision in decisions {
            let (of, code) = (&decision.code.of, &decision.code);
            sqlx::query(
                "INSERT OR REPLACE INTO decided(learner, date, session, day, revision, at_us, record, row, number, message,
                   outcome, words, said) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '', 0)",
            )
            .bind(of.learner.as_str())
            .bind(of.date.to_string())
            .bind(name(of).as_str())
            .bind(of.date.days())
            .bind(i64::from(code.revision.get()))
            .bind(code.decided_at.micros())
            .bind(decision.record.to_string())
            .bind(i64::from(decision.row.get()))
            .bind(number as i64)
            .bind(write_session_code(code).encode_to_vec())
            .execute(&mut *tx)
            .await?;
        }
        let oldest = today.days().saturating_sub(DAYS);
        sqlx::query("DELETE FROM decided WHERE day < $1").bind(oldest).execute(&mut *tx).await?;
        set(&mut tx, NUMBER, &number.to_be_bytes()).await?;
        Ok(tx.commit().await?)
    }

    /// Decisions that are kept and not surely written yet: those of the oldest file, with its number.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn kept_decisions(&self) -> Result<Option<(u64, Vec<Decision>)>, AgentError> {
        let number: Option<i64> = sqlx::query_scalar("SELECT MIN(number) FROM decided WHERE outcome = 0")
            .fetch_one(self.pool())
            .await?;
        let Some(number) = number else { return Ok(None) };
        let rows: Vec<Stored> = sqlx::query_as(
            "SELECT message, record, row FROM decided WHERE outcome = 0 AND number = $1 ORDER BY at_us, learner, session",
        )
        .bind(number)
        .fetch_all(self.pool())
        .await?;
        let decisions = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Some((number.unsigned_abs(), decisions)))
    }

    /// The file of this number is safe in the outbox.
    ///
    /// # Errors
    /// When the spool fails; the same file is then written again.
    pub async fn decisions_written(
        &self,
        decisions: &[Decision],
        handed: SessionCodeOutcome,
    ) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        for decision in decisions {
            let kept = decision.code.code.is_empty();
            let outcome = if kept { SessionCodeOutcome::Kept } else { handed };
            sqlx::query("UPDATE decided SET outcome = $1 WHERE record = $2 AND row = $3 AND outcome = 0")
                .bind(code_of(outcome))
                .bind(decision.record.to_string())
                .bind(i64::from(decision.row.get()))
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// The hub asks for a decision again that it was told about: it is told once more.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn decision_unsaid(&self, of: &SessionOf) -> Result<(), AgentError> {
        sqlx::query("UPDATE decided SET said = 0 WHERE learner = $1 AND date = $2 AND session = $3")
            .bind(of.learner.as_str())
            .bind(of.date.to_string())
            .bind(name(of).as_str())
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// What the hub is to be told: at most so many as one message takes.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn decisions_to_tell(&self) -> Result<Vec<pb::SessionCodeAnswer>, AgentError> {
        let rows: Vec<(Vec<u8>, i64, String)> = sqlx::query_as(
            "SELECT message, outcome, words FROM decided WHERE outcome > 0 AND said <> outcome ORDER BY at_us LIMIT $1",
        )
        .bind(ROWS as i64)
        .fetch_all(self.pool())
        .await?;
        let answer = |(message, outcome, words): (Vec<u8>, i64, String)| {
            let code = decode(&message)?;
            let outcome = outcome_of(outcome)?;
            Ok(write_session_code_answer(&SessionCodeAnswer {
                of: code.of,
                revision: code.revision,
                outcome,
                words: if outcome == SessionCodeOutcome::Refused { words } else { String::new() },
            }))
        };
        rows.into_iter().map(answer).collect()
    }

    /// The hub took these answers.
    ///
    /// # Errors
    /// When the spool fails; it is then told once more, which changes nothing.
    pub async fn decisions_told(&self, answers: &[pb::SessionCodeAnswer]) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        for answer in answers {
            let session = if answer.session == i32::from(pb::DaySession::Afternoon) {
                Session::Pm
            } else {
                Session::Am
            };
            sqlx::query(
                "UPDATE decided SET said = $1 WHERE learner = $2 AND date = $3 AND session = $4 AND revision = $5",
            )
            .bind(answer.outcome)
            .bind(&answer.learner_local_id)
            .bind(&answer.date)
            .bind(session.as_str())
            .bind(i64::from(answer.revision))
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Notes what the MIS said of the rows of the file of this number. A row that takes back what was proposed counts for the
    /// decision that it was written for.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn note_decided(
        &self,
        number: u64,
        results: &[(RecordId, Outcome, String)],
    ) -> Result<(), AgentError> {
        let rows: Vec<Stored> = sqlx::query_as("SELECT message, record, row FROM decided WHERE number = $1")
            .bind(number as i64)
            .fetch_all(self.pool())
            .await?;
        let mut tx = self.begin().await?;
        for stored in &rows {
            let Decision { code, record, row } = read(stored)?;
            let is_of = |id: &RecordId| {
                *id == record || (code.code.is_empty() && code.evidence.iter().any(|(of, _)| of == id))
            };
            let said: Vec<_> = results.iter().filter(|(id, ..)| is_of(id)).collect();
            let refused = said.iter().find(|(_, outcome, _)| *outcome == Outcome::Refused);
            let outcome = match refused {
                Some(_) => SessionCodeOutcome::Refused,
                None if code.code.is_empty() => SessionCodeOutcome::Kept,
                None if said.iter().any(|(_, outcome, _)| *outcome == Outcome::Applied) => {
                    SessionCodeOutcome::Applied
                }
                None => continue,
            };
            sqlx::query("UPDATE decided SET outcome = $1, words = $2 WHERE record = $3 AND row = $4")
                .bind(code_of(outcome))
                .bind(refused.map_or("", |(_, _, words)| words.as_str()))
                .bind(record.to_string())
                .bind(i64::from(row.get()))
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// The newest revision in which a record is held here, whoever made it.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn held_revision(&self, record: RecordId) -> Result<Option<Revision>, AgentError> {
        // No key is an id alone.
        self.newest(record, &record.0).await
    }

    /// The newest revision in which a record is held here that somebody else than `home` made.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn partners_revision(
        &self,
        record: RecordId,
        home: &Slug,
    ) -> Result<Option<Revision>, AgentError> {
        self.newest(record, &record_key(home, record)).await
    }

    /// The newest revision in which a record is held here, but under this key.
    async fn newest(&self, record: RecordId, but: &[u8]) -> Result<Option<Revision>, AgentError> {
        // The keys of records begin with their ids.
        let (from, to) = (&record.0[..], [&record.0[..], &[u8::MAX]].concat());
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT MAX(revision) FROM received WHERE record >= $1 AND record < $2 AND record <> $3",
        )
        .bind(from)
        .bind(to)
        .bind(but)
        .fetch_one(self.pool())
        .await?;
        found.map(revision_of).transpose()
    }

    /// True if a person here decided a code for a learner's session of a date that rests on a record: that names it, or says
    /// nothing of what it rests on.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn rests_on(
        &self,
        (learner, date): (&LocalId, SchoolDate),
        record: RecordId,
    ) -> Result<bool, AgentError> {
        let messages: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT message FROM decided WHERE learner = $1 AND day = $2")
                .bind(learner.as_str())
                .bind(date.days())
                .fetch_all(self.pool())
                .await?;
        for message in &messages {
            let SessionCode { code, evidence, .. } = decode(message)?;
            let is_named = evidence.is_empty() || evidence.iter().any(|(id, _)| *id == record);
            if !code.is_empty() && is_named {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn read((message, record, row): &Stored) -> Result<Decision, AgentError> {
    let record = record.parse().map_err(|_| AgentError::Damaged("decided.record"))?;
    Ok(Decision { code: decode(message)?, record, row: revision_of(*row)? })
}

fn decode(message: &[u8]) -> Result<SessionCode, AgentError> {
    let message = pb::SessionCode::decode(Bytes::copy_from_slice(message));
    let code = message.ok().and_then(|message| read_session_code(&message).ok());
    code.ok_or(AgentError::Damaged("decided.message"))
}

const fn name(of: &SessionOf) -> Session {
    if of.afternoon { Session::Pm } else { Session::Am }
}

fn number(stored: i64) -> Result<u32, AgentError> {
    u32::try_from(stored).map_err(|_| AgentError::Damaged("decided.revision"))
}

fn revision_of(stored: i64) -> Result<Revision, AgentError> {
    Revision::new(number(stored)?).map_err(|_| AgentError::Damaged("decided.row"))
}

/// Outcomes as they are stored; 0 is what is kept and not written yet.
const OUTCOMES: [(i64, SessionCodeOutcome); 5] = [
    (1, SessionCodeOutcome::Outbox),
    (2, SessionCodeOutcome::ByHand),
    (3, SessionCodeOutcome::Applied),
    (4, SessionCodeOutcome::Refused),
    (5, SessionCodeOutcome::Kept),
];

fn code_of(outcome: SessionCodeOutcome) -> i64 {
    OUTCOMES.iter().find(|(_, one)| *one == outcome).map_or(0, |(code, _)| *code)
}

fn outcome_of(stored: i64) -> Result<SessionCodeOutcome, AgentError> {
    let found = OUTCOMES.iter().find(|(code, _)| *code == stored).map(|(_, one)| *one);
    found.ok_or(AgentError::Damaged("decided.outcome"))
}

//! Recalls: which notices came, what became of their copies, and whether the hub has the answer.

use super::{ROWS, Spool, Tx, list};
use crate::error::AgentError;
use bytes::Bytes;
use commonroll_audit::CopyOutcome;
use commonroll_core::Timestamp;
use commonroll_wire::{CopyAnswer, pb::exchange::v1 as pb, read_answers};
use prost::Message;
use std::collections::HashSet;

/// Answers that are tried at once.
const ANSWERS: u32 = 100;

/// A notice and what became of its copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// The hub's number of the notice, for this institution.
    pub number: u64,
    /// Its place in the log.
    pub sequence: u64,
    /// Why, as a code.
    pub reason: String,
    /// What became of each copy, in the notice's order.
    pub answers: Vec<CopyAnswer>,
    /// Records of which nothing is held from now on, so that a copy sent again is new.
    pub gone: Vec<Vec<u8>>,
    /// True once the hub has the answer.
    pub is_answered: bool,
}

/// Recalls in numbers, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct RecallTotals {
    /// Notices that came.
    pub notices: u64,
    /// Notices whose answer the hub does not have.
    pub unanswered: u64,
    /// Copies that were removed.
    pub removed: u64,
    /// Copies that a person removes by hand.
    pub flagged: u64,
    /// Copies of them that nobody has said anything about yet: no result file.
    pub flagged_open: u64,
    /// Copies that stay for a stated reason.
    pub kept: u64,
}

impl Spool {
    /// Which of these records were set aside.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn aside_holds(&self, keys: &[Vec<u8>]) -> Result<HashSet<Vec<u8>>, AgentError> {
        let mut found = HashSet::new();
        for keys in keys.chunks(ROWS) {
            let sql = list("SELECT hex(id) || source FROM aside WHERE hex(id) || source IN ", keys.len(), "");
            let mut query = sqlx::query_scalar::<_, String>(sql);
            for key in keys {
                query = query.bind(aside_name(key));
            }
            let names: HashSet<String> = query.fetch_all(self.pool()).await?.into_iter().collect();
            found.extend(keys.iter().filter(|key| names.contains(&aside_name(key))).cloned());
        }
        Ok(found)
    }

    /// Recalls that wait to be answered, oldest first.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn recalls_unanswered(&self) -> Result<Vec<Recalled>, AgentError> {
        let rows: Vec<(i64, i64, String, Vec<u8>)> = sqlx::query_as(
            "SELECT number, sequence, reason, answers FROM recall WHERE answered = 0 ORDER BY number LIMIT $1",
        )
        .bind(ANSWERS)
        .fetch_all(self.pool())
        .await?;
        let read = |(number, sequence, reason, answers): (i64, i64, String, Vec<u8>)| {
            let damaged = AgentError::Damaged("recall.answers");
            let Ok(message) = pb::AnswerWithdrawalRequest::decode(Bytes::from(answers)) else {
                return Err(damaged);
            };
            let answers = read_answers(&message).map_err(|_| damaged)?;
            let (number, sequence) = (number.unsigned_abs(), sequence.unsigned_abs());
            Ok(Recalled { number, sequence, reason, answers, gone: Vec::new(), is_answered: false })
        };
        rows.into_iter().map(read).collect()
    }

    /// The hub has the answer to this notice.
    ///
    /// # Errors
    /// When the spool fails; it is then answered once more, which changes nothing.
    pub async fn recall_answered(&self, number: u64) -> Result<(), AgentError> {
        sqlx::query("UPDATE recall SET answered = 1 WHERE number = $1")
            .bind(number as i64)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Recalls in numbers.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn recall_totals(&self) -> Result<RecallTotals, AgentError> {
        let (notices, unanswered, removed, flagged, flagged_open, kept): (i64, i64, i64, i64, i64, i64) =
            sqlx::query_as(
                "SELECT COUNT(*), COALESCE(SUM(answered = 0), 0), COALESCE(SUM(removed), 0),
                        COALESCE(SUM(flagged), 0),
                        COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM result_file WHERE name =
                            printf('recall-%012d.result.csv', recall.sequence)) THEN 0 ELSE flagged END), 0),
                        COALESCE(SUM(kept), 0)
                   FROM recall",
            )
            .fetch_one(self.pool())
            .await?;
        let [notices, unanswered, removed, flagged, flagged_open, kept] =
            [notices, unanswered, removed, flagged, flagged_open, kept].map(i64::unsigned_abs);
        Ok(RecallTotals { notices, unanswered, removed, flagged, flagged_open, kept })
    }
}

/// Remembers recalls, and forgets that the records were received.
pub(super) async fn put(tx: &mut Tx, recalled: &[Recalled], now: Timestamp) -> Result<(), AgentError> {
    for recalled in recalled {
        for keys in recalled.gone.chunks(ROWS) {
            let mut query = sqlx::query(list("DELETE FROM received WHERE record IN ", keys.len(), ""));
            for key in keys {
                query = query.bind(key);
            }
            query.execute(&mut **tx).await?;
            let mut query =
                sqlx::query(list("DELETE FROM aside WHERE hex(id) || source IN ", keys.len(), ""));
            for key in keys {
                query = query.bind(aside_name(key));
            }
            query.execute(&mut **tx).await?;
        }
        let count = |outcome| recalled.answers.iter().filter(|a| a.outcome == outcome).count() as i64;
        sqlx::query(
            "INSERT OR REPLACE INTO recall(number, sequence, reason, at_us, answers, removed, flagged, kept, answered)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(recalled.number as i64)
        .bind(recalled.sequence as i64)
        .bind(&recalled.reason)
        .bind(now.micros())
        .bind(message(recalled).encode_to_vec())
        .bind(count(CopyOutcome::Removed))
        .bind(count(CopyOutcome::Flagged))
        .bind(count(CopyOutcome::Kept))
        .bind(recalled.is_answered)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// What a record that was set aside is found by: the id in hexadecimal, then the source.
fn aside_name(key: &[u8]) -> String {
    let (id, source) = key.split_at(key.len().min(16));
    let id: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
    id + &String::from_utf8_lossy(source)
}

/// The answer without its signature, which is made when it is sent.
fn message(recalled: &Recalled) -> pb::AnswerWithdrawalRequest {
    let answer = |answer: &CopyAnswer| pb::CopyAnswer {
        sequence: answer.sequence,
        outcome: i32::from(answer.outcome as u8),
        reason: answer.reason.clone(),
    };
    pb::AnswerWithdrawalRequest {
        number: recalled.number,
        sequence: recalled.sequence,
        answers: recalled.answers.iter().map(answer).collect(),
        key_id: Bytes::new(),
        signature: Bytes::new(),
    }
}

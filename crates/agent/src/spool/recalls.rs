//! Recalls: which notices came, what became of their copies, and whether the hub has the answer.

use super::{ROWS, Spool, Tx, list};
use crate::{error::AgentError, outbox::removals::FLAG_BY_HAND};
use bytes::Bytes;
use commonroll_audit::CopyOutcome;
use commonroll_core::{RecordId, Timestamp};
use commonroll_wire::{CopyAnswer, pb::exchange::v1 as pb, read_answers};
use prost::Message;
use std::{collections::HashSet, path::Path};

/// The reason of a copy that was not taken out, since a newer row of its mark took its place, as after it was granted anew.
const KEPT_SUPERSEDED: &str = "superseded";
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
    /// Places in the log of copies that were set aside without an id, and are held no longer.
    pub aside: HashSet<u64>,
    /// Copies whose rows a program of ours has yet to take out: their number in the notice's log, and their record.
    pub carried: Vec<(u64, RecordId)>,
    /// True once the hub has the answer.
    pub is_answered: bool,
}

impl Recalled {
    fn count(&self, outcome: CopyOutcome) -> i64 {
        self.answers.iter().filter(|answer| answer.outcome == outcome).count() as i64
    }
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

    /// At which of these places of the log a record lies that was set aside.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn aside_places(&self, places: &[u64]) -> Result<HashSet<u64>, AgentError> {
        let mut found = HashSet::new();
        for places in places.chunks(ROWS) {
            let sql = list("SELECT sequence FROM aside WHERE sequence IN ", places.len(), "");
            let mut query = sqlx::query_scalar::<_, i64>(sql);
            for place in places {
                query = query.bind(*place as i64);
            }
            found.extend(query.fetch_all(self.pool()).await?.into_iter().map(i64::unsigned_abs));
        }
        Ok(found)
    }

    /// Recalls that can be answered, oldest first.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn recalls_unanswered(&self) -> Result<Vec<Recalled>, AgentError> {
        self.recalls(
            "SELECT number, sequence, reason, answers FROM recall WHERE answered = 0
                AND NOT EXISTS (SELECT 1 FROM recall_carried AS row WHERE row.number = recall.number)
              ORDER BY number LIMIT $1",
            ANSWERS.into(),
        )
        .await
    }

    /// Notes the records of a result file whose withdrawal was superseded.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn note_superseded(&self, file: &str, records: &[RecordId]) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM superseded WHERE file = $1").bind(file).execute(&mut *tx).await?;
        for record in records {
            sqlx::query("INSERT OR IGNORE INTO superseded(file, record) VALUES ($1, $2)")
                .bind(file)
                .bind(record.to_string())
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Looks which recalls' rows came to their end in the MIS. Notes as flagged what it refused to take out, and as kept what
    /// was not taken out since a newer row took its place.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn settle_recalls(&self) -> Result<(), AgentError> {
        let ended = self
            .recalls(
                "SELECT number, sequence, reason, answers FROM recall WHERE answered = 0 AND
                    (SELECT rows FROM result_file WHERE name = printf('attendance-%012d.result.csv', recall.sequence))
                    >= (SELECT NULLIF(COUNT(DISTINCT record), 0) FROM recall_carried AS row WHERE row.number = recall.number)
                  ORDER BY number LIMIT $1",
                ANSWERS.into(),
            )
            .await?;
        for mut recalled in ended {
            let file = format!("attendance-{:012}.result.csv", recalled.sequence);
            // Only so many refused rows of a file are kept: of more than these, nothing is said to be gone.
            let refused: Vec<i64> = sqlx::query_scalar(
                "SELECT copy FROM recall_carried AS row JOIN result_file ON name = $1 WHERE number = $2
                    AND (EXISTS (SELECT 1 FROM result WHERE file = name AND result.record = row.record)
                         OR rows - written > (SELECT COUNT(*) FROM result WHERE file = name))",
            )
            .bind(&file)
            .bind(recalled.number as i64)
            .fetch_all(self.pool())
            .await?;
            let superseded: Vec<i64> = sqlx::query_scalar(
                "SELECT copy FROM recall_carried AS row JOIN superseded USING (record) WHERE file = $1 AND number = $2",
            )
            .bind(&file)
            .bind(recalled.number as i64)
            .fetch_all(self.pool())
            .await?;
            for answer in &mut recalled.answers {
                // What a person has to take out of a register stays flagged.
                let is_said = answer.outcome != CopyOutcome::Flagged;
                if is_said && superseded.contains(&(answer.sequence as i64)) {
                    (answer.outcome, answer.reason) = (CopyOutcome::Kept, KEPT_SUPERSEDED.to_owned());
                }
                if refused.contains(&(answer.sequence as i64)) {
                    (answer.outcome, answer.reason) = (CopyOutcome::Flagged, FLAG_BY_HAND.to_owned());
                }
            }
            self.note_settled(&recalled).await?;
        }
        Ok(())
    }

    /// Notes as flagged, for a person, what no program will take out any more: `outbox` is the folder whose lists are carried, or
    /// `None` if nobody carries them, and a list that is gone from it is not carried either. Gives how many recalls. Results are
    /// to be read and settled first.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn settle_lost_recalls(&self, outbox: Option<&Path>) -> Result<u64, AgentError> {
        // A folder that is away as a whole may come back, as a share does.
        if outbox.is_some_and(|folder| !folder.is_dir()) {
            return Ok(0);
        }
        let waiting: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT number, sequence FROM recall WHERE answered = 0
                AND EXISTS (SELECT 1 FROM recall_carried AS row WHERE row.number = recall.number) ORDER BY number",
        )
        .fetch_all(self.pool())
        .await?;
        let mut lost = 0;
        for (number, sequence) in waiting {
            let list = |folder: &Path| folder.join(format!("attendance-{sequence:012}.csv"));
            if outbox.is_some_and(|folder| list(folder).try_exists().unwrap_or(true)) {
                continue;
            }
            let copies: Vec<i64> = sqlx::query_scalar("SELECT copy FROM recall_carried WHERE number = $1")
                .bind(number)
                .fetch_all(self.pool())
                .await?;
            let text = "SELECT number, sequence, reason, answers FROM recall WHERE number = $1";
            for mut recalled in self.recalls(text, number).await? {
                for answer in &mut recalled.answers {
                    if copies.contains(&(answer.sequence as i64)) {
                        (answer.outcome, answer.reason) = (CopyOutcome::Flagged, FLAG_BY_HAND.to_owned());
                    }
                }
                self.note_settled(&recalled).await?;
                lost += 1;
            }
        }
        Ok(lost)
    }

    /// Notes what became of a recall whose rows are not waited for any more.
    async fn note_settled(&self, recalled: &Recalled) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE recall SET answers = $1, removed = $2, flagged = $3, kept = $4 WHERE number = $5",
        )
        .bind(message(recalled).encode_to_vec())
        .bind(recalled.count(CopyOutcome::Removed))
        .bind(recalled.count(CopyOutcome::Flagged))
        .bind(recalled.count(CopyOutcome::Kept))
        .bind(recalled.number as i64)
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM recall_carried WHERE number = $1")
            .bind(recalled.number as i64)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn recalls(&self, text: &'static str, bound: i64) -> Result<Vec<Recalled>, AgentError> {
        let rows: Vec<(i64, i64, String, Vec<u8>)> =
            sqlx::query_as(text).bind(bound).fetch_all(self.pool()).await?;
        let read = |(number, sequence, reason, answers): (i64, i64, String, Vec<u8>)| {
            let damaged = AgentError::Damaged("recall.answers");
            let Ok(message) = pb::AnswerWithdrawalRequest::decode(Bytes::from(answers)) else {
                return Err(damaged);
            };
            let answers = read_answers(&message).map_err(|_| damaged)?;
            let (number, sequence) = (number.unsigned_abs(), sequence.unsigned_abs());
            Ok(Recalled {
                number,
                sequence,
                reason,
                answers,
                gone: Vec::new(),
                aside: HashSet::new(),
                carried: Vec::new(),
                is_answered: false,
            })
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
            // Whoever entered one may have it still: nothing is known of that here, but that it was handed to them.
            for head in [
                "INSERT OR IGNORE INTO let_go(record) SELECT record FROM received WHERE record IN ",
                "DELETE FROM received WHERE record IN ",
                "DELETE FROM by_program WHERE record IN ",
            ] {
                let mut query = sqlx::query(list(head, keys.len(), ""));
                for key in keys {
                    query = query.bind(key);
                }
                query.execute(&mut **tx).await?;
            }
            let mut query =
                sqlx::query(list("DELETE FROM aside WHERE hex(id) || source IN ", keys.len(), ""));
            for key in keys {
                query = query.bind(aside_name(key));
            }
            query.execute(&mut **tx).await?;
        }
        for place in &recalled.aside {
            sqlx::query("DELETE FROM aside WHERE sequence = $1")
                .bind(*place as i64)
                .execute(&mut **tx)
                .await?;
        }
        sqlx::query(
            "INSERT OR REPLACE INTO recall(number, sequence, reason, at_us, answers, removed, flagged, kept, answered)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(recalled.number as i64)
        .bind(recalled.sequence as i64)
        .bind(&recalled.reason)
        .bind(now.micros())
        .bind(message(recalled).encode_to_vec())
        .bind(recalled.count(CopyOutcome::Removed))
        .bind(recalled.count(CopyOutcome::Flagged))
        .bind(recalled.count(CopyOutcome::Kept))
        .bind(recalled.is_answered)
        .execute(&mut **tx)
        .await?;
        for (copy, record) in &recalled.carried {
            sqlx::query("INSERT OR REPLACE INTO recall_carried(number, copy, record) VALUES ($1, $2, $3)")
                .bind(recalled.number as i64)
                .bind(*copy as i64)
                .bind(record.to_string())
                .execute(&mut **tx)
                .await?;
        }
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

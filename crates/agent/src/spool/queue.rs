//! What waits for the hub: sealed records in the order in which they were found, and those that the hub refused.
//!
//! A batch is not remembered: its number is the hub's to say, and a record that is sent twice has the same bytes and
//! root, so the hub knows it again. What was refused waits beside, and goes back into the queue when it may be tried.

use super::{ROWS, Spool, Tx, list, rows, set, stretches, untaken};
use crate::error::AgentError;
use commonroll_audit::Hash;
use commonroll_core::{RecordId, Revision, Timestamp};
use commonroll_wire::{Refusal, Sealed, pb::record::v1::SealedRecord};
use prost::Message;

/// Where a record was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file's name.
    pub file: String,
    /// The line; 0 for a withdrawal, which has none.
    pub line: u64,
}

/// A sealed record on its way into the queue.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The record.
    pub id: RecordId,
    /// Its revision.
    pub revision: Revision,
    /// As it travels.
    pub sealed: Sealed,
    /// The line of its file; 0 for a withdrawal.
    pub line: u64,
}

/// A sealed record from the queue.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Place in the queue.
    pub position: i64,
    /// As it travels.
    pub sealed: Sealed,
}

/// A refused record, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RefusedRecord {
    /// The record's id.
    pub record: String,
    /// Its revision.
    pub revision: u32,
    /// The export that it came from.
    pub file: String,
    /// The line there; 0 if there is none.
    pub line: u64,
    /// Stable code of the hub's rule.
    pub code: String,
    /// The field at fault; empty unless one is.
    pub field: String,
    /// What to do.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again, microseconds since the epoch; `None` for never by itself.
    pub retry_us: Option<i64>,
}

/// What the hub said of a batch's records, by their places in the queue.
#[derive(Debug, Default)]
pub struct Settled {
    /// In the log.
    pub done: Vec<i64>,
    /// Refused, and why.
    pub refused: Vec<(i64, Refusal)>,
    /// Held there at another newest revision: this one.
    pub forgotten: Vec<(i64, u32)>,
}

/// Puts records at the end of the queue. A refused older revision is not tried again beside it.
pub(crate) async fn push(tx: &mut Tx, fresh: &[Fresh], file: &str, now: Timestamp) -> Result<(), AgentError> {
    let ids: Vec<RecordId> = fresh.iter().map(|record| record.id).collect();
    try_no_more(tx, &ids).await?;
    put(tx, fresh, file, now).await
}

/// What was refused of these records is not tried again.
pub(crate) async fn try_no_more(tx: &mut Tx, ids: &[RecordId]) -> Result<(), AgentError> {
    for ids in ids.chunks(ROWS) {
        let mut old = sqlx::query(list("DELETE FROM refused WHERE id IN ", ids.len(), ""))
            .persistent(ids.len() == ROWS);
        for id in ids {
            old = old.bind(&id.0[..]);
        }
        old.execute(&mut **tx).await?;
    }
    Ok(())
}

/// As [`push`], for records that may be taken out again: what was refused of them stays until that is known.
pub(crate) async fn put(tx: &mut Tx, fresh: &[Fresh], file: &str, now: Timestamp) -> Result<(), AgentError> {
    const HEAD: &str = "INSERT INTO queue(id, revision, root, message, file, line, tries, queued_us) VALUES ";
    for fresh in fresh.chunks(ROWS) {
        let mut query = sqlx::query(rows(HEAD, 8, fresh.len(), "")).persistent(fresh.len() == ROWS);
        for record in fresh {
            query = query
                .bind(&record.id.0[..])
                .bind(i64::from(record.revision.get()))
                .bind(&record.sealed.root[..])
                .bind(record.sealed.message.encode_to_vec())
                .bind(file)
                .bind(record.line.min(i64::MAX as u64) as i64)
                .bind(0)
                .bind(now.micros());
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

impl Spool {
    /// The next waiting records behind a place in the queue.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn waiting(&self, behind: i64, limit: u32) -> Result<Vec<Waiting>, AgentError> {
        let found: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT position, root, message FROM queue WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(behind)
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let read = |(position, root, message): (i64, Vec<u8>, Vec<u8>)| {
            let root: Hash = root.try_into().map_err(|_| AgentError::Damaged("queue.root"))?;
            let message =
                SealedRecord::decode(message.as_slice()).map_err(|_| AgentError::Damaged("queue.message"))?;
            Ok(Waiting { position, sealed: Sealed { message, root } })
        };
        found.into_iter().map(read).collect()
    }

    /// Settles a batch in one step: what the hub has leaves the queue, what it refused goes beside, with when to try
    /// again (`retry` gives that from the code and the number of tries; `None` for never), and a withdrawal of what the hub never
    /// took is over. Of records that the hub holds
    /// at a revision up to which this spool has forgotten what it sent, the exports are read again; gives how many.
    ///
    /// # Errors
    /// When the spool fails; the batch is then sent again, which changes nothing at the hub.
    pub async fn settle(
        &self,
        number: u64,
        settled: &Settled,
        now: Timestamp,
        retry: &(dyn Fn(&str, u32) -> Option<Timestamp> + Sync),
    ) -> Result<u64, AgentError> {
        let mut tx = self.begin().await?;
        let mut anew = 0;
        let held: Vec<i64> = settled.forgotten.iter().map(|(position, _)| *position).collect();
        untaken::taken(&mut tx, &held).await?;
        for (position, held) in &settled.forgotten {
            anew += u64::from(read_again(&mut tx, *position, *held).await?);
        }
        for (position, refusal) in &settled.refused {
            refuse(&mut tx, *position, refusal, now, retry).await?;
        }
        untaken::taken(&mut tx, &settled.done).await?;
        for done in settled.done.chunks(ROWS) {
            let mut query = sqlx::query(list("DELETE FROM queue WHERE position IN ", done.len(), ""));
            for position in done {
                query = query.bind(position);
            }
            query.execute(&mut *tx).await?;
        }
        set(&mut tx, "batch", &number.to_be_bytes()).await?;
        tx.commit().await?;
        Ok(anew)
    }

    /// Number of the last batch that the hub answered; 0 for none.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn last_batch(&self) -> Result<u64, AgentError> {
        self.number("batch").await
    }

    /// Puts refused records back into the queue: those whose time has come, or, after a change of the directory, all
    /// that may be tried again at all. Gives their number.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn requeue(&self, now: Timestamp, directory_changed: bool) -> Result<u64, AgentError> {
        let until = if directory_changed { i64::MAX } else { now.micros() };
        let waiting: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM refused WHERE retry_us <= $1")
            .bind(until)
            .fetch_one(self.pool())
            .await?;
        if waiting == 0 {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        // A try that follows a change of the directory is not counted: it had a reason.
        let sql = "INSERT INTO queue(id, revision, root, message, file, line, tries, queued_us)
             SELECT id, revision, root, message, file, line, tries - $3, $2 FROM refused WHERE retry_us <= $1
              ORDER BY at_us, line";
        let moved = sqlx::query(sql)
            .bind(until)
            .bind(now.micros())
            .bind(i64::from(directory_changed))
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM refused WHERE retry_us <= $1").bind(until).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(moved.rows_affected())
    }

    /// When the next refused record may be tried again.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn next_retry(&self) -> Result<Option<i64>, AgentError> {
        let sql = "SELECT MIN(at) FROM (SELECT MIN(retry_us) AS at FROM refused
             UNION ALL SELECT MIN(retry_us) FROM declared WHERE state = 2)";
        Ok(sqlx::query_scalar(sql).fetch_one(self.pool()).await?)
    }

    /// How many records wait, and since when the oldest does (microseconds since the epoch).
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn queue_length(&self) -> Result<(u64, Option<i64>), AgentError> {
        let (n, oldest): (i64, Option<i64>) =
            sqlx::query_as("SELECT COUNT(*), MIN(queued_us) FROM queue").fetch_one(self.pool()).await?;
        Ok((n.unsigned_abs(), oldest))
    }

    /// Refused records by code.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn refused_by_code(&self) -> Result<Vec<(String, u64)>, AgentError> {
        let found: Vec<(String, i64)> =
            sqlx::query_as("SELECT code, COUNT(*) FROM refused GROUP BY code ORDER BY code")
                .fetch_all(self.pool())
                .await?;
        Ok(found.into_iter().map(|(code, n)| (code, n.unsigned_abs())).collect())
    }

    /// The first refused records, by file and line.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn refused(&self, limit: u32) -> Result<Vec<RefusedRecord>, AgentError> {
        type Row = (Vec<u8>, u32, String, i64, String, String, String, u32, Option<i64>);
        let found: Vec<Row> = sqlx::query_as(
            "SELECT id, revision, file, line, code, field, reason, tries, retry_us FROM refused
              ORDER BY file, line LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let read = |(id, revision, file, line, code, field, reason, tries, retry_us): Row| {
            let record =
                RecordId::from_slice(&id).map_err(|_| AgentError::Damaged("refused.id"))?.to_string();
            let line = line.unsigned_abs();
            Ok(RefusedRecord { record, revision, file, line, code, field, reason, tries, retry_us })
        };
        found.into_iter().map(read).collect()
    }
}

/// Takes over that the hub holds a record at this revision, unless the spool knows of that one or a newer: its export is
/// read again, and what stands there now is sent as the next. True if so.
async fn read_again(tx: &mut Tx, position: i64, held: u32) -> Result<bool, AgentError> {
    type Row = (Vec<u8>, String, String);
    let row: Option<Row> = sqlx::query_as(
        "SELECT s.id, s.origin, q.file FROM queue q JOIN sent s ON s.id = q.id
          WHERE q.position = $1 AND s.revision <= $2 AND (s.revision < $2 OR q.revision = $2)",
    )
    .bind(position)
    .bind(held)
    .fetch_optional(&mut **tx)
    .await?;
    let Some((id, origin, file)) = row else { return Ok(false) };
    // No content has this print, so whatever the export says differs from it; a withdrawal is found anew.
    sqlx::query("UPDATE sent SET revision = $2, print = zeroblob(16), withdrawn = 0 WHERE id = $1")
        .bind(id)
        .bind(held)
        .execute(&mut **tx)
        .await?;
    sqlx::query("UPDATE export SET recipe = zeroblob(0) WHERE origin = $1 AND name = $2")
        .bind(&origin)
        .bind(file)
        .execute(&mut **tx)
        .await?;
    stretches::forget(tx, &origin).await?;
    Ok(true)
}

async fn refuse(
    tx: &mut Tx,
    position: i64,
    refusal: &Refusal,
    now: Timestamp,
    retry: &(dyn Fn(&str, u32) -> Option<Timestamp> + Sync),
) -> Result<(), AgentError> {
    if untaken::refused(tx, position, &refusal.code).await? {
        sqlx::query("DELETE FROM queue WHERE position = $1").bind(position).execute(&mut **tx).await?;
        return Ok(());
    }
    let tries: Option<i64> = sqlx::query_scalar("SELECT tries FROM queue WHERE position = $1")
        .bind(position)
        .fetch_optional(&mut **tx)
        .await?;
    let tries = u32::try_from(tries.unwrap_or(0)).unwrap_or(0).saturating_add(1);
    // Where a newer revision waits already, the older one is not worth a retry.
    sqlx::query(
        "INSERT OR REPLACE INTO refused(id, revision, root, message, file, line, tries, code, field, reason, at_us, retry_us)
         SELECT id, revision, root, message, file, line, $2, $3, $4, $5, $6, $7 FROM queue AS q WHERE position = $1
            AND NOT EXISTS (SELECT 1 FROM queue AS newer WHERE newer.id = q.id AND newer.revision > q.revision)",
    )
    .bind(position)
    .bind(tries)
    .bind(&refusal.code)
    .bind(&refusal.field)
    .bind(&refusal.reason)
    .bind(now.micros())
    .bind(retry(&refusal.code, tries).map(Timestamp::micros))
    .execute(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM queue WHERE position = $1").bind(position).execute(&mut **tx).await?;
    Ok(())
}

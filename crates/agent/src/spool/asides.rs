//! Records that were set aside: what a person sees of them, when they are tried again, and what the hub is still to be told.

use super::{
    Spool, Tx,
    feed::{Aside, note_written},
    set,
};
use crate::error::AgentError;
use bytes::Bytes;
use commonroll_core::{
    RecordId, Revision, Timestamp,
    aside::{AsideDeed, AsideStep},
};
use commonroll_wire::{claimed_id, pb::exchange::v1::DeliveredBatch};
use prost::Message;
use std::collections::{HashMap, HashSet};

/// When it was last noted for the hub what is still set aside, and how long that is good for, in microseconds.
const RETOLD: &str = "asides_retold";
const AGAIN_US: u64 = 7 * 86_400_000_000;
/// When one is due that a person lets be tried again.
const AT_ONCE: i64 = 0;

/// A record that was set aside, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SetAside {
    /// Its sequence number; names it for `retry` and `dismiss`.
    pub sequence: u64,
    /// The record's id.
    pub record: String,
    /// Its revision.
    pub revision: u32,
    /// Whose record it is.
    pub source: String,
    /// Stable code of what is wrong.
    pub code: String,
    /// What the write-back said.
    pub message: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again, microseconds since the epoch; `None` for never by itself.
    pub retry_us: Option<i64>,
}

/// A record set aside whose next try is due.
#[derive(Debug, Clone)]
pub struct Due {
    /// Its sequence number.
    pub sequence: u64,
    /// How often it was tried.
    pub tries: u32,
    /// Since when it is due, microseconds since the epoch.
    pub retry_us: i64,
    /// It, alone.
    pub batch: DeliveredBatch,
}

impl Spool {
    /// Records set aside whose next try is due.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn aside_due(&self, now: Timestamp) -> Result<Vec<Due>, AgentError> {
        let found: Vec<(i64, u32, i64, Vec<u8>)> = sqlx::query_as(
            "SELECT sequence, tries, retry_us, batch FROM aside WHERE retry_us <= $1 ORDER BY sequence LIMIT 100",
        )
        .bind(now.micros())
        .fetch_all(self.pool())
        .await?;
        let read = |(sequence, tries, retry_us, batch): (i64, u32, i64, Vec<u8>)| {
            let batch =
                DeliveredBatch::decode(Bytes::from(batch)).map_err(|_| AgentError::Damaged("aside.batch"))?;
            Ok(Due { sequence: sequence.unsigned_abs(), tries, retry_us, batch })
        };
        found.into_iter().map(read).collect()
    }

    /// Notes that a record set aside was written back after all, or is overtaken.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn aside_done(
        &self,
        sequence: u64,
        written: &[(Vec<u8>, Revision)],
        again: &[(Vec<u8>, u64)],
        now: Timestamp,
    ) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        note_written(&mut tx, written, again).await?;
        let deed = if written.is_empty() { AsideDeed::Overtaken } else { AsideDeed::Written };
        step(&mut tx, sequence, deed, now).await?;
        sqlx::query("DELETE FROM aside WHERE sequence = $1").bind(sequence as i64).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// True if a record is still set aside.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn is_aside(&self, sequence: u64) -> Result<bool, AgentError> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM aside WHERE sequence = $1)")
            .bind(sequence as i64)
            .fetch_one(self.pool())
            .await?)
    }

    /// Where in the log those of these records lie that were set aside unread, by the id that each gives itself. It comes at another
    /// place when it is sent again.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn unread_asides(
        &self,
        keys: &[Vec<u8>],
    ) -> Result<HashMap<Vec<u8>, Vec<u64>>, AgentError> {
        let (mut found, mut after): (HashMap<_, Vec<u64>>, _) = (HashMap::new(), -1);
        let keys: HashSet<&Vec<u8>> = keys.iter().collect();
        loop {
            let page: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(
                "SELECT sequence, source, batch FROM aside WHERE sequence > $1 AND id = zeroblob(16)
                  ORDER BY sequence LIMIT 100",
            )
            .bind(after)
            .fetch_all(self.pool())
            .await?;
            let Some((last, ..)) = page.last() else { return Ok(found) };
            after = *last;
            for (place, source, batch) in page {
                let batch = DeliveredBatch::decode(Bytes::from(batch))
                    .map_err(|_| AgentError::Damaged("aside.batch"))?;
                let record = batch.records.first().and_then(|record| record.record.as_ref());
                let Some(id) = record.and_then(claimed_id) else { continue };
                let key = [&id.0[..], source.as_bytes()].concat();
                if keys.contains(&key) {
                    found.entry(key).or_default().push(place.unsigned_abs());
                }
            }
        }
    }

    /// Notes another failed try of a record set aside. What a person decided of it meanwhile stands.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn aside_again(&self, due: &Due, aside: &Aside, now: Timestamp) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE aside SET id = $1, revision = $2, source = $3, code = $4, message = $5, at_us = $6, tries = $7, retry_us = $8
              WHERE sequence = $9 AND tries = $10 AND retry_us = $11",
        )
        .bind(&aside.id.0[..])
        .bind(i64::from(aside.revision))
        .bind(&aside.source)
        .bind(aside.code)
        .bind(&aside.message)
        .bind(now.micros())
        .bind(i64::from(due.tries.saturating_add(1)))
        .bind(aside.retry.map(Timestamp::micros))
        .bind(due.sequence as i64)
        .bind(i64::from(due.tries))
        .bind(due.retry_us)
        .execute(&mut *tx)
        .await?;
        // That a person let it be tried took it off the list of what waits for one.
        if due.retry_us == AT_ONCE && done.rows_affected() == 1 {
            step(&mut tx, due.sequence, AsideDeed::SetAside, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Notes of all that is still set aside that it is, for the hub's log, if that was last noted a week ago: the hub forgets
    /// what it was told long ago.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn still_aside(&self, now: Timestamp) -> Result<(), AgentError> {
        let now_us = now.micros().unsigned_abs();
        let last = self.number(RETOLD).await?;
        // A clock that was set back is not waited for.
        if last <= now_us && now_us - last < AGAIN_US {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO aside_step(sequence, id, revision, code, deed, at_us)
             SELECT sequence, id, revision, code, $1, $2 FROM aside
              WHERE NOT EXISTS (SELECT 1 FROM aside_step s WHERE s.sequence = aside.sequence)
              ORDER BY sequence",
        )
        .bind(AsideDeed::SetAside as i64)
        .bind(now.micros())
        .execute(&mut *tx)
        .await?;
        set(&mut tx, RETOLD, &now_us.to_be_bytes()).await?;
        Ok(tx.commit().await?)
    }

    /// What could not be written is tried again, as often as at first: the settings may name today what they didn't.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn try_aside_anew(&self, now: Timestamp) -> Result<(), AgentError> {
        sqlx::query(
            "UPDATE aside SET tries = 0, retry_us = $1 WHERE code = 'write_back' AND retry_us IS NULL",
        )
        .bind(now.micros())
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Lets a record set aside be tried again now. False if there is none of this sequence number.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn retry_aside(&self, sequence: u64, now: Timestamp) -> Result<bool, AgentError> {
        self.decided(
            sequence,
            AsideDeed::Retried,
            "UPDATE aside SET retry_us = 0, tries = 0 WHERE sequence = $1",
            now,
        )
        .await
    }

    /// Drops a record set aside for good. False if there is none of this sequence number.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn dismiss_aside(&self, sequence: u64, now: Timestamp) -> Result<bool, AgentError> {
        self.decided(sequence, AsideDeed::Dismissed, "DELETE FROM aside WHERE sequence = $1", now).await
    }

    async fn decided(
        &self,
        sequence: u64,
        deed: AsideDeed,
        sql: &'static str,
        now: Timestamp,
    ) -> Result<bool, AgentError> {
        let mut tx = self.begin().await?;
        step(&mut tx, sequence, deed, now).await?;
        let done = sqlx::query(sql).bind(sequence as i64).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// The next steps that the hub has not been told of, in their order, and the number of the last.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn aside_steps(&self, limit: usize) -> Result<(Vec<AsideStep>, i64), AgentError> {
        type Row = (i64, i64, Vec<u8>, u32, String, i64, i64);
        let found: Vec<Row> = sqlx::query_as(
            "SELECT number, sequence, id, revision, code, deed, at_us FROM aside_step ORDER BY number LIMIT $1",
        )
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.pool())
        .await?;
        let last = found.last().map_or(0, |(number, ..)| *number);
        let read = |(_, sequence, id, revision, code, deed, at_us): Row| {
            let damaged = || AgentError::Damaged("aside_step");
            Ok(AsideStep {
                sequence: sequence.unsigned_abs(),
                record: RecordId::from_slice(&id).map_err(|_| damaged())?,
                revision,
                code,
                deed: AsideDeed::of(deed).ok_or_else(damaged)?,
                at: Timestamp::from_micros("at", at_us).map_err(|_| damaged())?,
            })
        };
        Ok((found.into_iter().map(read).collect::<Result<_, AgentError>>()?, last))
    }

    /// The hub has been told of all steps up to this number.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn aside_told(&self, last: i64) -> Result<(), AgentError> {
        sqlx::query("DELETE FROM aside_step WHERE number <= $1").bind(last).execute(self.pool()).await?;
        Ok(())
    }

    /// Records set aside, for people.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn set_aside(&self, limit: u32) -> Result<Vec<SetAside>, AgentError> {
        type Row = (i64, Vec<u8>, u32, String, String, String, u32, Option<i64>);
        let found: Vec<Row> = sqlx::query_as(
            "SELECT sequence, id, revision, source, code, message, tries, retry_us FROM aside
              ORDER BY sequence LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let read = |(sequence, id, revision, source, code, message, tries, retry_us): Row| {
            let record = RecordId::from_slice(&id).map_err(|_| AgentError::Damaged("aside.id"))?.to_string();
            let sequence = sequence.unsigned_abs();
            Ok(SetAside { sequence, record, revision, source, code, message, tries, retry_us })
        };
        found.into_iter().map(read).collect()
    }
}

/// Notes a step of a record that is set aside, for the hub's log. Of one that isn't, nothing.
pub(super) async fn step(
    tx: &mut Tx,
    sequence: u64,
    deed: AsideDeed,
    now: Timestamp,
) -> Result<(), AgentError> {
    sqlx::query(
        "INSERT INTO aside_step(sequence, id, revision, code, deed, at_us)
         SELECT sequence, id, revision, code, $2, $3 FROM aside WHERE sequence = $1",
    )
    .bind(sequence as i64)
    .bind(deed as i64)
    .bind(now.micros())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Sets a record aside.
pub(super) async fn put(tx: &mut Tx, aside: &Aside, tries: u32, now: Timestamp) -> Result<(), AgentError> {
    sqlx::query(
        "INSERT OR REPLACE INTO aside(sequence, id, revision, source, code, message, at_us, tries, retry_us, batch)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(aside.sequence as i64)
    .bind(&aside.id.0[..])
    .bind(i64::from(aside.revision))
    .bind(&aside.source)
    .bind(aside.code)
    .bind(&aside.message)
    .bind(now.micros())
    .bind(i64::from(tries))
    .bind(aside.retry.map(Timestamp::micros))
    .bind(aside.batch.encode_to_vec())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

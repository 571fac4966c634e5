//! Records that a person was handed before a program entered their kind in the MIS: it knows none of them, so a person sees to them
//! for good. That a copy must go is said to that person, and nobody says when it is gone: what is sent again is theirs, too.
//!
//! So is what the piece of the feed brought that was under way when the program came: some of it may lie in a person's list already,
//! and which of it does is not remembered.

use super::{ROWS, Spool, list};
use crate::error::AgentError;
use commonroll_core::RecordKind;
use std::collections::{HashMap, HashSet};

/// What a person sees to, of the records that were asked for and of pieces of the feed.
#[derive(Debug, Default)]
pub(crate) struct ByHand {
    records: HashSet<(i64, Vec<u8>)>,
    /// Up to which place of the feed all of a kind is a person's.
    until: HashMap<i64, u64>,
}

impl ByHand {
    /// True if this record is a person's.
    pub fn has(&self, kind: RecordKind, key: &[u8]) -> bool {
        self.records.contains(&(code(kind), key.to_vec()))
    }

    /// True if what comes of this kind at this place of the feed is.
    pub fn has_at(&self, kind: RecordKind, sequence: u64) -> bool {
        self.until.get(&code(kind)).is_some_and(|until| sequence <= *until)
    }
}

impl Spool {
    /// A program enters records of this kind from now on: whatever was received before, and what is under way, was a person's. Gives
    /// how many records, of any kind, that may be.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn note_by_hand(&self, kind: RecordKind) -> Result<u64, AgentError> {
        let mut tx = self.begin().await?;
        let noted =
            sqlx::query("INSERT OR IGNORE INTO by_person(record, kind) SELECT record, $1 FROM received")
                .bind(code(kind))
                .execute(&mut *tx)
                .await?;
        sqlx::query(
            "INSERT OR REPLACE INTO by_person_until(kind, sequence)
             SELECT $1, cursor FROM delivery ORDER BY cursor DESC LIMIT 1",
        )
        .bind(code(kind))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(noted.rows_affected())
    }

    /// Tells kinds apart of what an older agent noted.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn part_by_hand(&self) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        for kind in [RecordKind::Assessment, RecordKind::Behaviour] {
            sqlx::query("INSERT OR IGNORE INTO by_person(record, kind) SELECT record, $1 FROM by_hand")
                .bind(code(kind))
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("DELETE FROM by_hand").execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// These records are a person's as well.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn add_by_hand(&self, records: &[(RecordKind, Vec<u8>)]) -> Result<(), AgentError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for (kind, key) in records {
            sqlx::query("INSERT OR IGNORE INTO by_person(record, kind) VALUES ($1, $2)")
                .bind(key)
                .bind(code(*kind))
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Which of these records were a person's before a program came, and which pieces of the feed.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn by_hand(&self, keys: &[Vec<u8>]) -> Result<ByHand, AgentError> {
        let until: Vec<(i64, i64)> =
            sqlx::query_as("SELECT kind, sequence FROM by_person_until").fetch_all(self.pool()).await?;
        let until = until.into_iter().map(|(kind, sequence)| (kind, sequence.unsigned_abs())).collect();
        let mut records = HashSet::new();
        for keys in keys.chunks(ROWS) {
            let sql = list("SELECT kind, record FROM by_person WHERE record IN ", keys.len(), "");
            let mut query = sqlx::query_as::<_, (i64, Vec<u8>)>(sql).persistent(keys.len() == ROWS);
            for key in keys {
                query = query.bind(key);
            }
            records.extend(query.fetch_all(self.pool()).await?);
        }
        Ok(ByHand { records, until })
    }
}

/// The kind as the spool has it.
fn code(kind: RecordKind) -> i64 {
    i64::from(kind as u8)
}

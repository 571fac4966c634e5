//! Records that a person was handed before a program entered their kind in the MIS: it knows none of them, so a person sees to them
//! for good. That a copy must go is said to that person, and nobody says when it is gone: what is sent again is theirs, too, also
//! where it was to go before the program came.
//!
//! A program that goes and comes back knows what it entered: that is its own to correct and to take out. What came in between is a
//! person's.
//!
//! So is what the piece of the feed brought that was under way when the program came: some of it may lie in a person's list already,
//! and which of it does is not remembered.

use super::{ROWS, Spool, list, set};
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
    /// A program enters records of these kinds from now on: whatever was received before, though it was recalled since, and what is under
    /// way, was a person's, but for what it had entered itself when it was last there. Gives how many records, of any kind, that may be.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn program_comes(
        &self,
        program: &'static str,
        kinds: &[RecordKind],
    ) -> Result<u64, AgentError> {
        let (mut tx, mut most) = (self.begin().await?, 0);
        for kind in kinds {
            let noted = sqlx::query(
                "INSERT OR IGNORE INTO by_person(record, kind)
                 SELECT record, $1 FROM (SELECT record FROM received UNION SELECT record FROM let_go) AS known
                  WHERE NOT EXISTS (SELECT 1 FROM by_program AS own
                                     WHERE own.record = known.record AND own.kind = $1 AND own.program = $2)",
            )
            .bind(code(*kind))
            .bind(program)
            .execute(&mut *tx)
            .await?;
            most = most.max(noted.rows_affected());
            sqlx::query(
                "INSERT OR REPLACE INTO by_person_until(kind, sequence)
                 SELECT $1, cursor FROM delivery ORDER BY cursor DESC LIMIT 1",
            )
            .bind(code(*kind))
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query("DELETE FROM by_program WHERE program = $1").bind(program).execute(&mut *tx).await?;
        set(&mut tx, program, b"1").await?;
        tx.commit().await?;
        Ok(most)
    }

    /// A program enters no records of these kinds from now on. What it was given is its own should it come back, but for these: it
    /// never entered them.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn program_goes(
        &self,
        program: &'static str,
        kinds: &[RecordKind],
        left: &[Vec<u8>],
    ) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        for kind in kinds {
            sqlx::query(
                "INSERT OR IGNORE INTO by_program(record, kind, program)
                 SELECT record, $1, $2 FROM (SELECT record FROM received UNION SELECT record FROM let_go) AS known
                  WHERE NOT EXISTS (SELECT 1 FROM by_person AS theirs
                                     WHERE theirs.record = known.record AND theirs.kind = $1)",
            )
            .bind(code(*kind))
            .bind(program)
            .execute(&mut *tx)
            .await?;
        }
        for record in left {
            sqlx::query("DELETE FROM by_program WHERE record = $1 AND program = $2")
                .bind(record)
                .bind(program)
                .execute(&mut *tx)
                .await?;
        }
        set(&mut tx, program, &[]).await?;
        Ok(tx.commit().await?)
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

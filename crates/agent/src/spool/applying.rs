//! How often a row of the outbox was tried, which of the outbox's lists are finished, and what was handed to an MIS that writes it
//! later. What became of a row is in the outbox.

use super::Spool;
use crate::error::AgentError;
use commonroll_connectors::render::{MarkRow, Session};
use commonroll_core::{RecordId, Revision, Timestamp};
use std::collections::HashSet;

/// What is known of a row that was handed to an MIS that writes it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// When it was handed in, microseconds since the epoch.
    pub at_us: i64,
    /// True if the MIS said that it has it.
    pub is_taken: bool,
    /// The code that stood there before; empty if none.
    pub before: String,
}

impl Spool {
    /// Lists whose every row came to its end.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn applied_lists(&self) -> Result<HashSet<String>, AgentError> {
        let lists: Vec<String> =
            sqlx::query_scalar("SELECT list FROM applied").fetch_all(self.pool()).await?;
        Ok(lists.into_iter().collect())
    }

    /// Notes that every row of a list came to its end.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn note_applied(&self, list: &str) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM trying WHERE list = $1").bind(list).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM held_up WHERE list = $1").bind(list).execute(&mut *tx).await?;
        sqlx::query("INSERT OR IGNORE INTO applied(list) VALUES ($1)").bind(list).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// How often a row was tried, and when it is due again, in microseconds since the epoch.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn tried(
        &self,
        list: &str,
        key: (RecordId, Revision),
    ) -> Result<Option<(u32, i64)>, AgentError> {
        Ok(sqlx::query_as(
            "SELECT tries, again_us FROM trying WHERE list = $1 AND record = $2 AND revision = $3",
        )
        .bind(list)
        .bind(key.0.to_string())
        .bind(i64::from(key.1.get()))
        .fetch_optional(self.pool())
        .await?)
    }

    /// Notes a try, and when the next is due.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn note_try(
        &self,
        list: &str,
        key: (RecordId, Revision),
        tries: u32,
        again_us: i64,
    ) -> Result<(), AgentError> {
        let text = "INSERT OR REPLACE INTO trying(list, record, revision, tries, again_us) VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(text)
            .bind(list)
            .bind(key.0.to_string())
            .bind(i64::from(key.1.get()))
            .bind(tries)
            .bind(again_us)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// How often a row was held up, and in which sweep over the outbox the last time.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn held_up(
        &self,
        list: &str,
        key: (RecordId, Revision),
    ) -> Result<Option<(u32, u64)>, AgentError> {
        let found: Option<(u32, i64)> = sqlx::query_as(
            "SELECT times, sweep FROM held_up WHERE list = $1 AND record = $2 AND revision = $3",
        )
        .bind(list)
        .bind(key.0.to_string())
        .bind(i64::from(key.1.get()))
        .fetch_optional(self.pool())
        .await?;
        Ok(found.map(|(times, sweep)| (times, sweep.unsigned_abs())))
    }

    /// Notes that a row was held up once more, in this sweep.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn note_held_up(
        &self,
        list: &str,
        key: (RecordId, Revision),
        times: u32,
        sweep: u64,
    ) -> Result<(), AgentError> {
        let text = "INSERT OR REPLACE INTO held_up(list, record, revision, times, sweep) VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(text)
            .bind(list)
            .bind(key.0.to_string())
            .bind(i64::from(key.1.get()))
            .bind(times)
            .bind(sweep as i64)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// What is known of a row that was handed in and has not come to its end.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn posted(&self, row: &MarkRow) -> Result<Option<Posted>, AgentError> {
        let found: Option<(i64, bool, String)> = sqlx::query_as(
            "SELECT at_us, taken, before FROM posted WHERE record = $1 AND learner = $2 AND session = $3 AND revision = $4",
        )
        .bind(row.head.record.to_string())
        .bind(row.head.learner.as_str())
        .bind(session(row))
        .bind(i64::from(row.head.revision.get()))
        .fetch_optional(self.pool())
        .await?;
        Ok(found.map(|(at_us, is_taken, before)| Posted { at_us, is_taken, before }))
    }

    /// True if any revision of the row's mark was handed in since this moment and has not come to its end.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn posted_since(&self, row: &MarkRow, since: Timestamp) -> Result<bool, AgentError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM posted WHERE record = $1 AND learner = $2 AND session = $3 AND at_us >= $4)",
        )
        .bind(row.head.record.to_string())
        .bind(row.head.learner.as_str())
        .bind(session(row))
        .bind(since.micros())
        .fetch_one(self.pool())
        .await?)
    }

    /// Notes that a row is handed in, or what is known of it now; `None` if it came to its end.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn note_posted(&self, row: &MarkRow, posted: Option<&Posted>) -> Result<(), AgentError> {
        let query = match posted {
            Some(_) => sqlx::query(
                "INSERT OR REPLACE INTO posted(record, learner, session, revision, at_us, taken, before)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            ),
            None => sqlx::query(
                "DELETE FROM posted WHERE record = $1 AND learner = $2 AND session = $3 AND revision = $4",
            ),
        };
        let mut query = query
            .bind(row.head.record.to_string())
            .bind(row.head.learner.as_str())
            .bind(session(row))
            .bind(i64::from(row.head.revision.get()));
        if let Some(posted) = posted {
            query = query.bind(posted.at_us).bind(posted.is_taken).bind(&posted.before);
        }
        query.execute(self.pool()).await?;
        Ok(())
    }
}

/// The row's session; empty for a lesson.
fn session(row: &MarkRow) -> &'static str {
    row.session.map_or("", Session::as_str)
}

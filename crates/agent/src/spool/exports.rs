//! Exports that were looked at: by content, so that a file seen again is known, however it is named and dated.

use super::{Spool, Tx};
use crate::error::AgentError;
use commonroll_core::Timestamp;

/// An export, as it is remembered.
#[derive(Debug, Clone)]
pub struct Seen {
    /// SHA-256 of the file.
    pub hash: Vec<u8>,
    /// Print of how it was read: connector, mapping, kind of export.
    pub recipe: Vec<u8>,
    /// Bytes.
    pub size: i64,
    /// When it was last modified, microseconds since the epoch.
    pub modified_us: i64,
    /// True if it was taken, false if refused.
    pub taken: bool,
}

/// An export about to be remembered.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The file's name.
    pub name: &'a str,
    /// Among what absence is looked for.
    pub origin: &'a str,
    /// SHA-256 of the file.
    pub hash: &'a [u8; 32],
    /// Print of how it is read.
    pub recipe: &'a [u8; 32],
    /// Bytes.
    pub size: u64,
    /// When it was last modified, microseconds since the epoch.
    pub modified_us: i64,
    /// Now.
    pub at: Timestamp,
}

/// Why an export was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Stable name of the rule.
    pub rule: String,
    /// The line at fault, if one is.
    pub line: Option<u64>,
    /// What to do, in plain words.
    pub fix: String,
}

impl Fault {
    /// True for a file that could not be read to its end, or changed meanwhile.
    pub fn is_unread(&self) -> bool {
        self.rule == "FILE-READ"
    }
}

/// A source's newest export that was refused, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RefusedExport {
    /// The source's name.
    pub source: String,
    /// The file's name.
    pub file: String,
    /// Why.
    #[serde(flatten)]
    pub fault: Fault,
    /// When it was looked at, microseconds since the epoch.
    pub at_us: i64,
}

/// Remembers an export and gives its id, which marks what is seen in it.
pub(crate) async fn remember(
    tx: &mut Tx,
    entry: &Entry<'_>,
    fault: Option<&Fault>,
) -> Result<i64, AgentError> {
    let id = sqlx::query(
        "INSERT INTO export(source, name, origin, hash, recipe, size, modified_us, items, at_us, taken, rule, line, fix)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12)",
    )
    .bind(entry.source)
    .bind(entry.name)
    .bind(entry.origin)
    .bind(&entry.hash[..])
    .bind(&entry.recipe[..])
    .bind(i64::try_from(entry.size).unwrap_or(i64::MAX))
    .bind(entry.modified_us)
    .bind(entry.at.micros())
    .bind(fault.is_none())
    .bind(fault.map_or("", |f| f.rule.as_str()))
    .bind(fault.and_then(|f| f.line).and_then(|line| i64::try_from(line).ok()))
    .bind(fault.map_or("", |f| f.fix.as_str()))
    .execute(&mut **tx)
    .await?;
    Ok(id.last_insert_rowid())
}

/// Notes how many items an export had.
pub(crate) async fn count(tx: &mut Tx, id: i64, items: u64) -> Result<(), AgentError> {
    sqlx::query("UPDATE export SET items = $2 WHERE id = $1")
        .bind(id)
        .bind(i64::try_from(items).unwrap_or(i64::MAX))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Items of the last export of an origin that was taken, before this one.
pub(crate) async fn items_before(tx: &mut Tx, origin: &str, id: i64) -> Result<u64, AgentError> {
    let items: Option<i64> = sqlx::query_scalar(
        "SELECT items FROM export WHERE origin = $1 AND taken = 1 AND id < $2 ORDER BY id DESC LIMIT 1",
    )
    .bind(origin)
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(items.unwrap_or(0).unsigned_abs())
}

impl Spool {
    /// The newest look at a file of this name.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn last_look(&self, source: &str, name: &str) -> Result<Option<Seen>, AgentError> {
        type Row = (Vec<u8>, Vec<u8>, i64, i64, bool);
        let row: Option<Row> = sqlx::query_as(
            "SELECT hash, recipe, size, modified_us, taken FROM export WHERE source = $1 AND name = $2
              ORDER BY id DESC LIMIT 1",
        )
        .bind(source)
        .bind(name)
        .fetch_optional(self.pool())
        .await?;
        Ok(row.map(|(hash, recipe, size, modified_us, taken)| Seen {
            hash,
            recipe,
            size,
            modified_us,
            taken,
        }))
    }

    /// Notes that a file was touched without being changed, so that it need not be read again.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn touched(&self, source: &str, name: &str, modified_us: i64) -> Result<(), AgentError> {
        sqlx::query(
            "UPDATE export SET modified_us = $3 WHERE id =
               (SELECT id FROM export WHERE source = $1 AND name = $2 ORDER BY id DESC LIMIT 1)",
        )
        .bind(source)
        .bind(name)
        .bind(modified_us)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// True if this content was taken before under this name, and something else since.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn is_old(&self, source: &str, name: &str, hash: &[u8; 32]) -> Result<bool, AgentError> {
        let last: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT hash FROM export WHERE source = $1 AND name = $2 AND taken = 1 ORDER BY id DESC LIMIT 1",
        )
        .bind(source)
        .bind(name)
        .fetch_optional(self.pool())
        .await?;
        if last.is_none_or(|last| last == hash) {
            return Ok(false);
        }
        let before: i64 = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM export WHERE source = $1 AND name = $2 AND taken = 1 AND hash = $3)",
        )
        .bind(source)
        .bind(name)
        .bind(&hash[..])
        .fetch_one(self.pool())
        .await?;
        Ok(before == 1)
    }

    /// Exports whose newest look ended in a refusal.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn refused_exports(&self) -> Result<Vec<RefusedExport>, AgentError> {
        type Row = (String, String, String, Option<i64>, String, i64);
        let found: Vec<Row> = sqlx::query_as(
            "SELECT source, name, rule, line, fix, at_us FROM export WHERE taken = 0 AND id IN
               (SELECT MAX(id) FROM export GROUP BY source, name) ORDER BY id LIMIT 200",
        )
        .fetch_all(self.pool())
        .await?;
        let read = |(source, file, rule, line, fix, at_us): Row| RefusedExport {
            source,
            file,
            fault: Fault { rule, line: line.map(i64::unsigned_abs), fix },
            at_us,
        };
        Ok(found.into_iter().map(read).collect())
    }

    /// When each source last gave an export that was taken, microseconds since the epoch.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn last_taken(&self) -> Result<Vec<(String, i64)>, AgentError> {
        let sql = "SELECT source, MAX(at_us) FROM export WHERE taken = 1 GROUP BY source ORDER BY source";
        Ok(sqlx::query_as(sql).fetch_all(self.pool()).await?)
    }
}

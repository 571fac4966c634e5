//! What was sent: one row for each record that this institution ever spooled, for comparing with the next export.
//!
//! Holds a print of the content, not the content. Rows are looked up and written a thousand at a time, in the order of
//! their ids, so that a million rows need little memory.

use super::{ROWS, Spool, Tx, list, rows};
use crate::error::AgentError;
use commonroll_core::{LocalId, RecordId, RecordKind, Revision, SchoolDate};
use std::collections::HashMap;

/// A print of a record's content: the first half of the root that it would have as revision 1.
pub type Print = [u8; 16];

/// What is remembered of a record, for comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its newest revision.
    pub revision: Revision,
    /// The print of that revision.
    pub print: Print,
    /// The export in which it was last seen.
    pub generation: i64,
    /// True if the newest revision withdraws it.
    pub withdrawn: bool,
}

/// A row to write.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The record.
    pub id: RecordId,
    /// Its kind.
    pub kind: RecordKind,
    /// Its newest revision.
    pub revision: Revision,
    /// Print of that revision.
    pub print: Print,
    /// True if it withdraws the record.
    pub withdrawn: bool,
    /// The learner, for a later withdrawal.
    pub learner: LocalId,
    /// The group, for a later withdrawal.
    pub group: Option<LocalId>,
    /// For a later withdrawal.
    pub confidential: bool,
}

/// Which records an export's absence speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Their kind.
    pub kind: RecordKind,
    /// Their date, or every date.
    pub date: Option<SchoolDate>,
}

impl Range {
    /// First id inside, and the last possible one.
    fn ids(self) -> (Vec<u8>, Vec<u8>) {
        match self.date {
            None => (vec![0; 16], vec![0xff; 16]),
            Some(date) => {
                let days = date.days().to_be_bytes();
                let end = |fill: u8| days.iter().copied().chain([fill; 12]).collect();
                (end(0), end(0xff))
            }
        }
    }
}

/// What is known of these records.
pub(crate) async fn known(tx: &mut Tx, ids: &[RecordId]) -> Result<HashMap<RecordId, Known>, AgentError> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(ROWS) {
        let sql =
            list("SELECT id, revision, print, generation, withdrawn FROM sent WHERE id IN ", ids.len(), "");
        let mut query =
            sqlx::query_as::<_, (Vec<u8>, i64, Vec<u8>, i64, bool)>(sql).persistent(ids.len() == ROWS);
        for id in ids {
            query = query.bind(&id.0[..]);
        }
        for (id, revision, print, generation, withdrawn) in query.fetch_all(&mut **tx).await? {
            let id = RecordId::from_slice(&id).map_err(|_| AgentError::Damaged("sent.id"))?;
            let print = print.try_into().map_err(|_| AgentError::Damaged("sent.print"))?;
            let revision = read_revision(revision)?;
            found.insert(id, Known { revision, print, generation, withdrawn });
        }
    }
    Ok(found)
}

/// Marks records as seen unchanged in an export.
pub(crate) async fn mark(
    tx: &mut Tx,
    ids: &[RecordId],
    generation: i64,
    origin: &str,
) -> Result<(), AgentError> {
    for ids in ids.chunks(ROWS) {
        let sql = list("UPDATE sent SET generation = ?, origin = ? WHERE id IN ", ids.len(), "");
        let mut query = sqlx::query(sql).persistent(ids.len() == ROWS).bind(generation).bind(origin);
        for id in ids {
            query = query.bind(&id.0[..]);
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Writes new revisions.
pub(crate) async fn write(
    tx: &mut Tx,
    sent: &[Sent],
    generation: i64,
    origin: &str,
) -> Result<(), AgentError> {
    const HEAD: &str = "INSERT INTO sent(id, kind, origin, revision, print, generation, withdrawn, learner, grp, confidential) VALUES ";
    const TAIL: &str = " ON CONFLICT(id) DO UPDATE SET kind = excluded.kind, origin = excluded.origin, \
        revision = excluded.revision, print = excluded.print, generation = excluded.generation, \
        withdrawn = excluded.withdrawn, learner = excluded.learner, grp = excluded.grp, \
        confidential = excluded.confidential";
    for sent in sent.chunks(ROWS) {
        let mut query = sqlx::query(rows(HEAD, 10, sent.len(), TAIL)).persistent(sent.len() == ROWS);
        for row in sent {
            query = query
                .bind(&row.id.0[..])
                .bind(row.kind as i64)
                .bind(origin)
                .bind(i64::from(row.revision.get()))
                .bind(&row.print[..])
                .bind(generation)
                .bind(row.withdrawn)
                .bind(row.learner.as_str())
                .bind(row.group.as_ref().map_or("", LocalId::as_str))
                .bind(row.confidential);
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

impl Spool {
    /// True if an origin's exports have marks of a day.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn has_marks_on(&self, origin: &str, date: SchoolDate) -> Result<bool, AgentError> {
        let (from, to) = Range { kind: RecordKind::Attendance, date: Some(date) }.ids();
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM sent WHERE id BETWEEN $1 AND $2 AND kind = $3 AND origin = $4 AND withdrawn = 0 LIMIT 1",
        )
        .bind(from)
        .bind(to)
        .bind(RecordKind::Attendance as i64)
        .bind(origin)
        .fetch_optional(self.pool())
        .await?;
        Ok(found.is_some())
    }
}

/// How many records of an origin lie in a range and are not withdrawn, and how many of them this export did not have.
pub(crate) async fn absent_count(
    tx: &mut Tx,
    range: Range,
    origin: &str,
    generation: i64,
) -> Result<(u64, u64), AgentError> {
    let (from, to) = range.ids();
    let (all, absent): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COALESCE(SUM(generation <> $5), 0) FROM sent
          WHERE id BETWEEN $1 AND $2 AND kind = $3 AND origin = $4 AND withdrawn = 0",
    )
    .bind(from)
    .bind(to)
    .bind(range.kind as i64)
    .bind(origin)
    .bind(generation)
    .fetch_one(&mut **tx)
    .await?;
    Ok((all.unsigned_abs(), absent.unsigned_abs()))
}

/// The next absent records of a range behind an id, at most a thousand, ascending.
pub(crate) async fn absent(
    tx: &mut Tx,
    range: Range,
    origin: &str,
    generation: i64,
    behind: Option<RecordId>,
) -> Result<Vec<Sent>, AgentError> {
    type Row = (Vec<u8>, i64, Vec<u8>, String, String, bool);
    let (from, to) = range.ids();
    // One that was withdrawn already is not taken back twice.
    let found: Vec<Row> = sqlx::query_as(
        "SELECT id, revision, print, learner, grp, confidential FROM sent
          WHERE id BETWEEN $1 AND $2 AND id > $3 AND kind = $4 AND origin = $5 AND withdrawn = 0
            AND generation <> $6 ORDER BY id LIMIT 1000",
    )
    .bind(from)
    .bind(to)
    .bind(behind.map_or_else(Vec::new, |id| id.0.to_vec()))
    .bind(range.kind as i64)
    .bind(origin)
    .bind(generation)
    .fetch_all(&mut **tx)
    .await?;
    let damaged = AgentError::Damaged;
    let mut sent = Vec::with_capacity(found.len());
    for (id, revision, print, learner, group, confidential) in found {
        sent.push(Sent {
            id: RecordId::from_slice(&id).map_err(|_| damaged("sent.id"))?,
            kind: range.kind,
            revision: read_revision(revision)?,
            print: print.try_into().map_err(|_| damaged("sent.print"))?,
            withdrawn: false,
            learner: LocalId::parse("learner", &learner).map_err(|_| damaged("sent.learner"))?,
            group: match group.as_str() {
                "" => None,
                group => Some(LocalId::parse("group", group).map_err(|_| damaged("sent.grp"))?),
            },
            confidential,
        });
    }
    Ok(sent)
}

pub(super) fn read_revision(number: i64) -> Result<Revision, AgentError> {
    u32::try_from(number)
        .ok()
        .and_then(|number| Revision::new(number).ok())
        .ok_or(AgentError::Damaged("revision"))
}

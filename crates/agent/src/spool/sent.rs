//! What was sent: one row for each record that this institution ever spooled, for comparing with the next export.
//!
//! Holds a print of the content, not the content. Rows are looked up and written a thousand at a time, in the order of
//! their ids, so that a million rows need little memory.

use super::{ROWS, Spool, Tx, list, rows};
use crate::error::AgentError;
use commonroll_core::{LocalId, RecordId, RecordKind, Revision, SchoolDate};
use commonroll_wire::Held;
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
    /// True if it belongs to the origin that asks.
    pub mine: bool,
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
    /// True if a record of the range's kind lies inside.
    pub(crate) fn has(self, id: RecordId) -> bool {
        self.date.is_none_or(|date| date.days() == id.days())
    }

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
pub(crate) async fn known(
    tx: &mut Tx,
    ids: &[RecordId],
    origin: &str,
) -> Result<HashMap<RecordId, Known>, AgentError> {
    type Row = (Vec<u8>, i64, Vec<u8>, i64, bool, bool);
    const HEAD: &str = "SELECT id, revision, print, generation, withdrawn, origin = ? FROM sent WHERE id IN ";
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(ROWS) {
        let sql = list(HEAD, ids.len(), "");
        let mut query = sqlx::query_as::<_, Row>(sql).persistent(ids.len() == ROWS).bind(origin);
        for id in ids {
            query = query.bind(&id.0[..]);
        }
        for (id, revision, print, generation, withdrawn, mine) in query.fetch_all(&mut **tx).await? {
            let id = RecordId::from_slice(&id).map_err(|_| AgentError::Damaged("sent.id"))?;
            let print = print.try_into().map_err(|_| AgentError::Damaged("sent.print"))?;
            let revision = read_revision(revision)?;
            found.insert(id, Known { revision, print, generation, withdrawn, mine });
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
    /// True if an origin's exports, or any of a source's, have marks of a day.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn has_marks_on(&self, origin: &str, date: SchoolDate) -> Result<bool, AgentError> {
        let (from, to) = Range { kind: RecordKind::Attendance, date: Some(date) }.ids();
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM sent WHERE id BETWEEN $1 AND $2 AND kind = $3 AND withdrawn = 0
               AND (origin = $4 OR substr(origin, 1, length($4) + 1) = $4 || char(31)) LIMIT 1",
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

/// A record of a day as the spool knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentOn {
    /// The record.
    pub id: RecordId,
    /// Its kind.
    pub kind: RecordKind,
    /// Its newest revision.
    pub revision: u32,
    /// True if that revision takes it back.
    pub withdrawn: bool,
    /// True if the hub has not answered for it.
    pub waits: bool,
    /// The rule by which the hub refused that revision.
    pub refused: Option<String>,
    /// The file, and the line (0 for none), of a record that waits or was refused.
    pub found: Option<(String, u64)>,
}

impl SentOn {
    /// True if the hub answered for it, and took it.
    pub const fn settled(&self) -> bool {
        !self.waits && self.refused.is_none()
    }

    /// As it is compared.
    pub const fn held(&self) -> Held {
        Held { id: self.id, revision: self.revision, withdrawn: self.withdrawn }
    }
}

/// A row of [`Spool::sent_on`]: id, kind, revision, withdrawn, then of the queue and of what was refused.
type SentOnRow =
    (Vec<u8>, i64, i64, bool, Option<String>, Option<i64>, Option<String>, Option<String>, Option<i64>);

impl Spool {
    /// Every record of a school date that was ever spooled, ascending by id; but for those that are gone and that nobody has.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn sent_on(&self, date: SchoolDate) -> Result<Vec<SentOn>, AgentError> {
        let (from, to) = Range { kind: RecordKind::Attendance, date: Some(date) }.ids();
        let found: Vec<SentOnRow> = sqlx::query_as(
            "SELECT s.id, s.kind, s.revision, s.withdrawn, q.file, q.line, r.code, r.file, r.line FROM sent s
               LEFT JOIN queue q ON q.id = s.id AND q.revision = s.revision
               LEFT JOIN refused r ON r.id = s.id AND r.revision = s.revision
              WHERE s.id BETWEEN $1 AND $2
                AND NOT (s.withdrawn = 1 AND q.id IS NULL AND EXISTS (SELECT 1 FROM untaken u WHERE u.id = s.id))
              GROUP BY s.id ORDER BY s.id",
        )
        .bind(from)
        .bind(to)
        .fetch_all(self.pool())
        .await?;
        let read = |(id, kind, revision, withdrawn, queued, queued_at, refused, file, at): SentOnRow| {
            let kind = i32::try_from(kind).ok().and_then(RecordKind::from_number);
            let placed = |file: String, line: Option<i64>| (file, line.unwrap_or(0).unsigned_abs());
            Ok(SentOn {
                id: RecordId::from_slice(&id).map_err(|_| AgentError::Damaged("sent.id"))?,
                kind: kind.ok_or(AgentError::Damaged("sent.kind"))?,
                revision: read_revision(revision)?.get(),
                withdrawn,
                waits: queued.is_some(),
                refused,
                found: match (queued, file) {
                    (Some(file), _) => Some(placed(file, queued_at)),
                    (None, file) => file.map(|file| placed(file, at)),
                },
            })
        };
        found.into_iter().map(read).collect()
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
    let (from, to) = range.ids();
    // One that was withdrawn already is not taken back twice.
    let found: Vec<Absent> = sqlx::query_as(
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
    found.into_iter().map(|row| read_absent(range, row)).collect()
}

type Absent = (Vec<u8>, i64, Vec<u8>, String, String, bool);

fn read_absent(
    range: Range,
    (id, revision, print, learner, group, confidential): Absent,
) -> Result<Sent, AgentError> {
    let damaged = AgentError::Damaged;
    Ok(Sent {
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
    })
}

/// Those of these records that are absent, as [`absent`] would find them among all, ascending if `ids` are.
pub(crate) async fn absent_of(
    tx: &mut Tx,
    ids: &[RecordId],
    range: Range,
    origin: &str,
    generation: i64,
) -> Result<Vec<Sent>, AgentError> {
    const HEAD: &str = "SELECT id, revision, print, learner, grp, confidential FROM sent
          WHERE kind = ? AND origin = ? AND withdrawn = 0 AND generation <> ? AND id IN ";
    let mut absent = Vec::new();
    for ids in ids.chunks(ROWS) {
        let sql = list(HEAD, ids.len(), " ORDER BY id");
        let query = sqlx::query_as::<_, Absent>(sql).bind(range.kind as i64);
        let mut query = query.bind(origin).bind(generation);
        for id in ids {
            query = query.bind(&id.0[..]);
        }
        for row in query.fetch_all(&mut **tx).await? {
            absent.push(read_absent(range, row)?);
        }
    }
    Ok(absent)
}

/// How many records of an origin lie in a range and are not withdrawn, counted up to `most`.
pub(crate) async fn count_to(tx: &mut Tx, range: Range, origin: &str, most: u64) -> Result<u64, AgentError> {
    let (from, to) = range.ids();
    let n: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT 1 FROM sent
          WHERE id BETWEEN $1 AND $2 AND kind = $3 AND origin = $4 AND withdrawn = 0 LIMIT $5)",
    )
    .bind(from)
    .bind(to)
    .bind(range.kind as i64)
    .bind(origin)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_one(&mut **tx)
    .await?;
    Ok(n.unsigned_abs())
}

pub(super) fn read_revision(number: i64) -> Result<Revision, AgentError> {
    u32::try_from(number)
        .ok()
        .and_then(|number| Revision::new(number).ok())
        .ok_or(AgentError::Damaged("revision"))
}

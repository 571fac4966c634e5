//! What was declared, and what waits to be: one row for each learner, group, placement, acceptance, end, member of staff,
//! day, notice and support note.
//!
//! The same table compares and queues: a row whose print changed waits. The message itself, which is personal, is kept
//! only until the hub has it.

use super::{Spool, Tx, rows};
use crate::error::AgentError;
use aws_lc_rs::digest::{SHA256, digest};
use commonroll_core::{
    LocalId, Timestamp,
    directory::{Declaration, NoticeDeclaration, PlacementEnd, StaffDeclaration, SupportDeclaration},
    record::Text,
};
use commonroll_wire::{DeclarationAnswer, Refusal, pb::directory::v1 as pb, write_declaration};
use prost::Message;
use std::collections::HashMap;

const WAITING: i64 = 0;
const KNOWN: i64 = 1;
const REFUSED: i64 = 2;
const CONTESTED: i64 = 3;
const ENDED: i64 = 4;
/// A day that lies too far ahead to be said yet.
const AHEAD: i64 = 5;

/// Days ahead that are said: one less than the hub takes, for whoever's midnight comes first.
const DAYS_AHEAD: i32 = 20;
/// Days back that are said.
const DAYS_BACK: i32 = 6;
const DAY_US: i64 = 86_400_000_000;
/// Bytes of declarations in one call, about.
const CALL_BYTES: usize = 1 << 20;

/// Kinds of declaration that absence can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endable {
    /// Placements, by the home.
    Placements = 3,
    /// Acceptances, by the host.
    Acceptances = 4,
    /// Members of staff: whoever is absent teaches nothing any more.
    Staff = 6,
    /// Notices: one that is absent and not over is taken back.
    Notices = 8,
    /// Support notes: one that is absent is taken back.
    Support = 9,
}

/// A declaration, prepared for comparing.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    kind: i64,
    key: Vec<u8>,
    print: [u8; 32],
    message: Vec<u8>,
    /// What takes it back, without its moment.
    undo: Option<Vec<u8>>,
    /// The date of a day, in days since 1970.
    days: Option<i32>,
    /// First instant behind a notice.
    over: Option<Timestamp>,
    /// Name for people; empty where a number says enough.
    label: String,
    pub(crate) line: u64,
}

/// A declaration that waits for the hub.
#[derive(Debug, Clone)]
pub struct WaitingDeclaration {
    kind: i64,
    key: Vec<u8>,
    print: Vec<u8>,
    tries: u32,
    /// As it travels.
    pub message: pb::Declaration,
}

/// A declaration that the hub refused or holds as contested, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RefusedDeclaration {
    /// What sort of declaration.
    pub what: &'static str,
    /// The export that it came from.
    pub file: String,
    /// The line there.
    pub line: u64,
    /// Stable code of the hub's rule.
    pub code: String,
    /// The field at fault; empty unless one is.
    pub field: String,
    /// What to do.
    pub reason: String,
}

impl Prepared {
    pub(crate) fn new(declaration: &Declaration, line: u64) -> Self {
        let message = write_declaration(declaration).encode_to_vec();
        let print = digest(&SHA256, &message).as_ref().try_into().expect("SHA-256 has 32 bytes");
        let (kind, key, undo) = key(declaration);
        let undo = undo.map(|undo| write_declaration(&undo).encode_to_vec());
        let (days, over, label) = match declaration {
            Declaration::Day(day) => {
                let closed = if day.closed { ", closed" } else { "" };
                let label = format!("day {}, {} lessons{closed}", day.date, day.lessons().len());
                (Some(day.date.days()), None, label)
            }
            Declaration::Notice(notice) => (None, Some(notice.time.end()), "notices".to_owned()),
            Declaration::Support(_) => (None, None, "support notes".to_owned()),
            _ => (None, None, String::new()),
        };
        Self { kind, key, print, message, undo, days, over, label, line }
    }

    /// True if nobody needs to be told any more.
    fn is_past(&self, now: Timestamp) -> bool {
        let back = now.plus_micros(-DAY_US * i64::from(DAYS_BACK));
        self.days.is_some_and(|days| days < today(now) - DAYS_BACK) || self.over.is_some_and(|end| end < back)
    }

    /// When a day may be said, if not yet.
    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let wait = self.days? - DAYS_AHEAD - today(now);
        (wait > 0).then(|| now.plus_micros(DAY_US * i64::from(wait)))
    }
}

fn today(now: Timestamp) -> i32 {
    now.date_in(&jiff::tz::TimeZone::UTC).days()
}

/// A declaration's kind, what names it among its kind, and what would take it back.
fn key(declaration: &Declaration) -> (i64, Vec<u8>, Option<Declaration>) {
    let join = |parts: &[&str]| parts.join("\u{1f}").into_bytes();
    let group = |group: &Option<LocalId>| group.as_ref().map_or(String::new(), |g| g.as_str().to_owned());
    let from = Timestamp::from_micros("from", 0).expect("1970 lies between 1900 and 2200");
    match declaration {
        Declaration::Learner(learner) => (1, join(&[learner.local_id.as_str()]), None),
        Declaration::Group(group) => (2, join(&[group.local_id.as_str()]), None),
        Declaration::Placement(p) => {
            let parts = [p.learner.as_str(), p.host.as_str(), &group(&p.group), &p.dates.first().to_string()];
            let (learner, other, group) = (p.learner.clone(), p.host.clone(), p.group.clone());
            (3, join(&parts), Some(Declaration::End(PlacementEnd { learner, other, group, from })))
        }
        Declaration::Acceptance(a) => {
            let parts = [a.learner.as_str(), a.home.as_str(), &group(&a.group), &a.dates.first().to_string()];
            let (learner, other, group) = (a.learner.clone(), a.home.clone(), a.group.clone());
            (4, join(&parts), Some(Declaration::End(PlacementEnd { learner, other, group, from })))
        }
        Declaration::End(end) => {
            let parts = [
                end.learner.as_str(),
                end.other.as_str(),
                &group(&end.group),
                &end.from.micros().to_string(),
            ];
            (5, join(&parts), None)
        }
        Declaration::Staff(staff) => {
            let nothing = StaffDeclaration { groups: Vec::new(), ..staff.clone() };
            let undo = (!staff.groups.is_empty()).then_some(Declaration::Staff(nothing));
            (6, join(&[staff.local_id.as_str()]), undo)
        }
        // A date that an export does not name says nothing: the day stands until it is said anew.
        Declaration::Day(day) => (7, join(&[&day.date.to_string()]), None),
        Declaration::Notice(notice) => {
            let undo = (!notice.withdrawn).then(|| NoticeDeclaration { withdrawn: true, ..notice.clone() });
            (8, join(&[notice.local_id.as_str()]), undo.map(Declaration::Notice))
        }
        Declaration::Support(support) => {
            let (needs, emergency) = (Text::default(), Text::default());
            let undo =
                (!support.is_nothing()).then(|| SupportDeclaration { needs, emergency, ..support.clone() });
            (9, join(&[support.learner.as_str()]), undo.map(Declaration::Support))
        }
    }
}

/// Compares declarations with what was declared and lets the changed ones wait. Gives a label for each that changed. What
/// is past is passed over.
pub(crate) async fn compare(
    tx: &mut Tx,
    said: Vec<Prepared>,
    generation: i64,
    origin: &str,
    file: &str,
    now: Timestamp,
) -> Result<Vec<String>, AgentError> {
    let mut said = said;
    said.retain(|said| !said.is_past(now));
    let mut position = next_position(tx).await?;
    let known = known(tx, &said).await?;
    let mut changed: HashMap<(i64, Vec<u8>), Prepared> = HashMap::new();
    let mut order = Vec::new();
    let mut same = Vec::new();
    for said in said {
        let key = (said.kind, said.key.clone());
        if known.get(&key).is_some_and(|print| print[..] == said.print) && !changed.contains_key(&key) {
            same.push(key);
        } else if changed.insert(key.clone(), said).is_none() {
            order.push(key);
        }
    }
    for same in same.chunks(500) {
        let sql = rows(
            "UPDATE declared SET generation = ?, origin = ? WHERE (kind, key) IN (VALUES ",
            2,
            same.len(),
            ")",
        );
        let mut query = sqlx::query(sql).bind(generation).bind(origin);
        for (kind, key) in same {
            query = query.bind(kind).bind(key);
        }
        query.execute(&mut **tx).await?;
    }
    let waiting: Vec<Prepared> = order.iter().filter_map(|key| changed.remove(key)).collect();
    for waiting in waiting.chunks(500) {
        write(tx, waiting, (generation, origin, file), &mut position, now).await?;
    }
    Ok(waiting.into_iter().map(|said| said.label).collect())
}

async fn known(tx: &mut Tx, said: &[Prepared]) -> Result<HashMap<(i64, Vec<u8>), Vec<u8>>, AgentError> {
    let mut known = HashMap::with_capacity(said.len());
    for said in said.chunks(500) {
        let sql =
            rows("SELECT kind, key, print FROM declared WHERE (kind, key) IN (VALUES ", 2, said.len(), ")");
        let mut query = sqlx::query_as::<_, (i64, Vec<u8>, Vec<u8>)>(sql);
        for said in said {
            query = query.bind(said.kind).bind(&said.key);
        }
        known.extend(
            query.fetch_all(&mut **tx).await?.into_iter().map(|(kind, key, print)| ((kind, key), print)),
        );
    }
    Ok(known)
}

async fn write(
    tx: &mut Tx,
    waiting: &[Prepared],
    (generation, origin, file): (i64, &str, &str),
    position: &mut i64,
    now: Timestamp,
) -> Result<(), AgentError> {
    const HEAD: &str = "INSERT INTO declared(kind, key, print, origin, generation, state, message, position, file, line, undo, retry_us) VALUES ";
    const TAIL: &str = " ON CONFLICT(kind, key) DO UPDATE SET print = excluded.print, origin = excluded.origin, \
        generation = excluded.generation, state = excluded.state, message = excluded.message, \
        position = excluded.position, file = excluded.file, line = excluded.line, undo = excluded.undo, \
        code = '', field = '', reason = '', tries = 0, retry_us = excluded.retry_us";
    let mut query = sqlx::query(rows(HEAD, 12, waiting.len(), TAIL));
    for said in waiting {
        *position += 1;
        query = query
            .bind(said.kind)
            .bind(&said.key)
            .bind(&said.print[..])
            .bind(origin)
            .bind(generation)
            .bind(if said.due(now).is_some() { AHEAD } else { WAITING })
            .bind(&said.message)
            .bind(*position)
            .bind(file)
            .bind(said.line.min(i64::MAX as u64) as i64)
            .bind(&said.undo)
            .bind(said.due(now).map(Timestamp::micros));
    }
    query.execute(&mut **tx).await?;
    Ok(())
}

async fn next_position(tx: &mut Tx) -> Result<i64, AgentError> {
    Ok(sqlx::query_scalar("SELECT COALESCE(MAX(position), 0) FROM declared").fetch_one(&mut **tx).await?)
}

/// How many declarations of a kind stand for an origin, and how many of them this export did not have. Notices that are
/// over don't count: they leave every export one day.
pub(crate) async fn absent_count(
    tx: &mut Tx,
    kind: Endable,
    origin: &str,
    generation: i64,
    now: Timestamp,
) -> Result<(u64, u64), AgentError> {
    if kind == Endable::Notices {
        let held: Vec<(bool, Vec<u8>)> = sqlx::query_as(
            "SELECT generation <> $3, undo FROM declared
              WHERE kind = $1 AND origin = $2 AND state <> 4 AND undo IS NOT NULL",
        )
        .bind(kind as i64)
        .bind(origin)
        .bind(generation)
        .fetch_all(&mut **tx)
        .await?;
        let mut absent = Vec::with_capacity(held.len());
        for (is_absent, undo) in held {
            if !is_over(&read_undo(&undo)?, now) {
                absent.push(is_absent);
            }
        }
        let all = absent.len() as u64;
        return Ok((all, absent.into_iter().filter(|absent| *absent).count() as u64));
    }
    let (all, absent): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COALESCE(SUM(generation <> $3), 0) FROM declared
          WHERE kind = $1 AND origin = $2 AND state <> 4 AND undo IS NOT NULL",
    )
    .bind(kind as i64)
    .bind(origin)
    .bind(generation)
    .fetch_one(&mut **tx)
    .await?;
    Ok((all.unsigned_abs(), absent.unsigned_abs()))
}

fn read_undo(undo: &[u8]) -> Result<Declaration, AgentError> {
    let damaged = || AgentError::Damaged("declared.undo");
    let undo = pb::Declaration::decode(undo).map_err(|_| damaged())?;
    commonroll_wire::read_declaration(&undo).map_err(|_| damaged())
}

fn is_over(undo: &Declaration, now: Timestamp) -> bool {
    matches!(undo, Declaration::Notice(notice) if notice.time.end() <= now)
}

/// Ends what this export did not have. Gives a label for each.
pub(crate) async fn end_absent(
    tx: &mut Tx,
    kind: Endable,
    origin: &str,
    generation: i64,
    now: Timestamp,
    file: &str,
) -> Result<Vec<String>, AgentError> {
    let absent: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT undo FROM declared WHERE kind = $1 AND origin = $2 AND generation <> $3 AND state <> 4
            AND undo IS NOT NULL ORDER BY position",
    )
    .bind(kind as i64)
    .bind(origin)
    .bind(generation)
    .fetch_all(&mut **tx)
    .await?;
    let mut ends = Vec::with_capacity(absent.len());
    for undo in absent {
        match read_undo(&undo)? {
            Declaration::End(end) => {
                ends.push(Prepared::new(&Declaration::End(PlacementEnd { from: now, ..end }), 0));
            }
            // What was expected of a time that is over stays true.
            over if is_over(&over, now) => {}
            nothing @ (Declaration::Staff(_) | Declaration::Notice(_) | Declaration::Support(_)) => {
                ends.push(Prepared::new(&nothing, 0));
            }
            _ => return Err(AgentError::Damaged("declared.undo")),
        }
    }
    sqlx::query(
        "UPDATE declared SET state = 4, print = x'', message = NULL WHERE kind = $1 AND origin = $2
            AND generation <> $3 AND state <> 4",
    )
    .bind(kind as i64)
    .bind(origin)
    .bind(generation)
    .execute(&mut **tx)
    .await?;
    compare(tx, ends, generation, origin, file, now).await
}

impl Spool {
    /// The next declarations that wait, in the order in which they were found: so many, and as many as fit into a call.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn waiting_declarations(&self, limit: u32) -> Result<Vec<WaitingDeclaration>, AgentError> {
        type Row = (i64, Vec<u8>, Vec<u8>, u32, Vec<u8>);
        let found: Vec<Row> = sqlx::query_as(
            "SELECT kind, key, print, tries, message FROM declared WHERE state = 0 AND message IS NOT NULL
              ORDER BY position LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let read = |(kind, key, print, tries, message): Row| {
            let message = pb::Declaration::decode(message.as_slice())
                .map_err(|_| AgentError::Damaged("declared.message"))?;
            Ok(WaitingDeclaration { kind, key, print, tries, message })
        };
        let mut bytes = 0;
        let fit = found.into_iter().take_while(|(.., message)| {
            let first = bytes == 0;
            bytes += message.len();
            first || bytes <= CALL_BYTES
        });
        fit.map(read).collect()
    }

    /// Settles declarations by the hub's answers. Gives how many changed the directory.
    ///
    /// # Errors
    /// When the spool fails; the declarations are then sent again, which changes nothing at the hub.
    pub async fn settle_declarations(
        &self,
        answered: &[(WaitingDeclaration, DeclarationAnswer)],
        retry: &(dyn Fn(&str, u32) -> Option<Timestamp> + Sync),
    ) -> Result<u64, AgentError> {
        let mut tx = self.begin().await?;
        let mut changed = 0;
        for (said, answer) in answered {
            let none = Refusal { code: String::new(), field: String::new(), reason: String::new() };
            let tries = said.tries.saturating_add(1);
            let (state, refusal, again) = match answer {
                DeclarationAnswer::Accepted => {
                    changed += 1;
                    (KNOWN, none, None)
                }
                DeclarationAnswer::Unchanged => (KNOWN, none, None),
                DeclarationAnswer::Contested { code, reason } => {
                    changed += 1;
                    (CONTESTED, Refusal { code: code.clone(), reason: reason.clone(), ..none }, None)
                }
                DeclarationAnswer::Rejected(refusal) => {
                    (REFUSED, refusal.clone(), retry(&refusal.code, tries))
                }
            };
            // A row that changed since it was sent waits again, so its print must still be the one that was sent.
            sqlx::query(
                "UPDATE declared SET state = $4, code = $5, field = $6, reason = $7, tries = $8, retry_us = $9,
                        message = CASE WHEN $4 = 2 THEN message END
                  WHERE kind = $1 AND key = $2 AND print = $3 AND state <> $10",
            )
            .bind(said.kind)
            .bind(&said.key)
            .bind(&said.print)
            .bind(state)
            .bind(refusal.code)
            .bind(refusal.field)
            .bind(refusal.reason)
            .bind(tries)
            .bind(again.map(Timestamp::micros))
            .bind(ENDED)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Lets refused declarations wait again whose time has come, or all that may be tried after a change.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn requeue_declarations(&self, now: Timestamp) -> Result<u64, AgentError> {
        let done = sqlx::query("UPDATE declared SET state = 0 WHERE state = 2 AND retry_us <= $1")
            .bind(now.micros())
            .execute(self.pool())
            .await?;
        Ok(done.rows_affected())
    }

    /// Lets days wait that are near enough to be said by now.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn due_days(&self, now: Timestamp) -> Result<u64, AgentError> {
        let done =
            sqlx::query("UPDATE declared SET state = 0, retry_us = NULL WHERE state = 5 AND retry_us <= $1")
                .bind(now.micros())
                .execute(self.pool())
                .await?;
        Ok(done.rows_affected())
    }

    /// How many declarations wait.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn declarations_waiting(&self) -> Result<u64, AgentError> {
        let n: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM declared WHERE state = 0")
            .fetch_one(self.pool())
            .await?;
        Ok(n.unsigned_abs())
    }

    /// Declarations that the hub refused or holds as contested.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn refused_declarations(&self, limit: u32) -> Result<Vec<RefusedDeclaration>, AgentError> {
        type Row = (i64, String, i64, String, String, String);
        let found: Vec<Row> = sqlx::query_as(
            "SELECT kind, file, line, code, field, reason FROM declared WHERE state IN (2, 3)
              ORDER BY file, line LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let what = |kind| match kind {
            1 => "learner",
            2 => "group",
            3 => "placement",
            4 => "acceptance",
            5 => "end",
            6 => "staff",
            7 => "day",
            8 => "notice",
            _ => "support note",
        };
        let read = |(kind, file, line, code, field, reason): Row| RefusedDeclaration {
            what: what(kind),
            file,
            line: line.unsigned_abs(),
            code,
            field,
            reason,
        };
        Ok(found.into_iter().map(read).collect())
    }
}

//! What the stretches of large exports came to, so that those that stand unchanged in the next export need no reading.
//!
//! A row is a stretch of the newest export of an origin. Its records are kept as one run of ids: no row of `sent` says in
//! which stretch a record stands. Whoever changes a record of another origin must [`forget`] that origin's stretches here.

use super::{ROWS, Tx, list};
use crate::error::AgentError;
use commonroll_connectors::Sums;
use commonroll_core::{
    RecordId,
    sources::{Counted, CountedBy},
};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use tokio_stream::StreamExt;

/// Origins whose stretches are kept. Those whose exports were read longest ago are forgotten first.
const ORIGINS_MAX: i64 = 16;

/// What an origin's newest export was, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole {
    /// Print of how its rows are read: program, institution, zone, mapping, captions.
    pub reading: Vec<u8>,
    /// Scopes in which no record of this origin stands that the export did not have: kind, and day if it is one day's.
    pub settled: Vec<(i32, Option<i32>)>,
}

/// What a stretch came to, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Short {
    /// What the connector said.
    pub sums: Sums,
    /// Items that it gave.
    pub items: u64,
    /// Its records: days since 1970, ascending, and how many. Of an export in the order of learners each stretch has all days.
    #[serde(with = "packed")]
    pub days: Vec<(i32, u64)>,
    /// Problems of its rows.
    pub problems: u64,
    /// Rows with the same key as an earlier one of the stretch that say something else.
    pub same_key: u64,
    /// Its problems by caption, rule and code: few sorts, however many rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<(CountedBy, u64)>,
}

impl Short {
    /// Adds its problems to those of the file.
    pub(crate) fn count_into(&self, counted: &mut Counted) {
        for (sort, rows) in &self.kept {
            *counted.entry(sort.clone()).or_default() += rows;
        }
    }

    /// As it was kept; `None` if another program kept it.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Days and how many records each has, in a few letters a day: how many days behind the one before, `:`, and how many.
mod packed {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(days: &[(i32, u64)], serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        let text = days.iter().map(|(day, n)| {
            let behind = i64::from(*day) - std::mem::replace(&mut before, i64::from(*day));
            if *n == 1 { format!("{behind} ") } else { format!("{behind}:{n} ") }
        });
        serializer.serialize_str(text.collect::<String>().trim_end())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(i32, u64)>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (mut before, mut days) = (0_i32, Vec::new());
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let (behind, n) = word.split_once(':').unwrap_or((word, "1"));
            let day = behind.parse().ok().and_then(|behind: i32| before.checked_add(behind));
            let (Some(day), Ok(n)) = (day, n.parse()) else { return Err(D::Error::custom("no days")) };
            before = day;
            days.push((day, n));
        }
        Ok(days)
    }
}

/// What people must see of a stretch. Lines are counted from its first, which is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Field, rule and fix of each sort of problem.
    pub sorts: Vec<(String, String, String)>,
    /// Line and sort of each problem, in the order of the file.
    pub problems: Vec<(u32, u32)>,
    /// Lines of rows whose key an earlier one has.
    pub same_key: Vec<u32>,
}

/// A stretch that the last export had.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub id: i64,
    /// Its [`Short`], as it is kept: there are thousands, and most are looked at once.
    pub short: Box<[u8]>,
}

/// The stretches of an origin.
#[derive(Debug, Default)]
pub(crate) struct Stretches {
    /// Those that say the same wherever they stand, by the hash of their text.
    pub known: HashMap<[u8; 32], Known>,
    /// The others, which must be read each time.
    pub others: Vec<i64>,
}

/// What the newest export of an origin was; `None` if nothing is known of it, or another one was taken since.
pub(crate) async fn whole(tx: &mut Tx, origin: &str, before: i64) -> Result<Option<Whole>, AgentError> {
    let row: Option<(Vec<u8>, i64, String)> =
        sqlx::query_as("SELECT reading, generation, settled FROM stretched WHERE origin = $1")
            .bind(origin)
            .fetch_optional(&mut **tx)
            .await?;
    let Some((reading, generation, settled)) = row else { return Ok(None) };
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM export WHERE origin = $1 AND taken = 1 AND id < $2 ORDER BY id DESC LIMIT 1",
    )
    .bind(origin)
    .bind(before)
    .fetch_optional(&mut **tx)
    .await?;
    if last != Some(generation) {
        return Ok(None);
    }
    let settled = serde_json::from_str(&settled).map_err(|_| AgentError::Damaged("stretched.settled"))?;
    Ok(Some(Whole { reading, settled }))
}

/// An origin's stretches.
pub(crate) async fn all(tx: &mut Tx, origin: &str) -> Result<Stretches, AgentError> {
    let sql = "SELECT id, hash, alone, short FROM stretch WHERE origin = $1 ORDER BY id";
    let mut found = sqlx::query_as::<_, (i64, Vec<u8>, bool, Vec<u8>)>(sql).bind(origin).fetch(&mut **tx);
    let mut stretches = Stretches::default();
    while let Some(row) = found.next().await {
        let (id, hash, alone, short) = row?;
        let hash = hash.try_into().map_err(|_| AgentError::Damaged("stretch.hash"))?;
        if alone && !stretches.known.contains_key(&hash) {
            stretches.known.insert(hash, Known { id, short: short.into() });
        } else {
            stretches.others.push(id);
        }
    }
    drop(found);
    Ok(stretches)
}

/// Keeps a stretch and gives its id. One that is not `alone` is read each time.
pub(crate) async fn keep(
    tx: &mut Tx,
    origin: &str,
    (hash, alone): (&[u8; 32], bool),
    short: &Short,
    seen: &Seen,
    records: &[RecordId],
) -> Result<i64, AgentError> {
    let ids: Vec<u8> = records.iter().flat_map(|id| id.0).collect();
    let sql = "INSERT INTO stretch(origin, hash, alone, short, seen, ids) VALUES ($1, $2, $3, $4, $5, $6)";
    let done = sqlx::query(sql)
        .bind(origin)
        .bind(&hash[..])
        .bind(alone)
        .bind(serde_json::to_vec(short).map_err(|_| AgentError::Damaged("stretch.short"))?)
        .bind(serde_json::to_vec(seen).map_err(|_| AgentError::Damaged("stretch.seen"))?)
        .bind(ids)
        .execute(&mut **tx)
        .await?;
    Ok(done.last_insert_rowid())
}

/// What people must see of a stretch.
pub(crate) async fn seen(tx: &mut Tx, id: i64) -> Result<Seen, AgentError> {
    let seen: Vec<u8> =
        sqlx::query_scalar("SELECT seen FROM stretch WHERE id = $1").bind(id).fetch_one(&mut **tx).await?;
    serde_json::from_slice(&seen).map_err(|_| AgentError::Damaged("stretch.seen"))
}

fn split(ids: &[u8]) -> impl Iterator<Item = RecordId> {
    ids.as_chunks::<16>().0.iter().map(|id| RecordId(*id))
}

/// All records of some stretches; `None` if they are more than `most`.
pub(crate) async fn records(
    tx: &mut Tx,
    stretches: &[i64],
    most: usize,
) -> Result<Option<HashSet<RecordId>>, AgentError> {
    let mut all = HashSet::new();
    for stretches in stretches.chunks(10) {
        let mut query = sqlx::query_scalar(list("SELECT ids FROM stretch WHERE id IN ", stretches.len(), ""));
        for id in stretches {
            query = query.bind(id);
        }
        let found: Vec<Vec<u8>> = query.fetch_all(&mut **tx).await?;
        all.extend(found.iter().flat_map(|ids| split(ids)));
        if all.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(all))
}

/// In which of an origin's stretches each of these records stands. Reads all its stretches, a few at a time.
pub(crate) async fn holders(
    tx: &mut Tx,
    origin: &str,
    records: &HashSet<RecordId>,
) -> Result<HashMap<RecordId, Vec<i64>>, AgentError> {
    let mut holders: HashMap<RecordId, Vec<i64>> = HashMap::new();
    let mut behind = 0_i64;
    loop {
        let found: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT id, ids FROM stretch WHERE origin = $1 AND id > $2 ORDER BY id LIMIT 10")
                .bind(origin)
                .bind(behind)
                .fetch_all(&mut **tx)
                .await?;
        let Some((last, _)) = found.last() else { return Ok(holders) };
        behind = *last;
        for (stretch, ids) in &found {
            for record in split(ids).filter(|record| records.contains(record)) {
                holders.entry(record).or_default().push(*stretch);
            }
        }
    }
}

/// Lets stretches be read each time from now on.
pub(crate) async fn not_alone(tx: &mut Tx, stretches: &[i64]) -> Result<(), AgentError> {
    change(tx, "UPDATE stretch SET alone = 0 WHERE id IN ", stretches).await
}

/// Forgets stretches that the newest export doesn't have.
pub(crate) async fn leave(tx: &mut Tx, stretches: &[i64]) -> Result<(), AgentError> {
    change(tx, "DELETE FROM stretch WHERE id IN ", stretches).await
}

async fn change(tx: &mut Tx, head: &'static str, stretches: &[i64]) -> Result<(), AgentError> {
    for stretches in stretches.chunks(ROWS) {
        let mut query = sqlx::query(list(head, stretches.len(), ""));
        for id in stretches {
            query = query.bind(id);
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Notes what an origin's newest export was, once its stretches are kept.
pub(crate) async fn settle(
    tx: &mut Tx,
    origin: &str,
    generation: i64,
    whole: &Whole,
) -> Result<(), AgentError> {
    sqlx::query(
        "INSERT OR REPLACE INTO stretched(origin, reading, generation, settled) VALUES ($1, $2, $3, $4)",
    )
    .bind(origin)
    .bind(&whole.reading)
    .bind(generation)
    .bind(serde_json::to_string(&whole.settled).map_err(|_| AgentError::Damaged("stretched.settled"))?)
    .execute(&mut **tx)
    .await?;
    let old: Vec<String> =
        sqlx::query_scalar("SELECT origin FROM stretched ORDER BY generation DESC LIMIT -1 OFFSET $1")
            .bind(ORIGINS_MAX)
            .fetch_all(&mut **tx)
            .await?;
    for origin in old {
        forget(tx, &origin).await?;
    }
    Ok(())
}

/// Forgets an origin's stretches: its next export is read as a whole.
pub(crate) async fn forget(tx: &mut Tx, origin: &str) -> Result<(), AgentError> {
    for sql in ["DELETE FROM stretch WHERE origin = $1", "DELETE FROM stretched WHERE origin = $1"] {
        sqlx::query(sql).bind(origin).execute(&mut **tx).await?;
    }
    Ok(())
}

/// True if stretches of other origins are kept.
pub(crate) async fn others_have(tx: &mut Tx, origin: &str) -> Result<bool, AgentError> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM stretched WHERE origin <> $1)")
        .bind(origin)
        .fetch_one(&mut **tx)
        .await?)
}

/// Forgets the stretches of every other origin to which one of these records belongs.
pub(crate) async fn forget_owners(tx: &mut Tx, records: &[RecordId], origin: &str) -> Result<(), AgentError> {
    let mut owners: HashSet<String> = HashSet::new();
    for records in records.chunks(ROWS) {
        let head = "SELECT DISTINCT origin FROM sent WHERE origin <> ? AND origin IN (SELECT origin FROM stretched) AND id IN ";
        let mut query = sqlx::query_scalar(list(head, records.len(), "")).bind(origin);
        for id in records {
            query = query.bind(&id.0[..]);
        }
        owners.extend(query.fetch_all(&mut **tx).await?);
    }
    for owner in owners {
        forget(tx, &owner).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_of_a_whole_year_of_days_is_kept_in_a_kilobyte() {
        let days: Vec<(i32, u64)> =
            (0..266).filter(|n| n % 7 < 5).map(|n| (20_700 + n, 4 - u64::from(n % 11 == 0))).collect();
        assert_eq!(days.len(), 190);
        let short = Short { days, items: 760, ..Short::default() };
        let bytes = serde_json::to_vec(&short).unwrap();
        assert_eq!(Short::read(&bytes), Some(short));
        assert!(bytes.len() < 1_000, "{}", bytes.len());
        assert_eq!(Short::read(b"{\"sums\":{},\"days\":[[1,2]]}"), None, "as another build kept it");
    }
}

//! From a [`Commit`] to the rows that are written: checked, sorted, without doubles.
//!
//! Sorted rows touch neighbouring index pages once and let two PostgreSQL nodes lock in the same order. PostgreSQL
//! refuses to upsert one key twice in a statement, so which row wins is settled here.

use std::collections::BTreeMap;

use crate::codec::{ID, ID_REVISION, encode_segment, id_row, tile_row};
use crate::types::{AboutRow, Commit, FactRow};
use crate::{Result, StoreError};

/// Sequence numbers stay below this, so that they and their sums fit SQL's integers.
const SEQ_MAX: u64 = 1 << 62;

/// What one transaction writes beside its blocks.
pub(crate) struct Rows<'a> {
    pub ids: Vec<[u8; 44]>,
    pub superseded: Vec<[u8; 44]>,
    pub tiles: Vec<[u8; 41]>,
    pub segments: Vec<Segment>,
    pub set: Vec<&'a FactRow>,
    pub deleted: Vec<&'a FactRow>,
}

/// A row of `fseg` or of `about`.
pub(crate) struct Segment {
    /// The recipient, or what the entries are about.
    pub key: i64,
    pub n: u32,
    pub seqs: Vec<u8>,
}

pub(crate) fn rows<'a>(commit: &Commit<'a>) -> Result<Rows<'a>> {
    if commit.blocks.is_empty() || commit.blocks.iter().any(|block| block.n == 0) {
        return Err(StoreError::Misuse("a commit needs at least one block, and a block at least one entry"));
    }
    if commit.first_seq >= SEQ_MAX {
        return Err(StoreError::Misuse("first_seq must be below 2^62"));
    }
    if commit.facts.iter().any(|fact| fact.seq >= SEQ_MAX) {
        return Err(StoreError::Misuse("a fact's seq must be below 2^62"));
    }
    let mut facts = BTreeMap::new();
    for fact in commit.facts {
        facts.insert((fact.kind, &fact.key), fact);
    }
    let (set, deleted) = facts.into_values().partition(|fact| fact.value.is_some());
    Ok(Rows {
        ids: last_of_each(commit.ids.iter().map(id_row).collect(), ID),
        superseded: first_of_each(commit.superseded.iter().map(id_row).collect(), ID_REVISION),
        tiles: first_of_each(commit.tiles.iter().map(tile_row).collect(), 9),
        segments: segments(commit)?,
        set,
        deleted,
    })
}

/// By key the greatest value: the newest revision.
fn last_of_each<const N: usize>(mut rows: Vec<[u8; N]>, key: usize) -> Vec<[u8; N]> {
    rows.sort_unstable_by(|a, b| b.cmp(a));
    rows.dedup_by(|row, kept| row[..key] == kept[..key]);
    rows.reverse();
    rows
}

/// By key the smallest value: the earliest place in the log.
fn first_of_each<const N: usize>(mut rows: Vec<[u8; N]>, key: usize) -> Vec<[u8; N]> {
    rows.sort_unstable();
    rows.dedup_by(|row, kept| row[..key] == kept[..key]);
    rows
}

/// The rows by which the index grows from `from` to `to`.
pub(crate) fn about(from: u64, to: u64, rows: &[AboutRow]) -> Result<Vec<Segment>> {
    if from >= to || to >= SEQ_MAX {
        return Err(StoreError::Misuse("the index grows from one place to a later one, below 2^62"));
    }
    if rows.iter().any(|row| row.key >= SEQ_MAX) {
        return Err(StoreError::Misuse("a key of the index must be below 2^62"));
    }
    by_key(from, to, rows.iter().map(|row| (row.key as i64, row.seqs.as_slice())))
}

fn segments(commit: &Commit<'_>) -> Result<Vec<Segment>> {
    let rows = commit.feeds.iter().map(|feed| (i64::from(feed.recipient), feed.seqs.as_slice()));
    by_key(commit.first_seq, commit.end(), rows)
}

fn by_key<'a>(from: u64, to: u64, rows: impl Iterator<Item = (i64, &'a [u64])>) -> Result<Vec<Segment>> {
    let mut segments = Vec::with_capacity(rows.size_hint().0);
    for (key, seqs) in rows {
        let (Some(&first), Some(&last)) = (seqs.first(), seqs.last()) else {
            return Err(StoreError::Misuse(
                "a row of a feed or the index needs at least one sequence number",
            ));
        };
        if !seqs.is_sorted_by(|a, b| a < b) || first < from || last >= to {
            return Err(StoreError::Misuse(
                "a row's numbers must ascend and lie inside the commit or stretch",
            ));
        }
        segments.push(Segment { key, n: seqs.len() as u32, seqs: encode_segment(from, seqs) });
    }
    segments.sort_unstable_by_key(|segment| segment.key);
    if segments.windows(2).any(|pair| pair[0].key == pair[1].key) {
        return Err(StoreError::Misuse("a recipient or key has one row per commit or stretch"));
    }
    Ok(segments)
}

//! From a [`Commit`] to the rows that are written: checked, sorted, without doubles.
//!
//! Sorted rows touch neighbouring index pages once and let two PostgreSQL nodes lock in the same order. PostgreSQL
//! refuses to upsert one key twice in a statement, so which row wins is settled here.

use std::collections::BTreeMap;

use crate::codec::{ID, ID_REVISION, encode_segment, id_row, tile_row};
use crate::types::{Commit, FactRow};
use crate::{Result, StoreError};

/// Sequence numbers stay below this, so that they and their sums fit SQL's integers.
const SEQ_MAX: u64 = 1 << 62;

/// What one transaction writes beside the block.
pub(crate) struct Rows<'a> {
    pub ids: Vec<[u8; 44]>,
    pub superseded: Vec<[u8; 44]>,
    pub tiles: Vec<[u8; 41]>,
    pub segments: Vec<Segment>,
    pub set: Vec<&'a FactRow>,
    pub deleted: Vec<&'a FactRow>,
}

/// A row of `fseg`.
pub(crate) struct Segment {
    pub recipient: u32,
    pub n: u32,
    pub seqs: Vec<u8>,
}

pub(crate) fn rows<'a>(commit: &Commit<'a>) -> Result<Rows<'a>> {
    if commit.n == 0 {
        return Err(StoreError::Misuse("a block needs at least one entry"));
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

fn segments(commit: &Commit<'_>) -> Result<Vec<Segment>> {
    let end = commit.first_seq + u64::from(commit.n);
    let mut segments = Vec::with_capacity(commit.feeds.len());
    for feed in commit.feeds {
        let (Some(&first), Some(&last)) = (feed.seqs.first(), feed.seqs.last()) else {
            return Err(StoreError::Misuse("a feed row needs at least one sequence number"));
        };
        if !feed.seqs.is_sorted_by(|a, b| a < b) || first < commit.first_seq || last >= end {
            return Err(StoreError::Misuse("a feed row's numbers must ascend and lie inside the block"));
        }
        let seqs = encode_segment(commit.first_seq, &feed.seqs);
        segments.push(Segment { recipient: feed.recipient, n: feed.seqs.len() as u32, seqs });
    }
    segments.sort_unstable_by_key(|segment| segment.recipient);
    if segments.windows(2).any(|pair| pair[0].recipient == pair[1].recipient) {
        return Err(StoreError::Misuse("a recipient has one feed row per block"));
    }
    Ok(segments)
}

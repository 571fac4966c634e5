//! What the hub holds of an institution's records of one day, for its agent: so that two counts that disagree are explained
//! record by record. The agent knows what it sent, this says what was accepted, at which revision and when.
//!
//! Each institution has one day read at a time, some blocks by each statement, and they are taken apart beside the threads
//! that answer others.

use crate::{
    Exchange,
    entry::{Entry, split_entries},
    turns::Turn,
    types::{NotAllowed, Speaker},
};
use commonroll_core::{RecordId, RecordKind, SchoolDate, Timestamp};
use commonroll_store::{Block, IdRow};

/// Record ids that are read at a time.
const PAGE: u32 = 4_000;
/// Blocks that are read by one statement.
const BLOCKS: usize = 16;
/// Records of one day at most.
const MOST: usize = 500_000;

/// A record at the newest revision that the hub holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldSeen {
    /// Which record.
    pub id: RecordId,
    /// Its kind.
    pub kind: RecordKind,
    /// Its newest revision.
    pub revision: u32,
    /// True if that revision takes it back.
    pub withdrawn: bool,
    /// Its place in the log, from 1.
    pub sequence: u64,
    /// When that revision was accepted.
    pub accepted: Timestamp,
}

/// A day's records. While it is held, no other day of the institution is read.
#[derive(Debug)]
pub struct DayHeld {
    /// Ascending by id, those that were taken back included.
    pub records: Vec<HeldSeen>,
    _turn: Turn<u16>,
}

/// Why a day can't be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DayError {
    /// Not an agent, or no longer.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// One is being read already.
    #[error("a day of your institution is being read already; ask again when that has ended")]
    Busy,
    /// More records than an institution can have on a day.
    #[error("the hub holds more than 500,000 records of this day, which is not a school's day")]
    TooMany,
    /// The log could not be read.
    #[error("the hub can't read its log just now; try again")]
    Unavailable,
    /// What is stored is not what it must be.
    #[error("stored bytes of the log are damaged")]
    Damaged,
}

impl Exchange {
    /// Every record of the speaker's institution of a school date.
    ///
    /// # Errors
    /// [`DayError`].
    pub async fn held_day(&self, speaker: &Speaker, date: SchoolDate) -> Result<DayHeld, DayError> {
        self.speaker(speaker.agent)?;
        let turn = self.shared.days.begin(speaker.number, usize::MAX).ok_or(DayError::Busy)?;
        // An id begins with its date, so a day's ids lie side by side.
        let end = |fill: u8| {
            let mut id = [fill; 16];
            id[..4].copy_from_slice(&date.days().to_be_bytes());
            id
        };
        let (mut first, last) = (end(0), end(0xff));
        let mut rows: Vec<IdRow> = Vec::new();
        loop {
            let page = self.shared.store.ids_between(speaker.number, (first, last), PAGE).await;
            let page = page.map_err(|_| DayError::Unavailable)?;
            let (more, newest) = (page.len() == PAGE as usize, page.last().map(|row| row.id));
            rows.extend(page);
            if rows.len() > MOST {
                return Err(DayError::TooMany);
            }
            match newest.filter(|_| more).and_then(after) {
                Some(next) if next <= last => first = next,
                _ => break,
            }
        }
        let records = self.entries_of(rows).await?;
        Ok(DayHeld { records, _turn: turn })
    }

    /// Reads each block that holds an entry of these once.
    async fn entries_of(&self, mut rows: Vec<IdRow>) -> Result<Vec<HeldSeen>, DayError> {
        rows.sort_unstable_by_key(|row| row.seq);
        let (mut held, mut left) = (Vec::with_capacity(rows.len()), rows);
        while !left.is_empty() {
            let next: Vec<u64> = left.iter().take(BLOCKS).map(|row| row.seq).collect();
            let blocks = self.shared.store.block_of(&next, false).await;
            let blocks = blocks.map_err(|_| DayError::Unavailable)?;
            let end = blocks.last().ok_or(DayError::Damaged)?.end();
            let after = left.split_off(left.partition_point(|row| row.seq < end));
            let rows = std::mem::replace(&mut left, after);
            let read = move || told(&blocks, &rows);
            held.extend(tokio::task::spawn_blocking(read).await.map_err(|_| DayError::Unavailable)??);
        }
        held.sort_unstable_by_key(|held: &HeldSeen| held.id.0);
        Ok(held)
    }
}

/// What the entries at these places say, which all lie in these blocks; both ascending.
fn told(blocks: &[Block], rows: &[IdRow]) -> Result<Vec<HeldSeen>, DayError> {
    let (mut held, mut rows) = (Vec::with_capacity(rows.len()), rows.iter().peekable());
    for block in blocks {
        let entries = split_entries(&block.entries).map_err(|_| DayError::Damaged)?;
        while let Some(row) = rows.next_if(|row| row.seq < block.end()) {
            let place = row.seq.checked_sub(block.first_seq).and_then(|at| usize::try_from(at).ok());
            let bytes = place.and_then(|at| entries.get(at)).ok_or(DayError::Damaged)?;
            let Ok(Entry::Record(entry)) = Entry::decode(bytes) else { return Err(DayError::Damaged) };
            held.push(HeldSeen {
                id: entry.id,
                kind: entry.kind,
                revision: entry.revision,
                withdrawn: entry.withdrawn,
                sequence: row.seq + 1,
                accepted: entry.accepted_at,
            });
        }
    }
    if rows.next().is_some() { Err(DayError::Damaged) } else { Ok(held) }
}

/// The id behind an id; `None` behind the last.
fn after(id: [u8; 16]) -> Option<[u8; 16]> {
    u128::from_be_bytes(id).checked_add(1).map(u128::to_be_bytes)
}

//! A whole check of the log: every entry against its tree, every payload against its entry, every row beside it.
//!
//! Blocks are read in pages and checked on all cores, a few pages ahead; the tree is grown in order behind them. Memory
//! does not grow with the log, but for the directory's newest changes, which are compared at the end.

#[cfg(test)]
mod tests;

use crate::{
    Exchange,
    directory::change::kind,
    duty::{gone, ranges::Ranges},
    entry::{Committed, Damaged, Entry, Payload, Payloads, json_matches, place_mark, split_marked},
};
use commonroll_audit::{
    frontier::Frontier,
    hash::{Hash, leaf_hash},
};
use commonroll_store::{Block, Store};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::task::JoinHandle;

/// Bytes of blocks in a page, about, and blocks at most.
const PAGE_BYTES: usize = 4 << 20;
const PAGE_BLOCKS: u32 = 512;
/// Pages in work at a time.
const AHEAD: usize = 4;

/// What a whole check of the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries, all of which are as they were written.
    pub entries: u64,
    /// Records among them.
    pub records: u64,
    /// Records whose payload was checked against its commitment.
    pub payloads: u64,
    /// Entries whose payload was taken out, each by an entry that says so.
    pub erased: u64,
    /// Payloads that an entry says must go, and that are still there: the hub goes on with it by itself.
    pub going: u64,
    /// Root of the tree over all entries.
    pub root: Hash,
}

/// Why the log could not be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// An entry is not what it was.
    #[error("entry {sequence} is not what was written; restore the log from a backup and compare")]
    Bad {
        /// First entry at fault, counted from 1.
        sequence: u64,
    },
    /// A payload is not there, and no entry says that it was erased or is kept no longer.
    #[error(
        "the payload of entry {sequence} has vanished, and no entry says that it was erased or is kept no longer; restore the \
         database from a backup and compare"
    )]
    Vanished {
        /// First entry without its payload, counted from 1.
        sequence: u64,
    },
    /// The log ends before what the rows beside it know.
    #[error("entries from {sequence} on were cut off; restore the log from a backup and compare")]
    Cut {
        /// First entry that is missing, counted from 1.
        sequence: u64,
    },
    /// The rows that a start loads the directory from are not what the log's entries say.
    #[error(
        "a row of the directory is not what entry {sequence} says; restore the database from a backup and compare"
    )]
    Directory {
        /// The entry that the row claims, or ought to rest on, counted from 1.
        sequence: u64,
    },
    /// A hash from which proofs are joined is not what the entries lead to. The entries themselves are good.
    #[error("a stored hash over the entries up to {sequence} is wrong; restore the database from a backup")]
    Tree {
        /// Last entry under the hash, counted from 1.
        sequence: u64,
    },
    /// The log could not be read.
    #[error("could not read the log: {0}")]
    Store(String),
}

fn store_error(error: commonroll_store::StoreError) -> VerifyError {
    VerifyError::Store(error.to_string())
}

impl Exchange {
    /// Checks every entry of the log against its tree, every payload against its entry, and the rows beside the log
    /// against what it says.
    ///
    /// # Errors
    /// The first entry at fault, or why the log can't be read.
    pub async fn verify(&self, mut progress: impl FnMut(u64) + Send) -> Result<Verified, VerifyError> {
        verify(&self.shared.store, AHEAD, &mut progress).await
    }
}

/// The same, with so many pages in work at a time.
pub(crate) async fn verify(
    store: &Arc<dyn Store>,
    ahead: usize,
    progress: &mut (impl FnMut(u64) + Send),
) -> Result<Verified, VerifyError> {
    let mut found = Verified { entries: 0, records: 0, payloads: 0, erased: 0, going: 0, root: [0; 32] };
    let (mut frontier, mut directory) = (Frontier::new(), Folded::default());
    let (mut missing, mut said) = (Ranges::default(), Vec::new());
    let mut pages =
        Pages { store: store.clone(), ahead, next: 0, blocks: 16, ended: false, waiting: VecDeque::new() };
    while let Some(page) = pages.next().await? {
        let mut tiles = Vec::new();
        for block in page {
            let checked = block.map_err(|sequence| VerifyError::Bad { sequence })?;
            let first = frontier.size();
            if checked.block.first_seq != first {
                return Err(VerifyError::Bad { sequence: first + 1 });
            }
            for leaf in &checked.leaves {
                frontier.push_with(*leaf, |height, index, hash| {
                    if height > 0 && height % 8 == 0 {
                        tiles.push((height, index, *hash));
                    }
                });
            }
            if frontier.encode() != checked.block.frontier {
                let sequence = checked.out_of_place().unwrap_or_else(|| checked.if_all_in_place());
                return Err(VerifyError::Bad { sequence });
            }
            (found.records, found.payloads) =
                (found.records + checked.records, found.payloads + checked.payloads);
            checked.missing.into_iter().for_each(|seq| missing.push(seq));
            said.extend(checked.said);
            directory.fold(checked.changes);
        }
        check_tiles(store.as_ref(), &tiles).await?;
        progress(frontier.size());
    }
    not_cut(store.as_ref(), frontier.size()).await?;
    directory.compare(store.as_ref(), frontier.size()).await?;
    (found.entries, found.root) = (frontier.size(), frontier.root());
    // An entry that says what must go stands behind it.
    let said = Ranges::of(said);
    if let Some(seq) = missing.first_outside(&said) {
        return Err(VerifyError::Vanished { sequence: seq + 1 });
    }
    (found.erased, found.going) = (missing.count(), said.count() - missing.count());
    Ok(found)
}

/// Pages of the log, checked ahead of the tree.
struct Pages {
    store: Arc<dyn Store>,
    ahead: usize,
    next: u64,
    blocks: u32,
    ended: bool,
    waiting: VecDeque<JoinHandle<Vec<Result<Checked, u64>>>>,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Vec<Result<Checked, u64>>>, VerifyError> {
        while !self.ended && self.waiting.len() < self.ahead {
            let blocks = self.store.blocks(self.next, self.blocks, true).await.map_err(store_error)?;
            let Some(end) = blocks.last().map(Block::end) else {
                self.ended = true;
                break;
            };
            if end <= self.next {
                return Err(VerifyError::Bad { sequence: self.next + 1 });
            }
            self.next = end;
            // Blocks hold one entry or thousands: so many at a time that a page is about as big as it should be.
            let bytes: usize =
                blocks.iter().map(|b| b.entries.len() + b.payloads.as_ref().map_or(0, Vec::len)).sum();
            let fitting = blocks.len() * PAGE_BYTES / bytes.max(1);
            self.blocks = u32::try_from(fitting).unwrap_or(PAGE_BLOCKS).clamp(1, PAGE_BLOCKS);
            self.waiting.push_back(tokio::task::spawn_blocking(|| blocks.into_iter().map(check).collect()));
        }
        let Some(page) = self.waiting.pop_front() else { return Ok(None) };
        page.await.map(Some).map_err(|error| VerifyError::Store(error.to_string()))
    }
}

/// A block whose entries can be read and whose payloads are what the entries committed to.
struct Checked {
    block: Block,
    leaves: Vec<Hash>,
    changes: Vec<Said>,
    /// Entries that committed to a payload which is not there, ascending.
    missing: Vec<u64>,
    /// What entries say must go.
    said: Vec<(u64, u64)>,
    records: u64,
    payloads: u64,
}

impl Checked {
    /// The first entry (counted from 1) that does not bear the mark of its place, if the marks tell.
    fn out_of_place(&self) -> Option<u64> {
        let entries = split_marked(&self.block.entries).ok()?;
        let mut written = (self.block.first_seq..).zip(entries).zip(&self.leaves);
        let wrong =
            written.find(|((seq, (mark, _)), leaf)| mark.is_some_and(|m| m != place_mark(*seq, leaf)));
        wrong.map(|((seq, _), _)| seq + 1)
    }
}

impl Checked {
    /// The first entry (counted from 1) at fault in a block that does not lead to its tree though every mark holds: the
    /// one that was taken from its end. Without marks, the block's first.
    fn if_all_in_place(&self) -> u64 {
        let marked =
            split_marked(&self.block.entries).is_ok_and(|all| all.iter().all(|(mark, _)| mark.is_some()));
        1 + if marked { self.block.end() } else { self.block.first_seq }
    }
}

/// Checks what can be checked of a block alone; the error is the first entry at fault, counted from 1.
fn check(block: Block) -> Result<Checked, u64> {
    let (first, count) = (block.first_seq, block.n as usize);
    let mut checked = Checked {
        block,
        leaves: Vec::new(),
        changes: Vec::new(),
        missing: Vec::new(),
        said: Vec::new(),
        records: 0,
        payloads: 0,
    };
    let payloads = checked.block.payloads.take().map(Payloads::decode).transpose();
    let entries = split_marked(&checked.block.entries).map_err(|_| first + 1)?;
    checked.leaves = entries.iter().map(|(_, entry)| leaf_hash(entry)).collect();
    if entries.len() != count {
        return Err(checked.out_of_place().unwrap_or(first + entries.len().min(count) as u64 + 1));
    }
    let payloads = payloads.map_err(|_| checked.out_of_place().unwrap_or(first + 1))?;
    let (mut changes, mut records, mut whole) = (Vec::new(), 0, 0);
    let (mut missing, mut said) = (Vec::new(), Vec::new());
    for (place, (_, bytes)) in entries.iter().enumerate() {
        let seq = first + place as u64;
        let sound = match Entry::decode(bytes) {
            Ok(Entry::Record(record)) => {
                records += 1;
                match payloads.as_ref().map_or(Ok(Committed::Nothing), |all| all.committed(place)) {
                    // Erased, or kept no longer, which must be said elsewhere.
                    Ok(Committed::Nothing | Committed::Circumstances) => {
                        missing.push(seq);
                        true
                    }
                    Ok(Committed::Record { seal, root }) => {
                        whole += 1;
                        let seal = payloads.as_ref().and_then(|all| all.seal(seal).ok());
                        let sealed = seal.and_then(|seal| seal.roots.get(usize::from(record.index)));
                        sealed == Some(&record.root) && root == record.root
                    }
                    Ok(Committed::Change) | Err(Damaged) => false,
                }
            }
            Ok(Entry::Note(note)) => {
                said.extend(gone::said(&note).iter().flat_map(|of| of.runs()));
                match payloads.as_ref().map_or(Ok(Payload::None), |all| all.get(place)) {
                    Ok(Payload::Change { salt, change }) => {
                        let json = serde_json::to_vec(&change).unwrap_or_default();
                        let matches = json_matches(&note, &salt, &json);
                        let rows = change.rows(json).into_iter();
                        changes.extend(rows.map(|(kind, key, value)| ((kind, key), (seq, value))));
                        matches
                    }
                    Ok(Payload::None) => {
                        if !note.payload.is_empty() {
                            missing.push(seq);
                        }
                        true
                    }
                    Ok(Payload::Record { .. }) | Err(Damaged) => false,
                }
            }
            Err(Damaged) => false,
        };
        if !sound {
            // What was put in or taken out moves all payloads behind it; then its own mark tells first.
            return Err(checked.out_of_place().unwrap_or(u64::MAX).min(seq + 1));
        }
    }
    drop(entries);
    (checked.changes, checked.records, checked.payloads) = (changes, records, whole);
    (checked.missing, checked.said) = (missing, said);
    Ok(checked)
}

/// Holds the stored hashes that proofs are joined from against what the entries lead to.
async fn check_tiles(store: &dyn Store, tiles: &[(u8, u64, Hash)]) -> Result<(), VerifyError> {
    for some in tiles.chunks(1_000) {
        let keys: Vec<(u8, u64)> = some.iter().map(|(height, index, _)| (height / 8, *index)).collect();
        let stored = store.tiles(&keys).await.map_err(store_error)?;
        if let Some(((height, index, _), _)) =
            some.iter().zip(stored).find(|(tile, held)| *held != Some(tile.2))
        {
            return Err(VerifyError::Tree { sequence: (index + 1) << height });
        }
    }
    Ok(())
}

/// Rows beside the log that know of entries behind its end say that it was cut off, unless it has grown since.
async fn not_cut(store: &dyn Store, size: u64) -> Result<(), VerifyError> {
    let facts = store.facts(&kind::DIRECTORY).await.map_err(store_error)?;
    let mut known = facts.iter().map(|row| row.seq + 1).max().unwrap_or(0);
    let institutions = facts.iter().filter(|row| row.kind == 1).count();
    for recipient in (0..).take(institutions) {
        let behind = store.feed(recipient, size, 1).await.map_err(store_error)?;
        known = known.max(behind.first().map_or(0, |seq| seq + 1));
    }
    // Asked last: what was appended meanwhile is there by now.
    let now = store.head().await.map_err(store_error)?.map_or(0, |head| head.size());
    if known > now.max(size) { Err(VerifyError::Cut { sequence: size + 1 }) } else { Ok(()) }
}

/// Kind and key of a row.
type RowKey = (u8, Vec<u8>);
/// What a change says: of what, in which entry, in which words; without words, that the row goes.
type Said = (RowKey, (u64, Option<Vec<u8>>));

/// The newest change of each key, as the log tells it.
#[derive(Default)]
struct Folded(HashMap<RowKey, (u64, Option<Vec<u8>>)>);

impl Folded {
    fn fold(&mut self, changes: Vec<Said>) {
        self.0.extend(changes);
    }

    /// Holds the rows against the log. Rows of entries behind `size` came while the log was read and are passed over.
    async fn compare(mut self, store: &dyn Store, size: u64) -> Result<(), VerifyError> {
        // Batch numbers are also in the record entries, so their rows may be newer than any change says.
        let kinds: Vec<u8> = kind::DIRECTORY.into_iter().filter(|kind| *kind != kind::BATCH).collect();
        self.0.retain(|(kind, _), _| *kind != kind::BATCH);
        for row in store.facts(&kinds).await.map_err(store_error)? {
            let said = self.0.remove(&(row.kind, row.key));
            if row.seq < size && said.is_none_or(|(_, said)| said.is_none() || row.value != said) {
                return Err(VerifyError::Directory { sequence: row.seq + 1 });
            }
        }
        match self.0.values().filter(|(_, said)| said.is_some()).map(|(seq, _)| seq + 1).min() {
            Some(sequence) => Err(VerifyError::Directory { sequence }),
            None => Ok(()),
        }
    }
}

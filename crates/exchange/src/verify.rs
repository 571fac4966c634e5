//! A whole check of the log: every entry against its tree, every payload against its entry, every row of the directory.

use crate::{
    Exchange,
    directory::change::{Change, kind},
    entry::{Entry, split_entries},
    follow::{read_block, read_records},
};
use commonroll_audit::{frontier::Frontier, hash::Hash};
use commonroll_store::Store;
use std::collections::HashMap;

/// Blocks read at a time.
const BLOCKS: u32 = 64;

/// What a whole check of the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries, all of which are as they were written.
    pub entries: u64,
    /// Records among them.
    pub records: u64,
    /// Records whose payload was checked against its commitment.
    pub payloads: u64,
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
    /// The rows that a start loads the directory from are not what the log's entries say.
    #[error(
        "a row of the directory is not what entry {sequence} says; restore the database from a backup and compare"
    )]
    Directory {
        /// The entry that the row claims, or ought to rest on, counted from 1.
        sequence: u64,
    },
    /// The log could not be read.
    #[error("could not read the log: {0}")]
    Store(String),
}

impl Exchange {
    /// Checks every entry of the log against its tree, and every payload against its entry.
    pub async fn verify(&self, mut progress: impl FnMut(u64)) -> Result<Verified, VerifyError> {
        verify(self.shared.store.as_ref(), &mut progress).await
    }
}

async fn verify(store: &dyn Store, progress: &mut impl FnMut(u64)) -> Result<Verified, VerifyError> {
    let mut found = Verified { entries: 0, records: 0, payloads: 0, root: [0; 32] };
    let mut frontier = Frontier::new();
    let mut directory = Folded::default();
    loop {
        let blocks = store
            .blocks(frontier.size(), BLOCKS, true)
            .await
            .map_err(|e| VerifyError::Store(e.to_string()))?;
        if blocks.is_empty() {
            break;
        }
        for block in blocks {
            let first = frontier.size();
            let bad = |_| VerifyError::Bad { sequence: first + 1 };
            let followed = read_block(&block, &frontier)
                .map_err(|_| VerifyError::Bad { sequence: first_bad(&block, &frontier) })?;
            let entries = split_entries(&block.entries).map_err(bad)?;
            let records: Vec<u64> = (first..)
                .zip(&entries)
                .filter(|(_, e)| matches!(Entry::decode(e), Ok(Entry::Record(_))))
                .map(|(seq, _)| seq)
                .collect();
            found.records += records.len() as u64;
            match read_records(block.clone(), records.iter().copied()) {
                Ok(read) => found.payloads += read.len() as u64,
                Err(_) => return Err(VerifyError::Bad { sequence: first_bad_record(&block, &records) }),
            }
            directory.fold(first, &followed.changes);
            frontier = followed.frontier;
            progress(frontier.size());
        }
    }
    let head = store.head().await.map_err(|e| VerifyError::Store(e.to_string()))?;
    if head.is_some_and(|h| h.first_seq + u64::from(h.n) != frontier.size()) {
        return Err(VerifyError::Bad { sequence: frontier.size() + 1 });
    }
    directory.compare(store, frontier.size()).await?;
    (found.entries, found.root) = (frontier.size(), frontier.root());
    Ok(found)
}

/// The newest change of each key, as the log tells it.
#[derive(Default)]
struct Folded(HashMap<(u8, Vec<u8>), (u64, Vec<u8>)>);

impl Folded {
    /// `first` is the number of the block's first entry: near enough to say where to look.
    fn fold(&mut self, first: u64, changes: &[Change]) {
        for change in changes {
            let said = serde_json::to_vec(change).unwrap_or_default();
            self.0.insert((change.kind(), change.key()), (first, said));
        }
    }

    /// Holds the rows against the log. Rows of entries behind `size` came while the log was read and are passed over.
    async fn compare(mut self, store: &dyn Store, size: u64) -> Result<(), VerifyError> {
        // Batch numbers are also in the record entries, so their rows may be newer than any change says.
        let kinds: Vec<u8> = kind::DIRECTORY.into_iter().filter(|kind| *kind != kind::BATCH).collect();
        self.0.retain(|(kind, _), _| *kind != kind::BATCH);
        for row in store.facts(&kinds).await.map_err(|e| VerifyError::Store(e.to_string()))? {
            let said = self.0.remove(&(row.kind, row.key));
            if row.seq < size && said.is_none_or(|(_, said)| row.value.as_ref() != Some(&said)) {
                return Err(VerifyError::Directory { sequence: row.seq + 1 });
            }
        }
        match self.0.values().map(|(first, _)| first + 1).min() {
            Some(sequence) => Err(VerifyError::Directory { sequence }),
            None => Ok(()),
        }
    }
}

/// The first record of a block that is not what its entry committed to.
fn first_bad_record(block: &commonroll_store::Block, records: &[u64]) -> u64 {
    let bad = |seq: &&u64| read_records(block.clone(), std::iter::once(**seq)).is_err();
    records.iter().find(bad).map_or(block.first_seq + 1, |seq| seq + 1)
}

/// The first entry of a bad block that can be told to be wrong: where reading or a payload fails, else its first.
fn first_bad(block: &commonroll_store::Block, before: &Frontier) -> u64 {
    let Ok(entries) = split_entries(&block.entries) else { return before.size() + 1 };
    let unreadable = entries.iter().position(|entry| Entry::decode(entry).is_err());
    before.size() + 1 + unreadable.unwrap_or(0) as u64
}

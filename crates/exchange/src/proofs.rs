//! Checkpoints of the log, and the proofs that tie entries and checkpoints together.
//!
//! A proof is joined from complete subtrees. Those of the log's right edge are in memory; others of 256 entries and more lie
//! in the store as tiles and are had by one statement; what is lower is hashed from the blocks that hold it, had by
//! another. So a proof costs the same however long the log.

use crate::{
    Exchange,
    entry::{Entry, split_entries},
    types::{NotAllowed, Speaker},
    writer::Job,
};
use commonroll_audit::{
    checkpoint::Checkpoint,
    files::InclusionFile,
    frontier::Frontier,
    hash::{Hash, leaf_hash},
    proof::{
        FetchedSubtrees, consistency_proof, inclusion_proof, needed_for_consistency, needed_for_inclusion,
        needed_for_root,
    },
    tree,
};
use commonroll_store::Store;
use std::collections::BTreeSet;
use tokio::sync::oneshot;

/// Subtrees of this many levels and more are kept as tiles, each level of tiles as many levels apart.
const TILE_LEVELS: u8 = 8;
/// Entries under one tile of the lowest level.
const TILE: u64 = 1 << TILE_LEVELS;

impl Exchange {
    /// The key with which checkpoints verify, in C2SP text form.
    pub fn log_key(&self) -> String {
        self.shared.log_key.public().to_string()
    }

    /// A signed checkpoint of the log as it is, and the proof that it extends an older size.
    ///
    /// # Errors
    /// [`NotAllowed::Denied`] when the log can't be read.
    pub async fn checkpoint(&self, old_size: u64) -> Result<(String, Vec<Hash>), NotAllowed> {
        let mut frontier = self.shared.frontier();
        if old_size > frontier.size() {
            // Another node may have shown more already: a log that only seems to go back would raise an alarm.
            self.catch_up().await?;
            frontier = self.shared.frontier();
        }
        let (note, size) = (self.sign(&frontier)?, frontier.size());
        if old_size == 0 || old_size >= size {
            return Ok((note, Vec::new()));
        }
        let needed = needed_for_consistency(old_size, size).map_err(|_| NotAllowed::Denied)?;
        let (mut subtrees, _) =
            fetch(self.shared.store.as_ref(), &frontier, needed, None).await.ok_or(NotAllowed::Denied)?;
        let proof = consistency_proof(old_size, size, &mut subtrees).map_err(|_| NotAllowed::Denied)?;
        Ok((note, proof))
    }

    /// The proof that an entry (counted from 1) is in the log, against a checkpoint of now.
    ///
    /// An entry holds nothing personal, but tells who shares with whom: see [`Exchange::prove_to`].
    ///
    /// # Errors
    /// [`NotAllowed::Denied`] when there is no such entry, or the log can't be read.
    pub async fn prove(&self, sequence: u64) -> Result<InclusionFile, NotAllowed> {
        let index = sequence.checked_sub(1).ok_or(NotAllowed::Denied)?;
        if index >= self.shared.frontier().size() {
            self.catch_up().await?;
        }
        let frontier = self.shared.frontier();
        let store = self.shared.store.as_ref();
        let needed = needed_for_inclusion(index, frontier.size()).map_err(|_| NotAllowed::Denied)?;
        let fetched = fetch(store, &frontier, needed, Some(index)).await;
        let (mut subtrees, entry) = fetched.ok_or(NotAllowed::Denied)?;
        let path = inclusion_proof(index, frontier.size(), &mut subtrees).map_err(|_| NotAllowed::Denied)?;
        let entry = entry.ok_or(NotAllowed::Denied)?;
        Ok(InclusionFile { entry, index, path, checkpoint: self.sign(&frontier)? })
    }

    /// The same for an institution's agent: only of entries that concern it, as source or recipient of a record, or as
    /// the one who did, or whose people did, what a note says.
    ///
    /// # Errors
    /// [`NotAllowed`], alike for what is not theirs and what is not there.
    pub async fn prove_to(&self, speaker: &Speaker, sequence: u64) -> Result<InclusionFile, NotAllowed> {
        self.speaker(speaker.agent)?;
        let proof = self.prove(sequence).await?;
        let theirs = match Entry::decode(&proof.entry).map_err(|_| NotAllowed::Denied)? {
            Entry::Record(record) => {
                record.source == speaker.number
                    || record.recipients.iter().any(|to| to.institution == speaker.number)
            }
            Entry::Note(note) => crate::questions::concerns(&note, speaker.institution.as_str()),
        };
        if theirs { Ok(proof) } else { Err(NotAllowed::Denied) }
    }

    fn sign(&self, frontier: &Frontier) -> Result<String, NotAllowed> {
        let origin = self.shared.log_key.public().name().to_owned();
        let checkpoint = Checkpoint { origin, size: frontier.size(), root: frontier.root() };
        checkpoint.sign(&self.shared.log_key).map_err(|_| NotAllowed::Denied)
    }

    async fn catch_up(&self) -> Result<(), NotAllowed> {
        let (sender, receiver) = oneshot::channel();
        self.shared.jobs.send(Job::Follow(sender)).await.map_err(|_| NotAllowed::Denied)?;
        receiver.await.map_err(|_| NotAllowed::Denied)?.map_err(|_| NotAllowed::Denied)
    }
}

/// Fetches complete subtrees, and an entry: those of the log's right edge are at hand; all other high ones by one statement,
/// the low ones from the blocks under their tile. The entry lies in one of these: a block can hold thousands, and is read once.
async fn fetch(
    store: &dyn Store,
    frontier: &Frontier,
    needed: Vec<(u8, u64)>,
    own: Option<u64>,
) -> Option<(FetchedSubtrees, Option<Vec<u8>>)> {
    let mut subtrees: FetchedSubtrees =
        needed_for_root(frontier.size()).into_iter().zip(frontier.edge().iter().copied()).collect();
    let absent = needed.into_iter().filter(|subtree| !subtrees.contains_key(subtree));
    let (low, high): (Vec<_>, Vec<_>) = absent.partition(|(height, _)| *height < TILE_LEVELS);
    let tiles: Vec<(u8, u64)> = high.iter().flat_map(|&(height, index)| tiles_of(height, index)).collect();
    let (hashes, low) = tokio::join!(store.tiles(&tiles), low_ones(store, &low, own));
    let hashes: Option<Vec<Hash>> = hashes.ok()?.into_iter().collect();
    let mut hashes = hashes?.into_iter();
    for (height, index) in high {
        let row: Vec<Hash> = hashes.by_ref().take(tiles_of(height, index).count()).collect();
        subtrees.insert((height, index), tree::root(&row));
    }
    let (low, entry) = low?;
    subtrees.extend(low);
    Some((subtrees, entry))
}

/// Subtrees of fewer entries than a tile has, from the entries, and one of the entries.
async fn low_ones(
    store: &dyn Store,
    low: &[(u8, u64)],
    own: Option<u64>,
) -> Option<(FetchedSubtrees, Option<Vec<u8>>)> {
    let mut subtrees = FetchedSubtrees::default();
    let mut entry = None;
    // A subtree of height 0 is a leaf.
    let wanted = low.iter().copied().chain(own.map(|own| (0, own)));
    let under: BTreeSet<u64> = wanted.clone().map(|(height, index)| (index << height) / TILE).collect();
    for tile in under {
        let mine = wanted.clone().filter(|&(height, index)| (index << height) / TILE == tile);
        let from = mine.clone().map(|(height, index)| index << height).min()?;
        let end = mine.clone().map(|(height, index)| (index + 1) << height).max()?;
        let mut leaves = Vec::with_capacity(TILE as usize);
        for (first_seq, entries) in store.entries(from, end).await.ok()? {
            let inside = (first_seq..).zip(split_entries(&entries).ok()?);
            for (seq, bytes) in inside.filter(|(seq, _)| (from..end).contains(seq)) {
                leaves.push(leaf_hash(bytes));
                if own == Some(seq) {
                    entry = Some(bytes.to_vec());
                }
            }
        }
        if leaves.len() as u64 != end - from {
            return None;
        }
        for (height, index) in mine {
            let at = usize::try_from((index << height) - from).ok()?;
            subtrees.insert((height, index), tree::root(leaves.get(at..at + (1 << height))?));
        }
    }
    Some((subtrees, entry))
}

/// The tiles that make up a subtree.
fn tiles_of(height: u8, index: u64) -> impl Iterator<Item = (u8, u64)> {
    let (level, width) = (height / TILE_LEVELS, 1u64 << (height % TILE_LEVELS));
    (index * width..(index + 1) * width).map(move |tile| (level, tile))
}

//! Reading blocks of the log: what another node appended, and what is needed to deliver from disk.
//!
//! A block is believed only if its entries lead from the tree before it to the tree that it states.

use crate::{
    directory::change::Change,
    entry::{Damaged, Entry, Payload, Payloads, change_matches, split_entries},
    live::LiveRecord,
    types::GroupState,
};
use commonroll_audit::{
    frontier::Frontier,
    hash::{Hash, leaf_hash},
    seal::{GroupLeaf, record_root},
};
use commonroll_store::{Block, Store, StoreError};

/// Entry of a hub that begins to serve, and the answer of one that serves already.
pub const STARTED: &str = "hub.started";
pub const RUNNING: &str = "hub.running";

/// Blocks that are looked into at once.
const BLOCKS_AT_ONCE: usize = 16;

/// Why something could not be read from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// The store did not answer.
    Store,
    /// The store's bytes are not what they must be.
    Damaged,
}

/// What a block changes.
pub struct Followed {
    /// Changes of the directory.
    pub changes: Vec<Change>,
    /// Batches that are in the log: source and number.
    pub batches: Vec<(u16, u64)>,
    /// How many nodes say that they have started.
    pub started: usize,
    /// The tree after it.
    pub frontier: Frontier,
}

/// Reads a block that follows on a tree.
pub fn read_block(block: &Block, before: &Frontier) -> Result<Followed, Damaged> {
    let entries = split_entries(&block.entries)?;
    if block.first_seq != before.size() || entries.len() != block.n as usize {
        return Err(Damaged);
    }
    let mut frontier = before.clone();
    entries.iter().for_each(|entry| frontier.push(leaf_hash(entry)));
    if frontier.encode() != block.frontier {
        return Err(Damaged);
    }
    let payloads = block.payloads.clone().map(Payloads::decode).transpose()?;
    let (mut changes, mut batches, mut started) = (Vec::new(), Vec::new(), 0);
    for (place, bytes) in entries.iter().enumerate() {
        match Entry::decode(bytes)? {
            Entry::Record(record) => batches.push((record.source, record.batch)),
            Entry::Note(note) if !note.payload.is_empty() => {
                let Some(payloads) = &payloads else { continue };
                match payloads.get(place)? {
                    Payload::Change { salt, change } if change_matches(&note, &salt, &change) => {
                        changes.push(*change)
                    }
                    Payload::None => {}
                    _ => return Err(Damaged),
                }
            }
            Entry::Note(note) => started += usize::from(note.what == STARTED),
        }
    }
    Ok(Followed { changes, batches, started, frontier })
}

/// Reads the records at some places of a block, each checked against what the log committed to. Those whose payload was
/// taken out are left out.
pub fn read_records(block: Block, seqs: impl Iterator<Item = u64>) -> Result<Vec<LiveRecord>, Damaged> {
    let mut records = read_what_is_left(block, seqs)?;
    records.retain(|record| !record.groups.is_empty());
    Ok(records)
}

/// The same with records that are kept no longer and have no groups any more, but still what it takes to call copies back.
pub fn read_what_is_left(block: Block, seqs: impl Iterator<Item = u64>) -> Result<Vec<LiveRecord>, Damaged> {
    let each = read_each(block, seqs)?;
    each.into_iter().filter_map(|(_, record)| record.transpose()).collect()
}

/// A place, and the record there; `None` if it is erased.
pub type Each = (u64, Result<Option<LiveRecord>, Damaged>);

/// The same one by one: damage of a record leaves its neighbours alone.
pub fn read_each(block: Block, seqs: impl Iterator<Item = u64>) -> Result<Vec<Each>, Damaged> {
    let Some(payloads) = block.payloads else { return Ok(Vec::new()) };
    let payloads = Payloads::decode(payloads)?;
    let entries = split_entries(&block.entries)?;
    let read = |seq: u64| -> Result<Option<LiveRecord>, Damaged> {
        let place = usize::try_from(seq.checked_sub(block.first_seq).ok_or(Damaged)?).map_err(|_| Damaged)?;
        let Entry::Record(entry) = Entry::decode(entries.get(place).ok_or(Damaged)?)? else {
            return Err(Damaged);
        };
        let (seal_number, circumstances, groups) = match payloads.get(place)? {
            Payload::Record { seal, circumstances, groups } => (seal, circumstances, groups),
            // Erased: there is nothing left.
            Payload::None => return Ok(None),
            Payload::Change { .. } => return Err(Damaged),
        };
        if !groups.is_empty() && root_of(&groups)? != entry.root {
            return Err(Damaged);
        }
        let seal = payloads.seal(seal_number)?.clone();
        Ok(Some(LiveRecord { seq, entry, circumstances, groups, seal, placed: None }))
    };
    Ok(seqs.map(|seq| (seq, read(seq))).collect())
}

/// The blocks that hold some places of the log (from 0), given ascending and each once: a few blocks at a time, each once,
/// however many of the places lie in it. Places that none holds are left out.
pub struct Walk<'a> {
    rest: &'a [u64],
    at_once: usize,
}

impl<'a> Walk<'a> {
    /// From the first place on, with so many blocks in memory at most.
    pub const fn new(places: &'a [u64], at_once: usize) -> Self {
        Self { rest: places, at_once }
    }

    /// The next blocks, each with those of the places that lie in it; none at the end.
    pub async fn next(
        &mut self,
        store: &dyn Store,
        payloads: bool,
    ) -> Result<Vec<(Block, &'a [u64])>, StoreError> {
        let mut found = Vec::new();
        while found.is_empty() && !self.rest.is_empty() {
            let (asked, mut behind) = self.rest.split_at(self.rest.len().min(self.at_once));
            let blocks = store.block_of(asked, payloads).await?;
            for block in blocks {
                let rest = &self.rest[self.rest.partition_point(|seq| *seq < block.first_seq)..];
                let (here, later) = rest.split_at(rest.partition_point(|seq| *seq < block.end()));
                if later.len() < behind.len() {
                    behind = later;
                }
                found.push((block, here));
            }
            self.rest = behind;
        }
        Ok(found)
    }
}

/// The entries at some places of the log (from 0), given ascending and each once. Places that hold none are left out.
pub async fn entries_at(store: &dyn Store, seqs: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, Unread> {
    let mut found = Vec::with_capacity(seqs.len());
    let mut walk = Walk::new(seqs, BLOCKS_AT_ONCE);
    loop {
        let blocks = walk.next(store, false).await.map_err(|_| Unread::Store)?;
        if blocks.is_empty() {
            return Ok(found);
        }
        for (block, here) in blocks {
            let entries = split_entries(&block.entries).map_err(|_| Unread::Damaged)?;
            for seq in here {
                let place = usize::try_from(seq - block.first_seq).map_err(|_| Unread::Damaged)?;
                found.push((*seq, entries.get(place).ok_or(Unread::Damaged)?.to_vec()));
            }
        }
    }
}

/// The record root over sealed groups.
pub fn root_of(groups: &[crate::types::SealedGroup]) -> Result<Hash, Damaged> {
    let leaves: Vec<GroupLeaf> = groups
        .iter()
        .map(|group| match &group.state {
            GroupState::Open { salt, content } => GroupLeaf::shown(group.number, salt, content),
            GroupState::Withheld(hash) => GroupLeaf::withheld(group.number, *hash),
        })
        .collect();
    record_root(&leaves).map_err(|_| Damaged)
}

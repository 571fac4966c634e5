//! Taking payloads out, after the entry that says so: whoever is stopped half-way goes on at the next tick or start.
//!
//! The entry is what counts. From it on nothing of what it names leaves, on any node; the bytes go behind it, and a second
//! entry says when they have. The record's root stays in its entry, so history and old proofs verify as before.

use super::ranges::Ranges;
use crate::{
    directory::{
        change::{Bytes16, Change, hex},
        duties::Going,
    },
    entry::{Damaged, Note, Stays, without},
    notices::Outgoing,
    shared::Shared,
    submit,
    writer::Work,
};
use commonroll_audit::{
    hash::{Hash, leaf_hash},
    tree,
};
use commonroll_core::Timestamp;
use std::{collections::BTreeMap, sync::Arc};

/// Places that one entry names at most.
pub const PLACES: usize = 2_000;
/// Blocks read at once.
const BLOCKS: usize = 8;
/// Tries when others rewrite the same block.
const RACES: usize = 20;

/// Why payloads could not be taken out now. They will be: the entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotYet;

/// Entries that name what must go.
pub const NAMES: [&str; 2] = ["record.erased", "record.expired"];

/// What an entry says must go, if it is such an entry. Read from the leaf itself.
pub fn said(note: &Note) -> Option<Ranges> {
    if !NAMES.contains(&note.what.as_str()) {
        return None;
    }
    let of: Vec<(u64, u64)> = serde_json::from_value(note.more["of"].clone()).ok()?;
    Some(Ranges::said(&of))
}

/// Plans entries for places of the log, each with the commitment that stays of it. `more` is to be read in each.
pub fn plan(
    work: &mut Work<'_>,
    places: &[(u64, Hash)],
    whole: bool,
    more: &serde_json::Value,
    now: Timestamp,
) {
    for some in places.chunks(PLACES) {
        let mut of = Ranges::default();
        some.iter().for_each(|(seq, _)| of.push(*seq));
        let leaves: Vec<Hash> = some.iter().map(|(_, root)| leaf_hash(root)).collect();
        let mut more = more.clone();
        more["of"] = serde_json::json!(of.says());
        more["count"] = some.len().into();
        more["root"] = hex(&tree::root(&leaves)).into();
        let mut id = [0; 16];
        id[..8].copy_from_slice(&now.micros().to_be_bytes());
        id[8..].copy_from_slice(&some.first().map_or(0, |(seq, _)| *seq).to_be_bytes());
        let change = Change::Erased { id: Bytes16(id), of: of.says(), whole, done: false };
        work.planner.directory.apply(&change);
        work.outgoing.push(Outgoing::Erased { change, more });
    }
}

/// Takes out whatever entries say must go and has not gone. True if nothing is left to do.
pub async fn finish(shared: &Shared, now: Timestamp) -> Result<bool, NotYet> {
    let going: BTreeMap<Bytes16, Arc<Going>> =
        shared.directory().duties().going().map(|(id, going)| (*id, going.clone())).collect();
    shared.removed().retain(|id, held| going.get(id) == Some(held));
    if going.is_empty() {
        return Ok(true);
    }
    // Pages that were decided on before the entry have left.
    drop(shared.leaving.write().await);
    for (id, going) in &going {
        if shared.removed().contains_key(id) {
            continue;
        }
        remove(shared, going).await?;
        shared.forget(&going.of);
        shared.removed().insert(*id, going.clone());
    }
    // It waits for readers, and the writer for it: one that stays longer is met again at the next tick.
    if !shared.store.scrub().await.map_err(|error| not_yet(shared, &error))? {
        tracing::debug!("a reader still holds what was erased; it is tried again");
        return Ok(false);
    }
    let done = move |work: &mut Work<'_>| {
        for (id, held) in &going {
            let is_open = work.planner.directory.duties().going().any(|(open, _)| open == id);
            if !is_open {
                continue;
            }
            let change = Change::Erased { id: *id, of: Vec::new(), whole: held.whole, done: true };
            work.planner.directory.apply(&change);
            let more = serde_json::json!({ "count": held.of.count(), "erasure": hex(&id.0) });
            work.outgoing.push(Outgoing::Erased { change, more });
        }
    };
    submit(shared, "hub", now, done).await.map_err(|_| NotYet)?;
    Ok(true)
}

/// Takes payloads out of their blocks, block by block.
async fn remove(shared: &Shared, going: &Going) -> Result<(), NotYet> {
    let mut next = 0;
    for (from, to) in going.of.runs() {
        let mut at = next.max(*from);
        while at < *to {
            let end = remove_block(shared, going, at).await?;
            (next, at) = (end, end);
        }
    }
    Ok(())
}

/// Takes out what must go of the block that holds a place; gives where the block ends.
async fn remove_block(shared: &Shared, going: &Going, seq: u64) -> Result<u64, NotYet> {
    for _ in 0..RACES {
        let blocks = shared.store.block_of(&[seq], true).await.map_err(|error| failed(&error))?;
        let Some(block) = blocks.into_iter().next() else { return Err(NotYet) };
        let end = block.end();
        let Some(before) = block.payloads else { return Ok(end) };
        let stays = |place: usize| match (going.of.holds(block.first_seq + place as u64), going.whole) {
            (false, _) => Stays::All,
            (true, true) => Stays::Nothing,
            (true, false) => Stays::Circumstances,
        };
        let after = without(&before, stays).map_err(|Damaged| {
            tracing::error!(
                entry = block.first_seq + 1,
                "the payloads of a block are damaged; none is taken out"
            );
            NotYet
        })?;
        if after == before {
            return Ok(end);
        }
        match shared.store.rewrite(block.first_seq, &before, &after).await {
            Ok(true) => return Ok(end),
            // Another node took something else out of it meanwhile.
            Ok(false) => {}
            Err(error) => return Err(not_yet(shared, &error)),
        }
    }
    Err(NotYet)
}

fn failed(error: &commonroll_store::StoreError) -> NotYet {
    tracing::warn!(%error, "payloads that must go could not be taken out yet; it is tried again");
    NotYet
}

fn not_yet(shared: &Shared, error: &commonroll_store::StoreError) -> NotYet {
    shared.wrote_in_vain(error, false);
    failed(error)
}

/// Entries of the log with their places, a few blocks at a time.
pub struct Entries<'a> {
    pub shared: &'a Shared,
    pub next: u64,
    pub end: u64,
}

impl Entries<'_> {
    /// Looks at every entry of some more blocks; false at the end.
    pub async fn some(&mut self, mut look: impl FnMut(u64, &[u8])) -> Result<bool, NotYet> {
        if self.next >= self.end {
            return Ok(false);
        }
        let blocks = self.shared.store.blocks(self.next, BLOCKS as u32 * 4, false).await;
        let blocks = blocks.map_err(|error| failed(&error))?;
        let Some(last) = blocks.last().map(commonroll_store::Block::end) else { return Err(NotYet) };
        for block in &blocks {
            let entries = crate::entry::split_entries(&block.entries).map_err(|_| NotYet)?;
            let inside = (block.first_seq..self.end).zip(entries).filter(|(seq, _)| *seq >= self.next);
            inside.for_each(|(seq, bytes)| look(seq, bytes));
        }
        self.next = last;
        Ok(true)
    }
}

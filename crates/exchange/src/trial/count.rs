//! Sorting the last records of the log, and the placements in force, by the situation that decisions are made in.

use crate::{
    directory::Directory,
    entry::{Entry, Payloads, split_entries},
    office::LawError,
    shared::Shared,
};
use commonroll_core::{RecordKind, Timestamp};
use commonroll_store::Block;
use std::collections::HashMap;

/// Blocks in memory at once, each up to about a megabyte.
const BLOCKS: u32 = 8;
/// Field groups that nothing was left out of.
pub(super) const ALL: u32 = u32::MAX;

/// Everything that tells decisions about records apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Situation {
    pub source: u16,
    pub home: u16,
    /// `None` for a card.
    pub kind: Option<RecordKind>,
    pub placed: bool,
    pub confidential: bool,
    /// Field groups that the hub holds open.
    pub held: u32,
    /// True for what is still to be made, under a placement that is in force now.
    pub ahead: bool,
}

/// Learners, by the hub's numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Learners(Vec<u64>);

impl Learners {
    pub fn add(&mut self, learner: u32) {
        let place = learner as usize / 64;
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] |= 1 << (learner % 64);
    }

    pub fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(held, more)| *held |= more);
    }

    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let words = self.0.iter().enumerate();
        words.flat_map(|(place, word)| {
            let bits = (0..64).filter(move |bit| word & 1u64 << bit != 0);
            bits.filter_map(move |bit| u32::try_from(place * 64 + bit).ok())
        })
    }
}

/// How many records and which learners are in a situation.
#[derive(Debug, Clone, Default)]
pub(super) struct Count {
    pub records: u64,
    pub learners: Learners,
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub by_situation: HashMap<Situation, Count>,
    pub records: u64,
    pub gone: u64,
}

/// Counts records accepted since a moment, and the placements in force now.
pub(super) async fn count(
    shared: &Shared,
    since: Timestamp,
    now: Timestamp,
    progress: &mut (impl FnMut(u64, u64) + Send),
) -> Result<Counted, LawError> {
    let end = shared.frontier().size();
    let first = begins(shared, since, end).await?;
    let mut counted = Counted::default();
    counted.placements(&shared.directory(), now);
    let mut next = first;
    while next < end {
        progress(next - first, end - first);
        let blocks = shared.store.blocks(next, BLOCKS, true).await.map_err(|_| LawError::Unavailable)?;
        let Some(last) = blocks.last().map(Block::end) else { break };
        for block in blocks {
            counted.block(&shared.directory(), block, since)?;
        }
        next = last;
    }
    progress(end - first, end - first);
    Ok(counted)
}

/// The first place of the log that can be younger than a moment.
async fn begins(shared: &Shared, since: Timestamp, end: u64) -> Result<u64, LawError> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let blocks = shared.store.block_of(&[middle], false).await.map_err(|_| LawError::Unavailable)?;
        let Some(block) = blocks.first() else { return Ok(low) };
        match timed(shared, block, high).await? {
            Some((at_us, behind)) if at_us < since.micros() => low = behind,
            // Where nothing says when, it counts as young.
            _ => high = block.first_seq,
        }
    }
    Ok(low)
}

/// When the first block from this one on, and before an end, was written that says so; and where that block ends. Older logs
/// have no time in blocks without records.
async fn timed(shared: &Shared, first: &Block, end: u64) -> Result<Option<(i64, u64)>, LawError> {
    let mut from = first.first_seq;
    while from < end {
        let blocks = shared.store.blocks(from, BLOCKS, false).await.map_err(|_| LawError::Unavailable)?;
        let Some(last) = blocks.last() else { return Ok(None) };
        from = last.end();
        if let Some(told) = blocks.iter().find(|block| block.at_us != 0) {
            return Ok((told.first_seq < end).then(|| (told.at_us, told.end())));
        }
    }
    Ok(None)
}

impl Counted {
    fn add(&mut self, situation: Situation, learner: u32, records: u64) {
        let count = self.by_situation.entry(situation).or_default();
        count.records += records;
        count.learners.add(learner);
    }

    fn block(&mut self, directory: &Directory, block: Block, since: Timestamp) -> Result<(), LawError> {
        let damaged = |_| LawError::Unavailable;
        let entries = split_entries(&block.entries).map_err(damaged)?;
        let payloads = block.payloads.map(Payloads::decode).transpose().map_err(damaged)?;
        for (place, bytes) in entries.iter().enumerate().filter(|(_, bytes)| Entry::is_record(bytes)) {
            let Entry::Record(entry) = Entry::decode(bytes).map_err(damaged)? else { continue };
            if entry.withdrawn || entry.accepted_at < since {
                continue;
            }
            self.records += 1;
            let brief =
                payloads.as_ref().map(|payloads| payloads.brief(place)).transpose().map_err(damaged)?;
            let Some((of, held)) = brief.flatten() else {
                self.gone += 1;
                continue;
            };
            let placed = directory.placed(entry.source, &of.learner, of.date, of.at, of.group.as_ref());
            let (Some(learner), Some(home)) = (placed.learner, placed.home) else { continue };
            let situation = Situation {
                source: entry.source,
                home,
                kind: Some(entry.kind),
                placed: placed.in_force,
                confidential: entry.confidential,
                held: held | 1 << 1,
                ahead: false,
            };
            self.add(situation, learner, 1);
        }
        Ok(())
    }

    /// What may be made from now on: any kind of record, and the card, of every learner placed now.
    fn placements(&mut self, directory: &Directory, now: Timestamp) {
        for (source, state) in (0u16..).zip(directory.institutions()) {
            let today = now.date_in(&state.zone);
            for (id, local) in &state.locals {
                let mut hosting = local.sides.iter().filter(|side| side.hosting);
                let placed = |group| directory.placed(source, id, today, Some(now), group);
                let Some(placed) = hosting.find_map(|side| {
                    let placed = placed(side.group.as_ref());
                    placed.in_force.then_some(placed)
                }) else {
                    continue;
                };
                let (Some(learner), Some(home)) = (placed.learner, placed.home) else { continue };
                for kind in RecordKind::ALL.map(Some).into_iter().chain([None]) {
                    let (confidential, held, ahead) = (false, ALL, true);
                    let of = Situation { source, home, kind, placed: true, confidential, held, ahead };
                    self.add(of, learner, 0);
                }
            }
        }
    }
}

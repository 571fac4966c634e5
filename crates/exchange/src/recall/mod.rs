//! Need ends, copies end: whoever was handed a record that it is no longer entitled to is asked to remove it, and gets it
//! again should it become entitled again.
//!
//! Nothing of this is on the way of a record: flow stops where it is decided, at leaving. Here a **sweep** follows a
//! change. It reads the log's entries in order for the records that the change concerns (`dirt`), learns from them who
//! holds what (`held`), and asks the same decision as at leaving (`verdict`). What is to be done is planned in the log's
//! one writer, where each verdict is asked once more, and only if no other sweep, on any node, was there in between.
//!
//! A sweep works in steps, so that a tick is short. It keeps nothing that a restart could lose: what it has done is in
//! the log, and what it had to look at follows from the directory's rows since the last sweep that came to its end.

pub mod dirt;
pub(crate) mod held;
mod verdict;

pub(crate) use verdict::keeps;

use crate::{
    directory::change::Change,
    entry::split_entries,
    follow::{Walk, read_what_is_left},
    notices::{self, Outgoing},
    shared::Shared,
    submit_with,
    withdrawal::Reason,
    writer::Work,
};
use commonroll_core::{RecordId, Timestamp};
use dirt::Dirt;
use held::Holdings;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use verdict::{Act, Case};

/// Entries read in one step.
const ENTRIES: u64 = 20_000;
/// Blocks read at once.
const BLOCKS: u32 = 16;
/// Records decided on in one step.
const RECORDS: usize = 2_000;
/// Stored blocks in memory at once.
const BLOCKS_AT_ONCE: usize = 4;
/// Entries that one pass of a wide sweep may find in, so that what it holds in memory stays bounded.
const PASS: u64 = 400_000;
/// A sweep over fewer entries is soon done again after a restart, and leaves no note of itself.
const WORTH_NOTING: u64 = 10_000;

/// Something went wrong; the sweep begins anew.
struct Failed;

/// The sweeps of this node.
#[derive(Default)]
pub struct Recall {
    sweep: Option<Sweep>,
    /// When dates were last looked at.
    looked: Option<Timestamp>,
}

/// One sweep under way.
struct Sweep {
    dirt: Dirt,
    /// Changes up to this size of the log are followed by this sweep.
    up_to: u64,
    /// Size of the log when it began: what was handed out and withheld before is in there.
    size: u64,
    handed: HashMap<u16, u64>,
    turn: u64,
    at: Timestamp,
    part: (u32, u32),
    next: u64,
    holdings: Holdings,
    todo: Option<Vec<RecordId>>,
    acted: bool,
}

/// One step of whatever there is to do.
pub async fn tick(shared: &Arc<Shared>, now: Timestamp) {
    let Ok(mut recall) = shared.recall.try_lock() else { return };
    look_at_dates(shared, &mut recall, now);
    if recall.sweep.is_none() {
        recall.sweep = begin(shared, now).await;
    }
    let Some(mut sweep) = recall.sweep.take() else { return };
    match sweep.step(shared, now).await {
        Ok(true) => sweep.end(shared, now).await,
        Ok(false) => recall.sweep = Some(sweep),
        Err(Failed) => shared.dirt().join(sweep.dirt),
    }
}

fn look_at_dates(shared: &Shared, recall: &mut Recall, now: Timestamp) {
    let directory = shared.directory();
    let before = recall.looked.or(directory.copies().swept.map(|(_, at)| at));
    if let Some(before) = before.filter(|before| *before != now) {
        shared.dirt().dates(&directory, before, now);
    }
    recall.looked = Some(now);
}

async fn begin(shared: &Shared, now: Timestamp) -> Option<Sweep> {
    if shared.dirt().is_empty() {
        return None;
    }
    // A change is among the dirt before the log is seen to have it.
    let up_to = shared.frontier().size();
    let dirt = std::mem::take(&mut *shared.dirt());
    // Pages that were decided on before the change have left, and what was withheld from them is in the log.
    drop(shared.leaving.write().await);
    let directory = shared.directory();
    let handed = (0..).zip(directory.institutions());
    let handed = handed.map(|(number, _)| (number, shared.handed(&directory, number))).collect();
    let turn = directory.copies().turn;
    drop(directory);
    let size = shared.frontier().size();
    let parts = if dirt.is_wide() { u32::try_from(size / PASS).unwrap_or(u32::MAX - 1) + 1 } else { 1 };
    Some(Sweep {
        next: dirt.first(),
        dirt,
        up_to,
        size,
        handed,
        turn,
        at: now,
        part: (0, parts),
        holdings: Holdings::default(),
        todo: None,
        acted: false,
    })
}

impl Sweep {
    /// One step. True once everything is done.
    async fn step(&mut self, shared: &Arc<Shared>, now: Timestamp) -> Result<bool, Failed> {
        let Some(todo) = &mut self.todo else {
            self.read(shared).await?;
            if self.next >= self.size {
                self.strays(shared).await?;
                // Taken from the end: records that lie in one block come one after the other.
                let mut todo: Vec<(u64, RecordId)> =
                    self.holdings.records.iter().map(|(id, found)| (found.newest, *id)).collect();
                todo.sort_unstable_by(|a, b| b.cmp(a));
                self.todo = Some(todo.into_iter().map(|(_, id)| id).collect());
            }
            return Ok(false);
        };
        let rest = todo.len().saturating_sub(RECORDS);
        let ids = todo.split_off(rest);
        let more = !todo.is_empty();
        if !ids.is_empty() {
            self.decide(shared, ids, now).await?;
        }
        if more {
            return Ok(false);
        }
        self.part.0 += 1;
        (self.next, self.todo, self.holdings) = (self.dirt.first(), None, Holdings::default());
        Ok(self.part.0 >= self.part.1)
    }

    /// Reads entries on, a bounded number of them.
    async fn read(&mut self, shared: &Shared) -> Result<(), Failed> {
        let until = (self.next + ENTRIES).min(self.size);
        while self.next < until {
            let blocks = shared.store.blocks(self.next, BLOCKS, false).await.map_err(|_| Failed)?;
            let Some(last) = blocks.last().map(commonroll_store::Block::end) else { return Err(Failed) };
            let directory = shared.directory();
            for block in &blocks {
                let entries = split_entries(&block.entries).map_err(|_| damaged(block.first_seq))?;
                for (place, bytes) in (block.first_seq..self.size).zip(entries) {
                    if place >= self.next {
                        self.holdings
                            .read(place, bytes, &self.dirt, self.part, &directory)
                            .map_err(|_| damaged(place))?;
                    }
                }
            }
            self.next = last.min(self.size);
        }
        Ok(())
    }

    /// Finds the records of copies whose record stands before what was read.
    async fn strays(&mut self, shared: &Shared) -> Result<(), Failed> {
        let strays = std::mem::take(&mut self.holdings.strays);
        for copy in strays {
            let found = load(shared, &mut Walk::new(&[copy.seq], 1)).await?;
            let Some(record) = found.into_iter().flatten().next() else { continue };
            self.holdings.record(copy.seq, &record.entry);
            if let Some(found) = self.holdings.records.get_mut(&record.entry.id) {
                found.copies.retain(|held| held.place != copy.seq);
                found.copies.push(copy);
            }
        }
        Ok(())
    }

    async fn decide(
        &mut self,
        shared: &Arc<Shared>,
        ids: Vec<RecordId>,
        now: Timestamp,
    ) -> Result<(), Failed> {
        let mut found: BTreeMap<u64, held::Found> = BTreeMap::new();
        for id in ids {
            let record = self.holdings.records.remove(&id);
            found.extend(record.map(|record| (record.newest, record)));
        }
        let seqs: Vec<u64> = found.keys().copied().collect();
        let mut cases = Vec::new();
        let mut walk = Walk::new(&seqs, BLOCKS_AT_ONCE);
        while let Some(records) = load(shared, &mut walk).await? {
            let directory = shared.directory();
            for newest in records {
                let Some(found) = found.remove(&newest.seq) else { continue };
                let case = Case { found, newest };
                if !case.acts(&directory, &self.handed, now).is_empty() {
                    cases.push(case);
                }
            }
        }
        if cases.is_empty() { Ok(()) } else { self.act(shared, cases, now).await }
    }

    /// Plans what is to be done in the log's one writer, where each verdict is asked once more.
    async fn act(&mut self, shared: &Arc<Shared>, cases: Vec<Case>, now: Timestamp) -> Result<(), Failed> {
        let (turn, handed) = (self.turn, self.handed.clone());
        let planned = submit_with(shared, "hub", now, move |work: &mut Work<'_>| {
            if work.planner.directory.copies().turn != turn {
                return None;
            }
            let directory = &*work.planner.directory;
            let acts = cases.iter().flat_map(|case| case.acts(directory, &handed, now));
            let acts: Vec<Act> = acts.collect();
            plan(work, &acts, now);
            Some(work.planner.directory.copies().turn)
        });
        let turn = planned.await.map_err(|_| Failed)?.ok_or(Failed)?;
        self.acted |= turn != self.turn;
        self.turn = turn;
        Ok(())
    }

    /// A sweep that was long or did something says so in the log, for the next start.
    async fn end(self, shared: &Shared, now: Timestamp) {
        if !self.acted && self.size < WORTH_NOTING {
            return;
        }
        let change = Change::Swept { up_to: self.up_to, at: self.at };
        let noted = submit_with(shared, "hub", now, move |work: &mut Work<'_>| {
            let held = work.planner.directory.copies().swept;
            if held.is_none_or(|(up_to, _)| up_to < self.up_to) {
                work.planner.make(change.clone());
            }
        });
        if noted.await.is_err() {
            tracing::warn!("the end of a sweep could not be noted; it is done again after a restart");
        }
    }
}

/// Notices before what is sent again: a narrower copy follows the recall of the wider one.
fn plan(work: &mut Work<'_>, acts: &[Act], now: Timestamp) {
    let mut recalled: BTreeMap<(u16, Reason), Vec<(u64, u32)>> = BTreeMap::new();
    let mut again: BTreeMap<u16, Vec<Outgoing>> = BTreeMap::new();
    for act in acts {
        match *act {
            Act::Recall { recipient, seq, learner, reason } => {
                recalled.entry((recipient, reason)).or_default().push((seq, learner));
            }
            Act::Again { recipient, seq, learner, groups } => {
                again.entry(recipient).or_default().push(Outgoing::Again {
                    recipient,
                    of: seq,
                    learner,
                    groups,
                });
            }
        }
    }
    for ((recipient, reason), mut of) in recalled {
        of.sort_unstable();
        work.outgoing.extend(notices::issue(work.planner.directory, recipient, reason, &of, now));
    }
    for (recipient, records) in again {
        work.planner
            .make(Change::Again { recipient, copies: u32::try_from(records.len()).unwrap_or(u32::MAX) });
        work.outgoing.extend(records);
    }
}

/// The records of the next few blocks of a walk, each checked against what the log committed to; `None` at its end. One that
/// was erased is left out; one that is kept no longer has no groups any more, and what it takes to call its copies back.
async fn load(shared: &Shared, walk: &mut Walk<'_>) -> Result<Option<Vec<crate::live::LiveRecord>>, Failed> {
    let blocks = walk.next(shared.store.as_ref(), true).await.map_err(|_| Failed)?;
    if blocks.is_empty() {
        return Ok(None);
    }
    let mut records = Vec::new();
    for (block, here) in blocks {
        let first = block.first_seq;
        records.extend(read_what_is_left(block, here.iter().copied()).map_err(|_| damaged(first))?);
    }
    Ok(Some(records))
}

fn damaged(place: u64) -> Failed {
    tracing::error!(entry = place + 1, "the log is damaged; copies can't be followed up");
    Failed
}

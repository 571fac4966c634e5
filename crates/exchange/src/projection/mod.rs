//! From the log to the views: a follower that reads committed blocks behind the log and hands every record, decoded once,
//! to each view that wants it.
//!
//! A view is memory alone: it can be dropped and fed again. At a start it is handed what is new at once, and what was
//! before in small steps beside that, so that no start waits for it. What a record says is read by whoever opens the
//! views: the schema is not the exchange's to know. Whether anybody may see what a view says is not decided here.

use crate::{
    directory::change::Change,
    duty::{gone, ranges::Ranges},
    entry::{Circumstances, Damaged, Entry, Note, Payload, Payloads, RecordEntry, split_entries},
    follow::root_of,
    shared::Shared,
    types::SealedGroup,
};
use commonroll_core::{Body, RecordId, RecordKind, Timestamp};
use commonroll_store::Block;
use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Reads what lies open in a record's field groups; `None` if it can't be read. What is withheld is left out.
pub type ReadBody = fn(RecordKind, &[SealedGroup]) -> Option<Body>;

/// Records that are handed to a view at once.
const AT_ONCE: usize = 256;
/// Blocks read at a time, each of some megabytes at most; and where the last ones were small: marks that come one by one make
/// hundreds of blocks in a second.
const BLOCKS: u32 = 8;
const SMALL_BLOCKS: u32 = 32;
/// Bytes of a small block, about.
const SMALL: usize = 64 << 10;
/// Reads of what is new, and of what was, in one step: the clock's next tick goes on.
const READS: usize = 16;
/// Entries after which whoever waits for this thread comes first: an import makes blocks of thousands.
const TURN: usize = 64;

/// The log could not be read now; it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unread;

/// A record of the log at one revision, with what its source and policy left open.
pub(crate) struct Told<'a> {
    /// Its place, from 0.
    pub seq: u64,
    /// Its entry: who made it, about whom as believed then, when it was accepted.
    pub entry: &'a RecordEntry,
    /// Whom and when it is about, by the source's own ids.
    pub of: &'a Circumstances,
    /// What it says; [`Body::Withdrawn`] where the source took it back.
    pub body: &'a Body,
}

/// What may not be used any more.
pub(crate) enum Gone<'a> {
    /// Records at these places: erased, or kept no longer.
    Places(&'a Ranges),
    /// Revisions of a record below this one: its source has marked it confidential since.
    Hidden {
        /// Which record.
        record: RecordId,
        /// The first revision that is not concerned.
        below: u32,
    },
}

/// A fold over the log. What it is handed comes once in the order of the log while the node runs; at a start older parts
/// come beside newer ones, so that of a record the highest revision counts, whichever comes last.
pub(crate) trait View: Send + Sync {
    /// Nothing that was committed before this is of use.
    fn since(&self, now: Timestamp) -> Timestamp;

    /// Said once, before anything: what stands here and after it came after the start, and may come beside what is older.
    fn edge(&mut self, _first_new: u64) {}

    /// Sees every record's entry, at its place from 0, whether what it says is still there or not; true if it wants to be
    /// handed the record.
    fn glance(&mut self, seq: u64, entry: &RecordEntry) -> bool;

    /// Takes a record.
    fn record(&mut self, told: &Told<'_>);

    /// Forgets what may not be used any more. It may never have been handed it.
    fn gone(&mut self, gone: &Gone<'_>);

    /// True if it wants to be handed a note with this name, with the change that it made if that is still there.
    fn hears(&self, _what: &str) -> bool {
        false
    }

    /// Takes a note, at its place from 0.
    fn note(&mut self, _seq: u64, _note: &Note, _change: Option<&Change>) {}

    /// Everything since [`View::since`] has been handed over, up to now.
    fn complete(&mut self) {}
}

/// A view that others read, too: as many as want to at once.
pub(crate) type Shown<V> = Arc<RwLock<V>>;

/// A view, to be altered; one that panicked holds what it held.
pub(crate) fn feed<V: ?Sized>(view: &RwLock<V>) -> RwLockWriteGuard<'_, V> {
    view.write().unwrap_or_else(PoisonError::into_inner)
}

/// A view, to be read.
pub(crate) fn look<V: ?Sized>(view: &RwLock<V>) -> RwLockReadGuard<'_, V> {
    view.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks what lies beside the views; one that panicked holds what it held.
pub(crate) fn lock<T: ?Sized>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Hung {
    view: Shown<dyn View>,
    /// What it still has to be handed of what was there at the start; `None` until that is known.
    before: Option<Range<u64>>,
    complete: bool,
}

/// The follower, and the views that hang on it.
pub(crate) struct Projection {
    read: ReadBody,
    /// Where the tail begins that every view is handed.
    edge: Option<u64>,
    /// How many blocks are read at a time of what is new.
    blocks: u32,
    hung: Vec<Hung>,
}

impl Projection {
    /// Nothing is read before the first [`Projection::advance`].
    pub fn new(read: ReadBody, views: Vec<Shown<dyn View>>) -> Self {
        let hung = views.into_iter().map(|view| Hung { view, before: None, complete: false }).collect();
        Self { read, edge: None, blocks: BLOCKS, hung }
    }

    /// Hands over what is new, and then a part of what was before the start.
    pub async fn advance(&mut self, shared: &Shared, now: Timestamp) -> Result<(), Unread> {
        let end = shared.frontier().size();
        if self.edge.is_none() {
            self.hung.iter().for_each(|hung| feed(&hung.view).edge(end));
        }
        let mut edge = *self.edge.get_or_insert(end);
        let all: Vec<Shown<dyn View>> = self.hung.iter().map(|hung| hung.view.clone()).collect();
        for _ in 0..READS {
            if edge >= end {
                break;
            }
            let handed = hand(shared, self.read, (edge..end, self.blocks), &all).await?;
            edge = handed.reached;
            // A step at a time: after many small blocks comes, now and then, a term that somebody sends at once.
            self.blocks = if handed.small { (self.blocks * 2).min(SMALL_BLOCKS) } else { BLOCKS };
            self.edge = Some(edge);
        }
        let read = self.read;
        for hung in self.hung.iter_mut().filter(|hung| !hung.complete) {
            let before = match &mut hung.before {
                Some(before) => before,
                unknown => {
                    let since = look(&hung.view).since(now);
                    unknown.insert(first_since(shared, since, edge).await?..edge)
                }
            };
            for _ in 0..READS {
                if before.is_empty() {
                    break;
                }
                let one = std::slice::from_ref(&hung.view);
                let handed = hand(shared, read, (before.clone(), BLOCKS), one).await?;
                before.start = handed.reached.max(before.start + 1);
            }
            if before.is_empty() && edge >= end {
                hung.complete = true;
                feed(&hung.view).complete();
            }
        }
        Ok(())
    }
}

/// The first place before `end` whose block was committed at a moment or after it, as far as nodes' clocks agree.
async fn first_since(shared: &Shared, since: Timestamp, end: u64) -> Result<u64, Unread> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let blocks = shared.store.block_of(&[middle], false).await.map_err(|_| Unread)?;
        let Some(block) = blocks.first() else { return Err(Unread) };
        match block.at_us < since.micros() {
            true => low = block.end(),
            false => high = block.first_seq,
        }
    }
    Ok(low.min(end))
}

/// What was handed to views.
struct Handed {
    /// Where it ended.
    reached: u64,
    /// True if its blocks were small.
    small: bool,
}

/// Hands a stretch of the log to views, or the first blocks of it.
async fn hand(
    shared: &Shared,
    read: ReadBody,
    (stretch, most): (Range<u64>, u32),
    views: &[Shown<dyn View>],
) -> Result<Handed, Unread> {
    let blocks = shared.store.blocks(stretch.start, most, true).await.map_err(|_| Unread)?;
    let bytes = |block: &Block| block.payloads.as_ref().map_or(0, Vec::len);
    let small = blocks.iter().all(|block| bytes(block) <= SMALL);
    let mut reached = stretch.start;
    let mut run = Run { shared, read, views, met: Vec::new() };
    for block in blocks.into_iter().filter(|block| block.end() > stretch.start && block.end() <= stretch.end)
    {
        reached = block.end();
        let first = block.first_seq;
        if hand_block(&mut run, block, stretch.start).await.is_err() {
            tracing::error!(first = first + 1, "a block of the log is damaged; the views go on without it");
        }
    }
    run.hand();
    if reached == stretch.start { Err(Unread) } else { Ok(Handed { reached, small }) }
}

async fn hand_block(run: &mut Run<'_>, block: Block, from: u64) -> Result<(), Damaged> {
    let entries = split_entries(&block.entries)?;
    let payloads = block.payloads.map(Payloads::decode).transpose()?.map(Arc::new);
    for (place, bytes) in entries.into_iter().enumerate() {
        let seq = block.first_seq + place as u64;
        if seq < from {
            continue;
        }
        if place % TURN == TURN - 1 {
            tokio::task::yield_now().await;
        }
        let payload = || payloads.as_ref().map_or(Ok(Payload::None), |payloads| payloads.get(place));
        match Entry::decode(bytes)? {
            Entry::Record(entry) => run.meet(Met { seq, entry, place, payloads: payloads.clone() }),
            Entry::Note(note) => hand_note(run, seq, &note, payload)?,
        }
    }
    Ok(())
}

/// A record whose turn it is.
struct Met {
    seq: u64,
    entry: RecordEntry,
    place: usize,
    payloads: Option<Arc<Payloads>>,
}

/// Records that follow each other in the log: each view takes all of them at once, so that feeding waits for whoever reads a view
/// once and not with each record.
struct Run<'a> {
    shared: &'a Shared,
    read: ReadBody,
    views: &'a [Shown<dyn View>],
    met: Vec<Met>,
}

impl Run<'_> {
    fn meet(&mut self, met: Met) {
        self.met.push(met);
        if self.met.len() >= AT_ONCE {
            self.hand();
        }
    }

    /// Hands over what was met: before a note, and at the end.
    fn hand(&mut self) {
        let met = std::mem::take(&mut self.met);
        let glance = |view: &Shown<dyn View>| -> Vec<bool> {
            let mut view = feed(view);
            met.iter().map(|one| view.glance(one.seq, &one.entry)).collect()
        };
        let wanted: Vec<Vec<bool>> = self.views.iter().map(glance).collect();
        let is_wanted = |place: usize| wanted.iter().any(|by| by[place]);
        let opened = met.iter().enumerate().map(|(place, one)| is_wanted(place).then(|| self.open(one))?);
        let opened: Vec<Option<(Circumstances, Body)>> = opened.collect();
        for (view, wanted) in self.views.iter().zip(&wanted).filter(|(_, wanted)| wanted.contains(&true)) {
            let mut view = feed(view);
            for ((one, opened), _) in met.iter().zip(&opened).zip(wanted).filter(|(_, wanted)| **wanted) {
                if let Some((of, body)) = opened {
                    view.record(&Told { seq: one.seq, entry: &one.entry, of, body });
                }
            }
        }
    }

    fn open(&self, one: &Met) -> Option<(Circumstances, Body)> {
        let payload = one.payloads.as_ref()?.get(one.place);
        let Ok(payload) = payload else {
            tracing::error!(
                entry = one.seq + 1,
                "a record of the log is damaged; the views go on without it"
            );
            return None;
        };
        let Payload::Record { circumstances, groups, .. } = payload else { return None };
        Some((circumstances, open(self.shared, self.read, one.seq, &one.entry, &groups)?))
    }
}

/// What a record says, if that is still there, sound, and to be used.
fn open(
    shared: &Shared,
    read: ReadBody,
    seq: u64,
    entry: &RecordEntry,
    groups: &[SealedGroup],
) -> Option<Body> {
    if groups.is_empty() {
        return None;
    }
    if root_of(groups).ok()? != entry.root {
        tracing::error!(
            entry = seq + 1,
            "a stored record is not what the log committed to; no view takes it"
        );
        return None;
    }
    let directory = shared.directory();
    if entry.confidential
        || directory.duties().is_going(seq)
        || directory.copies().is_hidden(entry.id, entry.revision)
    {
        return None;
    }
    match entry.withdrawn {
        true => Some(Body::Withdrawn(entry.kind)),
        false => read(entry.kind, groups),
    }
}

fn hand_note(
    run: &mut Run<'_>,
    seq: u64,
    note: &Note,
    payload: impl Fn() -> Result<Payload, Damaged>,
) -> Result<(), Damaged> {
    let (views, gone, hidden) = (run.views, gone::said(note), note.what == "record.hidden");
    let hearing: Vec<_> = views.iter().filter(|view| look(view).hears(&note.what)).collect();
    if gone.is_none() && !hidden && hearing.is_empty() {
        return Ok(());
    }
    // What stands before it is known to all before it is.
    run.hand();
    if let Some(places) = gone {
        views.iter().for_each(|view| feed(view).gone(&Gone::Places(&places)));
    }
    if !hidden && hearing.is_empty() {
        return Ok(());
    }
    let change = match payload()? {
        Payload::Change { change, .. } => Some(change),
        Payload::Record { .. } | Payload::None => None,
    };
    if let Some(Change::Hidden { record, below }) = change.as_deref() {
        let gone = Gone::Hidden { record: RecordId(record.0), below: *below };
        views.iter().for_each(|view| feed(view).gone(&gone));
    }
    hearing.iter().for_each(|view| feed(view).note(seq, note, change.as_deref()));
    Ok(())
}

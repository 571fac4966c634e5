//! Which entries of the log are about a learner: an index that follows behind the log, and what it lacks read from there.
//!
//! It is a view: it is taken on in bounded steps, never in the transaction that makes an entry durable, and can be dropped
//! at any time. What a step writes takes a few milliseconds of the writer's time. An answer is complete whatever state it is in, for what it has not reached is read from the log itself.
//! Places count from 0. Whether an entry may be shown is not decided here.

use crate::{
    entry::{Entry, Note, RecordEntry, split_entries},
    follow::entries_at,
    projection::lock,
    shared::Shared,
};
use commonroll_store::{AboutRow, Block};
use std::{collections::BTreeMap, ops::Range, sync::atomic::Ordering};

/// Blocks read at a time.
const BLOCKS: u32 = 32;
/// Entries read at a time.
const AT_ONCE: usize = 1_024;
/// Learners asked for at a time.
const KEYS: usize = 256;
/// More new entries than this since the last look, a quarter of a second ago, leave no time for the index: a step holds
/// the writer for some milliseconds, and a mark would wait for it. A thousand a second leave it: else whoever asks takes the
/// index on first, and waits.
const BUSY: u64 = 250;
/// Steps that are made as one while the index is far behind. What one writes is about a page for each learner, and each
/// learner is in many of them: larger, it writes a fraction for each entry, and holds the writer for some tens of milliseconds.
const LEAP: u64 = 16;
/// Nodes that take the index on together get in each other's way at most so often in a row.
const RACES: usize = 100;

/// What entries are about, as keys of the index: a learner's records by the hub's number of the learner.
const NOTES: u64 = 1 << 32;
/// Notes that an answer about any learner may need.
const ANYBODY: u64 = 1 << 33;

/// The index or the log could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log could not be read; try again, and run `commonroll audit verify` if it stays so")]
pub(crate) struct Unread;

/// Where to look for everything that an answer about a learner may need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// Entries of records.
    pub records: Vec<u64>,
    /// Notes that name the learner, or a record of theirs: read, withheld, recalled, sent again.
    pub notes: Vec<u64>,
    /// Notes for any learner: which policies came in force.
    pub anybody: Vec<u64>,
}

impl About {
    /// All of it, in the order of the log.
    pub fn all(&self) -> Vec<u64> {
        let mut all = [self.records.as_slice(), &self.notes, &self.anybody].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The places of all records about a learner, in order: those that were published about this number of the hub's. A
/// learner who was matched anew since may be meant by an entry that names the number they had then.
pub(crate) async fn sequences_of(shared: &Shared, learner: u32) -> Result<Vec<u64>, Unread> {
    Ok(about(shared, learner).await?.records)
}

/// The same for many learners, by their numbers: what the index lacks is read once.
pub(crate) async fn sequences_of_all(
    shared: &Shared,
    learners: &[u32],
) -> Result<BTreeMap<u32, Vec<u64>>, Unread> {
    let end = shared.frontier().size();
    catch_up(shared, end).await?;
    let mut all = BTreeMap::new();
    let mut tail: Option<BTreeMap<u64, Vec<u64>>> = None;
    for some in learners.chunks(KEYS) {
        let keys: Vec<u64> = some.iter().map(|learner| u64::from(*learner)).collect();
        let (reached, found) = shared.store.about(&keys).await.map_err(|_| Unread)?;
        if tail.is_none() {
            // The index only goes on: later it has reached no less.
            let mut read_on = BTreeMap::new();
            read(shared, reached, end, &mut read_on).await?;
            tail = Some(read_on);
        }
        for (learner, mut places) in some.iter().zip(found) {
            let later = tail.as_ref().and_then(|tail| tail.get(&u64::from(*learner)));
            places.truncate(places.partition_point(|place| *place < end));
            places.extend(later.into_iter().flatten());
            places.sort_unstable();
            places.dedup();
            all.insert(*learner, places);
        }
    }
    Ok(all)
}

/// The places of everything about a learner.
pub(crate) async fn about(shared: &Shared, learner: u32) -> Result<About, Unread> {
    let end = shared.frontier().size();
    catch_up(shared, end).await?;
    let keys = [u64::from(learner), NOTES | u64::from(learner), ANYBODY];
    let (reached, mut found) = shared.store.about(&keys).await.map_err(|_| Unread)?;
    let behind = behind(shared, &keys, reached..end).await?;
    for (places, behind) in found.iter_mut().zip(behind) {
        // The index may have been taken on meanwhile, by this node or another.
        places.truncate(places.partition_point(|place| *place < end));
        places.extend(behind);
    }
    let mut found = found.into_iter();
    let mut next = || found.next().unwrap_or_default();
    Ok(About { records: next(), notes: next(), anybody: next() })
}

/// The notes of these sorts that name a learner, with their places in the log, in its order.
pub(crate) async fn notes_of(
    shared: &Shared,
    learner: u32,
    what: &[&str],
) -> Result<Vec<(u64, Note)>, Unread> {
    let mut found = Vec::new();
    for some in about(shared, learner).await?.notes.chunks(AT_ONCE) {
        for (seq, bytes) in entries_at(shared.store.as_ref(), some).await.map_err(|_| Unread)? {
            if let Ok(Entry::Note(note)) = Entry::decode(&bytes)
                && what.contains(&note.what.as_str())
            {
                found.push((seq, note));
            }
        }
    }
    Ok(found)
}

/// What entries behind the index are about, as they were read last: entries never change, so that the next question reads
/// only what is new since. No more than a step of them, for whoever asks takes the index on first.
#[derive(Default)]
pub(crate) struct Tail {
    stretch: Range<u64>,
    found: BTreeMap<u64, Vec<u64>>,
}

impl Tail {
    /// The places of these keys in a stretch; `None` if it isn't all here.
    fn places(&self, keys: &[u64], stretch: &Range<u64>) -> Option<Vec<Vec<u64>>> {
        let held = self.stretch.start <= stretch.start && stretch.end <= self.stretch.end;
        let of = |key: &u64| {
            let places = self.found.get(key).into_iter().flatten().copied();
            places.filter(|place| stretch.contains(place)).collect()
        };
        held.then(|| keys.iter().map(of).collect())
    }

    /// From where on a stretch has to be read.
    fn lacks(&self, stretch: &Range<u64>) -> u64 {
        let reaches = (self.stretch.start..=self.stretch.end).contains(&stretch.start);
        if reaches { self.stretch.end.min(stretch.end) } else { stretch.start }
    }

    /// Takes what was read of a stretch, and lets go of what lies before the one that was asked for.
    fn take(&mut self, asked: &Range<u64>, read: Range<u64>, found: BTreeMap<u64, Vec<u64>>) {
        if !(self.stretch.start..=self.stretch.end).contains(&read.start) {
            // Somebody asked who knew of less of the index: what is held is newer.
            if asked.end <= self.stretch.end {
                return;
            }
            *self = Self { stretch: read.start..read.start, found: BTreeMap::new() };
        }
        let known = self.stretch.end;
        for (key, places) in found {
            let new = places.into_iter().filter(|place| *place >= known);
            self.found.entry(key).or_default().extend(new);
        }
        self.stretch.end = known.max(read.end);
        if self.stretch.start < asked.start {
            self.stretch.start = asked.start;
            self.found.retain(|_, places| {
                places.retain(|place| *place >= asked.start);
                !places.is_empty()
            });
        }
    }
}

/// The places of these keys in a stretch that the index has not reached.
async fn behind(shared: &Shared, keys: &[u64], stretch: Range<u64>) -> Result<Vec<Vec<u64>>, Unread> {
    let from = {
        let tail = lock(&shared.tail);
        if let Some(places) = tail.places(keys, &stretch) {
            return Ok(places);
        }
        tail.lacks(&stretch)
    };
    let mut found = BTreeMap::new();
    read(shared, from, stretch.end, &mut found).await?;
    {
        let mut tail = lock(&shared.tail);
        tail.take(&stretch, from..stretch.end, found);
        if let Some(places) = tail.places(keys, &stretch) {
            return Ok(places);
        }
    }
    // What was held has moved on meanwhile.
    let mut found = BTreeMap::new();
    read(shared, stretch.start, stretch.end, &mut found).await?;
    Ok(keys.iter().map(|key| found.remove(key).unwrap_or_default()).collect())
}

/// Takes the index on by one step, if little else is to be done. What fails is tried again at the next tick. What is held in
/// reserve on a full disk isn't for it: what it lacks is read from the log.
pub(crate) async fn tick(shared: &Shared) {
    if shared.disk.is_full() {
        return;
    }
    let end = shared.frontier().size();
    let new = end.saturating_sub(shared.looked.swap(end, Ordering::Relaxed));
    // It only goes on, but for where it is dropped; then whoever asks takes it on, or the next tick that is due.
    if end.saturating_sub(shared.indexed.load(Ordering::Relaxed)) < shared.sizes.index_step {
        return;
    }
    let Ok(reached) = shared.store.indexed().await else { return };
    shared.indexed.store(reached, Ordering::Relaxed);
    let behind = end.saturating_sub(reached);
    if (new <= BUSY || behind >= shared.sizes.index_far)
        && behind >= shared.sizes.index_step
        && step(shared, reached, end).await.is_err()
    {
        tracing::warn!(from = reached + 1, "the index by learner could not be taken on");
    }
}

/// Takes the index on until less than a step is left.
async fn catch_up(shared: &Shared, end: u64) -> Result<(), Unread> {
    let mut lost = 0;
    loop {
        let reached = shared.store.indexed().await.map_err(|_| Unread)?;
        shared.indexed.store(reached, Ordering::Relaxed);
        if reached.saturating_add(shared.sizes.index_step) > end {
            return Ok(());
        }
        if !step(shared, reached, end).await? {
            lost += 1;
            if lost > RACES {
                return Err(Unread);
            }
        }
    }
}

/// One step. False if another node was faster.
async fn step(shared: &Shared, from: u64, end: u64) -> Result<bool, Unread> {
    let steps = if end.saturating_sub(from) >= shared.sizes.index_far { LEAP } else { 1 };
    let to = from.saturating_add(shared.sizes.index_step.saturating_mul(steps)).min(end);
    let mut found = BTreeMap::new();
    read(shared, from, to, &mut found).await?;
    let rows: Vec<AboutRow> = found.into_iter().map(|(key, seqs)| AboutRow { key, seqs }).collect();
    let taken_on = shared.store.index(from, to, &rows).await.map_err(|error| {
        shared.wrote_in_vain(&error, false);
        Unread
    })?;
    if taken_on {
        shared.indexed.store(to, Ordering::Relaxed);
    }
    Ok(taken_on)
}

/// Sorts the entries of a stretch of the log by what they are about.
async fn read(
    shared: &Shared,
    from: u64,
    to: u64,
    found: &mut BTreeMap<u64, Vec<u64>>,
) -> Result<(), Unread> {
    let mut next = from;
    while next < to {
        let blocks = shared.store.blocks(next, BLOCKS, false).await.map_err(|_| Unread)?;
        let Some(end) = blocks.last().map(Block::end) else { return Err(Unread) };
        for block in &blocks {
            let entries = split_entries(&block.entries).map_err(|_| Unread)?;
            for (place, bytes) in (block.first_seq..to).zip(entries).filter(|(place, _)| *place >= next) {
                for key in keys(bytes).ok_or(Unread)? {
                    found.entry(key).or_default().push(place);
                }
            }
        }
        next = end;
    }
    Ok(())
}

/// What an entry is about; each key once.
fn keys(bytes: &[u8]) -> Option<Vec<u64>> {
    if Entry::is_record(bytes) {
        return RecordEntry::learner_of(bytes).map(|learner| vec![u64::from(learner)]);
    }
    let Ok(Entry::Note(note)) = Entry::decode(bytes) else { return None };
    let mut keys = about_note(&note);
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}

/// Entries of what was shown of many learners at once: each in a stretch of `learners`, from one number to another.
pub(crate) const BOARD: &str = "board.shown";
pub(crate) const GROUP: &str = "group.shown";
pub(crate) const LISTED: &str = "learners.shown";
pub(crate) const ASKED: &str = "messages.shown";
pub(crate) const WATCHED: &str = "watches.shown";
pub(crate) const CODES: &str = "codes.shown";
pub(crate) const EXPORTED: &str = "codes.exported";
/// The entry of decisions names everybody whom its payload names.
pub(crate) const DECIDED: &str = "codes.decided";
/// So does that of what the home's register system said of them.
pub(crate) const CARRIED: &str = "codes.carried";
pub(crate) const TAKEN_OUT: &str = "export.made";
/// Learners that one such entry names at most.
pub(crate) const NAMED_MAX: usize = 5_000;

/// Learners as an entry names them, in stretches from one number to another: every one, for what an entry doesn't name is found
/// neither by who asks who saw them nor by their erasure.
pub(crate) fn naming<'a>(learners: impl IntoIterator<Item = &'a u32>) -> serde_json::Value {
    serde_json::json!(runs(learners.into_iter().map(|learner| u64::from(*learner)).collect()))
}

/// Numbers as runs from one to another.
pub(crate) fn runs(mut numbers: Vec<u64>) -> Vec<(u64, u64)> {
    numbers.sort_unstable();
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if number <= *last + 1 => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

/// The learners whom an entry names in stretches.
pub(crate) fn named_in(stretches: &serde_json::Value) -> impl Iterator<Item = u32> + '_ {
    let number = |value: &serde_json::Value| u32::try_from(value.as_u64()?).ok();
    let stretches = stretches.as_array().into_iter().flatten();
    let runs = stretches.filter_map(move |one| Some(number(&one[0])?..=number(&one[1])?));
    runs.flatten().take(NAMED_MAX)
}

fn about_note(note: &Note) -> Vec<u64> {
    let learner = |value: &serde_json::Value| {
        value
            .as_u64()
            .and_then(|learner| u32::try_from(learner).ok())
            .map(|learner| NOTES | u64::from(learner))
    };
    let each = |list: &serde_json::Value, at: usize| -> Vec<u64> {
        let list = list.as_array().into_iter().flatten();
        list.map(|one| learner(&one[at]).unwrap_or(ANYBODY)).collect()
    };
    let more = &note.more;
    match note.what.as_str() {
        "policy.in_force" | "policy.activated" => vec![ANYBODY],
        "delivery.withheld" => [each(&more["withheld"], 2), each(&more["not_repeated"], 2)].concat(),
        crate::notices::ISSUED => each(&more["of"], 1),
        BOARD | GROUP | LISTED | ASKED | WATCHED | CODES | EXPORTED | DECIDED | CARRIED | TAKEN_OUT => {
            named_in(&more["learners"]).map(|learner| NOTES | u64::from(learner)).collect()
        }
        _ => learner(&more["learner"]).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn note(what: &str, more: serde_json::Value) -> Vec<u64> {
        let note = Note { what: what.to_owned(), by: String::new(), at_us: 0, payload: String::new(), more };
        let mut bytes = Vec::new();
        Entry::Note(note).encode(&mut bytes);
        keys(&bytes).unwrap()
    }

    #[test]
    fn a_note_is_about_every_learner_that_it_names() {
        assert_eq!(note("read.disclosed", json!({ "learner": 7 })), [NOTES | 7]);
        let withheld = json!({ "withheld": [[12, "no_placement", 3], [14, "no_placement", 3]], "not_repeated": [[2, "x", 4]] });
        assert_eq!(note("delivery.withheld", withheld), [NOTES | 3, NOTES | 4]);
        assert_eq!(note("notice.issued", json!({ "of": [[9, 5], [10, 6]] })), [NOTES | 5, NOTES | 6]);
        assert_eq!(note("policy.in_force", json!(null)), [ANYBODY]);
        assert_eq!(note("agent.revoked", json!(null)), [0u64; 0]);
        let board = json!({ "learners": [[3, 5], [9, 9]] });
        assert_eq!(note("board.shown", board), [NOTES | 3, NOTES | 4, NOTES | 5, NOTES | 9]);
        assert_eq!(note("board.shown", json!({ "learners": [[0, u32::MAX]] })).len(), NAMED_MAX, "bounded");
    }

    #[test]
    fn what_was_read_behind_the_index_is_read_once_and_told_whole() {
        let found = |of: &[(u64, u64)]| {
            let mut found: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            of.iter().for_each(|(key, place)| found.entry(*key).or_default().push(*place));
            found
        };
        let mut tail = Tail::default();
        assert_eq!(tail.places(&[7], &(10..20)), None);
        assert_eq!(tail.lacks(&(10..20)), 10, "all of it");
        tail.take(&(10..20), 10..20, found(&[(7, 12), (8, 13), (7, 19)]));
        assert_eq!(tail.places(&[7, 9], &(10..20)), Some(vec![vec![12, 19], vec![]]));
        // More came; somebody else has read a part of it already.
        assert_eq!(tail.lacks(&(10..30)), 20);
        tail.take(&(10..25), 20..25, found(&[(7, 24)]));
        tail.take(&(10..30), 20..30, found(&[(7, 24), (7, 29)]));
        assert_eq!(tail.places(&[7], &(10..30)), Some(vec![vec![12, 19, 24, 29]]), "nothing twice");
        // The index was taken on: what it has now is let go, and told to nobody who knows that it has it.
        assert_eq!(tail.places(&[7], &(15..30)), Some(vec![vec![19, 24, 29]]));
        tail.take(&(15..31), 30..31, found(&[(8, 30)]));
        assert_eq!(tail.found[&7], [19, 24, 29]);
        assert_eq!(tail.places(&[7], &(10..31)), None, "not whole for whoever knows of less of the index");
        tail.take(&(10..31), 10..31, found(&[(7, 12), (7, 19), (7, 24), (7, 29)]));
        assert_eq!(tail.found[&7], [19, 24, 29], "what is held is newer");
        // Nobody asked for long: all between is the index's.
        assert_eq!(tail.lacks(&(100..110)), 100);
        tail.take(&(100..110), 100..110, found(&[(7, 105)]));
        assert_eq!(tail.places(&[7, 8], &(100..110)), Some(vec![vec![105], vec![]]));
    }

    #[test]
    fn a_note_that_names_only_places_is_found_for_anybody() {
        assert_eq!(note("delivery.withheld", json!({ "withheld": [[12, "no_placement"]] })), [ANYBODY]);
        assert_eq!(note("read.disclosed", json!({ "learner": u64::MAX })), [0u64; 0], "not a number of ours");
    }

    #[test]
    fn whoever_a_page_shows_is_named_by_its_entry_however_their_numbers_lie() {
        let every_other: std::collections::BTreeSet<u32> = (1..4_000).step_by(2).collect();
        let named: Vec<u32> = named_in(&naming(&every_other)).collect();
        assert!(named.into_iter().eq(every_other), "2,000 learners, no two beside each other");
        assert_eq!(naming(&[3, 1, 2, 7]), serde_json::json!([[1, 3], [7, 7]]));
        let stretches = serde_json::json!([[0, u32::MAX]]);
        assert_eq!(named_in(&stretches).count(), NAMED_MAX, "an entry that names everybody costs no more");
    }
}

//! Records on their way to a person: found by learner, loaded whole or told to be gone, shown as far as a permit goes.

use super::{Judge, ReadError, RecordSeen, RecordState, ask::ReadAsk, held_back};
use crate::{
    by_learner::Unread,
    decide::redact_for,
    entry::{Damaged, Entry, RecordEntry},
    follow::{Each, Walk, entries_at, read_each},
    live::LiveRecord,
    shared::Shared,
    types::GroupState,
};
use commonroll_core::{RecordKind, SchoolDate};
use commonroll_policy::PersonPermit;
use commonroll_store::Block;
use std::{collections::HashMap, sync::Arc};

/// Entries looked at, at a time.
const PLACES: usize = 1_024;
/// Blocks in memory at once, each up to about a megabyte.
const BLOCKS_AT_ONCE: usize = 8;

/// Which of a learner's records are worth loading.
pub(crate) struct Wants {
    kinds: Vec<RecordKind>,
    dates: (Option<SchoolDate>, Option<SchoolDate>),
    /// Marks of this day, for the card.
    presence: Option<SchoolDate>,
    older: bool,
    /// More than so many are too much, and none is loaded then.
    max: usize,
}

impl Wants {
    pub fn new(ask: &ReadAsk, kinds: Vec<RecordKind>, presence: Option<SchoolDate>) -> Self {
        Self { kinds, dates: ask.dates, presence, older: ask.older, max: super::RECORDS_MAX }
    }

    /// Every revision of everything, up to so many.
    pub fn everything(max: usize) -> Self {
        Self { kinds: RecordKind::ALL.to_vec(), dates: (None, None), presence: None, older: true, max }
    }

    fn asked(&self, entry: &RecordEntry, date: SchoolDate) -> bool {
        self.kinds.contains(&entry.kind)
            && self.dates.0.is_none_or(|first| first <= date)
            && self.dates.1.is_none_or(|last| date <= last)
    }

    fn presence(&self, entry: &RecordEntry, date: SchoolDate) -> bool {
        entry.kind == RecordKind::Attendance && self.presence == Some(date)
    }
}

/// A record that was found.
pub(crate) struct Loaded {
    /// Place in the log, from 0.
    pub seq: u64,
    pub entry: RecordEntry,
    pub date: SchoolDate,
    /// True if it was asked for; false if it only serves the card.
    pub asked: bool,
    /// True if no newer revision is in the log.
    pub newest: bool,
    /// What it says; `None` if that is gone or damaged.
    pub payload: Option<LiveRecord>,
    pub damaged: bool,
    /// True if the learner's home was not handed it since its kind was locked again before: its people don't read it either.
    pub held_back: bool,
}

/// The records at some places that are wanted, each checked against what the log committed to. Too many are refused before
/// anything of them is loaded.
pub(crate) async fn find(shared: &Shared, places: &[u64], wants: &Wants) -> Result<Vec<Loaded>, ReadError> {
    let mut found: Vec<Loaded> = Vec::new();
    for places in places.chunks(PLACES) {
        let entries = entries_at(shared.store.as_ref(), places).await.map_err(|_| Unread)?;
        let mut some = Vec::new();
        for (seq, bytes) in entries {
            let Ok(Entry::Record(entry)) = Entry::decode(&bytes) else { return Err(Unread.into()) };
            let Some(date) = SchoolDate::from_days(entry.id.days()) else { continue };
            let asked = wants.asked(&entry, date);
            if asked || wants.presence(&entry, date) {
                let (newest, payload, damaged, held_back) = (true, None, false, false);
                some.push(Loaded { seq, entry, date, asked, newest, payload, damaged, held_back });
            }
        }
        let ids: Vec<[u8; 16]> = some.iter().map(|one| one.entry.id.0).collect();
        let newest = shared.store.newest(&ids).await.map_err(|_| Unread)?;
        for (one, row) in some.iter_mut().zip(newest) {
            one.newest = row.is_none_or(|row| row.seq == one.seq);
        }
        found.extend(some.into_iter().filter(|one| one.newest || (wants.older && one.asked)));
        if found.iter().filter(|one| one.asked).count() > wants.max {
            return Err(ReadError::TooMuch(wants.max));
        }
    }
    load(shared, &mut found).await?;
    held_back::mark(shared, &mut found).await?;
    Ok(found)
}

async fn load(shared: &Shared, found: &mut [Loaded]) -> Result<(), Unread> {
    let seqs: Vec<u64> = found.iter().map(|one| one.seq).collect();
    let mut records: HashMap<u64, Result<LiveRecord, ()>> = HashMap::with_capacity(seqs.len());
    let (mut walk, mut met) = (Walk::new(&seqs, BLOCKS_AT_ONCE), 0);
    loop {
        let blocks = walk.next(shared.store.as_ref(), true).await.map_err(|_| Unread)?;
        if blocks.is_empty() {
            break;
        }
        for (block, here) in blocks {
            met += here.len();
            records.extend(inside_block(block, here));
        }
    }
    if met < seqs.len() {
        return Err(Unread);
    }
    let directory = shared.directory();
    for one in found {
        match records.remove(&one.seq) {
            // The entry that says that it must go counts, also while its bytes are still there.
            Some(Ok(_)) if directory.duties().is_going(one.seq) => {}
            Some(Ok(record)) => one.payload = Some(record),
            Some(Err(())) => one.damaged = true,
            None => {}
        }
    }
    Ok(())
}

/// The records at some places of a block; damage of one leaves its neighbours alone.
fn inside_block(block: Block, places: &[u64]) -> Vec<(u64, Result<LiveRecord, ()>)> {
    let each = read_each(block, places.iter().copied());
    let each = each.unwrap_or_else(|_| places.iter().map(|seq| (*seq, Err(Damaged))).collect());
    let one = |(seq, record): Each| match record {
        Ok(record) => record.filter(|record| !record.groups.is_empty()).map(|record| (seq, Ok(record))),
        Err(Damaged) => {
            tracing::error!(
                entry = seq + 1,
                "a stored record is not what the log committed to; it is not shown"
            );
            Some((seq, Err(())))
        }
    };
    each.into_iter().filter_map(one).collect()
}

/// A record as far as a permit goes. `None` for one that its source has marked confidential since.
pub(super) fn show(judge: &Judge<'_>, loaded: &Loaded, permit: &PersonPermit) -> Option<RecordSeen> {
    let entry = &loaded.entry;
    if judge.directory.copies().is_hidden(entry.id, entry.revision) {
        return None;
    }
    let state = match &loaded.payload {
        _ if loaded.damaged => RecordState::Damaged,
        None => RecordState::Erased,
        Some(one) if one.groups.is_empty() => RecordState::Erased,
        Some(_) if !loaded.newest => RecordState::Replaced,
        Some(_) if entry.withdrawn => RecordState::Withdrawn,
        Some(_) => RecordState::Stands,
    };
    let groups = loaded.payload.as_ref().map_or_else(|| Arc::from([]), |one| redact_for(&one.groups, permit));
    let open = |group: &&crate::types::SealedGroup| matches!(group.state, GroupState::Open { .. });
    let seen = groups.iter().filter(open).filter(|group| group.number < 32);
    let seen = seen.fold(0, |mask, group| mask | 1 << group.number);
    let group = loaded.payload.as_ref().and_then(|one| one.circumstances.group.as_ref());
    let title = group.and_then(|group| judge.directory.group_title(entry.source, group)).cloned();
    Some(RecordSeen {
        sequence: loaded.seq + 1,
        record: (entry.id, entry.revision),
        kind: entry.kind,
        source: judge.slug(entry.source)?.clone(),
        date: loaded.date,
        accepted_at: entry.accepted_at,
        state,
        groups,
        seen,
        group_title: title,
        reason: permit.reason().to_owned(),
        agreement: permit.agreement().map(|(id, version)| format!("{id} v{version}")),
    })
}

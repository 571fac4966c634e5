//! What was just committed, kept in memory for the feeds that are up to date.
//!
//! A feed is a cursor. Where it stands inside this ring it reads from memory, else from the store; so a slow recipient
//! costs no memory, and a restart loses nothing.

use crate::{
    decide::{self, Subject},
    directory::{Directory, Placed},
    duty::ranges::Ranges,
    entry::{Circumstances, RecordEntry, Seal},
    types::{OutBatch, OutRecord, Page, SealedGroup},
};
use commonroll_core::Timestamp;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

/// How much is sent and kept at a time. The defaults suit a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Records in a page of a feed at most; at least 1.
    pub page_records: u32,
    /// Bytes of a page, about: it travels as one message, so that nothing decided long ago is still on its way out.
    pub page_bytes: usize,
    /// Bytes of the newest commits that are kept in memory, about.
    pub ring_bytes: usize,
    /// Entries by which the index by learner is taken on at a time; at least 1.
    pub index_step: u64,
    /// So far behind, the index is taken on all the same when there is no time for it, or the first question would wait for
    /// long; and in larger steps.
    pub index_far: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            page_records: 1_000,
            page_bytes: 1 << 20,
            ring_bytes: 16 << 20,
            index_step: 4_096,
            index_far: 500_000,
        }
    }
}

/// A record of the log with all that is needed to deliver it.
pub struct LiveRecord {
    /// Sequence number, from 0.
    pub seq: u64,
    /// Its entry.
    pub entry: RecordEntry,
    /// What decisions are made from.
    pub circumstances: Circumstances,
    /// Its sealed groups.
    pub groups: Arc<[SealedGroup]>,
    /// The seal over its batch.
    pub seal: Arc<Seal>,
    /// Where the directory of a version placed the record when it was published. While that version lasts it is so.
    pub placed: Option<(u64, Placed)>,
}

/// The records of one commit.
pub struct Committed {
    first: u64,
    end: u64,
    bytes: usize,
    records: Vec<LiveRecord>,
    by_recipient: HashMap<u16, Vec<u32>>,
    /// Places of feeds that hold no record of this commit: recipient and place.
    special: Vec<(u16, u64)>,
}

impl Committed {
    /// The records of the commit that took the numbers from `first` to before `end`.
    pub fn new(first: u64, end: u64, bytes: usize, records: Vec<LiveRecord>) -> Self {
        let mut by_recipient: HashMap<u16, Vec<u32>> = HashMap::new();
        for (place, record) in (0..).zip(&records) {
            for recipient in &record.entry.recipients {
                by_recipient.entry(recipient.institution).or_default().push(place);
            }
        }
        Self { first, end, bytes: bytes + 200, records, by_recipient, special: Vec::new() }
    }

    /// The first place from a position on at which a recipient's feed holds no record: it is read from the store.
    fn stop(&self, recipient: u16, position: u64) -> Option<u64> {
        let mine = self.special.iter().filter(|(to, place)| *to == recipient && *place >= position);
        mine.map(|(_, place)| *place).min()
    }

    /// The same, with what stands in feeds besides: it is read from the store.
    pub fn and(self, special: Vec<(u16, u64)>) -> Self {
        Self { special, ..self }
    }
}

/// The newest commits, without a gap.
#[derive(Default)]
pub struct Ring {
    commits: VecDeque<Arc<Committed>>,
    bytes: usize,
}

impl Ring {
    /// Adds a commit and lets the oldest go, down to so many bytes.
    pub fn push(&mut self, commit: Committed, bytes_max: usize) {
        if self.commits.back().is_some_and(|last| last.end != commit.first) {
            self.clear();
        }
        self.bytes += commit.bytes;
        self.commits.push_back(Arc::new(commit));
        while self.bytes > bytes_max {
            let Some(gone) = self.commits.pop_front() else { break };
            self.bytes -= gone.bytes;
        }
    }

    /// The record at a place of the log, if it is still here.
    pub fn record(&self, seq: u64) -> Option<&LiveRecord> {
        let commit = self.commits.get(self.commits.partition_point(|c| c.end <= seq))?;
        let place = commit.records.binary_search_by_key(&seq, |record| record.seq).ok()?;
        commit.records.get(place)
    }

    /// Forgets everything if it holds a record at one of these places.
    pub fn forget(&mut self, of: &Ranges) {
        let holds = |commit: &Arc<Committed>| commit.records.iter().any(|record| of.holds(record.seq));
        if self.commits.iter().any(holds) {
            self.clear();
        }
    }

    /// Forgets everything: another node appended.
    pub fn clear(&mut self) {
        (self.commits, self.bytes) = (VecDeque::new(), 0);
    }

    /// The commits from a position on, enough for `limit` records of a recipient; `None` if the ring begins later.
    pub fn from(&self, position: u64, recipient: u16, limit: usize) -> Option<Vec<Arc<Committed>>> {
        self.commits.front().filter(|c| c.first <= position)?;
        let start = self.commits.partition_point(|c| c.end <= position);
        let mut found = Vec::new();
        let mut count = 0;
        for commit in self.commits.iter().skip(start) {
            if let Some(stop) = commit.stop(recipient, position) {
                let mine = commit.by_recipient.get(&recipient).into_iter().flatten();
                let seqs = mine.filter_map(|place| Some(commit.records.get(*place as usize)?.seq));
                if seqs.into_iter().any(|seq| (position..stop).contains(&seq)) {
                    found.push(commit.clone());
                }
                return (!found.is_empty()).then_some(found);
            }
            count += commit.by_recipient.get(&recipient).map_or(0, Vec::len);
            found.push(commit.clone());
            if count >= limit {
                break;
            }
        }
        Some(found)
    }
}

/// Puts a page together: decides again for each record, redacts, and groups by batch.
pub struct PageBuilder<'a> {
    pub directory: &'a Directory,
    pub recipient: u16,
    pub now: Timestamp,
    pub sizes: Sizes,
    pub page: Page,
    /// What policy kept back: wire sequence number, code and learner.
    pub withheld: Vec<(u64, &'static str, u32)>,
    /// Places at which records stand that are sent again.
    pub again: HashSet<u64>,
    /// Records on the page, and their bytes, about.
    pub records: u32,
    pub bytes: usize,
}

impl PageBuilder<'_> {
    /// Adds what a commit has for the recipient, from a position on. Gives false if the page is full.
    pub fn add_commit(&mut self, commit: &Committed, position: u64) -> bool {
        let stop = commit.stop(self.recipient, position);
        let end = stop.unwrap_or(commit.end);
        for place in commit.by_recipient.get(&self.recipient).into_iter().flatten() {
            let record = commit.records.get(*place as usize);
            if let Some(record) = record.filter(|r| (position..end).contains(&r.seq))
                && !self.add(record)
            {
                return false;
            }
        }
        self.page.cursor = end;
        stop.is_none()
    }

    /// Adds a record, if policy lets it leave now. Gives false, and leaves it out, if the page is full.
    pub fn add(&mut self, record: &LiveRecord) -> bool {
        if self.bytes >= self.sizes.page_bytes || self.records >= self.sizes.page_records {
            return false;
        }
        let entry = &record.entry;
        self.page.cursor = record.seq + 1;
        let subject = Subject {
            source: entry.source,
            kind: entry.kind,
            confidential: entry.confidential,
            corrects: entry.corrects(),
            circumstances: &record.circumstances,
        };
        let hidden = self.directory.copies().is_hidden(entry.id, entry.revision);
        let held = record.placed.filter(|(version, _)| *version == self.directory.version);
        let placed = held.map_or_else(|| decide::place(self.directory, &subject), |(_, placed)| placed);
        match decide::leave(self.directory, &subject, placed, self.recipient, self.now) {
            Ok(_) if self.directory.duties().is_going(record.seq) => {
                self.withheld.push((record.seq + 1, "erased", entry.learner));
            }
            Ok(_) if hidden => self.withheld.push((record.seq + 1, "confidential", entry.learner)),
            Err(code) => self.withheld.push((record.seq + 1, code, entry.learner)),
            Ok((permit, recipient_learner)) => {
                let out = OutRecord {
                    sequence: record.seq + 1,
                    batch_index: u32::from(entry.index),
                    groups: decide::redact(&record.groups, &permit),
                    recipient_learner,
                    accepted_at: entry.accepted_at,
                    again: self.again.contains(&record.seq),
                };
                self.bytes += out.size();
                self.records += 1;
                self.put(&record.seal, out);
            }
        }
        true
    }

    fn put(&mut self, seal: &Arc<Seal>, out: OutRecord) {
        let Some(source) = self.directory.institution(seal.source).map(|s| &s.info.slug) else {
            return;
        };
        // A batch on a page holds each of its places once, and a record that is sent again may stand beside itself.
        let fits = |batch: &OutBatch| {
            batch.number == seal.number
                && batch.source == *source
                && !(out.again && batch.records.iter().any(|held| held.batch_index == out.batch_index))
        };
        match self.page.batches.last_mut() {
            Some(batch) if fits(batch) => batch.records.push(out),
            _ => self.page.batches.push(OutBatch {
                source: source.clone(),
                number: seal.number,
                size: seal.roots.len() as u32,
                key_id: seal.key_id,
                signature: seal.signature,
                records: vec![out],
                seal: seal.clone(),
            }),
        }
    }
}

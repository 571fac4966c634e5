//! The feed: what waits for one recipient, and how far it has been sent.
//!
//! A feed holds no records. It is a position in the log; what lies behind it is read from memory or from the store,
//! decided again, redacted and handed out. What policy now keeps back gets its entry before the feed moves on.

use crate::{
    Clock,
    ahead::ClockAhead,
    entry::{Entry, RecordEntry, split_entries},
    follow::{RUNNING, read_records},
    live::{LiveRecord, PageBuilder},
    notices::{self, Special},
    shared::Shared,
    submit,
    types::{FeedError, NotAllowed, Page, Speaker},
    withdrawal::OutNotice,
    writer::Work,
};
use commonroll_core::Timestamp;
use commonroll_store::Block;
use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};
use tokio::sync::watch;

/// Bytes of stored blocks that one page is made from, about.
const STORED_BYTES: usize = 8 << 20;
/// Stored blocks in memory at once for one feed, each up to about a megabyte.
const BLOCKS_AT_ONCE: usize = 8;

/// A part of a feed that was read from the store.
#[derive(Default)]
struct Stored {
    records: Vec<LiveRecord>,
    /// Places at which records stand that are sent again.
    again: HashSet<u64>,
    notices: Vec<OutNotice>,
    /// Places whose payload was taken out, and whom they were about.
    gone: Vec<(u64, u32)>,
    /// Where it ends.
    end: u64,
}

impl Stored {
    /// Takes in the records at some places of a block; those that are not there any more are said to be gone.
    fn read(&mut self, block: Block, here: &[u64]) -> Result<(), FeedError> {
        if here.is_empty() {
            return Ok(());
        }
        let (first, entries) = (block.first_seq, block.entries.clone());
        let records = read(block, here)?;
        if records.len() < here.len() {
            let entries = split_entries(&entries).map_err(|_| FeedError::Damaged)?;
            let held = |seq: &u64| records.binary_search_by_key(seq, |record| record.seq).is_ok();
            for seq in here.iter().filter(|seq| !held(seq)) {
                let entry = usize::try_from(seq - first).ok().and_then(|place| entries.get(place));
                let learner = entry.and_then(|bytes| RecordEntry::learner_of(bytes));
                self.gone.push((*seq, learner.ok_or(FeedError::Damaged)?));
            }
        }
        self.records.extend(records);
        Ok(())
    }
}

/// An open feed of one recipient.
pub struct Feed {
    shared: Arc<Shared>,
    speaker: Speaker,
    position: u64,
    size: watch::Receiver<u64>,
}

impl Feed {
    /// Opens the feed behind a cursor that the recipient says it holds. A cursor beyond what was sent is not believed:
    /// the feed then starts where the recipient last acknowledged, and it drops what it has already.
    pub(crate) fn open(shared: Arc<Shared>, speaker: Speaker, after: u64) -> Self {
        let acknowledged = shared.directory().institution(speaker.number).map_or(0, |s| s.cursor);
        let sent = shared.sent().get(&speaker.number).copied().unwrap_or(0).max(acknowledged);
        let position = if after <= sent { after } else { acknowledged };
        let size = shared.size();
        Self { shared, speaker, position, size }
    }

    /// Waits for the next records and hands them out. Safe to cancel: what was not handed out comes again.
    pub async fn next(&mut self, clock: &dyn Clock) -> Result<Page, FeedError> {
        loop {
            if self.shared.closing.load(Ordering::Relaxed) {
                return Err(FeedError::Closed);
            }
            self.shared.directory().speaker(self.speaker.agent)?;
            let size = *self.size.borrow_and_update();
            if self.position < size {
                let page = self.read(clock).await?;
                if !page.is_empty() {
                    return Ok(page);
                }
                continue;
            }
            if self.size.changed().await.is_err() {
                return Err(FeedError::Closed);
            }
        }
    }

    async fn read(&mut self, clock: &dyn Clock) -> Result<Page, FeedError> {
        let recipient = self.speaker.number;
        self.be_current().await?;
        self.greet(clock).await?;
        // Whoever follows a change waits until pages that were decided before it have left.
        let shared = self.shared.clone();
        let _leaving = shared.leaving.read().await;
        let ring = self.shared.ring().from(self.position, recipient, self.shared.sizes.page_records as usize);
        let (page, withheld) = match ring {
            Some(commits) => {
                let directory = self.shared.directory();
                let mut builder = self.builder(&directory, clock)?;
                let _whole = commits.iter().all(|commit| builder.add_commit(commit, self.position));
                (builder.page, builder.withheld)
            }
            None => {
                let Stored { records, again, notices, gone, end } = self.stored().await?;
                let directory = self.shared.directory();
                let mut builder = self.builder(&directory, clock)?;
                builder.again = again;
                builder.page.notices = notices;
                if records.iter().all(|record| builder.add(record)) {
                    builder.page.cursor = end;
                }
                let PageBuilder { page, mut withheld, .. } = builder;
                let passed = gone.into_iter().filter(|(seq, _)| *seq < page.cursor);
                withheld.extend(passed.map(|(seq, learner)| (seq + 1, "erased", learner)));
                withheld.sort_unstable();
                (page, withheld)
            }
        };
        self.note_withheld(withheld, clock).await?;
        // The agent may have been revoked while the page was made.
        self.shared.directory().speaker(self.speaker.agent).map_err(|_| NotAllowed::Unknown)?;
        self.position = page.cursor;
        if !page.is_empty() {
            let mut sent = self.shared.sent();
            let held = sent.entry(recipient).or_default();
            *held = (*held).max(page.cursor);
        }
        Ok(page)
    }

    /// A node that has slept decides on yesterday's directory: before anything leaves, it reads what others appended.
    async fn be_current(&self) -> Result<(), FeedError> {
        match self.shared.is_current() {
            true => Ok(()),
            false => self.shared.follow().await.map_err(|_| FeedError::Unavailable),
        }
    }

    /// A node that started beside this one must be able to know that another sends: it will be given the receipts.
    async fn greet(&self, clock: &dyn Clock) -> Result<(), FeedError> {
        let Some(newcomers) = self.shared.not_greeted() else { return Ok(()) };
        let plan = |work: &mut Work<'_>| work.notes.push((RUNNING.to_owned(), serde_json::Value::Null));
        let now = clock.now();
        submit(&self.shared, "hub", now, plan).await.map_err(|_| self.unwritten(now))?;
        self.shared.greeted(newcomers);
        Ok(())
    }

    /// Why an entry of this moment could not be made.
    fn unwritten(&self, now: Timestamp) -> FeedError {
        match self.shared.newest.is_behind(now) {
            true => ClockAhead.into(),
            false => FeedError::Unavailable,
        }
    }

    fn builder<'a>(
        &'a self,
        directory: &'a crate::directory::Directory,
        clock: &dyn Clock,
    ) -> Result<PageBuilder<'a>, ClockAhead> {
        let now = clock.now();
        if self.shared.newest.is_behind(now) {
            return Err(ClockAhead);
        }
        Ok(PageBuilder {
            directory,
            recipient: self.speaker.number,
            now,
            sizes: self.shared.sizes,
            page: Page::default(),
            withheld: Vec::new(),
            records: 0,
            again: HashSet::new(),
            bytes: 0,
        })
    }

    /// What stands behind the position, and where that ends.
    async fn stored(&self) -> Result<Stored, FeedError> {
        let size = *self.size.borrow();
        let (store, limit) = (&self.shared.store, self.shared.sizes.page_records);
        let found = store.feed(u32::from(self.speaker.number), self.position, limit).await;
        let seqs: Vec<u64> =
            found.map_err(|_| FeedError::Unavailable)?.into_iter().filter(|seq| *seq < size).collect();
        let full = seqs.len() == limit as usize;
        let end = seqs.last().filter(|_| full).map_or(size, |last| last + 1);
        let (mut found, mut bytes) = (Stored { end, ..Stored::default() }, 0);
        let mut rest = seqs.as_slice();
        while !rest.is_empty() {
            if bytes >= STORED_BYTES {
                return Ok(Stored { end: rest[0], ..found });
            }
            let some = &rest[..rest.len().min(BLOCKS_AT_ONCE)];
            let blocks = store.block_of(some, true).await.map_err(|_| FeedError::Unavailable)?;
            for block in blocks {
                let end = block.first_seq + u64::from(block.n);
                bytes += block.payloads.as_ref().map_or(0, Vec::len);
                let (here, behind) = rest.split_at(rest.partition_point(|seq| *seq < end));
                if let Some(end) = self.block(block, here, &mut found).await? {
                    return Ok(Stored { end, ..found });
                }
                rest = behind;
            }
        }
        Ok(found)
    }

    /// What stands at some places of a block. Gives the place at which the page has to end: notices travel alone.
    async fn block(&self, block: Block, here: &[u64], found: &mut Stored) -> Result<Option<u64>, FeedError> {
        let specials = specials(&block, here)?;
        let first = specials.first().map_or(here.len(), |(place, ..)| *place);
        let (records, mut rest) = here.split_at(first);
        if !found.notices.is_empty() && !records.is_empty() {
            return Ok(records.first().copied());
        }
        if specials.is_empty() {
            found.read(block, records)?;
            return Ok(None);
        }
        found.read(block.clone(), records)?;
        for (place, special, at) in specials {
            let here = rest.split_at(place - (here.len() - rest.len()));
            if !here.0.is_empty() {
                if !found.notices.is_empty() {
                    return Ok(here.0.first().copied());
                }
                found.read(block.clone(), here.0)?;
            }
            let seq = here.1[0];
            match special {
                Special::Notice(_) if !found.records.is_empty() => return Ok(Some(seq)),
                Special::Notice(says) => {
                    let notice = notices::out(&self.shared, self.speaker.number, seq, &says, at).await?;
                    found.notices.push(notice);
                }
                Special::Again(_) if !found.notices.is_empty() => return Ok(Some(seq)),
                Special::Again(says) => {
                    let of = says.of.saturating_sub(1);
                    let blocks = self.shared.store.block_of(&[of], true).await;
                    let mut again = Vec::new();
                    for block in blocks.map_err(|_| FeedError::Unavailable)? {
                        again.extend(read(block, &[of])?);
                    }
                    again.retain(|record| !self.shared.directory().duties().is_going(record.seq));
                    if again.is_empty() {
                        found.gone.push((seq, says.learner));
                    }
                    found.records.extend(again.into_iter().map(|record| LiveRecord { seq, ..record }));
                    found.again.insert(seq);
                }
            }
            rest = &here.1[1..];
        }
        if rest.is_empty() {
            return Ok(None);
        }
        if !found.notices.is_empty() {
            return Ok(rest.first().copied());
        }
        found.read(block, rest)?;
        Ok(None)
    }

    async fn note_withheld(
        &self,
        withheld: Vec<(u64, &'static str, u32)>,
        clock: &dyn Clock,
    ) -> Result<(), FeedError> {
        // A reader who comes back to the same place is not a new event.
        let noted = self.shared.noted_withheld(self.speaker.number, 0);
        let withheld: Vec<_> = withheld.into_iter().filter(|(seq, ..)| *seq > noted).collect();
        let Some((last, ..)) = withheld.last().copied() else { return Ok(()) };
        // What was handed out before is not kept back by this: the recipient has it, and is asked to remove it.
        let handed = self.shared.handed(&self.shared.directory(), self.speaker.number);
        let (before, withheld): (Vec<_>, Vec<_>) = withheld.into_iter().partition(|(seq, ..)| *seq <= handed);
        let recipient = self.speaker.institution.as_str();
        let more = match before.is_empty() {
            true => serde_json::json!({ "recipient": recipient, "withheld": withheld }),
            false => serde_json::json!({
                "recipient": recipient, "withheld": withheld, "not_repeated": before,
            }),
        };
        let plan = move |work: &mut Work<'_>| work.notes.push(("delivery.withheld".to_owned(), more.clone()));
        let now = clock.now();
        submit(&self.shared, "policy", now, plan).await.map_err(|_| self.unwritten(now))?;
        self.shared.noted_withheld(self.speaker.number, last);
        Ok(())
    }
}

/// The records at some places of a block, each checked against what the log committed to.
fn read(block: Block, here: &[u64]) -> Result<Vec<LiveRecord>, FeedError> {
    if here.is_empty() {
        return Ok(Vec::new());
    }
    read_records(block, here.iter().copied()).map_err(|_| {
        tracing::error!("a stored record is not what the log committed to; it is not delivered");
        FeedError::Damaged
    })
}

/// Which of some places of a block hold no record, by their order, with what they hold and since when.
fn specials(block: &Block, here: &[u64]) -> Result<Vec<(usize, Special, Timestamp)>, FeedError> {
    let entries = split_entries(&block.entries).map_err(|_| FeedError::Damaged)?;
    let mut found = Vec::new();
    for (order, seq) in here.iter().enumerate() {
        let place = seq.checked_sub(block.first_seq).and_then(|place| usize::try_from(place).ok());
        let bytes = place.and_then(|place| entries.get(place)).ok_or(FeedError::Damaged)?;
        if Entry::is_record(bytes) {
            continue;
        }
        let Ok(Entry::Note(note)) = Entry::decode(bytes) else { return Err(FeedError::Damaged) };
        let at = Timestamp::from_micros("at", note.at_us).map_err(|_| FeedError::Damaged)?;
        found.push((order, Special::read(&note).ok_or(FeedError::Damaged)?, at));
    }
    Ok(found)
}

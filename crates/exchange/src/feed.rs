//! The feed: what waits for one recipient, and how far it has been sent.
//!
//! A feed holds no records. It is a position in the log; what lies behind it is read from memory or from the store,
//! decided again, redacted and handed out. What policy now keeps back gets its entry before the feed moves on.

use crate::{
    Clock,
    follow::{RUNNING, read_records},
    live::{LiveRecord, PageBuilder},
    shared::Shared,
    submit,
    types::{FeedError, NotAllowed, Page, Speaker},
    writer::Work,
};
use std::sync::{Arc, atomic::Ordering};
use tokio::sync::watch;

/// Bytes of stored blocks that one page is made from, about.
const STORED_BYTES: usize = 8 << 20;
/// Stored blocks in memory at once for one feed, each up to about a megabyte.
const BLOCKS_AT_ONCE: usize = 4;

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
        let ring = self.shared.ring().from(self.position, recipient, self.shared.sizes.page_records as usize);
        let (page, withheld) = match ring {
            Some(commits) => {
                let directory = self.shared.directory();
                let mut builder = self.builder(&directory, clock);
                let _whole = commits.iter().all(|commit| builder.add_commit(commit, self.position));
                (builder.page, builder.withheld)
            }
            None => {
                let (records, end) = self.stored().await?;
                let directory = self.shared.directory();
                let mut builder = self.builder(&directory, clock);
                if records.iter().all(|record| builder.add(record)) {
                    builder.page.cursor = end;
                }
                (builder.page, builder.withheld)
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
        submit(&self.shared, "hub", clock.now(), plan).await.map_err(|_| FeedError::Unavailable)?;
        self.shared.greeted(newcomers);
        Ok(())
    }

    fn builder<'a>(
        &'a self,
        directory: &'a crate::directory::Directory,
        clock: &dyn Clock,
    ) -> PageBuilder<'a> {
        PageBuilder {
            directory,
            recipient: self.speaker.number,
            now: clock.now(),
            sizes: self.shared.sizes,
            page: Page::default(),
            withheld: Vec::new(),
            records: 0,
            bytes: 0,
        }
    }

    /// The records behind the position, and where they end.
    async fn stored(&self) -> Result<(Vec<LiveRecord>, u64), FeedError> {
        let size = *self.size.borrow();
        let (store, limit) = (&self.shared.store, self.shared.sizes.page_records);
        let found = store.feed(u32::from(self.speaker.number), self.position, limit).await;
        let seqs: Vec<u64> =
            found.map_err(|_| FeedError::Unavailable)?.into_iter().filter(|seq| *seq < size).collect();
        let full = seqs.len() == limit as usize;
        let end = seqs.last().filter(|_| full).map_or(size, |last| last + 1);
        let (mut records, mut bytes) = (Vec::with_capacity(seqs.len()), 0);
        let mut rest = seqs.as_slice();
        while !rest.is_empty() {
            if bytes >= STORED_BYTES {
                return Ok((records, rest[0]));
            }
            let some = &rest[..rest.len().min(BLOCKS_AT_ONCE)];
            let blocks = store.block_of(some, true).await.map_err(|_| FeedError::Unavailable)?;
            for block in blocks {
                let end = block.first_seq + u64::from(block.n);
                bytes += block.payloads.as_ref().map_or(0, Vec::len);
                let (here, behind) = rest.split_at(rest.partition_point(|seq| *seq < end));
                records.extend(read_records(block, here.iter().copied()).map_err(|_| {
                    tracing::error!("a stored record is not what the log committed to; it is not delivered");
                    FeedError::Damaged
                })?);
                rest = behind;
            }
        }
        Ok((records, end))
    }

    async fn note_withheld(
        &self,
        withheld: Vec<(u64, &'static str)>,
        clock: &dyn Clock,
    ) -> Result<(), FeedError> {
        // A reader who comes back to the same place is not a new event.
        let noted = self.shared.noted_withheld(self.speaker.number, 0);
        let withheld: Vec<_> = withheld.into_iter().filter(|(seq, _)| *seq > noted).collect();
        let Some((last, _)) = withheld.last().copied() else { return Ok(()) };
        let more =
            serde_json::json!({ "recipient": self.speaker.institution.as_str(), "withheld": withheld });
        let plan = move |work: &mut Work<'_>| work.notes.push(("delivery.withheld".to_owned(), more.clone()));
        submit(&self.shared, "policy", clock.now(), plan).await.map_err(|_| FeedError::Unavailable)?;
        self.shared.noted_withheld(self.speaker.number, last);
        Ok(())
    }
}

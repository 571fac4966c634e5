//! Receiving: verify, write back, remember, acknowledge: in this order, and each only when the one before is safe.
//!
//! A piece of the feed is kept in the spool before anything is written, so a crash in the middle writes the same files
//! again. One record that can't be verified or written is set aside in sight; what is behind it flows.

mod belief;
mod parts;

use crate::{
    chance::{Randomness, backoff},
    error::AgentError,
    hub::Hub,
    outbox::{Arrival, WriteBack},
    spool::{
        Spool,
        asides::Due,
        feed::{Aside, Cursor, Settled, record_key},
    },
};
use commonroll_core::{Record, RecordId, RecordKind, Revision, Timestamp};
use commonroll_wire::{
    Delivered, Opened, alone,
    pb::exchange::v1::{DeliveredBatch, DeliveredRecord, ReceiveResponse},
};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, hash_map::Entry},
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// Tries of a record that was set aside, before it waits for a person.
const TRIES_MAX: u32 = 6;
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LAST_RETRY: Duration = Duration::from_secs(3_600);

/// What a receiver works with.
#[derive(Clone, Copy)]
pub struct Receiver<'a> {
    /// Asked for partners' keys.
    pub hub: &'a dyn Hub,
    /// Remembers.
    pub spool: &'a Spool,
    /// Writes back.
    pub write_back: &'a dyn WriteBack,
    /// For the waits between tries.
    pub rng: &'a dyn Randomness,
    /// Now.
    pub now: Timestamp,
}

/// What a piece of the feed held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Received {
    /// Records written back.
    pub written: u64,
    /// Records that were known in this or a newer revision.
    pub known: u64,
    /// Records set aside.
    pub aside: u64,
    /// Copies that the hub asked to remove.
    pub recalled: u64,
    /// How far everything is safe now.
    pub cursor: Cursor,
}

impl Received {
    /// It, and what the next part held.
    const fn and(self, next: Self) -> Self {
        Self {
            written: self.written + next.written,
            known: self.known + next.known,
            aside: self.aside + next.aside,
            recalled: self.recalled + next.recalled,
            cursor: next.cursor,
        }
    }
}

impl Receiver<'_> {
    /// Finishes the piece that was under way when the agent stopped, if there is one.
    ///
    /// # Errors
    /// As [`Receiver::take`].
    pub async fn resume(&self) -> Result<Option<Received>, AgentError> {
        match self.spool.kept_delivery().await? {
            Some(piece) => Ok(Some(self.in_order(&piece).await?)),
            None => Ok(None),
        }
    }

    /// Takes a piece of the feed: when this returns, it is written back and may be acknowledged.
    ///
    /// # Errors
    /// When the spool or the outbox fails, or keys can't be asked for; the piece is kept and resumed later.
    pub async fn take(&self, piece: &ReceiveResponse) -> Result<Received, AgentError> {
        let cursor = self.spool.cursor().await?;
        if piece.cursor <= cursor.sequence {
            return Ok(Received { cursor, ..Received::default() });
        }
        self.in_order(piece).await
    }

    /// Works through a piece in the order of the log, part by part where it holds records and notices.
    async fn in_order(&self, piece: &ReceiveResponse) -> Result<Received, AgentError> {
        let mut all = Received::default();
        let mut after = self.spool.cursor().await?.sequence;
        for end in parts::ends(piece, after) {
            let part = match end == piece.cursor {
                true => Cow::Borrowed(piece),
                false => Cow::Owned(parts::part(piece, end)),
            };
            self.spool.keep_delivery(after, &part).await?;
            all = all.and(self.work(&part).await?);
            after = end;
        }
        Ok(all)
    }

    /// Works through a piece that holds records or notices alone, but for what is done already.
    async fn work(&self, piece: &ReceiveResponse) -> Result<Received, AgentError> {
        let mut cursor = self.spool.cursor().await?;
        let mut sorted = Sorted::default();
        let places = (cursor.sequence + 1)..=piece.cursor;
        for batch in &piece.batches {
            if batch.records.iter().any(|record| places.contains(&record.sequence)) {
                self.sort(batch, &places, &mut sorted).await?;
            }
        }
        sorted.believed.sort_by_key(|believed| believed.delivered.sequence);
        for believed in &sorted.believed {
            cursor.digest.add(believed.delivered.sequence, &believed.delivered.root);
        }
        let mut received = Received::default();
        let mut arrivals = self.choose(sorted.believed, &mut sorted.aside, &mut received).await?;
        self.heed_decisions(&mut arrivals).await?;
        self.spool.add_by_hand(&theirs(&arrivals)).await?;
        self.write(&format!("{:012}", piece.cursor), &arrivals)?;
        let recalled = self.recall(piece, cursor.sequence).await?;
        received.written = arrivals.len() as u64;
        received.aside = sorted.aside.len() as u64;
        received.recalled = recalled.iter().map(|recalled| recalled.answers.len() as u64).sum();
        cursor.sequence = piece.cursor;
        received.cursor = cursor;
        let (written, aside) = (&written(&arrivals)[..], &sorted.aside[..]);
        let sent = piece.batches.iter().flat_map(|batch| &batch.records).filter(|record| record.again);
        let again = again(&arrivals, &sent.map(|record| record.sequence).collect());
        let settled = Settled { written, again: &again, aside, recalled: &recalled };
        self.spool.settle_delivery(cursor, &settled, self.now).await?;
        Ok(received)
    }

    /// Parts a batch's records at these places into those that are shown to be their source's, and those to set aside.
    async fn sort<'b>(
        &self,
        batch: &'b DeliveredBatch,
        places: &RangeInclusive<u64>,
        sorted: &mut Sorted<'b>,
    ) -> Result<(), AgentError> {
        let fresh = || batch.records.iter().filter(|record| places.contains(&record.sequence));
        match self.believe(batch).await? {
            Ok(delivered) => {
                for (delivered, record) in delivered.into_iter().zip(&batch.records) {
                    if places.contains(&delivered.sequence) {
                        sorted.believed.push(Believed { delivered, record, batch });
                    }
                }
            }
            Err(doubt) => {
                let alarm =
                    "records arrived that can't be shown to be their source's; they were not written back";
                self.spool.alarm("signature", alarm, self.now).await?;
                for record in fresh() {
                    sorted.aside.push(self.aside(
                        batch,
                        record,
                        None,
                        doubt.code,
                        doubt.message.clone(),
                        doubt.retry,
                    ));
                }
            }
        }
        Ok(())
    }

    /// Leaves out what is known already, and sets aside what can't be read or written.
    async fn choose(
        &self,
        believed: Vec<Believed<'_>>,
        aside: &mut Vec<Aside>,
        received: &mut Received,
    ) -> Result<Vec<Arrival>, AgentError> {
        let key = |opened: &Opened| record_key(&opened.record.head.source, opened.record.head.id);
        let keys: Vec<_> =
            believed.iter().filter_map(|b| b.delivered.record.as_ref().ok()).map(key).collect();
        let mut newest: HashMap<Vec<u8>, u32> = self.spool.received(&keys).await?;
        let by_hand = self.spool.by_hand(&keys).await?;
        let mut arrivals = Vec::with_capacity(believed.len());
        for Believed { delivered, record, batch } in believed {
            let opened = match delivered.record {
                Ok(opened) => opened,
                Err(invalid) => {
                    aside.push(self.aside(batch, record, None, "unreadable", invalid.to_string(), None));
                    continue;
                }
            };
            let (key, revision, kind) = (key(&opened), opened.record.head.revision, opened.record.kind());
            if newest.get(&key).is_some_and(|newest| is_known(*newest, revision.get(), record)) {
                received.known += 1;
                continue;
            }
            let is_by_hand = by_hand.has(kind, &key) || by_hand.has_at(kind, delivered.sequence);
            let arrival = Arrival { is_by_hand, ..arrival(opened, record) };
            match self.check(&arrival) {
                Ok(()) => {
                    newest.insert(key, revision.get());
                    arrivals.push(arrival);
                }
                Err(message) => {
                    let retry = Some(self.later(0));
                    aside.push(self.aside(batch, record, Some(&arrival), "write_back", message, retry));
                }
            }
        }
        Ok(arrivals)
    }

    /// Tries records again that were set aside. Gives how many are done now.
    ///
    /// # Errors
    /// When the spool or the outbox fails.
    pub async fn retry_aside(&self) -> Result<u64, AgentError> {
        let mut done = 0;
        for due in self.spool.aside_due(self.now).await? {
            done += u64::from(self.retry(&due).await?);
        }
        Ok(done)
    }

    async fn retry(&self, due: &Due) -> Result<bool, AgentError> {
        let (sequence, batch) = (due.sequence, &due.batch);
        let Some(record) = batch.records.first() else { return Err(AgentError::Damaged("aside.batch")) };
        let tries = due.tries.saturating_add(1);
        let retry = (tries < TRIES_MAX).then(|| self.later(tries));
        let opened = match self.believe(batch).await? {
            Err(doubt) => Err((doubt.code, doubt.message)),
            Ok(mut delivered) => match delivered.pop().map(|delivered| delivered.record) {
                Some(Ok(opened)) => Ok(opened),
                Some(Err(invalid)) => Err(("unreadable", invalid.to_string())),
                None => return Err(AgentError::Damaged("aside.batch")),
            },
        };
        let mut arrival = match opened {
            Ok(opened) => arrival(opened, record),
            Err((code, message)) => {
                let aside = self.aside(batch, record, None, code, message, retry);
                self.spool.aside_again(due, &aside, self.now).await?;
                return Ok(false);
            }
        };
        let head = &arrival.record.head;
        let key = record_key(&head.source, head.id);
        let newest = self.spool.received(std::slice::from_ref(&key)).await?;
        // Another copy that was sent again later may hold less, or name the learner otherwise: it is the one that counts.
        if newest.get(&key).is_some_and(|newest| is_known(*newest, head.revision.get(), record))
            || (record.again && self.spool.is_sent_again_since(&key, sequence).await?)
        {
            self.spool.aside_done(sequence, &[], &[], self.now).await?;
            return Ok(true);
        }
        let by_hand = self.spool.by_hand(std::slice::from_ref(&key)).await?;
        arrival.is_by_hand = by_hand.has(arrival.record.kind(), &key);
        if let Err(message) = self.check(&arrival) {
            let aside = self.aside(batch, record, Some(&arrival), "write_back", message, retry);
            self.spool.aside_again(due, &aside, self.now).await?;
            return Ok(false);
        }
        let mut arrivals = [arrival];
        self.heed_decisions(&mut arrivals).await?;
        // A person may have given it up meanwhile.
        if !self.spool.is_aside(sequence).await? {
            return Ok(false);
        }
        self.write(&format!("{sequence:012}-again"), &arrivals)?;
        let places = record.again.then_some(sequence).into_iter().collect();
        self.spool.aside_done(sequence, &written(&arrivals), &again(&arrivals, &places), self.now).await?;
        Ok(true)
    }

    /// Asks the write-back whether it can take one record. A panic is an answer, too.
    fn check(&self, arrival: &Arrival) -> Result<(), String> {
        catch_unwind(AssertUnwindSafe(|| self.write_back.check(arrival)))
            .unwrap_or_else(|_| Err("the write-back failed on this record; report it".to_owned()))
            .map_err(|message| message.chars().filter(|c| !c.is_control()).take(300).collect())
    }

    /// Notes which sessions a person here has decided: for these nothing is proposed any more.
    async fn heed_decisions(&self, arrivals: &mut [Arrival]) -> Result<(), AgentError> {
        let marks = |arrival: &&mut Arrival| arrival.record.kind() == RecordKind::Attendance;
        let mut days = HashMap::new();
        for arrival in arrivals.iter_mut().filter(marks) {
            let date = arrival.record.head.date;
            let day = match days.entry(date.days()) {
                Entry::Occupied(day) => day.into_mut(),
                Entry::Vacant(day) => day.insert(self.spool.decided_on(date).await?),
            };
            arrival.decided = day.get(&arrival.learner).cloned().unwrap_or_default();
        }
        Ok(())
    }

    fn write(&self, range: &str, arrivals: &[Arrival]) -> Result<(), AgentError> {
        if arrivals.is_empty() {
            return Ok(());
        }
        let failed = |_| Err(std::io::Error::other("the write-back failed"));
        catch_unwind(AssertUnwindSafe(|| self.write_back.write(range, arrivals)))
            .unwrap_or_else(failed)
            .map_err(AgentError::io("writing into the outbox"))
    }

    fn later(&self, tries: u32) -> Timestamp {
        let wait = backoff(tries, FIRST_RETRY, LAST_RETRY, self.rng);
        self.now.plus_micros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
    }

    fn aside(
        &self,
        batch: &DeliveredBatch,
        record: &DeliveredRecord,
        arrival: Option<&Arrival>,
        code: &'static str,
        message: String,
        retry: Option<Timestamp>,
    ) -> Aside {
        let head = arrival.map(|arrival| &arrival.record.head);
        let place = batch.records.iter().position(|r| r.sequence == record.sequence);
        Aside {
            sequence: record.sequence,
            id: head.map_or(RecordId([0; 16]), |head| head.id),
            revision: head.map_or(0, |head| head.revision.get()),
            source: batch.seal.as_ref().map_or(String::new(), |seal| seal.source.chars().take(32).collect()),
            code,
            message,
            retry,
            batch: alone(batch, place.unwrap_or(0)),
        }
    }
}

#[derive(Default)]
struct Sorted<'b> {
    believed: Vec<Believed<'b>>,
    aside: Vec<Aside>,
}

struct Believed<'b> {
    delivered: Delivered,
    record: &'b DeliveredRecord,
    batch: &'b DeliveredBatch,
}

/// True if a record at this revision changes nothing. One that is sent again on purpose takes the place of its like.
const fn is_known(newest: u32, revision: u32, record: &DeliveredRecord) -> bool {
    newest > revision || (newest == revision && !record.again)
}

fn arrival(opened: Opened, record: &DeliveredRecord) -> Arrival {
    Arrival {
        sequence: record.sequence,
        record: opened.record,
        learner: record.recipient_learner_local_id.clone(),
        accepted_at_us: record.accepted_at_us,
        decided: Vec::new(),
        is_by_hand: false,
    }
}

/// The records that are a person's to see to.
fn theirs(arrivals: &[Arrival]) -> Vec<(RecordKind, Vec<u8>)> {
    let key = |record: &Record| (record.kind(), record_key(&record.head.source, record.head.id));
    arrivals.iter().filter(|arrival| arrival.is_by_hand).map(|arrival| key(&arrival.record)).collect()
}

/// Those of them that were sent again, which stood at these places of the feed.
fn again(arrivals: &[Arrival], places: &HashSet<u64>) -> Vec<(Vec<u8>, u64)> {
    let key = |record: &Record| record_key(&record.head.source, record.head.id);
    let sent = arrivals.iter().filter(|arrival| places.contains(&arrival.sequence));
    sent.map(|arrival| (key(&arrival.record), arrival.sequence)).collect()
}

fn written(arrivals: &[Arrival]) -> Vec<(Vec<u8>, Revision)> {
    let mut newest: HashMap<Vec<u8>, Revision> = HashMap::with_capacity(arrivals.len());
    for arrival in arrivals {
        let head = &arrival.record.head;
        newest.insert(record_key(&head.source, head.id), head.revision);
    }
    newest.into_iter().collect()
}

//! The log's one writer: takes everything that waits, commits it in one durable transaction, then answers.
//!
//! It never waits for company: the next group begins as soon as the last has synced. Nothing is answered, shown or
//! delivered before its entry is durable, and memory changes only after the commit, so a failed one leaves no trace.

use crate::{
    directory::{Directory, change::Change, plan::Planner, policies::texts_of, warnings::WarningOf},
    entry::{BlockBuilder, Built, Entry, Note, Payload, Seal},
    live::{Committed, LiveRecord},
    notices::{self, Outgoing},
    publish::{Answer, PublishJob, plan_batches},
    refused_before::Refused,
    shared::Shared,
    types::{PublishError, RecordAnswer},
};
use commonroll_audit::frontier::Frontier;
use commonroll_core::Timestamp;
use commonroll_store::{Commit, CommitError, FactRow, FeedRow, IdRow, TileRow};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{mpsc, oneshot};

/// Records in one transaction at most. Ids of a day's records stand in no order: the more of them a transaction has, the fewer
/// pages of their index are written for each.
const GROUP_RECORDS: usize = 4_000;
/// Entries from which a block ends with the batch: whoever looks at one record reads its whole block.
const BLOCK_ENTRIES: u32 = 500;
/// Bytes in one transaction, about: a single batch may still bring more.
const GROUP_BYTES: usize = 16 << 20;
/// Tries when other nodes keep taking the end of the log.
const RACES: usize = 20;

/// The log could not be written. Nothing of the group took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteFault;

/// Work for the writer.
pub enum Job {
    /// A batch of records.
    Publish(Box<PublishJob>),
    /// A change of the directory, or a note alone.
    Change(Box<ChangeJob>),
    /// Read what other nodes have appended.
    Follow(oneshot::Sender<Result<(), WriteFault>>),
}

/// A change that is planned by the writer, against the directory as it will be.
pub struct ChangeJob {
    /// Plans the changes; run again if another node was faster.
    pub plan: Box<dyn FnMut(&mut Work<'_>) + Send>,
    /// Told when the entries are durable, or that they are not.
    pub done: Box<dyn FnOnce(Result<(), WriteFault>) + Send>,
    /// True if it must not be decided before what other nodes appended has been read: a join must see the invitation.
    pub fresh: bool,
    /// Who does it.
    pub by: String,
    /// When.
    pub now: Timestamp,
}

/// What a change may do: alter the directory, and leave notes.
pub struct Work<'a> {
    /// For changes.
    pub planner: Planner<'a>,
    /// For entries that change nothing.
    pub notes: &'a mut Vec<(String, serde_json::Value)>,
    /// What else is to be read in the entries of the changes: nothing personal.
    pub more: serde_json::Value,
    /// For notices and answers, and for records that are sent again.
    pub outgoing: &'a mut Vec<Outgoing>,
}

/// One commit in the making.
pub struct Plan {
    /// Blocks that are whole: all of them once it has ended.
    pub blocks: Vec<Built>,
    block: BlockBuilder,
    pub frontier: Frontier,
    pub ids: Vec<IdRow>,
    pub superseded: Vec<IdRow>,
    pub feeds: BTreeMap<u16, Vec<u64>>,
    pub facts: BTreeMap<(u8, Vec<u8>), FactRow>,
    pub tiles: Vec<TileRow>,
    pub changes: Vec<Change>,
    pub batches: BTreeMap<u16, u64>,
    pub live: Vec<LiveRecord>,
    /// Entries of feeds that are no records: recipient and place.
    pub special: Vec<(u16, u64)>,
    /// Copies that their sources took back: recipient, place of what was published before, learner.
    pub taken_back: Vec<(u16, u64, u32)>,
    /// Records about learners whom no placement covers, and when the last of them came.
    pub strangers: BTreeMap<WarningOf, (u32, Timestamp)>,
    /// What was refused of batches: source, what, and when.
    pub refused: Vec<(u16, Vec<Refused>, Timestamp)>,
    /// Bytes of the batches that have a new record in here.
    pub bytes: usize,
    /// When the first of it was done.
    at: Option<Timestamp>,
    first: u64,
    salts: [u8; 32],
}

impl Plan {
    /// A plan for the next block.
    pub fn new(frontier: &Frontier, salts: [u8; 32]) -> Self {
        Self {
            blocks: Vec::new(),
            block: BlockBuilder::default(),
            frontier: frontier.clone(),
            ids: Vec::new(),
            superseded: Vec::new(),
            feeds: BTreeMap::new(),
            facts: BTreeMap::new(),
            tiles: Vec::new(),
            changes: Vec::new(),
            batches: BTreeMap::new(),
            live: Vec::new(),
            special: Vec::new(),
            taken_back: Vec::new(),
            strangers: BTreeMap::new(),
            refused: Vec::new(),
            bytes: 0,
            at: None,
            first: frontier.size(),
            salts,
        }
    }

    /// The sequence number that the next entry gets, counted from 0.
    pub fn next(&self) -> u64 {
        self.frontier.size()
    }

    /// Adds an entry; gives its sequence number.
    pub fn push(&mut self, entry: &Entry, payload: &Payload) -> u64 {
        let seq = self.next();
        let leaf = self.block.push(seq, entry, payload);
        let tiles = &mut self.tiles;
        self.frontier.push_with(leaf, |height, index, hash| {
            if height > 0 && height % 8 == 0 {
                tiles.push(TileRow { level: height / 8, index, hash: *hash });
            }
        });
        seq
    }

    /// Goes on in a new block, if this one is large. To be called only between what belongs together: other nodes take a log
    /// in block by block.
    pub fn turn(&mut self) {
        if self.block.count >= BLOCK_ENTRIES {
            self.end();
        }
    }

    /// Ends the block.
    pub fn end(&mut self) {
        if self.block.count > 0 {
            self.blocks.push(std::mem::take(&mut self.block).built(&self.frontier));
        }
    }

    /// Adds the seal of a batch.
    pub fn seal(&mut self, seal: &Seal) -> u32 {
        self.block.seal(seal)
    }

    /// Adds a change as an entry, with what it says as payload and as the newest fact of its key; `more` is to be read in
    /// the entry itself.
    pub fn change_with(&mut self, change: &Change, by: &str, more: serde_json::Value, now: Timestamp) {
        let json = serde_json::to_vec(change).expect("a change is plain text");
        let salt = self.salt();
        let note = Note {
            what: change.name().to_owned(),
            by: by.to_owned(),
            at_us: now.micros(),
            payload: Payload::commitment(&salt, &json),
            more,
        };
        self.at.get_or_insert(now);
        let seq = self.push(&Entry::Note(note), &Payload::Change { salt, change: Box::new(change.clone()) });
        self.fact(change, seq);
    }

    /// Adds an entry that changes nothing.
    pub fn note(&mut self, what: &str, by: &str, more: serde_json::Value, now: Timestamp) {
        let note = Note {
            what: what.to_owned(),
            by: by.to_owned(),
            at_us: now.micros(),
            payload: String::new(),
            more,
        };
        self.at.get_or_insert(now);
        self.push(&Entry::Note(note), &Payload::None);
    }

    /// Keeps a change as the newest of its key; a row that it ends goes.
    pub fn fact(&mut self, change: &Change, seq: u64) {
        let json = serde_json::to_vec(change).expect("a change is plain text");
        for (kind, key, value) in change.rows(json) {
            self.facts.insert((kind, key.clone()), FactRow { kind, key, seq, value });
        }
    }

    /// When, in microseconds; 0 for an empty plan.
    fn at_us(&self) -> i64 {
        self.live.first().map(|record| record.entry.accepted_at).or(self.at).map_or(0, Timestamp::micros)
    }

    fn salt(&self) -> [u8; 16] {
        let mut input = self.salts.to_vec();
        input.extend(self.next().to_be_bytes());
        let mut salt = [0; 16];
        salt.copy_from_slice(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &input).as_ref()[..16]);
        salt
    }
}

/// The writer and what it alone may change.
pub struct Writer {
    pub shared: Arc<Shared>,
    pub working: Directory,
    pub frontier: Frontier,
    pub salts: [u8; 32],
}

impl Writer {
    /// Works until the last sender is gone.
    pub async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.recv().await {
            let (mut records, mut bytes) = weight(&first);
            let mut group = vec![first];
            while records < GROUP_RECORDS && bytes < GROUP_BYTES {
                let Ok(job) = jobs.try_recv() else { break };
                let more = weight(&job);
                (records, bytes) = (records + more.0, bytes + more.1);
                group.push(job);
            }
            self.commit_group(group).await;
        }
    }

    async fn commit_group(&mut self, group: Vec<Job>) {
        // The doors ask first; what slipped in between must not become history.
        let (ahead, mut group): (Vec<_>, Vec<_>) = group.into_iter().partition(|job| self.is_ahead(job));
        self.fail(ahead);
        let mut again = false;
        for _ in 0..RACES {
            if self.shared.disk.refuses_records() {
                group = refuse_records(group);
            }
            if group.is_empty() {
                return;
            }
            if group.iter().any(wants_fresh) && self.follow().await.is_err() {
                return self.fail(group);
            }
            let Ok((plan, answers)) = self.plan(&mut group).await else {
                self.reset();
                return self.fail(group);
            };
            // A no may only mean that another node knows more: look before it is said.
            if answers.iter().any(is_no) && self.behind().await {
                self.reset();
                if self.follow().await.is_err() {
                    return self.fail(group);
                }
                continue;
            }
            if plan.blocks.is_empty() {
                self.note_batches(&plan);
                return finish(group, answers);
            }
            match self.commit(&plan, again).await {
                Ok(()) => {
                    self.publish_plan(plan);
                    return finish(group, answers);
                }
                Err(Outcome::Lost) => {
                    self.reset();
                    if self.follow().await.is_err() {
                        return self.fail(group);
                    }
                }
                // Changes are tried again on what was held in reserve; records are not.
                Err(Outcome::Room) => {
                    self.reset();
                    again = true;
                }
                Err(Outcome::Failed) => {
                    self.reset();
                    return self.fail(group);
                }
            }
        }
        self.reset();
        self.fail(group);
    }

    /// True for work whose time can't be believed.
    fn is_ahead(&self, job: &Job) -> bool {
        let at = match job {
            Job::Publish(batch) => batch.now,
            Job::Change(change) => change.now,
            Job::Follow(_) => return false,
        };
        self.shared.newest.is_behind(at)
    }

    /// Nothing of a group took effect. A full disk is told apart: whoever sends must wait for an operator.
    fn fail(&self, group: Vec<Job>) {
        let error = match self.shared.disk.is_full() {
            true => PublishError::Full,
            false => PublishError::Unavailable,
        };
        for job in group {
            match job {
                Job::Publish(batch) => {
                    let _ = batch.reply.send(Err(error.clone()));
                }
                Job::Change(change) => (change.done)(Err(WriteFault)),
                Job::Follow(done) => {
                    let _ = done.send(Err(WriteFault));
                }
            }
        }
    }

    async fn behind(&self) -> bool {
        let head = self.shared.store.head().await;
        head.is_ok_and(|head| head.is_some_and(|h| h.first_seq + u64::from(h.n) > self.frontier.size()))
    }

    async fn plan(&mut self, group: &mut [Job]) -> Result<(Plan, Vec<Answer>), WriteFault> {
        let mut plan = Plan::new(&self.frontier, self.salts);
        let mut batches: Vec<&PublishJob> = Vec::new();
        for job in group.iter_mut() {
            match job {
                Job::Publish(batch) => batches.push(batch),
                Job::Change(change) => plan_change(&mut plan, &mut self.working, change),
                Job::Follow(_) => {}
            }
        }
        let answers = plan_batches(&self.shared, &mut self.working, &mut plan, &batches).await?;
        plan.end();
        Ok((plan, answers))
    }

    async fn commit(&self, plan: &Plan, again: bool) -> Result<(), Outcome> {
        let blocks: Vec<_> = plan.blocks.iter().map(Built::as_new).collect();
        let feeds: Vec<_> = plan
            .feeds
            .iter()
            .map(|(recipient, seqs)| FeedRow { recipient: u32::from(*recipient), seqs: seqs.clone() })
            .collect();
        let facts: Vec<_> = plan.facts.values().cloned().collect();
        let commit = Commit {
            first_seq: plan.first,
            blocks: &blocks,
            ids: &plan.ids,
            superseded: &plan.superseded,
            feeds: &feeds,
            facts: &facts,
            tiles: &plan.tiles,
            at_us: plan.at_us(),
        };
        match self.shared.store.commit(&commit).await {
            Ok(()) => {
                self.shared.disk.wrote();
                Ok(())
            }
            Err(CommitError::Lost) => Err(Outcome::Lost),
            Err(CommitError::Unknown(_)) => self.settle(plan).await,
            Err(CommitError::Store(error)) if self.shared.wrote_in_vain(&error, again) => Err(Outcome::Room),
            Err(CommitError::Store(error)) => {
                tracing::error!(%error, "the log could not be written");
                Err(Outcome::Failed)
            }
        }
    }

    /// An unknown outcome is settled by looking, never by sending again.
    async fn settle(&self, plan: &Plan) -> Result<(), Outcome> {
        let (first, ours) = (plan.first, plan.blocks.first().map(|block| &block.frontier));
        let found = self.shared.store.blocks(first, 1, false).await.map_err(|error| {
            tracing::error!(%error, "whether the log was written can't be seen now; what came is asked for again");
            Outcome::Failed
        })?;
        match found.first() {
            Some(block) if block.first_seq == first && Some(&block.frontier) == ours => Ok(()),
            Some(_) => Err(Outcome::Lost),
            None => Err(Outcome::Failed),
        }
    }

    fn note_batches(&self, plan: &Plan) {
        for (of, (count, at)) in &plan.strangers {
            self.shared.warnings.count(*of, *count, *at);
        }
        for (source, refused, at) in &plan.refused {
            self.shared.refused_before.remember(*source, refused, *at);
        }
        let mut live = self.shared.directory_mut();
        plan.batches.iter().for_each(|(source, number)| live.saw_batch(*source, *number));
    }

    fn publish_plan(&mut self, plan: Plan) {
        self.note_batches(&plan);
        if !plan.changes.is_empty() {
            let mut live = self.shared.directory_mut();
            plan.changes.iter().for_each(|change| {
                self.shared.dirt().add(change, &live);
                live.apply(change);
            });
            drop(live);
            self.shared.applied(&plan.changes);
        }
        self.shared.count_accepted(&plan.live);
        self.shared.newest.has_been(plan.at_us());
        self.frontier = plan.frontier;
        let size = self.frontier.size();
        let commit = Committed::new(plan.first, size, plan.bytes, plan.live).and(plan.special);
        self.shared.committed(commit, &self.frontier);
    }

    fn reset(&mut self) {
        self.working = self.shared.directory().clone();
    }

    /// Reads what other nodes appended and makes it so here.
    pub async fn follow(&mut self) -> Result<(), WriteFault> {
        loop {
            let size = self.frontier.size();
            let blocks = self.shared.store.blocks(size, 64, true).await.map_err(|_| WriteFault)?;
            if blocks.is_empty() {
                self.shared.now_current();
                return Ok(());
            }
            for block in blocks {
                let followed = crate::follow::read_block(&block, &self.frontier).map_err(|_| {
                    tracing::error!(first = block.first_seq, "a block of the log is damaged");
                    WriteFault
                })?;
                self.load_policies(&followed.changes);
                {
                    let mut live = self.shared.directory_mut();
                    for change in &followed.changes {
                        self.shared.dirt().add(change, &live);
                        live.apply(change);
                    }
                    followed.batches.iter().for_each(|(source, number)| live.saw_batch(*source, *number));
                }
                self.shared.applied(&followed.changes);
                (0..followed.started).for_each(|_| self.shared.newcomer());
                self.shared.newest.has_been(block.at_us);
                self.frontier = followed.frontier;
                self.shared.followed(&self.frontier);
            }
            self.reset();
        }
    }
}

impl Writer {
    /// Loading a set takes tens of milliseconds: it is done before anybody has to wait for the directory.
    fn load_policies(&self, changes: &[Change]) {
        let shelf = self.working.policies().shelf();
        for change in changes {
            if let Change::Policy { texts, .. } = change
                && !texts.is_empty()
                && let Err(fault) = shelf.load(texts_of(texts))
            {
                tracing::error!(%fault, "the policy set in force can't be used; everything is denied");
            }
        }
    }
}

fn is_no(answer: &Answer) -> bool {
    let rejected = |r: &RecordAnswer| matches!(r, RecordAnswer::Rejected { .. });
    answer.as_ref().map_or(true, |answer| answer.results.iter().any(rejected))
}

enum Outcome {
    Lost,
    /// The disk was full, and what was held in reserve has been given back.
    Room,
    Failed,
}

fn plan_change(plan: &mut Plan, working: &mut Directory, job: &mut ChangeJob) {
    let (mut changes, mut notes, mut outgoing) = (Vec::new(), Vec::new(), Vec::new());
    let mut work = Work {
        planner: Planner { directory: working, changes: &mut changes },
        notes: &mut notes,
        more: serde_json::Value::Null,
        outgoing: &mut outgoing,
    };
    (job.plan)(&mut work);
    let more = work.more;
    changes.iter().for_each(|change| plan.change_with(change, &job.by, more.clone(), job.now));
    notes.into_iter().for_each(|(what, more)| plan.note(&what, &job.by, more, job.now));
    plan.changes.extend(changes);
    outgoing.into_iter().for_each(|outgoing| notices::put(plan, working, outgoing, &job.by, job.now));
}

/// Answers whoever publishes that the disk is full; gives what is left of the group.
fn refuse_records(group: Vec<Job>) -> Vec<Job> {
    let not_refused = |job| match job {
        Job::Publish(batch) => {
            let _ = batch.reply.send(Err(PublishError::Full));
            None
        }
        other => Some(other),
    };
    group.into_iter().filter_map(not_refused).collect()
}

fn wants_fresh(job: &Job) -> bool {
    match job {
        Job::Publish(_) => false,
        Job::Change(change) => change.fresh,
        Job::Follow(_) => true,
    }
}

/// Records and bytes of a job.
fn weight(job: &Job) -> (usize, usize) {
    match job {
        Job::Publish(batch) => (batch.records.len().max(1), batch.bytes),
        Job::Change(_) => (10, 4096),
        Job::Follow(_) => (0, 0),
    }
}

fn finish(group: Vec<Job>, answers: Vec<Answer>) {
    let mut answers = answers.into_iter();
    for job in group {
        match job {
            Job::Publish(batch) => {
                if let Some(answer) = answers.next() {
                    let _ = batch.reply.send(answer);
                }
            }
            Job::Change(change) => (change.done)(Ok(())),
            Job::Follow(done) => {
                let _ = done.send(Ok(()));
            }
        }
    }
}

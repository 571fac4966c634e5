//! What every task of the exchange shares: the store, the directory as it is with the policies in force, and the newest commits.
//!
//! Only the writer changes any of it, and only after a commit.

use crate::{
    ahead::Newest,
    asides::Told,
    by_learner::Tail,
    desk::Contacts,
    directory::{
        Directory,
        change::{Bytes16, Change},
        duties::Going,
        tokens::MatchingKey,
    },
    disk::Disk,
    duty::{ranges::Ranges, retention::Retention},
    live::{Committed, LiveRecord, Ring, Sizes},
    reading::Misses,
    recall::{Recall, dirt::Dirt},
    refusals::Refusals,
    refused_before::RefusedBefore,
    sessions::Tidied,
    turns::Turns,
    views::Views,
    writer::{Job, WriteFault},
};
use commonroll_audit::{checkpoint::LogKey, frontier::Frontier};
use commonroll_core::{PersonId, RecordKind};
use commonroll_store::{Store, StoreError};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};

/// Shared by every task.
pub struct Shared {
    pub store: Arc<dyn Store>,
    pub sizes: Sizes,
    pub key: MatchingKey,
    pub log_key: LogKey,
    pub jobs: mpsc::Sender<Job>,
    pub closing: AtomicBool,
    /// True once a flush has failed: nothing can be promised any more, and the process must end.
    pub failed: AtomicBool,
    /// Whether the database has room.
    pub disk: Disk,
    /// How late it is known to have been: no clock far ahead of that is believed.
    pub newest: Newest,
    /// True while the log does not say yet that this node has started.
    pub starting: AtomicBool,
    pub refusals: Mutex<Refusals>,
    /// Records that were refused lately.
    pub refused_before: RefusedBefore,
    /// Readings that were refused to a person lately.
    pub misses: Misses,
    /// What was refused lately of which data managers are to be warned.
    pub warnings: crate::warnings::Refused,
    /// When sessions that are over were last taken out.
    pub tidied: Tidied,
    /// The views of a node that serves.
    pub views: std::sync::OnceLock<Views>,
    /// Policy sets that were refused.
    pub policy_rejected: AtomicU64,
    directory: RwLock<Directory>,
    ring: RwLock<Ring>,
    frontier: RwLock<Frontier>,
    size: watch::Sender<u64>,
    sent: Mutex<HashMap<u16, u64>>,
    /// Grows with every emergency access that is opened or reviewed.
    pub emergencies: watch::Sender<u64>,
    /// Up to here another process may have sent the log: the one before this, or another node.
    theirs: AtomicU64,
    /// True once another node was seen to append: it may then send what this one appends, too.
    has_peers: AtomicBool,
    /// Nodes that were seen to start, and how many of them were told that this one runs.
    newcomers: AtomicU64,
    greeted: AtomicU64,
    tries: AtomicU64,
    /// Where the log ended when the index by learner was last looked at.
    pub looked: AtomicU64,
    /// How far that index had come, as this node last saw it.
    pub indexed: AtomicU64,
    /// What it lacks, as it was read last.
    pub tail: Mutex<Tail>,
    commits: AtomicU64,
    /// Records that this node has made durable, by kind.
    accepted: [AtomicU64; RecordKind::ALL.len()],
    /// When this node last knew that it had read the whole log.
    current: Mutex<Option<Instant>>,
    /// Up to where withheld deliveries have their entries, by recipient.
    withheld: Mutex<HashMap<u16, u64>>,
    /// How far recipients say, and can be believed, that they hold their feed.
    claimed: Mutex<HashMap<u16, u64>>,
    /// What changes and dates have left to be looked at.
    dirt: Mutex<Dirt>,
    /// What this node has taken out of its blocks, of that which is not said to be gone yet.
    removed: Mutex<BTreeMap<Bytes16, Arc<Going>>>,
    /// Held while a page is made and until it counts as sent.
    pub leaving: tokio::sync::RwLock<()>,
    /// Held while a change is tried.
    pub trying: Arc<tokio::sync::Mutex<()>>,
    /// Held while records are taken out as a file.
    pub exporting: tokio::sync::Mutex<()>,
    /// Who has a check of the whole log running.
    pub checking: Turns<PersonId>,
    /// Whose agent is being told of a day.
    pub days: Turns<u16>,
    /// When agents were last heard.
    pub contacts: Contacts,
    /// What they told lately of records that they could not write.
    pub asides: Told,
    /// The sweep under way.
    pub recall: tokio::sync::Mutex<Recall>,
    /// Held while payloads are taken out; and how far the look for what is kept no longer has come.
    pub retention: tokio::sync::Mutex<Retention>,
}

/// How long a node may decide without looking whether others appended.
const CURRENT_FOR: Duration = Duration::from_millis(500);

impl Shared {
    /// Puts the parts together.
    pub fn new(
        store: Arc<dyn Store>,
        sizes: Sizes,
        key: MatchingKey,
        log_key: LogKey,
        jobs: mpsc::Sender<Job>,
    ) -> Self {
        Self {
            store,
            sizes,
            key,
            log_key,
            jobs,
            closing: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            disk: Disk::default(),
            newest: Newest::default(),
            starting: AtomicBool::new(false),
            refusals: Mutex::default(),
            refused_before: RefusedBefore::default(),
            misses: Misses::default(),
            warnings: crate::warnings::Refused::default(),
            tidied: Tidied::default(),
            views: std::sync::OnceLock::new(),
            policy_rejected: AtomicU64::new(0),
            directory: RwLock::default(),
            ring: RwLock::default(),
            frontier: RwLock::new(Frontier::new()),
            size: watch::Sender::new(0),
            sent: Mutex::default(),
            emergencies: watch::Sender::new(0),
            theirs: AtomicU64::new(0),
            has_peers: AtomicBool::new(false),
            newcomers: AtomicU64::new(0),
            greeted: AtomicU64::new(0),
            tries: AtomicU64::new(1),
            looked: AtomicU64::new(0),
            indexed: AtomicU64::new(0),
            tail: Mutex::default(),
            commits: AtomicU64::new(0),
            accepted: std::array::from_fn(|_| AtomicU64::new(0)),
            current: Mutex::default(),
            withheld: Mutex::default(),
            claimed: Mutex::default(),
            dirt: Mutex::default(),
            removed: Mutex::default(),
            leaving: tokio::sync::RwLock::default(),
            trying: Arc::default(),
            exporting: tokio::sync::Mutex::default(),
            checking: Turns::default(),
            days: Turns::default(),
            contacts: Contacts::default(),
            asides: Told::default(),
            recall: tokio::sync::Mutex::default(),
            retention: tokio::sync::Mutex::default(),
        }
    }

    /// The directory as it is.
    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the writer, after a commit.
    pub fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest commits.
    pub fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Payloads at these places have gone: none of them stays in memory.
    pub fn forget(&self, of: &Ranges) {
        self.ring.write().unwrap_or_else(PoisonError::into_inner).forget(of);
    }

    /// The log's tree as committed.
    pub fn frontier(&self) -> Frontier {
        self.frontier.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many entries the log has, and a way to wait for more.
    pub fn size(&self) -> watch::Receiver<u64> {
        self.size.subscribe()
    }

    /// The last cursor sent to each recipient.
    pub fn sent(&self) -> MutexGuard<'_, HashMap<u16, u64>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last cursor that can have been sent to a recipient, by whichever process.
    pub fn could_have_sent(&self, recipient: u16) -> u64 {
        if self.has_peers.load(Ordering::Relaxed) {
            return *self.size.borrow();
        }
        let sent = self.sent().get(&recipient).copied().unwrap_or(0);
        sent.max(self.theirs.load(Ordering::Relaxed))
    }

    /// Reads what other nodes have appended.
    pub async fn follow(&self) -> Result<(), WriteFault> {
        let (sender, receiver) = oneshot::channel();
        self.jobs.send(Job::Follow(sender)).await.map_err(|_| WriteFault)?;
        receiver.await.map_err(|_| WriteFault)?
    }

    /// Another node says in the log that it has started.
    pub fn newcomer(&self) {
        self.newcomers.fetch_add(1, Ordering::Relaxed);
    }

    /// How many nodes have started beside this one, if not all of them know that it runs.
    pub fn not_greeted(&self) -> Option<u64> {
        let newcomers = self.newcomers.load(Ordering::Relaxed);
        (self.greeted.load(Ordering::Relaxed) < newcomers).then_some(newcomers)
    }

    /// So many of them know by now.
    pub fn greeted(&self, newcomers: u64) {
        self.greeted.fetch_max(newcomers, Ordering::Relaxed);
    }

    /// How far a recipient was surely handed its feed, as far as this node and the log know.
    pub fn handed(&self, directory: &Directory, recipient: u16) -> u64 {
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner).get(&recipient).copied();
        let sent = self.sent().get(&recipient).copied();
        let acknowledged = directory.institution(recipient).map_or(0, |s| s.cursor);
        claimed.max(sent).unwrap_or(0).max(acknowledged)
    }

    /// A recipient shows that it holds its feed up to here, as another process can have handed it out: what is in there
    /// is looked at again.
    pub fn claims(&self, directory: &Directory, recipient: u16, cursor: u64) {
        let held = self.handed(directory, recipient);
        if cursor <= held || cursor > self.could_have_sent(recipient) {
            return;
        }
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner).insert(recipient, cursor);
        self.dirt().handed(recipient, held);
    }

    /// What was taken out of its blocks and is not said to be gone yet: its blocks need not be read again.
    pub fn removed(&self) -> MutexGuard<'_, BTreeMap<Bytes16, Arc<Going>>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write came to nothing, and again is true if it had already. Where a flush failed, nothing can be promised any more; true
    /// if the disk was full and what is small and matters is to be tried again.
    pub fn wrote_in_vain(&self, error: &StoreError, again: bool) -> bool {
        if matches!(error, StoreError::Flush(_)) {
            self.failed.store(true, Ordering::Relaxed);
        }
        self.disk.failed(error, again)
    }

    /// Writes something small beside the log, and once more if the disk was full.
    pub async fn write<T, W>(&self, write: impl Fn() -> W) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        match write().await {
            Err(error) if self.wrote_in_vain(&error, false) => write().await.inspect_err(|error| {
                self.wrote_in_vain(error, true);
            }),
            outcome => outcome,
        }
    }

    /// What is left to be looked at.
    pub fn dirt(&self) -> MutexGuard<'_, Dirt> {
        self.dirt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if this node has lately seen the end of the log.
    pub fn is_current(&self) -> bool {
        let seen = *self.current.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_some_and(|at| at.elapsed() < CURRENT_FOR)
    }

    /// This node has read the log to its end.
    pub fn now_current(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// What was withheld from a recipient up to a place has its entry by now: gives the last such place.
    pub fn noted_withheld(&self, recipient: u16, up_to: u64) -> u64 {
        let mut held = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = held.entry(recipient).or_default();
        *noted = (*noted).max(up_to);
        *noted
    }

    /// True at every fourth call: what fails is not tried at every tick.
    pub fn next_try(&self) -> bool {
        self.tries.fetch_add(1, Ordering::Relaxed).is_multiple_of(4)
    }

    /// How many transactions this node has committed.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Counts records whose entries are durable, whether or not anybody waits for the answer.
    pub fn count_accepted(&self, records: &[LiveRecord]) {
        for (kind, count) in RecordKind::ALL.iter().zip(&self.accepted) {
            let more = records.iter().filter(|record| record.entry.kind == *kind).count();
            count.fetch_add(more as u64, Ordering::Relaxed);
        }
    }

    /// How many records this node has made durable, by kind.
    pub fn accepted(&self) -> Vec<(&'static str, u64)> {
        let count = |(kind, count): (&RecordKind, &AtomicU64)| (kind.as_str(), count.load(Ordering::Relaxed));
        RecordKind::ALL.iter().zip(&self.accepted).map(count).collect()
    }

    /// Our own commit is durable.
    pub fn committed(&self, commit: Committed, frontier: &Frontier) {
        self.ring.write().unwrap_or_else(PoisonError::into_inner).push(commit, self.sizes.ring_bytes);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.now_current();
        self.moved(frontier);
    }

    /// The directory has taken these changes: pages that wait for one hear of it.
    pub fn applied(&self, changes: &[Change]) {
        if changes.iter().any(|change| matches!(change, Change::Emergency { .. })) {
            self.emergencies.send_modify(|turn| *turn += 1);
        }
    }

    /// The log was opened: who wrote it may have sent it.
    pub fn opened(&self, frontier: &Frontier) {
        self.theirs.store(frontier.size(), Ordering::Relaxed);
        self.moved(frontier);
    }

    /// Another node's commit was read.
    pub fn followed(&self, frontier: &Frontier) {
        self.has_peers.store(true, Ordering::Relaxed);
        self.ring.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.moved(frontier);
    }

    fn moved(&self, frontier: &Frontier) {
        *self.frontier.write().unwrap_or_else(PoisonError::into_inner) = frontier.clone();
        self.size.send_replace(frontier.size());
    }
}

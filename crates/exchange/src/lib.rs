//! The law of the exchange: who may speak, what is accepted, who gets it, and the one log that all of it is in.
//!
//! It knows no transport and no timer: a door parses, calls once, and answers. Every promise that Commonroll makes
//! about records (once, in order, only to those entitled, provably) is kept in here, so that a simulation can check it
//! without a socket.

mod agreements;
mod ahead;
mod alignment;
mod asides;
mod by_learner;
pub mod directory;
pub mod types;

mod decide;
mod desk;
mod disk;
mod duty;
mod emergency;
mod enrol;
mod entry;
mod evidence;
mod explain;
mod exports;
mod feed;
mod figures;
mod follow;
mod import;
mod live;
mod matches;
mod messages;
mod notices;
mod office;
mod people;
mod policies;
mod progress;
mod projection;
mod proofs;
mod publish;
mod questions;
mod readiness;
mod reading;
mod recall;
mod refusals;
mod refused_before;
mod rooms;
mod sessions;
mod shared;
mod stretch;
mod subject;
mod trial;
mod turns;
mod verify;
mod views;
mod warnings;
mod watches;
mod whereabouts;
pub mod withdrawal;
mod writer;

pub use agreements::{AgreementSeen, agreement_hash, ending_hash};
pub use ahead::ClockAhead;
pub use alignment::{AlignmentSeen, ConventionSeen, Stands};
pub use desk::{
    AgentSeen, AgentsSeen, Cell, Cells, CheckError, Checked, ClaimSeen, Deed, FieldSeen, Gap, GuestSeen,
    LogKind, LogLine, LogPage, MovedHow, MovedSeen, PAGE_LINES, PartnerSeen, ProofSeen, RoleSees,
    SharingSeen, Step, UnmatchedPart, UnmatchedSeen, UnmatchedTotals, WAITING_MOST, WaitingSeen, Way,
};
pub use directory::agreements::{Ending, Signed, Standing};
pub use directory::alerts::AlertId;
pub use directory::approvals::Approval;
pub use directory::change::Keeping;
pub use directory::codes::{Carriage, Carried};
pub use directory::matches::{MatchDeed, MatchId};
pub use directory::messages::MessageId;
pub use directory::policies::Proposal;
pub use directory::sending::{Channel, SendFault};
pub use directory::warnings::WarningSort;
pub use directory::watches::{WatchId, Watched};
pub use disk::Reserve;
pub use duty::{
    BreachBy, BreachSpan, Ended, Erasing, Erasure, ErasureReason, Pack, Piece, RetentionRule, RetentionSeen,
    leaving_hash,
};
pub use emergency::{EmergencyNews, EmergencyOpened, EmergencySeen, ReviewSeen};
pub use explain::{Explained, GroupSaid, RuleSaid, Which, Whom};
pub use exports::{
    EXPORT_ROWS, ExportAsk, ExportError, ExportKey, ExportMade, ExportRow, ExportSeen, ExportsSeen, FRESH_US,
    GOOD_FOR_US, PER_DAY, STRONG_LEARNERS,
};
pub use feed::Feed;
pub use figures::{InstitutionStats, Stats};
pub use import::{
    AgreementTerms, ConsortiumFile, ImportReport, MadePerson, PersonText, PlacementText, SignatureText,
    SignedText,
};
pub use live::Sizes;
pub use matches::{
    AgreedSeen, DoubleSeen, FitSeen, HomeSeen, LinkSeen, LinksSeen, MainSeen, MainWord, MatchStepSeen,
    OptionSeen, Points, QuestionSeen, ReusedSeen, Taking,
};
pub use messages::{AnswerSeen, MessageSeen, TellSeen, Telling};
pub use office::{Acting, LawError};
pub use people::{
    Inviter, JoinedPerson, Listed, OpenInvitation, PersonInvitation, PersonSeen, PersonWanted, ProviderSays,
    SignInError,
};
pub use policies::{PolicyProposal, Proposed, policy_change_hash};
pub use progress::{ProgressAsk, ProgressSeen};
pub use projection::ReadBody;
pub use publish::BATCH_RECORDS;
pub use questions::{
    AskError, Asker, Direction, Event, Question, Reached, Reader, Saw, Sharing, Topic, Window,
};
pub use readiness::{
    CodeMapped, DayError, DayHeld, HeldSeen, MappingCounts, MappingOf, MappingSeen, PartnerReadiness,
    ProblemSeen, ProblemsSeen, ReadinessSeen, STEP_KINDS, ScaleMapped, SourceHeld, StepMay, StepOf, StepSeen,
    StepStands, StepsSeen, SubjectMapped, TellError, UnlockEvidence,
};
pub use reading::{
    CardSeen, KindSaid, PlacementSeen, PresenceSeen, ReadAsk, ReadError, Reading, RecordSeen, RecordState,
};
pub use rooms::{
    AskedSeen, AwaySeen, GroupKey, GroupLine, GroupSeen, LearnerRead, LearnersSeen, LessonTime, MyGroups,
    PlaceSeen, RuleSeen, SourceSeen, VisitorSeen,
};
pub use sessions::{SESSION_IDLE_US, SESSION_LIFE_US, SessionError, SessionId, SessionSeen, SignInProof};
pub use stretch::Stretch;
pub use subject::SubjectExport;
pub use trial::{Trial, Tried, TriedLine};
pub use types::*;
pub use verify::{Verified, VerifyError};
pub use warnings::WarningSeen;
pub use whereabouts::{
    AlarmSeen, AlertTold, Answered, BoardAsk, BoardPart, BoardSeen, BoardTotals, Choice, CodeAnswer, CodeRow,
    CodeSeen, CodeStands, CodesFile, CodesOf, CodesSeen, ConflictSeen, DecidedSeen, EvacuationSeen,
    FoundSeen, HostSeen, LessonSeen, LineSeen, Looks, OutCode, Outbound, OutboundAlert, ProposalSeen,
    Proposals, Ring, SaidSeen, SentSeen, SentState, Session, ThereSeen, ToldSeen, number_of_lesson,
};

pub use watches::{Dropped, WatchSeen, WatchesSeen};

use commonroll_audit::{
    checkpoint::LogKey,
    frontier::Frontier,
    keys::SigningKey,
    receipt::{ReceiptDigest, verify_receipt},
};
use commonroll_core::{Invalid, Slug, Timestamp, directory::Declaration};
use directory::{
    Directory,
    change::{Bytes32, Change, hex, kind},
    tokens::MatchingKey,
};
use shared::Shared;
use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};
use writer::{ChangeJob, Job, Work, WriteFault, Writer};

/// Tells the time. The binary has the real one; a test says when it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// False for one that stands still, at the newest time that is known, while the machine's can't be believed.
    fn is_believed(&self) -> bool {
        true
    }
}

/// The secrets of a hub, from its key folder. Never in the database.
#[derive(Clone)]
pub struct Keys {
    /// Seed of the Ed25519 key that signs checkpoints.
    pub log_seed: [u8; 32],
    /// Key of the hashes by which learners are matched.
    pub matching: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// What an exchange is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite:PATH`, `sqlite::memory:` or `postgres://...`.
    pub database: String,
    /// The hub's secrets.
    pub keys: Keys,
    /// Name of the consortium: origin of the log. Visible ASCII without spaces or `+`.
    pub consortium: String,
    /// Fresh randomness, for the salts of this process.
    pub seed: [u8; 32],
}

/// Why an exchange could not be opened. Fails closed: nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database refused, or is not safe.
    #[error("database: {0}")]
    Store(#[from] commonroll_store::StoreError),
    /// The policy set in force is not sound for this program.
    #[error("the policy set in force can't be used, so nothing is served: {0}")]
    Policy(#[from] commonroll_policy::PolicyError),
    /// A key or the consortium's name is not usable.
    #[error("field `{field}`: {rule}")]
    Setting {
        /// Which.
        field: &'static str,
        /// What to do.
        rule: String,
    },
    /// The log or a directory row is damaged.
    #[error(
        "the log is damaged at entry {sequence}; run `commonroll audit verify` and restore from a backup"
    )]
    Damaged {
        /// Where, counted from 1.
        sequence: u64,
    },
}

impl OpenError {
    /// True if there was no room on the disk of the database.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Store(commonroll_store::StoreError::Full(_)))
    }
}

/// The exchange. Cheap to clone; every door has one.
#[derive(Clone)]
pub struct Exchange {
    shared: Arc<Shared>,
    failures: Arc<enrol::Failures>,
}

/// Does work in the log's one writer, on the directory as every node has made it; what it returns is given back when its
/// entries are durable.
async fn submit_with<T: Send + 'static>(
    shared: &Shared,
    by: &str,
    now: Timestamp,
    work: impl FnMut(&mut Work<'_>) -> T + Send + 'static,
) -> Result<T, WriteFault> {
    submit_job(shared, by, now, true, work).await
}

async fn submit_job<T: Send + 'static>(
    shared: &Shared,
    by: &str,
    now: Timestamp,
    fresh: bool,
    mut work: impl FnMut(&mut Work<'_>) -> T + Send + 'static,
) -> Result<T, WriteFault> {
    let (sender, receiver) = oneshot::channel();
    let result = Arc::new(Mutex::new(None));
    let slot = result.clone();
    let job = ChangeJob {
        plan: Box::new(move |w| *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(work(w))),
        done: Box::new(move |outcome| {
            let _ = sender.send(outcome);
        }),
        fresh,
        by: by.to_owned(),
        now,
    };
    shared.jobs.send(Job::Change(Box::new(job))).await.map_err(|_| WriteFault)?;
    receiver.await.map_err(|_| WriteFault)??;
    result.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(WriteFault)
}

/// The same for what depends on nothing that another node may have said: notes, receipts.
async fn submit(
    shared: &Shared,
    by: &str,
    now: Timestamp,
    work: impl FnMut(&mut Work<'_>) + Send + 'static,
) -> Result<(), WriteFault> {
    submit_job(shared, by, now, false, work).await
}

impl Exchange {
    /// Opens the store, checks it, loads the directory and starts the writer. Refuses unsafe settings and unsound policies.
    pub async fn open(options: Options, now: Timestamp) -> Result<Self, OpenError> {
        let store = commonroll_store::open(&options.database, &commonroll_store::Settings::default()).await?;
        Self::open_on(store, Sizes::default(), options, now).await
    }

    /// The same on a store that is open already, and with other sizes: for tests. `options.database` is not looked at.
    pub async fn open_on(
        store: Arc<dyn commonroll_store::Store>,
        sizes: Sizes,
        options: Options,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        let setting = |field, rule: &dyn ToString| OpenError::Setting { field, rule: rule.to_string() };
        let signing = SigningKey::from_seed(&options.keys.log_seed).map_err(|e| setting("log_seed", &e))?;
        let log_key = LogKey::new(&format!("commonroll/{}", options.consortium), signing)
            .map_err(|e| setting("consortium", &e))?;
        let (jobs, queue) = mpsc::channel(1024);
        let key = MatchingKey::new(&options.keys.matching);
        let shared = Arc::new(Shared::new(store, sizes, key, log_key, jobs));
        let frontier = load(&shared).await?;
        shared.opened(&frontier);
        let working = shared.directory().clone();
        let writer = Writer { shared: shared.clone(), working, frontier, salts: options.seed };
        tokio::spawn(writer.run(queue));
        let exchange = Self { shared, failures: Arc::default() };
        exchange.policy_in_force(now).await?;
        Ok(exchange)
    }

    /// Says in the log that this node serves agents from now on: other nodes over the same database then know that not
    /// they alone send. A program that only looks, or changes one thing and ends, doesn't call this.
    pub async fn started(&self, now: Timestamp) {
        self.shared.disk.serve().await;
        self.shared.starting.store(true, Ordering::Relaxed);
        self.say_started(now).await;
    }

    /// Tried again at every tick until it is in the log.
    async fn say_started(&self, now: Timestamp) {
        if !self.shared.starting.load(Ordering::Relaxed) || self.clock_holds(now).is_err() {
            return;
        }
        let note =
            |work: &mut Work<'_>| work.notes.push((follow::STARTED.to_owned(), serde_json::Value::Null));
        match submit(&self.shared, "hub", now, note).await {
            Ok(()) => self.shared.starting.store(false, Ordering::Relaxed),
            Err(_) => tracing::warn!("the start of this hub could not be written to the log yet"),
        }
    }

    /// Holds room in reserve on the disk of the database, for what must be written when it is full.
    pub fn hold(&self, reserve: Arc<dyn Reserve>) {
        self.shared.disk.hold(reserve);
    }

    /// After a full disk: an entry that says so is the first thing for which there must be room again.
    async fn look_for_room(&self, now: Timestamp) {
        let disk = &self.shared.disk;
        if !self.shared.next_try() {
            return;
        }
        if !disk.is_full() {
            return disk.keep().await;
        }
        if !disk.has_room().await {
            return;
        }
        let note =
            |work: &mut Work<'_>| work.notes.push(("hub.disk_was_full".to_owned(), serde_json::Value::Null));
        // Written on the reserve, it says nothing.
        if submit(&self.shared, "hub", now, note).await.is_ok() && disk.has_room().await {
            disk.recovered();
        }
    }

    /// Who speaks through this agent, if it still may. Asked per call and per streamed batch.
    pub fn speaker(&self, agent: AgentId) -> Result<Speaker, NotAllowed> {
        self.shared.directory().speaker(agent)
    }

    /// The number that the speaker's next batch must carry.
    pub fn next_batch(&self, speaker: &Speaker) -> u64 {
        self.shared.directory().institution(speaker.number).map_or(1, |s| s.next_batch)
    }

    /// Takes a batch: checks, decides, and makes it durable together with whatever else waits.
    pub async fn publish(
        &self,
        speaker: &Speaker,
        batch: IncomingBatch,
        now: Timestamp,
    ) -> Result<BatchAnswer, PublishError> {
        self.speaker(speaker.agent)?;
        self.clock_holds(now)?;
        self.shared.contacts.heard(speaker.agent, None, now);
        let claimed = batch.source.parse::<Slug>().ok();
        let (reply, answer) = oneshot::channel();
        let job = publish::prepare(&self.shared, speaker, batch, now, reply).inspect_err(|error| {
            if *error == PublishError::Impersonation {
                let known = claimed.filter(|slug| self.shared.directory().number_of(slug).is_some());
                self.refused(
                    speaker.institution.as_str(),
                    "publish.refused",
                    known.as_ref().map_or("", Slug::as_str),
                );
            }
        })?;
        self.shared.jobs.send(Job::Publish(Box::new(job))).await.map_err(|_| PublishError::Unavailable)?;
        let answer = answer.await.map_err(|_| PublishError::Unavailable)?;
        if let Err(PublishError::Gap { .. }) = &answer {
            self.refused(speaker.institution.as_str(), readiness::OUT_OF_STEP, "");
        }
        answer
    }

    /// Opens the speaker's feed behind a cursor.
    pub fn receive(&self, speaker: &Speaker, after: u64) -> Result<Feed, NotAllowed> {
        self.speaker(speaker.agent)?;
        self.shared.claims(&self.shared.directory(), speaker.number, after);
        Ok(Feed::open(self.shared.clone(), speaker.clone(), after))
    }

    /// Takes a signed receipt; gives the cursor that holds.
    pub async fn acknowledge(
        &self,
        speaker: &Speaker,
        ack: Acknowledgement,
        now: Timestamp,
    ) -> Result<u64, AckError> {
        self.speaker(speaker.agent)?;
        self.shared.contacts.heard(speaker.agent, None, now);
        let (held, key) = {
            let directory = self.shared.directory();
            (
                directory.institution(speaker.number).map_or(0, |s| s.cursor),
                directory.agent(speaker.agent).map(|a| a.key),
            )
        };
        if ack.cursor <= held {
            return Ok(held);
        }
        let mut sent = self.shared.could_have_sent(speaker.number).max(held);
        if ack.cursor > sent {
            // Another node may have sent it: whoever sends has said in the log that it is there.
            self.shared.follow().await.map_err(|_| AckError::Unavailable)?;
            sent = self.shared.could_have_sent(speaker.number).max(held);
        }
        if ack.cursor > sent {
            self.refused(speaker.institution.as_str(), "feed.refused", "");
            return Err(AckError::OutOfRange { sent });
        }
        let wrong = Invalid::new(
            "signature",
            "does not cover this cursor and digest with the key enrolled for this agent",
        );
        let key = commonroll_audit::keys::PublicKey::from_bytes(key.ok_or(NotAllowed::Unknown)?);
        let digest = ReceiptDigest::from_bytes(ack.digest);
        verify_receipt(&key, speaker.institution.as_str(), ack.cursor, &digest, &ack.signature)
            .map_err(|_| wrong)?;
        self.shared.claims(&self.shared.directory(), speaker.number, ack.cursor);
        let change = Change::Cursor {
            institution: speaker.number,
            cursor: ack.cursor,
            digest: Bytes32(ack.digest),
            key_id: hex(&ack.key_id),
            signature: hex(&ack.signature),
        };
        let (agent, number) = (speaker.agent, speaker.number);
        // Two receipts may overtake each other: the writer sees which cursor holds.
        let planned =
            submit_job(&self.shared, speaker.institution.as_str(), now, false, move |work: &mut Work<'_>| {
                work.planner.directory.speaker(agent)?;
                let held = work.planner.directory.institution(number).map_or(0, |s| s.cursor);
                if ack.cursor > held {
                    work.more = serde_json::json!({ "cursor": ack.cursor });
                    work.planner.make(change.clone());
                }
                Ok::<_, NotAllowed>(ack.cursor.max(held))
            });
        Ok(planned.await.map_err(|_| AckError::Unavailable)??)
    }

    /// Takes what an institution declares about itself. In force on every stream when the call returns.
    pub async fn declare(
        &self,
        speaker: &Speaker,
        declarations: Vec<Result<Declaration, Invalid>>,
        now: Timestamp,
    ) -> Result<Vec<DeclareResult>, AdminError> {
        self.speaker(speaker.agent)?;
        if declarations.len() > 1_000 {
            return Err(Invalid::new("declarations", "a call takes 1,000 declarations at most").into());
        }
        let (shared, by, agent) = (self.shared.clone(), speaker.number, speaker.agent);
        let planned =
            submit_with(&self.shared, speaker.institution.as_str(), now, move |work: &mut Work<'_>| {
                work.planner.directory.speaker(agent)?;
                let results = declarations.iter().map(|declaration| match declaration {
                    Ok(declaration) => work.planner.declare(by, declaration, &shared.key, now),
                    Err(invalid) => DeclareResult::Rejected {
                        code: "invalid_field",
                        field: invalid.field,
                        reason: invalid.rule,
                    },
                });
                Ok::<_, NotAllowed>(results.collect::<Vec<_>>())
            });
        Ok(planned.await.map_err(|_| AdminError::Unavailable)??)
    }

    /// The speaker's institution as the hub sees it.
    pub fn overview(&self, speaker: &Speaker, now: Timestamp) -> Overview {
        self.shared.directory().overview(speaker.number, now)
    }

    /// The signing keys of the speaker or of a partner under an agreement.
    pub fn signing_keys(&self, speaker: &Speaker, of: &Slug) -> Result<Vec<SigningKeyInfo>, NotAllowed> {
        self.shared.directory().signing_keys(speaker.number, of)
    }

    /// Upkeep, several times a second: refusals get their entries, the store is tidied. Nothing while the clock can't be
    /// believed.
    pub async fn tick(&self, now: Timestamp) {
        if self.clock_holds(now).is_err() {
            return;
        }
        // Nothing need be written for months: a clock that has simply gone on is not ahead.
        self.shared.newest.has_been(now.micros());
        self.say_started(now).await;
        self.look_for_room(now).await;
        let waiting = self.shared.refusals.lock().unwrap_or_else(PoisonError::into_inner).take();
        if !waiting.is_empty() {
            let notes = waiting.clone();
            if submit(&self.shared, "hub", now, move |work| work.notes.extend(notes.iter().cloned()))
                .await
                .is_err()
            {
                tracing::error!(count = waiting.len(), "refusals could not be written to the log");
            }
        }
        warnings::tick(&self.shared, now).await;
        recall::tick(&self.shared, now).await;
        by_learner::tick(&self.shared).await;
        duty::tick(&self.shared, now).await;
        sessions::tick(&self.shared, now).await;
        views::tick(&self.shared, now).await;
        watches::tick(&self.shared, now).await;
        if let Err(error) = self.shared.store.maintain().await {
            self.shared.wrote_in_vain(&error, false);
            tracing::warn!(%error, "the store's upkeep failed");
        }
    }

    /// Waits until another node has appended, at most this long, and reads what it did.
    pub async fn follow(&self, at_most: Duration) -> Result<(), NotAllowed> {
        let size = self.shared.frontier().size();
        let _ = self.shared.store.wait_for_change(size, at_most).await;
        self.shared.follow().await.map_err(|_| NotAllowed::Denied)
    }

    /// True once a flush to disk has failed. Nothing is acknowledged from then on; the process must end and the log be
    /// verified.
    pub fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Whether the hub takes all that it is there for, at this time.
    ///
    /// # Errors
    /// What is in the way.
    pub fn ready(&self, now: Timestamp) -> Result<(), &'static str> {
        self.serving(now)?;
        self.shared.disk.complaint().map_or(Ok(()), Err)
    }

    /// Whether anybody can be shown or told anything at this time: also while the disk is full and no records are taken, as long
    /// as what is shown can have its entry.
    ///
    /// # Errors
    /// What is in the way.
    pub fn serving(&self, now: Timestamp) -> Result<(), &'static str> {
        if self.failed() {
            return Err("a flush to disk failed; the log must be verified");
        }
        if self.shared.directory().policies().set().is_none() {
            return Err("the policy set in force can't be loaded by this program; everything is denied");
        }
        self.clock_holds(now).map_err(|_| ClockAhead::SAYS)?;
        if self.shared.disk.is_spent()
            && let Some(why) = self.shared.disk.complaint()
        {
            return Err(why);
        }
        match (self.shared.closing.load(Ordering::Relaxed), self.shared.jobs.is_closed()) {
            (true, _) => Err("stopping"),
            (_, true) => Err("the log's writer has ended"),
            _ => Ok(()),
        }
    }

    /// Ends the feeds and writes what waits.
    pub async fn close(&self, now: Timestamp) {
        self.tick(now).await;
        self.shared.closing.store(true, Ordering::Relaxed);
        let frontier = self.shared.frontier();
        self.shared.followed(&frontier);
    }

    fn refused(&self, by: &str, what: &'static str, claimed: &str) {
        self.shared.refusals.lock().unwrap_or_else(PoisonError::into_inner).count(by, what, claimed);
    }
}

/// Of so many entries the times are looked at: the last of them may be of a clock that was behind for a while.
const NEWEST: u32 = 2_000;

/// Loads the directory from its rows and the tree from the last block; the log itself is not replayed.
async fn load(shared: &Shared) -> Result<Frontier, OpenError> {
    let frontier = match shared.store.head().await? {
        Some(head) => {
            let damaged = OpenError::Damaged { sequence: head.first_seq + 1 };
            let frontier = Frontier::decode(&head.frontier)
                .map_err(|_| OpenError::Damaged { sequence: head.first_seq + 1 })?;
            if frontier.size() != head.first_seq + u64::from(head.n) {
                return Err(damaged);
            }
            let from = frontier.size().saturating_sub(NEWEST.into());
            let newest = shared.store.blocks(from, NEWEST, false).await?;
            newest.iter().for_each(|block| shared.newest.has_been(block.at_us));
            frontier
        }
        None => Frontier::new(),
    };
    let mut changes = Vec::new();
    for row in shared.store.facts(&kind::DIRECTORY).await? {
        let Some(value) = row.value else { continue };
        let change: Change =
            serde_json::from_slice(&value).map_err(|_| OpenError::Damaged { sequence: row.seq + 1 })?;
        changes.push((change.load_order(row.seq), row.seq, change));
    }
    // A fact's number is that of its newest entry, so a placement can be older than the learner that it rests on.
    changes.sort_by_key(|(order, ..)| *order);
    let mut directory = Directory::default();
    changes.iter().for_each(|(.., change)| directory.apply(change));
    let rows = changes.iter().map(|(_, seq, change)| (*seq, change));
    *shared.dirt() = recall::dirt::Dirt::at_start(rows, &directory);
    *shared.directory_mut() = directory;
    Ok(frontier)
}

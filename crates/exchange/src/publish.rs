//! Publishing: what can be done in parallel before a batch reaches the writer, and what only the writer may do.
//!
//! Signature, roots and decisions need no sequence number and are made in the caller's task. Whether a record is new,
//! repeated, older or changed is asked of the log in one statement for a whole group of batches.

use crate::{
    decide::{self, Decision, NOT_UNLOCKED, Refusal, Subject},
    directory::{Directory, change::Change, warnings::WarningSort},
    entry::{Circumstances, Entry, Payload, RecordEntry, Seal, batch_tree},
    follow::entries_at,
    live::LiveRecord,
    notices,
    shared::Shared,
    types::{BatchAnswer, GroupState, IncomingBatch, PublishError, RecordAnswer, SealedGroup, Speaker},
    writer::{Plan, WriteFault},
};
use commonroll_audit::{
    hash::Hash,
    keys::PublicKey,
    seal::{BatchStatement, verify_batch},
};
use commonroll_core::{Invalid, RecordId, RecordKind, Timestamp, record::Body};
use commonroll_store::IdRow;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::oneshot;

/// Bytes of a record in memory besides its content and its groups: the record, the texts of its ids, its root in the
/// batch's tree, its place in the indexes, and what the allocator adds to each of these.
const RECORD_BYTES: usize = size_of::<LiveRecord>() + 400;
/// Bytes of a group besides its content.
const FIELD_GROUP_BYTES: usize = size_of::<SealedGroup>() + 48;
/// Records in one batch at most.
pub const BATCH_RECORDS: usize = 1_000;

/// The writer's answer to one batch.
pub type Answer = Result<BatchAnswer, PublishError>;

/// A batch that is ready for the writer.
pub struct PublishJob {
    pub speaker: Speaker,
    pub number: u64,
    pub seal: Arc<Seal>,
    pub records: Vec<Prepared>,
    pub version: u64,
    pub bytes: usize,
    pub now: Timestamp,
    pub reply: oneshot::Sender<Answer>,
}

/// A record that is ready for the writer.
pub struct Prepared {
    pub groups: Arc<[SealedGroup]>,
    pub root: Hash,
    pub facts: Result<Facts, Invalid>,
}

/// What is known of a sound record.
pub struct Facts {
    pub id: RecordId,
    pub revision: u32,
    pub kind: RecordKind,
    pub withdrawn: bool,
    pub confidential: bool,
    pub circumstances: Circumstances,
    pub decision: Result<Decision, Refusal>,
}

/// Checks and decides a batch as far as this can be done without the log.
pub fn prepare(
    shared: &Shared,
    speaker: &Speaker,
    batch: IncomingBatch,
    now: Timestamp,
    reply: oneshot::Sender<Answer>,
) -> Result<PublishJob, PublishError> {
    if batch.source != speaker.institution.as_str() {
        return Err(PublishError::Impersonation);
    }
    if batch.records.is_empty()
        || batch.records.len() > BATCH_RECORDS
        || batch.size as usize != batch.records.len()
    {
        return Err(
            Invalid::new("records", "a batch has 1 to 1,000 records, as many as its seal says").into()
        );
    }
    if batch.number == 0 || batch.number > i64::MAX as u64 {
        return Err(Invalid::new("number", "batches are numbered from 1").into());
    }
    let foreign = |r: &crate::types::IncomingRecord| {
        r.content.as_ref().is_ok_and(|record| record.head.source != speaker.institution)
    };
    if batch.records.iter().any(foreign) {
        return Err(PublishError::Impersonation);
    }
    let key = shared.directory().agent(speaker.agent).map(|agent| PublicKey::from_bytes(agent.key));
    let key = key.ok_or(PublishError::NotAllowed(crate::types::NotAllowed::Unknown))?;
    let roots: Vec<Hash> = batch.records.iter().map(|r| r.root).collect();
    let bytes = batch.records.iter().map(size).sum();
    let wrong = Invalid::new("signature", "does not cover this batch with the key enrolled for this agent");
    if *key.id().as_bytes() != batch.key_id {
        return Err(wrong.into());
    }
    let tree = batch_tree(&roots);
    let statement = BatchStatement {
        source: batch.source,
        number: batch.number,
        count: u64::from(batch.size),
        root: tree.root(),
    };
    verify_batch(&key, statement, &batch.signature).map_err(|_| wrong)?;
    let directory = shared.directory();
    let records = batch
        .records
        .into_iter()
        .map(|r| Prepared {
            facts: r.content.map(|record| Facts::new(&record, &directory, speaker.number, now)),
            groups: r.groups,
            root: r.root,
        })
        .collect();
    let seal = Seal {
        source: speaker.number,
        number: batch.number,
        key_id: batch.key_id,
        signature: batch.signature,
        roots,
        tree: tree.into(),
    };
    let version = directory.version;
    drop(directory);
    Ok(PublishJob {
        speaker: speaker.clone(),
        number: batch.number,
        seal: Arc::new(seal),
        records,
        version,
        bytes,
        now,
        reply,
    })
}

/// Bytes that a record takes in memory and in the log, about.
fn size(record: &crate::types::IncomingRecord) -> usize {
    let content = |group: &SealedGroup| match &group.state {
        GroupState::Open { content, .. } => FIELD_GROUP_BYTES + content.len(),
        GroupState::Withheld(_) => FIELD_GROUP_BYTES,
    };
    RECORD_BYTES + record.groups.iter().map(content).sum::<usize>()
}

impl Facts {
    fn new(record: &commonroll_core::Record, directory: &Directory, source: u16, now: Timestamp) -> Self {
        let head = &record.head;
        let circumstances = Circumstances {
            learner: head.learner.clone(),
            group: head.group.clone(),
            date: head.date,
            at: record.instant(),
        };
        let mut facts = Self {
            id: head.id,
            revision: head.revision.get(),
            kind: record.kind(),
            withdrawn: matches!(record.body, Body::Withdrawn(_)),
            // Taking a record back tells nothing that was not told before, and must never be refused for being confidential.
            confidential: head.confidential && !matches!(record.body, Body::Withdrawn(_)),
            circumstances,
            decision: Err(decide::NO_PLACEMENT),
        };
        facts.decision = facts.decide(directory, source, false, now);
        facts
    }

    fn decide(
        &self,
        directory: &Directory,
        source: u16,
        corrects: bool,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        let subject = Subject {
            source,
            kind: self.kind,
            confidential: self.confidential,
            corrects,
            circumstances: &self.circumstances,
        };
        decide::publish(directory, &subject, now)
    }
}

/// What the log knows of the ids of a group.
struct Known {
    newest: HashMap<[u8; 16], IdRow>,
    superseded: HashMap<([u8; 16], u32), IdRow>,
    /// Whom the record at a place of the log is about, and what it is, where a correction of it came.
    learners: HashMap<u64, (u32, RecordKind)>,
}

/// Plans every batch of a group: one answer each, in order.
pub async fn plan_batches(
    shared: &Shared,
    working: &mut Directory,
    plan: &mut Plan,
    jobs: &[&PublishJob],
) -> Result<Vec<Answer>, WriteFault> {
    let mut known = look_up(shared, jobs).await?;
    let one = |job: &&PublishJob| {
        plan.turn();
        plan_batch(shared, working, plan, &mut known, job)
    };
    let answers = jobs.iter().map(one).collect();
    if let Some(last) = jobs.last() {
        notices::taken_back(plan, working, last.now);
    }
    Ok(answers)
}

async fn look_up(shared: &Shared, jobs: &[&PublishJob]) -> Result<Known, WriteFault> {
    let mut ids: Vec<[u8; 16]> = sound(jobs).map(|f| f.id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Known { newest: HashMap::new(), superseded: HashMap::new(), learners: HashMap::new() });
    }
    let rows = shared.store.newest(&ids).await.map_err(|_| WriteFault)?;
    let newest: HashMap<_, _> = ids.into_iter().zip(rows).filter_map(|(id, row)| Some((id, row?))).collect();
    let older: Vec<_> = sound(jobs)
        .filter(|f| newest.get(&f.id.0).is_some_and(|held| f.revision < held.revision))
        .map(|f| (f.id.0, f.revision))
        .collect();
    let mut superseded = HashMap::new();
    if !older.is_empty() {
        let rows = shared.store.superseded(&older).await.map_err(|_| WriteFault)?;
        superseded = older.into_iter().zip(rows).filter_map(|(key, row)| Some((key, row?))).collect();
    }
    let corrected = sound(jobs).filter_map(|f| newest.get(&f.id.0).filter(|held| f.revision > held.revision));
    let learners = learners_of(shared, corrected.map(|held| held.seq).collect()).await?;
    Ok(Known { newest, superseded, learners })
}

/// Whom the records at some places of the log are about, and what they are: from memory, or from their entries.
async fn learners_of(
    shared: &Shared,
    mut seqs: Vec<u64>,
) -> Result<HashMap<u64, (u32, RecordKind)>, WriteFault> {
    seqs.sort_unstable();
    seqs.dedup();
    let about = |entry: &RecordEntry| (entry.learner, entry.kind);
    let mut found: HashMap<u64, (u32, RecordKind)> = {
        let ring = shared.ring();
        seqs.iter().filter_map(|seq| Some((*seq, about(&ring.record(*seq)?.entry)))).collect()
    };
    seqs.retain(|seq| !found.contains_key(seq));
    for (seq, bytes) in entries_at(shared.store.as_ref(), &seqs).await.map_err(|_| WriteFault)? {
        if let Ok(Entry::Record(entry)) = Entry::decode(&bytes) {
            found.insert(seq, about(&entry));
        }
    }
    Ok(found)
}

fn sound<'a>(jobs: &'a [&PublishJob]) -> impl Iterator<Item = &'a Facts> {
    jobs.iter().flat_map(|job| &job.records).filter_map(|r| r.facts.as_ref().ok())
}

fn plan_batch(
    shared: &Shared,
    working: &mut Directory,
    plan: &mut Plan,
    known: &mut Known,
    job: &PublishJob,
) -> Answer {
    let source = job.speaker.number;
    working.speaker(job.speaker.agent)?;
    let expected = working.institution(source).map_or(1, |s| s.next_batch);
    if job.number > expected {
        return Err(PublishError::Gap { expected });
    }
    let fates: Vec<Fate> = {
        let mut within: HashMap<[u8; 16], (IdRow, u32, RecordKind)> = HashMap::new();
        let before = Before { known, live: &plan.live };
        job.records.iter().map(|record| fate(working, &before, &mut within, job, record)).collect()
    };
    let news = fates.iter().any(|f| matches!(f, Fate::New(_)));
    if job.number < expected && news {
        // The number was used for other content: the source's numbering went back. It is noticed, not believed.
        return Err(PublishError::Gap { expected });
    }
    if news {
        plan.bytes += job.bytes;
    }
    let held = fates.iter().enumerate().filter_map(|(place, fate)| match fate {
        Fate::Behind(_, held) => Some((place, *held)),
        Fate::New(_) | Fate::Known(_) => None,
    });
    let held = held.collect();
    let results = take_fates(plan, known, job, fates, working.version);
    if job.number == expected {
        // A batch that comes again is no new attempt.
        count_strangers(plan, working, job, &results);
        working.saw_batch(source, job.number);
        plan.batches.insert(source, job.number);
        note_batch(shared, plan, job, &results);
    }
    notices::hide(plan, working, job, &results, |id| {
        known.newest.get(&id.0).map(|held| (held.source, held.revision))
    });
    let next_batch = working.institution(source).map_or(1, |s| s.next_batch);
    Ok(BatchAnswer { number: job.number, results, held, next_batch })
}

/// What becomes of one record.
enum Fate {
    New(Decision),
    Known(RecordAnswer),
    /// The log holds another newest revision: this one.
    Behind(RecordAnswer, u32),
}

/// What came before a batch: what the log knows, and what is about to be in it.
struct Before<'a> {
    known: &'a Known,
    live: &'a [LiveRecord],
}

impl Before<'_> {
    /// Whom the record at a place of the log is about, and what it is.
    fn about(&self, seq: u64) -> Option<(u32, RecordKind)> {
        let found = self.live.binary_search_by_key(&seq, |record| record.seq);
        let live = found.ok().and_then(|place| self.live.get(place)).map(|record| &record.entry);
        let live = live.map(|entry| (entry.learner, entry.kind));
        live.or_else(|| self.known.learners.get(&seq).copied())
    }
}

fn fate(
    working: &Directory,
    before: &Before<'_>,
    within: &mut HashMap<[u8; 16], (IdRow, u32, RecordKind)>,
    job: &PublishJob,
    record: &Prepared,
) -> Fate {
    let facts = match &record.facts {
        Ok(facts) => facts,
        Err(invalid) => {
            return Fate::Known(RecordAnswer::Rejected {
                code: "invalid_field",
                field: invalid.field,
                reason: invalid.rule,
            });
        }
    };
    let rejected = |code, reason| Fate::Known(RecordAnswer::Rejected { code, field: "", reason });
    let (root14, known) = (short(&record.root), before.known);
    let mut was = None;
    if let Some((held, learner, kind)) = within.get(&facts.id.0) {
        if facts.revision <= held.revision {
            return rejected("repeated_in_batch", "a batch holds each record once, at its newest revision");
        }
        was = Some((*learner, *kind));
    } else if let Some(held) = known.newest.get(&facts.id.0) {
        if held.source != job.speaker.number {
            return rejected(
                "not_yours",
                "this record id belongs to another source; only its source corrects or withdraws a record",
            );
        }
        let same = |row: &IdRow| row.root == root14;
        if facts.revision == held.revision && same(held) {
            return Fate::Known(RecordAnswer::Duplicate { sequence: held.seq + 1 });
        }
        let behind =
            |code, reason| Fate::Behind(RecordAnswer::Rejected { code, field: "", reason }, held.revision);
        if facts.revision == held.revision {
            return behind(
                "conflict",
                "this revision is in the log with other content; send a correction as a higher revision",
            );
        }
        if facts.revision < held.revision {
            return match known.superseded.get(&(facts.id.0, facts.revision)) {
                Some(row) if same(row) => {
                    Fate::Behind(RecordAnswer::Duplicate { sequence: row.seq + 1 }, held.revision)
                }
                _ => behind(
                    "stale_revision",
                    "the log holds a newer revision of this record; send what is true now as a higher one",
                ),
            };
        }
        was = before.about(held.seq);
    }
    let was_about = was.map(|(learner, _)| learner);
    let corrects = was.is_some_and(|(_, kind)| kind == facts.kind);
    // Whether it corrects anything nobody knew before the log was asked.
    let is_locked = matches!(&facts.decision, Err(refusal) if refusal.code == NOT_UNLOCKED);
    let decision = match job.version == working.version && !(corrects && is_locked) {
        true => facts.decision.clone(),
        false => facts.decide(working, job.speaker.number, corrects, job.now),
    };
    match decision {
        // Somebody's home would keep the older revision for ever.
        Ok(decision) if was_about.is_some_and(|was| moved(working, job, facts, was, decision.learner)) => {
            rejected(
                "learner_changed",
                "a revision is about the learner that its record is about; withdraw it, and send a record of its own",
            )
        }
        Ok(decision) => {
            let row = IdRow {
                id: facts.id.0,
                revision: facts.revision,
                seq: 0,
                source: job.speaker.number,
                root: root14,
            };
            within.insert(facts.id.0, (row, decision.learner, facts.kind));
            Fate::New(decision)
        }
        Err(refusal) => rejected(refusal.code, refusal.reason),
    }
}

/// True if a revision is about another learner than its record was; not if it is the match that has changed since.
fn moved(working: &Directory, job: &PublishJob, facts: &Facts, was: u32, is: u32) -> bool {
    let local = working.local(job.speaker.number, &facts.circumstances.learner);
    was != is && !local.is_some_and(|local| local.was.contains(&was))
}

fn take_fates(
    plan: &mut Plan,
    known: &mut Known,
    job: &PublishJob,
    fates: Vec<Fate>,
    version: u64,
) -> Vec<RecordAnswer> {
    let mut seal = None;
    job.records
        .iter()
        .zip(fates)
        .enumerate()
        .map(|(index, (record, fate))| match (fate, &record.facts) {
            (Fate::New(decision), Ok(facts)) => {
                let seal = *seal.get_or_insert_with(|| plan.seal(&job.seal));
                accept(plan, known, job, index, record, facts, decision, seal, version)
            }
            (Fate::Known(answer) | Fate::Behind(answer, _), _) => answer,
            (Fate::New(_), Err(invalid)) => {
                RecordAnswer::Rejected { code: "invalid_field", field: invalid.field, reason: invalid.rule }
            }
        })
        .collect()
}

#[expect(clippy::too_many_arguments, reason = "one record and where it goes")]
fn accept(
    plan: &mut Plan,
    known: &mut Known,
    job: &PublishJob,
    index: usize,
    record: &Prepared,
    facts: &Facts,
    decision: Decision,
    seal: u32,
    version: u64,
) -> RecordAnswer {
    // What policy lets nobody have has no place in the hub either.
    let groups = decide::only(&record.groups, decision.stored);
    let entry = RecordEntry {
        source: job.speaker.number,
        batch: job.number,
        index: index as u16,
        id: facts.id,
        revision: facts.revision,
        kind: facts.kind,
        withdrawn: facts.withdrawn,
        confidential: facts.confidential,
        learner: decision.learner,
        accepted_at: job.now,
        root: record.root,
        recipients: decision.recipients,
    };
    let placed = Some((version, decision.placed));
    let payload = Payload::Record { seal, circumstances: facts.circumstances.clone(), groups };
    let entry = Entry::Record(entry);
    let seq = plan.push(&entry, &payload);
    let Entry::Record(entry) = entry else { unreachable!("made a record just above") };
    let row = IdRow {
        id: facts.id.0,
        revision: facts.revision,
        seq,
        source: job.speaker.number,
        root: short(&record.root),
    };
    if let Some(old) = known.newest.insert(facts.id.0, row) {
        if facts.withdrawn {
            let to = entry.recipients.iter().map(|to| (to.institution, old.seq, entry.learner));
            plan.taken_back.extend(to);
        }
        plan.superseded.push(old);
        known.superseded.insert((old.id, old.revision), old);
        plan.ids.retain(|planned| planned.id != row.id);
    }
    plan.ids.push(row);
    for recipient in &entry.recipients {
        plan.feeds.entry(recipient.institution).or_default().push(seq);
    }
    let (Payload::Record { circumstances, groups, .. }, seal) = (payload, job.seal.clone()) else {
        unreachable!("made a record payload just above")
    };
    plan.live.push(LiveRecord { seq, entry, circumstances, groups, seal, placed });
    RecordAnswer::Accepted { sequence: seq + 1 }
}

/// Counts records about learners whom no placement covers: for the source, and for the home of those who are known.
fn count_strangers(plan: &mut Plan, working: &Directory, job: &PublishJob, results: &[RecordAnswer]) {
    let source = job.speaker.number;
    for (record, result) in job.records.iter().zip(results) {
        let (RecordAnswer::Rejected { code, .. }, Ok(facts)) = (result, &record.facts) else { continue };
        if *code != decide::NO_PLACEMENT.code {
            continue;
        }
        let learner = working.local(source, &facts.circumstances.learner).and_then(|local| local.learner);
        let home = learner.and_then(|number| working.home_of(number)).map(|(home, _)| *home);
        for to in std::iter::once(source).chain(home.filter(|home| *home != source)) {
            let held = plan.strangers.entry((WarningSort::NoPlacement, source, to));
            let (count, at) = held.or_insert((0, job.now));
            (*count, *at) = (*count + 1, job.now);
        }
    }
}

/// A batch with refusals or repeats gets an entry that counts them; the record entries tell of all others.
fn note_batch(shared: &Shared, plan: &mut Plan, job: &PublishJob, results: &[RecordAnswer]) {
    let (institution, number) = (job.speaker.number, job.number);
    let (mut refused, mut again, mut repeated) = (Vec::new(), Vec::new(), 0);
    let mut held = Vec::new();
    for (record, result) in job.records.iter().zip(results) {
        match result {
            RecordAnswer::Rejected { code, .. } => {
                let what = (short(&record.root), *code);
                count(&mut refused, code);
                if shared.refused_before.has(institution, what, job.now) {
                    count(&mut again, code);
                }
                held.push(what);
            }
            RecordAnswer::Duplicate { .. } => repeated += 1,
            RecordAnswer::Accepted { .. } => {}
        }
    }
    if refused.is_empty() && repeated == 0 {
        let seq = plan.next().saturating_sub(1);
        return plan.fact(&Change::Batch { institution, number, refused, again, repeated }, seq);
    }
    plan.refused.push((institution, held, job.now));
    let more =
        serde_json::json!({ "batch": number, "refused": refused, "again": again, "repeated": repeated });
    let change = Change::Batch { institution, number, refused, again, repeated };
    plan.change_with(&change, job.speaker.institution.as_str(), more, job.now);
}

/// Counts one more of a rule.
fn count(counts: &mut Vec<(String, u32)>, code: &str) {
    match counts.iter_mut().find(|(held, _)| held == code) {
        Some((_, count)) => *count += 1,
        None => counts.push((code.to_owned(), 1)),
    }
}

fn short(root: &Hash) -> [u8; 14] {
    let mut bytes = [0; 14];
    bytes.copy_from_slice(&root[..14]);
    bytes
}

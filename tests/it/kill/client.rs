//! A source that keeps its own record of what was acknowledged to it: an answer counts once it has been read.

use super::school::{Consortium, LEARNERS};
use commonroll_agent::{Hub, HubError, Identity, hub::grpc::GrpcHub};
use commonroll_core::{
    Body, Head, Interval, LocalId, Record, RecordKind, Revision, Timestamp,
    record::attendance::{Attendance, Physical, Presence, SourceCode},
};
use commonroll_wire::{RecordAnswer, Sealed, read_record_answer, record_id, seal, seal_batch};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const BATCH: u64 = 10;

#[derive(Default)]
struct Kept {
    /// Place in the log of each acknowledged record.
    acknowledged: BTreeMap<String, u64>,
    made: BTreeSet<String>,
}

pub struct Client {
    kept: Arc<Mutex<Kept>>,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Client {
    pub fn start(consortium: &Consortium) -> Self {
        let identity = Identity::load(&consortium.identity("northgate")).unwrap();
        let address = consortium.agents_address();
        let (kept, stopping) = (Arc::<Mutex<Kept>>::default(), Arc::<AtomicBool>::default());
        let (mine, stop) = (kept.clone(), stopping.clone());
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(publish(&identity, &address, &mine, &stop));
        });
        Self { kept, stopping, thread }
    }

    /// Waits until more is acknowledged than now.
    pub fn wait_for_more(&self, at_most: Duration) {
        let count = || self.kept.lock().unwrap().acknowledged.len();
        let (before, until) = (count(), Instant::now() + at_most);
        while count() == before {
            assert!(Instant::now() < until, "nothing is acknowledged within {at_most:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops after the batch under way; gives what was acknowledged and what was made.
    pub fn stop(self) -> (BTreeMap<String, u64>, BTreeSet<String>) {
        self.stopping.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        let kept = std::mem::take(&mut *self.kept.lock().unwrap());
        (kept.acknowledged, kept.made)
    }
}

async fn publish(identity: &Identity, address: &str, kept: &Mutex<Kept>, stopping: &AtomicBool) {
    let mut number = 0;
    let mut under_way = batch(identity, number, kept);
    while !stopping.load(Ordering::Relaxed) {
        let ended = async {
            let hub = GrpcHub::connect(identity, address).await?;
            let mut stream = hub.publish().await?;
            let mut next = stream.answer().await?.ok_or(HubError::Unreachable)?.next_batch_number;
            while !stopping.load(Ordering::Relaxed) {
                let source = identity.institution();
                let message = seal_batch(source, next, under_way.clone(), &identity.signing).unwrap();
                stream.send(message).await?;
                let answer = stream.answer().await?.ok_or(HubError::Unreachable)?;
                note(&under_way, answer.results, kept);
                number += 1;
                under_way = batch(identity, number, kept);
                next = answer.next_batch_number;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<(), HubError>(())
        };
        // The hub was killed. What was not answered is sent again.
        if ended.await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn note(batch: &[Sealed], results: Vec<commonroll_wire::pb::exchange::v1::RecordResult>, kept: &Mutex<Kept>) {
    let mut kept = kept.lock().unwrap();
    for (sealed, result) in batch.iter().zip(results) {
        let id = commonroll_wire::open(&sealed.message).unwrap().record.head.id.to_string();
        match read_record_answer(result).unwrap() {
            RecordAnswer::Accepted { sequence } | RecordAnswer::Duplicate { sequence } => {
                let before = kept.acknowledged.insert(id, sequence);
                assert!(before.is_none_or(|before| before == sequence), "one place in the log");
            }
            RecordAnswer::Rejected(refusal) => panic!("refused as {}: {}", refusal.code, refusal.reason),
        }
    }
}

fn batch(identity: &Identity, number: u64, kept: &Mutex<Kept>) -> Vec<Sealed> {
    let records: Vec<Record> = (0..BATCH).map(|n| mark(identity, number * BATCH + n)).collect();
    kept.lock().unwrap().made.extend(records.iter().map(|record| record.head.id.to_string()));
    records.iter().map(|record| seal(record, &identity.salt.0, &[])).collect()
}

fn mark(identity: &Identity, n: u64) -> Record {
    let date = "2026-09-14".parse().unwrap();
    // 14 September 2026, 08:00 UTC, and so many microseconds.
    let start = Timestamp::from_micros("start", 1_789_372_800_000_000).unwrap().plus_micros(n as i64);
    let presence = Presence {
        physical: Physical::Present,
        interval: Some(Interval::new(start, start.plus_micros(3_600_000_000)).unwrap()),
        minutes_late: None,
        minutes_left_early: None,
    };
    let source = identity.institution();
    Record {
        head: Head {
            id: record_id(source, RecordKind::Attendance, date, &format!("lesson-{n}")),
            revision: Revision::FIRST,
            source: source.clone(),
            learner: LocalId::parse("learner", &format!("n-{}", n % LEARNERS)).unwrap(),
            group: None,
            date,
            recorded_at: start,
            confidential: false,
        },
        body: Body::Attendance(Attendance {
            presence: Some(presence),
            source_code: Some(SourceCode::new("/", "ENG-2024").unwrap()),
            ..Attendance::default()
        }),
    }
}

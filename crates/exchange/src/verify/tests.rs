//! A log that was tampered with in the store, in every way of case 39: `verify` names the first entry at fault.

use super::*;
use crate::directory::change::Change;
use crate::{
    Keys, Options,
    entry::{Built, Circumstances, Payload, Recipient, RecordEntry, Seal},
    follow::root_of,
    types::{GroupState, SealedGroup},
    writer::Plan,
};
use bytes::Bytes;
use commonroll_audit::LogPublicKey;
use commonroll_core::{
    LocalId, RecordId, RecordKind, SchoolDate, Slug, Timestamp,
    directory::{Institution, InstitutionType},
};
use commonroll_store::{Commit, FactRow, FeedRow, NewBlock, TileRow, testkit::Postgres};
use std::time::Instant;

const NOW: i64 = 1_789_372_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_micros("now", NOW).unwrap()
}

/// What one transaction puts into the store: a block and what belongs to it.
#[derive(Clone)]
struct Written {
    first: u64,
    n: u32,
    frontier: Vec<u8>,
    entries: Vec<u8>,
    payloads: Vec<u8>,
    feeds: Vec<FeedRow>,
    facts: Vec<FactRow>,
    tiles: Vec<TileRow>,
}

fn record(batch: u64, index: u16) -> (RecordEntry, Vec<SealedGroup>) {
    let salt = [index as u8; 16];
    let content = Bytes::from([batch.to_be_bytes().as_slice(), &index.to_be_bytes()].concat());
    let groups = vec![
        SealedGroup { number: 1, state: GroupState::Open { salt, content: content.clone() } },
        SealedGroup { number: 2, state: GroupState::Open { salt, content } },
        SealedGroup { number: 4, state: GroupState::Withheld([7; 32]) },
    ];
    let mut id = [0; 16];
    id[..8].copy_from_slice(&batch.to_be_bytes());
    id[8..10].copy_from_slice(&index.to_be_bytes());
    let entry = RecordEntry {
        source: 0,
        batch,
        index,
        id: RecordId(id),
        revision: 1,
        kind: RecordKind::Attendance,
        withdrawn: false,
        confidential: false,
        learner: u32::from(index),
        accepted_at: now(),
        root: root_of(&groups).unwrap(),
        recipients: vec![Recipient { institution: 0, groups: 6 }],
    };
    (entry, groups)
}

fn institution() -> Change {
    let institution = Institution {
        slug: "northgate".parse::<Slug>().unwrap(),
        name: "Northgate College".to_owned(),
        kind: InstitutionType::FeCollege,
        urn: String::new(),
        ukprn: String::new(),
        time_zone: "Europe/London".to_owned(),
        phone: String::new(),
        desk: String::new(),
    };
    Change::Institution { number: 0, institution }
}

fn group(n: u64) -> Change {
    let local = LocalId::parse("group", &format!("G-{n}")).unwrap();
    Change::Group { institution: 0, local, title: format!("Group {n}"), subject: String::new() }
}

/// A change, a note and a batch of records.
fn put_batch(plan: &mut Plan, batch: u64, records: u16) -> Vec<u64> {
    let change = if batch == 0 { institution() } else { group(batch) };
    plan.change_with(&change, "northgate", serde_json::Value::Null, now());
    plan.note("delivery.withheld", "policy", serde_json::json!({ "block": batch }), now());
    let made: Vec<_> = (0..records).map(|index| record(batch, index)).collect();
    let roots = made.iter().map(|(entry, _)| entry.root).collect();
    let tree = std::sync::OnceLock::new();
    let seal = Seal { source: 0, number: batch, key_id: [1; 8], signature: [2; 64], roots, tree };
    let seal = if records > 0 { plan.seal(&seal) } else { 0 };
    let put = |(entry, groups): (RecordEntry, Vec<SealedGroup>)| {
        let circumstances = Circumstances {
            learner: LocalId::parse("learner", "n-77").unwrap(),
            group: None,
            date: SchoolDate::from_days(20_700).unwrap(),
            at: None,
        };
        let payload = Payload::Record { seal, circumstances, groups: groups.into() };
        plan.push(&Entry::Record(entry), &payload)
    };
    made.into_iter().map(put).collect()
}

/// An honest log: blocks of a change, a note, and `records` records each.
fn written(blocks: u64, records: u16) -> Vec<Written> {
    writing(blocks, records).collect()
}

/// The same, a block at a time.
fn writing(blocks: u64, records: u16) -> impl Iterator<Item = Written> {
    let mut frontier = Frontier::new();
    (0..blocks).map(move |batch| {
        let mut plan = Plan::new(&frontier, [3; 32]);
        let first = plan.next();
        let seqs = put_batch(&mut plan, batch, records);
        plan.end();
        let Built { n, frontier: behind, entries, payloads } = plan.blocks.remove(0);
        let feeds = if seqs.is_empty() { Vec::new() } else { vec![FeedRow { recipient: 0, seqs }] };
        frontier = plan.frontier.clone();
        let facts = plan.facts.values().cloned().collect();
        Written { first, n, frontier: behind, entries, payloads, feeds, facts, tiles: plan.tiles }
    })
}

async fn put(store: &dyn Store, log: &[Written]) {
    for block in log {
        let (entries, payloads) = (&block.entries, &block.payloads);
        let commit = Commit {
            first_seq: block.first,
            blocks: &[NewBlock { n: block.n, frontier: &block.frontier, entries, payloads }],
            ids: &[],
            superseded: &[],
            feeds: &block.feeds,
            facts: &block.facts,
            tiles: &block.tiles,
            at_us: NOW,
        };
        store.commit(&commit).await.unwrap();
    }
}

/// What `verify` says of a log, on both engines.
async fn verdict(log: &[Written]) -> Result<Verified, VerifyError> {
    let postgres = Postgres::shared().unwrap().database().await.unwrap();
    let mut verdicts = Vec::new();
    for url in ["sqlite::memory:".to_owned(), postgres] {
        let store = commonroll_store::open(&url, &commonroll_store::Settings::default()).await.unwrap();
        put(store.as_ref(), log).await;
        verdicts.push(verify(&store, AHEAD, &mut |_| {}).await);
        store.close().await;
    }
    assert_eq!(verdicts[0], verdicts[1], "both engines say the same");
    verdicts.remove(0)
}

/// The frames of a block's entries: length, mark and entry, as they are stored.
fn frames(block: &Written) -> Vec<Vec<u8>> {
    let entries = split_marked(&block.entries).unwrap();
    let mut rest = block.entries.as_slice();
    entries
        .iter()
        .map(|(_, entry)| {
            let (frame, behind) = rest.split_at(8 + entry.len());
            rest = behind;
            frame.to_vec()
        })
        .collect()
}

const BLOCKS: u64 = 5;
const RECORDS: u16 = 60;
/// Entries of a block.
const EACH: u64 = RECORDS as u64 + 2;

fn log() -> Vec<Written> {
    written(BLOCKS, RECORDS)
}

/// The log with the entries of one block altered.
fn altered(block: usize, alter: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<Written> {
    let mut log = log();
    let mut frames = frames(&log[block]);
    alter(&mut frames);
    log[block].entries = frames.concat();
    log
}

fn bad(sequence: u64) -> Result<Verified, VerifyError> {
    Err(VerifyError::Bad { sequence })
}

#[tokio::test]
async fn an_honest_log_holds() {
    let verified = verdict(&log()).await.unwrap();
    assert_eq!((verified.entries, verified.records), (BLOCKS * EACH, BLOCKS * u64::from(RECORDS)));
    assert_eq!(verified.payloads, verified.records);
}

/// Whoever looks at one record reads its block: what many sent at once is no single one.
#[tokio::test]
async fn a_commit_of_many_batches_is_cut_between_them_and_holds() {
    let mut plan = Plan::new(&Frontier::new(), [3; 32]);
    for batch in 0..3 {
        plan.turn();
        put_batch(&mut plan, batch, 300);
    }
    plan.end();
    plan.end();
    assert_eq!(plan.blocks.iter().map(|block| block.n).collect::<Vec<_>>(), [604, 302]);
    let settings = commonroll_store::Settings::default();
    let store = commonroll_store::open("sqlite::memory:", &settings).await.unwrap();
    let facts: Vec<FactRow> = plan.facts.values().cloned().collect();
    let blocks: Vec<NewBlock<'_>> = plan.blocks.iter().map(Built::as_new).collect();
    let commit = Commit {
        first_seq: 0,
        blocks: &blocks,
        ids: &[],
        superseded: &[],
        feeds: &[],
        facts: &facts,
        tiles: &plan.tiles,
        at_us: NOW,
    };
    store.commit(&commit).await.unwrap();
    let verified = verify(&store, AHEAD, &mut |_| {}).await.unwrap();
    assert_eq!((verified.entries, verified.payloads), (906, 900));
    let blocks = store.block_of(&[700], true).await.unwrap();
    assert_eq!(blocks.iter().map(|block| (block.first_seq, block.n)).collect::<Vec<_>>(), [(604, 302)]);
}

#[tokio::test]
async fn case_39_an_edited_entry_is_named() {
    for place in [0, 1, 2, 30, EACH as usize - 1] {
        let edited = altered(2, |frames| {
            let last = frames[place].len() - 1;
            frames[place][last] ^= 1;
        });
        assert_eq!(verdict(&edited).await, bad(2 * EACH + place as u64 + 1));
    }
}

#[tokio::test]
async fn case_39_a_removed_entry_is_named_where_it_is_missing() {
    let removed = altered(1, |frames| drop(frames.remove(20)));
    assert_eq!(verdict(&removed).await, bad(EACH + 21));
    // Also by somebody who corrects the count, and for the last entry of a block.
    let mut removed = altered(1, |frames| drop(frames.pop()));
    removed[1].n -= 1;
    removed[1].feeds[0].seqs.pop();
    for later in &mut removed[2..] {
        later.first -= 1;
        later.feeds[0].seqs.iter_mut().for_each(|seq| *seq -= 1);
    }
    assert_eq!(verdict(&removed).await, bad(EACH + EACH));
}

#[tokio::test]
async fn case_39_entries_in_another_order_are_named_from_the_first_that_moved() {
    let moved = altered(3, |frames| frames.swap(10, 40));
    assert_eq!(verdict(&moved).await, bad(3 * EACH + 11));
}

#[tokio::test]
async fn case_39_an_entry_that_was_put_in_is_named() {
    let put_in = altered(1, |frames| frames.insert(5, frames[9].clone()));
    assert_eq!(verdict(&put_in).await, bad(EACH + 6));
}

#[tokio::test]
async fn case_39_a_log_that_was_cut_off_is_told_from_the_rows_beside_it() {
    let whole = log();
    for url in ["sqlite::memory:".to_owned(), Postgres::shared().unwrap().database().await.unwrap()] {
        let store = commonroll_store::open(&url, &commonroll_store::Settings::default()).await.unwrap();
        // The blocks end here; the directory's rows, which were not cut, know of more.
        let mut cut = whole[..3].to_vec();
        cut[2].facts.push(whole[4].facts[0].clone());
        put(store.as_ref(), &cut).await;
        let sequence = 3 * EACH + 1;
        assert_eq!(verify(&store, AHEAD, &mut |_| {}).await, Err(VerifyError::Cut { sequence }));
    }
}

#[tokio::test]
async fn case_39_an_altered_payload_seal_or_hash_of_the_tree_is_named() {
    let mut log_with = log();
    let last = log_with[1].payloads.len() - 1;
    log_with[1].payloads[last] ^= 1;
    assert_eq!(verdict(&log_with).await, bad(2 * EACH), "the payload of the block's last record");

    let mut log_with = log();
    let root = 4 + 2 + 8 + 8 + 64 + 4 + 32 * 3;
    log_with[1].payloads[root] ^= 1;
    assert_eq!(verdict(&log_with).await, bad(EACH + 2 + 4), "the fourth root that the source signed");

    let mut log_with = log();
    let block = log_with.iter().position(|block| !block.tiles.is_empty()).unwrap();
    log_with[block].tiles[0].hash[0] ^= 1;
    assert_eq!(verdict(&log_with).await, Err(VerifyError::Tree { sequence: 256 }));
}

#[tokio::test]
async fn case_39_an_altered_row_of_the_directory_is_named() {
    let mut log_with = log();
    let value = log_with[3].facts[0].value.as_mut().unwrap();
    let at = value.len() / 2;
    value[at] ^= 1;
    assert_eq!(verdict(&log_with).await, Err(VerifyError::Directory { sequence: 3 * EACH + 1 }));
    let mut log_with = log();
    log_with[4].facts.clear();
    assert_eq!(verdict(&log_with).await, Err(VerifyError::Directory { sequence: 4 * EACH + 1 }));
}

/// How fast a long log is verified and proved from: 10,000,000 entries with COMMONROLL_LONG, few otherwise; the figures
/// need a release build.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_verified_and_proved_from_quickly() {
    let blocks = if std::env::var_os("COMMONROLL_LONG").is_some() { 10_000 } else { 10 };
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let store = commonroll_store::open(&database, &commonroll_store::Settings::default()).await.unwrap();
    for block in writing(blocks, 998) {
        put(store.as_ref(), &[block]).await;
    }
    let began = Instant::now();
    let verified = verify(&store, AHEAD, &mut |_| {}).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(verified.entries, blocks * 1_000);
    store.close().await;

    let keys = Keys { log_seed: [7; 32], matching: [9; 32] };
    let options = Options { database, keys, consortium: "vale".to_owned(), seed: [3; 32] };
    let exchange = Exchange::open(options, now()).await.unwrap();
    let key: LogPublicKey = exchange.log_key().parse().unwrap();
    let mut slowest = std::time::Duration::ZERO;
    for nth in 0..200u64 {
        let sequence = 1 + nth * 7_919 % verified.entries;
        let began = Instant::now();
        let proof = exchange.prove(sequence).await.unwrap();
        slowest = slowest.max(began.elapsed());
        assert_eq!(proof.verify(&key).unwrap().size, exchange.stats().log_entries);
    }
    let rate = verified.entries as f64 / seconds;
    println!("{} entries: verified {rate:.0} a second, slowest of 200 proofs {slowest:?}", verified.entries);
}

#[tokio::test]
async fn a_block_is_read_once_however_many_of_its_places_are_asked_for() {
    use crate::follow::{Walk, entries_at};
    use commonroll_store::faults::{Trouble, faulty};
    use std::sync::atomic::{AtomicUsize, Ordering};
    let log = written(6, 4);
    let store = commonroll_store::open("sqlite::memory:", &commonroll_store::Settings::default()).await;
    let store: Arc<dyn Store> = store.unwrap();
    put(store.as_ref(), &log).await;
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = reads.clone();
    let count = move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Trouble::None
    };
    let store = faulty(store, Box::new(count));
    let size: u64 = log.iter().map(|block| u64::from(block.n)).sum();

    // All places, two blocks at a time: a read finds the blocks of two places, which are the first one's.
    let all: Vec<u64> = (0..size).collect();
    let mut walk = Walk::new(&all, 2);
    let mut seen = Vec::new();
    loop {
        let blocks = walk.next(store.as_ref(), false).await.unwrap();
        let Some(last) = blocks.last() else { break };
        assert!(last.0.end() - blocks[0].0.first_seq <= 2 * 6, "two blocks at most");
        seen.extend(blocks.iter().flat_map(|(_, here)| here.iter().copied()));
    }
    assert_eq!(seen, all);
    assert!(reads.load(Ordering::Relaxed) <= log.len(), "{reads:?} reads of {} blocks", log.len());

    // Some of them, and one that isn't there yet.
    let some = [0, 7, 8, 20, size + 3];
    let found = entries_at(store.as_ref(), &some).await.unwrap();
    assert_eq!(found.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), some[..4]);
    let bytes = |seq: u64| {
        let block = log.iter().find(|block| (block.first..block.first + u64::from(block.n)).contains(&seq));
        split_marked(&block.unwrap().entries).unwrap()[(seq - block.unwrap().first) as usize].1.to_vec()
    };
    assert!(found.iter().all(|(seq, entry)| *entry == bytes(*seq)));
}

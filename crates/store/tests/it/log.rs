//! The log itself: appending at the end and nowhere else, reading back, races between writers.

use std::time::{Duration, Instant};

use commonroll_store::{Block, CommitError, StoreError};

use crate::bed::{Bed, batch, on_all, on_disk};

on_all! { what_is_appended_reads_back; a_commit_of_several_blocks_is_read_block_by_block; only_the_end_of_the_log_can_be_appended_to; blocks_are_found_by_any_of_their_numbers; a_commit_that_breaks_a_rule_writes_nothing; }
on_disk! { a_restart_finds_everything; two_writers_leave_no_gap; another_writers_commit_is_noticed; }

/// Whoever wants one record reads its block: a commit of thousands is cut into several. All of them are there, or none.
async fn a_commit_of_several_blocks_is_read_block_by_block(bed: Bed) {
    let store = bed.open().await;
    batch(0, 2).and(3).and(1).feed(7, &[1, 4]).commit(&*store).await.unwrap();
    let all = store.blocks(0, 10, true).await.unwrap();
    let places: Vec<_> = all.iter().map(|block| (block.first_seq, block.n)).collect();
    assert_eq!(places, [(0, 2), (2, 3), (5, 1)]);
    assert!(all.iter().all(|block| block.payloads.as_deref() == Some(b"block 0 payloads")));
    let found = store.block_of(&[4], false).await.unwrap();
    assert_eq!((found.len(), found[0].first_seq), (1, 2), "the block that holds it and no other");
    assert_eq!(store.feed(7, 0, 10).await.unwrap(), [1, 4], "a feed goes over the blocks' borders");
    assert_eq!(store.feed(7, 3, 10).await.unwrap(), [4]);
    assert_eq!(store.head().await.unwrap().unwrap().size(), 6);
    let told = batch(2, 1).and(4).commit(&*store).await.unwrap_err();
    assert!(matches!(told, CommitError::Lost), "{told}");
    assert_eq!(store.blocks(0, 10, true).await.unwrap(), all, "who lost writes none of its blocks");
    batch(6, 1).and(1).commit(&*store).await.unwrap();
    assert_eq!(store.head().await.unwrap().unwrap().size(), 8);
}

async fn what_is_appended_reads_back(bed: Bed) {
    let store = bed.open().await;
    assert_eq!(store.head().await.unwrap(), None);
    batch(0, 3).commit(&*store).await.unwrap();
    batch(3, 1).commit(&*store).await.unwrap();
    let head = store.head().await.unwrap().unwrap();
    assert_eq!((head.first_seq, head.size(), &*head.frontier), (3, 4, &b"block 3"[..]));
    let expected = Block {
        first_seq: 0,
        n: 3,
        at_us: 1_790_000_000_000_000,
        frontier: b"block 0".to_vec(),
        entries: b"block 0 entries".to_vec(),
        payloads: Some(b"block 0 payloads".to_vec()),
    };
    let blocks = store.blocks(0, 10, true).await.unwrap();
    assert_eq!((blocks.len(), &blocks[0]), (2, &expected));
    let without = store.blocks(0, 1, false).await.unwrap();
    assert_eq!(without, [Block { payloads: None, ..expected }]);
}

async fn only_the_end_of_the_log_can_be_appended_to(bed: Bed) {
    let store = bed.open().await;
    batch(0, 10).commit(&*store).await.unwrap();
    for taken in [0, 5, 9] {
        let told = batch(taken, 1).id(crate::bed::revision(1, 1, taken)).commit(&*store).await.unwrap_err();
        assert!(matches!(told, CommitError::Lost), "{told}");
    }
    let told = batch(11, 1).commit(&*store).await.unwrap_err();
    assert!(matches!(told, CommitError::Store(StoreError::Gap { end: 10, got: 11 })), "{told}");
    assert_eq!(store.newest(&[[1; 16]]).await.unwrap(), [None], "a lost race leaves nothing behind");
    batch(10, 1).commit(&*store).await.unwrap();
}

async fn blocks_are_found_by_any_of_their_numbers(bed: Bed) {
    let store = bed.open().await;
    for (first_seq, n) in [(0, 10), (10, 1), (11, 20)] {
        batch(first_seq, n).commit(&*store).await.unwrap();
    }
    let found = async |seqs: &[u64]| -> Vec<u64> {
        store.block_of(seqs, true).await.unwrap().iter().map(|block| block.first_seq).collect()
    };
    assert_eq!(found(&[30, 9, 9, 0]).await, [0, 11]);
    assert_eq!(found(&[10, 11, 31, u64::MAX]).await, [10, 11]);
    assert_eq!(found(&[31, u64::MAX]).await, [0u64; 0]);
    assert_eq!(found(&[]).await, [0u64; 0]);
    let from = async |seq| -> Vec<u64> {
        store.blocks(seq, 2, false).await.unwrap().iter().map(|block| block.first_seq).collect()
    };
    assert_eq!(from(9).await, [0, 10]);
    assert_eq!(from(30).await, [11]);
    assert_eq!(from(31).await, [0u64; 0]);
    let between = async |from, to| -> Vec<u64> {
        store.entries(from, to).await.unwrap().iter().map(|(first_seq, _)| *first_seq).collect()
    };
    assert_eq!(between(9, 11).await, [0, 10]);
    assert_eq!(between(10, 11).await, [10]);
    assert_eq!(between(12, 40).await, [11]);
    assert_eq!(between(31, u64::MAX).await, [0u64; 0]);
}

async fn a_commit_that_breaks_a_rule_writes_nothing(bed: Bed) {
    let store = bed.open().await;
    let broken = [
        batch(0, 0),
        batch(1 << 62, 1),
        batch(0, 2).feed(1, &[]),
        batch(0, 2).feed(1, &[2]),
        batch(0, 2).feed(1, &[1, 1]),
        batch(0, 2).feed(1, &[0]).feed(1, &[1]),
    ];
    for batch in broken {
        let told = batch.commit(&*store).await.unwrap_err();
        assert!(matches!(told, CommitError::Store(StoreError::Misuse(_))), "{told}");
    }
    assert_eq!(store.head().await.unwrap(), None);
}

async fn a_restart_finds_everything(bed: Bed) {
    let store = bed.open().await;
    batch(0, 2).feed(4, &[0, 1]).fact(1, "ridgeway", Some("open")).commit(&*store).await.unwrap();
    store.maintain().await.unwrap();
    batch(2, 1).feed(4, &[2]).commit(&*store).await.unwrap();
    store.close().await;
    assert!(matches!(store.head().await, Err(StoreError::Unavailable(_))));

    let store = bed.open().await;
    assert_eq!(store.head().await.unwrap().unwrap().size(), 3);
    assert_eq!(store.feed(4, 0, 10).await.unwrap(), [0, 1, 2]);
    assert_eq!(store.facts(&[1]).await.unwrap().len(), 1);
    batch(3, 1).commit(&*store).await.unwrap();
}

/// Two processes append as fast as they can; who loses looks at the head and goes on from there.
async fn two_writers_leave_no_gap(bed: Bed) {
    let (left, right) = tokio::join!(bed.open(), bed.open());
    let write = async |store: std::sync::Arc<dyn commonroll_store::Store>, name: &'static str| {
        let mut lost = 0;
        for turn in 0..20 {
            let batch = async || {
                let first_seq = store.head().await.unwrap().map_or(0, |head| head.size());
                tokio::time::sleep(Duration::from_millis(1)).await;
                batch(first_seq, 1 + turn % 3).named(name).commit(&*store).await
            };
            while let Err(told) = batch().await {
                assert!(matches!(told, CommitError::Lost), "{told}");
                lost += 1;
            }
        }
        lost
    };
    let (lost_left, lost_right) = tokio::join!(write(left.clone(), "left"), write(right.clone(), "right"));
    assert!(lost_left + lost_right > 0, "the writers never met");
    let blocks = left.blocks(0, 100, false).await.unwrap();
    let mut end = 0;
    for block in &blocks {
        assert_eq!(block.first_seq, end);
        end = block.end();
    }
    assert_eq!(blocks.iter().filter(|block| block.frontier == b"left").count(), 20);
    assert_eq!(blocks.len(), 40);
    assert_eq!(right.head().await.unwrap().unwrap().size(), end);
}

async fn another_writers_commit_is_noticed(bed: Bed) {
    let (here, there) = (bed.open().await, bed.open().await);
    let started = Instant::now();
    here.wait_for_change(0, Duration::from_millis(150)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(150), "nothing had happened");

    // Nobody waits for it who is told; a slow disk isn't somebody who wasn't.
    let patience = Duration::from_secs(20);
    let started = Instant::now();
    let (waited, ()) = tokio::join!(here.wait_for_change(0, patience), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        batch(0, 2).commit(&*there).await.unwrap();
    });
    waited.unwrap();
    assert!(started.elapsed() < patience, "the commit was not noticed");
    assert_eq!(here.head().await.unwrap().unwrap().size(), 2);
    here.wait_for_change(1, patience).await.unwrap();
    assert!(started.elapsed() < patience, "what was there already is not waited for");
}

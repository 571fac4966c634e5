//! Payloads that are taken out of a block: nobody else's change is lost by it, and the database's files forget them.

use crate::bed::{Bed, batch, on_all};
use commonroll_store::{Commit, NewBlock, Store};
use std::path::Path;

on_all! { payloads_are_replaced_only_as_they_were_read; }

async fn payloads_are_replaced_only_as_they_were_read(bed: Bed) {
    let store = bed.open().await;
    batch(0, 2).commit(&*store).await.unwrap();
    batch(2, 2).commit(&*store).await.unwrap();
    assert!(store.rewrite(0, b"block 0 payloads", b"less").await.unwrap());
    assert!(!store.rewrite(0, b"block 0 payloads", b"lost").await.unwrap(), "it was rewritten meanwhile");
    assert!(!store.rewrite(1, b"less", b"none").await.unwrap(), "no block begins there");
    assert!(store.scrub().await.unwrap());
    let blocks = store.blocks(0, 9, true).await.unwrap();
    assert_eq!(blocks[0].payloads.as_deref(), Some(&b"less"[..]));
    assert_eq!(blocks[1].payloads.as_deref(), Some(&b"block 2 payloads"[..]));
    assert_eq!(blocks[0].entries, b"block 0 entries", "entries stay");
}

/// How often a text stands in the files of a database.
fn found(folder: &Path, canary: &[u8]) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.map(|bytes| bytes.windows(canary.len()).filter(|part| *part == canary).count()).sum()
}

async fn put(store: &dyn Store, first_seq: u64, payloads: &[u8]) {
    let commit = Commit {
        first_seq,
        blocks: &[NewBlock { n: 1, frontier: b"frontier", entries: b"entries", payloads }],
        ids: &[],
        superseded: &[],
        feeds: &[],
        facts: &[],
        tiles: &[],
        at_us: 1_790_000_000_000_000,
    };
    store.commit(&commit).await.unwrap();
}

#[tokio::test]
async fn what_was_erased_is_nowhere_in_the_files() {
    const CANARY: &[u8] = b"canary-of-erasure";
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let store = commonroll_store::open(&url, &commonroll_store::Settings::default()).await.unwrap();
    // Rows that fit a page together, rows that fill one, and rows of many pages, some already checkpointed.
    let sizes = [40, 300, 1_500, 3_900, 4_100, 60_000, 700_000];
    for round in 0..40u64 {
        let size = sizes[round as usize % sizes.len()];
        let mut payload = vec![b'.'; size];
        payload[size / 2..size / 2 + CANARY.len()].copy_from_slice(CANARY);
        put(&*store, round, &payload).await;
        if round == 20 {
            store.maintain().await.unwrap();
        }
    }
    assert!(found(folder.path(), CANARY) >= 40);
    for block in store.blocks(0, 100, true).await.unwrap() {
        let before = block.payloads.unwrap();
        assert!(store.rewrite(block.first_seq, &before, &before[..8]).await.unwrap());
    }
    assert!(store.scrub().await.unwrap());
    assert_eq!(found(folder.path(), CANARY), 0);
    assert_eq!(store.blocks(0, 100, true).await.unwrap().len(), 40);
}

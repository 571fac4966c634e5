//! What needs a hand inside: codes, limits and faults that no caller can bring about.

use sqlx::Connection;

use super::*;
use crate::{Commit, CommitError, IdRow, NewBlock};

#[test]
fn settings_that_could_lose_a_commit_are_refused() {
    assert!(durable("wal", 2).is_ok() && durable("wal", 3).is_ok());
    let told = durable("wal", 1).unwrap_err().to_string();
    assert!(told.contains("synchronous is 1") && told.contains("FULL"), "{told}");
    assert!(durable("delete", 2).unwrap_err().to_string().contains("journal_mode is delete"));
}

#[test]
fn codes_say_what_to_do() {
    let meant = ["5", "13", "1034", "778", "266", "11", "14", "1", "4874"].map(fault);
    let expected = [Fault::Busy, Fault::Full, Fault::Flush, Fault::Flush, Fault::Damaged, Fault::Damaged];
    assert_eq!(meant[..6], expected);
    assert_eq!(meant[6..], [Fault::Away, Fault::Other, Fault::Full]);
}

#[tokio::test]
async fn a_failed_migration_leaves_the_database_as_it_was() {
    let mut conn = Conn::connect("sqlite::memory:").await.unwrap();
    install(&mut conn, &["CREATE TABLE one (a INTEGER)"]).await.unwrap();
    let broken = ["CREATE TABLE one (a INTEGER)", "CREATE TABLE two (a INTEGER); CREATE TABLE one (a)"];
    install(&mut conn, &broken).await.unwrap_err();
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema ORDER BY name")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    assert_eq!(tables, ["one", "schema_version"]);
    let version: i64 =
        sqlx::query_scalar("SELECT version FROM schema_version").fetch_one(&mut conn).await.unwrap();
    assert_eq!(version, 1);
    let newer = install(&mut conn, &[]).await.unwrap_err().to_string();
    assert!(newer.contains("schema version 1 is newer than 0"), "{newer}");
}

fn block(payloads: &[u8]) -> [NewBlock<'_>; 1] {
    [NewBlock { n: 1, frontier: b"f", entries: b"e", payloads }]
}

fn commit<'a>(first_seq: u64, blocks: &'a [NewBlock<'a>]) -> Commit<'a> {
    Commit { first_seq, blocks, ids: &[], superseded: &[], feeds: &[], facts: &[], tiles: &[], at_us: 0 }
}

#[tokio::test]
async fn case_29_a_full_disk_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let store = connect(&url, &Settings::default()).await.unwrap();
    store.commit(&commit(0, &block(b"small"))).await.unwrap();
    let limit = async |pages: &'static str| sqlx::raw_sql(pages).execute(&store.writer).await.unwrap();
    limit("PRAGMA max_page_count = 20").await;
    let large = vec![7; 1_000_000];
    let told = store.commit(&commit(1, &block(&large))).await.unwrap_err();
    assert!(matches!(told, CommitError::Store(StoreError::Full(_))), "{told}");
    assert_eq!(store.head().await.unwrap().unwrap().size(), 1);
    store.commit(&commit(1, &block(b"what fits still goes in"))).await.unwrap();
    limit("PRAGMA max_page_count = 1000000").await;
    store.commit(&commit(2, &block(&large))).await.unwrap();
    assert_eq!(store.blocks(2, 1, true).await.unwrap()[0].payloads.as_deref(), Some(&large[..]));
}

/// A disk that fills while a statement without a copy to go back to is at work, or at a commit's end, ends the whole
/// transaction within SQLite.
#[tokio::test]
async fn case_29_a_transaction_that_sqlite_ended_by_itself_stops_no_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let store = connect(&url, &Settings::default()).await.unwrap();
    store.commit(&commit(0, &block(b"small"))).await.unwrap();
    let id =
        |n: u64| IdRow { id: u128::from(n).to_be_bytes(), revision: 1, seq: 1, source: 1, root: [0; 14] };
    let many: Vec<IdRow> = (0..5_000).map(id).collect();
    let small = block(b"small");
    let large = Commit { ids: &many, ..commit(1, &small) };
    sqlx::raw_sql("PRAGMA max_page_count = 30").execute(&store.writer).await.unwrap();
    for _ in 0..2 {
        let told = store.commit(&large).await.unwrap_err();
        assert!(matches!(told, CommitError::Store(StoreError::Full(_))), "{told}");
    }
    assert_eq!(store.head().await.unwrap().unwrap().size(), 1);
    store.commit(&commit(1, &block(b"what fits still goes in"))).await.unwrap();
    let newest = store.newest(&[many[0].id]).await.unwrap();
    assert_eq!(newest, [None], "nothing of what was refused is there");
}

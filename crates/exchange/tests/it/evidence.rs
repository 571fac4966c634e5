//! The log can be checked, and whoever alters it is found.

use crate::world::*;
use commonroll_audit::{
    checkpoint::{Checkpoint, LogPublicKey},
    proof::verify_consistency,
};
use commonroll_exchange::*;

#[tokio::test]
async fn every_checkpoint_extends_the_one_before() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let key: LogPublicKey = world.exchange.log_key().parse().unwrap();
    let mut held: Option<Checkpoint> = None;
    for round in 0..40i64 {
        let marks = (0..17).map(|n| {
            let mut record = mark("northgate", "n-77", 9, 1);
            record.head.id.0[14] = round as u8;
            record.head.id.0[15] = n;
            record
        });
        world.publish("northgate", marks.collect()).await;
        let (note, proof) = world.exchange.checkpoint(held.as_ref().map_or(0, |c| c.size)).await.unwrap();
        let now = Checkpoint::open(&note, &key).unwrap();
        if let Some(old) = &held {
            verify_consistency(old.size, &old.root, now.size, &now.root, &proof).unwrap();
        }
        // Some rounds keep an old checkpoint, so that proofs span more than one commit.
        if round % 3 == 0 {
            held = Some(now);
        }
    }
    let verified = world.exchange.verify(|_| {}).await.unwrap();
    assert_eq!((verified.records, verified.payloads), (680, 680));
    let first = world.exchange.checkpoint(0).await.unwrap().0;
    assert_eq!(Checkpoint::open(&first, &key).unwrap().root, verified.root);
}

#[tokio::test]
async fn every_entry_is_proved_against_the_checkpoint_of_now() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    // More than one tile of 256 entries, in blocks of one and of many.
    let mut cursor = 0;
    for round in 0..6u8 {
        let marks = (0..100).map(|n| {
            let mut record = mark("northgate", "n-77", 9, 1);
            (record.head.id.0[14], record.head.id.0[15]) = (round, n);
            record
        });
        world.publish("northgate", marks.collect()).await;
        cursor = world.feed("kingsmead", cursor).await.1;
        world.acknowledge("kingsmead", cursor).await.unwrap();
    }
    let key: LogPublicKey = world.exchange.log_key().parse().unwrap();
    let size = world.exchange.stats().log_entries;
    for sequence in (1..=size).step_by(7).chain([255, 256, 257, 512, 513, size]) {
        let proof = world.exchange.prove(sequence).await.unwrap();
        let checkpoint = proof.verify(&key).unwrap();
        assert_eq!((proof.index, checkpoint.size), (sequence - 1, size));
    }
    assert!(world.exchange.prove(0).await.is_err());
    assert!(world.exchange.prove(size + 1).await.is_err());

    // A partner gets the proof of what concerns it, and of nothing else, in the same words as for what is not there.
    let record = size - 1;
    for who in ["northgate", "kingsmead"] {
        assert!(
            world.exchange.prove_to(&world.speaker(who), record).await.is_ok(),
            "{who} made it or got it"
        );
    }
    for sequence in [record, 1, size + 1] {
        let answer = world.exchange.prove_to(&world.speaker("ridgeway"), sequence).await;
        assert_eq!(answer, Err(NotAllowed::Denied));
    }
}

#[tokio::test]
async fn an_altered_entry_or_payload_is_named_by_verify() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let database = format!("sqlite:{}", path.display());
    let mut world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let answers = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let [RecordAnswer::Accepted { sequence }] = answers[..] else { panic!("{answers:?}") };
    assert!(world.exchange.verify(|_| {}).await.is_ok());
    tamper(&path, sequence - 1, "payloads").await;
    assert_eq!(world.exchange.verify(|_| {}).await, Err(VerifyError::Bad { sequence }));
    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    let mut feed = again.receive(&world.speaker("kingsmead"), 0).unwrap();
    assert!(matches!(feed.next(&world.clock).await, Err(FeedError::Damaged)), "damage is never delivered");
}

#[tokio::test]
async fn case_39_a_directory_row_that_was_edited_is_named_by_verify() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let database = format!("sqlite:{}", path.display());
    let world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.exchange.revoke(Revoke::Institution(slug("ridgeway")), "operator", world.now()).await.unwrap();
    assert!(world.exchange.verify(|_| {}).await.is_ok());
    // Somebody with access to the database takes the revocation back.
    let edit = "import sqlite3,sys,re\nc=sqlite3.connect(sys.argv[1])\nfor k,v in c.execute('select key,value from fact where kind=4').fetchall():\n  c.execute('update fact set value=? where kind=4 and key=?',(re.sub(rb'\"revoked\":[0-9]+',rb'\"revoked\":null',v),k))\nc.commit()";
    let run = std::process::Command::new("python3").arg("-c").arg(edit).arg(&path).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let found = world.exchange.verify(|_| {}).await;
    assert!(matches!(found, Err(VerifyError::Directory { .. })), "{found:?}");
}

/// Flips the last byte of a stored column of the block that begins at a sequence number, with a tool that is not ours.
async fn tamper(path: &std::path::Path, first: u64, column: &str) {
    let script = format!(
        "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nb=bytearray(c.execute('select {column} from block where first_seq=?',({first},)).fetchone()[0])\nb[-1]^=1\nc.execute('update block set {column}=? where first_seq=?',(bytes(b),{first}))\nc.commit()"
    );
    let run = std::process::Command::new("python3").arg("-c").arg(script).arg(path).output().unwrap();
    assert!(run.status.success(), "python3 with sqlite3 is needed: {}", String::from_utf8_lossy(&run.stderr));
}

//! Retention: what was agreed and what an institution sets is what happens, and what still waits stays.

use crate::{
    erasure::{file_store, found},
    world::*,
};
use commonroll_core::{RecordKind, Role};
use commonroll_exchange::{NotAllowed, *};
use commonroll_store::faults::{Call, Trouble, faulty};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

fn rule(days: u32, even_waiting: bool) -> RetentionRule {
    RetentionRule { kind: RecordKind::Attendance, keeping: Some(Keeping { days, even_waiting }) }
}

async fn count(world: &World, name: &str) -> usize {
    world.log().await.iter().filter(|line| line.starts_with(name)).count()
}

/// Lets looks run to their end.
async fn look(world: &World) {
    for _ in 0..6 {
        world.exchange.tick(world.now()).await;
    }
}

#[tokio::test]
async fn what_the_signed_agreement_promises_happens_thirty_days_after_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::with_store(file_store(folder.path()).await, with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let first = mark("northgate", "n-77", 9, 1);
    world.publish("northgate", vec![first.clone()]).await;
    // Delivered ten days late: the days count from there.
    world.pass(10 * DAY);
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    world.pass(29 * DAY);
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 0, "not yet");
    world.pass(2 * DAY);
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 1);
    assert_eq!(count(&world, "retention.ran").await, 1, "and the run says what went");
    assert_eq!(found(folder.path(), &salt_of(&first, 2)), 0);
    let verified = world.exchange.verify(|_| {}).await.unwrap();
    assert_eq!((verified.payloads, verified.erased), (1, 1), "what waits in a feed stays, however old");
    let shown = world.exchange.show(1, 1_000).await.unwrap();
    let went = shown.iter().find(|e| e["what"] == "record.expired").unwrap();
    assert_eq!((&went["more"]["kind"], &went["more"]["count"]), (&"attendance".into(), &1.into()));
    assert_eq!(went["more"]["root"].as_str().unwrap().len(), 64, "what went is bound by a root of hashes");
    let (lines, _) = world.feed("kingsmead", cursor).await;
    assert_eq!(lines.len(), 1, "the waiting mark is delivered: {lines:?}");
    // Nothing is done twice, also not by a hub that has just started.
    world.started_again(file_store(folder.path()).await).await;
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 1);
    // Copies of what is kept no longer can still be called back.
    world.declare("kingsmead", end("k-1", "northgate", world.now().plus_micros(-90 * DAY))).await;
    world.sweep().await;
    let (_, notices, _) = world.told("kingsmead", cursor).await;
    assert!(notices.iter().any(|n| n.reason == withdrawal::Reason::PlacementEnded), "{notices:?}");
}

#[tokio::test]
async fn a_data_manager_asks_and_the_data_protection_officer_agrees() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.pass(6 * DAY);
    let (manager, dpo) =
        (Actor::new(&world, "northgate", Role::DataManager), Actor::new(&world, "northgate", Role::Dpo));
    assert!(!world.exchange.set_retention(manager.acting(), rule(5, false), world.now()).await.unwrap());
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 0, "asked for is not agreed");
    let seen = world.exchange.retention(dpo.acting()).unwrap();
    assert_eq!(seen[0].asked, Some((rule(5, false).keeping, manager.made.id)));
    assert_eq!(seen[0].agreed.iter().map(|(.., days)| *days).collect::<Vec<_>>(), [30, 30]);
    assert!(world.exchange.set_retention(dpo.acting(), rule(5, false), world.now()).await.unwrap());
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 1);
    // Longer than agreed does not lengthen what was agreed.
    assert!(world.exchange.set_retention(dpo.acting(), rule(300, false), world.now()).await.unwrap());
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let (_, cursor) = world.feed("kingsmead", cursor).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.pass(31 * DAY);
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 2);
    let head = Actor::new(&world, "northgate", Role::Head);
    let refused = world.exchange.set_retention(head.acting(), rule(5, false), world.now()).await;
    assert_eq!(refused, Err(LawError::NotAllowed(NotAllowed::Denied)));
    assert!(world.exchange.retention(head.acting()).is_err());
}

#[tokio::test]
async fn case_25_what_nobody_comes_for_goes_only_if_its_source_says_so_and_never_in_silence() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    world.pass(100 * DAY);
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 0);
    let dpo = Actor::new(&world, "northgate", Role::Dpo);
    world.exchange.set_retention(dpo.acting(), rule(60, true), world.now()).await.unwrap();
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 1);
    let (lines, _) = world.feed("kingsmead", 0).await;
    assert!(lines.is_empty());
    assert_eq!(count(&world, "delivery.withheld").await, 1, "the recipient's feed says that it was there");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_run_that_was_cut_off_is_finished_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let switch = broken.clone();
    let fate = move |call| match call == Call::Rewrite && switch.load(Ordering::Relaxed) {
        true => Trouble::Away,
        false => Trouble::None,
    };
    let store = faulty(file_store(folder.path()).await, Box::new(fate));
    let mut world = World::with_store(store, with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let marks: Vec<_> = (8..12).map(|hour| mark("northgate", "n-77", hour, 1)).collect();
    let salts: Vec<_> = marks.iter().map(|mark| salt_of(mark, 2)).collect();
    for mark in marks {
        world.publish("northgate", vec![mark]).await;
    }
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.pass(31 * DAY);
    broken.store(true, Ordering::Relaxed);
    look(&world).await;
    let verified = world.exchange.verify(|_| {}).await.unwrap();
    assert_eq!((verified.erased, verified.going), (0, 4), "the entry is there, the bytes still are");
    world.started_again(file_store(folder.path()).await).await;
    look(&world).await;
    let verified = world.exchange.verify(|_| {}).await.unwrap();
    assert_eq!((verified.erased, verified.going), (4, 0));
    assert!(salts.iter().all(|salt| found(folder.path(), salt) == 0));
    assert_eq!(count(&world, "record.expired").await, 1, "said once");
}

#[tokio::test]
async fn what_may_go_though_it_waits_counts_the_institutions_own_days_and_not_those_agreed() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let dpo = Actor::new(&world, "northgate", Role::Dpo);
    world.exchange.set_retention(dpo.acting(), rule(200, true), world.now()).await.unwrap();
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    world.pass(100 * DAY);
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 0, "thirty days were agreed, but from its delivery");
    world.pass(101 * DAY);
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 1);
}

#[tokio::test]
async fn case_35_a_clock_that_was_ahead_for_a_while_keeps_no_look_from_the_right_day() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    // It is looked by the wrong day, by which nothing is due: nobody holds the mark yet.
    world.pass(100 * DAY);
    look(&world).await;
    world.pass(-100 * DAY);
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.pass(31 * DAY);
    look(&world).await;
    assert_eq!(count(&world, "record.expired").await, 1, "on its day, and not a hundred days later");
}

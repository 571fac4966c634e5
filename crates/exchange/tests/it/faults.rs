//! What happens when the store fails, at exactly the moment that a test chooses.

use crate::world::*;
use commonroll_exchange::*;
use commonroll_store::faults::{Call, Trouble, faulty};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A consortium with one placement, and a switch that makes every commit fail in one way.
async fn placed_on(trouble: Trouble) -> (World, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let switch = broken.clone();
    let fate = move |call| match call == Call::Commit && switch.load(Ordering::Relaxed) {
        true => trouble,
        false => Trouble::None,
    };
    let store =
        commonroll_store::open("sqlite::memory:", &commonroll_store::Settings::default()).await.unwrap();
    let mut world = World::at_store(faulty(store, Box::new(fate))).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    (world, broken)
}

#[tokio::test]
async fn what_is_withheld_gets_its_entry_even_if_the_first_try_to_write_it_fails() {
    let (world, broken) = placed_on(Trouble::Away).await;
    world.declare("kingsmead", end("k-1", "northgate", world.now().plus_micros(-DAY))).await;
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
    broken.store(true, Ordering::Relaxed);
    assert_eq!(feed.next(&world.clock).await.unwrap_err(), FeedError::Unavailable);
    broken.store(false, Ordering::Relaxed);
    assert!(world.feed("kingsmead", 0).await.0.is_empty());
    let noted = world.log().await.iter().filter(|line| line.starts_with("delivery.withheld")).count();
    assert_eq!(noted, 1);
}

#[tokio::test]
async fn case_29_a_full_disk_takes_nothing_says_so_and_recovers_by_itself() {
    let (mut world, full) = placed_on(Trouble::Full).await;
    full.store(true, Ordering::Relaxed);
    let next = world.agents["northgate"].next_batch;
    let refused =
        world.publish_as("northgate", "northgate", next, vec![mark("northgate", "n-77", 10, 1)]).await;
    assert_eq!(refused, Err(PublishError::Full));
    assert!(world.exchange.ready(world.now()).unwrap_err().contains("full"));
    let (lines, cursor) = world.feed("kingsmead", 0).await;
    assert_eq!(lines.len(), 1, "reading goes on, and nothing is there that was not acknowledged");

    // Nobody publishes: the hub finds out by itself that there is room again.
    full.store(false, Ordering::Relaxed);
    for _ in 0..8 {
        world.exchange.tick(world.now()).await;
    }
    assert_eq!(world.exchange.ready(world.now()), Ok(()));
    assert_eq!(world.log().await.last().unwrap(), "hub.disk_was_full by hub");
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "the same batch number is still the next");
    assert_eq!(world.feed("kingsmead", cursor).await.0.len(), 1);
}

#[tokio::test]
async fn a_record_is_counted_when_it_is_durable_whether_or_not_its_source_hears_of_it() {
    let (world, _) = placed_on(Trouble::None).await;
    let before = world.exchange.stats();
    assert_eq!(before.accepted.iter().map(|(_, count)| count).sum::<u64>(), 1);
    let next = world.agents["northgate"].next_batch;
    let publish = world.publish_as("northgate", "northgate", next, vec![mark("northgate", "n-77", 10, 1)]);
    let heard = tokio::select! {
        biased;
        _ = publish => true,
        () = std::future::ready(()) => false, // the stream breaks
    };
    assert!(!heard, "nothing is durable yet");
    for _ in 0..200 {
        if world.exchange.stats().log_entries > before.log_entries {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.exchange.stats().accepted[0], ("attendance", 2));
}

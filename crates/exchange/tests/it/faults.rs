//! What happens when the store fails, at exactly the moment that a test chooses.

use crate::world::*;
use commonroll_core::Role;
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

/// A full disk, and what is held in reserve on it.
#[derive(Debug)]
struct FullDisk {
    held: AtomicBool,
    /// The disk has room for anybody.
    room: AtomicBool,
    /// What was given back has been filled, too.
    spent: AtomicBool,
    /// Something begins to be written just before another gives the reserve back.
    late: AtomicBool,
}

impl FullDisk {
    fn is_full(&self) -> bool {
        !self.room.load(Ordering::Relaxed)
            && (self.held.load(Ordering::Relaxed)
                || self.spent.load(Ordering::Relaxed)
                || self.late.swap(false, Ordering::Relaxed))
    }
}

impl Reserve for FullDisk {
    fn give_back(&self) {
        self.held.store(false, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.held.load(Ordering::Relaxed) || {
            let room = self.room.load(Ordering::Relaxed);
            self.held.store(room, Ordering::Relaxed);
            room
        }
    }
}

impl FullDisk {
    fn new(room: bool) -> Arc<Self> {
        let no = || AtomicBool::new(false);
        Arc::new(Self { held: no(), room: room.into(), spent: no(), late: no() })
    }
}

/// A governed consortium with one placement, on a disk that is full from now on and holds a reserve.
async fn on_a_full_disk() -> (World, Arc<FullDisk>) {
    let disk = FullDisk::new(true);
    let seen = disk.clone();
    let fate = move |call| match call != Call::Read && seen.is_full() {
        true => Trouble::Full,
        false => Trouble::None,
    };
    let mut world =
        World::with_store(faulty(open_store("sqlite::memory:").await, Box::new(fate)), governed()).await;
    world.exchange.hold(disk.clone());
    world.ticks().await;
    assert!(!disk.held.load(Ordering::Relaxed), "a program that only changes one thing holds none");
    world.exchange.started(world.now()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(disk.held.load(Ordering::Relaxed), "a hub that serves holds its reserve");
    disk.room.store(false, Ordering::Relaxed);
    (world, disk)
}

impl World {
    async fn publishes(&self, hour: i64) -> Result<BatchAnswer, PublishError> {
        let next = self.agents["northgate"].next_batch;
        self.publish_as("northgate", "northgate", next, vec![mark("northgate", "n-77", hour, 1)]).await
    }

    async fn ticks(&self) {
        for _ in 0..8 {
            self.exchange.tick(self.now()).await;
        }
    }

    async fn opens(&self, number: u8) -> Result<(), SessionError> {
        let manager = made("northgate", Role::DataManager).id;
        let way = (manager, Role::DataManager);
        self.exchange.open_session([number; 32], way, "a test", self.now()).await
    }
}

#[tokio::test]
async fn case_29_on_a_full_disk_records_wait_and_sign_in_reading_and_revocation_go_on() {
    let (mut world, disk) = on_a_full_disk().await;
    assert_eq!(world.publishes(10).await.unwrap_err(), PublishError::Full);
    assert!(!disk.held.load(Ordering::Relaxed), "the reserve is what all else is written on");
    assert!(world.exchange.ready(world.now()).unwrap_err().contains("records are refused"));
    assert_eq!(world.exchange.serving(world.now()), Ok(()));
    assert!(world.exchange.stats().disk_full);

    world.opens(1).await.unwrap();
    assert!(world.exchange.session(&[1; 32], true, world.now()).await.is_ok());
    let over = world.now().plus_micros(-DAY);
    assert!(matches!(
        world.declare("kingsmead", end("k-1", "northgate", over)).await,
        DeclareResult::Accepted
    ));
    assert!(world.feed("kingsmead", 0).await.0.is_empty(), "what was withheld has its entry");
    world.exchange.revoke(Revoke::Institution(slug("ridgeway")), "operator", world.now()).await.unwrap();
    assert_eq!(world.exchange.receive(&world.speaker("ridgeway"), 0).err(), Some(NotAllowed::Unknown));

    // However long it takes: nobody is told of room that only the reserve has left.
    world.ticks().await;
    assert!(world.exchange.ready(world.now()).is_err());
    let log = world.log().await;
    for what in ["signin.opened", "delivery.withheld", "revoked"] {
        assert!(log.iter().any(|line| line.contains(what)), "{what} is in {log:?}");
    }
    assert!(!log.iter().any(|line| line.starts_with("hub.disk_was_full")));
    assert_eq!(world.publishes(10).await.unwrap_err(), PublishError::Full);

    disk.room.store(true, Ordering::Relaxed);
    world.ticks().await;
    assert_eq!(world.exchange.ready(world.now()), Ok(()));
    assert!(disk.held.load(Ordering::Relaxed), "held again for the next time");
    assert_eq!(world.log().await.last().unwrap(), "hub.disk_was_full by hub");
    world.placed("kingsmead", "k-2", "northgate", "n-78", "1000000027").await;
    let taken = world.publish("northgate", vec![mark("northgate", "n-78", 10, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "the same batch number is still the next");
}

#[tokio::test]
async fn case_29_whoever_runs_into_the_full_disk_first_is_written_on_the_reserve() {
    let (world, disk) = on_a_full_disk().await;
    world.opens(1).await.unwrap();
    assert!(!disk.held.load(Ordering::Relaxed) && world.exchange.ready(world.now()).is_err());
    disk.late.store(true, Ordering::Relaxed);
    world.opens(3).await.expect("another gave the reserve back while this was being written");
    assert!(world.exchange.ready(world.now()).unwrap_err().contains("records are refused"));

    // Nothing lasts for ever: what doesn't fit any more fails, and says so.
    disk.spent.store(true, Ordering::Relaxed);
    assert_eq!(world.opens(2).await.unwrap_err(), SessionError::Unavailable);
    assert!(world.exchange.ready(world.now()).unwrap_err().contains("so is the reserve"));
    assert!(world.exchange.serving(world.now()).is_err(), "nothing is shown that can't have its entry");
    assert_eq!(world.exchange.session(&[2; 32], true, world.now()).await.unwrap_err(), SessionError::None);

    disk.room.store(true, Ordering::Relaxed);
    world.ticks().await;
    assert_eq!(world.exchange.ready(world.now()), Ok(()));
    world.opens(2).await.unwrap();
}

#[tokio::test]
async fn case_29_a_hub_that_starts_on_a_full_disk_serves_and_takes_no_records_until_there_is_room() {
    let disk = FullDisk::new(false);
    let world = World::governed().await;
    world.exchange.hold(disk.clone());
    world.exchange.started(world.now()).await;
    assert!(world.exchange.ready(world.now()).unwrap_err().contains("records are refused"));
    world.opens(1).await.unwrap();
    world.ticks().await;
    assert!(world.exchange.ready(world.now()).is_err(), "without its reserve it takes no records");
    disk.room.store(true, Ordering::Relaxed);
    world.ticks().await;
    assert_eq!(world.exchange.ready(world.now()), Ok(()));
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

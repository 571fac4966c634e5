//! Case 35, the law's half: a clock that is years ahead makes no history, hands out nothing and takes nothing away.

use crate::world::*;
use commonroll_core::directory::Registration;
use commonroll_exchange::*;
use std::time::Duration;

/// As a hub sets it.
const MOST: Duration = Duration::from_secs(120 * 86_400);

/// A mark that its home holds, and another that waits for it; the cursor between the two.
async fn delivered() -> (World, u64) {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    (world, cursor)
}

async fn ticks(world: &World) {
    for _ in 0..8 {
        world.exchange.tick(world.now()).await;
    }
}

#[tokio::test]
async fn case_35_by_a_clock_that_is_years_ahead_nothing_is_written_handed_out_called_back_or_taken_out() {
    let (mut world, cursor) = delivered().await;
    ticks(&world).await;
    world.exchange.limit_clock(MOST);
    let before = world.log().await;

    // By then the agreement has ended, the placement is over and the payloads are old.
    world.pass(3 * 365 * DAY);
    ticks(&world).await;
    let why = world.exchange.ready(world.now()).unwrap_err();
    assert!(why.contains("clock") && why.contains("--clock-is-right"), "{why}");
    let number = world.agents["northgate"].next_batch;
    let batch = vec![mark("northgate", "n-77", 11, 1)];
    let refused = world.publish_as("northgate", "northgate", number, batch).await;
    assert_eq!(refused, Err(PublishError::Clock(ClockAhead)));
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), cursor).unwrap();
    assert_eq!(feed.next(&world.clock).await.unwrap_err(), FeedError::Clock(ClockAhead));
    // Whatever got past the doors: the writer takes it for nothing.
    let revoked = world.exchange.revoke(Revoke::Agent(AgentId([1; 16])), "operator", world.now()).await;
    assert!(matches!(revoked, Err(AdminError::Unavailable)), "{revoked:?}");
    assert!(world.exchange.speaker(AgentId([1; 16])).is_ok());
    assert_eq!(world.log().await, before, "not one entry");

    // The clock is set right, and there is nothing to mend.
    world.pass(-3 * 365 * DAY);
    ticks(&world).await;
    assert_eq!(world.exchange.ready(world.now()), Ok(()));
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 11, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }));
    let (lines, notices, _) = world.told("kingsmead", cursor).await;
    assert_eq!((lines.len(), notices.len()), (2, 0), "{lines:?}");
    assert_eq!(world.exchange.verify(|_| {}).await.unwrap().erased, 0);
}

#[tokio::test]
async fn case_35_a_clock_that_has_simply_gone_on_is_believed_and_so_is_an_operators_word() {
    let (world, _) = delivered().await;
    world.exchange.limit_clock(MOST);
    // Nobody has anything to say for most of a year.
    for _ in 0..9 {
        world.pass(30 * DAY);
        ticks(&world).await;
        assert_eq!(world.exchange.ready(world.now()), Ok(()));
    }
    // Set back by an hour, or by years, it is still no leap ahead, and neither is it when it is right again.
    world.pass(-900 * DAY);
    assert_eq!(world.exchange.ready(world.now()), Ok(()));
    world.declare("kingsmead", end("k-1", "northgate", world.now().plus_micros(400 * DAY))).await;
    world.pass(900 * DAY);
    assert_eq!(world.exchange.ready(world.now()), Ok(()));

    world.pass(121 * DAY);
    assert!(world.exchange.ready(world.now()).is_err());
    world.exchange.clock_is_right(world.now());
    assert_eq!(world.exchange.ready(world.now()), Ok(()));
    world.pass(121 * DAY);
    assert!(world.exchange.ready(world.now()).is_err(), "the word was of the time before");
}

#[tokio::test]
async fn case_35_a_feed_that_would_greet_a_new_node_says_that_it_is_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::with(&database, with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let twin = Exchange::open(options(&database), world.now()).await.unwrap();
    twin.started(world.now()).await;
    world.exchange.follow(Duration::ZERO).await.unwrap();
    world.exchange.limit_clock(MOST);
    let greetings = async |world: &World| world.entries_of("hub.running").await.len();
    let before = greetings(&world).await;

    world.pass(3 * 365 * DAY);
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
    assert_eq!(feed.next(&world.clock).await.unwrap_err(), FeedError::Clock(ClockAhead));
    assert_eq!(greetings(&world).await, before);
    world.pass(-3 * 365 * DAY);
    assert_eq!(feed.next(&world.clock).await.unwrap().len(), 1);
    assert_eq!(greetings(&world).await, before + 1, "it was to be greeted");
}

#[tokio::test]
async fn case_35_an_operators_word_for_a_wrong_clock_is_taken_back_when_the_clock_is_set_right() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::with(&database, with_officers()).await;
    world.exchange.limit_clock(MOST);
    ticks(&world).await;
    world.pass(3 * 365 * DAY);
    world.exchange.clock_is_right(world.now());
    world.declare("kingsmead", learner("k-9", Registration::Home, "1000000051")).await;
    ticks(&world).await;
    // Clocks are put right by minutes all the time.
    world.pass(-DAY / 24);
    ticks(&world).await;
    world.pass(DAY / 24);
    assert_eq!(world.exchange.ready(world.now()), Ok(()));

    // It was wrong after all, and is set right a day later: from there on, not from the word, no clock may be far ahead.
    world.pass(-3 * 365 * DAY + DAY);
    ticks(&world).await;
    world.declare("kingsmead", learner("k-8", Registration::Home, "1000000019")).await;
    world.pass(200 * DAY);
    assert!(world.exchange.ready(world.now()).is_err());
    let started = Exchange::open(options(&database), world.now()).await.unwrap();
    started.limit_clock(MOST);
    assert!(started.ready(world.now()).is_err(), "a start finds the same in the log");
    world.pass(-200 * DAY);
    assert_eq!((started.ready(world.now()), world.exchange.ready(world.now())), (Ok(()), Ok(())));
}

#[tokio::test]
async fn case_35_an_empty_log_knows_no_time_and_one_of_another_node_does() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::with(&database, with_officers()).await;
    world.exchange.limit_clock(MOST);
    let twin = Exchange::open(options(&database), world.now()).await.unwrap();
    twin.limit_clock(MOST);
    world.pass(119 * DAY);
    world.declare("kingsmead", learner("k-9", Registration::Home, "1000000051")).await;
    world.pass(119 * DAY);
    assert!(twin.ready(world.now()).is_err(), "it has slept meanwhile");
    twin.follow(Duration::ZERO).await.unwrap();
    assert_eq!(twin.ready(world.now()), Ok(()), "what the other wrote tells the time");
    let started = Exchange::open(options(&database), world.now()).await.unwrap();
    started.limit_clock(MOST);
    assert_eq!(started.ready(world.now()), Ok(()));
    assert!(started.ready(world.now().plus_micros(2 * DAY)).is_err(), "a start reads it from the log");
}

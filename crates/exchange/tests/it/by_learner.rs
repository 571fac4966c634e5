//! The index by learner follows behind the log, and answers are the same whatever state it is in.

use crate::world::*;
use commonroll_core::Role;
use commonroll_exchange::*;

/// Small steps, so that a short log has many; and none, so that all is read from the log.
const SMALL: Sizes =
    Sizes { page_records: 100, page_bytes: 1 << 20, ring_bytes: 0, index_step: 7, index_far: 1 << 40 };
/// Several steps at once, as a node does that is far behind.
const LEAPING: Sizes = Sizes { index_step: 2, index_far: 1, ..SMALL };
const NONE: Sizes = Sizes { index_step: 1 << 40, ..SMALL };

async fn node(database: &str, sizes: Sizes, world: &World) -> Exchange {
    Exchange::open_on(open_store(database).await, sizes, options(""), world.now()).await.unwrap()
}

/// What a node says of who saw a learner.
async fn said(node: &Exchange, who: &PersonSpeaker, learner: &str, world: &World) -> Vec<Saw> {
    node.follow(std::time::Duration::ZERO).await.unwrap();
    let asker = node.asker(who, Role::Dpo, Question::WhoSaw).unwrap();
    node.who_saw(&asker, &id(learner), Window::default(), world.now()).await.unwrap()
}

#[tokio::test]
async fn answers_are_the_same_whatever_state_the_index_is_in_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    the_same_in_any_state(&format!("sqlite:{}", folder.path().join("hub.db").display())).await;
}

#[tokio::test]
async fn answers_are_the_same_whatever_state_the_index_is_in_on_postgresql() {
    let server = commonroll_store::testkit::Postgres::shared().unwrap();
    the_same_in_any_state(&server.database().await.unwrap()).await;
}

async fn the_same_in_any_state(database: &str) {
    let mut world = World::sized(open_store(database).await, consortium(), SMALL).await;
    let dpo = world.office("kingsmead", Role::Dpo, 70).await;
    world.placed("kingsmead", "k-1", "northgate", "n-1", "1000000019").await;
    world.placed("kingsmead", "k-2", "northgate", "n-2", "1000000027").await;
    for hour in 8..14 {
        let marks = ["n-1", "n-2"].map(|guest| mark("northgate", guest, hour, 1));
        world.publish("northgate", marks.to_vec()).await;
    }
    // One learner's placement ends before the feed is read: what waits is withheld.
    world.declare("kingsmead", end("k-2", "northgate", world.now())).await;
    world.feed("kingsmead", 0).await;

    let (second, plain) = (node(database, SMALL, &world).await, node(database, NONE, &world).await);
    let truth = [said(&plain, &dpo, "k-1", &world).await, said(&plain, &dpo, "k-2", &world).await];
    assert_eq!((truth[0].len(), truth[1].len()), (6, 6));
    assert!(truth[0].iter().all(|one| one.reached == Reached::Waiting));
    assert!(truth[1].iter().any(|one| one.reached == Reached::Withheld), "{:?}", truth[1]);
    assert_eq!(truth[0][0].policy, world.exchange.stats().policy);

    let store = open_store(database).await;
    assert_eq!(store.indexed().await.unwrap(), 0, "nothing was indexed by who doesn't need to");
    for _ in 0..6 {
        // A step at a time, by either node, at upkeep and when asked; dropped once on the way.
        world.exchange.tick(world.now()).await;
        second.follow(std::time::Duration::ZERO).await.unwrap();
        second.tick(world.now()).await;
        assert_eq!(said(&second, &dpo, "k-1", &world).await, truth[0]);
        assert_eq!(said(&world.exchange, &dpo, "k-2", &world).await, truth[1]);
    }
    let reached = store.indexed().await.unwrap();
    assert!(reached > 40, "it came to {reached}");
    store.drop_index().await.unwrap();
    let (one, other) =
        tokio::join!(said(&world.exchange, &dpo, "k-1", &world), said(&second, &dpo, "k-2", &world));
    assert_eq!([one, other], truth);
    assert!(store.indexed().await.unwrap() >= reached, "made anew, by both at once");
    store.drop_index().await.unwrap();
    let third = node(database, LEAPING, &world).await;
    third.tick(world.now()).await;
    let leapt = store.indexed().await.unwrap();
    assert!((3..=2 * 16).contains(&leapt), "several steps, and not all: {leapt}");
    for (learner, truth) in ["k-1", "k-2"].into_iter().zip(&truth) {
        assert_eq!(said(&third, &dpo, learner, &world).await, *truth);
    }
}

//! Several nodes and restarts over one database.

use crate::world::*;
use commonroll_core::directory::Registration;
use commonroll_exchange::*;
use std::time::Duration;

#[tokio::test]
async fn two_nodes_over_one_file_agree() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    two_nodes_agree(&database).await;
}

#[tokio::test]
async fn two_nodes_over_postgres_agree() {
    let server = commonroll_store::testkit::Postgres::start().unwrap();
    two_nodes_agree(&server.database().await.unwrap()).await;
}

async fn two_nodes_agree(database: &str) {
    let mut world = World::at(database).await;
    let other = Exchange::open(options(database), world.now()).await.unwrap();
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;

    // The other node has not looked yet. It publishes at the end of the log all the same, and decides on what is so.
    let batch = seal(&world.agents["northgate"].key, "northgate", 2, vec![mark("northgate", "n-77", 10, 1)]);
    let answer = other.publish(&world.speaker("northgate"), batch, world.now()).await.unwrap();
    assert!(matches!(answer.results[0], RecordAnswer::Accepted { .. }), "{answer:?}");

    // The first node's feed sees what the second appended, and a revocation through the second bites on the first.
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
    world.exchange.follow(Duration::from_secs(1)).await.unwrap();
    let page = feed.next(&world.clock).await.unwrap();
    assert_eq!(page.len(), 2);
    other.revoke(Revoke::Institution(slug("kingsmead")), "operator", world.now()).await.unwrap();
    world.exchange.follow(Duration::from_secs(1)).await.unwrap();
    assert!(feed.next(&world.clock).await.is_err());

    // An invitation issued through one node is good at the other at once.
    let code = world
        .exchange
        .invite(&slug("ridgeway"), Duration::from_secs(60), "operator", [77; 32], world.now())
        .await
        .unwrap();
    let key = *commonroll_audit::keys::SigningKey::from_seed(&[77; 32]).unwrap().public().as_bytes();
    let peer = "127.0.0.1".parse().unwrap();
    assert_eq!(other.join(&code, AgentId([77; 16]), key, peer, world.now()).await, Ok(slug("ridgeway")));
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_restart_goes_on_where_the_log_ends() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.exchange.close(world.now()).await;
    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    assert_eq!(world.exchange.next_batch(&world.speaker("northgate")), 2);
    assert_eq!(world.feed("kingsmead", 0).await.0.len(), 1, "not acknowledged: it comes again");
    assert_eq!(world.acknowledge("kingsmead", cursor).await, Ok(cursor));
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    assert_eq!(world.feed("kingsmead", cursor).await.0.len(), 1);
    assert_eq!(
        world.declare("kingsmead", learner("k-1", Registration::Home, "1000000019")).await,
        DeclareResult::Unchanged
    );
}

#[tokio::test]
async fn a_restart_keeps_placements_of_learners_who_were_declared_again_since() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    // Corrected later than the placement: another known-as name, and an institution's new name.
    let mut again = learner("k-1", Registration::Home, "1000000019");
    if let commonroll_core::directory::Declaration::Learner(learner) = &mut again {
        learner.known_as = commonroll_core::record::Text::parse("known_as", "Immy", 100).unwrap();
    }
    assert_eq!(world.declare("kingsmead", again).await, DeclareResult::Accepted);
    let renamed = CONSORTIUM.replace("Kingsmead School", "Kingsmead Academy");
    let file = ConsortiumFile::parse(&renamed).unwrap().signed_by(&PEOPLE);
    assert_eq!(world.exchange.import(&file, "operator", world.now()).await.unwrap().institutions, 1);
    world.exchange.close(world.now()).await;

    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "{taken:?}");
    assert_eq!(world.feed("kingsmead", 0).await.0.len(), 1);
}

#[tokio::test]
async fn a_receipt_that_lands_after_a_restart_is_taken_and_accuses_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let (lines, cursor) = world.feed("kingsmead", 0).await;
    assert_eq!(lines.len(), 1);

    // The hub dies before the receipt reaches it. It has forgotten what it sent, and the agent is honest.
    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    assert_eq!(world.acknowledge("kingsmead", cursor).await, Ok(cursor));
    world.exchange.tick(world.now()).await;
    assert!(!world.log().await.iter().any(|line| line.starts_with("feed.refused")), "nobody is accused");

    // What this hub has appended and not sent, nobody can have.
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let size = world.exchange.stats().log_entries;
    assert!(matches!(world.acknowledge("kingsmead", size).await, Err(AckError::OutOfRange { .. })));
}

#[tokio::test]
async fn a_receipt_for_what_another_hub_sent_is_taken_by_a_hub_that_never_saw_it_append() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    world.exchange.started(world.now()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;

    // A second hub sends what the first has appended. The receipt goes to the first.
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    other.started(world.now()).await;
    let first = std::mem::replace(&mut world.exchange, other);
    let (lines, cursor) = world.feed("kingsmead", 0).await;
    assert_eq!(lines.len(), 1);
    let second = std::mem::replace(&mut world.exchange, first);
    assert_eq!(world.acknowledge("kingsmead", cursor).await, Ok(cursor));

    // What the second appends and sends, the first has not read when the receipt comes.
    let first = std::mem::replace(&mut world.exchange, second);
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let (lines, cursor) = world.feed("kingsmead", cursor).await;
    assert_eq!(lines.len(), 1);
    let second = std::mem::replace(&mut world.exchange, first);
    assert_eq!(world.acknowledge("kingsmead", cursor).await, Ok(cursor));

    // The first is killed and comes back: it has not seen the second do anything since.
    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    world.exchange.started(world.now()).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 11, 1)]).await;
    let first = std::mem::replace(&mut world.exchange, second);
    world.exchange.follow(Duration::ZERO).await.unwrap();
    let (lines, cursor) = world.feed("kingsmead", cursor).await;
    assert_eq!(lines.len(), 1);
    world.exchange = first;
    assert_eq!(world.acknowledge("kingsmead", cursor).await, Ok(cursor));

    world.exchange.tick(world.now()).await;
    let log = world.log().await;
    assert!(!log.iter().any(|line| line.starts_with("feed.refused")), "nobody is accused");
    let told = |what: &str| log.iter().filter(|line| **line == format!("{what} by hub")).count();
    assert_eq!(
        (told("hub.started"), told("hub.running")),
        (3, 1),
        "each start, and each who had to know: {log:?}"
    );
    let beyond = world.exchange.stats().log_entries + 1;
    assert!(matches!(world.acknowledge("kingsmead", beyond).await, Err(AckError::OutOfRange { .. })));
}

#[tokio::test]
async fn receipts_that_overtake_each_other_leave_the_highest_cursor_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let (_, low) = world.feed("kingsmead", 0).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let (_, high) = world.feed("kingsmead", low).await;
    let (first, second) =
        tokio::join!(world.acknowledge("kingsmead", high), world.acknowledge("kingsmead", low));
    assert_eq!((first, second), (Ok(high), Ok(high)), "lower: OK and no change");
    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    let kingsmead = again.stats().institutions.into_iter().find(|i| i.slug == "kingsmead").unwrap();
    assert_eq!(kingsmead.acknowledged, high);
}

#[tokio::test]
async fn a_node_that_has_not_looked_yet_loses_no_declaration() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let other = Exchange::open(options(&database), world.now()).await.unwrap();

    // The home changes its mind on one node, and back again on the other, which still knows the first word.
    assert_eq!(
        world.declare("kingsmead", end("k-1", "northgate", world.now())).await,
        DeclareResult::Accepted
    );
    let later = world.now().plus_micros(-DAY);
    let said = vec![Ok(learner("k-1", Registration::Guest, "1000000019"))];
    world.exchange.declare(&world.speaker("kingsmead"), said, world.now()).await.unwrap();
    let said = [
        Ok(learner("k-1", Registration::Home, "1000000019")),
        Ok(end("k-1", "northgate", world.now())),
        Ok(end("k-1", "northgate", later)),
    ];
    let results = other.declare(&world.speaker("kingsmead"), said[..1].to_vec(), world.now()).await.unwrap();
    assert_eq!(results, [DeclareResult::Accepted], "not `Unchanged`: it was a guest a moment ago");
    let results = other.declare(&world.speaker("kingsmead"), said[1..].to_vec(), world.now()).await.unwrap();
    assert_eq!(results, [DeclareResult::Unchanged, DeclareResult::Accepted]);
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(world.feed("kingsmead", 0).await.0.is_empty());
}

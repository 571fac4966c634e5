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
    let file = ConsortiumFile::parse(&renamed).unwrap();
    assert_eq!(world.exchange.import(&file, "operator", world.now()).await.unwrap().institutions, 1);
    world.exchange.close(world.now()).await;

    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "{taken:?}");
    assert_eq!(world.feed("kingsmead", 0).await.0.len(), 1);
}

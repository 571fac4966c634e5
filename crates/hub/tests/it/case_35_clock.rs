//! Case 35, the hub's half: by a clock that is years ahead it lives, serves nobody, says why at every door, and goes on by
//! itself once the clock is right, or at once if an operator says that it is.

use crate::{
    browser::{Browser, with_console},
    kit::{Agent, TestHub, certificate_request, join_request},
};
use commonroll_audit::SigningKey;
use commonroll_core::Role;
use commonroll_wire::pb::{
    directory::v1::OverviewRequest,
    exchange::v1::{ReceiveRequest, RecordOutcome},
};
use std::time::Duration;
use tonic::{Code, Status};

const YEARS: i64 = 3 * 365 * 86_400_000_000;

fn leap(hub: &TestHub, micros: i64) {
    hub.clock.set(hub.now().plus_micros(micros));
}

fn says_why(refused: &Status) {
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(refused.message().contains("the hub's clock"), "{}", refused.message());
    assert!(refused.message().contains("--clock-is-right"), "{}", refused.message());
}

/// What the hub's doors say of it while its clock is ahead.
async fn is_refused_everywhere(hub: &TestHub, agent: &mut Agent) {
    let (status, why) = hub.local("/readyz").await;
    assert_eq!(status, 503);
    assert!(why.contains("the hub's clock") && why.contains("--clock-is-right"), "{why}");
    assert_eq!(hub.local("/healthz").await.0, 200, "alive all the same");
    assert_eq!(hub.metric("commonroll_ready").await, 0.0);

    says_why(&agent.directory().overview(OverviewRequest {}).await.unwrap_err());
    // Whoever comes now hears it, too, although by that clock no certificate is good any more.
    agent.channel = hub.dial(hub.addresses.agents, Some(agent.identity.clone())).connect_lazy();
    says_why(&agent.publishing().await.map(|_| ()).unwrap_err());
    let signing = SigningKey::from_seed(&[5; 32]).unwrap();
    let request = join_request("whatever", certificate_request().0, &signing);
    says_why(&hub.join_door().await.join(request).await.unwrap_err());

    let page = Browser::at(hub).get("/sign-in").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("The hub’s clock is wrong"), "{}", page.body);
}

#[tokio::test]
async fn case_35_a_clock_that_leaps_by_years_stops_the_hub_and_it_goes_on_by_itself_when_it_is_right() {
    let hub = TestHub::with(with_console).await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    let mut open = host.publishing().await.unwrap();
    let asking = ReceiveRequest { after_sequence: 0, joint_paths: false };
    let mut feed = home.exchange().receive(asking).await.unwrap().into_inner();
    assert_eq!(browser.get("/account").await.status, 200);
    let batch = host.batch(&[host.mark("lesson-1")]);
    hub.exchange.tick(hub.now()).await;
    let before = hub.exchange.stats().log_entries;

    leap(&hub, YEARS);
    is_refused_everywhere(&hub, &mut host).await;
    assert_eq!(browser.get("/account").await.status, 503);
    says_why(&open.ask(batch.clone()).await.unwrap_err());
    hub.exchange.tick(hub.now()).await;
    assert_eq!(hub.exchange.stats().log_entries, before, "not one entry");

    leap(&hub, -YEARS);
    assert_eq!(hub.local("/readyz").await, (200, "ready\n".to_owned()));
    assert_eq!(browser.get("/account").await.status, 200, "whoever was signed in still is");
    host.channel = hub.dial(hub.addresses.agents, Some(host.identity.clone())).connect_lazy();
    let answer = host.publishing().await.unwrap().ask(batch).await.unwrap();
    assert_eq!(answer.results[0].outcome(), RecordOutcome::Accepted);
    let page = tokio::time::timeout(Duration::from_secs(2), feed.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(page.batches[0].records.len(), 1, "and a feed that lay open all the time goes on");
}

#[tokio::test]
async fn case_35_a_feed_that_lies_open_hands_out_nothing_by_a_clock_that_is_years_ahead() {
    let hub = TestHub::start().await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let asking = ReceiveRequest { after_sequence: 0, joint_paths: false };
    let mut feed = home.exchange().receive(asking).await.unwrap().into_inner();
    // Of two nodes one has the wrong clock: what the other takes reaches its feeds.
    let batch = host.batch(&[host.mark("lesson-1")]);
    let right = hub.now();
    leap(&hub, YEARS);
    let speaker = hub.exchange.speaker(commonroll_exchange::AgentId(host.id)).unwrap();
    let declared = hub.exchange.declare(&speaker, Vec::new(), right).await;
    assert!(declared.is_ok(), "by a right clock it is taken");
    let taken =
        commonroll_hub::inside::publish(&hub.exchange, commonroll_exchange::AgentId(host.id), batch, right)
            .await;
    assert_eq!(taken.unwrap().results[0].outcome(), RecordOutcome::Accepted);
    let end = tokio::time::timeout(Duration::from_secs(2), feed.message()).await.unwrap();
    says_why(&end.unwrap_err());
}

#[tokio::test]
async fn case_35_a_hub_that_starts_years_ahead_waits_for_the_clock_and_one_that_is_told_so_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("kept.db").display());
    let first = TestHub::with(|settings| {
        with_console(settings);
        settings.database = database;
    })
    .await;
    let mut host = first.agent("northgate").await;
    first.shutdown.cancel();
    while !first.serving.is_finished() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = first.exchange.stats().log_entries;

    leap(&first, YEARS);
    let hub = first.twin().await;
    host.channel = hub.dial(hub.addresses.agents, Some(host.identity.clone())).connect_lazy();
    is_refused_everywhere(&hub, &mut host).await;
    hub.exchange.tick(hub.now()).await;
    assert_eq!(hub.exchange.stats().log_entries, before, "not even that it has started");
    leap(&hub, -YEARS);
    hub.exchange.tick(hub.now()).await;
    assert_eq!(hub.local("/readyz").await.0, 200);
    let last = hub.exchange.show(before + 1, 10).await.unwrap();
    assert!(last.iter().any(|entry| entry["what"] == "hub.started"), "{last:?}");

    // It really was off for years, and the operator says so.
    leap(&hub, YEARS);
    let told = hub.another(|settings| settings.clock_is_right = true).await;
    assert_eq!(told.local("/readyz").await.0, 200);
    assert!(told.exchange.clock_holds(told.now()).is_ok());
    leap(&told, YEARS);
    assert_eq!(told.local("/readyz").await.0, 503, "another leap is another one");
}

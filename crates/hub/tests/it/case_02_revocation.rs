//! Case 2: an agent is revoked while its streams are open.

use crate::kit::TestHub;
use commonroll_exchange::{AgentId, Revoke};
use commonroll_wire::pb::{directory::v1::OverviewRequest, exchange::v1::ReceiveRequest};
use std::time::{Duration, Instant};
use tonic::Code;

/// Within so long, as the case has it.
const PROMISE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn case_02_revocation_ends_open_streams_and_refuses_new_calls() {
    let hub = TestHub::start().await;
    let mut agent = hub.agent("northgate").await;
    let colleague = hub.agent("northgate").await;
    let mut publishing = agent.publishing().await.unwrap();
    let batch = agent.batch(&[agent.mark("before")]);
    let answer = publishing.ask(batch).await.unwrap();
    let sequence = answer.results[0].sequence;
    assert!(sequence > 0, "{:?}", answer.results);
    let mut feed = agent
        .exchange()
        .receive(ReceiveRequest { after_sequence: 0, joint_paths: false })
        .await
        .unwrap()
        .into_inner();

    hub.exchange.revoke(Revoke::Agent(AgentId(agent.id)), "data manager", hub.now()).await.unwrap();
    let revoked = Instant::now();
    let within = |future| tokio::time::timeout(PROMISE, future);
    let end = within(publishing.answers.message()).await.expect("the idle publish stream ends").unwrap_err();
    assert_eq!(end.code(), Code::Unauthenticated);
    let end = tokio::time::timeout(PROMISE, feed.message()).await.expect("the feed ends").unwrap_err();
    assert_eq!(end.code(), Code::Unauthenticated);
    assert!(revoked.elapsed() < PROMISE);

    let refused = agent.directory().overview(OverviewRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(agent.publishing().await.err().map(|s| s.code()), Some(Code::Unauthenticated));
    colleague.directory().overview(OverviewRequest {}).await.expect("the colleague's agent goes on");

    // What was acknowledged before stays: the next agent of the institution goes on behind it.
    let mut going_on = colleague.publishing().await.unwrap();
    assert_eq!(going_on.next, 2);
    let repeat = colleague.batch_number(2, &[colleague.mark("before")]);
    let answer = going_on.ask(repeat).await.unwrap();
    assert_eq!(answer.results[0].sequence, sequence, "recognised, not taken twice");
}

#[tokio::test]
async fn case_02_revocation_on_another_node_ends_streams_here() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("shared.db").display());
    let hub = TestHub::with(|settings| settings.database = database).await;
    let agent = hub.agent("northgate").await;
    let twin = hub.twin().await;
    let mut publishing = agent.publishing().await.unwrap();
    let mut feed = agent
        .exchange()
        .receive(ReceiveRequest { after_sequence: 0, joint_paths: false })
        .await
        .unwrap()
        .into_inner();
    twin.exchange.revoke(Revoke::Agent(AgentId(agent.id)), "data manager", twin.now()).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(2), publishing.answers.message()).await;
    assert_eq!(end.expect("the publish stream ends").unwrap_err().code(), Code::Unauthenticated);
    let end = tokio::time::timeout(Duration::from_secs(2), feed.message()).await;
    assert_eq!(end.expect("the feed ends").unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn case_02_a_revoked_agent_stays_out_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("kept.db").display());
    let hub = TestHub::with(|settings| settings.database = database).await;
    let agent = hub.agent("northgate").await;
    hub.exchange
        .revoke(Revoke::Institution(agent.institution.clone()), "data manager", hub.now())
        .await
        .unwrap();
    let again = commonroll_hub::open_exchange(&hub.settings, hub.now(), &commonroll_hub::ProviderRandomness)
        .await
        .unwrap();
    assert!(again.speaker(AgentId(agent.id)).is_err());
}

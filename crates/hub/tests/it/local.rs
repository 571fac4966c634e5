//! The local port: health, readiness, metrics, status; nothing personal in any of them.

use crate::{browser::without_random, kit::TestHub};

#[tokio::test]
async fn the_local_port_tells_the_truth_and_names_nobody() {
    let hub = TestHub::start().await;
    let mut host = hub.agent("northgate").await;
    let mut stranger = host.mark("lesson-2");
    stranger.head.learner = commonroll_core::LocalId::parse("learner", "Canary-Learner").unwrap();
    let batch = host.batch(&[host.mark("lesson-1"), stranger]);
    host.publishing().await.unwrap().ask(batch).await.unwrap();

    assert_eq!(hub.local("/healthz").await, (200, "alive\n".to_owned()));
    assert_eq!(hub.local("/readyz").await, (200, "ready\n".to_owned()));
    assert_eq!(hub.local("/nothing").await.0, 404);
    let count = async |line: &str| hub.metric(line).await;
    let records = "commonroll_records_total{outcome=";
    assert_eq!(count(&format!("{records}\"accepted\",kind=\"attendance\"}}")).await, 1.0);
    assert_eq!(count(&format!("{records}\"rejected\",kind=\"attendance\"}}")).await, 1.0);
    assert_eq!(count("commonroll_refusals_total{code=\"no_placement\"}").await, 1.0);
    assert_eq!(count("commonroll_batches_total").await, 1.0);
    assert_eq!(count("commonroll_publish_seconds_count").await, 1.0);
    assert_eq!(count("commonroll_agent_connections").await, 1.0);
    assert_eq!(count("commonroll_ready").await, 1.0);
    assert_eq!(count("commonroll_enrolled_agents{institution=\"northgate\"}").await, 1.0);

    let (_, status) = hub.local("/status").await;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["ready"], true);
    assert_eq!(status["exchange"]["log_entries"], hub.exchange.stats().log_entries);
    for page in ["/metrics", "/status"] {
        let text = without_random(&hub.local(page).await.1);
        assert!(!text.contains("Canary") && !text.contains("N1"), "{page} names a learner");
    }
}

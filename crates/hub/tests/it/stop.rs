//! Case 34, the stop: readiness fails first, what was taken is answered, streams end with UNAVAILABLE.

use crate::{kit::TestHub, limits::tls};
use commonroll_wire::pb::{
    directory::v1::OverviewRequest,
    exchange::v1::{ReceiveRequest, RecordOutcome},
};
use std::time::Duration;
use tonic::Code;

#[tokio::test]
async fn case_34_a_stop_answers_every_publish_and_ends_every_stream() {
    let mut hub = TestHub::start().await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let mut publishing = host.publishing().await.unwrap();
    let mut feed = home
        .exchange()
        .receive(ReceiveRequest { after_sequence: 0, joint_paths: false })
        .await
        .unwrap()
        .into_inner();
    let batches: Vec<_> = (0..60).map(|n| host.batch(&[host.mark(&format!("lesson-{n}"))])).collect();
    let sender = publishing.sender.clone();
    let load = tokio::spawn(async move {
        for batch in batches {
            if sender.send(batch).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let first = publishing.answer().await.unwrap();
    assert_eq!(first.results[0].outcome(), RecordOutcome::Accepted);

    hub.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(hub.local("/readyz").await, (503, "stopping\n".to_owned()));
    assert_eq!(hub.local("/healthz").await.0, 200, "alive while it stops");

    let mut acknowledged = 1;
    let end = loop {
        match publishing.answer().await {
            Ok(answer) => {
                acknowledged += 1;
                assert_eq!(answer.batch_number, acknowledged);
            }
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::Unavailable, "{end}");
    let end = loop {
        match tokio::time::timeout(Duration::from_secs(2), feed.message()).await.expect("the feed ends") {
            Ok(page) => assert!(page.is_some(), "a feed does not end well by itself"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::Unavailable);
    load.abort();
    drop((publishing, feed));
    let served = tokio::time::timeout(Duration::from_secs(2), &mut hub.serving).await;
    served.expect("the hub stops by itself").unwrap().expect("without an error");
    assert!(home.directory().overview(OverviewRequest {}).await.is_err(), "nobody is at the door any more");
}

#[tokio::test]
async fn case_34_who_does_not_let_go_is_cut() {
    let mut hub = TestHub::with(|settings| settings.limits.drain_seconds = 0.3).await;
    let host = hub.agent("northgate").await;
    // One stream is never read to its end, and one peer does not even speak HTTP/2.
    let _publishing = host.publishing().await.unwrap();
    let _silent = tls(&hub, &["h2"]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    hub.shutdown.cancel();
    let served = tokio::time::timeout(Duration::from_secs(2), &mut hub.serving).await;
    served.expect("the hub stops all the same").unwrap().expect("without an error");
}

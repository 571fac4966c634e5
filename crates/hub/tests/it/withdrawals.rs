//! Need ends, copies end, from door to door: the notice comes through the feed, the receipt goes back, and both can be seen.

use crate::kit::TestHub;
use commonroll_audit::{CopyOutcome, ReceiptDigest, sign_receipt};
use commonroll_wire::{
    CopyAnswer, answer_withdrawal,
    pb::{
        directory::v1::{Declaration, DeclareRequest, declaration::Fact},
        exchange::v1::{AcknowledgeRequest, ReceiveRequest, ReceiveResponse, RecordOutcome},
        placement::v1::PlacementEnd,
    },
    read_notice,
};
use std::time::Duration;
use tonic::{Code, Streaming};

async fn next(feed: &mut Streaming<ReceiveResponse>) -> ReceiveResponse {
    tokio::time::timeout(Duration::from_secs(2), feed.message()).await.expect("within 2 s").unwrap().unwrap()
}

const METRIC: &str = "commonroll_withdrawals_unanswered{institution=\"ridgeway\"}";

#[tokio::test]
async fn case_15_a_home_is_told_to_remove_a_copy_and_its_receipt_is_kept() {
    let hub = TestHub::start().await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let mut feed = home.exchange().receive(ReceiveRequest::default()).await.unwrap().into_inner();
    let batch = host.batch(&[host.mark("lesson-1")]);
    let answer = host.publishing().await.unwrap().ask(batch).await.unwrap();
    assert_eq!(answer.results[0].outcome(), RecordOutcome::Accepted, "{}", answer.results[0].reason);
    let page = next(&mut feed).await;
    let cursor = page.cursor;
    let mut digest = ReceiptDigest::default();
    let delivered = commonroll_wire::verify_delivery(&page.batches[0], &host.signing.public()).unwrap();
    digest.add(delivered[0].sequence, &delivered[0].root);
    let receipt = AcknowledgeRequest {
        cursor,
        digest: digest.as_bytes().to_vec().into(),
        key_id: home.signing.public().id().as_bytes().to_vec().into(),
        signature: sign_receipt(&home.signing, "ridgeway", cursor, &digest).unwrap().to_vec().into(),
    };
    home.exchange().acknowledge(receipt).await.unwrap();

    // The host ends the placement from before the mark.
    let end = PlacementEnd {
        learner_local_id: "N1".to_owned(),
        other: "ridgeway".to_owned(),
        from_us: 1_600_000_000_000_000,
        ..Default::default()
    };
    let declarations = vec![Declaration { fact: Some(Fact::End(end)) }];
    host.directory().declare(DeclareRequest { declarations }).await.unwrap();
    let page = next(&mut feed).await;
    assert!(page.batches.is_empty() && page.cursor > cursor);
    let notice = read_notice(&page.notices[0]).unwrap();
    assert_eq!(notice.reason, "placement_ended");
    assert_eq!(notice.copies[0].sequence, answer.results[0].sequence);
    assert_eq!(notice.copies[0].learner.as_ref().unwrap().as_str(), "R1");
    assert_eq!(hub.metric(METRIC).await, 1.0);

    let said = [CopyAnswer {
        sequence: notice.copies[0].sequence,
        outcome: CopyOutcome::Kept,
        reason: "statutory_register".to_owned(),
    }];
    let answer = |slug: &str, key| {
        answer_withdrawal(&slug.parse().unwrap(), notice.number, notice.sequence, &said, key).unwrap()
    };
    let theirs = host.exchange().answer_withdrawal(answer("northgate", &host.signing)).await.unwrap_err();
    assert_eq!(theirs.code(), Code::PermissionDenied, "another's notice");
    let forged = home.exchange().answer_withdrawal(answer("ridgeway", &host.signing)).await.unwrap_err();
    assert_eq!(forged.code(), Code::InvalidArgument);
    let taken =
        home.exchange().answer_withdrawal(answer("ridgeway", &home.signing)).await.unwrap().into_inner();
    let again =
        home.exchange().answer_withdrawal(answer("ridgeway", &home.signing)).await.unwrap().into_inner();
    assert_eq!(taken, again, "a repeat changes nothing");
    assert_eq!(hub.metric(METRIC).await, 0.0);
    let (_, status) = hub.local("/status").await;
    assert!(status.contains("\"withdrawals_unanswered\":0"));
    let held = hub.exchange.withdrawals();
    assert_eq!(held[0].answered.as_ref().unwrap().kept, 1);
    let shown = hub.exchange.show(1, 1000).await.unwrap();
    assert!(!format!("{shown:?}").contains("\"N1\""), "nothing personal in the entries");
}

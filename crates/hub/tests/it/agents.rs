//! The everyday: a mark goes in, and comes out at the home; batches in flight; order; speaking for another.

use crate::kit::TestHub;
use commonroll_audit::{ReceiptDigest, sign_receipt};
use commonroll_hub::EXPECTED_BATCH_NUMBER;
use commonroll_wire::pb::{
    audit::v1::{CheckpointRequest, ProveRequest, audit_service_client::AuditServiceClient},
    directory::v1::{DeclareRequest, OverviewRequest, SigningKeysRequest},
    exchange::v1::{AcknowledgeRequest, ReceiveRequest, RecordOutcome},
};
use std::time::Duration;
use tonic::Code;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

#[tokio::test]
async fn a_mark_travels_from_host_to_home_and_is_acknowledged() {
    let hub = TestHub::start().await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let mut feed = home
        .exchange()
        .receive(ReceiveRequest { after_sequence: 0, joint_paths: false })
        .await
        .unwrap()
        .into_inner();
    let batch = host.batch(&[host.mark("lesson-1")]);
    let answer = host.publishing().await.unwrap().ask(batch).await.unwrap();
    assert_eq!(answer.results[0].outcome(), RecordOutcome::Accepted, "{}", answer.results[0].reason);
    assert_eq!((answer.batch_number, answer.next_batch_number), (1, 2));

    let page = tokio::time::timeout(Duration::from_secs(2), feed.message()).await.unwrap().unwrap().unwrap();
    let key = host.signing.public();
    let delivered =
        commonroll_wire::verify_delivery(&page.batches[0], &key).expect("the host's signature holds");
    assert_eq!(delivered[0].sequence, answer.results[0].sequence);
    assert_eq!(page.batches[0].records[0].recipient_learner_local_id, "R1", "by the home's own id");

    let mut digest = ReceiptDigest::default();
    digest.add(delivered[0].sequence, &delivered[0].root);
    let receipt = |cursor| AcknowledgeRequest {
        cursor,
        digest: digest.as_bytes().to_vec().into(),
        key_id: home.signing.public().id().as_bytes().to_vec().into(),
        signature: sign_receipt(&home.signing, "ridgeway", cursor, &digest).unwrap().to_vec().into(),
    };
    let beyond = home.exchange().acknowledge(receipt(page.cursor + 1)).await.unwrap_err();
    assert_eq!(beyond.code(), Code::OutOfRange);
    let held = home.exchange().acknowledge(receipt(page.cursor)).await.unwrap().into_inner();
    assert_eq!(held.cursor, page.cursor);
    let lower = home.exchange().acknowledge(receipt(page.cursor - 1)).await.unwrap().into_inner();
    assert_eq!(lower.cursor, page.cursor, "lower: OK and no change");
}

#[tokio::test]
async fn a_partner_gets_the_proof_of_its_own_records_and_of_no_others() {
    let hub = TestHub::start().await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let batch = host.batch(&[host.mark("lesson-1")]);
    let sequence = host.publishing().await.unwrap().ask(batch).await.unwrap().results[0].sequence;
    let key: commonroll_audit::LogPublicKey = hub.exchange.log_key().parse().unwrap();
    for partner in [&host, &home] {
        let mut audit = AuditServiceClient::new(partner.channel.clone());
        let answer = audit.prove(ProveRequest { sequence }).await.unwrap().into_inner();
        let path = hashes(&answer.path);
        let (entry, checkpoint) = (answer.entry.to_vec(), answer.checkpoint);
        let file = commonroll_audit::InclusionFile { entry, index: sequence - 1, path, checkpoint };
        assert_eq!(file.verify(&key).unwrap().size, hub.exchange.stats().log_entries);
        // What the operator did, and what does not exist: the same words.
        for other in [1, 0, u64::MAX, sequence + 1_000] {
            let refused = audit.prove(ProveRequest { sequence: other }).await.unwrap_err();
            assert_eq!(
                (refused.code(), refused.message()),
                (Code::PermissionDenied, "not allowed, or not there")
            );
        }
    }
}

fn hashes(path: &[bytes::Bytes]) -> Vec<commonroll_audit::Hash> {
    path.iter().map(|hash| hash.as_ref().try_into().unwrap()).collect()
}

#[tokio::test]
async fn many_batches_on_one_stream_are_answered_in_order() {
    let hub = TestHub::start().await;
    let mut host = hub.agent("northgate").await;
    let mut publishing = host.publishing().await.unwrap();
    let batches: Vec<_> = (0..40).map(|n| host.batch(&[host.mark(&format!("lesson-{n}"))])).collect();
    for batch in batches {
        publishing.sender.send(batch).await.unwrap();
    }
    drop(publishing.sender);
    for number in 1..=40 {
        let answer =
            tokio::time::timeout(Duration::from_secs(2), publishing.answers.message()).await.unwrap();
        let answer = answer.unwrap().unwrap();
        assert_eq!(answer.batch_number, number);
        assert_eq!(answer.results[0].outcome(), RecordOutcome::Accepted);
    }
    assert!(publishing.answers.message().await.unwrap().is_none(), "a stream that is done ends well");
}

#[tokio::test]
async fn case_24_a_gap_says_which_number_was_expected() {
    let hub = TestHub::start().await;
    let host = hub.agent("northgate").await;
    let batch = host.batch_number(7, &[host.mark("lesson-1")]);
    let refused = host.publishing().await.unwrap().ask(batch).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.metadata().get(EXPECTED_BATCH_NUMBER).unwrap(), "1");
}

#[tokio::test]
async fn case_03_nobody_speaks_for_another() {
    let hub = TestHub::start().await;
    let host = hub.agent("northgate").await;
    let mut batch = host.batch_number(1, &[host.mark("lesson-1")]);
    batch.seal.as_mut().unwrap().source = "ridgeway".to_owned();
    let refused = host.publishing().await.unwrap().ask(batch).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mut keys = Vec::new();
    for slug in ["elsewhere", "nobody-knows"] {
        let request = SigningKeysRequest { institution: slug.to_owned() };
        keys.push(host.directory().signing_keys(request).await.unwrap_err());
    }
    assert!(keys.iter().all(|k| k.code() == Code::PermissionDenied && k.message() == keys[0].message()));
}

#[tokio::test]
async fn a_partner_reads_keys_overview_checkpoint_and_the_schema() {
    let hub = TestHub::start().await;
    let (host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let request = SigningKeysRequest { institution: "northgate".to_owned() };
    let keys = home.directory().signing_keys(request).await.unwrap().into_inner().keys;
    assert_eq!(keys[0].public_key[..], host.signing.public().as_bytes()[..]);
    assert_eq!(keys[0].key_id[..], host.signing.public().id().as_bytes()[..]);
    let seen = home.directory().overview(OverviewRequest {}).await.unwrap().into_inner();
    assert_eq!((seen.home_learners, seen.placements_in_force), (1, 1));
    let declared = home.directory().declare(DeclareRequest { declarations: vec![Default::default()] }).await;
    assert_eq!(
        declared.unwrap().into_inner().results[0].field,
        "fact",
        "one bad declaration is one bad result"
    );

    let mut audit = AuditServiceClient::new(home.channel.clone());
    let now = audit.checkpoint(CheckpointRequest { old_size: 0 }).await.unwrap().into_inner();
    let log_key = hub.exchange.log_key().parse().unwrap();
    let checkpoint =
        commonroll_audit::Checkpoint::open(&now.checkpoint, &log_key).expect("signed by the log's key");
    assert_eq!(checkpoint.size, hub.exchange.stats().log_entries);

    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(home.channel.clone());
    let mut answers = reflection.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("a list of services");
    };
    assert!(list.service.iter().any(|s| s.name == "commonroll.exchange.v1.ExchangeService"));
}

//! Case 1: a stranger at the door. No handler runs, the log does not grow, one event tells of it.

use crate::kit::{TestHub, certificate_request, pem};
use commonroll_core::Timestamp;
use commonroll_hub::{Authority, Caller, CertificateRequest, ProviderRandomness};
use commonroll_wire::pb::{
    audit::v1::{CheckpointRequest, ProveRequest, audit_service_client::AuditServiceClient},
    directory::v1::{OverviewRequest, directory_service_client::DirectoryServiceClient},
    exchange::v1::{AcknowledgeRequest, ReceiveRequest, exchange_service_client::ExchangeServiceClient},
};
use std::time::Duration;
use tonic::{
    Code, Status,
    transport::{Channel, Identity},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};

/// Every kind of call, health and reflection included.
async fn every_call(channel: &Channel) -> Vec<Option<Status>> {
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = vec![
        DirectoryServiceClient::new(channel.clone()).overview(OverviewRequest {}).await.err(),
        AuditServiceClient::new(channel.clone()).checkpoint(CheckpointRequest { old_size: 0 }).await.err(),
        HealthClient::new(channel.clone()).check(HealthCheckRequest { service: String::new() }).await.err(),
        ServerReflectionClient::new(channel.clone())
            .server_reflection_info(tokio_stream::once(list))
            .await
            .err(),
    ];
    answers.push(AuditServiceClient::new(channel.clone()).prove(ProveRequest { sequence: 1 }).await.err());
    let mut exchange = ExchangeServiceClient::new(channel.clone());
    answers.push(exchange.receive(ReceiveRequest { after_sequence: 0, joint_paths: false }).await.err());
    answers.push(exchange.publish(tokio_stream::pending()).await.err());
    answers.push(exchange.acknowledge(AcknowledgeRequest::default()).await.err());
    answers
}

/// A certificate by the hub's own authority, as if it had been signed at another time.
fn signed_at(hub: &TestHub, agent: [u8; 16], at: Timestamp) -> Identity {
    let (request, key) = certificate_request();
    let request = CertificateRequest::from_der(&request).unwrap();
    let authority = Authority::load(&hub.keys()).unwrap();
    let day = Duration::from_secs(86_400);
    let certificate =
        authority.client_certificate(Caller::Agent(agent), &request, day, at, &ProviderRandomness).unwrap();
    Identity::from_pem(pem("CERTIFICATE", &certificate), key)
}

fn self_signed() -> Identity {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    Identity::from_pem(certificate.pem(), key.serialize_pem())
}

#[tokio::test]
async fn case_01_a_stranger_reaches_no_method_and_leaves_no_entry() {
    let hub = TestHub::start().await;
    let other = TestHub::start().await;
    let agent = hub.agent("ridgeway").await;
    let (now, day) = (hub.now(), 86_400_000_000);
    assert!(
        every_call(&agent.channel).await[..4].iter().all(Option::is_none),
        "one of us is served, so the test can fail"
    );

    let entries = hub.exchange.stats().log_entries;
    let strangers = [
        ("without a certificate", None),
        ("self-signed", Some(self_signed())),
        ("another authority, the right name", Some(signed_at(&other, agent.id, now))),
        ("expired", Some(signed_at(&hub, agent.id, now.plus_micros(-2 * day)))),
        ("not yet valid", Some(signed_at(&hub, agent.id, now.plus_micros(2 * day)))),
    ];
    let mut calls = 0.0;
    for (who, identity) in strangers {
        let channel = hub.dial(hub.addresses.agents, identity).connect_lazy();
        for (place, refusal) in every_call(&channel).await.into_iter().enumerate() {
            assert!(refusal.is_some(), "{who}: call {place} was answered");
        }
        let refused = hub.metric("commonroll_strangers_total{why=\"handshake\"}").await;
        assert!(refused > calls, "{who}: the event is counted");
        calls = refused;
    }
    assert_eq!(hub.exchange.stats().log_entries, entries, "a stranger can't grow the log");
}

#[tokio::test]
async fn case_01_our_certificate_for_nobody_is_unauthenticated_on_every_method() {
    let hub = TestHub::start().await;
    let nobody = signed_at(&hub, [9; 16], hub.now());
    let channel = hub.dial(hub.addresses.agents, Some(nobody)).connect_lazy();
    for (place, refusal) in every_call(&channel).await.into_iter().enumerate() {
        assert_eq!(refusal.map(|status| status.code()), Some(Code::Unauthenticated), "call {place}");
    }
    assert!(hub.metric("commonroll_strangers_total{why=\"unknown\"}").await >= 8.0);
}

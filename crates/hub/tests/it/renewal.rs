//! Joining and renewing: a certificate is replaced by a signature of the enrolled key, also long after it has expired.

use crate::kit::{Agent, TestHub, certificate_request, join_request, pem};
use bytes::Bytes;
use commonroll_audit::SigningKey;
use commonroll_exchange::{AgentId, Revoke};
use commonroll_wire::{
    pb::{directory::v1::OverviewRequest, enrolment::v1::RenewRequest},
    sign_renewal,
};
use std::time::Duration;
use tonic::{Code, Status, transport::Identity};

const DAY: Duration = Duration::from_secs(86_400);

fn renewal(hub: &TestHub, agent: &Agent) -> (RenewRequest, String) {
    let (request, key) = certificate_request();
    (sign_renewal(&agent.id, hub.now().micros(), request, &agent.signing), key)
}

async fn refused(hub: &TestHub, request: RenewRequest) -> Status {
    hub.join_door().await.renew(request).await.unwrap_err()
}

#[tokio::test]
async fn case_05_an_agent_that_was_off_for_weeks_renews_with_its_enrolled_key() {
    let hub = TestHub::start().await;
    let agent = hub.agent("ridgeway").await;
    agent.directory().overview(OverviewRequest {}).await.expect("served with a fresh certificate");
    hub.advance(DAY * 40);
    let again = hub.dial(hub.addresses.agents, Some(agent.identity.clone())).connect_lazy();
    let mut directory =
        commonroll_wire::pb::directory::v1::directory_service_client::DirectoryServiceClient::new(again);
    directory.overview(OverviewRequest {}).await.expect_err("the certificate has expired");

    let (request, key) = renewal(&hub, &agent);
    let renewed = hub.join_door().await.renew(request).await.unwrap().into_inner();
    let identity = Identity::from_pem(pem("CERTIFICATE", &renewed.certificate), key);
    let channel = hub.dial(hub.addresses.agents, Some(identity)).connect_lazy();
    let mut directory =
        commonroll_wire::pb::directory::v1::directory_service_client::DirectoryServiceClient::new(channel);
    directory.overview(OverviewRequest {}).await.expect("served with the renewed certificate");
}

#[tokio::test]
async fn a_renewal_needs_the_enrolled_key_and_an_agent_in_good_standing() {
    let hub = TestHub::start().await;
    let (agent, revoked) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
    hub.exchange.revoke(Revoke::Agent(AgentId(revoked.id)), "test", hub.now()).await.unwrap();

    let mut answers = vec![refused(&hub, renewal(&hub, &revoked).0).await];
    let (mut forged, _) = renewal(&hub, &agent);
    forged.signature =
        Bytes::copy_from_slice(&SigningKey::from_seed(&[1; 32]).unwrap().sign(b"something else"));
    answers.push(refused(&hub, forged).await);
    let (mut swapped, _) = renewal(&hub, &agent);
    swapped.certificate_request = certificate_request().0;
    answers.push(refused(&hub, swapped).await);
    let (mut nobody, _) = renewal(&hub, &agent);
    nobody.agent_id = Bytes::from_static(&[9; 16]);
    answers.push(refused(&hub, nobody).await);
    let (replayed, _) = renewal(&hub, &agent);
    hub.advance(Duration::from_secs(11 * 60));
    let late = refused(&hub, replayed).await;
    assert_eq!(late.code(), Code::InvalidArgument, "a recorded renewal is of no use later");
    assert!(late.message().contains("`made_at_us`"));
    hub.advance(DAY * 91);
    answers.push(refused(&hub, renewal(&hub, &agent).0).await);
    for answer in &answers {
        assert_eq!(
            (answer.code(), answer.message()),
            (Code::Unauthenticated, answers[0].message()),
            "one wording"
        );
    }
}

#[tokio::test]
async fn only_a_p256_request_signed_by_its_own_key_is_taken_and_the_invitation_lives_on() {
    let hub = TestHub::start().await;
    let code = hub.code("ridgeway").await;
    let signing = SigningKey::from_seed(&[3; 32]).unwrap();
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let wrong_kind = rcgen::CertificateParams::default().serialize_request(&ed25519).unwrap();
    let mut tampered = certificate_request().0.to_vec();
    *tampered.last_mut().unwrap() ^= 1;
    let bad: [Bytes; 3] =
        [Bytes::copy_from_slice(wrong_kind.der()), tampered.into(), Bytes::from_static(b"not a request")];
    for request in bad {
        let refused = hub.join_door().await.join(join_request(&code, request, &signing)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains("`certificate_request`"));
    }
    let (request, _) = certificate_request();
    hub.join_door()
        .await
        .join(join_request(&code, request, &signing))
        .await
        .expect("the invitation was not used up");
}

#[tokio::test]
async fn a_certificate_names_the_agent_whatever_its_request_asked_for() {
    let hub = TestHub::start().await;
    let code = hub.code("ridgeway").await;
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wishes = rcgen::CertificateParams::new(vec!["hub.commonroll.internal".to_owned()]).unwrap();
    wishes.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let request = wishes.serialize_request(&key).unwrap();
    let signing = SigningKey::from_seed(&[3; 32]).unwrap();
    let request = join_request(&code, Bytes::copy_from_slice(request.der()), &signing);
    let joined = hub.join_door().await.join(request).await.unwrap().into_inner();
    let (_, certificate) = x509_parser::parse_x509_certificate(&joined.certificate).unwrap();
    assert!(!certificate.is_ca());
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    let uri = format!("commonroll://agent/{}", uuid::Uuid::from_slice(&joined.agent_id).unwrap());
    assert_eq!(names.as_slice(), [x509_parser::extensions::GeneralName::URI(&uri)]);
    let life = certificate.validity().not_after.timestamp() - certificate.validity().not_before.timestamp();
    assert_eq!(life, 86_400 + 300, "a day, backdated by five minutes");
}

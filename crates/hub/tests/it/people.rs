//! People at the hub's doors: how they come in, what is theirs, and how they go.

use crate::kit::{Person, TestHub, certificate_request, join_request};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use commonroll_audit::{
    SigningKey,
    approval::{Approves, sign_approval},
};
use commonroll_core::Role;
use commonroll_exchange::Revoke;
use commonroll_wire::{
    pb::{
        directory::v1::OverviewRequest,
        enrolment::v1::JoinRequest,
        exchange::v1::{ReceiveRequest, exchange_service_client::ExchangeServiceClient},
        people::v1::{
            ApproveRequest, InviteRequest, InviteResponse, ListRequest, OpenInvitation, RevokeRequest,
            SetAccessRequest, WhoamiRequest, people_service_client::PeopleServiceClient,
        },
    },
    sign_person_renewal,
};
use std::time::Duration;
use tonic::{Code, Status};

fn invitation(name: &str, role: &str) -> InviteRequest {
    InviteRequest {
        role: "data_manager".to_owned(),
        institution: "ridgeway".to_owned(),
        name: name.to_owned(),
        roles: vec![role.to_owned()],
        valid_seconds: 3_600,
        ..InviteRequest::default()
    }
}

async fn invite(by: &Person, request: InviteRequest) -> Result<InviteResponse, Status> {
    by.people().invite(request).await.map(tonic::Response::into_inner)
}

/// The code inside an invitation's line.
fn code(line: &str) -> String {
    let json = BASE64_URL_SAFE_NO_PAD.decode(line.strip_prefix("crinv1.").unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["person"], &json["institution"]), (&true.into(), &"ridgeway".into()));
    for at in ["hub", "join"] {
        let at = json[at].as_str().unwrap();
        assert!(!at.ends_with(":0"), "{at}: the port that the system chose is the one to come to");
    }
    json["code"].as_str().unwrap().to_owned()
}

fn list(role: &str) -> ListRequest {
    ListRequest { role: role.to_owned(), purpose: "administration".to_owned() }
}

fn approval(by: &Person, role: &str, open: &OpenInvitation) -> ApproveRequest {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, open.text.as_bytes());
    let hash = digest.as_ref().try_into().unwrap();
    let signature = sign_approval(&by.signing, Approves::Act, &by.id.0, &hash);
    ApproveRequest {
        role: role.to_owned(),
        invitation_hash: open.invitation_hash.clone(),
        signature: signature.to_vec().into(),
    }
}

#[tokio::test]
async fn a_data_manager_joins_invites_a_teacher_and_ends_their_access() {
    let hub = TestHub::start().await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    assert_eq!(manager.joined.roles, ["data_manager"]);
    let me = manager.people().whoami(WhoamiRequest {}).await.unwrap().into_inner().person.unwrap();
    assert_eq!((me.institution.as_str(), me.name.as_str()), ("ridgeway", "Rosalind Vane"));
    assert!(!format!("{me:?}").contains("Vane"), "names are not for logs");

    let made = invite(&manager, invitation("Thistlewood", "teacher")).await.unwrap();
    assert!(!made.needs_second);
    let teacher = hub.person(&code(&made.invitation)).await.unwrap();
    let listed = manager.people().list(list("data_manager")).await.unwrap().into_inner();
    let active = listed.people.iter().filter(|person| person.revoked_at_us == 0).count();
    assert_eq!((active, listed.invitations.len()), (2, 0));
    let refused = [
        teacher.people().list(list("teacher")).await.unwrap_err(),
        teacher.people().list(list("data_manager")).await.unwrap_err(),
        invite(&teacher, invitation("Plum", "teacher")).await.unwrap_err(),
    ];
    assert!(
        refused.iter().all(|r| r.code() == Code::PermissionDenied && r.message() == refused[0].message())
    );

    let access = |role: &str| SetAccessRequest { role: role.to_owned(), on: true };
    assert_eq!(
        teacher.people().set_access(access("teacher")).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    manager.people().set_access(access("data_manager")).await.unwrap();
    assert!(manager.people().list(list("data_manager")).await.unwrap().into_inner().access_on);

    let end = RevokeRequest { role: "data_manager".to_owned(), person_id: teacher.id.0.to_vec().into() };
    manager.people().revoke(end).await.unwrap();
    let out = teacher.people().whoami(WhoamiRequest {}).await.unwrap_err();
    assert_eq!(out.code(), Code::Unauthenticated, "out at the next call, on the connection that is open");
    hub.exchange.revoke(Revoke::Person(manager.id), "operator", hub.now()).await.unwrap();
    assert_eq!(manager.people().whoami(WhoamiRequest {}).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn case_17_an_office_is_given_by_two_people_over_the_wire() {
    let hub = TestHub::start().await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let head = hub.first("ridgeway", Role::Head).await;
    let made = invite(&manager, invitation("Thistlewood", "dpo")).await.unwrap();
    assert!(made.needs_second);
    let early = hub.person(&code(&made.invitation)).await.err().unwrap();
    assert_eq!(early.code(), Code::Unauthenticated);

    let open = head.people().list(list("head")).await.unwrap().into_inner().invitations.remove(0);
    assert!(open.waiting && open.approvable && open.text.contains("Thistlewood"));
    assert!(!format!("{open:?}{made:?}").contains("Thistlewood"));
    let own = manager.people().approve(approval(&manager, "data_manager", &open)).await.unwrap_err();
    assert_eq!(own.code(), Code::PermissionDenied);
    let mut bent = open.clone();
    bent.text = bent.text.replace("Thistlewood", "Somebody else");
    let bent = head.people().approve(approval(&head, "head", &bent)).await.unwrap_err();
    assert_eq!(bent.code(), Code::InvalidArgument);
    head.people().approve(approval(&head, "head", &open)).await.unwrap();
    let replay = head.people().approve(approval(&head, "head", &open)).await.unwrap_err();
    assert_eq!(replay.code(), Code::PermissionDenied);
    let dpo = hub.person(&code(&made.invitation)).await.unwrap();
    assert_eq!(dpo.joined.roles, ["dpo"]);
}

#[tokio::test]
async fn case_04_a_persons_wrong_used_and_expired_invitations_get_one_answer() {
    let hub = TestHub::start().await;
    let (used, late) =
        (hub.office_code("ridgeway", Role::Head).await, hub.office_code("northgate", Role::Head).await);
    hub.person(&used).await.unwrap();
    let agents = hub.code("ridgeway").await;
    let mut answers = vec![
        hub.person(&used).await.err().unwrap(),
        hub.person("guessed").await.err().unwrap(),
        hub.person(&agents).await.err().unwrap(),
    ];
    let (request, _) = certificate_request();
    let as_agent = join_request(&late, request, &SigningKey::from_seed(&[3; 32]).unwrap());
    answers.push(hub.join_door().await.join(as_agent).await.unwrap_err());
    hub.advance(Duration::from_secs(2 * 86_400));
    answers.push(hub.person(&late).await.err().unwrap());
    for answer in &answers {
        assert_eq!((answer.code(), answer.message()), (Code::Unauthenticated, answers[0].message()));
    }
    for _ in 0..9 {
        let _ = hub.person("guessed").await;
    }
    let slowed = hub.person("guessed").await.err().unwrap();
    assert_eq!(slowed.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn agents_and_people_have_no_business_at_each_others_methods_and_it_is_counted() {
    let hub = TestHub::start().await;
    let (agent, head) = (hub.agent("ridgeway").await, hub.first("ridgeway", Role::Head).await);
    let mut refused =
        vec![PeopleServiceClient::new(agent.channel.clone()).whoami(WhoamiRequest {}).await.unwrap_err()];
    let mut exchange = ExchangeServiceClient::new(head.channel.clone());
    refused
        .push(exchange.receive(ReceiveRequest { after_sequence: 0, joint_paths: false }).await.unwrap_err());
    refused.push(exchange.publish(tokio_stream::pending()).await.unwrap_err());
    for answer in &refused {
        assert_eq!((answer.code(), answer.message()), (Code::PermissionDenied, refused[0].message()));
    }
    hub.exchange.tick(hub.now()).await;
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    let counted = |who: &str| {
        let entry = log.iter().find(|e| e["what"] == "call.refused" && e["more"]["actor"] == who).unwrap();
        entry["more"]["count"].as_u64().unwrap()
    };
    assert_eq!((counted("ridgeway"), counted(&format!("person:{}", head.id))), (1, 2));
    agent.directory().overview(OverviewRequest {}).await.expect("the agent goes on with what is its own");
}

#[tokio::test]
async fn a_person_renews_with_their_enrolled_key_and_not_under_an_agents_name() {
    let hub = TestHub::start().await;
    let head = hub.first("ridgeway", Role::Head).await;
    hub.advance(Duration::from_secs(40 * 86_400));
    let renewal =
        |key: &SigningKey| sign_person_renewal(&head.id.0, hub.now().micros(), certificate_request().0, key);
    let renewed = hub.join_door().await.renew(renewal(&head.signing)).await.unwrap().into_inner();
    assert!(!renewed.certificate.is_empty());
    let stranger = SigningKey::from_seed(&[5; 32]).unwrap();
    let mut answers = vec![hub.join_door().await.renew(renewal(&stranger)).await.unwrap_err()];
    let mut as_agent = renewal(&head.signing);
    as_agent.agent_id = std::mem::take(&mut as_agent.person_id);
    answers.push(hub.join_door().await.renew(as_agent).await.unwrap_err());
    for answer in &answers {
        assert_eq!((answer.code(), answer.message()), (Code::Unauthenticated, answers[0].message()));
    }
    let mut both = renewal(&head.signing);
    both.agent_id = both.person_id.clone();
    let both = hub.join_door().await.renew(both).await.unwrap_err();
    assert_eq!(both.code(), Code::InvalidArgument);
    let request = JoinRequest { person: true, ..JoinRequest::default() };
    assert_eq!(hub.join_door().await.join(request).await.unwrap_err().code(), Code::InvalidArgument);
}

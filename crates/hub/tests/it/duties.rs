//! Rights and duties from door to door: who may erase, and what is kept how long.

use crate::kit::{Person, TestHub};
use commonroll_audit::approval::{Approves, sign_approval};
use commonroll_core::Role;
use commonroll_exchange::leaving_hash;
use commonroll_wire::pb::{
    duty::v1::{
        BreachPackRequest, EndMembershipRequest, EraseRequest, ExitPackRequest, Keeping, PackPiece,
        RetentionRequest, SetRetentionRequest, duty_service_client::DutyServiceClient,
    },
    exchange::v1::{ReceiveRequest, RecordOutcome},
};
use std::{collections::BTreeMap, time::Duration};
use tonic::{Code, transport::Channel};

impl Person {
    fn duty(&self) -> DutyServiceClient<Channel> {
        DutyServiceClient::new(self.channel.clone())
    }
}

/// To an officer who mistyped an id, or asks about a guest.
const NOT_YOURS: &str = "no learner whose home you are has this id: give the id in your own system; what the hub holds of a guest \
                         is for their home to erase";

fn erase(role: &str, learner: &str) -> EraseRequest {
    EraseRequest {
        role: role.to_owned(),
        learner_local_id: learner.to_owned(),
        reason: "no_longer_needed".to_owned(),
        ..EraseRequest::default()
    }
}

#[tokio::test]
async fn an_officer_of_the_home_erases_and_the_feed_delivers_nothing_of_it() {
    let hub = TestHub::start().await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let batch = host.batch(&[host.mark("lesson-1")]);
    let answer = host.publishing().await.unwrap().ask(batch).await.unwrap();
    assert_eq!(answer.results[0].outcome(), RecordOutcome::Accepted);
    let dpo = hub.first("ridgeway", Role::Dpo).await;
    let head = hub.first("ridgeway", Role::Head).await;
    let host_dpo = hub.first("northgate", Role::Dpo).await;
    for learner in ["R1", "N1", "nobody"] {
        let refused = head.duty().erase(erase("head", learner)).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::PermissionDenied, "not allowed, or not there")
        );
        // An officer asks by their own institution's ids: a guest's, a stranger's and nobody's are one answer.
        let refused = host_dpo.duty().erase(erase("dpo", learner)).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::FailedPrecondition, NOT_YOURS));
    }
    let not_held = dpo.duty().erase(erase("head", "R1")).await.unwrap_err();
    assert_eq!(not_held.code(), Code::PermissionDenied, "a role that one does not hold");
    let unknown = dpo.duty().erase(erase("dpo", "nobody")).await.unwrap_err();
    assert_eq!(unknown.message(), NOT_YOURS);
    let mut why = erase("dpo", "R1");
    why.reason = "because".to_owned();
    assert_eq!(dpo.duty().erase(why).await.unwrap_err().code(), Code::InvalidArgument);
    let both = EraseRequest { record_id: vec![1; 16].into(), ..erase("dpo", "R1") };
    assert_eq!(dpo.duty().erase(both).await.unwrap_err().code(), Code::InvalidArgument);
    let agents = DutyServiceClient::new(home.channel.clone()).erase(erase("dpo", "R1")).await.unwrap_err();
    assert_eq!(agents.code(), Code::PermissionDenied, "an agent is no person");

    let erased = dpo.duty().erase(erase("dpo", "R1")).await.unwrap().into_inner();
    assert_eq!((erased.records, erased.notices, erased.done), (1, 0, true), "nobody was handed it yet");
    let mut feed = home.exchange().receive(ReceiveRequest::default()).await.unwrap().into_inner();
    let page = tokio::time::timeout(Duration::from_millis(200), feed.message()).await;
    assert!(page.is_err(), "nothing is delivered, and the stream stays open: {page:?}");
    let verified = hub.exchange.verify(|_| {}).await.unwrap();
    assert_eq!((verified.records, verified.payloads, verified.erased), (1, 0, 1));
    let shown = hub.exchange.show(1, 1_000).await.unwrap();
    assert!(shown.iter().any(|e| e["what"] == "record.erased" && e["more"]["institution"] == "ridgeway"));
    assert!(!format!("{shown:?}").contains("\"R1\""), "nothing personal in the entries");
}

#[tokio::test]
async fn retention_is_asked_for_and_agreed_and_shown() {
    let hub = TestHub::start().await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let dpo = hub.first("northgate", Role::Dpo).await;
    let set = |role: &str, days| SetRetentionRequest {
        role: role.to_owned(),
        kind: "attendance".to_owned(),
        keeping: Some(Keeping { days, even_waiting: false }),
    };
    let asked = manager.duty().set_retention(set("data_manager", 7)).await.unwrap().into_inner();
    assert!(!asked.in_force);
    let see = |role: &str| RetentionRequest { role: role.to_owned() };
    let seen = dpo.duty().retention(see("dpo")).await.unwrap().into_inner().kinds;
    assert_eq!(seen[0].asked.as_ref().unwrap().keeping.unwrap().days, 7);
    assert_eq!(seen[0].asked.as_ref().unwrap().person_id, manager.id.0.to_vec());
    assert_eq!((seen[0].agreed[0].partner.as_str(), seen[0].agreed[0].days), ("ridgeway", 30));
    assert!(dpo.duty().set_retention(set("dpo", 7)).await.unwrap().into_inner().in_force);
    let seen = dpo.duty().retention(see("dpo")).await.unwrap().into_inner().kinds;
    assert_eq!((seen[0].set.unwrap().days, seen[0].asked.is_none()), (7, true));
    let too_long = dpo.duty().set_retention(set("dpo", 4_000)).await.unwrap_err();
    assert_eq!(too_long.code(), Code::InvalidArgument);
    let head = hub.first("northgate", Role::Head).await;
    for refused in [
        head.duty().set_retention(set("head", 7)).await.unwrap_err(),
        head.duty().retention(see("head")).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
}

#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn put(&mut self, piece: Option<PackPiece>) {
        let piece = piece.unwrap();
        self.0.entry(piece.file).or_default().extend_from_slice(&piece.content);
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.0[name].clone()).unwrap()
    }
}

#[tokio::test]
async fn packs_come_in_pieces_and_a_head_ends_the_membership() {
    let hub = TestHub::start().await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let batch = host.batch(&[host.mark("lesson-1"), host.mark("lesson-2")]);
    host.publishing().await.unwrap().ask(batch).await.unwrap();
    let dpo = hub.first("northgate", Role::Dpo).await;
    let head = hub.first("northgate", Role::Head).await;
    let now = hub.now().micros();
    let breach = |role: &str| BreachPackRequest {
        role: role.to_owned(),
        from_us: now - 3_600_000_000,
        to_us: now + 3_600_000_000,
        known_us: now,
        drill: true,
        ..BreachPackRequest::default()
    };
    let refused = head.duty().breach_pack(breach("head")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let upside_down = BreachPackRequest { to_us: now - 7_200_000_000, ..breach("dpo") };
    assert_eq!(dpo.duty().breach_pack(upside_down).await.unwrap_err().code(), Code::InvalidArgument);
    let mut pieces = dpo.duty().breach_pack(breach("dpo")).await.unwrap().into_inner();
    let mut files = Files::default();
    while let Some(answer) = pieces.message().await.unwrap() {
        files.put(answer.piece);
    }
    assert_eq!(files.text("northgate/disclosures.csv").lines().count(), 3);
    assert!(files.text("northgate/disclosures.csv").contains("N1"));
    assert!(files.text("northgate/notification.md").contains("DRILL"));

    let agents = DutyServiceClient::new(host.channel.clone()).exit_pack(ExitPackRequest::default()).await;
    assert_eq!(agents.unwrap_err().code(), Code::PermissionDenied, "an agent is no person");
    let ask = ExitPackRequest { role: "head".to_owned() };
    let mut pieces = head.duty().exit_pack(ask).await.unwrap().into_inner();
    let mut files = Files::default();
    while let Some(answer) = pieces.message().await.unwrap() {
        files.put(answer.piece);
    }
    assert_eq!(files.text("records.jsonl").lines().count(), 2);
    assert!(!files.text("declarations.jsonl").contains("R1"), "a partner's ids are not its own");

    let hash = leaving_hash(&"northgate".parse().unwrap());
    let end = |signature: [u8; 64]| EndMembershipRequest {
        role: "head".to_owned(),
        signature: signature.to_vec().into(),
    };
    let forged = head.duty().end_membership(end([7; 64])).await.unwrap_err();
    assert_eq!(forged.code(), Code::InvalidArgument);
    let signed = sign_approval(&head.signing, Approves::Act, &head.id.0, &hash);
    let ended = head.duty().end_membership(end(signed)).await.unwrap().into_inner();
    assert_eq!((ended.placements, ended.access), (1, 3), "the agent, the officer and the head");
    for gone in [&head, &dpo] {
        let ask = ExitPackRequest { role: "head".to_owned() };
        assert_eq!(gone.duty().exit_pack(ask).await.unwrap_err().code(), Code::Unauthenticated);
    }
    let mut feed = home.exchange().receive(ReceiveRequest::default()).await.unwrap().into_inner();
    let page = tokio::time::timeout(Duration::from_millis(300), feed.message()).await;
    let records = |page: &commonroll_wire::pb::exchange::v1::ReceiveResponse| page.batches.len();
    assert!(page.map_or(0, |page| page.unwrap().as_ref().map_or(0, records)) == 0, "nothing flows any more");
}

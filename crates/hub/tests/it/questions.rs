//! The audit's questions over the wire: right answers to those who answer for an institution, and to nobody else.

use crate::kit::{Person, TestHub};
use commonroll_core::Role;
use commonroll_wire::pb::audit::v1::{
    EventsRequest, Saw, SharingRequest, Sum, WhoSawRequest, audit_service_client::AuditServiceClient,
};
use tonic::{Code, Status, transport::Channel};

impl Person {
    fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    async fn who_saw(&self, role: &str, learner: &str) -> Result<Vec<Saw>, Status> {
        let request = WhoSawRequest {
            role: role.to_owned(),
            learner_local_id: learner.to_owned(),
            ..WhoSawRequest::default()
        };
        let mut stream = self.audit().who_saw(request).await?.into_inner();
        let mut all = Vec::new();
        while let Some(piece) = stream.message().await? {
            all.extend(piece.saw);
        }
        Ok(all)
    }

    async fn sums(&self, role: &str, institution: &str, received: bool) -> Result<Vec<Sum>, Status> {
        let (role, institution) = (role.to_owned(), institution.to_owned());
        let request = SharingRequest { role, institution, received, window: None };
        Ok(self.audit().sharing(request).await?.into_inner().sums)
    }

    /// Names of a topic's events.
    async fn events(&self, role: &str, topic: &str) -> Result<Vec<String>, Status> {
        let request = EventsRequest { role: role.to_owned(), topic: topic.to_owned(), window: None };
        let mut stream = self.audit().events(request).await?.into_inner();
        let mut all = Vec::new();
        while let Some(piece) = stream.message().await? {
            all.extend(piece.events.into_iter().map(|event| event.what));
        }
        Ok(all)
    }
}

async fn school() -> TestHub {
    let hub = TestHub::start().await;
    let mut host = hub.agent("northgate").await;
    let batch = host.batch(&[host.mark("lesson-1")]);
    host.publishing().await.unwrap().ask(batch).await.unwrap();
    hub
}

#[tokio::test]
async fn a_dpo_asks_who_saw_and_others_get_one_answer() {
    let hub = school().await;
    let (home, host) = (hub.first("ridgeway", Role::Dpo).await, hub.first("northgate", Role::Dpo).await);
    let saw = home.who_saw("dpo", "R1").await.unwrap();
    assert_eq!(
        (saw.len(), saw[0].institution.as_str(), saw[0].source.as_str()),
        (1, "ridgeway", "northgate")
    );
    assert_eq!((saw[0].reached.as_str(), saw[0].kinds.join(" ")), ("waiting", "attendance".to_owned()));
    assert!(!saw[0].agreement.is_empty() && saw[0].policy.len() == 64);
    // The host asks about what it made, by its own id.
    assert_eq!(host.who_saw("dpo", "N1").await.unwrap().len(), 1);

    let manager = hub.first("ridgeway", Role::DataManager).await;
    assert_eq!(manager.who_saw("data_manager", "R1").await.unwrap().len(), 1);
    let head = hub.first("ridgeway", Role::Head).await;
    let tutor = hub.invited(&manager, "ridgeway", Role::Tutor, None).await;
    let refused = [
        home.who_saw("dpo", "nobody").await.unwrap_err(),
        home.who_saw("dpo", "N1").await.unwrap_err(),
        host.who_saw("dpo", "R1").await.unwrap_err(),
        home.who_saw("data_manager", "R1").await.unwrap_err(),
        head.who_saw("head", "R1").await.unwrap_err(),
        tutor.who_saw("tutor", "R1").await.unwrap_err(),
    ];
    for one in &refused {
        assert_eq!((one.code(), one.message()), (Code::PermissionDenied, refused[0].message()));
    }
    // A reading is seen by the home's DPO, not by a host: what others read is the home's to know.
    let request = commonroll_wire::pb::subject::v1::ReadRequest {
        role: "tutor".to_owned(),
        learner_local_id: "R1".to_owned(),
        purpose: "pastoral".to_owned(),
        ..Default::default()
    };
    let mut subjects = commonroll_wire::pb::subject::v1::subject_service_client::SubjectServiceClient::new(
        tutor.channel.clone(),
    );
    subjects.read(request).await.unwrap();
    let read = |saw: Vec<Saw>| saw.into_iter().filter(|one| one.reached == "read").count();
    assert_eq!(read(home.who_saw("dpo", "R1").await.unwrap()), 2, "attendance, and the card");
    assert_eq!(read(host.who_saw("dpo", "N1").await.unwrap()), 0);
}

#[tokio::test]
async fn sums_are_for_the_own_institution_alone() {
    let hub = school().await;
    let (home, head) =
        (hub.first("ridgeway", Role::DataManager).await, hub.first("northgate", Role::Head).await);
    let received = home.sums("data_manager", "ridgeway", true).await.unwrap();
    assert_eq!((received.len(), received[0].partner.as_str(), received[0].records), (1, "northgate", 1));
    assert_eq!(home.sums("data_manager", "ridgeway", false).await.unwrap(), []);
    assert_eq!(head.sums("head", "northgate", false).await.unwrap()[0].learners, 1);
    let tutor = hub.invited(&home, "ridgeway", Role::Tutor, None).await;
    for refused in [
        home.sums("data_manager", "northgate", false).await,
        home.sums("data_manager", "nowhere", false).await,
        home.sums("head", "ridgeway", false).await,
        tutor.sums("tutor", "ridgeway", true).await,
    ] {
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn events_are_what_concerns_the_own_institution_and_the_rules_are_everybodys() {
    let hub = school().await;
    let home = hub.first("ridgeway", Role::DataManager).await;
    let host = hub.first("northgate", Role::DataManager).await;
    let tutor = hub.invited(&home, "ridgeway", Role::Tutor, None).await;
    assert_eq!(tutor.who_saw("tutor", "R1").await.unwrap_err().code(), Code::PermissionDenied);
    hub.exchange.tick(hub.now()).await;
    let refused = home.events("data_manager", "refused").await.unwrap();
    assert!(refused.contains(&"audit.refused".to_owned()), "their own tutor was refused: {refused:?}");
    let others = host.events("data_manager", "refused").await.unwrap();
    assert!(!others.contains(&"audit.refused".to_owned()), "{others:?}");
    let rules = tutor.events("tutor", "policy_changes").await.unwrap();
    assert!(rules.iter().any(|what| what.starts_with("policy.")), "everybody may read how the rules changed");
    let asked = home.events("data_manager", "exports").await.unwrap();
    assert!(asked.contains(&"audit.asked".to_owned()), "{asked:?}");
    assert_eq!(tutor.events("tutor", "exports").await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(home.events("data_manager", "gossip").await.unwrap_err().code(), Code::InvalidArgument);
}

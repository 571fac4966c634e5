//! One learner, read over the wire by people: what arrives, what doesn't, and what an emergency opens.

use crate::kit::{Person, TestHub};
use commonroll_core::Role;
use commonroll_wire::pb::{
    directory::v1::{Declaration, DeclareRequest, declaration::Fact},
    institution::v1::Staff,
    subject::v1::{
        EmergenciesRequest, OpenEmergencyRequest, ReadRequest, ReadResponse, ReviewEmergencyRequest,
        subject_service_client::SubjectServiceClient,
    },
};
use tonic::{Code, Status, transport::Channel};

impl Person {
    fn subjects(&self) -> SubjectServiceClient<Channel> {
        SubjectServiceClient::new(self.channel.clone())
    }

    /// All pieces of an answer as one.
    async fn read(&self, role: &str, learner: &str, purpose: &str) -> Result<ReadResponse, Status> {
        let request = ReadRequest {
            role: role.to_owned(),
            learner_local_id: learner.to_owned(),
            purpose: purpose.to_owned(),
            ..ReadRequest::default()
        };
        let mut stream = self.subjects().read(request).await?.into_inner();
        let mut all = ReadResponse::default();
        while let Some(piece) = stream.message().await? {
            all.card = all.card.or(piece.card);
            all.records.extend(piece.records);
            all.not_shown.extend(piece.not_shown);
            all.policy.push_str(&piece.policy);
        }
        Ok(all)
    }
}

/// A hub with a mark of a learner of Ridgeway at Northgate, and a data manager for each.
async fn school() -> (TestHub, Person, Person) {
    let hub = TestHub::start().await;
    let mut host = hub.agent("northgate").await;
    let batch = host.batch(&[host.mark("lesson-1"), host.mark("lesson-2")]);
    host.publishing().await.unwrap().ask(batch).await.unwrap();
    let staff =
        Staff { local_id: "S1".to_owned(), group_local_ids: vec!["ENG-1".to_owned()], ..Staff::default() };
    let declarations = vec![Declaration { fact: Some(Fact::Staff(staff)) }];
    host.directory().declare(DeclareRequest { declarations }).await.unwrap();
    let (home, host) =
        (hub.first("ridgeway", Role::DataManager).await, hub.first("northgate", Role::DataManager).await);
    (hub, home, host)
}

#[tokio::test]
async fn a_tutor_reads_over_the_wire_what_the_agreement_lists_and_the_entry_is_there() {
    let (hub, home, _) = school().await;
    let tutor = hub.invited(&home, "ridgeway", Role::Tutor, None).await;
    let read = tutor.read("tutor", "R1", "pastoral").await.unwrap();
    assert_eq!((read.records.len(), read.records[0].state.as_str()), (2, "stands"));
    let opened = commonroll_wire::open(read.records[0].record.as_ref().unwrap()).unwrap();
    assert_eq!(opened.record.head.source.as_str(), "northgate");
    let card = read.card.as_ref().unwrap();
    assert_eq!((card.home.as_str(), card.placements[0].host.as_str()), ("ridgeway", "northgate"));
    assert!(!format!("{read:?}").contains("R1"), "no message shows who it is about in a log");
    let shown = hub.exchange.show(1, 1_000).await.unwrap();
    let entry = shown.iter().find(|entry| entry["what"] == "read.disclosed").unwrap();
    assert_eq!(entry["more"]["count"], 2);
}

#[tokio::test]
async fn case_12_over_the_wire_one_answer_for_unknown_anothers_and_not_permitted() {
    let (hub, home, host) = school().await;
    let tutor = hub.invited(&home, "ridgeway", Role::Tutor, None).await;
    let teacher = hub.invited(&host, "northgate", Role::Teacher, None).await;
    let refused = [
        tutor.read("tutor", "nobody", "pastoral").await.unwrap_err(),
        tutor.read("tutor", "N1", "pastoral").await.unwrap_err(),
        tutor.read("head", "R1", "pastoral").await.unwrap_err(),
        tutor.read("tutor", "R1", "teaching").await.unwrap_err(),
        teacher.read("teacher", "N1", "teaching").await.unwrap_err(),
        home.read("data_manager", "R1", "administration").await.unwrap_err(),
    ];
    for one in &refused {
        assert_eq!((one.code(), one.message()), (Code::PermissionDenied, refused[0].message()));
        assert_eq!(one.details(), refused[0].details(), "not a byte tells them apart");
    }
    for (role, learner, purpose) in
        [("tutor", "R1", "curiosity"), ("master", "R1", "pastoral"), ("tutor", "", "pastoral")]
    {
        let code = tutor.read(role, learner, purpose).await.unwrap_err().code();
        assert_eq!(code, Code::InvalidArgument, "{role} {purpose}");
    }
    let filtered = ReadRequest {
        role: "tutor".to_owned(),
        learner_local_id: "R1".to_owned(),
        purpose: "pastoral".to_owned(),
        kinds: vec!["counselling".to_owned()],
        ..ReadRequest::default()
    };
    assert_eq!(tutor.subjects().read(filtered).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_revoked_reader_gets_nothing_more() {
    let (hub, home, _) = school().await;
    let tutor = hub.invited(&home, "ridgeway", Role::Tutor, None).await;
    assert!(tutor.read("tutor", "R1", "pastoral").await.is_ok());
    hub.exchange.revoke(commonroll_exchange::Revoke::Person(tutor.id), "operator", hub.now()).await.unwrap();
    let gone = tutor.read("tutor", "R1", "pastoral").await.unwrap_err();
    assert_eq!(gone.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn an_emergency_is_opened_told_and_reviewed_over_the_wire() {
    let (hub, home, host) = school().await;
    let teacher = hub.invited(&host, "northgate", Role::Teacher, None).await;
    assert_eq!(teacher.read("teacher", "N1", "emergency").await.unwrap_err().code(), Code::PermissionDenied);
    let open = OpenEmergencyRequest {
        role: "teacher".to_owned(),
        learner_local_id: "N1".to_owned(),
        reason: "Collapsed on the stairs, breathing".to_owned(),
        valid_seconds: 3_600,
    };
    let long = OpenEmergencyRequest { valid_seconds: 90_000, ..open.clone() };
    assert_eq!(teacher.subjects().open_emergency(long).await.unwrap_err().code(), Code::InvalidArgument);
    let opened = teacher.subjects().open_emergency(open).await.unwrap().into_inner();
    let read = teacher.read("teacher", "N1", "emergency").await.unwrap();
    let card = read.card.unwrap();
    assert_eq!(
        (card.home.as_str(), card.not_held.join(" ")),
        ("ridgeway", "emergency_contact needs".to_owned())
    );
    assert!(card.presence.is_empty() && read.records.is_empty());

    let list = |role: &str| EmergenciesRequest { role: role.to_owned() };
    let told = home.subjects().emergencies(list("data_manager")).await.unwrap().into_inner().emergencies;
    assert_eq!((told.len(), told[0].learner_local_id.as_str(), told[0].reviewable), (1, "R1", false));
    assert!(!format!("{told:?}").contains("Collapsed"));
    assert_eq!(
        teacher.subjects().emergencies(list("teacher")).await.unwrap_err().code(),
        Code::PermissionDenied
    );

    let dpo = hub.first("ridgeway", Role::Dpo).await;
    let review = |role: &str| ReviewEmergencyRequest {
        role: role.to_owned(),
        emergency_id: opened.emergency_id.clone(),
        justified: true,
        remark: "The college rang us at once".to_owned(),
    };
    assert_eq!(
        home.subjects().review_emergency(review("data_manager")).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    dpo.subjects().review_emergency(review("dpo")).await.unwrap();
    let told = host.subjects().emergencies(list("data_manager")).await.unwrap().into_inner().emergencies;
    assert_eq!(told[0].reviews[0].institution, "ridgeway");
    hub.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(teacher.read("teacher", "N1", "emergency").await.unwrap_err().code(), Code::PermissionDenied);
}

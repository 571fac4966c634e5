//! The law over mTLS: people change the rules and sign agreements, two of them where anything changes, and what can't be
//! put in force is refused with the line at fault.

use crate::kit::{Person, TestHub};
use commonroll_audit::approval::{Approves, sign_approval};
use commonroll_core::{Role, SchoolDate};
use commonroll_exchange::{agreement_hash, ending_hash, policy_change_hash};
use commonroll_wire::pb::{
    agreement::v1::{
        AgreementText, EndRequest, ListRequest, ProposeRequest as ProposeText, SignRequest,
        agreement_service_client::AgreementServiceClient,
    },
    exchange::v1::RecordOutcome,
    policy::v1::{
        ActivateRequest, ApproveRequest, ExplainRequest, InForceRequest, InForceResponse, PolicyFile,
        Proposal, ProposalsRequest, ProposeRequest, ProposeResponse, TryRequest,
        policy_service_client::PolicyServiceClient,
    },
};
use tonic::{Code, Status, transport::Channel};

const WIDER: &str = "@id(\"lead-sees-log\")\n@says(\"A consortium lead sees the log.\")\n\
    permit (principal, action == Action::\"see_log\", resource) when { principal.role == Role::\"consortium_lead\" };\n";
const NARROWER: &str = "@id(\"no-marks-home\")\n@says(\"Attendance rests for now.\")\n\
    forbid (principal, action in [Action::\"publish\", Action::\"receive\"], resource is Attendance);\n";
const BROKEN: &str =
    "@id(\"x\")\n@says(\"y\")\npermit (principal,\n  action == Action::\"nonsense\",\n  resource);\n";

fn rules(person: &Person) -> PolicyServiceClient<Channel> {
    PolicyServiceClient::new(person.channel.clone())
}

fn texts(person: &Person) -> AgreementServiceClient<Channel> {
    AgreementServiceClient::new(person.channel.clone())
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap()
}

async fn in_force(person: &Person, role: &str) -> InForceResponse {
    let asked = InForceRequest { role: role.to_owned(), with_files: true };
    rules(person).in_force(asked).await.unwrap().into_inner()
}

/// Proposes the set in force with one more file.
async fn propose(person: &Person, more: &str, nonce: u8) -> Result<ProposeResponse, Status> {
    let held = in_force(person, "data_manager").await;
    let mut files = held.files.clone();
    files.push(PolicyFile { name: "more.cedar".to_owned(), text: more.to_owned() });
    let set = files.iter().map(|file| (file.name.as_str(), file.text.as_str()));
    let to = commonroll_policy::Texts::from_files(set).hash();
    let id = policy_change_hash(&hash(&held.policy_hash), &to, &[nonce; 16]);
    let request = ProposeRequest {
        role: "data_manager".to_owned(),
        from_hash: held.policy_hash,
        files,
        nonce: vec![nonce; 16].into(),
        signature: signed(person, Approves::Policy, &id),
    };
    rules(person).propose(request).await.map(tonic::Response::into_inner)
}

fn signed(person: &Person, what: Approves, hash: &[u8; 32]) -> bytes::Bytes {
    sign_approval(&person.signing, what, &person.id.0, hash).to_vec().into()
}

async fn approve(person: &Person, role: &str, id: &[u8]) -> Result<(), Status> {
    let signature = signed(person, Approves::Policy, &hash(id));
    let request = ApproveRequest { role: role.to_owned(), proposal_id: id.to_vec().into(), signature };
    rules(person).approve(request).await.map(|_| ())
}

async fn activate(person: &Person, role: &str, id: &[u8]) -> Result<(), Status> {
    let request = ActivateRequest { role: role.to_owned(), proposal_id: id.to_vec().into() };
    rules(person).activate(request).await.map(|_| ())
}

async fn proposals(person: &Person, role: &str, id: &[u8]) -> Vec<Proposal> {
    let asked = ProposalsRequest { role: role.to_owned(), proposal_id: id.to_vec().into() };
    rules(person).proposals(asked).await.unwrap().into_inner().proposals
}

#[tokio::test]
async fn case_17_a_rule_that_widens_takes_two_people_and_each_reads_what_they_sign() {
    let hub = TestHub::start().await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let head = hub.first("northgate", Role::Head).await;
    let before = in_force(&manager, "data_manager").await;
    assert!(before.files.iter().any(|file| file.name == "office.cedar") && before.approvals.is_empty());
    let made = propose(&manager, WIDER, 1).await.unwrap();
    assert!(
        made.widens && made.changes.contains("see_log: in the role of consortium lead"),
        "{}",
        made.changes
    );

    let alone = activate(&manager, "data_manager", &made.proposal_id).await.unwrap_err();
    assert_eq!(alone.code(), Code::FailedPrecondition);
    assert!(alone.message().contains("second person"), "{}", alone.message());
    let own = approve(&manager, "data_manager", &made.proposal_id).await.unwrap_err();
    assert_eq!(own.code(), Code::PermissionDenied);

    // The second person needs to believe nobody: the set is there to be read, and the id follows from it.
    let [open] = &proposals(&head, "head", &made.proposal_id).await[..] else { panic!("one proposal") };
    let set = open.files.iter().map(|file| (file.name.as_str(), file.text.as_str()));
    let to = commonroll_policy::Texts::from_files(set).hash();
    let nonce = open.nonce[..].try_into().unwrap();
    assert_eq!(policy_change_hash(&hash(&before.policy_hash), &to, &nonce), hash(&open.proposal_id));
    assert_eq!((open.state.as_str(), open.approvals.len()), ("open", 0));
    assert!(proposals(&head, "head", &[]).await[0].files.is_empty(), "a list is short");
    let other = propose(&manager, WIDER, 2).await.unwrap();
    let replayed = ApproveRequest {
        role: "head".to_owned(),
        proposal_id: made.proposal_id.clone(),
        signature: signed(&head, Approves::Policy, &hash(&other.proposal_id)),
    };
    assert_eq!(rules(&head).approve(replayed).await.unwrap_err().code(), Code::InvalidArgument);
    approve(&head, "head", &made.proposal_id).await.unwrap();
    activate(&manager, "data_manager", &made.proposal_id).await.unwrap();
    let after = in_force(&head, "head").await;
    assert_eq!((after.policy_hash.to_vec(), after.approvals.len()), (to.to_vec(), 2));
    let states: Vec<String> =
        proposals(&head, "head", &[]).await.into_iter().map(|proposal| proposal.state).collect();
    assert_eq!(states.iter().filter(|state| *state == "used").count(), 1);
    assert!(
        states.contains(&"outdated".to_owned()),
        "the other was compared with the set before: {states:?}"
    );
}

#[tokio::test]
async fn a_rule_that_narrows_takes_two_people_as_well_and_is_in_force_when_the_call_returns() {
    let hub = TestHub::start().await;
    let (mut host, manager) = (hub.agent("northgate").await, hub.first("ridgeway", Role::DataManager).await);
    let mut publishing = host.publishing().await.unwrap();
    let batch = host.batch(&[host.mark("lesson-1")]);
    let answer = publishing.ask(batch).await.unwrap();
    assert_eq!(answer.results[0].outcome(), RecordOutcome::Accepted);
    let made = propose(&manager, NARROWER, 1).await.unwrap();
    assert!(!made.widens && made.needs_second);
    let alone = activate(&manager, "data_manager", &made.proposal_id).await.unwrap_err();
    assert_eq!(alone.code(), Code::FailedPrecondition);
    approve(&hub.first("northgate", Role::Head).await, "head", &made.proposal_id).await.unwrap();
    activate(&manager, "data_manager", &made.proposal_id).await.unwrap();
    let batch = host.batch(&[host.mark("lesson-2")]);
    let answer = publishing.ask(batch).await.unwrap();
    assert_eq!(answer.results[0].outcome(), RecordOutcome::Rejected, "on the stream that was open before");
}

#[tokio::test]
async fn case_16_a_set_with_a_fault_is_refused_with_file_and_line_and_the_one_in_force_stays() {
    let hub = TestHub::start().await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let before = in_force(&manager, "data_manager").await.policy_hash;
    let refused = propose(&manager, BROKEN, 1).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("more.cedar:4"), "{}", refused.message());
    assert!(proposals(&manager, "data_manager", &[]).await.is_empty(), "nothing half-done");
    assert_eq!(in_force(&manager, "data_manager").await.policy_hash, before);
    hub.exchange.tick(hub.now()).await;
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    assert!(log.iter().any(|entry| entry["what"] == "policy.rejected"));
}

#[tokio::test]
async fn case_17_a_role_that_may_not_is_refused_in_one_wording_and_it_is_counted() {
    let hub = TestHub::start().await;
    let teacher = hub.colleague("ridgeway", Role::Teacher).await;
    let seen =
        rules(&teacher).in_force(InForceRequest { role: "teacher".to_owned(), with_files: false }).await;
    assert!(!seen.unwrap().into_inner().policy_hash.is_empty(), "everybody who is enrolled reads the rules");
    let known =
        texts(&teacher).list(ListRequest { role: "teacher".to_owned(), ..ListRequest::default() }).await;
    let held = known.unwrap().into_inner().agreements.remove(0);
    let sign = |role: &str, hash: bytes::Bytes| SignRequest {
        role: role.to_owned(),
        agreement_hash: hash,
        signature: vec![0; 64].into(),
    };
    let refused = [
        activate(&teacher, "teacher", &[7; 32]).await.unwrap_err(),
        activate(&teacher, "data_manager", &[7; 32]).await.unwrap_err(),
        approve(&teacher, "teacher", &[7; 32]).await.unwrap_err(),
        texts(&teacher).sign(sign("teacher", held.agreement_hash.clone())).await.unwrap_err(),
        texts(&teacher).sign(sign("head", held.agreement_hash.clone())).await.unwrap_err(),
        texts(&teacher).sign(sign("teacher", vec![7; 32].into())).await.unwrap_err(),
    ];
    for answer in &refused {
        assert_eq!((answer.code(), answer.message()), (Code::PermissionDenied, refused[0].message()));
    }
    hub.exchange.tick(hub.now()).await;
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    assert!(log.iter().any(|entry| entry["what"] == "act.refused"));
}

/// The agreement in force, with its text.
async fn agreed(person: &Person, role: &str) -> AgreementText {
    let asked = ListRequest { role: role.to_owned(), ..ListRequest::default() };
    let all = texts(person).list(asked.clone()).await.unwrap().into_inner().agreements;
    let held = all.into_iter().find(|one| one.in_force).unwrap();
    assert!(held.text.is_empty(), "a list is short");
    let one = ListRequest { agreement_hash: held.agreement_hash, ..asked };
    texts(person).list(one).await.unwrap().into_inner().agreements.remove(0)
}

#[tokio::test]
async fn an_agreement_is_proposed_signed_by_both_heads_and_ended_by_one() {
    let hub = TestHub::start().await;
    let (ours, theirs) = (hub.first("ridgeway", Role::Head).await, hub.first("northgate", Role::Head).await);
    let held = agreed(&ours, "head").await;
    assert_eq!(agreement_hash(&held.text), hash(&held.agreement_hash));
    let next = held.text.replace("version = 1", "version = 2");
    let bad = next.replace("last_date", "lost_date");
    let line = 1 + bad.lines().position(|line| line.contains("lost_date")).unwrap();
    let propose = |text: &str| ProposeText { role: "head".to_owned(), text: text.to_owned() };
    let refused = texts(&ours).propose(propose(&bad)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().lines().any(|said| said.starts_with(&format!("{line}:"))),
        "{}",
        refused.message()
    );
    let strange = texts(&ours).propose(propose(&next.replace("northgate", "elsewhere"))).await.unwrap_err();
    assert!(strange.message().contains("is no partner"), "{}", strange.message());

    let made = texts(&ours).propose(propose(&next)).await.unwrap().into_inner().agreement_hash;
    let sign = |who: &Person, over: &[u8]| SignRequest {
        role: "head".to_owned(),
        agreement_hash: made.clone(),
        signature: signed(who, Approves::Agreement, &hash(over)),
    };
    let other = texts(&ours).sign(sign(&ours, &held.agreement_hash)).await.unwrap_err();
    assert_eq!(other.code(), Code::InvalidArgument, "a signature under another text");
    let first = texts(&ours).sign(sign(&ours, &made)).await.unwrap().into_inner();
    assert_eq!(first.standing, "signed");
    let twice = texts(&ours).sign(sign(&ours, &made)).await.unwrap_err();
    assert_eq!(twice.code(), Code::FailedPrecondition);
    assert_eq!(agreed(&ours, "head").await.version, 1, "one signature puts nothing in force");
    let second = texts(&theirs).sign(sign(&theirs, &made)).await.unwrap().into_inner();
    assert_eq!(second.standing, "complete");
    let now = agreed(&ours, "head").await;
    assert_eq!((now.version, now.signatures.len()), (2, 2));

    let end = |who: &Person, on: Option<SchoolDate>| EndRequest {
        role: "head".to_owned(),
        agreement_hash: made.clone(),
        on_date: on.map_or_else(String::new, |on| on.to_string()),
        signature: signed(who, Approves::Act, &ending_hash(&hash(&made), on)),
    };
    let date = |text: &str| SchoolDate::parse("on", text).unwrap();
    let past = texts(&theirs).end(end(&theirs, Some(date("2021-01-01")))).await.unwrap_err();
    assert_eq!(past.code(), Code::InvalidArgument);
    texts(&theirs).end(end(&theirs, Some(date("2080-01-01")))).await.unwrap();
    let later = texts(&ours).end(end(&ours, Some(date("2085-01-01")))).await.unwrap_err();
    assert_eq!(later.code(), Code::FailedPrecondition, "an end is not put off by the other party");
    let until = agreed(&ours, "head").await;
    assert_eq!((until.version, until.ended_on.as_str()), (2, "2080-01-01"));
    let mut moved = end(&ours, Some(date("2070-01-01")));
    moved.on_date = "2060-01-01".to_owned();
    let moved = texts(&ours).end(moved).await.unwrap_err();
    assert_eq!(moved.code(), Code::InvalidArgument, "the date is signed too");
    texts(&ours).end(end(&ours, None)).await.unwrap();
    let all = texts(&ours).list(ListRequest { role: "head".to_owned(), ..ListRequest::default() }).await;
    assert!(all.unwrap().into_inner().agreements.iter().all(|one| !one.in_force));
}

#[tokio::test]
async fn why_somebody_sees_a_record_is_told_to_their_own_data_manager_and_to_nobody_else() {
    let hub = TestHub::start().await;
    let mut host = hub.agent("northgate").await;
    let (tutor, manager) =
        (hub.colleague("ridgeway", Role::Tutor).await, hub.first("ridgeway", Role::Dpo).await);
    let batch = host.batch(&[host.mark("lesson-1")]);
    let answer = host.publishing().await.unwrap().ask(batch).await.unwrap();
    let asked = ExplainRequest {
        role: "dpo".to_owned(),
        person_id: tutor.id.0.to_vec().into(),
        person_role: "tutor".to_owned(),
        purpose: "pastoral".to_owned(),
        sequence: answer.results[0].sequence,
        ..ExplainRequest::default()
    };
    assert!(
        !format!("{:?}", ExplainRequest { learner_local_id: "R1".to_owned(), ..asked.clone() })
            .contains("R1")
    );
    let told = rules(&manager).explain(asked.clone()).await.unwrap().into_inner().explained;
    let [one] = &told[..] else { panic!("{told:?}") };
    assert!(one.allowed && one.rules[0].file == "own_learners.cedar" && one.kind == "attendance", "{one:?}");
    assert_eq!(one.agreement, "shared-teaching, version 1");
    let both = ExplainRequest { institution: "ridgeway".to_owned(), ..asked.clone() };
    assert_eq!(rules(&manager).explain(both).await.unwrap_err().code(), Code::InvalidArgument);
    let other = hub.first("northgate", Role::Dpo).await;
    let strange = rules(&other).explain(asked.clone()).await.unwrap_err();
    let own = rules(&tutor)
        .explain(ExplainRequest { role: "tutor".to_owned(), ..asked.clone() })
        .await
        .unwrap_err();
    let unknown = rules(&manager).explain(ExplainRequest { sequence: 999, ..asked }).await.unwrap_err();
    for answer in [&strange, &own, &unknown] {
        assert_eq!((answer.code(), answer.message()), (Code::PermissionDenied, strange.message()));
    }
}

#[tokio::test]
async fn a_change_is_tried_with_progress_and_refused_to_whom_it_is_not_for() {
    let hub = TestHub::start().await;
    let (mut host, manager) = (hub.agent("northgate").await, hub.first("ridgeway", Role::DataManager).await);
    let batch = host.batch(&[host.mark("lesson-1")]);
    host.publishing().await.unwrap().ask(batch).await.unwrap();
    let dropped = TryRequest {
        role: "data_manager".to_owned(),
        drop_agreements: vec!["shared-teaching".to_owned()],
        ..TryRequest::default()
    };
    let mut answers = rules(&manager).r#try(dropped.clone()).await.unwrap().into_inner();
    let (mut lines, mut progress, mut outcome) = (Vec::new(), 0, None);
    while let Some(part) = answers.message().await.unwrap() {
        progress += usize::from(part.total > 0);
        lines.extend(part.lines);
        outcome = part.outcome.or(outcome);
    }
    let outcome = outcome.unwrap();
    assert!(progress > 0 && outcome.records == 1 && outcome.names);
    let system = |ahead| {
        let of = lines.iter().find(|l| l.person_role.is_empty() && l.ahead == ahead && l.group == "presence");
        of.map(|line| (line.gains, line.records, line.learners, line.examples.clone()))
    };
    assert_eq!(system(false), Some((false, 1, 1, vec!["R1".to_owned()])));
    assert_eq!(system(true), Some((false, 0, 1, vec!["R1".to_owned()])));
    assert!(!format!("{lines:?}").contains("R1"), "not for logs");
    let head = hub.first("ridgeway", Role::Head).await;
    let as_head = TryRequest { role: "head".to_owned(), ..dropped.clone() };
    let refused = rules(&head).r#try(as_head).await.unwrap().into_inner().message().await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let nothing = TryRequest { role: "data_manager".to_owned(), ..TryRequest::default() };
    assert_eq!(rules(&manager).r#try(nothing).await.unwrap_err().code(), Code::InvalidArgument);
    let unknown = TryRequest { drop_agreements: vec!["nothing".to_owned()], ..dropped };
    let unknown = rules(&manager).r#try(unknown).await.unwrap().into_inner().message().await.unwrap_err();
    assert!(unknown.message().contains("no agreement of this name is in force"), "{}", unknown.message());
}

//! The schema itself: what newer versions say survives, what is personal hides, reflection has all of it.

use crate::sample::{self, SECRET};
use bytes::Bytes;
use commonroll_audit::{GroupLeaf, record_root};
use commonroll_wire::{DESCRIPTOR, claimed_id, open, pb, redact, seal};
use prost::Message;

#[test]
fn an_unknown_enum_value_survives_and_is_not_opened() {
    let mut sealed = seal(&sample::attendance(), &SECRET, &[]).message;
    let mut presence = pb::attendance::v1::Presence::decode(sealed.groups[1].content.clone()).unwrap();
    presence.physical = 4_711;
    sealed.groups[1].content = presence.encode_to_vec().into();
    let again = pb::record::v1::SealedRecord::decode(sealed.encode_to_vec().as_slice()).unwrap();
    assert_eq!(again, sealed);
    let kept = pb::attendance::v1::Presence::decode(again.groups[1].content.clone()).unwrap();
    assert_eq!(kept.physical, 4_711);
    assert_eq!(open(&again).unwrap_err().field, "physical");
    assert_eq!(
        claimed_id(&again),
        Some(sample::attendance().head.id),
        "what it can't be read for is not its name"
    );
    let headless = pb::record::v1::SealedRecord { groups: again.groups[1..].to_vec() };
    assert_eq!(claimed_id(&headless), None);
}

#[test]
fn an_unknown_group_and_an_unknown_field_survive_with_their_hashes() {
    let mut sealed = seal(&sample::attendance(), &SECRET, &[]).message;
    // Field 900 of a newer SourceCode, and a group 9 that this version has never heard of.
    let mut content = sealed.groups[2].content.to_vec();
    content.extend([0xa2, 0x38, 0x02, b'h', b'i']);
    sealed.groups[2].content = content.clone().into();
    let salt = Bytes::from_static(&[5; 16]);
    let unknown = Bytes::from_static(b"from a newer version");
    sealed.groups.push(pb::record::v1::FieldGroup {
        number: 9,
        salt: salt.clone(),
        content: unknown.clone(),
        withheld_hash: Bytes::new(),
    });
    let again = pb::record::v1::SealedRecord::decode(sealed.encode_to_vec().as_slice()).unwrap();
    assert_eq!(again.groups[2].content, content);
    assert_eq!(again.groups[5].content, unknown);
    let opened = open(&again).unwrap();
    assert_eq!(opened.record, sample::attendance());
    assert_eq!(opened.present, 0b10_0011_1110);
    assert_eq!(opened.leaves[5], GroupLeaf::shown(9, &[5; 16], &unknown));
    assert_eq!(opened.root, record_root(&opened.leaves).unwrap());
    let redacted = redact(&again, 1 << 9).unwrap();
    assert_eq!(redacted.groups[5].content, unknown);
    assert_eq!(open(&redacted).unwrap().root, opened.root);
}

#[test]
fn debug_hides_what_is_personal() {
    let canary = "CANARY".to_owned();
    let learner = pb::learner::v1::Learner { surname: canary.clone(), ..Default::default() };
    let fact = pb::directory::v1::declaration::Fact::Learner(learner);
    let declare = pb::directory::v1::DeclareRequest {
        declarations: vec![pb::directory::v1::Declaration { fact: Some(fact) }],
    };
    let group = pb::record::v1::FieldGroup { content: canary.clone().into(), ..Default::default() };
    let record = pb::record::v1::SealedRecord { groups: vec![group] };
    let publish = pb::exchange::v1::PublishRequest { records: vec![record.clone()], ..Default::default() };
    let delivered = pb::exchange::v1::DeliveredRecord {
        record: Some(record),
        recipient_learner_local_id: canary.clone(),
        ..Default::default()
    };
    let batch = pb::exchange::v1::DeliveredBatch { records: vec![delivered], ..Default::default() };
    let copy =
        pb::exchange::v1::WithdrawnCopy { recipient_learner_local_id: canary.clone(), ..Default::default() };
    let notice = pb::exchange::v1::WithdrawalNotice { copies: vec![copy], ..Default::default() };
    let receive =
        pb::exchange::v1::ReceiveResponse { batches: vec![batch], cursor: 1, notices: vec![notice] };
    let join = pb::enrolment::v1::JoinRequest { code: canary.clone(), ..Default::default() };
    let head = pb::record::v1::RecordHead { learner_local_id: canary.clone(), ..Default::default() };
    let note = pb::behaviour::v1::ShareSafeText { text: canary };
    let seen = format!("{declare:?} {publish:?} {receive:?} {join:?} {head:?} {note:?}");
    assert!(!seen.contains("CANARY"), "{seen}");
    assert!(!seen.contains("67, 65"), "nor as numbers of bytes");
    assert!(seen.contains("Learner(..)") && seen.contains("FieldGroup(..)"));
}

#[test]
fn reflection_has_every_package_and_service() {
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR).unwrap();
    let services =
        set.file.iter().flat_map(|f| f.service.iter().map(move |s| format!("{}.{}", f.package(), s.name())));
    let mut services: Vec<String> = services.collect();
    services.sort();
    assert_eq!(
        services,
        [
            "commonroll.agreement.v1.AgreementService",
            "commonroll.audit.v1.AuditService",
            "commonroll.directory.v1.DirectoryService",
            "commonroll.duty.v1.DutyService",
            "commonroll.enrolment.v1.EnrolmentService",
            "commonroll.exchange.v1.ExchangeService",
            "commonroll.people.v1.PeopleService",
            "commonroll.policy.v1.PolicyService",
            "commonroll.readiness.v1.ReadinessService",
            "commonroll.subject.v1.SubjectService",
        ]
    );
    assert_eq!(set.file.len(), 23);
}

#[test]
fn every_message_is_of_a_group_that_core_knows() {
    // The numbers in core's table are those that sealing writes.
    for record in sample::all().into_iter().take(3) {
        let numbers = seal(&record, &SECRET, &[]).message.groups.into_iter().map(|g| g.number).skip(1);
        assert!(numbers.eq(record.kind().groups().iter().map(|(number, _)| *number)));
    }
}

#[test]
fn what_is_encoded_by_hand_is_what_prost_encodes() {
    fn same<M: Message + Default>(content: &[u8]) {
        assert_eq!(M::decode(content).unwrap().encode_to_vec(), content);
    }
    for record in sample::all() {
        let sealed = seal(&record, &sample::SECRET, &[]).message;
        same::<pb::record::v1::RecordHead>(&sealed.groups[0].content);
        if let commonroll_core::Body::Attendance(_) = record.body {
            same::<pb::attendance::v1::SourceCode>(&sealed.groups[2].content);
            same::<pb::attendance::v1::AttendanceNote>(&sealed.groups[3].content);
        }
    }
}

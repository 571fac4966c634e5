//! What breaks a rule is refused by the name of its field, and nothing else about it is said.

use crate::sample::{self, SECRET};
use bytes::Bytes;
use commonroll_core::{Invalid, Record};
use commonroll_wire::{
    open,
    pb::{
        assessment::v1 as assessment, attendance::v1 as attendance, behaviour::v1 as behaviour,
        record::v1 as pb,
    },
    redact, seal,
};
use prost::Message;

fn sealed(record: &Record) -> pb::SealedRecord {
    seal(record, &SECRET, &[]).message
}

/// The record with one group's message changed.
fn edited<M: Message + Default>(record: &Record, number: u32, edit: impl FnOnce(&mut M)) -> pb::SealedRecord {
    let mut message = sealed(record);
    let group = message.groups.iter_mut().find(|g| g.number == number).unwrap();
    let mut content = M::decode(group.content.clone()).unwrap();
    edit(&mut content);
    group.content = content.encode_to_vec().into();
    message
}

fn field(message: &pb::SealedRecord) -> &'static str {
    open(message).expect_err("a rule is broken").field
}

fn head(edit: impl FnOnce(&mut pb::RecordHead)) -> &'static str {
    field(&edited(&sample::attendance(), 1, edit))
}

fn presence(edit: impl FnOnce(&mut attendance::Presence)) -> &'static str {
    field(&edited(&sample::attendance(), 2, edit))
}

fn result(edit: impl FnOnce(&mut assessment::Result)) -> &'static str {
    field(&edited(&sample::assessment(), 2, edit))
}

fn event(edit: impl FnOnce(&mut behaviour::Event)) -> &'static str {
    field(&edited(&sample::behaviour(), 2, edit))
}

fn involvement(edit: impl FnOnce(&mut behaviour::Involvement)) -> &'static str {
    field(&edited(&sample::behaviour(), 3, edit))
}

#[test]
fn a_bad_head_is_refused_by_its_field() {
    assert_eq!(head(|h| h.record_id = Bytes::from_static(b"short")), "record_id");
    assert_eq!(head(|h| h.record_id = Bytes::from_static(&[7; 16])), "record_id", "another day's id");
    assert_eq!(head(|h| h.revision = 0), "revision");
    assert_eq!(head(|h| h.revision = u32::MAX), "revision");
    assert_eq!(head(|h| h.kind = 0), "kind");
    assert_eq!(head(|h| h.kind = 77), "kind");
    assert_eq!(head(|h| h.source = "Kingsmead School".into()), "source");
    assert_eq!(head(|h| h.learner_local_id.clear()), "learner_local_id");
    assert_eq!(head(|h| h.learner_local_id = "a\u{202e}b".into()), "learner_local_id");
    assert_eq!(head(|h| h.group_local_id = "g".repeat(65)), "group_local_id");
    assert_eq!(head(|h| h.school_date = "2026-02-30".into()), "school_date");
    assert_eq!(head(|h| h.school_date = "14/09/2026".into()), "school_date");
    assert_eq!(head(|h| h.recorded_at_us = i64::MIN), "recorded_at_us");
    assert_eq!(head(|h| h.withdrawn = true), "withdrawn");
}

#[test]
fn a_withdrawal_with_a_withheld_group_is_refused_too() {
    let message = edited(&sample::attendance(), 1, |h: &mut pb::RecordHead| h.withdrawn = true);
    assert_eq!(field(&redact(&message, 0).unwrap()), "withdrawn");
}

#[test]
fn a_bad_mark_is_refused_by_its_field() {
    assert_eq!(presence(|p| p.physical = 0), "physical");
    assert_eq!(presence(|p| p.physical = 99), "physical");
    assert_eq!(presence(|p| p.start_us = None), "start_us");
    assert_eq!(presence(|p| p.end_us = None), "end_us");
    assert_eq!(presence(|p| p.start_us = Some(i64::MAX)), "start_us");
    assert_eq!(presence(|p| p.end_us = p.start_us), "end_us", "an empty interval");
    assert_eq!(presence(|p| p.end_us = p.start_us.map(|s| s + 86_400_000_001)), "end_us", "over a day");
    assert_eq!(presence(|p| p.minutes_late = Some(1_441)), "minutes_late");
    assert_eq!(presence(|p| p.minutes_left_early = Some(1_441)), "minutes_left_early");
    assert_eq!(
        presence(|p| p.physical = attendance::Physical::Absent as i32),
        "minutes_late",
        "absent and late"
    );
    let mark = sample::attendance();
    let code = |edit: fn(&mut attendance::SourceCode)| field(&edited(&mark, 3, edit));
    assert_eq!(code(|c| c.code.clear()), "code");
    assert_eq!(code(|c| c.code = "ABCDEFGHIJKLMNOPQ".into()), "code");
    assert_eq!(code(|c| c.code_set.clear()), "code_set");
    assert_eq!(
        field(&edited(&mark, 4, |n: &mut attendance::AttendanceNote| n.text = "x".repeat(501))),
        "text"
    );
    assert_eq!(field(&edited(&mark, 5, |r: &mut attendance::Register| r.legal = 0)), "legal");
    assert_eq!(field(&edited(&mark, 5, |r: &mut attendance::Register| r.statistical = 5)), "statistical");
}

#[test]
fn a_bad_result_is_refused_by_its_field() {
    assert_eq!(result(|r| r.kind = 0), "kind");
    assert_eq!(result(|r| r.kind = -1), "kind");
    assert_eq!(result(|r| r.scale_id.clear()), "scale_id");
    assert_eq!(result(|r| r.scale_version = "v".repeat(33)), "scale_version");
    assert_eq!(result(|r| r.grade.clear()), "grade");
    assert_eq!(result(|r| r.grade = "A".repeat(33)), "grade");
    assert_eq!(result(|r| r.special_value = 1), "grade", "a grade and a special value");
    assert_eq!(result(|r| r.special_value = 6), "special_value");
    assert_eq!(result(|r| r.subject = "s".repeat(101)), "subject");
    assert_eq!(result(|r| r.title = "t\0".into()), "title");
    assert_eq!(result(|r| r.result_set = "s".repeat(101)), "result_set");
    assert_eq!(result(|r| r.points_as_given = "NaN".into()), "points_as_given");
    assert_eq!(result(|r| r.points_as_given.clear()), "points_as_given");
    assert_eq!(result(|r| r.point_system.clear()), "point_system");
    let long = |c: &mut assessment::AssessmentComment| c.text = "c".repeat(1_001);
    assert_eq!(field(&edited(&sample::assessment(), 3, long)), "text");
}

#[test]
fn a_bad_event_is_refused_by_its_field() {
    assert_eq!(event(|e| e.polarity = 0), "polarity");
    assert_eq!(event(|e| e.category = 14), "category");
    assert_eq!(event(|e| e.severity = 6), "severity");
    assert_eq!(event(|e| e.source_label = "l".repeat(201)), "source_label");
    assert_eq!(event(|e| e.happened_at_us = Some(i64::MIN)), "happened_at_us");
    assert_eq!(event(|e| e.location = "l".repeat(101)), "location");
    assert_eq!(event(|e| e.event_local_id = "e".repeat(65)), "event_local_id");
    assert_eq!(involvement(|i| i.role = 6), "role");
    assert_eq!(involvement(|i| i.action = "a".repeat(201)), "action");
    assert_eq!(involvement(|i| i.status = "s".repeat(101)), "status");
    assert_eq!(involvement(|i| i.home_action_by = "soon".into()), "home_action_by");
    let behaviour = sample::behaviour();
    let shared = |t: &mut behaviour::ShareSafeText| t.text = "t".repeat(2_001);
    assert_eq!(field(&edited(&behaviour, 4, shared)), "text");
    let internal = |t: &mut behaviour::InternalComment| t.text = "t".repeat(8_001);
    assert_eq!(field(&edited(&behaviour, 5, internal)), "text");
}

#[test]
fn a_bad_frame_is_refused_by_its_field() {
    let broken = |edit: fn(&mut Vec<pb::FieldGroup>)| {
        let mut message = sealed(&sample::attendance());
        edit(&mut message.groups);
        field(&message)
    };
    assert_eq!(broken(|g| g.clear()), "groups");
    assert_eq!(broken(|g| g.resize_with(17, Default::default)), "groups");
    assert_eq!(broken(|g| drop(g.remove(0))), "groups", "no head");
    assert_eq!(broken(|g| g[1].number = 0), "number");
    assert_eq!(broken(|g| g[4].number = 32), "number");
    assert_eq!(broken(|g| g.swap(1, 2)), "number");
    assert_eq!(broken(|g| g[2].number = 2), "number");
    assert_eq!(broken(|g| g[1].salt = Bytes::from_static(&[0; 15])), "salt");
    assert_eq!(broken(|g| g[1].content = vec![0; 65_537].into()), "content");
    assert_eq!(broken(|g| g[1].withheld_hash = Bytes::from_static(&[0; 32])), "withheld_hash");
    let hash = |bytes: &'static [u8]| pb::FieldGroup {
        number: 1,
        withheld_hash: Bytes::from_static(bytes),
        ..Default::default()
    };
    let mut headless = sealed(&sample::attendance());
    headless.groups[0] = hash(&[0; 32]);
    assert_eq!(field(&headless), "groups", "a head is never withheld");
    headless.groups[0] = hash(&[0; 31]);
    assert_eq!(field(&headless), "withheld_hash");
}

#[test]
fn bytes_that_are_no_message_name_the_group() {
    let expected = [
        (sample::attendance(), ["head", "presence", "source_code", "note", "register"].as_slice()),
        (sample::assessment(), &["head", "result", "comment"]),
        (sample::behaviour(), &["head", "event", "involvement", "share_safe_text", "internal_comment"]),
    ];
    for (record, names) in expected {
        for (at, name) in names.iter().enumerate() {
            // Field 1 as text that is not UTF-8, then a field cut short.
            for garbage in [&[0x0a, 0x01, 0xff, 0x12, 0x7f][..], &[0x08]] {
                let mut message = sealed(&record);
                message.groups[at].content = Bytes::copy_from_slice(garbage);
                assert_eq!(field(&message), *name);
            }
        }
    }
}

#[test]
fn an_error_never_repeats_the_value() {
    let message =
        edited(&sample::attendance(), 3, |c: &mut attendance::SourceCode| c.code = "canary".repeat(9));
    let error: Invalid = open(&message).unwrap_err();
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(!format!("{error:?}").contains("canary"));
}

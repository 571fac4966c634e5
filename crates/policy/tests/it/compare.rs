//! What a change of the rules changes, counted exactly.

use crate::{Partners, policies_dir, policy};
use commonroll_core::RecordKind;
use commonroll_policy::{Action, ChangeKind, Policy, Question, Texts};

/// The shipped set with one passage of one file put otherwise.
fn changed(file: &str, from: &str, to: &str) -> Policy {
    let embedded = Texts::embedded();
    let text = embedded.get(file).expect("the file");
    assert!(text.contains(from), "{file} has no {from}");
    let text = text.replacen(from, to, 1);
    Policy::new(Texts::from_files(
        embedded.iter().map(|(name, old)| if name == file { (name, text.as_str()) } else { (name, old) }),
    ))
    .expect("a set without a fault")
}

#[test]
fn a_set_is_equal_to_itself_however_it_is_written() {
    let policy = policy();
    let same = Policy::from_dir(&policies_dir()).expect("the same set");
    assert_eq!(policy.compare(&same).kind(), ChangeKind::Equal);
    let other_words = changed(
        "attendance.cedar",
        "  resource has home &&\n  principal == resource.home &&\n  resource.placed &&\n  context has agreement &&",
        "  (if resource.placed then !(!(resource has home && resource.home == principal)) else false) &&\n  context has agreement &&",
    );
    let change = policy.compare(&other_words);
    assert_eq!((change.kind(), change.wider, change.narrower), (ChangeKind::Equal, 0, 0));
    assert!(change.situations > 1_000_000, "{}", change.situations);
}

#[test]
fn dropping_a_part_from_the_ceiling_is_narrower_and_the_reverse_wider() {
    let policy = policy();
    let stricter = changed(
        "assessment.cedar",
        "    FieldGroup::\"assessment.result\",\n    FieldGroup::\"assessment.comment\"",
        "    FieldGroup::\"assessment.result\"",
    );
    let change = policy.compare(&stricter);
    assert_eq!(change.kind(), ChangeKind::Narrower, "{change}");
    // Only publishing is touched: for another home or as home itself, under an agreement that lists the comment, with
    // or without the result.
    assert_eq!((change.narrower, change.wider), (2 * 2, 0), "{change}");
    assert_eq!(change.losses[0].asked, "an institution publishes assessment");
    assert_eq!(change.losses[0].groups, ["comment"]);
    let back = stricter.compare(&policy);
    assert_eq!((back.kind(), back.wider, back.narrower), (ChangeKind::Wider, 4, 0), "{back}");
    assert!(back.kind().widens() && !change.kind().widens());
}

#[test]
fn a_role_that_gains_and_another_that_loses_is_both_ways_and_told_in_plain_words() {
    let policy = policy();
    let swapped = changed(
        "attendance_officer.cedar",
        "principal.role == Role::\"attendance_officer\"",
        "principal.role == Role::\"consortium_lead\"",
    );
    let change = policy.compare(&swapped);
    assert_eq!(change.kind(), ChangeKind::Narrower, "a forbid keeps the lead out: {change}");
    let swapped = changed(
        "attendance_officer.cedar",
        "principal.role == Role::\"attendance_officer\"",
        "principal.role == Role::\"data_manager\"",
    );
    let change = policy.compare(&swapped);
    assert_eq!(change.kind(), ChangeKind::Both);
    assert_eq!((change.gains.len(), change.losses.len()), (1, 1));
    assert_eq!(change.wider, change.narrower);
    let told = change.to_string();
    assert!(told.contains("a person reads attendance: at the learner's home, made by a partner; in the role of data manager; for attendance; placed; not confidential; an agreement lists presence, source_code, note, register -> head, presence, source_code, note, register"), "{told}");
}

#[test]
fn a_rule_that_fails_counts_as_a_loss_since_a_failure_denies() {
    let policy = policy();
    let failing = changed(
        "attendance.cedar",
        "@id(\"attendance-receive\")",
        "@id(\"fails\") @says(\"Fails.\")\npermit (principal, action == Action::\"receive\", resource is Attendance) when { resource.placed && 9223372036854775807 + 1 > 0 };\n\n@id(\"attendance-receive\")",
    );
    let change = policy.compare(&failing);
    assert_eq!(change.kind(), ChangeKind::Narrower, "{change}");
    assert_eq!(change.narrower, lost(&policy, &failing), "{change}");
}

/// The same count for institutions, by asking about one situation after another.
fn lost(old: &Policy, new: &Policy) -> u64 {
    let partners = Partners::new();
    let asked: Vec<Question<'_>> =
        partners.every_question(RecordKind::Attendance).filter(|q| q.action == Action::Receive).collect();
    let groups = |policy: &Policy, question| policy.decide(question).map_or(0, |permit| permit.groups());
    let lost = asked.iter().filter(|question| groups(old, question) & !groups(new, question) != 0);
    lost.count() as u64
}

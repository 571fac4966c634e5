//! The reviewed table is what the policies decide, and it is complete; the memo never says anything else.

use crate::{Partners, policies_dir, policy};
use commonroll_core::{RecordKind, Role};
use commonroll_policy::{Action, OfficeAct, Permit, Policy, Question, check_dir, matrix};

#[test]
fn the_reviewed_table_is_what_the_policies_decide() {
    expect_test::expect_file!["../../../../policies/who-may-what.txt"].assert_eq(&matrix(&policy()));
}

#[test]
fn the_table_walks_every_kind_action_and_field_group() {
    let table = matrix(&policy());
    for kind in RecordKind::ALL {
        for action in Action::ALL {
            let verb = match action {
                Action::Publish => "published",
                Action::Receive => "received",
            };
            let title = format!("{kind}: may it be {verb}?");
            let section = table.split("\n\n").find(|section| section.starts_with(&title)).expect("a section");
            let columns: Vec<&str> =
                section.lines().next().expect("a heading")[title.len()..].split_whitespace().collect();
            let names: Vec<&str> =
                ["head"].into_iter().chain(kind.groups().iter().map(|(_, name)| *name)).collect();
            assert_eq!(columns, names, "{kind}");
            for (_, name) in kind.groups() {
                assert!(section.contains(&format!("the agreement lists {name} ")), "{kind} {name}");
            }
            let complete = |row: &str| row.chars().filter(|c| ['✔', '✘'].contains(c)).count() == names.len();
            assert!(section.lines().skip(1).all(complete), "{section}");
            assert!(section.lines().count() >= 12, "{section}");
        }
    }
}

#[test]
fn the_table_walks_every_role_for_every_thing_and_every_office_act() {
    let table = matrix(&policy());
    for thing in ["attendance", "assessment", "behaviour", "card"] {
        let title = format!("{thing}: who reads it?");
        let section = table.split("\n\n").find(|section| section.starts_with(&title)).expect("a section");
        for role in Role::ALL {
            assert!(section.contains(&format!("\n  {role}")), "{thing} {role}");
        }
    }
    for act in OfficeAct::ALL {
        assert!(table.contains(&format!("\n  {act} ")), "{act}");
    }
    let lead: Vec<&str> =
        table.lines().filter(|line| line.contains("consortium_lead") && line.contains('✔')).collect();
    assert_eq!(lead, Vec::<&str>::new(), "a consortium lead reads nothing");
}

#[test]
fn the_shipped_folder_has_no_fault_and_its_examples_hold() {
    assert_eq!(check_dir(&policies_dir()), []);
}

/// Each situation there is, asked through the memo, and afresh in other names: both must say the same, and both what
/// the rules say. Their permits are counted: three homes to publish for, and two to receive (the second is the source
/// itself, as home), times the listings of the kind's groups.
#[test]
fn case_19_in_every_situation_nothing_leaves_without_a_need_to_know_and_the_memo_agrees() {
    let policy = policy();
    std::thread::scope(|scope| {
        for kind in RecordKind::ALL {
            let policy = &policy;
            scope.spawn(move || assert_eq!(permits(policy, kind), (3 + 2) << kind.groups().len(), "{kind}"));
        }
    });
}

/// How many situations of a kind are permitted, each held against the rules in words.
fn permits(policy: &Policy, kind: RecordKind) -> u32 {
    let partners = Partners::new();
    let (ridgeway, kingsmead) = (partners.kingsmead.clone(), partners.ridgeway.clone());
    let renamed = Partners { ridgeway, kingsmead, ..Partners::new() };
    let mut permitted = 0;
    for (question, renamed) in partners.every_question(kind).zip(renamed.every_question(kind)) {
        let answer = policy.decide(&question);
        assert_eq!(answer.as_ref().ok().map(Permit::groups), in_words(&question), "{question:?}");
        let fresh = policy.decide_afresh(&renamed);
        assert_eq!(answer.as_ref().err(), fresh.as_ref().err(), "{question:?}");
        assert_eq!(answer.as_ref().ok().map(Permit::groups), fresh.ok().as_ref().map(Permit::groups));
        permitted += u32::from(answer.is_ok());
    }
    permitted
}

/// The rules once more, as a few lines that share nothing with Cedar: which groups may leave, if the head may.
fn in_words(question: &Question<'_>) -> Option<u32> {
    let right_one = match question.action {
        Action::Publish => question.actor == question.source && question.home.is_some(),
        Action::Receive => question.home == Some(question.actor),
    };
    let listed =
        question.agreement.filter(|_| right_one && question.placed && !question.confidential)?.groups;
    let internal = if question.kind == RecordKind::Behaviour { 1 << 5 } else { 0 };
    Some((listed | 0b10) & !internal)
}

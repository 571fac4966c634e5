//! Decisions as stories: given, when, then.

use crate::{Partners, policy};
use commonroll_core::RecordKind;
use commonroll_policy::{Action, DenyCode, Question};

#[test]
fn a_permit_names_recipient_agreement_and_rule() {
    let (policy, partners) = (policy(), Partners::new());
    let permit = policy.decide(&partners.goes_home(RecordKind::Attendance)).expect("all is in force");
    assert_eq!(
        (permit.actor(), permit.kind(), permit.action()),
        (&partners.ridgeway, RecordKind::Attendance, Action::Receive)
    );
    assert_eq!(permit.agreement(), Some((&partners.agreement, 3)));
    assert_eq!(permit.reason(), "attendance-receive");
    assert_eq!(permit.groups(), 0b11_1110);
}

#[test]
fn a_permit_from_the_memo_is_for_the_one_who_asks_now() {
    let (policy, partners) = (policy(), Partners::new());
    let first = policy.decide(&partners.goes_home(RecordKind::Assessment)).expect("all is in force");
    let kingsmeads = Question {
        actor: &partners.kingsmead,
        home: Some(&partners.kingsmead),
        ..partners.goes_home(RecordKind::Assessment)
    };
    let second = policy.decide(&kingsmeads).expect("all is in force");
    assert_eq!((first.actor(), second.actor()), (&partners.ridgeway, &partners.kingsmead));
}

#[test]
fn case_14_field_groups_that_the_agreement_does_not_list_do_not_leave() {
    let (policy, partners) = (policy(), Partners::new());
    let presence_only =
        Question { agreement: Some(partners.agreed(1 << 2)), ..partners.goes_home(RecordKind::Attendance) };
    let permit = policy.decide(&presence_only).expect("the kind is listed");
    assert_eq!((1..=5).filter(|number| permit.lets_out(*number)).collect::<Vec<_>>(), [1, 2]);
    assert!(!permit.lets_out(0) && !permit.lets_out(40));
}

#[test]
fn case_15_the_same_question_is_denied_as_soon_as_what_it_rested_on_is_gone() {
    let (policy, partners) = (policy(), Partners::new());
    let question = partners.goes_home(RecordKind::Behaviour);
    assert!(policy.decide(&question).is_ok());
    let code = |question| policy.decide(&question).expect_err("something is gone").code;
    assert_eq!(code(Question { placed: false, ..question }), DenyCode::NoPlacement);
    assert_eq!(code(Question { agreement: None, ..question }), DenyCode::NoAgreement);
    assert_eq!(code(Question { home: None, ..question }), DenyCode::NotHome);
    assert_eq!(code(Question { confidential: true, ..question }), DenyCode::Confidential);
}

#[test]
fn case_11_a_learner_nobody_knows_and_one_that_is_not_placed_get_the_same_words() {
    let (policy, partners) = (policy(), Partners::new());
    let publishes = Question {
        action: Action::Publish,
        actor: &partners.northgate,
        ..partners.goes_home(RecordKind::Attendance)
    };
    let not_placed = policy.decide(&Question { placed: false, ..publishes }).expect_err("not placed");
    let unknown = Question { home: None, placed: false, agreement: None, ..publishes };
    let unknown = policy.decide(&unknown).expect_err("not known");
    assert_eq!(not_placed, unknown);
    assert_eq!(unknown.code, DenyCode::NoPlacement);
    assert_eq!(not_placed.to_string(), unknown.to_string());
}

#[test]
fn a_denial_says_what_is_missing_and_who_can_change_it_and_names_nobody() {
    let (policy, partners) = (policy(), Partners::new());
    for kind in RecordKind::ALL {
        for question in partners.every_question(kind).step_by(5) {
            let Err(denied) = policy.decide(&question) else { continue };
            let text = denied.to_string();
            assert!(
                ["ridgeway", "northgate", "kingsmead", "transition"].iter().all(|name| !text.contains(name)),
                "{text}"
            );
            assert!(denied.reason().len() > 40, "{text}");
        }
    }
    let denied = policy
        .decide(&Question { placed: false, ..partners.goes_home(RecordKind::Attendance) })
        .expect_err("not placed");
    assert_eq!(
        denied.to_string(),
        "no_placement: no placement covers the record's date, time and group: the learner's home declares it and the \
         host accepts it"
    );
}

#[test]
fn an_explanation_cites_the_rule_in_plain_words_and_everything_that_is_missing() {
    let (policy, partners) = (policy(), Partners::new());
    let question = partners.goes_home(RecordKind::Behaviour);
    let yes = policy.explain(&question).to_string();
    assert!(yes.starts_with("permitted: head, event, involvement, share_safe_text\n"), "{yes}");
    assert!(yes.contains("under agreement transition, version 3"), "{yes}");
    assert!(yes.contains("rule behaviour-receive: A learner's home receives"), "{yes}");

    let no = policy.explain(&Question { placed: false, agreement: None, ..question });
    assert_eq!(no.missing.len(), 2, "{no}");
    let confidential = policy.explain(&Question { confidential: true, ..question }).to_string();
    assert!(
        confidential.contains("rule confidential-stays: A record that its source marked confidential"),
        "{confidential}"
    );
}

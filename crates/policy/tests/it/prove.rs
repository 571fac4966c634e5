//! What is proved about the shipped rules, and that a bad rule is found out with a request that really gets through.

use crate::policy;
use commonroll_policy::{
    ChangeKind, Invariant, Outcome, Policy, ProveError, Texts, prove, prove_change, usual_solver,
};

/// The shipped rules and one more file.
fn with(rules: &str) -> Policy {
    let embedded = Texts::embedded();
    Policy::new(Texts::from_files(embedded.iter().chain([("extra.cedar", rules)])))
        .expect("a set without a fault")
}

/// Runs the invariants with these ids against the shipped rules and one more file: the outcomes.
fn outcomes(rules: &str, ids: &[&str]) -> Vec<Outcome> {
    let policy = with(rules);
    let all = Invariant::embedded(&policy).expect("they fit the schema");
    let asked: Vec<_> = all.into_iter().filter(|invariant| ids.contains(&invariant.id())).collect();
    assert_eq!(asked.len(), ids.len(), "{ids:?}");
    let proofs = prove(&policy, &asked, usual_solver(), &mut |_| {}).expect("the solver runs");
    proofs.into_iter().map(|proof| proof.outcome).collect()
}

#[test]
fn every_invariant_of_the_shipped_rules_is_proved() {
    let policy = policy();
    let all = Invariant::embedded(&policy).expect("they fit the schema");
    assert!(all.len() >= 20, "{}", all.len());
    let proofs = prove(&policy, &all, usual_solver(), &mut |_| {}).expect("the solver runs");
    for proof in &proofs {
        assert_eq!(proof.outcome, Outcome::Proved, "{}", proof.id);
        assert!(proof.questions > 0, "{}", proof.id);
    }
    assert_eq!(proofs.len(), all.len());
}

#[test]
fn a_rule_that_lets_a_stranger_in_is_refuted_by_a_request_that_replays() {
    let bad = r#"
@id("bad-host-sees-grades") @says("Bad.")
permit (principal, action == Action::"receive", resource is Assessment)
when { context has agreement && resource.placed && !resource.confidential };"#;
    let ids =
        ["no-stranger-receives", "no-host-receives-anothers-grades", "no-host-receives-anothers-behaviour"];
    let outcomes = outcomes(bad, &ids);
    // By id: behaviour, grades, stranger.
    assert_eq!(outcomes[0], Outcome::Proved);
    for outcome in &outcomes[1..] {
        let Outcome::Refuted(example) = outcome else { unreachable!("{outcome:?}") };
        assert_eq!(example.action, "receive");
        assert_eq!(example.rules, ["bad-host-sees-grades"]);
        assert!(example.facts.contains(&("resource.placed".to_owned(), "true".to_owned())), "{example}");
    }
}

#[test]
fn bad_rules_of_other_kinds_are_refuted_too() {
    for (bad, id) in [
        (
            r#"permit (principal, action == Action::"read_card", resource) when { principal.role == Role::"data_manager" };"#,
            "no-outsider-reads-cards",
        ),
        (
            r#"permit (principal, action == Action::"approve_policy", resource) when { principal.role == Role::"head" && context.purpose == Purpose::"administration" };"#,
            "nobody-approves-their-own-change",
        ),
        (
            r#"permit (principal, action == Action::"receive", resource is Attendance) when { resource has home && principal == resource.home && resource.placed && !(context has agreement) };"#,
            "an-agreement-never-widens",
        ),
        (
            r#"forbid (principal, action == Action::"read", resource) when { context has agreement && !context.teaches && context.agreement.lists.contains(FieldGroup::"attendance.note") };"#,
            "an-agreement-never-widens",
        ),
        (
            r#"permit (principal, action == Action::"receive", resource is Attendance) when { resource.placed && 9223372036854775807 + 1 > 0 };"#,
            "no-rule-fails",
        ),
    ] {
        let outcomes = outcomes(&format!("@id(\"bad\") @says(\"Bad.\") {bad}"), &[id]);
        let Outcome::Refuted(example) = &outcomes[0] else { unreachable!("{id}: {outcomes:?}") };
        assert!(!example.facts.is_empty() && !example.action.is_empty(), "{example}");
    }
}

#[test]
fn what_a_forbid_keeps_is_proved_although_a_permit_was_added() {
    let bad = r#"@id("bad") @says("Bad.") permit (principal is Person, action == Action::"read", resource) when { principal.role == Role::"consortium_lead" };"#;
    assert_eq!(outcomes(bad, &["no-lead-sees-a-learner"]), [Outcome::Proved]);
}

#[test]
fn a_change_is_classified_by_proof_as_by_counting() {
    let policy = policy();
    let permit = r#"@id("more") @says("More.") permit (principal, action == Action::"see_sharing", resource) when { principal.role == Role::"tutor" };"#;
    let forbid = r#"@id("less") @says("Less.") forbid (principal, action == Action::"receive", resource is Behaviour) when { resource.placed };"#;
    for (rules, kind) in [
        ("// A remark.".to_owned(), ChangeKind::Equal),
        (permit.to_owned(), ChangeKind::Wider),
        (forbid.to_owned(), ChangeKind::Narrower),
        (format!("{permit}{forbid}"), ChangeKind::Both),
    ] {
        let changed = with(&rules);
        let (proved, proofs) = prove_change(&policy, &changed, usual_solver()).expect("the solver runs");
        assert_eq!((proved, policy.compare(&changed).kind()), (Some(kind), kind), "{proofs:?}");
    }
}

#[test]
fn without_a_solver_nothing_is_proved_and_the_message_says_what_is_missing() {
    let policy = policy();
    let all = Invariant::embedded(&policy).expect("they fit the schema");
    let error = prove(&policy, &all, "/no/such/solver".into(), &mut |_| {}).expect_err("there is none");
    assert!(matches!(error, ProveError::NoSolver { .. }));
    assert!(
        error.to_string().contains("nothing was proved")
            && error.to_string().contains("apt-get install cvc5"),
        "{error}"
    );
    // A program that is no solver proves nothing either.
    let proofs = prove(&policy, &all[..1], "/bin/cat".into(), &mut |_| {}).expect("it starts");
    assert!(matches!(proofs[0].outcome, Outcome::Unsettled(_)), "{proofs:?}");
}

//! What can only be tested from inside: rules that the checks would have refused, and the memo's table.

use crate::{
    AgreementInForce, DenyCode, Question, Texts,
    cast::Cast,
    engine::{Answer, Engine},
    facts::{Facts, Home},
    load,
    question::Action,
    scene::Scene,
    why,
};
use commonroll_core::RecordKind;
use std::collections::HashSet;

/// An engine with rules beside the embedded ones that no check has seen, as if a check had a hole.
pub(crate) fn unchecked(rules: &str) -> Engine {
    let embedded = Texts::embedded();
    let schema = embedded.get("schema.cedarschema").expect("the set has a schema");
    let files: Vec<_> = embedded
        .iter()
        .filter(|(name, _)| name.ends_with(".cedar"))
        .chain([("extra.cedar", rules)])
        .collect();
    let (schema, policies, _) = load::parse(&Texts::new(schema, &files)).expect("the syntax is right");
    Engine::new(schema, policies)
}

/// Everything: no rule may have the last word over a failure.
const ANYTHING_GOES: &str = r#"@id("anything-goes") permit (principal, action, resource);"#;

#[test]
fn case_16_an_optional_attribute_that_is_not_there_denies_even_though_another_rule_permits() {
    let reads_home_blindly =
        r#"@id("blind") permit (principal, action, resource) when { resource.home == principal };"#;
    let engine = unchecked(&format!("{ANYTHING_GOES}{reads_home_blindly}"));
    let cast = Cast::new();
    let known = cast.usual(RecordKind::Attendance, Action::Receive);
    let unknown = Question { home: None, ..known };
    assert!(matches!(engine.ask(&Scene::of(&known), Some(1)), Answer::Allow(_)));
    assert_eq!(engine.ask(&Scene::of(&unknown), Some(1)), Answer::Broken(vec!["blind".to_owned()]));
    let denied = why::judge(&engine, &Scene::of(&unknown)).answer(&unknown).expect_err("a rule failed");
    assert_eq!(denied.code, DenyCode::PolicyError);
}

#[test]
fn case_16_a_question_that_does_not_fit_the_schema_denies() {
    let engine = unchecked(ANYTHING_GOES);
    let cast = Cast::new();
    let scene = Scene::of(&cast.usual(RecordKind::Assessment, Action::Receive));
    assert!(matches!(engine.ask(&scene, Some(2)), Answer::Allow(_)));
    assert_eq!(engine.ask(&scene, Some(9)), Answer::Broken(Vec::new()), "assessment has no group 9");
}

#[test]
fn case_19_a_forbid_beats_a_rule_that_permits_everything() {
    let engine = unchecked(ANYTHING_GOES);
    let cast = Cast::new();
    let question = Question { confidential: true, ..cast.usual(RecordKind::Behaviour, Action::Receive) };
    let denied =
        why::judge(&engine, &Scene::of(&question)).answer(&question).expect_err("it is confidential");
    assert_eq!(
        (denied.code, denied.policies()),
        (DenyCode::Confidential, &["confidential-stays".to_owned()][..])
    );
}

#[test]
fn the_internal_comment_stays_even_if_a_rule_permits_everything() {
    let engine = unchecked(ANYTHING_GOES);
    let cast = Cast::new();
    let question = cast.usual(RecordKind::Behaviour, Action::Receive);
    let permit = why::judge(&engine, &Scene::of(&question)).answer(&question).expect("anything goes");
    assert!(permit.lets_out(4) && !permit.lets_out(5));
}

#[test]
fn every_situation_has_a_place_of_its_own_in_the_memo() {
    let mut places = HashSet::new();
    for facts in every_situation() {
        assert!(facts.index() < Facts::COUNT, "{facts:?}");
        assert!(places.insert(facts.index()), "{facts:?}");
    }
    assert_eq!(places.len(), 2 * 2 * 4 * 2 * 2 * (2 * (1 + 16) + (1 + 4)));
}

#[test]
fn groups_that_a_kind_does_not_have_change_nothing() {
    let cast = Cast::new();
    let usual = cast.usual(RecordKind::Attendance, Action::Receive);
    let agreement = usual.agreement.expect("the usual question has one");
    let wild = AgreementInForce { groups: agreement.groups | 0b1 | 0xffff_ff00, ..agreement };
    assert_eq!(Facts::of(&usual), Facts::of(&Question { agreement: Some(wild), ..usual }));
}

fn every_situation() -> impl Iterator<Item = Facts> {
    let flags = [false, true];
    let kinds = RecordKind::ALL.into_iter().flat_map(|kind| Action::ALL.map(|action| (kind, action)));
    kinds.flat_map(move |(kind, action)| {
        let agreements = [None].into_iter().chain((0..1u8 << kind.groups().len()).map(Some));
        agreements.flat_map(move |listed| {
            flags.into_iter().flat_map(move |actor_is_source| {
                [Home::Unknown, Home::Actor, Home::Source, Home::Other].into_iter().flat_map(move |home| {
                    flags.into_iter().flat_map(move |placed| {
                        flags.map(move |confidential| Facts {
                            action,
                            kind,
                            actor_is_source,
                            home,
                            placed,
                            confidential,
                            listed,
                        })
                    })
                })
            })
        })
    })
}

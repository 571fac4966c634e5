//! What people may see and do, as stories. The tables and examples hold the rest.

use crate::{Partners, policy};
use commonroll_core::{Purpose, RecordKind, Role, Slug};
use commonroll_policy::{
    CARD_GROUPS, CardFacts, DenyCode, Matter, Office, OfficeAct, Permitted, PersonQuestion, Policy,
    RecordFacts,
};

/// Somebody at Ridgeway looks at what Northgate recorded about a Ridgeway learner placed there; all is agreed.
fn record<'a>(partners: &'a Partners, kind: RecordKind) -> RecordFacts<'a> {
    RecordFacts {
        kind,
        source: &partners.northgate,
        home: Some(&partners.ridgeway),
        placed: true,
        confidential: false,
        agreement: Some(partners.agreed(u32::MAX)),
        teaches: false,
        own: false,
        access_on: false,
        emergency: false,
    }
}

/// Somebody looks at the card of a Ridgeway learner placed at Northgate.
fn card(partners: &Partners) -> CardFacts<'_> {
    CardFacts {
        home: Some(&partners.ridgeway),
        host_placed: true,
        teaches: false,
        own: false,
        access_on: false,
        emergency: false,
        agreement: Some(partners.agreed(u32::MAX)),
    }
}

/// Names of the groups that are let out, or the code of the denial.
fn told(policy: &Policy, at: &Slug, role: Role, purpose: Purpose, matter: Matter<'_>) -> String {
    let groups: Vec<(u32, &str)> = match &matter {
        Matter::Record(record) => {
            [(1, "head")].into_iter().chain(record.kind.groups().iter().copied()).collect()
        }
        Matter::Card(_) => CARD_GROUPS.to_vec(),
        Matter::Office(_) => Vec::new(),
    };
    match policy.decide_person(&PersonQuestion { role, institution: at, purpose, matter }) {
        Ok(permit) => {
            let out = groups.iter().filter(|(number, _)| permit.lets_out(*number)).map(|(_, name)| *name);
            format!("yes {}", out.collect::<Vec<_>>().join(" "))
        }
        Err(denied) => denied.code.to_string(),
    }
}

#[test]
fn a_permit_carries_role_institution_purpose_groups_rule_and_agreement() {
    let (policy, partners) = (policy(), Partners::new());
    let question = PersonQuestion {
        role: Role::Tutor,
        institution: &partners.ridgeway,
        purpose: Purpose::Pastoral,
        matter: Matter::Record(record(&partners, RecordKind::Behaviour)),
    };
    for _ in ["afresh", "remembered"] {
        let permit = policy.decide_person(&question).expect("a tutor's own learner");
        assert_eq!((permit.role(), permit.institution()), (Role::Tutor, &partners.ridgeway));
        assert_eq!(
            (permit.purpose(), permit.what()),
            (Purpose::Pastoral, Permitted::Record(RecordKind::Behaviour))
        );
        assert_eq!(permit.groups(), 0b1_1110, "everything but the internal comment");
        assert_eq!(permit.reason(), "own-learners-made-elsewhere");
        assert_eq!(permit.agreement(), Some((&partners.agreement, 3)));
    }
}

#[test]
fn a_teacher_sees_what_the_groups_taught_need_and_nothing_of_another_host() {
    let (policy, partners) = (policy(), Partners::new());
    let made_here = RecordFacts { teaches: true, ..record(&partners, RecordKind::Behaviour) };
    let ask = |at: &Slug, record| told(&policy, at, Role::Teacher, Purpose::Teaching, Matter::Record(record));
    assert_eq!(ask(&partners.northgate, made_here), "yes head event involvement share_safe_text");
    assert_eq!(ask(&partners.northgate, RecordFacts { teaches: false, ..made_here }), "not_teaching");
    assert_eq!(ask(&partners.ridgeway, made_here), "yes head event involvement share_safe_text");
    assert_eq!(ask(&partners.kingsmead, made_here), "not_home", "another host that teaches the learner too");
    let agreed = RecordFacts { agreement: Some(partners.agreed(1 << 2)), ..made_here };
    assert_eq!(ask(&partners.ridgeway, agreed), "yes head event");
    assert_eq!(ask(&partners.ridgeway, RecordFacts { agreement: None, ..made_here }), "no_agreement");
}

#[test]
fn case_15_a_teachers_view_ends_with_the_placement() {
    let (policy, partners) = (policy(), Partners::new());
    let here = CardFacts { teaches: true, ..card(&partners) };
    let ask = |card| told(&policy, &partners.northgate, Role::Teacher, Purpose::Teaching, Matter::Card(card));
    assert_eq!(ask(here), "yes identity emergency_contact needs presence_today");
    assert_eq!(ask(CardFacts { host_placed: false, teaches: false, ..here }), "no_placement");
    assert_eq!(ask(CardFacts { agreement: None, ..here }), "no_agreement");
}

#[test]
fn an_attendance_officer_sees_no_narrative_and_no_grade() {
    let (policy, partners) = (policy(), Partners::new());
    let ask = |kind| {
        let matter = Matter::Record(record(&partners, kind));
        told(&policy, &partners.ridgeway, Role::AttendanceOfficer, Purpose::Attendance, matter)
    };
    assert_eq!(ask(RecordKind::Attendance), "yes head presence source_code note register");
    assert_eq!(ask(RecordKind::Behaviour), "yes head event involvement");
    assert_eq!(ask(RecordKind::Assessment), "no_policy");
}

#[test]
fn one_role_at_a_time_and_a_purpose_that_fits_it() {
    let (policy, partners) = (policy(), Partners::new());
    let ask = |role, purpose| {
        let matter = Matter::Record(record(&partners, RecordKind::Assessment));
        told(&policy, &partners.ridgeway, role, purpose, matter)
    };
    assert_eq!(ask(Role::HeadOfSixth, Purpose::Pastoral), "yes head result comment");
    assert_eq!(ask(Role::HeadOfSixth, Purpose::Attendance), "wrong_purpose");
    assert_eq!(ask(Role::HeadOfSixth, Purpose::Emergency), "wrong_purpose");
    for other_hat in [Role::DataManager, Role::Dpo, Role::ConsortiumLead, Role::Program] {
        for purpose in Purpose::ALL {
            assert!(!ask(other_hat, purpose).starts_with("yes"), "{other_hat} for {purpose}");
        }
    }
}

#[test]
fn learners_and_parents_see_their_own_once_home_turns_it_on() {
    let (policy, partners) = (policy(), Partners::new());
    for role in [Role::Learner, Role::Parent] {
        let mine = RecordFacts { own: true, access_on: true, ..record(&partners, RecordKind::Behaviour) };
        let ask =
            |record| told(&policy, &partners.ridgeway, role, Purpose::Administration, Matter::Record(record));
        assert_eq!(ask(mine), "yes head event involvement share_safe_text");
        assert_eq!(ask(RecordFacts { access_on: false, ..mine }), "access_off");
        assert_eq!(ask(RecordFacts { own: false, ..mine }), "not_own");
    }
}

#[test]
fn an_emergency_opens_contact_and_needs_of_a_placed_learner_and_nothing_else() {
    let (policy, partners) = (policy(), Partners::new());
    let collapsed = CardFacts { emergency: true, agreement: None, ..card(&partners) };
    for role in [Role::Teacher, Role::Tutor, Role::HeadOfSixth, Role::AttendanceOfficer, Role::Head] {
        let ask = |at, matter| told(&policy, at, role, Purpose::Emergency, matter);
        let host = &partners.northgate;
        assert_eq!(ask(host, Matter::Card(collapsed)), "yes identity emergency_contact needs");
        let not_opened = CardFacts { emergency: false, ..collapsed };
        assert_eq!(ask(host, Matter::Card(not_opened)), "no_emergency");
        let elsewhere = CardFacts { host_placed: false, ..collapsed };
        assert_eq!(ask(&partners.kingsmead, Matter::Card(elsewhere)), "no_placement");
        for kind in RecordKind::ALL {
            let record = RecordFacts { emergency: true, teaches: true, ..record(&partners, kind) };
            assert_eq!(ask(host, Matter::Record(record)), "wrong_purpose");
        }
    }
}

#[test]
fn case_17_nobody_approves_their_own_change_or_signs_for_another_institution() {
    let (policy, partners) = (policy(), Partners::new());
    let ask = |role, act, of, second| {
        let matter = Matter::Office(Office { act, of, second });
        told(&policy, &partners.ridgeway, role, Purpose::Administration, matter)
    };
    let (own, other) = (Some(&partners.ridgeway), Some(&partners.northgate));
    assert_eq!(ask(Role::DataManager, OfficeAct::ProposePolicy, None, false), "yes ");
    assert_eq!(ask(Role::DataManager, OfficeAct::ApprovePolicy, None, false), "needs_second");
    assert_eq!(ask(Role::DataManager, OfficeAct::ApprovePolicy, None, true), "yes ");
    assert_eq!(ask(Role::Head, OfficeAct::SignAgreement, own, false), "yes ");
    assert_eq!(ask(Role::Head, OfficeAct::SignAgreement, other, false), "not_yours");
    assert_eq!(ask(Role::DataManager, OfficeAct::SignAgreement, own, true), "no_policy");
    assert_eq!(ask(Role::Head, OfficeAct::GrantOffice, own, false), "needs_second");
    assert_eq!(ask(Role::Teacher, OfficeAct::GrantOffice, own, true), "no_policy");
    assert_eq!(ask(Role::DataManager, OfficeAct::SubjectExport, own, true), "no_policy");
    assert_eq!(ask(Role::Dpo, OfficeAct::SubjectExport, own, false), "yes ");
}

/// Case 12: who asks about a learner that is nothing to their institution learns nothing from the answer, not even
/// whether there is such a learner.
#[test]
fn case_12_a_learner_nobody_knows_and_one_of_others_get_the_same_words() {
    let (policy, partners) = (policy(), Partners::new());
    for role in Role::ALL {
        for purpose in Purpose::ALL {
            let ask = |matter| {
                let question = PersonQuestion { role, institution: &partners.kingsmead, purpose, matter };
                policy.decide_person(&question).expect_err("nothing to Kingsmead")
            };
            for kind in RecordKind::ALL {
                let known = record(&partners, kind);
                let unknown = RecordFacts { home: None, placed: false, agreement: None, ..known };
                assert_eq!(
                    ask(Matter::Record(known)),
                    ask(Matter::Record(unknown)),
                    "{role} {purpose} {kind}"
                );
            }
            let known = CardFacts { host_placed: false, agreement: None, ..card(&partners) };
            let unknown = CardFacts { home: None, ..known };
            assert_eq!(ask(Matter::Card(known)), ask(Matter::Card(unknown)), "{role} {purpose} card");
        }
    }
}

#[test]
fn a_host_is_handed_the_card_while_the_placement_lasts() {
    let (policy, partners) = (policy(), Partners::new());
    let code = |at: &Slug, card: CardFacts<'_>| policy.decide_card(at, &card).map_err(|denied| denied.code);
    let permit = code(&partners.northgate, card(&partners)).expect("placed and agreed");
    assert_eq!((permit.groups(), permit.reason()), (0b1_1110, "card-receive"));
    let listed = CardFacts { agreement: Some(partners.agreed(1 << 2)), ..card(&partners) };
    assert_eq!(code(&partners.northgate, listed).map(|permit| permit.groups()), Ok(0b110));
    let ended = CardFacts { host_placed: false, ..card(&partners) };
    assert_eq!(code(&partners.northgate, ended), Err(DenyCode::NoPlacement));
    assert_eq!(
        code(&partners.northgate, CardFacts { agreement: None, ..card(&partners) }),
        Err(DenyCode::NoAgreement)
    );
}

#[test]
fn an_explanation_tells_a_person_what_is_missing_and_who_can_change_it() {
    let (policy, partners) = (policy(), Partners::new());
    let facts = RecordFacts { agreement: None, ..record(&partners, RecordKind::Attendance) };
    let question = PersonQuestion {
        role: Role::Teacher,
        institution: &partners.ridgeway,
        purpose: Purpose::Administration,
        matter: Matter::Record(facts),
    };
    let told = policy.explain_person(&question);
    assert_eq!(told.missing.len(), 3, "{told}");
    assert_eq!(told.answer.as_ref().map_err(|denied| denied.code), Err(DenyCode::WrongPurpose));
    let placed = RecordFacts { agreement: Some(partners.agreed(1 << 2)), teaches: true, ..facts };
    let question = PersonQuestion { purpose: Purpose::Teaching, matter: Matter::Record(placed), ..question };
    let told = policy.explain_person(&question).to_string();
    assert!(
        told.starts_with("permitted: head, presence\n  under agreement transition, version 3\n"),
        "{told}"
    );
    assert!(told.contains("rule teacher-reads-at-home: A teacher at the learner's home reads"), "{told}");
}

#[test]
fn a_glance_sees_what_a_decision_permits() {
    let (policy, partners) = (policy(), Partners::new());
    let fresh = Policy::embedded().unwrap();
    let mut glance = fresh.glance();
    for role in Role::ALL {
        for purpose in Purpose::ALL {
            let marks = Matter::Record(record(&partners, RecordKind::Attendance));
            for matter in [marks, Matter::Card(card(&partners))] {
                let asked = PersonQuestion { role, institution: &partners.ridgeway, purpose, matter };
                let decided = policy.decide_person(&asked).map_or(0, |permit| permit.groups());
                assert_eq!(glance.groups(&asked), decided, "{role} for {purpose}");
                assert_eq!(glance.groups(&asked), decided, "{role} for {purpose}, remembered");
            }
        }
    }
}

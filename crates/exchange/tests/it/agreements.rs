//! Agreements as their parties make them: a text, signatures under it, a day on which it ends.

use crate::world::*;
use commonroll_audit::approval::Approves;
use commonroll_core::Role;
use commonroll_exchange::*;

const ULN: &str = "1000000019";

/// The agreement of the world without behaviour, at a version.
fn narrower(version: u32) -> String {
    let terms = &ConsortiumFile::parse(CONSORTIUM).unwrap().agreements[0];
    let mut terms = AgreementTerms { version, ..terms.clone() };
    terms.kinds.retain(|kind, _| kind.as_str() == "assessment");
    terms.written_out()
}

async fn published(world: &mut World, hour: i64) -> RecordAnswer {
    world.publish("northgate", vec![mark("northgate", "n-77", hour, 1)]).await[0]
}

#[tokio::test]
async fn a_new_version_takes_over_when_the_last_party_has_signed_and_not_before() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let hash = world.exchange.propose_agreement(manager.acting(), &narrower(2), world.now()).await.unwrap();
    assert_eq!(hash, agreement_hash(&narrower(2)));
    for (partner, expected) in
        PARTNERS.into_iter().zip([Standing::Signed, Standing::Signed, Standing::Complete])
    {
        assert!(matches!(
            published(&mut world, 9).await,
            RecordAnswer::Accepted { .. } | RecordAnswer::Duplicate { .. }
        ));
        let head = Actor::new(&world, partner, Role::Head);
        let signature = head.sign(Approves::Agreement, &hash);
        let standing = world.exchange.sign_agreement(head.acting(), hash, signature, world.now()).await;
        assert_eq!(standing, Ok(expected));
    }
    assert!(matches!(published(&mut world, 10).await, RecordAnswer::Rejected { code: "no_agreement", .. }));
    assert_eq!(world.feed("kingsmead", 0).await.0, [""; 0], "what was published before is decided again");
    let log = world.log().await;
    for what in ["agreement.proposed", "agreement.signed", "agreement.in_force"] {
        assert!(log.iter().any(|line| line.starts_with(what)), "{what} in {log:?}");
    }
    let seen = world.exchange.agreements(manager.acting(), world.now()).unwrap();
    let in_force: Vec<u32> = seen.iter().filter(|a| a.in_force).map(|a| a.signed.terms.version).collect();
    assert_eq!(in_force, [2]);
}

#[tokio::test]
async fn any_one_party_ends_an_agreement_and_the_older_version_does_not_come_back() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    assert!(matches!(published(&mut world, 9).await, RecordAnswer::Accepted { .. }));
    let head = Actor::new(&world, "ridgeway", Role::Head);
    let hash = world.exchange.agreements(head.acting(), world.now()).unwrap()[0].signed.hash;
    let wrong = head.sign(Approves::Agreement, &hash);
    let refused = world.exchange.end_agreement(head.acting(), hash, (None, wrong), world.now()).await;
    assert!(
        matches!(refused, Err(LawError::Invalid(_))),
        "a signature under the text ends nothing: {refused:?}"
    );
    let signature = head.sign(Approves::Act, &ending_hash(&hash, None));
    assert_eq!(
        world.exchange.end_agreement(head.acting(), hash, (None, signature), world.now()).await,
        Ok(())
    );
    assert!(matches!(published(&mut world, 10).await, RecordAnswer::Rejected { code: "no_agreement", .. }));
    assert_eq!(world.feed("kingsmead", 0).await.0, [""; 0]);
    let again = world.exchange.end_agreement(head.acting(), hash, (None, signature), world.now()).await;
    assert!(matches!(again, Err(LawError::State(_))));
    assert!(world.log().await.iter().any(|line| line.starts_with("agreement.ended by person:")));
}

#[tokio::test]
async fn case_17_nobody_signs_for_another_and_a_signature_holds_for_one_text() {
    let world = World::governed().await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let hash = world.exchange.propose_agreement(manager.acting(), &narrower(2), world.now()).await.unwrap();
    // A data manager doesn't sign, not even for the own institution.
    let signature = manager.sign(Approves::Agreement, &hash);
    let refused = world.exchange.sign_agreement(manager.acting(), hash, signature, world.now()).await;
    assert_eq!(refused, Err(LawError::NotAllowed(NotAllowed::Denied)));
    // Nor by calling oneself head.
    let climbing = Acting { role: Role::Head, ..manager.acting() };
    let refused = world.exchange.sign_agreement(climbing, hash, signature, world.now()).await;
    assert_eq!(refused, Err(LawError::NotAllowed(NotAllowed::Denied)));
    // A head's signature under the old text is none under this one, and another head's is none of theirs.
    let (head, other) =
        (Actor::new(&world, "kingsmead", Role::Head), Actor::new(&world, "ridgeway", Role::Head));
    let replayed = head.sign(Approves::Agreement, &agreement_hash(&narrower(3)));
    for signature in [replayed, other.sign(Approves::Agreement, &hash), head.sign(Approves::Policy, &hash)] {
        let refused = world.exchange.sign_agreement(head.acting(), hash, signature, world.now()).await;
        assert!(matches!(refused, Err(LawError::Invalid(_))), "{refused:?}");
    }
    let signature = head.sign(Approves::Agreement, &hash);
    assert_eq!(
        world.exchange.sign_agreement(head.acting(), hash, signature, world.now()).await,
        Ok(Standing::Signed)
    );
    let twice = world.exchange.sign_agreement(head.acting(), hash, signature, world.now()).await;
    assert!(matches!(twice, Err(LawError::State(_))));
    world.exchange.tick(world.now()).await;
    assert!(world.log().await.iter().any(|line| line.starts_with("act.refused")));
}

#[tokio::test]
async fn case_17_an_agreement_of_others_is_not_ones_own_to_touch() {
    let file = CONSORTIUM.replace(
        r#"parties = ["kingsmead", "ridgeway", "northgate"]"#,
        r#"parties = ["ridgeway", "northgate"]"#,
    );
    let file = ConsortiumFile::parse(&file).unwrap().signed_by(&PEOPLE);
    let world =
        World::with("sqlite::memory:", file.with_person(&PEOPLE, &slug("kingsmead"), Role::DataManager))
            .await;
    let head = Actor::new(&world, "kingsmead", Role::Head);
    let hash = world.exchange.agreements(head.acting(), world.now()).unwrap()[0].signed.hash;
    let signature = head.sign(Approves::Act, &ending_hash(&hash, None));
    let refused = world.exchange.end_agreement(head.acting(), hash, (None, signature), world.now()).await;
    assert_eq!(refused, Err(LawError::NotAllowed(NotAllowed::Denied)));
    let missing = world.exchange.end_agreement(head.acting(), [7; 32], (None, signature), world.now()).await;
    assert_eq!(
        missing,
        Err(LawError::NotAllowed(NotAllowed::Denied)),
        "the same as for one that isn't there"
    );
    let text = narrower(2).replace("institution = \"kingsmead\"", "institution = \"ridgeway-two\"");
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let refused = world.exchange.propose_agreement(manager.acting(), &text, world.now()).await;
    assert_eq!(refused, Err(LawError::NotAllowed(NotAllowed::Denied)));
}

#[tokio::test]
async fn a_malformed_agreement_is_refused_with_its_line() {
    let world = World::governed().await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let text = narrower(2).replace("legal_basis = \"public task\"", "legal_basis = \"because\"");
    let line = text.lines().position(|line| line.contains("because")).unwrap() + 1;
    let refused = world.exchange.propose_agreement(manager.acting(), &text, world.now()).await;
    let Err(LawError::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert!(faults[0].starts_with(&format!("{line}: ")), "{faults:?}");
    assert!(!faults[0].contains("because"), "never the value");
    for (broken, line) in [
        (narrower(1), "version = 1"),
        (narrower(2).replace("2027-07-31", "2026-09-10"), "last_date = "),
        (narrower(2).replace("institution = \"ridgeway\"", "institution = \"elsewhere\""), "\"elsewhere\""),
    ] {
        let line = broken.lines().position(|l| l.starts_with(line) || l.contains(line)).unwrap() + 1;
        let refused = world.exchange.propose_agreement(manager.acting(), &broken, world.now()).await;
        let Err(LawError::Faults(faults)) = refused else { panic!("{refused:?}") };
        assert!(faults[0].starts_with(&format!("{line}: ")), "line {line}: {faults:?}");
    }
    // The operator puts none in force either: not by its terms, and not with a signature that isn't one.
    let terms = ConsortiumFile::parse(CONSORTIUM).unwrap();
    assert!(matches!(
        world.exchange.import(&terms, "operator", world.now()).await,
        Err(AdminError::Invalid(_))
    ));
    let mut forged = consortium();
    forged.signed[0].text = narrower(2);
    assert!(matches!(
        world.exchange.import(&forged, "operator", world.now()).await,
        Err(AdminError::Entry { place, .. }) if place == "agreement 1 (vale-2026)"
    ));
    (forged.signed[0].text, forged.signed[0].made_of) = (text, 0);
    let refused = world.exchange.import(&forged, "operator", world.now()).await.unwrap_err().to_string();
    assert!(refused.starts_with(&format!("signed_agreement 1: line {line}: ")), "{refused}");
}

#[tokio::test]
async fn a_half_signed_import_waits_and_the_missing_head_brings_it_in_force() {
    let mut file = governed();
    let missing = made("northgate", Role::Head).id.to_string();
    file.signed[0].signatures.retain(|signature| signature.person != missing);
    let mut world = World::with("sqlite::memory:", file).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    assert!(matches!(published(&mut world, 9).await, RecordAnswer::Rejected { code: "no_agreement", .. }));
    let head = Actor::new(&world, "northgate", Role::Head);
    let hash = world.exchange.agreements(head.acting(), world.now()).unwrap()[0].signed.hash;
    let signature = head.sign(Approves::Agreement, &hash);
    let standing = world.exchange.sign_agreement(head.acting(), hash, signature, world.now()).await;
    assert_eq!(standing, Ok(Standing::Complete));
    assert!(
        matches!(published(&mut world, 9).await, RecordAnswer::Accepted { .. }),
        "in force when the call returned"
    );
}

#[tokio::test]
async fn an_institution_has_only_so_many_proposals_open_and_may_take_one_back() {
    let world = World::governed().await;
    let (manager, head) =
        (Actor::new(&world, "kingsmead", Role::DataManager), Actor::new(&world, "kingsmead", Role::Head));
    for version in 2..22 {
        world.exchange.propose_agreement(manager.acting(), &narrower(version), world.now()).await.unwrap();
    }
    let one_more = world.exchange.propose_agreement(manager.acting(), &narrower(22), world.now()).await;
    assert!(matches!(one_more, Err(LawError::State(why)) if why.contains("20 proposals")), "{one_more:?}");
    // Another party is not kept from proposing by that.
    let other = Actor::new(&world, "ridgeway", Role::DataManager);
    world.exchange.propose_agreement(other.acting(), &narrower(23), world.now()).await.unwrap();
    let back = agreement_hash(&narrower(2));
    let signature = head.sign(Approves::Act, &ending_hash(&back, None));
    world.exchange.end_agreement(head.acting(), back, (None, signature), world.now()).await.unwrap();
    world.exchange.propose_agreement(manager.acting(), &narrower(22), world.now()).await.unwrap();
}

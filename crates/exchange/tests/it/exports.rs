//! Case 18: who takes records out as a file, what it needs, and what the log says of it first.

use crate::world::*;
use commonroll_core::{RecordKind, Role, Timestamp, directory::Registration};
use commonroll_exchange::*;

const DENIED: ExportError = ExportError::NotAllowed(NotAllowed::Denied);
const MINUTE: i64 = 60_000_000;

/// Kingsmead's k-1 at Northgate and k-2 at Ridgeway, with a mark each and something about behaviour.
async fn school() -> (World, PersonSpeaker) {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.placed("kingsmead", "k-2", "ridgeway", "r-6", "1000000027").await;
    let conduct = conduct("northgate", "n-77", 11);
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1), conduct]).await;
    world.publish("ridgeway", vec![mark("ridgeway", "r-6", 14, 1)]).await;
    let sixth = world.colleague("kingsmead", staff(Role::HeadOfSixth, None), 40).await;
    (world, sixth)
}

fn september(kind: RecordKind) -> ExportAsk {
    ExportAsk { kind, dates: (date("2026-09-01"), date("2026-09-30")) }
}

fn line(row: &ExportRow<'_>) -> Option<String> {
    Some(format!("{} {} {}\n", row.learner.as_str(), row.record.kind, row.record.source))
}

fn of(speaker: &PersonSpeaker, role: Role) -> Acting<'_> {
    Acting { speaker, role }
}

async fn ask(world: &World, who: Acting<'_>, kind: RecordKind, id: u8) -> Result<ExportKey, ExportError> {
    world.exchange.ask_export(who, september(kind), ([id; 16], world.now())).await
}

async fn make(
    world: &World,
    who: Acting<'_>,
    key: ExportKey,
    proof: Option<SignInProof>,
) -> Result<ExportMade, ExportError> {
    world.exchange.make_export(who, (key, proof), line, world.now()).await
}

fn proof(at: Timestamp, second_factor: bool) -> Option<SignInProof> {
    Some(SignInProof { at, second_factor })
}

async fn entries(world: &World, what: &str) -> Vec<serde_json::Value> {
    world.exchange.tick(world.now()).await;
    let shown = world.exchange.show(1, 10_000).await.unwrap();
    shown.into_iter().filter(|entry| entry["what"] == what).collect()
}

/// The classes of refused exports.
async fn refused(world: &World) -> Vec<String> {
    let refused = entries(world, "export.refused").await;
    refused.iter().map(|entry| entry["more"]["claimed"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn case_18_an_export_is_decided_record_by_record_has_its_entry_first_and_is_made_once() {
    let (world, sixth) = school().await;
    let who = of(&sixth, Role::HeadOfSixth);
    let key = ask(&world, who, RecordKind::Attendance, 1).await.unwrap();
    let made = make(&world, who, key, None).await.unwrap();
    assert_eq!(made.lines, "k-1 attendance northgate\nk-2 attendance ridgeway\n");
    let entry = entries(&world, "export.made").await.pop().expect("an entry");
    let more = &entry["more"];
    assert_eq!((&more["role"], &more["purpose"]), (&"head_of_sixth".into(), &"pastoral".into()));
    assert_eq!((&more["count"], &more["learners_count"]), (&2.into(), &2.into()));
    assert_eq!(more["hash"].as_str().unwrap().len(), 64);
    let text = entry.to_string();
    assert!(!text.contains("k-1") && !text.contains("Ashby") && !text.contains("Refused"), "{text}");
    assert!(matches!(make(&world, who, key, None).await, Err(ExportError::State(_))), "once");

    // The data manager sees what was taken out, and reads none of it.
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let asker = world.exchange.asker(&manager.speaker, Role::DataManager, Question::WhoSaw).unwrap();
    let saw = world.exchange.who_saw(&asker, &id("k-1"), Window::default(), world.now()).await.unwrap();
    let took = |one: &&Saw| matches!(&one.reader, Reader::Person { role, .. } if role == "head_of_sixth");
    assert_eq!(saw.iter().filter(took).map(|one| one.kinds.join(" ")).collect::<Vec<_>>(), ["attendance"]);
    let seen = world.exchange.exports(manager.acting(), world.now()).await.unwrap();
    assert!(
        seen.all && !seen.may_ask && seen.exports[0].made.is_some_and(|(_, of, count)| (of, count) == (2, 2))
    );
    assert_eq!(ask(&world, manager.acting(), RecordKind::Attendance, 2).await, Err(DENIED));
    let elsewhere = Actor::new(&world, "northgate", Role::Head);
    assert_eq!(
        ask(&world, elsewhere.acting(), RecordKind::Attendance, 3).await,
        Err(DENIED),
        "nobody of theirs"
    );
    assert!(world.exchange.exports(elsewhere.acting(), world.now()).await.unwrap().exports.is_empty());
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 41).await;
    assert_eq!(ask(&world, of(&tutor, Role::Tutor), RecordKind::Attendance, 4).await, Err(DENIED));
    let other = ask(&world, who, RecordKind::Attendance, 5).await.unwrap();
    let head = Actor::new(&world, "kingsmead", Role::Head);
    assert_eq!(make(&world, head.acting(), other, None).await.err(), Some(DENIED), "not the one who asked");
    assert!(refused(&world).await.contains(&"not_allowed".to_owned()));
    world.declare("kingsmead", learner("k-3", Registration::Home, "")).await;
    assert!(
        matches!(make(&world, who, other, None).await, Err(ExportError::State(_))),
        "it is about others now"
    );
}

#[tokio::test]
async fn case_18_behaviour_needs_a_second_person_and_a_fresh_sign_in_with_a_second_factor() {
    let (world, sixth) = school().await;
    let who = of(&sixth, Role::HeadOfSixth);
    let key = ask(&world, who, RecordKind::Behaviour, 1).await.unwrap();
    let good = proof(world.now(), true);
    assert_eq!(make(&world, who, key, good).await.err(), Some(ExportError::Waits));

    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let approve = async |who: Acting<'_>, key| world.exchange.approve_export(who, key, world.now()).await;
    assert_eq!(approve(who, key).await, Err(DENIED), "their own");
    let stranger = Actor::new(&world, "northgate", Role::DataManager);
    assert_eq!(approve(stranger.acting(), key).await, Err(DENIED), "another institution's");
    let head = Actor::new(&world, "kingsmead", Role::Head);
    let own = ask(&world, head.acting(), RecordKind::Behaviour, 2).await.unwrap();
    assert_eq!(approve(head.acting(), own).await, Err(DENIED), "somebody of the right role, their own");
    assert_eq!(
        approve(manager.acting(), (key.0, own.1)).await,
        Err(DENIED),
        "not the one that was looked at"
    );
    approve(manager.acting(), key).await.unwrap();
    assert!(matches!(approve(head.acting(), key).await, Err(ExportError::State(_))), "once");

    let password = proof(world.now(), false);
    let old = proof(world.now().plus_micros(-11 * MINUTE), true);
    let ahead = proof(world.now().plus_micros(11 * MINUTE), true);
    assert_eq!(make(&world, who, key, None).await.err(), Some(ExportError::SignInAgain));
    assert_eq!(make(&world, who, key, old).await.err(), Some(ExportError::SignInAgain));
    assert_eq!(make(&world, who, key, ahead).await.err(), Some(ExportError::SignInAgain));
    assert_eq!(make(&world, who, key, password).await.err(), Some(ExportError::SecondFactor));
    assert!(entries(&world, "export.made").await.is_empty());

    // The approval of one, shown for another.
    let next = ask(&world, who, RecordKind::Behaviour, 3).await.unwrap();
    assert_eq!(make(&world, who, (next.0, key.1), good).await.err(), Some(DENIED));
    assert_eq!(make(&world, who, next, good).await.err(), Some(ExportError::Waits));
    let made = make(&world, who, key, good).await.unwrap();
    assert_eq!(made.lines, "k-1 behaviour northgate\n");
    assert!(matches!(make(&world, who, key, good).await, Err(ExportError::State(_))), "it is used up");
    let entry = entries(&world, "export.made").await.pop().unwrap();
    assert_eq!(entry["more"]["approved_by"], manager.speaker.by());
    let classes = refused(&world).await;
    for class in ["not_approved", "sign_in_too_old", "no_second_factor", "not_allowed", "state"] {
        assert!(classes.contains(&class.to_owned()), "{class}: {classes:?}");
    }
}

#[tokio::test]
async fn case_18_an_approval_lapses_and_falls_with_whoever_gave_it() {
    let (world, sixth) = school().await;
    let who = of(&sixth, Role::HeadOfSixth);
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let (late, fallen) = (
        ask(&world, who, RecordKind::Behaviour, 1).await.unwrap(),
        ask(&world, who, RecordKind::Behaviour, 2).await.unwrap(),
    );
    world.exchange.approve_export(manager.acting(), late, world.now()).await.unwrap();
    world.pass(24 * 60 * MINUTE);
    assert!(matches!(make(&world, who, late, proof(world.now(), true)).await, Err(ExportError::State(_))));
    let asked_late = world.exchange.approve_export(manager.acting(), fallen, world.now()).await;
    assert!(matches!(asked_late, Err(ExportError::State(_))), "{asked_late:?}");
    let anew = ask(&world, who, RecordKind::Behaviour, 3).await.unwrap();
    world.exchange.approve_export(manager.acting(), anew, world.now()).await.unwrap();
    let gone = Revoke::Person(manager.made.id);
    world.exchange.revoke(gone, "operator", world.now()).await.unwrap();
    assert_eq!(make(&world, who, anew, proof(world.now(), true)).await.err(), Some(ExportError::Waits));
}

#[tokio::test]
async fn case_18_more_than_500_learners_need_a_second_person_and_a_person_has_five_a_day() {
    let (world, sixth) = school().await;
    let who = of(&sixth, Role::HeadOfSixth);
    let learners = |from: u32, to: u32| {
        (from..to)
            .map(|number| Ok(learner(&format!("k-{number}"), Registration::Home, "")))
            .collect::<Vec<_>>()
    };
    let kingsmead = world.speaker("kingsmead");
    world.exchange.declare(&kingsmead, learners(1_000, 1_498), world.now()).await.unwrap();
    let few = ask(&world, who, RecordKind::Attendance, 1).await.unwrap();
    assert!(make(&world, who, few, None).await.is_ok(), "500 are not many");
    world.exchange.declare(&kingsmead, learners(1_498, 1_499), world.now()).await.unwrap();
    let many = ask(&world, who, RecordKind::Attendance, 2).await.unwrap();
    assert_eq!(make(&world, who, many, proof(world.now(), true)).await.err(), Some(ExportError::Waits));
    for id in 3..=5 {
        ask(&world, who, RecordKind::Assessment, id).await.unwrap();
    }
    assert_eq!(ask(&world, who, RecordKind::Attendance, 6).await, Err(ExportError::TooMany));
    assert!(refused(&world).await.contains(&"too_many".to_owned()));
    let head = Actor::new(&world, "kingsmead", Role::Head);
    assert!(
        ask(&world, head.acting(), RecordKind::Attendance, 7).await.is_ok(),
        "a colleague has their own share"
    );
    world.pass(24 * 60 * MINUTE);
    assert!(ask(&world, who, RecordKind::Attendance, 8).await.is_ok());
}

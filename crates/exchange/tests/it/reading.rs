//! People who read one learner's records and card: what they see, what they don't, and what the log says of it.

use crate::world::*;
use commonroll_core::{Purpose, RecordKind, Role, directory::Registration};
use commonroll_exchange::*;
use commonroll_store::faults::{Call, Trouble, faulty};
use std::collections::BTreeSet;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

const DENIED: ReadError = ReadError::NotAllowed(NotAllowed::Denied);

/// A consortium whose agreement also lets a host see who a visitor is and whether they are in today.
fn with_card() -> ConsortiumFile {
    let text = CONSORTIUM.replace(
        "last_date = \"2027-07-31\"",
        "last_date = \"2027-07-31\"\ncard = [\"identity\", \"presence_today\"]",
    );
    let file = ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE);
    PARTNERS.into_iter().fold(file, |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager))
}

/// Kingsmead's learner k-1 visits Northgate (n-77) and Ridgeway (r-5); Ines teaches ENG-1 at Northgate.
async fn school() -> World {
    on(open_store("sqlite::memory:").await).await
}

async fn on(store: Arc<dyn commonroll_store::Store>) -> World {
    let mut world = World::sized(store, with_card(), Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.declare("ridgeway", learner("r-5", Registration::Guest, "1000000019")).await;
    world.declare("kingsmead", placement("k-1", "ridgeway")).await;
    world.declare("ridgeway", acceptance("r-5", "kingsmead")).await;
    world.placed("kingsmead", "k-2", "ridgeway", "r-6", "1000000027").await;
    world.declare("northgate", teaches("S1", &["ENG-1"])).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1), conduct("northgate", "n-77", 11)]).await;
    world.publish("ridgeway", vec![mark("ridgeway", "r-5", 14, 1), mark("ridgeway", "r-6", 14, 1)]).await;
    world
}

impl World {
    async fn read(
        &self,
        who: &PersonSpeaker,
        role: Role,
        learner: &str,
        purpose: Purpose,
    ) -> Result<Reading, ReadError> {
        let ask = ReadAsk::about(id(learner), purpose);
        self.exchange.read(Acting { speaker: who, role }, &ask, self.now()).await
    }

    async fn entries(&self, what: &str) -> Vec<serde_json::Value> {
        self.exchange.tick(self.now()).await;
        let shown = self.exchange.show(1, 10_000).await.unwrap();
        shown.into_iter().filter(|entry| entry["what"] == what).collect()
    }
}

/// Kinds and sources of what was read.
fn lines(reading: &Reading) -> Vec<String> {
    reading
        .records
        .iter()
        .map(|one| format!("{} from {} {}", one.kind, one.source, one.state.as_str()))
        .collect()
}

/// Numbers of the field groups that a record shows.
fn open(record: &RecordSeen) -> Vec<u32> {
    let open = record.groups.iter().filter(|group| matches!(group.state, GroupState::Open { .. }));
    open.map(|group| group.number).collect()
}

#[tokio::test]
async fn a_tutor_reads_of_an_own_learner_what_every_host_made_and_the_entry_comes_first() {
    let world = school().await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    let before = world.exchange.stats().log_entries;
    let reading = world.read(&tutor, Role::Tutor, "k-1", Purpose::Pastoral).await.unwrap();
    assert_eq!(
        lines(&reading),
        [
            "attendance from northgate stands",
            "attendance from ridgeway stands",
            "behaviour from northgate stands"
        ]
    );
    assert_eq!(open(&reading.records[0]), [1, 2], "the register stays a hash: no agreement lists it");
    assert_eq!(reading.records[0].groups.len(), 3, "and its hash is there, so that the signature verifies");
    assert_eq!(reading.records[0].agreement.as_deref(), Some("vale-2026 v1"));
    assert!(reading.not_shown.is_empty(), "{:?}", reading.not_shown);
    let card = reading.card.unwrap();
    assert_eq!((card.placements.len(), card.presence.unwrap().len()), (2, 2));
    assert_eq!(card.not_held, ["emergency_contact", "needs"], "the home has these, the hub doesn't");

    assert_eq!(world.exchange.stats().log_entries, before + 1);
    let entry = &world.entries("read.disclosed").await[0];
    assert_eq!((&entry["by"], &entry["more"]["role"]), (&tutor.by().into(), &"tutor".into()));
    assert_eq!(entry["more"]["purpose"], "pastoral");
    assert_eq!(entry["more"]["institution"], "kingsmead");
    assert_eq!(entry["more"]["learner"], reading.learner);
    assert_eq!(entry["more"]["groups"]["attendance"], 0b110);
    assert_eq!(entry["more"]["groups"]["card"], 0b1_0010, "who it is, and whether they are in");
    assert_eq!(entry["more"]["not_held"], serde_json::json!(["emergency_contact", "needs"]));
    assert_eq!(entry["more"]["agreements"], serde_json::json!(["vale-2026 v1"]));
    assert_eq!(entry["more"]["policy"], world.exchange.stats().policy);
    let first = reading.records[0].sequence;
    assert_eq!(entry["more"]["records"][0][0], first, "which records, by their places in the log");
    for personal in ["k-1", "n-77", "Thistlewood", "Ashby", "Refused"] {
        assert!(!entry.to_string().contains(personal), "{personal} is in the log");
    }

    // And the home's DPO finds it when asking who saw the learner.
    let dpo = world.office("kingsmead", Role::Dpo, 70).await;
    let saw = world.who_saw(&dpo, Role::Dpo, "k-1").await.unwrap();
    let read: Vec<_> = saw.iter().filter(|one| one.reached == Reached::Read).collect();
    assert_eq!(
        read.iter().map(|one| one.kinds[0].as_str()).collect::<Vec<_>>(),
        ["attendance", "behaviour", "card"]
    );
    assert!(read.iter().all(|one| matches!(&one.reader, Reader::Person { id, .. } if *id == tutor.by())));
}

#[tokio::test]
async fn case_14_what_the_purpose_and_the_role_dont_need_is_absent_from_the_bytes() {
    let world = school().await;
    let officer = world.colleague("kingsmead", staff(Role::AttendanceOfficer, None), 41).await;
    let reading = world.read(&officer, Role::AttendanceOfficer, "k-1", Purpose::Attendance).await.unwrap();
    assert!(lines(&reading).iter().all(|line| !line.starts_with("assessment")), "{reading:?}");
    let behaviour: Vec<_> = reading.records.iter().filter(|one| one.kind == RecordKind::Behaviour).collect();
    assert!(behaviour.is_empty(), "the agreement shows behaviour to tutors: the officer isn't among them");
    let kinds: BTreeSet<_> = reading.not_shown.iter().map(|said| (said.kind, said.records)).collect();
    let kinds: Vec<_> = kinds.into_iter().collect();
    assert_eq!(
        kinds,
        [(RecordKind::Assessment, None), (RecordKind::Behaviour, None)],
        "no count gives away that there is something"
    );
    let entry = &world.entries("read.disclosed").await[0];
    assert_eq!(
        entry["more"]["kinds"],
        serde_json::json!(["attendance", "card"]),
        "what was disclosed, no more"
    );

    // Attendance is not a tutor's way to behaviour either.
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    let reading = world.read(&tutor, Role::Tutor, "k-1", Purpose::Attendance).await.unwrap();
    assert_eq!(reading.records.len(), 2, "{reading:?}");
    let narrow =
        ReadAsk { kinds: vec![RecordKind::Behaviour], ..ReadAsk::about(id("k-1"), Purpose::Attendance) };
    let acting = Acting { speaker: &tutor, role: Role::Tutor };
    let reading = world.exchange.read(acting, &narrow, world.now()).await.unwrap();
    assert_eq!(reading.records, [], "asked for by name, it stays away");
}

#[tokio::test]
async fn a_hosts_teacher_sees_the_own_institutions_records_and_whether_the_visitor_is_in_today() {
    let world = school().await;
    let teacher = world.colleague("northgate", staff(Role::Teacher, Some("S1")), 42).await;
    let reading = world.read(&teacher, Role::Teacher, "n-77", Purpose::Teaching).await.unwrap();
    assert_eq!(lines(&reading), ["attendance from northgate stands", "behaviour from northgate stands"]);
    assert!(
        reading.not_shown.iter().all(|said| said.records.is_none()),
        "of others' records not even the number"
    );
    let card = reading.card.unwrap();
    let sources: Vec<_> = card.presence.unwrap().iter().map(|mark| mark.source.to_string()).collect();
    assert_eq!(sources, ["northgate", "ridgeway"], "today's presence elsewhere");
    assert_eq!(card.placements.iter().map(|one| one.host.as_str()).collect::<Vec<_>>(), ["northgate"]);
    assert!(card.not_held.is_empty(), "the agreement lists neither contact nor needs");

    // A teacher of another group, one who teaches nobody, and the same one once the group is another's.
    world.declare("northgate", teaches("S2", &["MATH-9"])).await;
    let other = world.colleague("northgate", staff(Role::Teacher, Some("S2")), 43).await;
    assert_eq!(world.read(&other, Role::Teacher, "n-77", Purpose::Teaching).await, Err(DENIED));
    let nobody = world.colleague("northgate", staff(Role::Teacher, None), 44).await;
    assert_eq!(world.read(&nobody, Role::Teacher, "n-77", Purpose::Teaching).await, Err(DENIED));
    world.declare("northgate", teaches("S1", &["MATH-9"])).await;
    assert_eq!(world.read(&teacher, Role::Teacher, "n-77", Purpose::Teaching).await, Err(DENIED));
    world.declare("northgate", teaches("S1", &["ENG-1"])).await;
    assert!(world.read(&teacher, Role::Teacher, "n-77", Purpose::Teaching).await.is_ok());
    // The need ends with the placement.
    world.declare("kingsmead", end("k-1", "northgate", world.now())).await;
    assert_eq!(world.read(&teacher, Role::Teacher, "n-77", Purpose::Teaching).await, Err(DENIED));
}

#[tokio::test]
async fn case_12_an_unknown_learner_anothers_and_one_not_permitted_get_one_answer() {
    let world = school().await;
    let tutor = world.colleague("ridgeway", staff(Role::Tutor, None), 45).await;
    let head = Actor::new(&world, "kingsmead", Role::Head);
    for (who, role, learner, purpose) in [
        (&tutor, Role::Tutor, "nobody", Purpose::Pastoral),
        (&tutor, Role::Tutor, "k-1", Purpose::Pastoral),
        (&tutor, Role::Tutor, "r-5", Purpose::Pastoral),
        (&tutor, Role::Head, "r-5", Purpose::Pastoral),
        (&head.speaker, Role::Head, "k-1", Purpose::Teaching),
    ] {
        assert_eq!(world.read(who, role, learner, purpose).await, Err(DENIED), "{role} {learner}");
    }
    assert_eq!(world.entries("read.disclosed").await.len(), 0);
    let refused = world.entries("read.refused").await;
    let count = |by: &PersonSpeaker| -> u64 {
        let theirs = refused.iter().filter(|entry| entry["more"]["actor"] == by.by());
        theirs.map(|entry| entry["more"]["count"].as_u64().unwrap()).sum()
    };
    assert_eq!((count(&tutor), count(&head.speaker)), (4, 1), "every attempt is counted");
    // Their own data manager sees it; another's doesn't.
    for (at, sees) in [("ridgeway", 1), ("northgate", 0)] {
        let manager = Actor::new(&world, at, Role::DataManager);
        let asker = world
            .exchange
            .asker(&manager.speaker, Role::DataManager, Question::Events(Topic::Refused))
            .unwrap();
        let events =
            world.exchange.events(&asker, Topic::Refused, Window::default(), world.now()).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.what == "read.refused").count(), sees, "{at}");
    }
    // Walking numbers is slowed, and said.
    for number in 0..60 {
        let _ = world.read(&tutor, Role::Tutor, &format!("guess-{number}"), Purpose::Pastoral).await;
    }
    assert_eq!(world.read(&tutor, Role::Tutor, "r-5", Purpose::Pastoral).await, Err(ReadError::TooMany));
    assert_eq!(world.entries("read.slowed").await.len(), 1);
    world.pass(11 * 60_000_000);
    assert_eq!(world.read(&tutor, Role::Tutor, "r-5", Purpose::Pastoral).await, Err(DENIED), "and is over");
}

#[tokio::test]
async fn case_19_a_record_that_turned_confidential_is_not_read_and_not_counted() {
    let mut world = school().await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    let mut confidential = mark("northgate", "n-77", 9, 2);
    confidential.head.confidential = true;
    let answers = world.publish("northgate", vec![confidential]).await;
    assert!(matches!(answers[0], RecordAnswer::Rejected { code: "confidential", .. }));
    let reading = world.read(&tutor, Role::Tutor, "k-1", Purpose::Pastoral).await.unwrap();
    assert_eq!(lines(&reading), ["attendance from ridgeway stands", "behaviour from northgate stands"]);
    assert!(reading.not_shown.is_empty(), "that there is one is not said: {:?}", reading.not_shown);
    let seen: Vec<_> =
        reading.card.unwrap().presence.unwrap().iter().map(|one| one.source.to_string()).collect();
    assert_eq!(seen, ["ridgeway"], "nor on the card");
}

#[tokio::test]
async fn case_38_what_cant_be_written_to_the_log_is_not_shown() {
    let away = Arc::new(AtomicBool::new(false));
    let now = away.clone();
    let fate = move |call| match call {
        Call::Commit if now.load(Ordering::Relaxed) => Trouble::Away,
        _ => Trouble::None,
    };
    let world = on(faulty(open_store("sqlite::memory:").await, Box::new(fate))).await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    away.store(true, Ordering::Relaxed);
    assert_eq!(world.read(&tutor, Role::Tutor, "k-1", Purpose::Pastoral).await, Err(ReadError::Unavailable));
    away.store(false, Ordering::Relaxed);
    assert!(world.read(&tutor, Role::Tutor, "k-1", Purpose::Pastoral).await.is_ok());
    assert_eq!(world.entries("read.disclosed").await.len(), 1, "one was shown, one is in the log");
}

#[tokio::test]
async fn the_newest_revision_stands_and_what_was_taken_back_is_said() {
    let mut world = school().await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 2)]).await;
    world.publish("ridgeway", vec![withdrawn(mark("ridgeway", "r-5", 14, 1), 2)]).await;
    let attendance =
        ReadAsk { kinds: vec![RecordKind::Attendance], ..ReadAsk::about(id("k-1"), Purpose::Attendance) };
    let acting = Acting { speaker: &tutor, role: Role::Tutor };
    let reading = world.exchange.read(acting, &attendance, world.now()).await.unwrap();
    assert_eq!(lines(&reading), ["attendance from northgate stands", "attendance from ridgeway withdrawn"]);
    assert_eq!(reading.records[0].record.1, 2);
    assert_eq!(reading.card.unwrap().presence.unwrap().len(), 1, "a mark that was taken back is no presence");
    let older = ReadAsk { older: true, ..attendance.clone() };
    let reading = world.exchange.read(acting, &older, world.now()).await.unwrap();
    let replaced = reading.records.iter().filter(|one| one.state == RecordState::Replaced).count();
    assert_eq!((reading.records.len(), replaced), (4, 2));
    let another = ReadAsk { dates: (Some(date("2026-09-15")), None), ..attendance };
    assert_eq!(world.exchange.read(acting, &another, world.now()).await.unwrap().records, []);
}

#[tokio::test]
async fn an_agreement_that_ends_and_a_person_who_goes_end_what_is_read() {
    let world = school().await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    world.exchange.revoke(Revoke::Person(tutor.id()), "operator", world.now()).await.unwrap();
    let gone = world.read(&tutor, Role::Tutor, "k-1", Purpose::Pastoral).await;
    assert_eq!(gone, Err(ReadError::NotAllowed(NotAllowed::Unknown)));
    // A year on, the agreement has lapsed: the home's own staff keep the card, and hosts' records are not shown.
    let head = Actor::new(&world, "kingsmead", Role::Head);
    world.pass(400 * DAY);
    let reading = world.read(&head.speaker, Role::Head, "k-1", Purpose::Pastoral).await.unwrap();
    assert_eq!(reading.records, []);
    assert!(reading.card.is_some());
    assert!(reading.not_shown.iter().all(|said| said.code != "no_policy"), "{:?}", reading.not_shown);
}

#[tokio::test]
async fn a_learner_reads_their_own_record_once_the_home_lets_them_in() {
    let world = school().await;
    let own = PersonWanted {
        name: "Imogen".to_owned(),
        roles: [Role::Learner].into(),
        staff: None,
        learner: Some(id("k-1")),
    };
    let pupil = world.colleague("kingsmead", own, 46).await;
    assert_eq!(world.read(&pupil, Role::Learner, "k-1", Purpose::Pastoral).await, Err(DENIED));
    let head = Actor::new(&world, "kingsmead", Role::Head);
    let teacher = Actor::new(&world, "northgate", Role::Head);
    world.exchange.set_access(teacher.acting(), true, world.now()).await.unwrap();
    assert_eq!(
        world.read(&pupil, Role::Learner, "k-1", Purpose::Pastoral).await,
        Err(DENIED),
        "not a host's to say"
    );
    world.exchange.set_access(head.acting(), true, world.now()).await.unwrap();
    let reading = world.read(&pupil, Role::Learner, "k-1", Purpose::Pastoral).await.unwrap();
    assert!(reading.card.is_some());
    assert_eq!(reading.records, [], "the agreement shows partners' records to staff alone");
    assert_eq!(
        world.read(&pupil, Role::Learner, "k-2", Purpose::Pastoral).await,
        Err(DENIED),
        "nobody else's"
    );
    world.exchange.set_access(head.acting(), false, world.now()).await.unwrap();
    assert_eq!(world.read(&pupil, Role::Learner, "k-1", Purpose::Pastoral).await, Err(DENIED));
}

#[tokio::test]
async fn a_subjects_export_holds_what_the_controller_has_and_masks_everybody_else() {
    let world = school().await;
    let dpo = world.office("kingsmead", Role::Dpo, 70).await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    world.read(&tutor, Role::Tutor, "k-1", Purpose::Pastoral).await.unwrap();
    let ask = async |who: &PersonSpeaker, role, learner: &str| {
        world.exchange.subject_export(Acting { speaker: who, role }, &id(learner), world.now()).await
    };
    let export = ask(&dpo, Role::Dpo, "k-1").await.unwrap();
    let sources: Vec<_> = export.records.iter().map(|one| one.source.as_str()).collect();
    assert_eq!(
        sources,
        ["northgate", "northgate", "ridgeway"],
        "what it received; another learner's isn't in it"
    );
    assert_eq!(open(&export.records[0]), [1, 2], "as far as it was received");
    let others: Vec<_> = export.others.iter().map(|(slug, _)| slug.as_str()).collect();
    assert_eq!(others, ["ridgeway", "northgate"]);
    let read: Vec<_> = export.disclosures.iter().filter(|one| one.reached == Reached::Read).collect();
    assert!(!read.is_empty(), "that a tutor read it is a disclosure");
    assert!(read.iter().all(|one| matches!(&one.reader, Reader::Person { id, .. } if id.is_empty())));
    assert!(export.declared.iter().any(|(what, value)| *what == "placement" && value.contains("northgate")));
    assert!(export.proofs.len() == 3 && export.proofs[0].1.starts_with("c2sp.org/tlog-proof@v1"));

    let entry = &world.entries("subject.exported").await[0];
    assert_eq!((&entry["by"], &entry["more"]["count"]), (&dpo.by().into(), &3.into()));
    assert!(!entry.to_string().contains("k-1"), "{entry}");
    let saw = world.who_saw(&dpo, Role::Dpo, "k-1").await.unwrap();
    assert_eq!(saw.iter().filter(|one| one.kinds == ["subject export"]).count(), 1, "an export is one, too");
    // A host's own answer: what it made, whole.
    let host = world.office("northgate", Role::Dpo, 71).await;
    let theirs = ask(&host, Role::Dpo, "n-77").await.unwrap();
    let others: Vec<_> = theirs.others.iter().map(|(slug, _)| slug.as_str()).collect();
    assert_eq!(others, ["kingsmead"], "who else teaches the learner is the home's to say");
    assert!(theirs.records.iter().all(|one| one.source == slug("northgate")) && theirs.records.len() == 2);
    for (who, role, learner) in [
        (&dpo, Role::Dpo, "nobody"),
        (&dpo, Role::Dpo, "n-77"),
        (&tutor, Role::Tutor, "k-1"),
        (&tutor, Role::Dpo, "k-1"),
    ] {
        assert_eq!(ask(who, role, learner).await.unwrap_err(), DENIED, "{role} {learner}");
    }
}

#[tokio::test]
async fn an_export_has_no_content_of_what_may_not_go_to_the_controller_any_more() {
    let world = school().await;
    let dpo = world.office("kingsmead", Role::Dpo, 70).await;
    let states = async || {
        let acting = Acting { speaker: &dpo, role: Role::Dpo };
        let export = world.exchange.subject_export(acting, &id("k-1"), world.now()).await.unwrap();
        let of = export.records.iter().map(|one| (one.source.to_string(), one.state.as_str(), open(one)));
        of.collect::<Vec<_>>()
    };
    let whole = |source: &str| (source.to_owned(), "stands", vec![1, 2]);
    let none = |source: &str| (source.to_owned(), "withheld", Vec::new());
    assert_eq!(states().await, [whole("northgate"), whole("northgate"), whole("ridgeway")]);
    // What ridgeway made waits in the feed when the placement turns out to have ended before it.
    let eight = world.now();
    world.declare("ridgeway", end("r-5", "kingsmead", eight)).await;
    assert_eq!(states().await, [whole("northgate"), whole("northgate"), none("ridgeway")], "it waits");
    // What northgate made was handed out before its end, and then called back.
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.declare("northgate", end("n-77", "kingsmead", eight)).await;
    // What happened at no certain hour of that day stays theirs.
    let left = [none("northgate"), whole("northgate"), none("ridgeway")];
    assert_eq!(states().await, left, "not swept yet");
    world.sweep().await;
    assert_eq!(states().await, left, "called back");
}

#[tokio::test]
async fn a_host_whose_match_is_undone_sees_nothing_of_the_homes_learner_any_more() {
    let world = school().await;
    let ines = world.colleague("northgate", staff(Role::Teacher, Some("S1")), 61).await;
    let look = || world.read(&ines, Role::Teacher, "n-77", Purpose::Teaching);
    let before = look().await.unwrap();
    assert!(before.card.is_some_and(|card| card.presence.is_some()), "the home's card came with the match");
    let home = Actor::new(&world, "kingsmead", Role::DataManager);
    let seen = world
        .exchange
        .unmatched(home.acting(), (Some(&id("k-1")), &UnmatchedPart::FIRST), world.now())
        .await
        .unwrap();
    let link =
        seen.links.links.iter().find(|link| link.other.as_deref() == Some("Northgate College")).unwrap().id;
    world.exchange.undo_match(home.acting(), link, world.now()).await.unwrap();
    let after = look().await;
    assert!(after.as_ref().map_or(true, |reading| reading.card.is_none()), "{after:?}");
    // The other host's match stands.
    let seen = world
        .exchange
        .unmatched(home.acting(), (Some(&id("k-1")), &UnmatchedPart::FIRST), world.now())
        .await
        .unwrap();
    let others: Vec<&str> = seen.links.links.iter().filter_map(|link| link.other.as_deref()).collect();
    assert_eq!(others, ["Ridgeway Academy"]);
}

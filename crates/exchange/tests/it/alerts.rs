//! Alerts between institutions: one that has it in hand speaks for itself, the home reads where its learner was found, and what
//! people wrote is gone in time.

use crate::{
    erasure::{file_store, found},
    whereabouts::*,
    world::*,
};
use commonroll_core::{Role, record::attendance::Physical};
use commonroll_exchange::*;
use commonroll_store::faults::{Call, Trouble, faulty};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const OFFICER: Role = Role::AttendanceOfficer;

fn acting(speaker: &PersonSpeaker) -> Acting<'_> {
    Acting { speaker, role: OFFICER }
}

impl World {
    async fn visitors(&self, who: &PersonSpeaker) -> BoardSeen {
        self.seen(who, OFFICER, BoardAsk::Visitors).await.unwrap()
    }

    async fn told_of(&self, about: &str) -> Vec<serde_json::Value> {
        let told = self.entries_of("alert.told").await;
        told.into_iter().filter(|entry| entry["more"]["about"] == about).collect()
    }

    /// At a quarter past eight northgate marks kingsmead's k-2 absent, and both are told.
    async fn missing(&mut self) -> AlertId {
        self.come_to(15).await;
        let marks = vec![marked("n-1", 10, Physical::Present, 1), marked("n-2", 10, Physical::Absent, 1)];
        self.publish("northgate", marks).await;
        self.tick().await;
        let told = self.told_of("unaccounted").await;
        told[0]["more"]["alert"].as_str().unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn the_hosts_word_that_it_is_on_it_does_not_silence_the_home() {
    let mut world = school().await;
    let (home, host) = (world.officer("kingsmead", 40).await, world.officer("northgate", 42).await);
    let alert = world.missing().await;
    world.current("northgate").await;
    world.exchange.take_in_hand(acting(&host), alert, "Asking the class", world.now()).await.unwrap();
    let seen = world.away(&home).await.alarms[0].clone();
    assert!(!seen.is_ours() && seen.in_hand[0].institution == "Northgate College", "{:?}", seen.in_hand);
    let twice = world.exchange.take_in_hand(acting(&host), alert, "Again", world.now()).await;
    assert!(matches!(twice, Err(LawError::State(_))), "{twice:?}");
    world.come_to(26).await;
    assert_eq!(world.told_of("unaccounted").await.len(), 2, "the home is told again");

    world.exchange.take_in_hand(acting(&home), alert, "Rang home", world.now()).await.unwrap();
    let (here, there) = (world.away(&home).await, world.visitors(&host).await);
    let words = |board: &BoardSeen| -> Vec<_> {
        board.alarms[0].in_hand.iter().map(|said| said.words.clone()).collect()
    };
    assert_eq!(words(&here), ["Rang home", ""], "one's own first, and each its own words");
    assert_eq!(words(&there), ["Asking the class", ""]);
    world.come_to(50).await;
    assert_eq!(world.told_of("unaccounted").await.len(), 2, "both have it in hand");
}

#[tokio::test]
async fn a_home_whose_lesson_begins_later_is_told_of_a_silent_source_that_others_have_in_hand() {
    let world = World::sized(open_store("sqlite::memory:").await, file(), Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-1", "1000000019").await;
    world.declare("northgate", day(vec![lesson("L1", 10, 70), lesson("L2", 70, 130)])).await;
    world.exchange.open_views(read_body, world.now());
    let (home, host) = (world.officer("kingsmead", 40).await, world.officer("northgate", 42).await);
    let other_home = world.officer("ridgeway", 41).await;
    world.come_to(40).await;
    let silent = world.told_of("source_silent").await[0]["more"]["alert"].as_str().unwrap().parse().unwrap();
    for who in [&home, &host] {
        world.exchange.take_in_hand(acting(who), silent, "", world.now()).await.unwrap();
    }
    let before = world.told_of("source_silent").await.len();
    world.placed("ridgeway", "r-3", "northgate", "n-3", "1000000035").await;
    world.come_to(42).await;
    let told = world.told_of("source_silent").await;
    assert_eq!(told.len(), before + 1, "{told:?}");
    let all = serde_json::json!(["northgate", "kingsmead", "ridgeway"]);
    assert_eq!(told.last().unwrap()["more"]["told"], all);
    let theirs = world.away(&other_home).await;
    assert!(theirs.alarms.iter().any(|alarm| alarm.id == silent && !alarm.is_ours()), "{:?}", theirs.alarms);
    world.come_to(54).await;
    assert!(world.told_of("source_silent").await.len() > before + 1, "it alone is told again");

    let names = |board: &BoardSeen| -> Vec<String> {
        let alarm = board.alarms.iter().find(|alarm| alarm.id == silent).unwrap();
        let hands = alarm.in_hand.iter().map(|said| said.institution.clone());
        alarm.told.iter().map(|told| told.name.clone()).chain(hands).collect()
    };
    let theirs = names(&world.away(&other_home).await);
    assert!(!theirs.iter().any(|name| name.contains("Kingsmead")), "whose learners are there: {theirs:?}");
    let ours = names(&world.away(&home).await);
    assert!(!ours.iter().any(|name| name.contains("Ridgeway")), "{ours:?}");
}

#[tokio::test]
async fn a_home_reads_who_found_its_learner_and_where_for_the_rest_of_the_day() {
    let mut world = school().await;
    let (home, host) = (world.officer("kingsmead", 40).await, world.officer("northgate", 42).await);
    let other_home = world.officer("ridgeway", 41).await;
    let alert = world.missing().await;
    world.exchange.found(acting(&host), alert, "Library", world.now()).await.unwrap();
    world.come_to(100).await;
    assert_eq!(world.entries_of("alert.over").await.len(), 1);
    let seen = world.away(&home).await;
    let found = &seen.found[0];
    assert_eq!((seen.found.len(), found.name.as_str(), found.by.at), (1, "Imogen Ashby", at(15)));
    assert_eq!((found.by.name.as_deref(), found.by.role), (None, OFFICER), "no name of another's staff");
    assert_eq!((found.by.institution.as_str(), found.by.words.as_str()), ("Northgate College", "Library"));
    let there = world.visitors(&host).await;
    assert!(there.found[0].by.own && there.found[0].by.words == "Library");
    assert_eq!(world.away(&other_home).await.found, []);

    // Where a home found its own learner is nothing for the host to read.
    world.come_to(110).await;
    world.publish("northgate", vec![marked("n-1", 70, Physical::Absent, 1)]).await;
    world.tick().await;
    let here = world.away(&home).await;
    let next = here.alarms.iter().find(|alarm| alarm.known.starts_with("Marked absent")).unwrap();
    world.exchange.found(acting(&home), next.id, "At the doctor", world.now()).await.unwrap();
    let there = world.visitors(&host).await;
    assert_eq!((there.found[0].by.words.as_str(), there.found[0].by.name.as_deref()), ("", None));
    world.pass(DAY);
    world.tick().await;
    world.declare("northgate", day(Vec::new())).await;
    world.tick().await;
    assert_eq!(world.away(&home).await.found, [], "it is another day");
}

#[tokio::test]
async fn a_wrong_found_is_taken_back_and_the_alert_stands_again_at_once() {
    let mut world = school().await;
    let (home, host) = (world.officer("kingsmead", 40).await, world.officer("northgate", 42).await);
    let alert = world.missing().await;
    world.exchange.take_in_hand(acting(&home), alert, "Ringing", world.now()).await.unwrap();
    let none = world.exchange.not_found(acting(&host), alert, "", world.now()).await;
    assert!(matches!(none, Err(LawError::State(_))), "nobody said found: {none:?}");
    world.come_to(20).await;
    world.exchange.found(acting(&host), alert, "Library", world.now()).await.unwrap();
    world.tick().await;
    assert!(world.away(&home).await.alarms.is_empty() && world.visitors(&host).await.alarms.is_empty());
    assert!(world.visitors(&host).await.found[0].undoable && !world.away(&home).await.found[0].undoable);

    // Who did not say it can't take it back: the home, another home, somebody in another role.
    for (who, role) in
        [(&home, OFFICER), (&world.officer("ridgeway", 43).await, OFFICER), (&host, Role::Tutor)]
    {
        let acting = Acting { speaker: who, role };
        let refused = world.exchange.not_found(acting, alert, "x", world.now()).await;
        assert!(matches!(refused, Err(LawError::NotAllowed(_))), "{refused:?}");
    }
    let colleague = world.officer("northgate", 44).await;
    world.come_to(24).await;
    let why = "It was somebody else";
    world.exchange.not_found(acting(&colleague), alert, why, world.now()).await.unwrap();
    // No tick came between.
    let (away, here) = (world.away(&home).await, world.visitors(&host).await);
    assert_eq!((away.alarms.len(), here.alarms.len(), away.found.len(), here.found.len()), (1, 1, 0, 0));
    let alarm = &away.alarms[0];
    assert_eq!((alarm.id, alarm.since, alarm.looks), (alert, at(15), Looks::NotSeen));
    assert!(alarm.in_hand.is_empty() && !alarm.is_ours(), "whoever had it in hand takes it anew");
    let (found, back) = &alarm.undone[0];
    assert_eq!((found.institution.as_str(), found.words.as_str()), ("Northgate College", "Library"));
    assert_eq!((back.at, back.words.as_str()), (at(24), ""), "why is the host's own to read");
    assert_eq!(here.alarms[0].undone[0].1.words, why);
    assert!(
        world.exchange.has_to_send(&slug("kingsmead"), Channel::Mail, at(25)),
        "the other side is told anew"
    );

    // It has a clock of its own again, outlives a start, and can be found again.
    world.come_to(36).await;
    assert_eq!(world.told_of("unaccounted").await.len(), 2, "told again after ten minutes");
    world.exchange.found(acting(&home), alert, "At home", world.now()).await.unwrap();
    world.tick().await;
    let still = world.visitors(&host).await.alarms;
    assert!(still.iter().all(|alarm| alarm.id != alert), "a silent source is another matter: {still:?}");
    let late = world.exchange.not_found(acting(&host), alert, "", world.now()).await;
    assert_eq!(late, Err(LawError::NotAllowed(NotAllowed::Denied)), "the home said it");
    world.come_to(71).await;
    let over = world.exchange.not_found(acting(&home), alert, "", world.now()).await;
    assert!(matches!(over, Err(LawError::State(_))), "the lesson is over: {over:?}");
    assert_eq!(world.entries_of("alert.not_found").await.len(), 1);
    let log = serde_json::to_string(&world.exchange.show(1, 10_000).await.unwrap()).unwrap();
    assert!(!log.contains("somebody else") && !log.contains("Library"), "words are in no entry");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn whoever_finds_and_loses_again_and_again_is_told_to_stop_and_the_alert_stands() {
    let mut world = school().await;
    let (home, host) = (world.officer("kingsmead", 40).await, world.officer("northgate", 42).await);
    let alert = world.missing().await;
    for turn in 0..5 {
        world.exchange.found(acting(&host), alert, "Library", world.now()).await.unwrap();
        let back = world.exchange.not_found(acting(&host), alert, "No", world.now()).await;
        assert_eq!(back, Ok(()), "{turn}");
    }
    let sixth = world.exchange.found(acting(&host), alert, "Library", world.now()).await;
    assert!(matches!(sixth, Err(LawError::State(why)) if why.contains("5 times")), "{sixth:?}");
    let alarms = world.away(&home).await.alarms;
    assert!(alarms.iter().any(|alarm| alarm.id == alert), "better looked for than lost: {alarms:?}");
    world.exchange.take_in_hand(acting(&home), alert, "Ringing", world.now()).await.unwrap();
    // The register ends it, as ever.
    world.publish("northgate", vec![marked("n-2", 10, Physical::Present, 2)]).await;
    world.tick().await;
    assert!(world.away(&home).await.alarms.iter().all(|alarm| alarm.id != alert));
    assert_eq!(world.entries_of("alert.not_found").await.len(), 5);
}

#[tokio::test]
async fn who_came_in_the_meantime_is_not_looked_for_when_a_found_is_taken_back() {
    let mut world = school().await;
    let (home, host) = (world.officer("kingsmead", 40).await, world.officer("northgate", 42).await);
    let alert = world.missing().await;
    world.exchange.found(acting(&host), alert, "Library", world.now()).await.unwrap();
    world.come_to(20).await;
    world.publish("northgate", vec![marked("n-2", 10, Physical::Present, 2)]).await;
    world.come_to(22).await;
    world.exchange.not_found(acting(&host), alert, "", world.now()).await.unwrap();
    world.come_to(23).await;
    let away = world.away(&home).await;
    assert!(away.alarms.is_empty() && away.found.is_empty(), "{away:?}");
    assert_eq!(world.entries_of("alert.over").await.len(), 2, "over by the find, and by the mark");
}

#[tokio::test]
async fn who_is_looked_for_again_is_so_on_every_node_and_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&database).await).await;
    let host = world.officer("northgate", 42).await;
    let alert = world.missing().await;
    world.exchange.found(acting(&host), alert, "Library", world.now()).await.unwrap();
    world.tick().await;
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    other.open_views(read_body, world.now());
    let come = async |exchange: &Exchange, now| {
        for _ in 0..4 {
            exchange.follow(std::time::Duration::ZERO).await.unwrap();
            exchange.tick(now).await;
        }
    };
    come(&other, world.now()).await;
    let open = |exchange: &Exchange| {
        exchange
            .alerts_told()
            .iter()
            .any(|told| told.id == alert && told.over.is_none() && told.found.is_none())
    };
    assert!(!open(&other));
    world.exchange.not_found(acting(&host), alert, "", world.now()).await.unwrap();
    come(&other, world.now()).await;
    assert!(open(&other), "the other node knows");
    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    again.open_views(read_body, world.now());
    come(&again, world.now()).await;
    assert!(open(&again) && open(&other), "and so does one that starts, which doesn't end it");
}

/// What a person wrote about a missing learner lies in these files.
async fn wrote(folder: &Path) -> (World, PersonSpeaker) {
    let file = ["kingsmead", "northgate"]
        .into_iter()
        .fold(file(), |file, name| file.with_person(&PEOPLE, &slug(name), Role::Dpo));
    let mut world = on_file(file_store(folder).await, file).await;
    let (home, host) = (world.officer("kingsmead", 40).await, world.officer("northgate", 42).await);
    let alert = world.missing().await;
    world.exchange.take_in_hand(acting(&home), alert, "canary-rang-home", world.now()).await.unwrap();
    world.exchange.found(acting(&host), alert, "canary-library", world.now()).await.unwrap();
    world.tick().await;
    assert_eq!(world.entries_of("alert.over").await.len(), 1, "states after it hold no words of it");
    (world, home)
}

fn canaries(folder: &Path) -> usize {
    found(folder, b"canary-rang-home") + found(folder, b"canary-library")
}

#[tokio::test]
async fn what_was_written_about_a_missing_learner_is_in_their_export_and_goes_with_their_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let (world, home) = wrote(folder.path()).await;
    assert!(canaries(folder.path()) > 0);
    let dpo = Actor::new(&world, "kingsmead", Role::Dpo);
    let export = world.exchange.subject_export(dpo.acting(), &id("k-2"), world.now()).await.unwrap();
    let said = |what: &str| -> Vec<String> {
        export.declared.iter().filter(|(key, _)| *key == what).map(|(_, value)| value.clone()).collect()
    };
    assert_eq!((said("looked for").len(), said("in hand").len(), said("found").len()), (1, 1, 1));
    assert!(said("in hand")[0].ends_with("attendance officer of kingsmead: canary-rang-home"));
    assert!(said("found")[0].ends_with("attendance officer of northgate: canary-library"));
    let theirs = Actor::new(&world, "northgate", Role::Dpo);
    let theirs = world.exchange.subject_export(theirs.acting(), &id("n-2"), world.now()).await.unwrap();
    assert!(
        !format!("{:?}", theirs.declared).contains("rang-home"),
        "each institution its own people's words"
    );

    let what = Erasing::Learner(id("k-2"));
    let reason = ErasureReason::ObjectionUpheld;
    let erased = world.exchange.erase(dpo.acting(), &what, reason, (true, false), world.now()).await.unwrap();
    assert!(erased.done);
    assert_eq!(canaries(folder.path()), 0, "in no file, whoever wrote it");
    let board = world.away(&home).await;
    assert!(board.found.iter().all(|found| found.by.words.is_empty()), "nor on any page");
    let export = world.exchange.subject_export(dpo.acting(), &id("k-2"), world.now()).await.unwrap();
    assert!(!format!("{:?}", export.declared).contains("canary"));
    world.exchange.verify(|_| {}).await.unwrap();
}

#[tokio::test]
async fn what_was_written_about_a_missing_learner_is_gone_days_later_and_stays_gone_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, _) = wrote(folder.path()).await;
    world.pass(DAY);
    world.tick().await;
    assert!(canaries(folder.path()) > 0, "people come back to it the next day");
    world.pass(4 * DAY);
    for _ in 0..3 {
        world.tick().await;
    }
    assert_eq!(canaries(folder.path()), 0);
    assert_eq!(world.entries_of("alert.forgotten").await.len(), 1);
    world.exchange.verify(|_| {}).await.unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    world.started_again(open_store(&url).await).await;
    world.tick().await;
    assert_eq!(world.entries_of("alert.forgotten").await.len(), 1, "there is nothing left to forget");
    world.exchange.verify(|_| {}).await.unwrap();
}

#[tokio::test]
async fn who_was_seen_while_nothing_could_be_written_leaves_no_alert_open() {
    let broken = Arc::new(AtomicBool::new(false));
    let switch = broken.clone();
    let fate = move |call| match call == Call::Commit && switch.load(Ordering::Relaxed) {
        true => Trouble::Away,
        false => Trouble::None,
    };
    let mut world = on(faulty(open_store("sqlite::memory:").await, Box::new(fate))).await;
    let home = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    world.publish("northgate", vec![marked("n-2", 10, Physical::Absent, 1)]).await;
    broken.store(true, Ordering::Relaxed);
    world.tick().await;
    assert_eq!(world.entries_of("alert.told").await.len(), 0);
    broken.store(false, Ordering::Relaxed);
    world.publish("northgate", vec![marked("n-2", 10, Physical::Present, 2)]).await;
    world.tick().await;
    assert_eq!(world.entries_of("alert.told").await.len(), 0, "nobody has to be told any more");
    assert_eq!(world.away(&home).await.alarms, []);
}

//! Far too much is refused in a short time: the data managers of both sides are warned, once a day, in their pages and by mail;
//! and nobody learns by it whose a learner is.

use crate::world::*;
use commonroll_core::{Purpose, Record, Role, directory::Registration};
use commonroll_exchange::*;
use commonroll_store::faults::{Call, Trouble, faulty};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

const ULN: &str = "1000000019";
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const MAIL: Channel = Channel::ManagersMail;

/// Marks of northgate's about one of its guests, each of them another record.
fn marks(guest: &str, numbers: std::ops::Range<u8>) -> Vec<Record> {
    let one = |number| {
        let mut record = mark("northgate", guest, 9, 1);
        record.head.id.0[4] = number;
        record
    };
    numbers.map(one).collect()
}

impl World {
    /// A learner of kingsmead's whom northgate knows, and whom nobody has placed there.
    async fn not_placed(&self) {
        self.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
        self.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    }

    async fn refuses(&mut self, records: Vec<Record>) {
        let answers = self.publish("northgate", records).await;
        let refused = |one: &RecordAnswer| matches!(one, RecordAnswer::Rejected { code: "no_placement", .. });
        assert!(answers.iter().all(refused), "{answers:?}");
        self.exchange.tick(self.now()).await;
    }

    /// Who was warned, of whom, of how much.
    async fn warned(&self) -> Vec<(String, String, u64)> {
        let told = self.entries_of("warning.told").await;
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let one = |entry: &serde_json::Value| {
            let more = &entry["more"];
            (text(&more["recipient"]), text(&more["source"]), more["count"].as_u64().unwrap())
        };
        told.iter().map(one).collect()
    }

    /// What somebody of an office reads on their pages.
    async fn reads(&self, at: &str, role: Role) -> Vec<WarningSeen> {
        let (mut id, person) = ([0; 32], made(at, role).id);
        id[..8].copy_from_slice(&self.exchange.stats().log_entries.to_be_bytes());
        self.exchange.open_session(id, (person, role), "a test", self.now()).await.unwrap();
        self.exchange.session(&id, true, self.now()).await.unwrap().warnings
    }

    /// What is to be mailed to a partner now.
    async fn mailed(&self, to: &str) -> Option<Outbound> {
        self.exchange.begin_sending(&slug(to), MAIL, 1, self.now()).await.unwrap()
    }
}

fn warned(recipient: &str, count: u64) -> (String, String, u64) {
    (recipient.to_owned(), "northgate".to_owned(), count)
}

#[tokio::test]
async fn case_11_twenty_refusals_in_ten_minutes_warn_the_data_managers_of_both_sides_once_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::with(&url, governed()).await;
    world.not_placed().await;
    world.refuses(marks("n-77", 0..19)).await;
    assert_eq!(world.warned().await, []);
    world.pass(9 * MINUTE);
    world.refuses(marks("n-77", 19..20)).await;
    assert_eq!(world.warned().await, [warned("kingsmead", 20), warned("northgate", 20)]);

    // Each reads it in its own words; a head who may not read the log doesn't, and the third partner has no part in it.
    let at_home = world.reads("kingsmead", Role::DataManager).await;
    assert_eq!((at_home[0].by.as_deref(), at_home[0].count), (Some("Northgate College"), 20));
    assert_eq!(at_home[0].since, world.now().plus_micros(-9 * MINUTE));
    let at_host = world.reads("northgate", Role::DataManager).await;
    assert_eq!((at_host.len(), at_host[0].sort, &at_host[0].by), (1, WarningSort::NoPlacement, &None));
    assert_eq!(world.reads("ridgeway", Role::DataManager).await, []);

    // And by mail, where the institution has it: once, also through a restart.
    world.pass(5 * SECOND);
    assert_eq!(world.mailed("ridgeway").await, None);
    let board = Channel::Mail;
    let begun = world.exchange.begin_sending(&slug("kingsmead"), board, 1, world.now()).await.unwrap();
    assert_eq!(begun, None, "whoever looks for learners is not told of refusals");
    let mail = world.mailed("kingsmead").await.unwrap();
    let [one] = &mail.alerts[..] else { panic!("one warning: {mail:?}") };
    assert_eq!((one.about, one.site.0.as_str(), one.count), ("records_refused", "northgate", Some(20)));
    world.exchange.sent(&mail, Ok(()), (1, 0), world.now()).await.unwrap();
    world.started_again(open_store(&url).await).await;
    assert!(!world.exchange.has_to_send(&slug("kingsmead"), MAIL, world.now()));
    let mail = world.mailed("northgate").await.unwrap();
    assert_eq!(mail.alerts[0].about, "own_records_refused");
    assert_eq!(world.reads("kingsmead", Role::DataManager).await, at_home, "it stands through a restart");

    // What goes on is in the log; the next day it is said again.
    world.refuses(marks("n-77", 20..60)).await;
    assert_eq!(world.warned().await.len(), 2);
    world.pass(DAY);
    assert_eq!(world.reads("kingsmead", Role::DataManager).await, [], "yesterday's is in the log alone");
    world.refuses(marks("n-77", 60..90)).await;
    assert_eq!(world.warned().await[2..], [warned("kingsmead", 30), warned("northgate", 30)]);
    world.exchange.verify(|_| {}).await.unwrap();
}

#[tokio::test]
async fn a_small_warning_of_the_morning_silences_no_much_bigger_one() {
    let mut world = World::governed().await;
    world.not_placed().await;
    world.refuses(marks("n-77", 0..20)).await;
    world.pass(3 * 3_600 * SECOND);
    // As it comes, a few at a time: none of the ticks sees much.
    for round in 0..4 {
        world.refuses(marks("n-77", 20 + round * 24..44 + round * 24)).await;
        world.pass(MINUTE);
        assert_eq!(world.warned().await.len(), 2, "four times as much is quiet");
    }
    world.refuses(marks("n-77", 116..120)).await;
    let told = world.warned().await;
    assert_eq!(told[2..], [warned("kingsmead", 100), warned("northgate", 100)]);
    assert_eq!(world.reads("kingsmead", Role::DataManager).await[0].count, 100);
    world.pass(5 * SECOND);
    assert_eq!(world.mailed("kingsmead").await.map(|mail| mail.alerts[0].count), Some(Some(100)));
    world.refuses(marks("n-77", 120..250)).await;
    assert_eq!(world.warned().await.len(), 4, "and this one's five times is more");
}

#[tokio::test]
async fn what_a_home_was_warned_of_stands_among_its_own_problems_and_among_nobody_elses_view_of_them() {
    let lead = ("ridgeway", Role::ConsortiumLead);
    let file = governed().with_person(&PEOPLE, &slug(lead.0), lead.1);
    let mut world = World::with("sqlite::memory:", file).await;
    world.exchange.open_views(read_body, world.now());
    world.not_placed().await;
    let lists = async |world: &World, (at, role): (&str, Role), of: Option<&str>| {
        world.sweep().await;
        let (reader, of) = (Actor::new(world, at, role), of.map(slug));
        let seen = world.exchange.problems(reader.acting(), of.as_ref(), world.now()).await;
        let problems = seen.unwrap().problems;
        let found: Vec<_> = problems.iter().filter(|problem| problem.rule == "not_placed").collect();
        found.iter().map(|problem| (problem.slug.as_str().to_owned(), problem.count)).collect::<Vec<_>>()
    };
    let home = ("kingsmead", Role::DataManager);
    let stands = [("kingsmead".to_owned(), 20)];
    assert_eq!(lists(&world, home, Some("kingsmead")).await, []);
    world.refuses(marks("n-77", 0..20)).await;
    assert_eq!(lists(&world, home, Some("kingsmead")).await, stands);
    let source = ("northgate", Role::DataManager);
    assert_eq!(lists(&world, source, Some("northgate")).await, [], "there it is its own refusals");
    assert_eq!(lists(&world, lead, None).await, [], "it would say whose the learners are");
    world.pass(3 * DAY);
    assert_eq!(lists(&world, home, Some("kingsmead")).await, stands, "longer than the day of the warning");
    world.pass(5 * DAY);
    assert_eq!(lists(&world, home, Some("kingsmead")).await, []);
}

#[tokio::test]
async fn case_11_the_source_is_warned_alike_whether_the_learner_is_anybodys_or_not() {
    let mut read = Vec::new();
    for is_known in [true, false] {
        let mut world = World::governed().await;
        if is_known {
            world.not_placed().await;
        } else {
            world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
        }
        world.refuses(marks("n-77", 0..20)).await;
        assert_eq!(world.warned().await.len(), if is_known { 2 } else { 1 });
        let manager = Actor::new(&world, "northgate", Role::DataManager);
        let topic = Topic::Refused;
        let asker = world.exchange.asker(&manager.speaker, manager.role, Question::Events(topic)).unwrap();
        let events = world.exchange.events(&asker, topic, Window::default(), world.now()).await.unwrap();
        let told: Vec<_> = events.iter().filter(|event| event.what == "warning.told").collect();
        assert_eq!(told.len(), 1, "what the home is told, the source doesn't read: {events:?}");
        let page = world.exchange.log_page(manager.acting(), (LogKind::Refused, None), world.now()).await;
        assert_eq!(page.unwrap().lines.len(), 2, "the refusals, and the own warning");
        read.push((told[0].more.clone(), world.reads("northgate", Role::DataManager).await));
    }
    assert_eq!(read[0], read[1]);
}

#[tokio::test]
async fn fewer_than_twenty_in_any_ten_minutes_warn_nobody() {
    let mut world = World::governed().await;
    world.not_placed().await;
    for round in 0..5 {
        world.refuses(marks("n-77", round * 19..(round + 1) * 19)).await;
        world.pass(10 * MINUTE);
    }
    assert_eq!(world.warned().await, []);
}

#[tokio::test]
async fn a_warning_that_cannot_be_written_is_written_later_and_shown_to_nobody_before() {
    let away = Arc::new(AtomicBool::new(false));
    let now = away.clone();
    let fate = move |call| match call {
        Call::Commit if now.load(Ordering::Relaxed) => Trouble::Away,
        _ => Trouble::None,
    };
    let store = faulty(open_store("sqlite::memory:").await, Box::new(fate));
    let mut world = World::with_store(store, governed()).await;
    world.not_placed().await;
    let answers = world.publish("northgate", marks("n-77", 0..20)).await;
    assert_eq!(answers.len(), 20);
    away.store(true, Ordering::Relaxed);
    world.exchange.tick(world.now()).await;
    assert!(!world.exchange.has_to_send(&slug("kingsmead"), MAIL, world.now().plus_micros(MINUTE)));
    away.store(false, Ordering::Relaxed);
    world.exchange.tick(world.now()).await;
    assert_eq!(world.warned().await, [warned("kingsmead", 20), warned("northgate", 20)]);
}

#[tokio::test]
async fn case_12_whoever_keeps_asking_for_what_is_not_theirs_waits_and_their_data_manager_is_warned() {
    let world = World::governed().await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    let acting = Acting { speaker: &tutor, role: Role::Tutor };
    let read = async |number: u32| {
        let ask = ReadAsk::about(id(&format!("k-{number}")), Purpose::Pastoral);
        world.exchange.read(acting, &ask, world.now()).await.unwrap_err()
    };
    for number in 0..60 {
        assert!(matches!(read(number).await, ReadError::NotAllowed(_)));
    }
    assert_eq!(read(60).await, ReadError::TooMany);
    world.exchange.tick(world.now()).await;
    let told = world.warned().await;
    assert_eq!(told, [("kingsmead".to_owned(), "kingsmead".to_owned(), 60)]);
    let seen = world.reads("kingsmead", Role::DataManager).await;
    assert_eq!((seen[0].sort, seen[0].count, &seen[0].by), (WarningSort::Guessing, 60, &None));
    let refused = world.entries_of("read.refused").await;
    let counted: u64 = refused.iter().map(|entry| entry["more"]["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, 60, "every attempt is counted");
    assert_eq!(world.entries_of("read.slowed").await.len(), 1, "and what came after it");
}

//! Readiness follows the log: what was told before a restart is told again, and who may look is the policies' to say.

use crate::world::*;
use commonroll_core::{
    Body, Interval, Record, Role, SchoolDate, Timestamp,
    directory::{DayDeclaration, Declaration, LessonDeclaration},
    record::{
        Text,
        attendance::{Attendance, Physical, Presence},
    },
};
use commonroll_exchange::*;
use commonroll_store::faults::{Call, Trouble, faulty};
use commonroll_views::readiness::What;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const ULN: &str = "1000000019";
const DENIED: ReadError = ReadError::NotAllowed(NotAllowed::Denied);
const HOUR: i64 = 3_600_000_000;

/// A mark about the lesson that begins at an hour, and the lesson.
fn lesson_and_mark(guest: &str, hour: i64, revision: u32) -> (LessonDeclaration, Record) {
    let mut record = mark("northgate", guest, hour, revision);
    let start = record.instant().unwrap();
    let time = Interval::new(start, start.plus_micros(HOUR)).unwrap();
    let presence = Presence {
        physical: Physical::Present,
        interval: Some(time),
        minutes_late: None,
        minutes_left_early: None,
    };
    record.body = Body::Attendance(Attendance { presence: Some(presence), ..Attendance::default() });
    // Hours may lead to another day.
    record.head.date = SchoolDate::from_days(record.head.date.days() + (hour / 24) as i32).unwrap();
    record.head.id.0[..4].copy_from_slice(&record.head.date.days().to_be_bytes());
    let group = record.head.group.clone().unwrap_or_else(|| id("ENG-1"));
    record.head.group = Some(group.clone());
    let local_id = id(&format!("L{hour}"));
    let room = Text::parse("room", "C12", 40).unwrap();
    (LessonDeclaration { local_id, group, time, room, cancelled: false }, record)
}

fn numbers(seen: &ReadinessSeen, what: What) -> (u64, u64) {
    let parts = &seen.partners[0].report.parts;
    parts.iter().find(|part| part.what == what).unwrap().numbers
}

#[tokio::test]
async fn a_start_tells_the_same_as_the_node_that_was_there_all_along() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let file = PARTNERS
        .into_iter()
        .fold(consortium(), |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager));
    let mut world = World::sized(open_store(&database).await, file, Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.exchange.open_views(read_body, world.now());
    let (lesson, first) = lesson_and_mark("n-77", 9, 1);
    let date = first.head.date;
    let day = DayDeclaration::new(date, false, None, vec![lesson]).unwrap();
    assert!(matches!(world.declare("northgate", Declaration::Day(day)).await, DeclareResult::Accepted));
    world.pass(2 * HOUR);
    let stranger = lesson_and_mark("n-99", 9, 1).1;
    let answers = world.publish("northgate", vec![first, stranger]).await;
    assert!(matches!(answers[0], RecordAnswer::Accepted { .. }), "{answers:?}");
    assert!(matches!(answers[1], RecordAnswer::Rejected { code: "no_placement", .. }), "{answers:?}");
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.exchange.tick(world.now()).await;

    let manager = Actor::new(&world, "northgate", Role::DataManager).speaker;
    let home = Actor::new(&world, "kingsmead", Role::DataManager).speaker;
    let look = async |world: &World, who: &PersonSpeaker, of: &str| {
        let acting = Acting { speaker: who, role: Role::DataManager };
        world.exchange.readiness(acting, Some(&slug(of)), world.now()).await
    };
    let before = look(&world, &manager, "northgate").await.unwrap();
    assert_eq!(numbers(&before, What::Valid), (1, 2));
    assert_eq!((numbers(&before, What::Complete), numbers(&before, What::OnTime)), ((1, 1), (1, 1)));
    let taken = look(&world, &home, "kingsmead").await.unwrap();
    assert_eq!(numbers(&taken, What::TakenIn), (1, 1), "the receipt came at once");
    assert_eq!(look(&world, &manager, "kingsmead").await.err(), Some(DENIED), "another's is not theirs");
    let problems = {
        let acting = Acting { speaker: &manager, role: Role::DataManager };
        world.exchange.problems(acting, Some(&slug("northgate")), world.now()).await.unwrap()
    };
    let refused = problems.problems.iter().find(|one| one.rule == "no_placement").unwrap();
    assert_eq!((refused.count, refused.owner, refused.refused), (1, "Data manager", true));

    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    world.exchange.open_views(read_body, world.now());
    for _ in 0..3 {
        world.exchange.tick(world.now()).await;
    }
    let after = look(&world, &manager, "northgate").await.unwrap();
    assert!(after.complete);
    assert_eq!(after.partners[0].report, before.partners[0].report);
    assert_eq!(numbers(&look(&world, &home, "kingsmead").await.unwrap(), What::TakenIn), (1, 1));
}

#[tokio::test]
async fn a_refused_record_that_an_agent_tries_again_every_hour_counts_once() {
    let mut world =
        World::sized(open_store("sqlite::memory:").await, with_officers(), Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.exchange.open_views(read_body, world.now());
    let manager = Actor::new(&world, "northgate", Role::DataManager).speaker;
    let valid = async |world: &World| {
        let acting = Acting { speaker: &manager, role: Role::DataManager };
        world.exchange.tick(world.now()).await;
        let seen = world.exchange.readiness(acting, Some(&slug("northgate")), world.now()).await.unwrap();
        let acting = Acting { speaker: &manager, role: Role::DataManager };
        let told = world.exchange.problems(acting, Some(&slug("northgate")), world.now()).await.unwrap();
        let refused = told.problems.iter().find(|one| one.rule == "no_placement").map(|one| one.count);
        (numbers(&seen, What::Valid), refused)
    };
    world.pass(11 * HOUR);
    let sound = lesson_and_mark("n-77", 9, 1).1;
    let stranger = |revision| lesson_and_mark("n-99", 9, revision).1;
    world.publish("northgate", vec![sound, stranger(1)]).await;
    assert_eq!(valid(&world).await, ((1, 2), Some(1)));
    for _ in 0..5 {
        world.pass(HOUR);
        let answers = world.publish("northgate", vec![stranger(1)]).await;
        assert!(matches!(answers[0], RecordAnswer::Rejected { code: "no_placement", .. }), "{answers:?}");
    }
    assert_eq!(valid(&world).await, ((1, 2), Some(1)), "a try is no new fault");
    let tried = world.log().await.into_iter().filter(|entry| entry.contains("publish.refused")).count();
    assert_eq!(tried, 6, "the log has every try");

    // What it says now is another record to refuse; so is another learner's.
    world.publish("northgate", vec![stranger(2), lesson_and_mark("n-98", 10, 1).1]).await;
    assert_eq!(valid(&world).await, ((1, 4), Some(3)));
}

#[tokio::test]
async fn a_day_that_was_declared_three_weeks_ahead_counts_to_its_last_day_and_what_was_erased_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::sized(open_store(&database).await, with_officers(), Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.exchange.open_views(read_body, world.now());
    let (lesson, first) = lesson_and_mark("n-77", 21 * 24 + 9, 1);
    let (next, second) = lesson_and_mark("n-77", 21 * 24 + 11, 1);
    let day = DayDeclaration::new(first.head.date, false, None, vec![lesson, next]).unwrap();
    assert!(matches!(world.declare("northgate", Declaration::Day(day)).await, DeclareResult::Accepted));
    world.exchange.tick(world.now()).await;
    world.pass((21 * 24 + 4) * HOUR);
    let answers = world.publish("northgate", vec![first, second.clone()]).await;
    assert!(answers.iter().all(|answer| matches!(answer, RecordAnswer::Accepted { .. })), "{answers:?}");
    world.exchange.tick(world.now()).await;
    let manager = Actor::new(&world, "northgate", Role::DataManager).speaker;
    let look = async |world: &World| {
        let acting = Acting { speaker: &manager, role: Role::DataManager };
        world.exchange.readiness(acting, Some(&slug("northgate")), world.now()).await.unwrap()
    };
    let seen = look(&world).await;
    assert_eq!((numbers(&seen, What::Complete), numbers(&seen, What::Valid)), ((2, 2), (2, 2)));
    let officer = Actor::new(&world, "kingsmead", Role::Dpo);
    let what = Erasing::Record(second.head.id);
    let reason = ErasureReason::ObjectionUpheld;
    world.exchange.erase(officer.acting(), &what, reason, (false, false), world.now()).await.unwrap();

    world.pass(27 * 24 * HOUR);
    world.exchange.tick(world.now()).await;
    let before = look(&world).await;
    assert_eq!(numbers(&before, What::Complete), (1, 2), "what was erased is no mark that came");
    assert_eq!(numbers(&before, What::Valid), (2, 2), "that two records were taken stands in the log");
    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    world.exchange.open_views(read_body, world.now());
    for _ in 0..3 {
        world.exchange.tick(world.now()).await;
    }
    let after = look(&world).await;
    assert!(after.complete);
    assert_eq!(after.partners[0].report, before.partners[0].report);

    // Two days later nothing of it counts: neither what was measured nor when the newest record was here.
    world.pass(48 * HOUR);
    world.exchange.tick(world.now()).await;
    let over = &look(&world).await.partners[0].report;
    assert_eq!((over.newest, over.parts[0].numbers), (None, (0, 0)));
}

#[tokio::test]
async fn an_agent_that_fell_silent_is_told_of_whichever_node_heard_it_and_after_a_start_too() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::sized(open_store(&database).await, governed(), Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.exchange.open_views(read_body, world.now());
    let other = Exchange::open_on(open_store(&database).await, Sizes::default(), options(""), world.now());
    let other = other.await.unwrap();
    other.open_views(read_body, world.now());
    let manager = Actor::new(&world, "northgate", Role::DataManager).speaker;
    let quiet = async |exchange: &Exchange, now: Timestamp| {
        exchange.follow(std::time::Duration::from_millis(1)).await.unwrap();
        for _ in 0..3 {
            exchange.tick(now).await;
        }
        let acting = Acting { speaker: &manager, role: Role::DataManager };
        let seen = exchange.problems(acting, Some(&slug("northgate")), now).await.unwrap();
        let quiet = seen.problems.into_iter().filter(|one| ["silent", "not_heard"].contains(&&*one.rule));
        quiet.map(|one| (one.rule, one.count, one.oldest.map(|day| day.to_string()))).collect::<Vec<_>>()
    };
    assert_eq!(quiet(&world.exchange, world.now()).await, [("not_heard".to_owned(), 1, None)]);
    world.publish("northgate", vec![lesson_and_mark("n-77", 6, 1).1]).await;
    assert!(quiet(&world.exchange, world.now()).await.is_empty());
    assert!(quiet(&other, world.now()).await.is_empty(), "the log tells the other node");
    let day = Some("2026-09-14".to_owned());
    world.pass(HOUR / 3);
    assert_eq!(quiet(&world.exchange, world.now()).await, [("silent".to_owned(), 1, day.clone())]);
    // It speaks to the other node.
    other.source_is_current(&world.speaker("northgate"), world.now()).await.unwrap();
    assert!(quiet(&world.exchange, world.now()).await.is_empty());
    let seen = world.exchange.own_readiness(&world.speaker("northgate"), world.now()).unwrap();
    assert_eq!(seen.partners[0].heard, Some(world.now()));

    world.pass(HOUR);
    other.close(world.now()).await;
    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    world.exchange.open_views(read_body, world.now());
    assert_eq!(quiet(&world.exchange, world.now()).await, [("not_heard".to_owned(), 1, day)]);
}

#[tokio::test]
async fn an_agent_is_told_what_the_hub_holds_of_its_day_at_the_newest_revision() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let one = lesson_and_mark("n-77", 9, 1).1;
    let two = lesson_and_mark("n-77", 11, 1).1;
    let date = one.head.date;
    world.publish("northgate", vec![one.clone(), two.clone()]).await;
    world.publish("northgate", vec![withdrawn(two.clone(), 2)]).await;
    let speaker = world.speaker("northgate");
    let held = world.exchange.held_day(&speaker, date).await.unwrap();
    let told: Vec<_> = held.records.iter().map(|held| (held.id, held.revision, held.withdrawn)).collect();
    let mut expected = vec![(one.head.id, 1, false), (two.head.id, 2, true)];
    expected.sort_by_key(|row| row.0.0);
    assert_eq!(told, expected);
    let tomorrow = commonroll_core::SchoolDate::from_days(date.days() + 1).unwrap();
    let busy = world.exchange.held_day(&speaker, tomorrow).await.map(|held| held.records);
    assert_eq!(busy, Err(DayError::Busy), "one day of an institution at a time");
    assert!(world.exchange.held_day(&world.speaker("kingsmead"), date).await.unwrap().records.is_empty());
    drop(held);
    assert!(world.exchange.held_day(&speaker, tomorrow).await.unwrap().records.is_empty());
}

#[tokio::test]
async fn a_day_in_many_small_blocks_is_read_by_few_statements() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counter = reads.clone();
    let fate = move |call| {
        counter.fetch_add(usize::from(call == Call::Read), Ordering::Relaxed);
        Trouble::None
    };
    let store = faulty(open_store("sqlite::memory:").await, Box::new(fate));
    let mut world = World::with_store(store, consortium()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.pass(15 * HOUR);
    for hour in 2..20 {
        let answers = world.publish("northgate", vec![mark("northgate", "n-77", hour, 1)]).await;
        assert!(matches!(answers[0], RecordAnswer::Accepted { .. }), "{answers:?}");
    }
    let before = reads.load(Ordering::Relaxed);
    let held = world.exchange.held_day(&world.speaker("northgate"), date("2026-09-14")).await.unwrap();
    assert_eq!(held.records.len(), 18);
    assert!(held.records.iter().map(|held| held.sequence).collect::<HashSet<_>>().len() == 18);
    let took = reads.load(Ordering::Relaxed) - before;
    assert!(took <= 3, "one for the ids, two for eighteen blocks: {took}");
}

/// A home that sends nothing in lesson time and takes what is for it.
#[tokio::test]
async fn a_receipt_is_a_word_that_keeps_a_partner_fresh_as_its_definition_says() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let file = consortium().with_person(&PEOPLE, &slug("kingsmead"), Role::DataManager);
    let mut world = World::sized(open_store(&database).await, file, Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.exchange.open_views(read_body, world.now());
    let (lesson, first) = lesson_and_mark("n-77", 9, 1);
    let day = DayDeclaration::new(first.head.date, false, None, vec![lesson]).unwrap();
    world.declare("kingsmead", Declaration::Day(day)).await;
    world.pass(HOUR + HOUR / 6);
    world.publish("northgate", vec![first]).await;
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.pass(2 * HOUR);
    let home = Actor::new(&world, "kingsmead", Role::DataManager).speaker;
    let look = async |world: &World| {
        for _ in 0..3 {
            world.exchange.tick(world.now()).await;
        }
        let acting = Acting { speaker: &home, role: Role::DataManager };
        world.exchange.readiness(acting, Some(&slug("kingsmead")), world.now()).await.unwrap()
    };
    let seen = look(&world).await;
    assert_eq!(numbers(&seen, What::Fresh), (3, 12), "a quarter of an hour from ten past nine on");
    assert!(What::Fresh.definition().means.contains("a receipt"));
    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    world.exchange.open_views(read_body, world.now());
    assert_eq!(look(&world).await.partners[0].report, seen.partners[0].report);
}

/// Whoever waits for the views may go away: a browser is closed, a call runs out of time. That must not hand the views the
/// beginning of a block and then the whole of it.
#[tokio::test]
async fn what_a_caller_who_went_away_had_begun_to_feed_counts_once() {
    let file = consortium().with_person(&PEOPLE, &slug("northgate"), Role::DataManager);
    let mut world = World::sized(open_store("sqlite::memory:").await, file, Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.exchange.open_views(read_body, world.now());
    world.exchange.tick(world.now()).await;
    world.pass(12 * HOUR);
    let (rounds, many): (u32, u32) = (12, 130);
    for turns in 0..rounds {
        let records = (0..many).map(|place| {
            let mut record = lesson_and_mark("n-77", 9, 1).1;
            record.head.id.0[4..8].copy_from_slice(&(turns * many + place).to_be_bytes());
            record
        });
        let answers = world.publish("northgate", records.collect()).await;
        assert!(answers.iter().all(|answer| matches!(answer, RecordAnswer::Accepted { .. })), "{answers:?}");
        let speaker = world.speaker("kingsmead");
        let gone = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = world.exchange.session_codes(&speaker, world.now()) => {}
            () = gone => {}
        }
    }
    let manager = Actor::new(&world, "northgate", Role::DataManager).speaker;
    let acting = Acting { speaker: &manager, role: Role::DataManager };
    for _ in 0..3 {
        world.exchange.tick(world.now()).await;
    }
    let seen = world.exchange.readiness(acting, Some(&slug("northgate")), world.now()).await.unwrap();
    let all = u64::from(rounds * many);
    assert_eq!(numbers(&seen, What::Valid), (all, all));
}

//! The evening before: timetables that don't fit, told while there is time to mend them.

use crate::{
    whereabouts::{MINUTE, at, between, lesson, notice, on_file, school},
    world::*,
};
use commonroll_core::{
    Role, SchoolDate,
    directory::{DayDeclaration, Declaration, LessonDeclaration, NoticeKind, Registration},
};
use commonroll_exchange::*;

/// A day in minutes.
const DAY: i64 = 24 * 60;
/// Sixteen hours at the homes, in minutes after eight UTC.
const FOUR: i64 = 7 * 60;

fn tomorrow(week: Option<&str>, lessons: Vec<LessonDeclaration>) -> Declaration {
    let week = week.map(|week| week.parse().unwrap());
    Declaration::Day(DayDeclaration::new(date("2026-09-15"), false, week, lessons).unwrap())
}

/// Northgate's classes of tomorrow: at these minutes after eight UTC, each an hour long.
fn classes(begin: &[i64]) -> Vec<LessonDeclaration> {
    let class = |from: &i64| lesson(&format!("T{from}"), DAY + from, DAY + from + 60);
    begin.iter().map(class).collect()
}

fn plan(name: &str, learner: &str, kind: NoticeKind, from: i64) -> Declaration {
    notice(name, learner, kind, between(DAY + from, DAY + from + 60), false)
}

impl World {
    /// Lets the clock jump to a minute of the afternoon.
    async fn jump_to(&self, minute: i64) {
        self.pass(at(minute).micros() - self.now().micros());
        self.tick().await;
    }

    async fn misfits(&self, who: &PersonSpeaker, ask: BoardAsk) -> Vec<AlarmSeen> {
        self.seen(who, Role::AttendanceOfficer, ask).await.unwrap().misfits
    }
}

fn read(misfits: &[AlarmSeen]) -> Vec<(&str, &str)> {
    misfits.iter().map(|misfit| (misfit.name.as_str(), misfit.known.as_str())).collect()
}

#[tokio::test]
async fn each_site_thinks_the_other_has_them_and_both_read_it_the_evening_before() {
    let world = school().await;
    let home = world.officer("kingsmead", 40).await;
    let host = world.officer("northgate", 41).await;
    let stranger = world.officer("ridgeway", 42).await;
    world.declare("kingsmead", plan("P1", "k-1", NoticeKind::AtPartner, 130)).await;
    world.declare("kingsmead", plan("P2", "k-2", NoticeKind::AtPartner, 250)).await;
    world.jump_to(FOUR - 1).await;
    assert_eq!(world.misfits(&home, BoardAsk::Away).await, [], "the day isn't over");
    world.jump_to(FOUR + 1).await;
    assert_eq!(world.misfits(&home, BoardAsk::Away).await, [], "a host that has said nothing proves nothing");

    world.declare("northgate", tomorrow(None, classes(&[250]))).await;
    world.jump_to(FOUR + 2).await;
    let away = world.misfits(&home, BoardAsk::Away).await;
    let words = "Your timetable leaves them to Northgate College, which has no lesson for them then";
    assert_eq!(read(&away), [("Imogen Ashby", words)], "the class of the other one is there");
    assert_eq!((away[0].day, away[0].findable), (Some(date("2026-09-15")), false));
    assert_eq!(away[0].ring.as_ref().unwrap().phone, "01632 960 114");
    let visitors = world.misfits(&host, BoardAsk::Visitors).await;
    assert_eq!(visitors[0].known, "Their home leaves them to you, and you have no lesson for them then");
    assert_eq!(world.misfits(&home, BoardAsk::Visitors).await, []);
    assert_eq!(world.misfits(&stranger, BoardAsk::Away).await, []);
    let told = world.entries_of("alert.told").await;
    let of: Vec<_> = told.iter().filter(|entry| entry["more"]["about"] == "nobody_expects").collect();
    assert_eq!(of.len(), 1);
    assert_eq!(of[0]["more"]["told"], serde_json::json!(["northgate", "kingsmead"]));
    assert!(of[0]["more"]["learner"].is_u64(), "who saw what of a learner finds it");

    let strange = Acting { speaker: &stranger, role: Role::AttendanceOfficer };
    let refused = world.exchange.take_in_hand(strange, away[0].id, "", world.now()).await;
    assert!(matches!(refused, Err(LawError::NotAllowed(NotAllowed::Denied))), "{refused:?}");
    let acting = Acting { speaker: &home, role: Role::AttendanceOfficer };
    world.exchange.take_in_hand(acting, away[0].id, "Rang Northgate", world.now()).await.unwrap();
    assert!(world.misfits(&home, BoardAsk::Away).await[0].is_ours());

    // It is Tuesday, before the lesson: still so. Then the host mends its timetable.
    world.jump_to(DAY).await;
    assert_eq!(world.misfits(&home, BoardAsk::Away).await.len(), 1);
    world.declare("northgate", tomorrow(None, classes(&[130, 250]))).await;
    world.jump_to(DAY + 1).await;
    assert_eq!(world.misfits(&home, BoardAsk::Away).await, []);
    let over = world.entries_of("alert.over").await;
    assert_eq!(over.iter().filter(|entry| entry["more"]["about"] == "nobody_expects").count(), 1);
}

#[tokio::test]
async fn two_weeks_that_slipped_are_told_once_and_a_double_booking_for_each_learner() {
    let world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    for (name, learner) in [("P1", "k-1"), ("P2", "k-2")] {
        world.declare("kingsmead", plan(name, learner, NoticeKind::OwnLesson, 130)).await;
    }
    world.declare("northgate", tomorrow(Some("A"), classes(&[130]))).await;
    world.jump_to(FOUR + 1).await;
    let both = "You have a lesson for them, and Northgate College expects them at the same time";
    let seen = world.misfits(&officer, BoardAsk::Away).await;
    assert_eq!(seen.iter().map(|misfit| misfit.known.as_str()).collect::<Vec<_>>(), [both, both]);

    world.declare("kingsmead", tomorrow(Some("B"), Vec::new())).await;
    world.jump_to(FOUR + 2).await;
    let slip = "You and Northgate College are in different weeks of your timetables that day";
    let seen = world.misfits(&officer, BoardAsk::Away).await;
    assert_eq!(read(&seen), [("Northgate College", slip)]);
    assert_eq!(seen[0].learner, None);
    // Nobody mends it: with the day it is past.
    world.jump_to(2 * DAY + 60).await;
    assert_eq!(world.misfits(&officer, BoardAsk::Away).await, []);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_plan_excuses_nobody_and_is_the_homes_alone_to_tell() {
    let world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    let today = between(10, 70);
    world.declare("kingsmead", notice("P1", "k-1", NoticeKind::AtPartner, today, false)).await;
    world.declare("kingsmead", notice("P2", "k-2", NoticeKind::OwnLesson, today, false)).await;
    world.come_to(5).await;
    let board = world.away(&officer).await;
    assert_eq!(board.counts.get(&Looks::Expected), Some(&2), "{:?}", board.counts);
    let hosts = notice("P1", "n-1", NoticeKind::AtPartner, today, false);
    let answer = world.declare("northgate", hosts).await;
    assert!(matches!(answer, DeclareResult::Rejected { code: "not_home", .. }), "{answer:?}");
}

#[tokio::test]
async fn a_host_reads_that_its_visitor_is_expected_elsewhere_and_never_where() {
    let world = school().await;
    let home = world.officer("kingsmead", 40).await;
    let one = world.officer("northgate", 41).await;
    let other = world.officer("ridgeway", 42).await;
    for (by, said) in [
        ("ridgeway", learner("r-9", Registration::Guest, "1000000019")),
        ("kingsmead", placement("k-1", "ridgeway")),
        ("ridgeway", acceptance("r-9", "kingsmead")),
        ("northgate", tomorrow(None, classes(&[130]))),
        ("ridgeway", tomorrow(None, classes(&[150]))),
    ] {
        assert_eq!(world.declare(by, said).await, DeclareResult::Accepted);
    }
    let mut changes = world.exchange.board_changes().unwrap();
    changes.mark_unchanged();
    world.jump_to(FOUR + 1).await;
    assert!(changes.has_changed().unwrap(), "boards that are open look again");
    let away = world.misfits(&home, BoardAsk::Away).await;
    let clash: Vec<_> =
        away.iter().filter(|misfit| misfit.known.contains("expect them at the same time")).collect();
    assert_eq!(clash.len(), 1, "{away:?}");
    assert_eq!(clash[0].told.len(), 1, "what names both is told to the home alone");
    for at in ["northgate", "ridgeway"] {
        world.pass(MINUTE);
        let message =
            world.exchange.begin_sending(&slug(at), Channel::Mail, 1, world.now()).await.unwrap().unwrap();
        let alert = message.alerts.iter().find(|alert| alert.about == "expected_elsewhere").unwrap();
        assert_eq!((alert.site.0.clone(), alert.day), (slug(at), Some(date("2026-09-15"))));
        assert!(message.alerts.iter().all(|alert| alert.about != "two_hosts"));
    }
    for (officer, at, strange) in [(&one, "northgate", "ridgeway"), (&other, "ridgeway", "northgate")] {
        let seen = world.misfits(officer, BoardAsk::Visitors).await;
        let words = "You have a lesson for them, and another partner expects them at the same time";
        assert_eq!(seen.iter().map(|one| one.known.as_str()).collect::<Vec<_>>(), [words]);
        let acting = Acting { speaker: officer, role: Role::AttendanceOfficer };
        let refused = world.exchange.take_in_hand(acting, clash[0].id, "", world.now()).await;
        assert!(matches!(refused, Err(LawError::NotAllowed(NotAllowed::Denied))), "{refused:?}");
        world.exchange.take_in_hand(acting, seen[0].id, "", world.now()).await.unwrap();
        let told = world.entries_of("alert.told").await;
        let entry = told.iter().find(|entry| entry["more"]["alert"] == seen[0].id.to_string()).unwrap();
        assert_eq!(entry["more"]["told"], serde_json::json!([at]));
        assert!(!entry.to_string().contains(strange), "not in the log's entry either: {entry}");
    }
}

#[tokio::test]
async fn a_home_that_leaves_a_learner_to_nobody_is_told_alone() {
    let world = school().await;
    let home = world.officer("kingsmead", 40).await;
    assert_eq!(
        world.declare("kingsmead", learner("k-7", Registration::Home, "1000000043")).await,
        DeclareResult::Accepted
    );
    world.declare("kingsmead", plan("P7", "k-7", NoticeKind::AtPartner, 130)).await;
    world.declare("northgate", tomorrow(None, classes(&[130]))).await;
    world.jump_to(FOUR + 1).await;
    let away = world.misfits(&home, BoardAsk::Away).await;
    let words = "Your timetable leaves them to a partner, and no partner has a lesson for them then";
    assert_eq!(read(&away), [("Imogen Ashby", words)], "no placement was declared");
    assert_eq!(away[0].ring, None);
    let told = world.entries_of("alert.told").await;
    assert_eq!(told.last().unwrap()["more"]["told"], serde_json::json!(["kingsmead"]));
}

#[tokio::test]
async fn a_class_on_a_saturday_hides_no_monday_and_a_closed_day_is_found_on_it() {
    let world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    let on = |day: i64, closed, lessons| {
        let date = SchoolDate::from_days(date("2026-09-14").days() + i32::try_from(day).unwrap()).unwrap();
        Declaration::Day(DayDeclaration::new(date, closed, None, lessons).unwrap())
    };
    let class = |day: i64, from: i64| lesson(&format!("D{day}"), day * DAY + from, day * DAY + from + 60);
    // Friday is the 18th.
    for (day, from) in [(4, 10), (5, 10), (7, 250)] {
        world.declare("northgate", on(day, false, vec![class(day, from)])).await;
    }
    let monday = between(7 * DAY + 130, 7 * DAY + 190);
    world.declare("kingsmead", notice("P1", "k-1", NoticeKind::AtPartner, monday, false)).await;
    world.jump_to(4 * DAY + FOUR - 1).await;
    assert_eq!(world.misfits(&officer, BoardAsk::Away).await, []);
    world.jump_to(4 * DAY + FOUR + 1).await;
    let seen = world.misfits(&officer, BoardAsk::Away).await;
    assert_eq!(seen.iter().map(|misfit| misfit.day).collect::<Vec<_>>(), [Some(date("2026-09-21"))]);

    // Snow on the Monday: nobody teaches, and whoever is sent there stands before a closed door.
    world.declare("northgate", on(7, true, Vec::new())).await;
    world.jump_to(7 * DAY).await;
    let seen = world.misfits(&officer, BoardAsk::Away).await;
    let words = "Your timetable leaves learners to Northgate College, which is closed that day";
    assert_eq!(read(&seen), [("Northgate College", words)]);
}

/// The learner changes school in the middle of it: the new home knows of both placements only now.
#[tokio::test]
async fn a_home_that_takes_the_learner_over_is_told_what_the_one_before_was_told() {
    let text = CONSORTIUM
        .replace("\n[[agreement]]", "[[institution]]\nslug = \"hillcrest\"\nname = \"Hillcrest Academy\"\ntype = \"academy\"\n\n[[agreement]]")
        .replace("\"northgate\"]", "\"northgate\", \"hillcrest\"]")
        .replace("last_date = \"2027-07-31\"", "last_date = \"2027-07-31\"\ncard = [\"identity\", \"presence_today\"]");
    let file = ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE);
    let all = PARTNERS.into_iter().chain(["hillcrest"]);
    let file = all.fold(file, |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager));
    let mut world = on_file(open_store("sqlite::memory:").await, file).await;
    world.enrol("hillcrest", 9).await;
    let before = world.officer("kingsmead", 40).await;
    let after = world.officer("hillcrest", 43).await;
    for (by, said) in [
        ("ridgeway", learner("r-9", Registration::Guest, "1000000019")),
        ("kingsmead", placement("k-1", "ridgeway")),
        ("ridgeway", acceptance("r-9", "kingsmead")),
        ("northgate", tomorrow(None, classes(&[130]))),
        ("ridgeway", tomorrow(None, classes(&[150]))),
    ] {
        assert_eq!(world.declare(by, said).await, DeclareResult::Accepted);
    }
    world.jump_to(FOUR + 1).await;
    let clash = |misfits: &[AlarmSeen]| {
        misfits.iter().filter(|one| one.known.contains("expect them at the same time")).count()
    };
    assert_eq!(clash(&world.misfits(&before, BoardAsk::Away).await), 1);
    assert_eq!(world.misfits(&after, BoardAsk::Away).await, []);

    for (by, said) in [
        ("kingsmead", learner("k-1", Registration::Previous, "1000000019")),
        ("hillcrest", learner("h-1", Registration::Home, "1000000019")),
        ("hillcrest", placement("h-1", "northgate")),
        ("hillcrest", placement("h-1", "ridgeway")),
        ("northgate", acceptance("n-1", "hillcrest")),
        ("ridgeway", acceptance("r-9", "hillcrest")),
    ] {
        assert_eq!(world.declare(by, said).await, DeclareResult::Accepted);
    }
    world.jump_to(FOUR + 3).await;
    assert_eq!(clash(&world.misfits(&after, BoardAsk::Away).await), 1);
    assert_eq!(world.misfits(&before, BoardAsk::Away).await, [], "they left");
    let told = world.entries_of("alert.told").await;
    let of: Vec<_> = told.iter().filter(|entry| entry["more"]["about"] == "two_hosts").collect();
    assert_eq!(of.len(), 2, "each home once: {of:?}");
    assert_eq!(of[1]["more"]["told"], serde_json::json!(["kingsmead", "hillcrest"]));
    world.jump_to(FOUR + 5).await;
    let told = world.entries_of("alert.told").await;
    assert_eq!(told.iter().filter(|entry| entry["more"]["about"] == "two_hosts").count(), 2, "and not again");
}

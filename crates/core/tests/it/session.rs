//! From host marks to a session proposal: the published example rows, the other rules, and two promises.

use crate::date;
use commonroll_core::{
    Interval, Timestamp,
    attendance::{
        AwayCode, Category, HomeMark, HostLesson, HostMark, Outcome, Review, SessionRules, SessionWindow,
        Standing, propose_session,
    },
    record::attendance::Physical,
};
use proptest::prelude::*;

const GUEST: SessionRules =
    SessionRules { standing: Standing::Guest, away_code: AwayCode::B, grace_minutes: 15 };
const DUAL: SessionRules = SessionRules { standing: Standing::Dual, ..GUEST };

/// A time on a school day in September, when London is an hour ahead of UTC.
fn at(time: &str) -> Timestamp {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    date("2026-09-14").at(time.parse().unwrap(), &zone)
}

fn morning() -> SessionWindow {
    SessionWindow::new(at("08:45"), at("09:15"), at("12:30")).unwrap()
}

fn lesson(start: &str, end: &str, seen: Option<Physical>) -> HostLesson<'static> {
    let mark = seen.map(|physical| HostMark { physical, minutes_late: None, reason_hint: None });
    HostLesson { interval: Interval::new(at(start), at(end)).unwrap(), mark }
}

fn late(minutes: u32) -> HostLesson<'static> {
    let mark = HostMark { physical: Physical::Late, minutes_late: Some(minutes), reason_hint: None };
    HostLesson { mark: Some(mark), ..lesson("09:00", "10:00", None) }
}

fn proposed(lessons: &[HostLesson<'static>]) -> Outcome<'static> {
    propose_session(&morning(), &GUEST, lessons, None, at("11:00"))
}

const ATTENDED: Outcome<'static> = Outcome::ProposeAttended { code: AwayCode::B, minutes_late: None };
const ABSENT: Outcome<'static> = Outcome::ProposeAbsent { reason_hint: None };

#[test]
fn example_present_at_nine_is_b() {
    let outcome = proposed(&[lesson("09:00", "10:00", Some(Physical::Present))]);
    assert_eq!((outcome, outcome.code()), (ATTENDED, Some("B")));
}

#[test]
fn example_ten_minutes_late_is_b_with_the_minutes() {
    assert_eq!(proposed(&[late(10)]), Outcome::ProposeAttended { code: AwayCode::B, minutes_late: Some(10) });
    assert_eq!(proposed(&[late(15)]).code(), Some("B"), "09:15 is not after the register closes");
}

#[test]
fn example_after_the_register_closed_the_home_decides() {
    let outcome = proposed(&[late(25)]);
    assert_eq!(
        (outcome, outcome.code()),
        (Outcome::Review(Review::LateAfterClose { minutes_late: 25 }), None)
    );
}

#[test]
fn example_absent_then_present_is_for_review() {
    let lessons =
        [lesson("09:00", "10:00", Some(Physical::Absent)), lesson("10:15", "11:00", Some(Physical::Present))];
    assert_eq!(proposed(&lessons), Outcome::Review(Review::AbsentThenPresent));
}

#[test]
fn example_absent_all_afternoon_is_n() {
    let afternoon = SessionWindow::new(at("13:15"), at("13:45"), at("15:30")).unwrap();
    let lessons =
        [lesson("13:30", "14:30", Some(Physical::Absent)), lesson("14:30", "15:30", Some(Physical::Absent))];
    let outcome = propose_session(&afternoon, &GUEST, &lessons, None, at("14:35"));
    assert_eq!((outcome, outcome.code()), (ABSENT, Some("N")));
}

#[test]
fn example_a_cancelled_class_is_unknown_not_absent() {
    for physical in [Physical::Unknown, Physical::NotRequired] {
        let outcome = proposed(&[lesson("09:00", "10:00", Some(physical))]);
        assert_eq!((outcome, outcome.code()), (Outcome::Unknown, None));
    }
}

#[test]
fn no_attended_code_without_a_hosts_mark() {
    let lessons = [lesson("09:00", "10:00", None), lesson("10:00", "11:00", Some(Physical::Present))];
    let planned = Some(HomeMark { category: Category::ApprovedEducationalActivity, by_person: false });
    let due = at("10:15");
    for (now, overdue) in [(at("09:30"), false), (at("10:15"), false), (at("10:16"), true)] {
        let outcome = propose_session(&morning(), &GUEST, &lessons, planned, now);
        assert_eq!((outcome, outcome.code()), (Outcome::Unconfirmed { due, overdue }, None));
    }
}

#[test]
fn a_planned_b_flips_when_the_host_says_absent() {
    let planned = Some(HomeMark { category: Category::ApprovedEducationalActivity, by_person: false });
    let lessons = [lesson("09:00", "10:00", Some(Physical::Absent))];
    assert_eq!(propose_session(&morning(), &GUEST, &lessons, planned, at("09:20")), ABSENT);
}

#[test]
fn a_persons_mark_wins_and_a_contradiction_is_shown() {
    use Category::{ApprovedEducationalActivity, AuthorisedAbsence, NoMark, NotPossible, Present};
    for (home, host, conflict) in [
        (AuthorisedAbsence, Physical::Absent, false),
        (AuthorisedAbsence, Physical::Present, true),
        (NotPossible, Physical::Present, true),
        (Present, Physical::Present, false),
        (Present, Physical::Absent, true),
        (ApprovedEducationalActivity, Physical::Absent, true),
        (ApprovedEducationalActivity, Physical::Unknown, false),
    ] {
        let home = Some(HomeMark { category: home, by_person: true });
        let outcome =
            propose_session(&morning(), &GUEST, &[lesson("09:00", "10:00", Some(host))], home, at("11:00"));
        assert_eq!(
            (outcome, outcome.code()),
            (Outcome::HumanMarkWins { conflict }, None),
            "{home:?} {host:?}"
        );
    }
    let none_yet = Some(HomeMark { category: NoMark, by_person: true });
    let lessons = [lesson("09:00", "10:00", Some(Physical::Present))];
    assert_eq!(propose_session(&morning(), &GUEST, &lessons, none_yet, at("11:00")), ATTENDED);
}

#[test]
fn dual_registration_keeps_the_d() {
    for (seen, outcome) in [
        (Some(Physical::Present), Outcome::KeepDual { absent: false }),
        (Some(Physical::Absent), Outcome::KeepDual { absent: true }),
        (Some(Physical::Unknown), Outcome::Unknown),
        (None, Outcome::Unconfirmed { due: at("10:15"), overdue: true }),
    ] {
        let lessons = [lesson("09:00", "10:00", seen)];
        assert_eq!(propose_session(&morning(), &DUAL, &lessons, None, at("11:00")), outcome);
    }
    let own = Some(HomeMark { category: Category::NotPossible, by_person: true });
    let lessons = [lesson("09:00", "10:00", Some(Physical::Present))];
    let outcome = propose_session(&morning(), &DUAL, &lessons, own, at("11:00"));
    assert_eq!(
        outcome,
        Outcome::HumanMarkWins { conflict: false },
        "D at home and present at the host agree"
    );
}

#[test]
fn the_anchor_is_the_lesson_that_covers_the_opening() {
    let (absent, present) = (Some(Physical::Absent), Some(Physical::Present));
    assert_eq!(proposed(&[lesson("09:00", "10:00", present), lesson("08:30", "09:00", absent)]).code(), None);
    assert_eq!(proposed(&[lesson("10:00", "11:00", absent), lesson("08:30", "09:30", present)]), ATTENDED);
    assert_eq!(
        proposed(&[lesson("07:45", "08:45", present), lesson("12:30", "13:30", present)]),
        Outcome::NoLesson
    );
}

#[test]
fn what_is_unclear_goes_to_a_person() {
    let review = |lessons: &[HostLesson<'static>]| match proposed(lessons) {
        Outcome::Review(why) => Some(why),
        _ => None,
    };
    assert_eq!(review(&[lesson("09:00", "10:00", Some(Physical::Late))]), Some(Review::LateUnclear));
    assert_eq!(review(&[late(60)]), Some(Review::LateUnclear), "late by the whole lesson");
    let both =
        [lesson("09:00", "10:00", Some(Physical::Present)), lesson("09:00", "10:00", Some(Physical::Absent))];
    assert_eq!(review(&both), Some(Review::Contradiction));
}

#[test]
fn a_hosts_reason_is_only_a_hint() {
    let mark = HostMark { physical: Physical::Absent, minutes_late: None, reason_hint: Some("M") };
    let lessons = [HostLesson { mark: Some(mark), ..lesson("09:00", "10:00", None) }];
    let outcome = propose_session(&morning(), &GUEST, &lessons, None, at("11:00"));
    assert_eq!((outcome, outcome.code()), (Outcome::ProposeAbsent { reason_hint: Some("M") }, Some("N")));
}

fn any_lesson() -> impl Strategy<Value = HostLesson<'static>> {
    let physical = prop::sample::select(vec![
        Physical::Present,
        Physical::Late,
        Physical::Absent,
        Physical::NotRequired,
        Physical::Unknown,
    ]);
    let mark = prop::option::of((physical, prop::option::of(0..2000_u32)));
    (0..300_i64, 1..120_i64, mark).prop_map(|(start, length, mark)| {
        let start = at("08:00").plus_micros(start * 60_000_000);
        HostLesson {
            interval: Interval::new(start, start.plus_micros(length * 60_000_000)).unwrap(),
            mark: mark.map(|(physical, minutes_late)| HostMark { physical, minutes_late, reason_hint: None }),
        }
    })
}

proptest! {
    #[test]
    fn an_attended_code_always_rests_on_a_host_who_saw_the_learner(
        lessons in prop::collection::vec(any_lesson(), 0..5),
        reversed in any::<bool>(),
    ) {
        let outcome = proposed(&lessons);
        let seen = |wanted: &[Physical]| lessons.iter().any(|l| l.mark.is_some_and(|m| wanted.contains(&m.physical)));
        match outcome.code() {
            Some("N") => prop_assert!(seen(&[Physical::Absent])),
            Some(_) => prop_assert!(seen(&[Physical::Present, Physical::Late])),
            None => {}
        }
        if reversed {
            let mut starts: Vec<_> = lessons.iter().map(|l| l.interval.start()).collect();
            starts.sort();
            starts.dedup();
            if starts.len() == lessons.len() {
                let backwards: Vec<_> = lessons.iter().rev().copied().collect();
                prop_assert_eq!(proposed(&backwards), outcome, "the order of the input makes no difference");
            }
        }
    }
}

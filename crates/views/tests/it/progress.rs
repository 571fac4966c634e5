//! The lead's figures: what counts, what leaves the count, what can't be compared, and that every sum is the recount's.

use commonroll_core::{
    Interval, RecordId, SchoolDate, Timestamp,
    directory::DateRange,
    record::{
        Text,
        assessment::{GradeKind, GradeValue, ResultGiven},
        attendance::{Attendance, Legal, Physical, Presence, Register, Statistical},
    },
};
use commonroll_views::{
    Shelf,
    progress::{About, Attended, Kept, Key, Mark, Outcome, Place, Progress, Scope, Seen, Standing, week_of},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3_600_000_000;
const IN_TIME: Outcome = Outcome::Attended { late: false };
const LATE: Outcome = Outcome::Attended { late: true };

fn date(text: &str) -> SchoolDate {
    text.parse().unwrap()
}

/// Noon on the nth day after Monday, 7 September 2026, and some hours.
fn at(day: i32, hours: i64) -> Timestamp {
    let noon = i64::from(date("2026-09-07").days() + day) * 24 * HOUR + 12 * HOUR;
    Timestamp::from_micros("at", noon + hours * HOUR).unwrap()
}

fn on(day: i32) -> SchoolDate {
    SchoolDate::from_days(date("2026-09-07").days() + day).unwrap()
}

/// A record of a day; nothing else has its number on that day.
fn id(number: u32, day: i32) -> RecordId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&on(day).days().to_be_bytes());
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    RecordId(bytes)
}

fn about(host: u16, course: u32, learner: u32, day: i32) -> About {
    About { host, home: Some(9), learner, course: Some(course), date: on(day) }
}

fn says(outcome: Outcome) -> Mark {
    Mark { outcome, lesson: None }
}

/// A revision that nothing newer than has come.
const STANDING: Standing = Standing::new(0, 1);

/// The nights of so many days pass.
fn nights(progress: &mut Progress, to: i32) {
    (0..=to).for_each(|day| progress.tick(at(day, 12)));
}

fn lessons(seen: &Seen, course: u32) -> Option<Attended> {
    seen.courses.iter().find(|row| row.1 == course).and_then(|row| row.2.lessons)
}

#[test]
fn a_register_says_how_a_mark_counts_and_without_one_the_room_does() {
    let mark = |physical, statistical: Option<Statistical>| Attendance {
        presence: Some(Presence { physical, interval: None, minutes_late: None, minutes_left_early: None }),
        register: statistical
            .map(|statistical| Register { legal: Legal::Present, statistical: Some(statistical) }),
        ..Attendance::default()
    };
    let counts = [
        (Physical::Present, None, IN_TIME),
        (Physical::Late, None, LATE),
        (Physical::Absent, None, Outcome::Missed),
        (Physical::NotRequired, None, Outcome::NotDue),
        (Physical::Unknown, None, Outcome::Unknown),
        // Came after the register closed: in the room, and absent by law.
        (Physical::Late, Some(Statistical::Unauthorised), Outcome::Missed),
        // The authority's transport is missing: not in the room, and leaves the count.
        (Physical::Absent, Some(Statistical::NotCounted), Outcome::NotDue),
        // On a visit: elsewhere, and attended.
        (Physical::Unknown, Some(Statistical::Attended), IN_TIME),
    ];
    for (physical, statistical, outcome) in counts {
        assert_eq!(Outcome::of(&mark(physical, statistical)), outcome, "{physical:?} {statistical:?}");
    }
    assert_eq!(
        Outcome::of(&Attendance::default()),
        Outcome::Unknown,
        "what is held back is nobody's absence"
    );
}

#[test]
fn a_course_of_four_is_hidden_in_its_row_and_in_every_total_until_there_are_five() {
    let mut progress = Progress::default();
    progress.tick(at(0, 0));
    for learner in 0..6 {
        progress.mark(id(learner, 0), STANDING, &about(1, 10, learner, 0), Some(&says(IN_TIME)), at(0, 0));
    }
    for learner in 20..24 {
        progress.mark(
            id(learner, 0),
            STANDING,
            &about(2, 20, learner, 0),
            Some(&says(Outcome::Missed)),
            at(0, 0),
        );
    }
    assert_eq!(progress.seen(Scope::default()).total.lessons, None, "the day isn't over");
    nights(&mut progress, 2);
    let seen = progress.seen(Scope::default());
    let six = Some(Attended { due: 6, attended: 6, late: 0 });
    assert_eq!((lessons(&seen, 10), lessons(&seen, 20)), (six, None));
    assert_eq!(seen.total.lessons, six, "the four are not to be had by subtracting");
    assert_eq!(seen.sites.iter().map(|site| site.1.lessons).collect::<Vec<_>>(), [six, None]);
    // The host itself sees line by line what became of its marks.
    let bridge = progress.bridge(2);
    assert_eq!((bridge.records, bridge.due, bridge.attended, bridge.waiting, bridge.shown), (4, 4, 0, 4, 0));

    // More learners of the same host come on another course: then the site can be summed, and neither course alone.
    for learner in 30..36 {
        progress.mark(id(learner, 3), STANDING, &about(2, 21, learner, 3), Some(&says(LATE)), at(3, 0));
    }
    nights(&mut progress, 20);
    let seen = progress.seen(Scope::default());
    assert_eq!(lessons(&seen, 21), Some(Attended { due: 6, attended: 6, late: 6 }));
    assert_eq!(lessons(&seen, 20), None);
    assert_eq!(seen.total.lessons.unwrap().due, 12, "four who all missed would still be four");
}

#[test]
fn corrections_and_withdrawals_move_only_what_they_change() {
    let mut progress = Progress::default();
    progress.tick(at(0, 0));
    let put = |progress: &mut Progress, learner: u32, outcome: Option<Outcome>, when| {
        progress.mark(id(learner, 0), STANDING, &about(1, 10, learner, 0), outcome.map(says).as_ref(), when);
    };
    (0..8).for_each(|learner| put(&mut progress, learner, Some(IN_TIME), at(0, 0)));
    nights(&mut progress, 2);
    let before = progress.seen(Scope::default());
    assert_eq!(lessons(&before, 10), Some(Attended { due: 8, attended: 8, late: 0 }));
    // One correction waits: whoever compares two days must not see whose mark it was.
    put(&mut progress, 0, Some(Outcome::Missed), at(3, 0));
    nights(&mut progress, 4);
    assert_eq!(progress.seen(Scope::default()), before);
    let bridge = progress.bridge(1);
    assert_eq!(
        (bridge.due, bridge.attended, bridge.waiting),
        (8, 7, 0),
        "the host's own figure has it at once"
    );
    // With four more it is told.
    (1..4).for_each(|learner| put(&mut progress, learner, Some(Outcome::NotDue), at(5, 0)));
    put(&mut progress, 4, None, at(5, 0));
    progress.tick(at(6, 12));
    let seen = progress.seen(Scope::default());
    assert_eq!(lessons(&seen, 10), Some(Attended { due: 4, attended: 3, late: 0 }));
    let bridge = progress.bridge(1);
    assert_eq!((bridge.records, bridge.not_due, bridge.withdrawn, bridge.due), (8, 3, 1, 4));
    assert_eq!(
        bridge.records - bridge.not_due - bridge.withdrawn - bridge.waiting - bridge.pooled,
        bridge.shown
    );
}

#[test]
fn a_day_with_lessons_at_two_sites_is_a_travel_day_whichever_mark_comes_first() {
    let mut progress = Progress::default();
    progress.tick(at(0, 0));
    for learner in 0..6 {
        // In the morning at host 1, in the afternoon at host 2, and the next day at host 1 alone.
        progress.mark(id(learner, 0), STANDING, &about(1, 10, learner, 0), Some(&says(IN_TIME)), at(0, 0));
        progress.mark(
            id(100 + learner, 0),
            STANDING,
            &about(2, 20, learner, 0),
            Some(&says(Outcome::Missed)),
            at(0, 2),
        );
        progress.mark(
            id(200 + learner, 1),
            STANDING,
            &about(1, 10, learner, 1),
            Some(&says(IN_TIME)),
            at(1, 0),
        );
    }
    nights(&mut progress, 3);
    let seen = progress.seen(Scope::default());
    let row = seen.travel.iter().find(|row| row.1 == 10).unwrap();
    let six = |attended| Some(Attended { due: 6, attended, late: 0 });
    assert_eq!((row.2, row.3), (six(6), six(6)));
    assert_eq!(seen.travel.iter().find(|row| row.1 == 20).map(|row| (row.2, row.3)), Some((six(0), None)));
    // The marks of host 2 were a mistake: then nobody travelled.
    (0..6).for_each(|learner| {
        progress.mark(id(100 + learner, 0), STANDING, &about(2, 20, learner, 0), None, at(4, 0))
    });
    progress.tick(at(5, 12));
    let seen = progress.seen(Scope::default());
    assert_eq!(seen.travelling, (None, Some(Attended { due: 12, attended: 12, late: 0 })));
}

fn grade(kind: GradeKind, scale: &str, value: &str) -> ResultGiven {
    ResultGiven {
        kind,
        scale_id: scale.to_owned(),
        scale_version: "2024".to_owned(),
        value: GradeValue::Given(value.to_owned()),
        subject: Text::default(),
        title: Text::default(),
        result_set: Text::default(),
        points: None,
    }
}

#[test]
fn grades_are_compared_on_one_scale_with_known_points_and_not_at_all_elsewhere() {
    use GradeKind::{MinimumTarget, WorkingAt};
    let mut progress = Progress::default();
    progress.tick(at(0, 0));
    let mut number = 0;
    let mut put = |progress: &mut Progress, learner: u32, given: ResultGiven| {
        number += 1;
        progress.grade(id(number, 0), &about(1, 10, learner, 0), Some(&given));
    };
    let pairs = [
        ("gce-a-level", "C", "B"),
        ("gce-a-level", "B", "B"),
        ("gce-a-level", "A*", "B"),
        ("gce-a-level", "C", "A"),
        ("gce-a-level", "B", "C"),
    ];
    for (learner, (scale, now, goal)) in (0..).zip(pairs) {
        put(&mut progress, learner, grade(WorkingAt, scale, now));
        put(&mut progress, learner, grade(MinimumTarget, scale, goal));
    }
    // A split grade, no target, a grade that isn't there yet, a mark, and a target on another scale.
    put(&mut progress, 10, grade(WorkingAt, "gce-a-level", "B/C"));
    put(&mut progress, 10, grade(MinimumTarget, "gce-a-level", "B"));
    put(&mut progress, 11, grade(WorkingAt, "gce-a-level", "B"));
    put(
        &mut progress,
        12,
        ResultGiven { value: GradeValue::Pending, ..grade(WorkingAt, "gce-a-level", "B") },
    );
    put(&mut progress, 12, grade(MinimumTarget, "gce-a-level", "B"));
    put(&mut progress, 13, grade(WorkingAt, "raw-0-100", "67"));
    put(&mut progress, 13, grade(MinimumTarget, "raw-0-100", "70"));
    put(&mut progress, 14, grade(WorkingAt, "btec-extended-certificate", "M"));
    put(&mut progress, 14, grade(MinimumTarget, "gce-a-level", "B"));
    // A forecast is no working-at grade.
    put(&mut progress, 15, grade(GradeKind::Predicted, "gce-a-level", "A"));
    nights(&mut progress, 2);
    let total = progress.seen(Scope::default()).total;
    let gap = total.gap.unwrap();
    assert_eq!((gap.compared, gap.grades, gap.below, gap.on, gap.above), (5, 0, 2, 1, 2));
    assert_eq!(total.apart, Some([1, 1, 2, 1]));
    // A newer grade takes the place of an older one, once five are new.
    for learner in 0..5 {
        put(&mut progress, learner, grade(WorkingAt, "gce-a-level", "E"));
    }
    progress.tick(at(3, 12));
    let gap = progress.seen(Scope::default()).total.gap.unwrap();
    assert_eq!((gap.compared, gap.below), (5, 5));
}

#[test]
fn who_left_before_the_end_is_told_when_five_did() {
    let mut progress = Progress::default();
    progress.tick(at(0, 0));
    let dates = DateRange::new(on(1), on(200)).unwrap();
    let place = |progress: &mut Progress, learner: u32, ended| {
        let place = Place { dates, ended };
        progress.place(u64::from(learner), &about(1, 10, learner, 0), Some(place));
    };
    (0..20).for_each(|learner| place(&mut progress, learner, None));
    let kept =
        |progress: &Progress| progress.seen(Scope::default()).courses.first().and_then(|row| row.2.kept);
    assert_eq!(kept(&progress), None);
    nights(&mut progress, 3);
    assert_eq!(kept(&progress), Some(Kept { begun: 20, left: 0 }));
    (0..4).for_each(|learner| place(&mut progress, learner, Some(at(30, 0))));
    progress.tick(at(31, 12));
    assert_eq!(kept(&progress), Some(Kept { begun: 20, left: 0 }), "four are not told");
    place(&mut progress, 4, Some(at(32, 0)));
    // Taken back before it began: it never was one.
    progress.place(19, &about(1, 10, 19, 0), None);
    progress.tick(at(33, 12));
    assert_eq!(kept(&progress), Some(Kept { begun: 19, left: 5 }));
}

#[test]
fn registers_count_once_and_by_their_first_mark() {
    let mut progress = Progress::default();
    let minute = HOUR / 60;
    let lesson = |hours| Interval::new(at(0, hours), at(0, hours + 1)).unwrap();
    let mut number = 0;
    let mut mark = |hours, minutes: i64| {
        number += 1;
        let mark = Mark { outcome: IN_TIME, lesson: Some((7, lesson(hours))) };
        progress.mark(
            id(number, 0),
            STANDING,
            &about(1, 10, number, 0),
            Some(&mark),
            at(0, hours).plus_micros(minutes * minute),
        );
    };
    mark(0, 5); // in time
    mark(0, 300); // the same register, a later mark
    mark(2, 30); // before the end
    mark(4, 61); // a minute after the end
    mark(6, 180);
    let site = progress.registers().of(|host, week| host == 1 && week == week_of(on(0)));
    assert_eq!((site.registers, site.in_time, site.by_end), (4, 1, 2));
    assert_eq!((site.within(50), site.within(75), site.within(95)), (Some(0), Some(60), Some(14_400)));
    assert_eq!(progress.registers().of(|host, _| host == 2).within(50), None);
}

#[test]
fn with_a_new_school_year_the_year_before_the_last_leaves_every_figure_for_good() {
    let mut progress = Progress::default();
    progress.tick(at(0, 0));
    let put = |progress: &mut Progress, day: i32, outcome: Option<Outcome>, when| {
        for learner in 0..6 {
            let mark = outcome.map(says);
            progress.mark(id(learner, day), STANDING, &about(1, 10, learner, day), mark.as_ref(), when);
        }
    };
    let lesson = Interval::new(at(0, 0), at(0, 1)).unwrap();
    put(&mut progress, 0, Some(IN_TIME), at(0, 0));
    let timed = Mark { outcome: IN_TIME, lesson: Some((1, lesson)) };
    progress.mark(id(7, 0), STANDING, &about(1, 10, 0, 0), Some(&timed), at(0, 0));
    nights(&mut progress, 2);
    let seen = |progress: &Progress| progress.seen(Scope::default()).total;
    assert_eq!(seen(&progress).lessons.unwrap().due, 7);
    // The next school year: the last one stays.
    progress.tick(at(340, 0));
    assert_eq!((seen(&progress).lessons.unwrap().due, progress.bridge(1).records), (7, 7));
    // The year after that begins on 1 August 2028; this week's marks are counted as ever.
    progress.tick(at(690, 0));
    put(&mut progress, 690, Some(LATE), at(690, 0));
    progress.tick(at(700, 0));
    let left = seen(&progress);
    assert_eq!(
        (left.lessons, left.registers.unwrap().registers),
        (Some(Attended { due: 6, attended: 6, late: 6 }), 0)
    );
    assert_eq!(progress.bridge(1).records, 6);
    // What is corrected, taken back, forgotten or sent of that year now moves nothing.
    put(&mut progress, 0, Some(Outcome::Missed), at(701, 0));
    put(&mut progress, 1, Some(Outcome::Missed), at(701, 0));
    put(&mut progress, 0, None, at(701, 0));
    progress.forget_mark(id(0, 0), 2);
    (702..720).for_each(|day| progress.tick(at(day, 0)));
    assert_eq!((seen(&progress), progress.bridge(1).records), (left, 6));
}

#[test]
fn an_older_revision_that_comes_late_changes_nothing() {
    let mut progress = Progress::default();
    progress.tick(at(0, 0));
    let mut put = |learner, revision, outcome| {
        let about = about(1, 10, learner, 0);
        progress.mark(id(learner, 0), Standing::new(7, revision), &about, Some(&says(outcome)), at(0, 0));
    };
    (0..6).for_each(|learner| put(learner, 2, IN_TIME));
    (0..6).for_each(|learner| put(learner, 1, Outcome::Missed));
    (0..2).for_each(|learner| put(learner, 3, LATE));
    let whole = progress.lessons().ledger().whole(|_| true);
    assert_eq!(whole, [6, 6, 2]);
}

#[test]
fn a_term_that_is_sent_at_once_is_not_held_back_for_the_hour() {
    let mut progress = Progress::default();
    progress.tick(at(30, 0));
    let put = |progress: &mut Progress, day, learner| {
        let about = about(1, 10, learner, day);
        progress.mark(id(learner, day), STANDING, &about, Some(&says(IN_TIME)), at(30, 0));
    };
    let waits = |progress: &Progress| progress.lessons().ledger().waiting(|_| true)[0];
    (0..50_000).for_each(|number| put(&mut progress, (number % 20) as i32, number));
    assert_eq!(waits(&progress), 50_000);
    put(&mut progress, 0, 50_000);
    assert_eq!(waits(&progress), 0);
    // What can't be published yet isn't tried again with each mark.
    (0..150_000).for_each(|number| put(&mut progress, 30, number));
    assert_eq!(waits(&progress), 150_000);
    assert_eq!(progress.as_of().0, 3, "at fifty thousand, and at that and the double of today’s");
}

/// A shelf in memory.
#[derive(Debug, Default)]
struct Board(BTreeMap<i32, Vec<u8>>);

impl Shelf for Board {
    fn lay(&mut self, day: i32, bytes: &[u8]) -> bool {
        self.0.insert(day, bytes.to_vec());
        true
    }

    fn look(&mut self, day: i32) -> Option<Vec<u8>> {
        self.0.get(&day).cloned()
    }

    fn clear(&mut self, day: i32) {
        self.0.remove(&day);
    }
}

type Step = (u32, u16, u32, u32, i32, Option<Outcome>, i32, bool);

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Some(IN_TIME)), 1 => Just(Some(LATE)), 2 => Just(Some(Outcome::Missed)),
        1 => Just(Some(Outcome::NotDue)), 1 => Just(Some(Outcome::Unknown)), 1 => Just(None),
    ];
    let forgotten = prop::bool::weighted(0.03);
    (0..12_u32, 1..4_u16, 0..3_u32, 0..14_u32, 0..21_i32, outcome, 0..2_i32, forgotten)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What was counted step by step is what somebody counts who has all records in front of them, also if most days lie
    /// on a shelf.
    #[test]
    fn sums_equal_a_naive_recount(steps in prop::collection::vec(step(), 1..400), room in prop::option::of(1..60_usize)) {
        let shelved = |room| Progress::with_room(Box::new(Board::default()), room);
        let mut progress = room.map_or_else(Progress::default, shelved);
        progress.tick(at(0, 0));
        let mut records: BTreeMap<(u32, i32), (About, Option<Outcome>)> = BTreeMap::new();
        let mut now = 0;
        for (number, host, course, learner, day, outcome, pause, is_forgotten) in steps {
            now += pause;
            progress.tick(at(now, 0));
            if is_forgotten {
                let places = u64::from(number) * 100..u64::from(number + 1) * 100;
                let may = |(first, last)| first < places.end && last >= places.start;
                progress.forget_marks(may, |seq| places.contains(&seq));
                records.retain(|(of, _), _| *of != number);
                continue;
            }
            let about = About { course: (course > 0).then_some(u32::from(host) * 10 + course), ..about(host, 0, learner, day) };
            let standing = Standing::new(u64::from(number) * 100 + day as u64, 1);
            progress.mark(id(number, day), standing, &about, outcome.map(says).as_ref(), at(now, 0));
            records.insert((number, day), (about, outcome));
        }
        let due: Vec<(&About, Outcome)> = records.values()
            .filter(|(about, _)| about.course.is_some())
            .filter_map(|(about, outcome)| Some((about, (*outcome)?)))
            .filter(|(_, outcome)| !matches!(outcome, Outcome::NotDue | Outcome::Unknown))
            .collect();
        let travels = |of: &About| {
            let sites: BTreeSet<u16> = due.iter()
                .filter(|(about, _)| about.learner == of.learner && about.date == of.date)
                .map(|(about, _)| about.host).collect();
            sites.len() > 1
        };
        let ledger = progress.lessons().ledger();
        for host in 1..4_u16 {
            for week in 0..3 {
                let week = week_of(on(0)) + week;
                for travel in [true, false] {
                    let mut sums = [0; 3];
                    for (about, outcome) in &due {
                        if about.host == host && week_of(about.date) == week && travels(about) == travel {
                            sums[0] += 1;
                            sums[1] += i64::from(matches!(outcome, Outcome::Attended { .. }));
                            sums[2] += i64::from(*outcome == LATE);
                        }
                    }
                    let fits = |key: &Key| {
                        key.host == Some(host) && key.week == Some(week) && key.travel == Some(travel)
                    };
                    prop_assert_eq!(ledger.whole(fits), sums);
                }
            }
            let bridge = progress.bridge(host);
            let mine = records.values().filter(|(about, _)| about.host == host).count();
            prop_assert_eq!(bridge.records, i64::try_from(mine).unwrap());
            prop_assert_eq!(bridge.due, i64::try_from(due.iter().filter(|(about, _)| about.host == host).count()).unwrap());
        }
        prop_assert!(progress.is_sound());
        let (whole, waits) = (ledger.whole(|_| true), ledger.waiting(|_| true));
        let shown = ledger.shown(|_| true).unwrap_or([0; 3]);
        prop_assert_eq!(whole, std::array::from_fn::<i64, 3, _>(|at| shown[at] + waits[at]));
        // Tables are made at once: each row is what somebody finds who adds up all that is of it.
        let in_part = progress.in_part();
        for of in [None, Some(1)] {
            let seen = progress.seen(Scope { host: of });
            let mine = |key: &Key| of.is_none_or(|of| key.host == Some(of));
            // What corrections that were pooled elsewhere have left below nothing is no figure.
            let whole = |[due, attended, late]: [i64; 3]| {
                (due > 0 && 0 <= late && late <= attended && attended <= due).then_some(due)
            };
            let due = |fits: &dyn Fn(&Key) -> bool| ledger.shown(|key| mine(key) && fits(key)).and_then(whole);
            let told = |of: Option<Attended>| of.map(|of| i64::try_from(of.due).unwrap());
            prop_assert_eq!(told(seen.total.lessons), due(&|_| true));
            for (host, row) in &seen.sites {
                prop_assert_eq!(told(row.lessons), due(&|key| key.host == Some(*host)));
                let bridge = progress.bridge(*host);
                prop_assert_eq!(in_part.contains(host), bridge.waiting != 0 || bridge.pooled != 0);
            }
            for (host, course, row) in &seen.courses {
                prop_assert_eq!(told(row.lessons), due(&|key| (key.host, key.course) == (Some(*host), Some(*course))));
            }
            for (home, row) in &seen.homes {
                prop_assert_eq!(told(row.lessons), due(&|key| key.home == Some(*home)));
                let at_all = ledger.shown(|key| key.home == Some(*home)).and_then(whole);
                prop_assert_eq!(told(progress.seen_of_home(*home).unwrap().lessons), at_all);
            }
            for (week, row) in &seen.weeks {
                prop_assert_eq!(told(*row), due(&|key| key.week == Some(*week)));
            }
            for (host, week, row) in &seen.site_weeks {
                prop_assert_eq!(told(*row), due(&|key| (key.host, key.week) == (Some(*host), Some(*week))));
            }
            for (host, course, away, here) in &seen.travel {
                for (travel, row) in [(true, away), (false, here)] {
                    let fits = |key: &Key| (key.host, key.course, key.travel) == (Some(*host), Some(*course), Some(travel));
                    prop_assert_eq!(told(*row), due(&fits));
                }
            }
        }
        prop_assert_eq!(progress.seen_of_home(99), None);
    }
}

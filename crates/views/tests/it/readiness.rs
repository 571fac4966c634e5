//! How ready a partner's data is: what counts, what doesn't, that the same facts give the same report in whatever order a
//! start reads them, and that others are told less.

use commonroll_core::{Interval, LocalId, RecordId, SchoolDate, Timestamp};
use commonroll_views::readiness::{
    Came, DAYS, Due, Entry, For, GOAL, Mapping, Matching, Readiness, Report, What,
};

const MINUTE: i64 = 60_000_000;
const HOST: u16 = 1;
const HOME: u16 = 2;
/// As many days as there are.
const ALL: usize = DAYS as usize;

fn today() -> SchoolDate {
    "2026-11-16".parse().unwrap()
}

/// So many days ago, at an hour and minute (UTC).
fn at(ago: i32, hour: i64, minute: i64) -> Timestamp {
    let day = i64::from(today().days() - ago) * 24 * 60;
    Timestamp::from_micros("at", (day + hour * 60 + minute) * MINUTE).unwrap()
}

fn on(ago: i32) -> SchoolDate {
    SchoolDate::from_days(today().days() - ago).unwrap()
}

fn group(code: &str) -> LocalId {
    LocalId::parse("group", code).unwrap()
}

fn lesson(ago: i32, hour: i64) -> Interval {
    Interval::new(at(ago, hour, 0), at(ago, hour + 1, 0)).unwrap()
}

fn due(code: &str, ago: i32, hour: i64) -> Due {
    Due { group: group(code), time: lesson(ago, hour) }
}

/// The first revision of a record that stands at a place.
fn entry(seq: u64, learner: u32) -> Entry {
    Entry { seq, record: RecordId(u128::from(seq).to_be_bytes()), revision: 1, learner }
}

/// A mark about a learner, so many minutes after the lesson's end.
fn mark(seq: u64, learner: u32, time: Interval, late: i64) -> Came {
    Came { entry: entry(seq, learner), time, accepted: time.end().plus_micros(late * MINUTE) }
}

/// Three visit ENG at nine and one ART at ten, as of three in the afternoon.
fn report(readiness: &mut Readiness, matching: Matching, readers: For) -> Report {
    let visiting = |code: &LocalId, _, _| match code.as_str() {
        "ENG" => vec![1, 2, 3],
        "ART" => vec![4],
        _ => Vec::new(),
    };
    let now = (today(), at(0, 15, 0));
    assert!(readiness.settle(HOST, now, ALL, visiting));
    readiness.report(HOST, now, (matching, readers))
}

fn points(report: &Report, what: What) -> Option<u32> {
    report.parts.iter().find(|part| part.what == what).unwrap().points
}

fn numbers(report: &Report, what: What) -> (u64, u64) {
    report.parts.iter().find(|part| part.what == what).unwrap().numbers
}

fn said(report: &Report, what: What) -> &str {
    &report.parts.iter().find(|part| part.what == what).unwrap().said
}

/// A morning: ENG came in time but for one learner, ART three hours late; NONE has no visitor, and one lesson is to come.
fn morning() -> Readiness {
    let mut readiness = Readiness::default();
    let lessons = vec![due("ENG", 0, 9), due("ART", 0, 10), due("NONE", 0, 11), due("ENG", 0, 15)];
    readiness.declared(HOST, 1, on(0), lessons);
    for (seq, learner) in [(10, 1), (11, 2)] {
        readiness.came(HOST, &group("ENG"), on(0), mark(seq, learner, lesson(0, 9), 3));
    }
    readiness.came(HOST, &group("ART"), on(0), mark(12, 4, lesson(0, 10), 180));
    readiness.in_order();
    readiness
}

#[test]
fn lessons_that_are_over_times_their_visitors_are_due_and_registers_count_by_their_first_mark() {
    let mut readiness = morning();
    let report = report(&mut readiness, Matching::default(), For::Own);
    assert_eq!(points(&report, What::Complete), Some(75), "three of four: {report:?}");
    assert_eq!(said(&report, What::Complete), "3 of 4 marks that were due have come.");
    assert_eq!(points(&report, What::OnTime), Some(50));
    assert_eq!(
        said(&report, What::OnTime),
        "1 of 2 registers were here within 10 minutes of the lesson’s end. Half came within 3 minutes of it."
    );
    assert_eq!(points(&report, What::Matched), None, "nothing is made up where there is nothing");
    assert!(said(&report, What::Matched).starts_with("Not measured"));
    let late = report.fixes.iter().find(|fix| fix.what == What::OnTime).unwrap();
    assert!(late.text.contains("Look first at ART."), "{late:?}");
    assert_eq!(late.by, "2026-11-27".parse().unwrap(), "a Friday");
    assert_eq!(late.owner, "Head and teachers");
}

#[test]
fn a_correction_changes_nothing_and_what_is_gone_is_as_if_a_start_had_never_been_told_of_it() {
    let mut readiness = morning();
    let before = report(&mut readiness, Matching::default(), For::Own);
    readiness.came(HOST, &group("ENG"), on(0), mark(20, 1, lesson(0, 9), 300));
    assert_eq!(report(&mut readiness, Matching::default(), For::Own), before);
    readiness.gone(|entry| entry.seq == 10);
    assert_eq!(
        numbers(&report(&mut readiness, Matching::default(), For::Own), What::Complete),
        (3, 4),
        "the correction stands"
    );
    readiness.gone(|entry| entry.learner == 1);
    let after = report(&mut readiness, Matching::default(), For::Own);
    assert_eq!(numbers(&after, What::Complete), (2, 4));
    readiness.site(HOST).graded(at(0, 9, 0), entry(30, 1), true);
    readiness.site(HOST).graded(at(0, 9, 0), entry(31, 2), false);
    readiness.gone(|entry| entry.seq == 30);
    assert_eq!(numbers(&report(&mut readiness, Matching::default(), For::Own), What::Grades), (0, 1));
}

/// A busy day is worked out register by register as marks come: the figures are those of whoever works all of it out at once.
#[test]
fn a_day_that_goes_on_is_worked_out_mark_by_mark_as_it_is_at_once() {
    let visiting = |code: &LocalId, _, _| match code.as_str() {
        "ENG" => vec![1, 2, 3],
        "ART" => vec![4, 5, 6, 7, 8],
        _ => Vec::new(),
    };
    let marks = [
        ("ENG", mark(10, 1, lesson(0, 9), 3)),
        ("ART", mark(11, 4, lesson(0, 10), 180)),
        ("ENG", mark(12, 2, lesson(0, 9), 4)),
        ("ENG", mark(13, 1, lesson(0, 12), 20)),
        ("ART", mark(14, 8, lesson(0, 10), 2)),
    ];
    let declared = || {
        let mut readiness = Readiness::default();
        let lessons = vec![due("ENG", 0, 9), due("ART", 0, 10), due("ENG", 0, 12), due("NONE", 0, 11)];
        readiness.declared(HOST, 1, on(0), lessons);
        readiness.in_order();
        readiness
    };
    let of = |readiness: &mut Readiness, now| {
        assert!(readiness.settle(HOST, (today(), now), ALL, visiting));
        readiness.report(HOST, (today(), now), (Matching::default(), For::Own))
    };
    let mut each = declared();
    for so_far in 0..=marks.len() {
        if let Some((code, came)) = so_far.checked_sub(1).map(|last| marks[last]) {
            each.came(HOST, &group(code), on(0), came);
        }
        // At noon a lesson is still to come; in the afternoon it is over, without a mark or with one.
        for now in [at(0, 11, 30), at(0, 12, 30), at(0, 15, 0)] {
            let mut once = declared();
            marks[..so_far].iter().for_each(|(code, came)| once.came(HOST, &group(code), on(0), *came));
            assert_eq!(of(&mut each.clone(), now), of(&mut once, now), "{so_far} marks");
        }
        of(&mut each, at(0, 11, 30));
    }
    // What is gone is taken out of its register, and a register that is declared anew is worked out anew.
    let mut once = declared();
    marks[1..].iter().for_each(|(code, came)| once.came(HOST, &group(code), on(0), *came));
    each.gone(|entry| entry.seq == 10);
    assert_eq!(of(&mut each, at(0, 15, 0)), of(&mut once, at(0, 15, 0)));
    for one in [&mut each, &mut once] {
        one.declared(HOST, 2, on(0), vec![due("ART", 0, 10)]);
    }
    assert_eq!(of(&mut each, at(0, 15, 0)), of(&mut once, at(0, 15, 0)));
}

#[test]
fn a_receipt_counts_in_whatever_order_a_start_reads_the_log() {
    let told = |order: &[usize]| {
        let mut readiness = Readiness::default();
        for step in order {
            match step {
                0 => readiness.taken(HOST, Some(HOME), 5, at(0, 9, 0)),
                1 => readiness.taken(HOST, Some(HOME), 6, at(0, 9, 0)),
                2 => readiness.receipt(HOME, 6, at(0, 9, 2)),
                _ => readiness.receipt(HOME, 7, at(0, 9, 30)),
            }
        }
        readiness.in_order();
        let matching = (Matching::default(), For::Own);
        readiness.report(HOME, (today(), at(0, 15, 0)), matching)
    };
    let in_order = told(&[0, 1, 2, 3]);
    assert_eq!(points(&in_order, What::TakenIn), Some(50), "the first in two minutes, the second in thirty");
    assert_eq!(told(&[2, 3, 0, 1]), in_order);
    assert_eq!(told(&[3, 0, 1, 2]).parts[2].numbers.1, 2, "each once");
    // What was never acknowledged is late once its time is over.
    let mut waits = Readiness::default();
    waits.in_order();
    waits.taken(HOST, Some(HOME), 5, at(0, 9, 0));
    assert_eq!(waits.waiting(HOME), (1, Some(at(0, 9, 0))));
    let matching = (Matching::default(), For::Own);
    let report = waits.report(HOME, (today(), at(0, 15, 0)), matching);
    assert_eq!(points(&report, What::TakenIn), Some(0));
}

#[test]
fn an_older_declaration_that_is_read_later_does_not_take_the_place_of_a_newer_one() {
    let mut readiness = Readiness::default();
    readiness.declared(HOST, 9, on(0), vec![due("ENG", 0, 9)]);
    readiness.declared(HOST, 3, on(0), vec![due("ENG", 0, 9), due("ENG", 0, 11)]);
    let report = report(&mut readiness, Matching::default(), For::Own);
    assert_eq!(report.parts[0].numbers, (0, 3), "one lesson with three visitors");
}

#[test]
fn days_that_a_changed_placement_touches_are_asked_again_and_no_more_of_them_at_a_time_than_may_be() {
    let mut readiness = Readiness::default();
    let days: [i32; 3] = [3, 5, 9];
    for (seq, ago) in (1..).zip(days) {
        readiness.declared(HOST, seq, on(ago), vec![due("ENG", ago, 9)]);
    }
    let asked = |readiness: &mut Readiness, most: usize, visiting: Vec<u32>| {
        let mut days = Vec::new();
        let expected = |_: &LocalId, date: SchoolDate, _| {
            days.push(today().days() - date.days());
            visiting.clone()
        };
        let done = readiness.settle(HOST, (today(), at(0, 15, 0)), most, expected);
        let report = readiness.report(HOST, (today(), at(0, 15, 0)), (Matching::default(), For::Own));
        (days, done, numbers(&report, What::Complete))
    };
    assert_eq!(asked(&mut readiness, 2, vec![1]), (vec![3, 5], false, (0, 2)), "the newest two of three");
    assert_eq!(asked(&mut readiness, 2, vec![1]), (vec![9], true, (0, 3)));
    assert_eq!(asked(&mut readiness, 2, vec![1, 2]), (vec![], true, (0, 3)), "nothing has changed");
    readiness.placements_changed(HOST, (on(6), on(4)));
    assert_eq!(asked(&mut readiness, ALL, vec![1, 2]), (vec![5], true, (0, 4)), "what it touches");
    readiness.placements_changed(HOST, (on(4), on(6)));
    assert!(asked(&mut readiness, ALL, vec![1]).0.is_empty(), "dates the wrong way round touch nothing");
    let known = |readiness: &mut Readiness| {
        let site = readiness.site(HOST);
        (site.is_settled(today()), site.school_days(today()).len())
    };
    assert_eq!(known(&mut readiness), (true, 3));
    readiness.learners_changed();
    assert_eq!(known(&mut readiness), (false, 3), "no day is left out meanwhile");
    asked(&mut readiness, 2, vec![1, 2]);
    assert_eq!(known(&mut readiness), (false, 3), "the oldest may still come out otherwise");
    assert_eq!(asked(&mut readiness, ALL, vec![1, 2]), (vec![9], true, (0, 6)));
    assert_eq!(known(&mut readiness), (true, 3));
}

/// A day in Sydney is two days in UTC: what is heard in lesson time counts, wherever the school is.
#[test]
fn thousands_of_learners_who_change_at_once_are_asked_for_once_more_at_every_partner() {
    let other = HOST + 1;
    let mut readiness = morning();
    readiness.declared(other, 2, on(1), vec![due("ENG", 1, 9)]);
    let asked = |readiness: &mut Readiness, host, who: &[u32]| {
        let mut count = 0;
        let visiting = |_: &LocalId, _, _| {
            count += 1;
            who.to_vec()
        };
        assert!(readiness.settle(host, (today(), at(0, 15, 0)), ALL, visiting));
        count
    };
    assert_eq!((asked(&mut readiness, HOST, &[1]), asked(&mut readiness, other, &[1])), (3, 1));
    assert_eq!((asked(&mut readiness, HOST, &[1]), asked(&mut readiness, other, &[1])), (0, 0), "it holds");

    (0..5_000).for_each(|_| readiness.learners_changed());
    assert!(!readiness.site(other).is_settled(today()), "before anybody is asked");
    // What comes meanwhile is of the day as it is now.
    readiness.came(HOST, &group("ENG"), on(0), mark(13, 9, lesson(0, 9), 3));
    assert_eq!((asked(&mut readiness, HOST, &[9]), asked(&mut readiness, other, &[7, 8])), (3, 1));
    assert!(readiness.site(other).is_settled(today()));
    let report = readiness.report(other, (today(), at(0, 15, 0)), (Matching::default(), For::Own));
    assert_eq!(numbers(&report, What::Complete), (0, 2), "{report:?}");
    assert_eq!((asked(&mut readiness, HOST, &[1]), asked(&mut readiness, other, &[1])), (0, 0), "once");
}

#[test]
fn a_school_far_east_is_as_fresh_as_it_is_heard() {
    let mut readiness = Readiness::default();
    // Nine to half past twelve in Sydney on the fifth day before today: from ten at night in UTC, the day before that.
    let time = Interval::new(at(6, 22, 0), at(5, 1, 30)).unwrap();
    readiness.declared(HOST, 1, on(5), vec![Due { group: group("ENG"), time }]);
    (0..42).for_each(|step| readiness.site(HOST).heard(at(6, 22, step * 5)));
    let whole = report(&mut readiness, Matching::default(), For::Own);
    assert_eq!((points(&whole, What::Fresh), numbers(&whole, What::Fresh)), (Some(100), (42, 42)));
    // The next school day begins before midnight in UTC, too, and is heard in its first hour alone.
    let time = Interval::new(at(5, 22, 0), at(4, 2, 0)).unwrap();
    readiness.declared(HOST, 2, on(4), vec![Due { group: group("ENG"), time }]);
    (0..12).for_each(|step| readiness.site(HOST).heard(at(5, 22, step * 5)));
    let half = report(&mut readiness, Matching::default(), For::Own);
    assert_eq!(numbers(&half, What::Fresh), (42 + 14, 42 + 48), "ten minutes more than it was heard");
}

#[test]
fn silence_in_lesson_time_refusals_and_numbers_that_went_back_are_seen() {
    let mut readiness = Readiness::default();
    readiness.declared(HOST, 1, on(1), vec![due("ENG", 1, 9), due("ENG", 1, 12)]);
    // Heard from nine to eleven, then not until one.
    (0..24).for_each(|step| readiness.site(HOST).heard(at(1, 9, step * 5)));
    (0..8).for_each(|seq| readiness.taken(HOST, None, seq, at(1, 9, 30)));
    readiness.site(HOST).refused(
        at(1, 10, 0),
        &[("no_placement".into(), 1), ("stale_revision".into(), 1)],
        4,
    );
    readiness.taken(HOST, None, 50, at(2, 9, 30));
    let report = report(&mut readiness, Matching::default(), For::Own);
    // Four hours of lesson time; two hours and ten minutes fresh.
    assert_eq!(points(&report, What::Fresh), Some(54), "{report:?}");
    assert_eq!(points(&report, What::Valid), Some(81), "9 of 11");
    assert_eq!(points(&report, What::Stable), Some(50), "one of two days");
    assert_eq!(readiness.site(HOST).refusals(today()).len(), 2);
    readiness.site(HOST).out_of_step(at(2, 11, 0), 1);
    let report = self::report(&mut readiness, Matching::default(), For::Own);
    assert_eq!(points(&report, What::Stable), Some(0));
    // A day later than counts, all of it is gone.
    let later = SchoolDate::from_days(today().days() + 40).unwrap();
    assert!(readiness.site(HOST).newest().is_some() && readiness.site(HOST).said().is_some());
    readiness.settle(HOST, (later, at(-40, 15, 0)), ALL, |_, _, _| Vec::new());
    assert!(readiness.site(HOST).refusals(later).is_empty());
    assert_eq!((readiness.site(HOST).newest(), readiness.site(HOST).said()), (None, None));
}

#[test]
fn safety_comes_first_though_the_share_is_at_its_goal_and_the_score_is_the_mean_of_what_is_measured() {
    let mut readiness = morning();
    let matching = Matching { guests: 100, matched: 98, contested: 0, mapping: None };
    let report = report(&mut readiness, matching, For::Own);
    assert_eq!(points(&report, What::Matched), Some(98));
    let first = &report.fixes[0];
    assert_eq!((first.what, first.adds), (What::Matched, 0));
    assert!(first.text.starts_with("2 learners are matched with nobody."), "{first:?}");
    assert_eq!(first.by, "2026-11-20".parse().unwrap());
    // 75 complete, 50 on time, twice 98, and nothing heard in lesson time.
    assert_eq!(report.score, Some((75 + 50 + 2 * 98 + 2) / 5));
    assert!(report.score.unwrap() < GOAL && report.fixes.len() == 3);
}

/// Rows that an agent keeps back never come: whoever counts what came alone takes the data for whole.
#[test]
fn rows_that_a_mapping_does_not_know_count_against_those_that_came() {
    let mut readiness = morning();
    (0..30).for_each(|seq| readiness.taken(HOST, None, 100 + seq, at(0, 9, 30)));
    let came = numbers(&report(&mut readiness, Matching::default(), For::Own), What::Valid).0;
    let with = |mapping| Matching { mapping, ..Matching::default() };
    let untold = report(&mut readiness, with(None), For::Own);
    assert_eq!(points(&untold, What::Mapped), None);
    assert!(said(&untold, What::Mapped).starts_with("Not measured: no agent has told"));
    let whole = report(&mut readiness, with(Some(Mapping::default())), For::Own);
    assert_eq!((points(&whole, What::Mapped), numbers(&whole, What::Mapped)), (Some(100), (came, came)));
    assert!(whole.score > untold.score, "it is a part of the score");
    let kept = Mapping { kept: came, sorts: 3, refused: 1 };
    let half = report(&mut readiness, with(Some(kept)), For::Own);
    assert_eq!((points(&half, What::Mapped), numbers(&half, What::Mapped)), (Some(50), (came, 2 * came)));
    assert!(said(&half, What::Mapped).ends_with("One export is refused as a whole."));
    let fix = half.fixes.iter().find(|fix| fix.what == What::Mapped).unwrap();
    assert!(fix.text.contains("kept back by your agents, of 3 sorts.") && fix.adds > 0, "{fix:?}");
    let theirs = report(&mut readiness, with(Some(kept)), For::Others);
    assert!(theirs.fixes.iter().all(|fix| !fix.text.contains("3 sorts")), "how many is not others' to know");
}

#[test]
fn others_are_told_shares_and_rounded_counts_and_nothing_of_a_few_learners() {
    let mut readiness = morning();
    let few = Matching { guests: 4, matched: 2, contested: 0, mapping: None };
    let mine = report(&mut readiness, few, For::Own);
    let theirs = report(&mut readiness, few, For::Others);
    assert_eq!(points(&mine, What::Matched), Some(50));
    assert_eq!(points(&theirs, What::Matched), None, "fewer than five learners");
    assert!(theirs.fixes.iter().all(|fix| fix.what != What::Matched));
    for what in [What::Complete, What::OnTime] {
        assert!(points(&mine, what).is_some());
        assert_eq!((points(&theirs, what), numbers(&theirs, what)), (None, (0, 0)), "four learners");
        assert_eq!(said(&theirs, what), "Too few learners to show to others.");
    }
    // One learner with many grades is one learner; five are enough.
    (0..50).for_each(|grade| readiness.site(HOST).graded(at(0, 9, 0), entry(100 + grade, 1), true));
    assert_eq!(points(&report(&mut readiness, few, For::Others), What::Grades), None);
    (0..5).for_each(|who| readiness.site(HOST).graded(at(0, 9, 0), entry(200 + u64::from(who), who), false));
    assert_eq!(points(&report(&mut readiness, few, For::Others), What::Grades), Some(90));
    for fix in &theirs.fixes {
        assert!(!fix.text.contains("ART") && !fix.text.contains("ENG"), "{fix:?}");
    }
    let more = |code: &LocalId, _, _| match code.as_str() {
        "ENG" => vec![1, 2, 3, 5],
        "ART" => vec![4],
        _ => Vec::new(),
    };
    readiness.learners_changed();
    let now = (today(), at(0, 15, 0));
    assert!(readiness.settle(HOST, now, ALL, more));
    let theirs = readiness.report(HOST, now, (few, For::Others));
    assert_eq!(points(&theirs, What::Complete), Some(60), "five learners");
    assert_eq!(said(&theirs, What::Complete), "Of fewer than 20, so only the share is shown.");
    let many = Matching { guests: 412, matched: 409, contested: 1, mapping: None };
    let theirs = report(&mut readiness, many, For::Others);
    let part = theirs.parts.iter().find(|part| part.what == What::Matched).unwrap();
    assert_eq!((part.points, part.numbers), (Some(99), (0, 0)));
    assert!(!part.said.contains(|c: char| c.is_ascii_digit()), "{part:?}");
    // What is hidden is in no score: it can't be worked out from it.
    let parts = theirs.parts.iter().filter_map(|part| Some((part.what.weight(), part.points?)));
    let (weights, sum) = parts.fold((0, 0), |(w, s), (weight, points)| (w + weight, s + weight * points));
    assert_eq!(theirs.score, Some((sum + weights / 2) / weights));
}

/// Progress counts registers from the lesson's start and readiness from its end: whoever reads both must see that.
#[test]
fn two_figures_have_two_names_and_each_names_the_other() {
    let progress = commonroll_views::progress::definitions::ALL;
    let readiness = What::ALL.map(What::definition);
    for one in progress {
        assert!(readiness.iter().all(|other| other.name != one.name), "{} is two figures", one.name);
    }
    let (begun, back) = (commonroll_views::progress::definitions::REGISTERS, What::OnTime.definition());
    assert!(begun.means.contains(back.name) && begun.means.contains("start"), "{}", begun.means);
    assert!(back.means.contains(begun.name) && back.means.contains("end"), "{}", back.means);
}

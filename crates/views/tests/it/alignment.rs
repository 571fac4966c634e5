//! Partners' data held against each other: what differs, what doesn't, and whom nobody may guess.

use commonroll_core::{
    RecordId, SchoolDate,
    convention::{Question, Says},
    record::{assessment::GradeKind, attendance::Physical},
};
use commonroll_views::alignment::{
    Agreed, Came, Difference, Kind, Means, Read, Report, Row, SiteFacts, Topic, Traffic, compare,
};
use proptest::prelude::*;

const TODAY: i32 = 20_400;

fn date(day: i32) -> SchoolDate {
    SchoolDate::from_days(day).unwrap()
}

fn record(number: u32, day: i32) -> RecordId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&day.to_be_bytes());
    id[4..8].copy_from_slice(&number.to_be_bytes());
    RecordId(id)
}

fn marked(code: &str, means: Means) -> Row {
    Row::Mark { set: "ENG-2024".to_owned(), code: code.to_owned(), means }
}

fn graded(kind: GradeKind, scale: &str, subject: &str, read: Read) -> Row {
    let (scale, version, subject) = (scale.to_owned(), "2024".to_owned(), subject.to_owned());
    Row::Grade { kind: Kind(kind), scale, version, subject, read }
}

/// A row of each of so many learners, a day ago.
fn send(traffic: &mut Traffic, source: u16, first: u32, learners: u32, row: &Row) {
    for learner in first..first + learners {
        traffic.came(came(source, learner, (learner, 1), Some(row.clone())));
    }
}

fn came(source: u16, learner: u32, (number, revision): (u32, u32), row: Option<Row>) -> Came {
    let (id, date) = (record(number, TODAY - 1), date(TODAY - 1));
    Came { seq: number.into(), id, revision, source, learner, date, row, piece: Some(learner.into()) }
}

fn sites(numbers: impl IntoIterator<Item = u16>) -> Vec<SiteFacts> {
    numbers.into_iter().map(|site| SiteFacts { site, ..SiteFacts::default() }).collect()
}

fn of(report: &Report, topic: Topic) -> Vec<&Difference> {
    report.differences.iter().filter(|one| one.topic == topic).collect()
}

#[test]
fn a_code_that_means_two_things_is_found_with_both_partners_rows_and_what_most_say_is_proposed() {
    let mut traffic = Traffic::default();
    send(&mut traffic, 0, 0, 40, &marked("L", Means::Late));
    send(&mut traffic, 1, 100, 12, &marked("L", Means::Absent));
    send(&mut traffic, 0, 200, 20, &marked("N", Means::Absent));
    send(&mut traffic, 1, 300, 20, &marked("N", Means::Absent));
    let report = compare(&traffic, &sites([0, 1]), &[], date(TODAY));
    let [found] = of(&report, Topic::Codes)[..] else { panic!("{:?}", report.differences) };
    assert_eq!(found.title, "Code L means two things");
    let told: Vec<(u16, &str, &str)> =
        found.facts.iter().map(|fact| (fact.site, fact.said.as_str(), fact.evidence.as_str())).collect();
    let day = date(TODAY - 1).civil().strftime("%-d %b").to_string();
    assert_eq!(
        told,
        [
            (0, "late", format!("about 40 marks, {day}").as_str()),
            (1, "absent", format!("about 10 marks, {day}").as_str())
        ]
    );
    let says = Says::Code { code: "L".to_owned(), means: Physical::Late };
    assert_eq!(found.suggest.as_ref(), Some(&says));

    // Once agreed it is no difference any more, and who breaks it since is told.
    let agreed = [Agreed { says, from: date(TODAY - 5) }];
    let report = compare(&traffic, &sites([0, 1]), &agreed, date(TODAY));
    assert!(of(&report, Topic::Codes).is_empty());
    let kept: Vec<_> = report.kept.iter().map(|kept| (kept.site, kept.breaks)).collect();
    assert_eq!(kept, [(0, Some(0)), (1, Some(100))]);
    let later = [Agreed { from: date(TODAY + 1), ..agreed[0].clone() }];
    assert!(compare(&traffic, &sites([0, 1]), &later, date(TODAY)).kept.is_empty(), "its day has not come");
}

#[test]
fn rows_of_few_learners_are_nobodys_to_see_however_many_rows_there_are() {
    let mut traffic = Traffic::default();
    send(&mut traffic, 0, 0, 40, &marked("I", Means::Absent));
    for number in 100..160 {
        // Four learners, sixty rows.
        traffic.came(came(1, 900 + number % 4, (number, 1), Some(marked("I", Means::Present))));
    }
    let report = compare(&traffic, &sites([0, 1]), &[], date(TODAY));
    assert!(of(&report, Topic::Codes).is_empty(), "{:?}", report.differences);
    let agreed = [Agreed {
        says: Says::Code { code: "I".to_owned(), means: Physical::Absent },
        from: date(TODAY - 5),
    }];
    let report = compare(&traffic, &sites([0, 1]), &agreed, date(TODAY));
    let theirs = report.kept.iter().find(|kept| kept.site == 1).unwrap();
    assert_eq!(theirs.breaks, None, "too few to say");
    traffic.came(came(1, 999, (500, 1), Some(marked("I", Means::Present))));
    let report = compare(&traffic, &sites([0, 1]), &[], date(TODAY));
    assert_eq!(of(&report, Topic::Codes).len(), 1, "five learners may be shown");
}

#[test]
fn a_subject_under_two_names_is_one_and_grades_of_it_are_held_against_each_other_once_that_is_agreed() {
    let mut traffic = Traffic::default();
    send(&mut traffic, 0, 0, 30, &graded(GradeKind::WorkingAt, "gce-a-level", "Maths", Read::Known));
    send(&mut traffic, 1, 100, 20, &graded(GradeKind::WorkingAt, "raw-0-100", "Mathematics", Read::Known));
    let mut all = sites([0, 1]);
    all[0].subjects.insert("English".to_owned(), 2);
    all[1].subjects.insert("English Literature".to_owned(), 1);
    let report = compare(&traffic, &all, &[], date(TODAY));
    let [subject] = of(&report, Topic::Subjects)[..] else { panic!("{:?}", report.differences) };
    let says = Says::Subject { word: "Mathematics".to_owned(), also: vec!["Maths".to_owned()] };
    assert_eq!(
        (subject.title.as_str(), subject.suggest.as_ref()),
        ("Mathematics has two names", Some(&says))
    );
    assert!(of(&report, Topic::Scales).is_empty(), "as long as they are two subjects");
    let agreed = [Agreed { says, from: date(TODAY - 1) }];
    let report = compare(&traffic, &all, &agreed, date(TODAY));
    assert!(of(&report, Topic::Subjects).is_empty());
    let [scale] = of(&report, Topic::Scales)[..] else { panic!("{:?}", report.differences) };
    assert!(scale.title.ends_with("working at: two scales"), "{}", scale.title);
}

#[test]
fn grades_are_told_by_kind_and_scale_with_what_is_missing_or_cannot_be_read() {
    let mut traffic = Traffic::default();
    send(&mut traffic, 0, 0, 60, &graded(GradeKind::Predicted, "gce-a-level", "Art", Read::Known));
    send(&mut traffic, 0, 100, 30, &graded(GradeKind::Predicted, "gce-a-level", "Art", Read::Missing));
    send(&mut traffic, 0, 200, 10, &graded(GradeKind::Predicted, "gce-a-level", "Art", Read::NotOnScale));
    send(&mut traffic, 1, 300, 10, &graded(GradeKind::Effort, "own-effort", "Art", Read::NoScale));
    let report = compare(&traffic, &sites([0, 1, 2]), &[], date(TODAY));
    let line = report.grades.iter().find(|line| line.site == 0).unwrap();
    assert_eq!((line.rows, line.missing, line.not_on_scale), (100, Some(30), Some(10)));
    assert!(!line.no_scale);
    assert!(report.grades.iter().any(|line| line.site == 1 && line.no_scale));
    let [kinds] = of(&report, Topic::Kinds)[..] else { panic!("{:?}", report.differences) };
    let sites: Vec<u16> = kinds.facts.iter().map(|fact| fact.site).collect();
    assert_eq!(sites, [0, 1], "who sends no grade at all is no part of it");
    assert!(of(&report, Topic::Scales)[0].title.contains("nobody can read"));
}

#[test]
fn bells_closures_and_week_letters_come_from_what_was_declared() {
    let mut all = sites([0, 1]);
    all[0].lessons.extend([((540, 600), 20), ((600, 660), 20), ((1_200, 1_230), 1)]);
    all[1].lessons.extend([((530, 590), 20), ((590, 650), 20)]);
    let (monday, tuesday) = (date(TODAY + 4), date(TODAY + 5));
    all[0].days.extend([(monday, (true, None)), (tuesday, (false, Some("A".to_owned())))]);
    all[1].days.extend([(monday, (false, Some("B".to_owned()))), (tuesday, (false, Some("B".to_owned())))]);
    let report = compare(&Traffic::default(), &all, &[], date(TODAY));
    let bells = of(&report, Topic::Bells);
    let said: Vec<&str> = bells[0].facts.iter().map(|fact| fact.said.as_str()).collect();
    assert_eq!(said, ["09:00, 10:00", "08:50, 09:50"], "an evening club is no bell");
    let titles: Vec<&str> = of(&report, Topic::Calendar).iter().map(|one| one.title.as_str()).collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(titles[0].starts_with("One is closed while another teaches"), "{titles:?}");
    assert!(titles[1].contains("two letters"), "{titles:?}");
    let same = compare(&Traffic::default(), &all[..1], &[], date(TODAY));
    assert!(same.differences.is_empty(), "one partner differs from nobody");
}

#[test]
fn whether_several_attempts_are_sent_is_read_from_the_results_themselves() {
    let mut traffic = Traffic::default();
    let row = graded(GradeKind::Assignment, "raw-0-100", "Art", Read::Known);
    for number in 0..40 {
        // Twenty pieces, each with two results.
        traffic.came(came(0, number % 20, (number, 1), Some(row.clone())));
    }
    send(&mut traffic, 1, 100, 20, &row);
    let report = compare(&traffic, &sites([0, 1]), &[], date(TODAY));
    let (_, hints) = report.questions.iter().find(|(question, _)| *question == Question::Attempts).unwrap();
    let said: Vec<&str> = hints.iter().map(|fact| fact.said.as_str()).collect();
    assert_eq!(said, ["several results for some pieces of work", "one result each"]);
}

#[test]
fn no_share_is_told_behind_which_or_behind_whose_rest_few_learners_stand() {
    // One learner with ten results: nothing of attempts.
    let mut traffic = Traffic::default();
    let row = graded(GradeKind::Assignment, "raw-0-100", "Art", Read::Known);
    for number in 0..10 {
        let piece = Some(u64::from(number) / 2);
        traffic.came(Came { piece, ..came(0, 7, (number, 1), Some(row.clone())) });
    }
    let attempts = |traffic: &Traffic| {
        let report = compare(traffic, &sites([0]), &[], date(TODAY));
        report.questions.into_iter().find(|(question, _)| *question == Question::Attempts).unwrap().1
    };
    assert_eq!(attempts(&traffic), [], "one learner's work");
    // Twenty more learners with a result each: those with several are still one.
    send(&mut traffic, 0, 100, 20, &row);
    assert_eq!(attempts(&traffic), [], "the one who had several");

    // Of five learners one has no grade, and then of thirty twenty-nine.
    let mut traffic = Traffic::default();
    send(&mut traffic, 0, 0, 4, &graded(GradeKind::Predicted, "gce-a-level", "Art", Read::Known));
    send(&mut traffic, 0, 10, 1, &graded(GradeKind::Predicted, "gce-a-level", "Art", Read::Missing));
    let missing = |traffic: &Traffic| compare(traffic, &sites([0]), &[], date(TODAY)).grades[0].missing;
    assert_eq!(missing(&traffic), None);
    send(&mut traffic, 0, 20, 28, &graded(GradeKind::Predicted, "gce-a-level", "Art", Read::Missing));
    assert_eq!(missing(&traffic), None, "the four who have one");
    send(&mut traffic, 0, 60, 1, &graded(GradeKind::Predicted, "gce-a-level", "Art", Read::Known));
    assert_eq!(missing(&traffic), Some(86));

    // Thirty learners had the code before it was agreed what it means, and one since.
    let mut traffic = Traffic::default();
    let (late, absent) = (marked("L", Means::Late), marked("L", Means::Absent));
    for learner in 0..30 {
        let old = came(0, learner, (learner, 1), Some(absent.clone()));
        traffic.came(Came { id: record(learner, TODAY - 9), date: date(TODAY - 9), ..old });
    }
    send(&mut traffic, 0, 100, 11, &late);
    send(&mut traffic, 0, 200, 1, &absent);
    let says = Says::Code { code: "L".to_owned(), means: Physical::Late };
    let agreed = [Agreed { says, from: date(TODAY - 3) }];
    let kept = |traffic: &Traffic| compare(traffic, &sites([0]), &agreed, date(TODAY)).kept[0].breaks;
    assert_eq!(kept(&traffic), None);
    send(&mut traffic, 0, 300, 4, &absent);
    assert_eq!(kept(&traffic), Some(32), "five of sixteen since");
}

proptest! {
    #[test]
    fn corrections_withdrawals_erasures_and_age_leave_what_stands_and_nothing_else(
        steps in proptest::collection::vec((0u32..30, 1u32..5, 0u8..6, 0i32..40), 1..200),
    ) {
        let mut traffic = Traffic::default();
        let mut stands: std::collections::BTreeMap<u32, (u32, Option<Row>, i32, u64)> = Default::default();
        for (seq, (number, revision, what, ago)) in steps.into_iter().enumerate() {
            let seq = seq as u64;
            match what {
                4 => {
                    traffic.hide(record(number, 0), revision);
                    stands.retain(|held, one| *held != number || one.0 >= revision);
                }
                5 => {
                    traffic.forget(|place| place % 7 == u64::from(revision));
                    stands.retain(|_, one| one.3 % 7 != u64::from(revision));
                }
                _ => {
                    let rows = [None, Some(marked("L", Means::Late)), Some(marked("N", Means::Absent)),
                        Some(graded(GradeKind::Effort, "own", "Art", Read::NoScale))];
                    let row = rows[usize::from(what)].clone();
                    let day = date(TODAY - ago);
                    traffic.came(Came { seq, id: record(number, 0), revision, source: 3, learner: number,
                        date: day, row: row.clone(), piece: None });
                    if stands.get(&number).is_none_or(|one| one.0 <= revision) {
                        stands.insert(number, (revision, row, TODAY - ago, seq));
                    }
                }
            }
        }
        traffic.tick(date(TODAY));
        let counted: u64 = traffic.rows_of(3).map(|(_, tally)| tally.rows()).sum();
        let young = stands.values().filter(|one| match &one.1 {
            Some(Row::Mark { .. }) => one.2 >= TODAY - 28,
            Some(Row::Grade { .. }) => true,
            None => false,
        });
        prop_assert_eq!(counted, young.count() as u64);
    }
}

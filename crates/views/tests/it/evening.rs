//! Two timetables that don't fit, found before anybody is missed.

use crate::whereabouts::between;
use commonroll_views::whereabouts::{AtHome, Finding, HostLesson, MANY, Place, Week, mismatches};
use std::collections::BTreeSet;

const HOME: u16 = 1;
const HOST: u16 = 2;
const OTHER: u16 = 3;

fn away(learner: u32, from: i64, to: i64) -> AtHome {
    AtHome { learner, home: HOME, place: Place::Partner(Some(HOST)), time: between(from, to) }
}

fn own(learner: u32, from: i64, to: i64) -> AtHome {
    AtHome { learner, home: HOME, place: Place::Own, time: between(from, to) }
}

fn lesson(learner: u32, host: u16, from: i64, to: i64) -> HostLesson {
    HostLesson { learner, host, time: between(from, to) }
}

fn open() -> BTreeSet<u16> {
    BTreeSet::new()
}

#[test]
fn each_site_thinks_that_the_other_has_the_learner() {
    let found = mismatches(
        &[away(7, 540, 600), away(8, 540, 600)],
        &[lesson(8, HOST, 550, 610)],
        &Week::new(),
        &open(),
    );
    assert_eq!(found, [Finding::NobodyExpects { learner: 7, home: HOME, host: Some(HOST) }]);
}

#[test]
fn two_sites_expect_a_learner_at_once() {
    let hosts = [lesson(7, HOST, 590, 650), lesson(8, HOST, 540, 600), lesson(8, OTHER, 570, 630)];
    let found = mismatches(&[own(7, 540, 600), own(8, 660, 700)], &hosts, &Week::new(), &open());
    let elsewhere = |host| Finding::Elsewhere { learner: 8, host };
    let wanted = [
        Finding::BothExpect { learner: 7, home: HOME, host: HOST },
        Finding::TwoHosts { learner: 8, one: HOST, other: OTHER },
        elsewhere(HOST),
        elsewhere(OTHER),
    ];
    assert_eq!(found, wanted, "and neither of two hosts is told which the other is");
}

#[test]
fn a_slip_of_weeks_is_told_once_and_not_for_each_learner() {
    let homes: Vec<AtHome> = (0..30).map(|learner| away(learner, 540, 600)).collect();
    let weeks: Week = [(HOME, 0), (HOST, 1)].into();
    assert_eq!(mismatches(&homes, &[], &weeks, &open()), [Finding::WeekSlip { home: HOME, host: HOST }]);
    let same: Week = [(HOME, 0), (HOST, 0)].into();
    assert_eq!(mismatches(&homes, &[], &same, &open()), [Finding::Many { home: HOME, host: Some(HOST) }]);
}

#[test]
fn a_timetable_that_is_missing_as_a_whole_is_told_once_and_a_few_learners_one_by_one() {
    let many = u32::try_from(MANY).unwrap();
    let homes = |count| (0..count).map(|learner| away(learner, 540, 600)).collect::<Vec<_>>();
    assert_eq!(mismatches(&homes(many), &[], &Week::new(), &open()).len(), MANY);
    let all = Finding::Many { home: HOME, host: Some(HOST) };
    assert_eq!(mismatches(&homes(many + 1), &[], &Week::new(), &open()), [all]);
    let busy: Vec<AtHome> = (0..=many).map(|learner| own(learner, 540, 600)).collect();
    let hosts: Vec<HostLesson> = (0..=many).map(|learner| lesson(learner, HOST, 540, 600)).collect();
    assert_eq!(mismatches(&busy, &hosts, &Week::new(), &open()), [all]);
}

#[test]
fn a_partner_that_nobody_can_name_is_any_partner() {
    let somewhere = AtHome { place: Place::Partner(None), ..away(7, 540, 600) };
    let nobody = Finding::NobodyExpects { learner: 7, home: HOME, host: None };
    assert_eq!(mismatches(&[somewhere], &[], &Week::new(), &open()), [nobody]);
    assert_eq!(nobody.between(), [HOME, HOME]);
    assert_eq!(mismatches(&[somewhere], &[lesson(7, OTHER, 540, 600)], &Week::new(), &open()), []);
}

#[test]
fn timetables_that_fit_say_nothing() {
    let homes = [away(7, 540, 600), own(7, 600, 660)];
    assert_eq!(mismatches(&homes, &[lesson(7, HOST, 540, 600)], &Week::new(), &open()), []);
}

#[test]
fn a_home_that_leaves_its_learners_to_a_closed_site_is_told_once() {
    let homes: Vec<AtHome> = (0..30).map(|learner| away(learner, 540, 600)).collect();
    let found = mismatches(&homes, &[], &Week::new(), &[HOST].into());
    assert_eq!(found, [Finding::SiteClosed { home: HOME, host: HOST }]);
}

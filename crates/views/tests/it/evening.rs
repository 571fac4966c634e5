//! Two timetables that don't fit, found before anybody is missed.

use crate::whereabouts::between;
use commonroll_views::whereabouts::{AtHome, Finding, HostLesson, Week, mismatches};

const HOME: u16 = 1;
const HOST: u16 = 2;
const OTHER: u16 = 3;

fn away(learner: u32, from: i64, to: i64) -> AtHome {
    AtHome { learner, home: HOME, host: Some(HOST), time: between(from, to) }
}

fn own(learner: u32, from: i64, to: i64) -> AtHome {
    AtHome { learner, home: HOME, host: None, time: between(from, to) }
}

fn lesson(learner: u32, host: u16, from: i64, to: i64) -> HostLesson {
    HostLesson { learner, host, time: between(from, to) }
}

#[test]
fn each_site_thinks_that_the_other_has_the_learner() {
    let found =
        mismatches(&[away(7, 540, 600), away(8, 540, 600)], &[lesson(8, HOST, 550, 610)], &Week::new());
    assert_eq!(found, [Finding::NobodyExpects { learner: 7, home: HOME, host: HOST }]);
}

#[test]
fn two_sites_expect_a_learner_at_once() {
    let hosts = [lesson(7, HOST, 590, 650), lesson(8, HOST, 540, 600), lesson(8, OTHER, 570, 630)];
    let found = mismatches(&[own(7, 540, 600), own(8, 660, 700)], &hosts, &Week::new());
    let both = |learner, one, other| Finding::BothExpect { learner, one, other };
    assert_eq!(found, [both(7, HOME, HOST), both(8, HOST, OTHER)]);
}

#[test]
fn a_slip_of_weeks_is_told_once_and_not_for_each_learner() {
    let homes: Vec<AtHome> = (0..30).map(|learner| away(learner, 540, 600)).collect();
    let weeks: Week = [(HOME, 0), (HOST, 1)].into();
    assert_eq!(mismatches(&homes, &[], &weeks), [Finding::WeekSlip { home: HOME, host: HOST }]);
    let same: Week = [(HOME, 0), (HOST, 0)].into();
    assert_eq!(mismatches(&homes, &[], &same).len(), 30);
}

#[test]
fn timetables_that_fit_say_nothing() {
    let homes = [away(7, 540, 600), own(7, 600, 660)];
    assert_eq!(mismatches(&homes, &[lesson(7, HOST, 540, 600)], &Week::new()), []);
}

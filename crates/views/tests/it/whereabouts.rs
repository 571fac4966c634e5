//! One expectation through every state, and a board through a morning with holes in it.

use commonroll_core::{
    Interval, Timestamp,
    agreement::{AlertTimes, Moment, Times},
    record::attendance::Physical,
};
use commonroll_views::whereabouts::*;
use proptest::prelude::*;

const HOME: u16 = 1;
const HOST: u16 = 2;
const OTHER: u16 = 3;
const MINUTE: i64 = 60_000_000;

/// A moment of the day, in minutes after midnight.
fn at(minute: i64) -> Timestamp {
    Timestamp::from_micros("at", 1_789_000_000_000_000 + minute * MINUTE).unwrap()
}

/// A time of the day, in minutes after midnight.
pub fn between(from: i64, to: i64) -> Interval {
    Interval::new(at(from), at(to)).unwrap()
}

fn lesson(learner: u32, site: u16, from: i64, to: i64) -> Expectation {
    let time = between(from, to);
    Expectation { learner, home: HOME, site, lesson: from as u64, time, times: Times::default() }
}

/// What holds where an agreement says this much.
fn agreed(said: &[(Moment, u16)]) -> Times {
    Times::strictest([&AlertTimes::new(said.iter().copied().collect()).unwrap()])
}

fn mark(physical: Physical, minute: i64) -> Mark {
    Mark { physical, minutes_late: None, minutes_left_early: None, at: at(minute) }
}

fn present(minute: i64) -> Mark {
    mark(Physical::Present, minute)
}

/// The state at a minute of the day, of a lesson from 9:00 (540) to 10:00 at a host that is heard all the time.
fn state(minute: i64, change: impl FnOnce(&mut Facts)) -> State {
    let mut facts = Facts { heard: Some(at(minute)), ..Facts::default() };
    change(&mut facts);
    judge(&lesson(7, HOST, 540, 600), &facts, at(minute)).0
}

#[test]
fn without_a_mark_the_clock_tells() {
    let none = |_: &mut Facts| {};
    assert_eq!(state(539, none), State::Expected);
    assert_eq!(state(540, none), State::Due);
    assert_eq!(state(554, none), State::Due);
    assert_eq!(state(555, none), State::NotMarked { since: at(555) });
    assert_eq!(state(559, none), State::NotMarked { since: at(555) });
    let missing = |why| State::Unaccounted { since: at(560), why };
    assert_eq!(state(560, none), missing(Why::RegisterNotTaken));
    assert_eq!(state(700, none), missing(Why::RegisterNotTaken), "it doesn't end with the lesson");
    assert_eq!(state(560, |f| f.register_taken = true), missing(Why::NotOnRegister));
}

/// Each institution is shown what concerns it, as it is now: found without looking at what concerns others.
#[test]
fn a_board_knows_whose_each_expectation_is() {
    let mut board = Board::new(Detectors::ALL);
    let ids = |lines: Vec<(Expectation, State)>| {
        let mut ids: Vec<(u16, u32)> = lines.iter().map(|(of, _)| (of.site, of.learner)).collect();
        ids.sort_unstable();
        ids
    };
    let (first, second, third) =
        (lesson(1, HOST, 540, 600), lesson(2, HOST, 540, 600), lesson(1, OTHER, 660, 720));
    for of in [first, second, third] {
        board.take(Evidence::Expect(of));
    }
    board.advance(at(500));
    assert_eq!(ids(board.of_home(HOME)), [(HOST, 1), (HOST, 2), (OTHER, 1)]);
    assert_eq!(ids(board.of_host(HOST)), [(HOST, 1), (HOST, 2)]);
    assert!(board.of_home(HOST).is_empty());
    // Who was taken for a learner of this home is another's.
    board.take(Evidence::Expect(Expectation { home: 9, ..second }));
    board.advance(at(501));
    assert_eq!(
        (ids(board.of_home(HOME)), ids(board.of_home(9))),
        (vec![(HOST, 1), (OTHER, 1)], vec![(HOST, 2)])
    );
    board.take(Evidence::Drop(first.id()));
    board.take(Evidence::Lapse(third.id()));
    board.advance(at(502));
    assert_eq!(
        (ids(board.of_home(HOME)), ids(board.of_host(HOST)), ids(board.of_host(OTHER))),
        (vec![], vec![(HOST, 2)], vec![])
    );
}

#[test]
fn a_mark_says_what_the_host_saw() {
    let marked = |mark: Mark| state(545, |f| f.mark = Some(mark));
    assert_eq!(marked(present(544)), State::Seen);
    let late = Mark { minutes_late: Some(12), ..mark(Physical::Late, 552) };
    assert_eq!(marked(late), State::Late { minutes: Some(12) });
    assert_eq!(marked(mark(Physical::Late, 552)), State::Late { minutes: None });
    let left = Mark { minutes_left_early: Some(20), ..present(585) };
    assert_eq!(marked(left), State::LeftEarly { at: at(580) });
    let absent = mark(Physical::Absent, 544);
    assert_eq!(marked(absent), State::Unaccounted { since: at(544), why: Why::MarkedAbsent });
    assert_eq!(
        state(545, |f| (f.mark, f.elsewhere) = (Some(absent), Some(OTHER))),
        State::NotSeen { elsewhere: OTHER }
    );
    assert_eq!(marked(mark(Physical::NotRequired, 544)), State::Excused(Excuse::NotRequired));
    assert_eq!(marked(mark(Physical::Unknown, 541)), State::Cancelled { taken_back: false });
}

#[test]
fn a_notice_excuses_and_being_seen_beats_it() {
    let excused = |f: &mut Facts| f.excuse = Some(Excuse::Notice);
    assert_eq!(state(600, excused), State::Excused(Excuse::Notice));
    let absent =
        |f: &mut Facts| (f.excuse, f.mark) = (Some(Excuse::Notice), Some(mark(Physical::Absent, 545)));
    assert_eq!(state(600, absent), State::Excused(Excuse::Notice), "told beforehand: no alarm");
    let seen = |f: &mut Facts| (f.excuse, f.mark) = (Some(Excuse::Notice), Some(present(545)));
    assert_eq!(state(600, seen), State::Seen);
}

#[test]
fn case_37_a_silent_source_makes_nobody_present_and_nobody_absent() {
    let heard = |minute: i64, heard: Option<i64>| state(minute, |f| f.heard = heard.map(at));
    assert_eq!(heard(545, None), State::Due, "before the lesson there was nothing to hear");
    assert_eq!(heard(554, Some(200)), State::Due);
    assert_eq!(heard(555, None), State::UnknownSince { heard: None });
    assert_eq!(heard(555, Some(200)), State::UnknownSince { heard: Some(at(200)) });
    assert_eq!(heard(620, Some(552)), State::UnknownSince { heard: Some(at(552)) });
    assert_eq!(heard(558, Some(552)), State::Due, "quiet for a moment only: the register may be on its way");
    assert_eq!(heard(562, Some(556)), State::NotMarked { since: at(555) });
    assert_eq!(heard(530, None), State::Expected, "nothing has begun");
    let missing = State::Unaccounted { since: at(560), why: Why::RegisterNotTaken };
    assert_eq!(heard(620, Some(561)), missing, "it was heard without the register when that was overdue");
    let marked = state(620, |f| (f.heard, f.mark) = (Some(at(545)), Some(present(545))));
    assert_eq!(marked, State::Seen, "what was said stays said");
}

#[test]
fn a_cancelled_class_is_unknown_and_not_absent() {
    let said = |f: &mut Facts| f.cancelled = Some(at(500));
    assert_eq!(state(530, said), State::Cancelled { taken_back: false });
    assert_eq!(state(544, said), State::Cancelled { taken_back: false });
    assert_eq!(state(545, said), State::Unaccounted { since: at(545), why: Why::Cancelled });
    let back = |f: &mut Facts| (f.cancelled, f.taken_back) = (Some(at(500)), true);
    assert_eq!(state(545, back), State::Cancelled { taken_back: true });
}

#[test]
fn the_way_between_two_sites_takes_its_time() {
    let left = |minute: i64| move |f: &mut Facts| f.came_from = Some((OTHER, at(minute)));
    assert_eq!(state(541, left(530)), State::InTravel { from: OTHER, until: at(560) });
    assert_eq!(state(560, left(530)), State::Unaccounted { since: at(560), why: Why::NotArrived });
    assert_eq!(state(541, left(500)), State::Due, "long there, were they on the way");
    assert_eq!(state(565, left(538)), State::InTravel { from: OTHER, until: at(568) });
    assert_eq!(state(568, left(538)), State::Unaccounted { since: at(568), why: Why::NotArrived });
}

#[test]
fn a_person_who_found_the_learner_ends_it() {
    let found = |f: &mut Facts| (f.mark, f.found) = (Some(mark(Physical::Absent, 545)), Some(at(550)));
    assert_eq!(state(551, found), State::Found { at: at(550) });
}

fn heard(board: &mut Board, minute: i64) {
    for site in [HOST, OTHER] {
        board.take(Evidence::Heard { site, at: at(minute) });
    }
}

fn told(said: &[What]) -> Vec<(AlertKey, Vec<Notify>)> {
    let alerts = said.iter().filter_map(|what| match what {
        What::Tell(alert) => Some((alert.key, alert.to.clone())),
        What::Over(_) => None,
    });
    alerts.collect()
}

fn over(said: &[What]) -> Vec<AlertKey> {
    said.iter().filter_map(|what| if let What::Over(key) = what { Some(*key) } else { None }).collect()
}

#[test]
fn a_learner_who_goes_missing_between_two_sites_is_told_and_found() {
    let mut board = Board::new(Detectors::ALL);
    let (first, second) = (lesson(7, OTHER, 480, 530), lesson(7, HOST, 540, 600));
    let classmate = lesson(8, HOST, 540, 600);
    for of in [first, second, classmate] {
        board.take(Evidence::Expect(of));
    }
    heard(&mut board, 470);
    assert_eq!(board.advance(at(470)), []);
    board.take(Evidence::Mark(first.id(), present(485)));
    heard(&mut board, 541);
    assert_eq!(told(&board.advance(at(541))), []);
    assert_eq!(board.state(second.id()), Some(State::InTravel { from: OTHER, until: at(560) }));
    board.take(Evidence::Mark(classmate.id(), present(545)));
    board.take(Evidence::Mark(second.id(), mark(Physical::Absent, 545)));
    let missing = AlertKey::Unaccounted(second.id());
    let said = told(&board.advance(at(545)));
    assert_eq!(said, [(missing, vec![Notify::Home(HOME), Notify::Host(HOST)])], "at once, the home first");
    assert_eq!(board.of_home(HOME)[0].0.id(), second.id(), "worst first");
    assert_eq!(board.advance(at(546)), [], "told once");
    assert!(board.acknowledge(&missing, HOME) && board.acknowledge(&missing, HOST));
    assert_eq!(board.advance(at(600)), []);
    board.take(Evidence::Found(second.id(), at(601)));
    assert_eq!(over(&board.advance(at(601))), [missing]);
    assert_eq!(board.open_alerts().count(), 0);
}

#[test]
fn a_register_that_is_not_taken_is_one_alert_to_the_host_and_then_one_for_each_learner_to_their_home() {
    let mut board = Board::new(Detectors::ALL);
    let all: Vec<Expectation> = (1..=3).map(|learner| lesson(learner, HOST, 540, 600)).collect();
    all.iter().for_each(|of| board.take(Evidence::Expect(*of)));
    let register = AlertKey::Register { site: HOST, lesson: 540 };
    let mut log = Vec::new();
    for minute in 530..562 {
        heard(&mut board, minute);
        log.extend(told(&board.advance(at(minute))).into_iter().map(|(key, to)| (minute, key, to)));
    }
    let both = vec![Notify::Host(HOST), Notify::Home(HOME)];
    let mut wanted = vec![(555, register, vec![Notify::Host(HOST)])];
    wanted.extend(all.iter().map(|of| (560, AlertKey::Unaccounted(of.id()), both.clone())));
    assert_eq!(log, wanted);
    all.iter().for_each(|of| board.take(Evidence::Mark(of.id(), present(563))));
    assert_eq!(over(&board.advance(at(563))).len(), 3, "the late register ends it");
}

#[test]
fn a_register_stays_one_alert_while_somebody_of_the_class_is_still_on_the_way() {
    let mut board = Board::new(Detectors::ALL);
    let before = lesson(7, OTHER, 480, 530);
    let comes = Expectation { times: agreed(&[(Moment::Travel, 45)]), ..lesson(7, HOST, 540, 600) };
    [before, comes, lesson(8, HOST, 540, 600)].iter().for_each(|of| board.take(Evidence::Expect(*of)));
    let register = AlertKey::Register { site: HOST, lesson: 540 };
    let mut log = Vec::new();
    for minute in 470..590 {
        heard(&mut board, minute);
        if minute == 485 {
            board.take(Evidence::Mark(before.id(), present(485)));
        }
        if minute == 565 {
            assert_eq!(board.state(comes.id()), Some(State::InTravel { from: OTHER, until: at(575) }));
        }
        let said = board.advance(at(minute));
        log.extend(told(&said).iter().filter(|(key, _)| *key == register).map(|_| (minute, "told")));
        log.extend(over(&said).iter().filter(|key| **key == register).map(|_| (minute, "over")));
    }
    assert_eq!(log, [(555, "told"), (565, "told"), (575, "over")], "the second is the reminder");
}

#[test]
fn an_alert_that_nobody_has_in_hand_is_told_again() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(7, HOST, 540, 600);
    board.take(Evidence::Expect(of));
    heard(&mut board, 541);
    board.take(Evidence::Mark(of.id(), mark(Physical::Absent, 541)));
    assert_eq!(told(&board.advance(at(541))).len(), 1);
    assert_eq!(board.next(), Some(at(551)));
    assert_eq!(board.advance(at(550)), []);
    for (minute, repeated) in [(551, 1), (561, 2)] {
        let said = board.advance(at(minute));
        assert!(matches!(&said[..], [What::Tell(alert)] if alert.repeated == repeated), "{said:?}");
    }
    assert!(board.acknowledge(&AlertKey::Unaccounted(of.id()), HOST));
    let said = told(&board.advance(at(571)));
    assert_eq!(
        said,
        [(AlertKey::Unaccounted(of.id()), vec![Notify::Home(HOME)])],
        "the host's word is its own"
    );
    assert!(board.acknowledge(&AlertKey::Unaccounted(of.id()), HOME));
    assert_eq!((board.advance(at(700)), board.next()), (vec![], None));
    assert!(!board.acknowledge(&AlertKey::SourceSilent { site: HOST }, HOME), "there is none");
}

#[test]
fn who_is_concerned_later_is_told_though_another_has_it_in_hand() {
    let mut board = Board::new(Detectors::ALL);
    let other = Expectation { home: OTHER, learner: 8, ..lesson(8, HOST, 600, 660) };
    for of in [lesson(7, HOST, 540, 600), other] {
        board.take(Evidence::Expect(of));
    }
    heard(&mut board, 535);
    let key = AlertKey::SourceSilent { site: HOST };
    let mut log = Vec::new();
    (535..600).for_each(|minute| log.extend(told(&board.advance(at(minute)))));
    assert_eq!(log[0], (key, vec![Notify::Host(HOST), Notify::Home(HOME)]));
    assert!(board.acknowledge(&key, HOST) && board.acknowledge(&key, HOME));
    let mut later = Vec::new();
    (600..640).for_each(|minute| later.extend(told(&board.advance(at(minute)))));
    let home = vec![Notify::Home(OTHER)];
    assert_eq!(later[0], (key, home.clone()), "its lesson begins, too");
    assert!(later.len() > 1 && later.iter().all(|(_, to)| *to == home), "and again, alone: {later:?}");
}

#[test]
fn case_37_a_silent_source_is_one_alert_about_the_institution_and_none_about_learners() {
    let mut board = Board::new(Detectors::ALL);
    let all: Vec<Expectation> = (1..=5).map(|learner| lesson(learner, HOST, 540, 600)).collect();
    all.iter().for_each(|of| board.take(Evidence::Expect(*of)));
    heard(&mut board, 535);
    let mut log = Vec::new();
    (535..600).for_each(|minute| log.extend(board.advance(at(minute))));
    let silent = AlertKey::SourceSilent { site: HOST };
    let first = told(&log).remove(0);
    assert_eq!(first, (silent, vec![Notify::Host(HOST), Notify::Home(HOME)]));
    assert!(told(&log).iter().all(|(key, _)| *key == silent), "{log:?}");
    assert_eq!(board.state(all[0].id()), Some(State::UnknownSince { heard: Some(at(535)) }));
    all.iter().for_each(|of| board.take(Evidence::Mark(of.id(), present(545))));
    board.take(Evidence::Heard { site: HOST, at: at(600) });
    assert_eq!(over(&board.advance(at(600))), [silent]);
    assert_eq!(board.state(all[0].id()), Some(State::Seen));
}

#[test]
fn a_cancelled_class_is_told_to_each_home_until_it_has_its_learners_back() {
    let mut board = Board::new(Detectors::ALL);
    let all: Vec<Expectation> = (1..=2).map(|learner| lesson(learner, HOST, 540, 600)).collect();
    all.iter().for_each(|of| board.take(Evidence::Expect(*of)));
    heard(&mut board, 500);
    board.take(Evidence::Cancelled { site: HOST, lesson: 540, at: at(500) });
    let key = AlertKey::ClassCancelled { site: HOST, lesson: 540, home: HOME };
    assert_eq!(told(&board.advance(at(500))), [(key, vec![Notify::Home(HOME)])]);
    assert!(board.acknowledge(&key, HOME));
    board.take(Evidence::TakenBack { learner: 1, time: between(540, 600) });
    assert_eq!(board.advance(at(510)), []);
    heard(&mut board, 545);
    let said = board.advance(at(545));
    assert_eq!(told(&said).len(), 1, "the other one is nowhere: {said:?}");
    assert_eq!(over(&said), [key], "the class is no news any more, the learner is");
    board.take(Evidence::TakenBack { learner: 2, time: between(540, 600) });
    assert_eq!(over(&board.advance(at(546))), [AlertKey::Unaccounted(all[1].id())]);
}

#[test]
fn a_placement_that_ends_takes_its_expectation_and_its_alert_along() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(7, HOST, 540, 600);
    board.take(Evidence::Expect(of));
    board.take(Evidence::Mark(of.id(), mark(Physical::Absent, 541)));
    assert_eq!(told(&board.advance(at(541))).len(), 1);
    board.take(Evidence::Drop(of.id()));
    assert_eq!(over(&board.advance(at(542))), [AlertKey::Unaccounted(of.id())]);
    assert_eq!((board.state(of.id()), board.next()), (None, None));
}

#[test]
fn a_cancelled_class_that_nobody_is_placed_in_any_more_is_no_news() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(1, HOST, 540, 600);
    board.take(Evidence::Expect(of));
    board.take(Evidence::Cancelled { site: HOST, lesson: 540, at: at(500) });
    assert_eq!(told(&board.advance(at(500))).len(), 1);
    board.take(Evidence::Drop(of.id()));
    let key = AlertKey::ClassCancelled { site: HOST, lesson: 540, home: HOME };
    assert_eq!(over(&board.advance(at(501))), [key]);
    assert_eq!(board.next(), None);
}

#[test]
fn what_was_told_and_taken_back_holds_no_longer() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(1, HOST, 540, 600);
    board.take(Evidence::Expect(of));
    board.take(Evidence::Excuse { learner: 1, site: None, time: between(540, 600), why: Excuse::Notice });
    board.take(Evidence::Cancelled { site: HOST, lesson: 540, at: at(500) });
    board.advance(at(530));
    assert_eq!(board.state(of.id()), Some(State::Excused(Excuse::Notice)));
    board.take(Evidence::ForgetLearner(1));
    board.advance(at(531));
    assert_eq!(board.state(of.id()), Some(State::Cancelled { taken_back: false }));
    board.take(Evidence::ForgetSite(HOST));
    assert_eq!(over(&board.advance(at(532))).len(), 1, "it takes place after all");
    assert_eq!(board.state(of.id()), Some(State::Expected));
    board.take(Evidence::Mark(of.id(), mark(Physical::Absent, 545)));
    board.take(Evidence::ForgetLearner(1));
    assert_eq!(told(&board.advance(at(545))).len(), 1, "a host's mark is forgotten by nobody");
}

#[test]
fn who_missed_a_lesson_and_sits_in_the_next_one_is_not_looked_for() {
    let mut board = Board::new(Detectors::ALL);
    let (first, next) = (lesson(1, HOST, 540, 600), lesson(1, HOST, 600, 660));
    [first, next].into_iter().for_each(|of| board.take(Evidence::Expect(of)));
    board.take(Evidence::Mark(first.id(), mark(Physical::Absent, 545)));
    assert_eq!(told(&board.advance(at(545))).len(), 1);
    board.take(Evidence::Mark(next.id(), present(604)));
    assert_eq!(over(&board.advance(at(604))), [AlertKey::Unaccounted(first.id())]);
    assert_eq!(board.state(first.id()), Some(State::SeenSince { site: HOST, at: at(600) }));
    board.take(Evidence::Unmark(next.id()));
    assert_eq!(told(&board.advance(at(605))).len(), 1, "it was somebody else");
}

#[test]
fn an_alert_of_before_a_restart_keeps_its_clock() {
    let of = lesson(1, HOST, 540, 600);
    let key = AlertKey::Unaccounted(of.id());
    let to = vec![Notify::Home(HOME), Notify::Host(HOST)];
    let alert = Alert { key, to, repeated: 1, since: at(541) };
    let again = |evidence: &[Evidence], in_hand: &[u16]| {
        let mut board = Board::new(Detectors::ALL);
        evidence.iter().for_each(|evidence| board.take(*evidence));
        board.resume(alert.clone(), in_hand.iter().copied().collect(), at(551));
        (board.advance(at(552)), board.advance(at(561)))
    };
    let missing = [Evidence::Expect(of), Evidence::Mark(of.id(), mark(Physical::Absent, 541))];
    let (first, second) = again(&missing, &[]);
    assert_eq!(first, [], "it was told at 551");
    assert_eq!(second, [What::Tell(Alert { repeated: 2, ..alert.clone() })]);
    assert_eq!(again(&missing, &[HOME, HOST]), (vec![], vec![]), "both have it in hand");
    let host_alone = What::Tell(Alert { repeated: 2, to: vec![Notify::Host(HOST)], ..alert.clone() });
    assert_eq!(again(&missing, &[HOME]).1, [host_alone], "the host is still told again");
    let seen = [Evidence::Expect(of), Evidence::Mark(of.id(), present(542))];
    assert_eq!(again(&seen, &[]).0, [What::Over(key)], "found while nobody looked");
    assert_eq!(again(&[], &[]).0, [], "nobody expects them any more, and nobody has seen them");
    assert_eq!(again(&[Evidence::Found(of.id(), at(545))], &[]).0, [What::Over(key)]);
}

#[test]
fn a_hosts_excuse_holds_at_its_own_site_and_hides_nobody_elsewhere() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(1, HOST, 540, 600);
    let excused_by =
        |site| Evidence::Excuse { learner: 1, site, time: between(540, 600), why: Excuse::Notice };
    board.take(Evidence::Expect(of));
    board.take(Evidence::Mark(of.id(), mark(Physical::Absent, 545)));
    board.take(excused_by(Some(OTHER)));
    assert_eq!(told(&board.advance(at(545))).len(), 1, "another site's word excuses nobody here");
    board.take(excused_by(Some(HOST)));
    assert_eq!(over(&board.advance(at(546))), [], "nor does its own, once somebody was told");
    let next = lesson(1, HOST, 570, 590);
    board.take(Evidence::Expect(next));
    board.take(Evidence::Mark(next.id(), mark(Physical::Absent, 571)));
    let said = told(&board.advance(at(571)));
    assert!(
        said.iter().all(|(key, _)| *key == AlertKey::Unaccounted(of.id())),
        "beforehand, it does: {said:?}"
    );
}

#[test]
fn who_was_found_stays_found_when_the_day_is_declared_anew() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(1, HOST, 540, 600);
    board.take(Evidence::Found(of.id(), at(550)));
    board.take(Evidence::Expect(of));
    board.take(Evidence::Drop(of.id()));
    board.take(Evidence::Expect(of));
    board.take(Evidence::Mark(of.id(), mark(Physical::Absent, 545)));
    assert_eq!(board.advance(at(555)), []);
    assert_eq!(board.state(of.id()), Some(State::Found { at: at(550) }));
}

#[test]
fn who_came_back_after_being_found_and_is_missed_again_is_looked_for_again() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(1, HOST, 540, 600);
    let absent = |minute| Evidence::Mark(of.id(), mark(Physical::Absent, minute));
    board.take(Evidence::Expect(of));
    board.take(absent(545));
    assert_eq!(told(&board.advance(at(545))).len(), 1);
    board.take(Evidence::Found(of.id(), at(550)));
    board.take(absent(552));
    assert_eq!(over(&board.advance(at(552))).len(), 1, "a register that is saved again loses nobody");
    assert_eq!(board.state(of.id()), Some(State::Found { at: at(550) }));
    board.take(Evidence::Mark(of.id(), present(555)));
    // The same word of the person comes once more, as after a start.
    board.take(Evidence::Found(of.id(), at(550)));
    board.advance(at(555));
    board.take(absent(570));
    assert_eq!(told(&board.advance(at(570))).len(), 1, "they were in the room, and aren't any more");
    board.take(Evidence::Found(of.id(), at(575)));
    assert_eq!(over(&board.advance(at(575))).len(), 1);
}

/// What a board may be told, in no sensible order.
fn anything() -> impl Strategy<Value = Evidence> {
    let times =
        prop_oneof![Just(Times::default()), Just(agreed(&[(Moment::Register, 5), (Moment::Quiet, 20)]))];
    let expectation = (1..4u32, prop_oneof![Just(HOST), Just(OTHER)], 0..6i64, times).prop_map(
        |(learner, site, slot, times)| Expectation {
            times,
            ..lesson(learner, site, 540 + slot * 20, 600 + slot * 20)
        },
    );
    let physical = prop_oneof![
        Just(Physical::Present),
        Just(Physical::Late),
        Just(Physical::Absent),
        Just(Physical::NotRequired),
        Just(Physical::Unknown)
    ];
    let time = (500..700i64, 1..90i64).prop_map(|(from, long)| between(from, from + long));
    let site = prop_oneof![Just(HOST), Just(OTHER)];
    prop_oneof![
        6 => expectation.clone().prop_map(Evidence::Expect),
        6 => (expectation.clone(), physical, 540..700i64, proptest::option::of(1..40u32)).prop_map(
            |(of, physical, minute, left)| {
                let left = left.filter(|_| physical == Physical::Present);
                Evidence::Mark(of.id(), Mark { minutes_left_early: left, ..mark(physical, minute) })
            }
        ),
        2 => expectation.clone().prop_map(|of| Evidence::Unmark(of.id())),
        1 => expectation.clone().prop_map(|of| Evidence::Drop(of.id())),
        1 => (expectation.clone(), 540..700i64).prop_map(|(of, minute)| Evidence::Found(of.id(), at(minute))),
        1 => (1..4u32, time.clone()).prop_map(|(learner, time)| Evidence::TakenBack { learner, time }),
        1 => (1..4u32, time.clone()).prop_map(|(learner, time)| {
            Evidence::Excuse { learner, site: None, time, why: Excuse::Notice }
        }),
        1 => (site.clone(), time.clone()).prop_map(|(site, time)| Evidence::Closed { site, time }),
        1 => (1..4u32, site.clone(), time).prop_map(|(learner, site, time)| Evidence::Sighting { learner, site, time }),
        1 => (site.clone(), 0..6u64, 500..700i64).prop_map(|(site, slot, minute)| {
            Evidence::Cancelled { site, lesson: 540 + slot * 20, at: at(minute) }
        }),
        6 => (site, 500..720i64).prop_map(|(site, minute)| Evidence::Heard { site, at: at(minute) }),
    ]
}

/// True if a state says of nobody where they are, nor that it is all right.
fn is_no_answer(state: State) -> bool {
    use State::*;
    matches!(
        state,
        Expected
            | Due
            | InTravel { .. }
            | NotMarked { .. }
            | UnknownSince { .. }
            | Unaccounted { .. }
            | Cancelled { taken_back: false }
            | Excused(Excuse::Closed)
    )
}

fn states(board: &Board) -> Vec<(Id, State)> {
    let mut all: Vec<_> = board.of_home(HOME).into_iter().map(|(of, state)| (of.id(), state)).collect();
    all.sort_by_key(|(id, _)| *id);
    all
}

proptest! {
    /// A board that was kept current step by step says what one says that hears it all at once, but for what was told; and no learner is
    /// unaccounted without an alert, and no alert outlives its reason.
    #[test]
    fn a_board_kept_current_says_what_a_fresh_one_says(
        steps in proptest::collection::vec((anything(), 0..4i64), 1..60)
    ) {
        let mut board = Board::new(Detectors::ALL);
        let mut minute = 520;
        for (evidence, passes) in &steps {
            minute += passes;
            board.take(*evidence);
            board.advance(at(minute));
        }
        let mut fresh = Board::new(Detectors::ALL);
        steps.iter().for_each(|(evidence, _)| fresh.take(*evidence));
        fresh.advance(at(minute));
        for ((id, kept), (_, state)) in states(&board).into_iter().zip(states(&fresh)) {
            // What was told stays until somebody accounts for the learner: the fresh board has told nothing.
            let told = matches!(kept, State::Unaccounted { .. }) && is_no_answer(state);
            prop_assert!(kept == state || told, "{:?}: {:?}, and afresh {:?}", id, kept, state);
        }
        let missing: Vec<Id> = states(&board)
            .into_iter()
            .filter(|(_, state)| matches!(state, State::Unaccounted { .. }))
            .map(|(id, _)| id)
            .collect();
        let alerted: Vec<Id> = board
            .open_alerts()
            .filter_map(|(alert, _)| if let AlertKey::Unaccounted(id) = alert.key { Some(id) } else { None })
            .collect();
        prop_assert_eq!(missing, alerted);
    }
}

#[test]
fn who_came_here_from_another_site_long_ago_is_not_on_the_way_any_more() {
    let mut board = Board::new(Detectors::ALL);
    let (there, here, again) =
        (lesson(7, OTHER, 480, 530), lesson(7, HOST, 540, 600), lesson(7, HOST, 605, 660));
    [there, here, again].into_iter().for_each(|of| board.take(Evidence::Expect(of)));
    board.take(Evidence::Mark(there.id(), present(485)));
    board.take(Evidence::Mark(here.id(), present(545)));
    heard(&mut board, 625);
    board.advance(at(625));
    let state = board.state(again.id());
    let missing = State::Unaccounted { since: at(625), why: Why::RegisterNotTaken };
    assert_eq!(state, Some(missing), "they were seen at this site since");
}

#[test]
fn who_was_said_to_be_missing_stays_so_when_the_host_changes_its_timetable() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(7, HOST, 540, 600);
    let key = AlertKey::Unaccounted(of.id());
    board.take(Evidence::Expect(of));
    board.take(Evidence::Mark(of.id(), mark(Physical::Absent, 545)));
    assert_eq!(told(&board.advance(at(545))).len(), 1);
    // The host takes its mark back, calls the class off, closes, and strikes the lesson out: none of it finds anybody.
    board.take(Evidence::Unmark(of.id()));
    assert_eq!(over(&board.advance(at(546))), []);
    board.take(Evidence::Cancelled { site: HOST, lesson: 540, at: at(547) });
    board.take(Evidence::Closed { site: HOST, time: between(0, 1_439) });
    let own = Excuse::Notice;
    board.take(Evidence::Excuse { learner: 7, site: Some(HOST), time: between(540, 600), why: own });
    assert_eq!(over(&board.advance(at(547))), []);
    board.take(Evidence::Lapse(of.id()));
    assert_eq!(over(&board.advance(at(548))), []);
    let left = State::Unaccounted { since: at(545), why: Why::NoLongerExpected };
    assert_eq!(board.state(of.id()), Some(left));
    assert_eq!(told(&board.advance(at(556))), [(key, vec![Notify::Home(HOME), Notify::Host(HOST)])], "again");
    // The home's word ends it.
    board.take(Evidence::Excuse { learner: 7, site: None, time: between(540, 600), why: own });
    assert_eq!(over(&board.advance(at(557))), [key]);
}

#[test]
fn after_its_lesson_is_gone_an_alert_ends_by_a_mark_or_by_a_person() {
    for ends in [
        Evidence::Mark(lesson(7, HOST, 540, 600).id(), present(580)),
        Evidence::Found(lesson(7, HOST, 540, 600).id(), at(580)),
        Evidence::TakenBack { learner: 7, time: between(500, 700) },
        Evidence::Sighting { learner: 7, site: OTHER, time: between(570, 571) },
    ] {
        let mut board = Board::new(Detectors::ALL);
        let of = lesson(7, HOST, 540, 600);
        board.take(Evidence::Expect(of));
        board.take(Evidence::Mark(of.id(), mark(Physical::Absent, 545)));
        board.advance(at(545));
        board.take(Evidence::Lapse(of.id()));
        assert_eq!(over(&board.advance(at(550))), []);
        board.take(ends);
        assert_eq!(over(&board.advance(at(580))), [AlertKey::Unaccounted(of.id())], "{ends:?}");
    }
    // Nobody was told of this one: it goes with its lesson.
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(7, HOST, 540, 600);
    board.take(Evidence::Expect(of));
    board.take(Evidence::Lapse(of.id()));
    assert_eq!((board.advance(at(900)), board.state(of.id())), (vec![], None));
}

#[test]
fn who_left_early_is_told_until_somebody_has_seen_or_found_them() {
    let left = |minute: i64| Mark { minutes_left_early: Some(30), ..present(minute) };
    let start = || {
        let mut board = Board::new(Detectors::ALL);
        let of = lesson(7, HOST, 540, 600);
        board.take(Evidence::Expect(of));
        board.take(Evidence::Mark(of.id(), left(572)));
        assert_eq!(told(&board.advance(at(572))).len(), 1);
        board.take(Evidence::Lapse(of.id()));
        assert_eq!(over(&board.advance(at(573))), [], "the end of the day finds nobody");
        (board, of)
    };
    let (mut board, of) = start();
    board.take(Evidence::Found(of.id(), at(580)));
    assert_eq!(over(&board.advance(at(580))), [AlertKey::LeftEarly(of.id())]);
    let (mut board, of) = start();
    board.take(Evidence::Sighting { learner: 7, site: OTHER, time: between(590, 591) });
    assert_eq!(over(&board.advance(at(591))), [AlertKey::LeftEarly(of.id())]);
}

#[test]
fn each_moment_is_the_one_that_the_agreement_sets() {
    let state = |said: &[(Moment, u16)], minute: i64, change: fn(&mut Facts)| {
        let mut facts = Facts { heard: Some(at(minute)), ..Facts::default() };
        change(&mut facts);
        let of = Expectation { times: agreed(said), ..lesson(7, HOST, 540, 600) };
        judge(&of, &facts, at(minute)).0
    };
    let missing = |minute, why| State::Unaccounted { since: at(minute), why };
    let early = [(Moment::Register, 3), (Moment::HostFirst, 2)];
    assert_eq!(state(&early, 542, |_| ()), State::Due);
    assert_eq!(state(&early, 543, |_| ()), State::NotMarked { since: at(543) });
    assert_eq!(state(&early, 545, |_| ()), missing(545, Why::RegisterNotTaken));
    assert_eq!(state(&[(Moment::HostFirst, 0)], 555, |_| ()), missing(555, Why::RegisterNotTaken));
    assert_eq!(state(&[(Moment::Register, 40)], 579, |_| ()), State::Due);
    assert_eq!(
        state(&[(Moment::HostFirst, 9)], 549, |f| f.cancelled = Some(at(500))),
        missing(549, Why::Cancelled)
    );
    let way = [(Moment::Travel, 45)];
    let left = |f: &mut Facts| f.came_from = Some((OTHER, at(530)));
    assert_eq!(state(&way, 574, left), State::InTravel { from: OTHER, until: at(575) });
    assert_eq!(state(&way, 575, left), missing(575, Why::NotArrived));
    let silent = |f: &mut Facts| f.heard = Some(at(542));
    assert_eq!(state(&[(Moment::Quiet, 5)], 547, silent), State::UnknownSince { heard: Some(at(542)) });
}

#[test]
fn two_homes_in_one_class_are_each_told_when_their_own_agreement_says() {
    let mut board = Board::new(Detectors::ALL);
    let own = lesson(7, HOST, 540, 600);
    let theirs =
        Expectation { home: OTHER, times: agreed(&[(Moment::Register, 5)]), ..lesson(8, HOST, 540, 600) };
    for of in [own, theirs] {
        board.take(Evidence::Expect(of));
    }
    let mut log = Vec::new();
    for minute in 540..562 {
        heard(&mut board, minute);
        log.extend(told(&board.advance(at(minute))).into_iter().map(|(key, to)| (minute, key, to.len())));
    }
    let register = AlertKey::Register { site: HOST, lesson: 540 };
    let both = [(550, AlertKey::Unaccounted(theirs.id()), 2), (560, AlertKey::Unaccounted(own.id()), 2)];
    log.retain(|(minute, key, _)| *minute < 555 || *key != register);
    assert_eq!(log[0], (545, register, 1), "the host is told once, when the first of the two is due");
    assert!(both.iter().all(|told| log.contains(told)), "{log:?}");
}

#[test]
fn what_is_agreed_anew_holds_at_once_and_finds_nobody_who_was_told_of() {
    let mut board = Board::new(Detectors::ALL);
    let of = lesson(7, HOST, 540, 600);
    let key = AlertKey::Unaccounted(of.id());
    let with = |said: &[(Moment, u16)]| Evidence::Expect(Expectation { times: agreed(said), ..of });
    board.take(Evidence::Expect(of));
    heard(&mut board, 548);
    assert_eq!(board.advance(at(548)), []);
    assert!(!board.awaits(HOST, at(548)), "its register isn't due");
    board.take(with(&[(Moment::Register, 4), (Moment::HostFirst, 1)]));
    let said = board.advance(at(548));
    assert_eq!(
        told(&said),
        [(key, vec![Notify::Host(HOST), Notify::Home(HOME)])],
        "it was due by the new one"
    );
    // Told again by the new clock, counted from when it was told last.
    board.take(with(&[(Moment::Register, 60), (Moment::Again, 3)]));
    assert_eq!(board.advance(at(549)), [], "a longer grace finds nobody");
    assert_eq!(board.next(), Some(at(551)));
    assert_eq!(told(&board.advance(at(551))).len(), 1);
    // A start knows of it what the log says, and comes to the same.
    let mut fresh = Board::new(Detectors::ALL);
    fresh.take(with(&[(Moment::Register, 60), (Moment::Again, 3)]));
    let (alert, _) = board.open_alerts().next().unwrap();
    fresh.resume(alert, Default::default(), at(551));
    assert_eq!(fresh.next(), Some(at(554)));
    assert_eq!(fresh.advance(at(552)), []);
    assert_eq!(board.next(), fresh.next());
}

#[test]
fn a_board_waits_for_its_sources_word_from_the_agreed_moment_on() {
    let mut board = Board::new(Detectors::ALL);
    let times = agreed(&[(Moment::Register, 4), (Moment::HostFirst, 2)]);
    board.take(Evidence::Expect(Expectation { times, ..lesson(7, HOST, 540, 600) }));
    heard(&mut board, 543);
    board.advance(at(543));
    assert!(!board.awaits(HOST, at(543)));
    assert!(board.awaits(HOST, at(544)), "the register is due");
    heard(&mut board, 544);
    board.advance(at(544));
    assert!(!board.awaits(HOST, at(545)));
    assert!(board.awaits(HOST, at(546)), "the learner is missing");
}

#[test]
fn who_left_early_is_told_of_by_the_agreement_and_stays_told_of() {
    let mut board = Board::new(Detectors::ALL);
    let of =
        |minutes| Expectation { times: agreed(&[(Moment::LeftEarly, minutes)]), ..lesson(7, HOST, 540, 600) };
    let left =
        |minutes| Evidence::Mark(of(1).id(), Mark { minutes_left_early: Some(minutes), ..present(580) });
    board.take(Evidence::Expect(of(25)));
    board.take(left(20));
    assert_eq!(board.advance(at(580)), []);
    board.take(Evidence::Expect(of(20)));
    assert_eq!(told(&board.advance(at(581))).len(), 1);
    board.take(Evidence::Expect(of(30)));
    assert_eq!(over(&board.advance(at(582))), [], "nobody was found");
    board.take(left(5));
    assert_eq!(over(&board.advance(at(583))).len(), 1, "the host put its mark right");
}

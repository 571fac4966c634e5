//! The live day, held against the board's own rules and read by the connectors, long before anybody watches it.

use super::*;
use crate::demo::made::{
    self,
    live::Live,
    tests::said,
    world::{ASHDOWN, GROUPS, WYVERN},
};
use commonroll_connectors::Item;
use commonroll_core::{Interval, Timestamp, agreement::Times, record::attendance::Physical};
use commonroll_views::whereabouts::{Board, Detectors, Evidence, Excuse, Expectation, Id, Mark, State, Why};
use std::collections::{BTreeMap, BTreeSet};

const DAY: &str = "2026-11-22";
const DATE: (i16, i8, i8) = (2026, 11, 20);
/// Ten past two and eleven seconds.
const AFTERNOON: u32 = 14 * 3600 + 611;

fn world() -> (World, [Vec<(usize, usize)>; 3]) {
    let mut world = World::new(2026, &mut Chance::new(7));
    let pairs = world.pair_up();
    (world, pairs)
}

fn at(second: u32) -> Timestamp {
    let midnight: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().expect("a moment");
    Timestamp::from_jiff(midnight).plus_micros(i64::from(second) * 1_000_000)
}

/// The board of everybody, told as the hub would be.
struct Told<'a> {
    world: &'a World,
    today: &'a Today,
    board: Board,
    rows: BTreeMap<usize, Vec<Row>>,
    expected: BTreeSet<Id>,
    back: usize,
}

impl<'a> Told<'a> {
    fn new(world: &'a World, today: &'a Today) -> Self {
        let mut board = Board::new(Detectors::ALL);
        for visit in world.excused.iter().map(|visit| &world.visits[*visit]) {
            let time = Interval::new(at(0), at(86_399)).expect("a day");
            let learner = learner(visit.home, visit.person);
            board.take(Evidence::Excuse { learner, site: None, time, why: Excuse::Notice });
        }
        Self { world, today, board, rows: BTreeMap::new(), expected: BTreeSet::new(), back: 0 }
    }

    /// Lets a second come, and gives every expectation's state.
    fn look(&mut self, second: u32) -> Vec<(Expectation, State)> {
        let told = self.today.told(second);
        for (place, meeting) in self.today.meetings.iter().enumerate() {
            let Meets { group, lesson, cancelled } = meeting.meets;
            let visits =
                self.world.visits.iter().filter(|v| v.group == group && v.declared && !v.ends_at_noon);
            let time = Interval::new(at(lesson.start * 60), at(lesson.end * 60)).expect("a lesson");
            let (site, number) = (GROUPS[group].host as u16, place as u64);
            for visit in visits.filter(|_| told.contains(&meeting.meets)) {
                let learner = learner(visit.home, visit.person);
                let (home, times) = (visit.home as u16, Times::default());
                let of = Expectation { learner, home, site, lesson: number, time, times };
                if self.expected.insert(of.id()) {
                    self.board.take(Evidence::Expect(of));
                    if cancelled {
                        let lesson = number;
                        self.board.take(Evidence::Cancelled { site, lesson, at: at(self.today.began) });
                    }
                }
            }
            // What a host that is cut off has written comes when it is back.
            let away = usize::from(site) == WYVERN && self.today.is_cut_off(second);
            if let Some(rows) = self.today.rows(self.world, place, second).filter(|_| !away)
                && self.rows.get(&place) != Some(&rows)
            {
                rows.iter().for_each(|row| self.mark(site, number, *row, second));
                self.board.take(Evidence::Heard { site, at: at(second) });
                self.rows.insert(place, rows);
            }
        }
        for meets in self.today.taken_back(second).split_off(self.back) {
            self.back += 1;
            let time =
                Interval::new(at(meets.lesson.start * 60), at(meets.lesson.end * 60)).expect("a lesson");
            for visit in self.world.visits.iter().filter(|visit| visit.group == meets.group) {
                self.board.take(Evidence::TakenBack { learner: learner(visit.home, visit.person), time });
            }
        }
        self.board.advance(at(second));
        (0..8).flat_map(|home| self.board.of_home(home)).collect()
    }

    fn mark(&mut self, site: u16, lesson: u64, (visit, seen): Row, second: u32) {
        let visit = &self.world.visits[visit];
        let (physical, minutes_late) = match seen {
            Seen::Late(minutes) => (Physical::Late, Some(minutes)),
            Seen::Absent => (Physical::Absent, None),
            Seen::Present | Seen::Slip => (Physical::Present, None),
        };
        let mark = Mark { physical, minutes_late, minutes_left_early: None, at: at(second) };
        let id = Id { site, lesson, learner: learner(visit.home, visit.person) };
        self.board.take(Evidence::Mark(id, mark));
    }
}

fn learner(home: usize, person: usize) -> u32 {
    (home * 1_000 + person) as u32
}

/// Whom the board looks for.
fn looked_for(states: &[(Expectation, State)]) -> Vec<(u32, Why)> {
    let why = |(of, state): &(Expectation, State)| match state {
        State::Unaccounted { why, .. } => Some((of.learner, *why)),
        _ => None,
    };
    states.iter().filter_map(why).collect()
}

#[test]
fn at_its_beginning_the_live_day_shows_every_state_but_somebody_missing() {
    let (world, pairs) = world();
    let today = Today::plan(&pairs, DAY, AFTERNOON);
    let states = Told::new(&world, &today).look(AFTERNOON + 20);
    let is = |wanted: fn(&State) -> bool| states.iter().filter(|(_, state)| wanted(state)).count();
    let counts = [
        is(|state| matches!(state, State::Seen)),
        is(|state| matches!(state, State::Late { .. })),
        is(|state| matches!(state, State::Excused(Excuse::Notice))),
        is(|state| matches!(state, State::Cancelled { taken_back: false })),
        is(|state| matches!(state, State::NotMarked { .. })),
        is(|state| matches!(state, State::InTravel { .. })),
        is(|state| matches!(state, State::Due)),
        is(|state| matches!(state, State::Expected)),
        is(|state| matches!(state, State::UnknownSince { heard: None })),
    ];
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    assert!(counts[0] > 100, "most are where they should be: {counts:?}");
    assert_eq!(looked_for(&states), []);
    // The home whose officer watches has nearly all of it on one board.
    let ashdown = |wanted: fn(&State) -> bool| {
        states.iter().any(|(of, state)| usize::from(of.home) == ASHDOWN && wanted(state))
    };
    assert!(ashdown(|state| matches!(state, State::UnknownSince { .. } | State::Excused(_))));
    assert!(ashdown(|state| matches!(state, State::InTravel { .. })));
    assert!(ashdown(|state| matches!(state, State::Cancelled { .. })));
}

#[test]
fn one_learner_after_the_other_is_missed_and_found_and_nobody_else_is_ever_looked_for() {
    let (world, pairs) = world();
    let today = Today::plan(&pairs, DAY, AFTERNOON);
    let first = today.misses.first().expect("somebody");
    assert!((60..100).contains(&(first.at - AFTERNOON)), "soon: {}", first.at - AFTERNOON);
    let until = AFTERNOON + 5 * 1_500;
    let mut seconds: BTreeSet<u32> = (AFTERNOON..until).step_by(60).collect();
    let missed: Vec<&Miss> = today.misses.iter().filter(|miss| miss.back + 5 < until).collect();
    seconds.extend(missed.iter().flat_map(|miss| [miss.at, miss.back]));
    let mut told = Told::new(&world, &today);
    for second in seconds {
        let states = told.look(second);
        let away: Vec<_> = missed.iter().filter(|miss| (miss.at..miss.back).contains(&second)).collect();
        let of = |miss: &&&Miss| {
            let visit = &world.visits[miss.visit];
            (learner(visit.home, visit.person), Why::MarkedAbsent)
        };
        assert_eq!(looked_for(&states), away.iter().map(of).collect::<Vec<_>>(), "at {second}");
        assert!(away.iter().all(|miss| world.visits[miss.visit].home == ASHDOWN));
    }
    let people: BTreeSet<usize> = missed.iter().map(|miss| world.visits[miss.visit].person).collect();
    assert!(missed.len() >= 10 && people.len() >= 10, "{} of {}", missed.len(), people.len());
}

#[test]
fn whenever_it_begins_lessons_lie_in_their_date_and_nobody_has_two_at_once() {
    let (world, pairs) = world();
    assert!(pairs.iter().all(|way| way.len() >= 3), "each way is taken by some");
    for began in (0..86_400).step_by(1_021) {
        let today = Today::plan(&pairs, DAY, began);
        let mut of: BTreeMap<(usize, usize), Vec<Lesson>> = BTreeMap::new();
        for Meets { group, lesson, .. } in today.meetings.iter().map(|meeting| meeting.meets) {
            assert!(lesson.start < lesson.end && lesson.end <= 1_439);
            for visit in world.visits.iter().filter(|visit| visit.group == group && visit.declared) {
                of.entry((visit.home, visit.person)).or_default().push(lesson);
            }
        }
        for lessons in of.values_mut() {
            lessons.sort_by_key(|lesson| lesson.start);
            assert!(
                lessons.windows(2).all(|two| two[0].end <= two[1].start),
                "begun at {began}: {lessons:?}"
            );
        }
        let soon = today.misses.first().is_some_and(|miss| miss.at < began + 100);
        assert!(soon || !(45 * 60..86_400 - 45 * 60).contains(&began), "begun at {began}");
        assert!(today.misses.is_sorted_by_key(|miss| miss.at));
        assert!(today.misses.windows(2).all(|two| two[0].back < two[1].at), "one at a time: {began}");
    }
}

#[test]
fn what_partners_export_in_the_live_part_is_read_without_a_problem() {
    let mut made = made::make(7, DATE).expect("a day");
    let live: Live = made.live.take().expect("a live part");
    let mut day = live.day(DAY, AFTERNOON);
    let mut exports = live.first();
    exports.extend(live.before());
    for second in [AFTERNOON, AFTERNOON + 80, AFTERNOON + 155, AFTERNOON + 1_100] {
        exports.extend(day.frame(second).into_iter().chain(day.registers(second)));
    }
    let mappings: BTreeMap<&str, String> = day.mappings().into_iter().collect();
    let (mut marks, mut before, mut lessons, mut notices, mut placed) = (0, 0, 0, 0, 0);
    for partner in &mut made.setup.partners {
        let own = exports.iter().filter(|export| export.slug == partner.slug);
        partner.files = own.map(|export| export.file.clone()).collect();
        for source in &mut partner.sources {
            if let Some(text) = mappings.get(partner.slug.as_str()).filter(|_| source.name == "registers") {
                source.mapping = Some(text.clone());
            }
        }
        let names: Vec<String> = partner.sources.iter().map(|source| source.name.clone()).collect();
        for item in names.iter().filter(|name| *name != "roster").flat_map(|name| said(partner, name)) {
            match item {
                Item::Record(draft) => {
                    let today = draft.date.to_string() == DAY;
                    *(if today { &mut marks } else { &mut before }) += 1;
                }
                Item::Day(day) => lessons += day.lessons().len(),
                Item::Notice(_) => notices += 1,
                Item::Placement(_) => placed += 1,
                _ => {}
            }
        }
    }
    let counts = (marks, before, lessons, notices, placed);
    assert!(marks > 500 && before > 4_000 && lessons > 40 && notices > 12 && placed >= 10, "{counts:?}");
    let missed = day.missed();
    let first = missed.first().expect("somebody");
    assert_eq!((first.home, first.host), ("ashdown", "northgate"));
    assert!(first.seen.contains("Kingsmead School until 14:03"), "{}", first.seen);
}

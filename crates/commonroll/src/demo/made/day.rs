//! The school day: what teachers see and change, minute by minute, and what must be at home when it is over.
//!
//! The truth is kept here and nowhere else. Files are written from it, and in the end the homes' outboxes are held
//! against it.

use super::{
    conduct::{self, Event},
    packages::{self, Grade, WORK},
    registers::{self, Row, Seen},
    rosters,
    world::{
        ASHDOWN, GROUPS, HOLLINS, KINGSMEAD, Lesson, NORTHGATE, PARTNERS, PHYSICS, RIVERSIDE, ST_BRIDES,
        WYVERN, Who, World, clock,
    },
};
use crate::chance::Chance;
use crate::demo::setup::{Action, Arrived, Content, FileToWrite, Kind, Step};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Real seconds for a minute of school at speed 1.
const PACE: f64 = 0.118;
const NOON: u32 = 720;
/// Minutes into the lesson after which whoever went missing is there.
const FOUND: u32 = 42;

/// A day.
pub struct Day {
    pub steps: Vec<Step>,
    /// For each step: the records that its file brings, new or changed.
    pub brings: Vec<Brings>,
    pub expected: BTreeSet<Arrived>,
    pub refused: BTreeMap<(String, String), u64>,
}

/// What a file brings to the homes.
#[derive(Clone, Default)]
pub struct Brings {
    /// Records, new or changed.
    pub new: Vec<Arrived>,
    /// Records that it takes back, as they were.
    pub gone: Vec<Arrived>,
}

impl From<Vec<Arrived>> for Brings {
    fn from(new: Vec<Arrived>) -> Self {
        Self { new, gone: Vec::new() }
    }
}

/// A change of the truth, with the minute at which the host's system exports it.
type Change = (u32, usize, Lesson, Vec<Row>);

struct Maker<'a> {
    world: &'a World,
    day: &'a str,
    /// (minute, order) -> step and what it brings.
    found: Vec<(u32, Step, Brings)>,
    expected: BTreeSet<Arrived>,
    refused: BTreeMap<(String, String), u64>,
}

/// Makes the day.
pub fn make(world: &World, day: &str, chance: &mut Chance) -> Result<Day, String> {
    let mut maker =
        Maker { world, day, found: Vec::new(), expected: BTreeSet::new(), refused: BTreeMap::new() };
    maker.registers(chance);
    maker.conduct(chance);
    maker.grades(chance)?;
    maker.incidents();
    maker.found.sort_by_key(|(minute, ..)| *minute);
    let from = maker.found.first().map_or(0, |(minute, ..)| *minute);
    let (mut steps, mut brings) = (Vec::new(), Vec::new());
    for (minute, mut step, brought) in maker.found {
        step.at = Duration::from_secs_f64(f64::from(minute - from) * PACE);
        steps.push(step);
        brings.push(brought);
    }
    Ok(Day { steps, brings, expected: maker.expected, refused: maker.refused })
}

impl Maker<'_> {
    fn add(&mut self, minute: u32, who: Who, action: Action, brings: impl Into<Brings>) {
        let step =
            Step { at: Duration::ZERO, clock: clock(minute), partner: PARTNERS[who].slug.to_owned(), action };
        self.found.push((minute, step, brings.into()));
    }

    fn write(
        &mut self,
        minute: u32,
        who: Who,
        path: &str,
        what: &str,
        bytes: Vec<u8>,
        brings: impl Into<Brings>,
    ) {
        let file =
            FileToWrite { path: path.to_owned(), content: Content::Bytes(bytes), what: what.to_owned() };
        self.add(minute, who, Action::Write(file), brings);
    }

    fn arrived(&self, visit: usize, kind: Kind, start: &str, content: String) -> Arrived {
        let visit = &self.world.visits[visit];
        Arrived {
            home: PARTNERS[visit.home].slug.to_owned(),
            source: PARTNERS[visit.host].slug.to_owned(),
            learner: World::local_id(visit.home, visit.person),
            kind,
            date: self.day.to_owned(),
            start: start.to_owned(),
            content,
        }
    }

    fn refuse(&mut self, who: Who, code: &str) {
        *self.refused.entry((PARTNERS[who].slug.to_owned(), code.to_owned())).or_default() += 1;
    }

    /// True if the hub must refuse what is said about this visitor from this minute on.
    fn is_refused(&self, visit: usize, minute: u32) -> bool {
        let visit = &self.world.visits[visit];
        !visit.declared || (visit.ends_at_noon && minute >= NOON)
    }

    fn registers(&mut self, chance: &mut Chance) {
        for (place, group) in GROUPS.iter().enumerate() {
            let visitors: Vec<usize> = self
                .world
                .visits
                .iter()
                .enumerate()
                .filter(|(_, v)| v.group == place)
                .map(|(n, _)| n)
                .collect();
            for lesson in group.lessons {
                let changes = self.lesson(place, *lesson, &visitors, chance);
                self.exports(changes);
            }
        }
    }

    /// The register of one lesson: taken, added to as people come in, and put right later.
    fn lesson(&self, group: usize, lesson: Lesson, visitors: &[usize], chance: &mut Chance) -> Vec<Change> {
        let plain = |visit: usize| {
            let who = &self.world.visits[visit];
            who.declared && !who.ends_at_noon && !self.world.is_fixed(visit)
        };
        let is_away = |visit: usize| self.world.excused.contains(&visit) || self.world.missing.1 == visit;
        let mut rows: Vec<Row> = visitors
            .iter()
            .map(|visit| {
                let seen = if plain(*visit) && chance.percent(14) { Seen::Absent } else { Seen::Present };
                (*visit, if is_away(*visit) { Seen::Absent } else { seen })
            })
            .collect();
        let slip = GROUPS[group].host == KINGSMEAD;
        if slip && let Some(row) = rows.get_mut(2) {
            row.1 = Seen::Slip;
        }
        let taken = lesson.start + 4 + u32::try_from(chance.below(9)).unwrap_or(0);
        let mut changes = vec![(taken, group, lesson, rows.clone())];
        // Some who were missing come in.
        let mut late = false;
        for row in &mut rows {
            if row.1 == Seen::Absent && plain(row.0) && chance.percent(55) {
                row.1 = Seen::Late(5 + u32::try_from(chance.below(25)).unwrap_or(0));
                late = true;
            }
            if row.1 == Seen::Slip {
                row.1 = Seen::Present;
                late = true;
            }
        }
        if late {
            changes.push((taken + 22, group, lesson, rows.clone()));
        }
        // Whoever went missing on the way is found, and comes in with somebody.
        if let Some(row) = rows.iter_mut().find(|row| row.0 == self.world.missing.1) {
            row.1 = Seen::Late(FOUND);
            changes.push((lesson.start + FOUND + 4, group, lesson, rows.clone()));
        }
        // An office that looks again: present after all, and a mark that should never have been made.
        let last = GROUPS[group].lessons.last().is_some_and(|l| l.start == lesson.start);
        if !last && chance.percent(60) {
            let mut put_right = false;
            if let Some(row) = rows.iter_mut().find(|row| row.1 == Seen::Absent && plain(row.0)) {
                row.1 = Seen::Present;
                put_right = true;
            }
            // Somebody else had answered to the name.
            if let Some(row) =
                rows.iter_mut().find(|row| plain(row.0) && row.1 == Seen::Present && chance.percent(40))
            {
                row.1 = Seen::Absent;
                put_right = true;
            }
            if group % 5 == 2
                && rows.len() > 4
                && let Some(place) = rows.iter().position(|row| plain(row.0) && row.1 == Seen::Present)
            {
                rows.remove(place);
                put_right = true;
            }
            if put_right {
                changes.push((lesson.end + 35, group, lesson, rows));
            }
        }
        changes
    }

    /// Exports of one register in the order of time; the last one is what must stand.
    fn exports(&mut self, changes: Vec<Change>) {
        let mut before: Vec<Row> = Vec::new();
        let count = changes.len();
        for (number, (minute, group, lesson, rows)) in changes.into_iter().enumerate() {
            let fresh: Vec<Row> = rows.iter().filter(|row| !before.contains(row)).copied().collect();
            let new = fresh.iter().filter_map(|row| self.mark(group, lesson, *row)).collect();
            let left = before.iter().filter(|old| !rows.iter().any(|row| row.0 == old.0));
            let gone = left.filter_map(|row| self.mark(group, lesson, *row)).collect();
            let brings = Brings { new, gone };
            let bytes = registers::bytes(self.world, group, lesson, &rows, self.day);
            let what = match number {
                0 => registers::what(group, lesson),
                _ => format!("{}, again", registers::what(group, lesson)),
            };
            self.write(minute, GROUPS[group].host, &registers::path(group, lesson), &what, bytes, brings);
            if number + 1 == count {
                for row in &rows {
                    if self.is_refused(row.0, lesson.start) {
                        self.refuse(GROUPS[group].host, "no_placement");
                    }
                    let mark = self.mark(group, lesson, *row);
                    self.expected.extend(mark);
                }
            }
            before = rows;
        }
    }

    fn mark(&self, group: usize, lesson: Lesson, (visit, seen): Row) -> Option<Arrived> {
        if self.is_refused(visit, lesson.start) {
            return None;
        }
        let content = seen.at_home(GROUPS[group].host)?;
        Some(self.arrived(visit, Kind::Attendance, &clock(lesson.start), content))
    }

    fn conduct(&mut self, chance: &mut Chance) {
        for (host, minutes) in [(NORTHGATE, [686, 893]), (WYVERN, [652, 861])] {
            let guests: Vec<usize> = self
                .world
                .guests(host)
                .filter(|(_, v)| v.declared && !v.ends_at_noon)
                .map(|(n, _)| n)
                .collect();
            let mut events: Vec<Event> = Vec::new();
            for minute in minutes {
                let known = events.len();
                for number in 0..8 {
                    let (label, positive) = match host {
                        NORTHGATE => (*chance.pick(&conduct::AT_COLLEGE), false),
                        _ => *chance.pick(&conduct::AT_CENTRE),
                    };
                    let confidential = host == WYVERN && number == 5 && known == 0;
                    // Each has a learner and a minute of its own.
                    let visit = guests[(known + number) * 7 % guests.len()];
                    let at = minute - 20 + u32::try_from(number).unwrap_or(0);
                    events.push(Event { visit, at, positive, label, confidential });
                }
                let brings: Vec<Arrived> =
                    events[known..].iter().filter(|e| !e.confidential).map(|e| self.event(e)).collect();
                self.expected.extend(brings.iter().cloned());
                let bytes = conduct::bytes(self.world, host, &events, self.day);
                self.write(minute, host, conduct::path(host), "behaviour", bytes, brings);
            }
            if host == WYVERN {
                self.refuse(WYVERN, "confidential");
            }
        }
    }

    fn event(&self, event: &Event) -> Arrived {
        let polarity = if event.positive { "positive" } else { "negative" };
        let content = format!("{polarity}/{}", event.label);
        self.arrived(event.visit, Kind::Behaviour, &clock(event.at), content)
    }

    fn grades(&mut self, chance: &mut Chance) -> Result<(), String> {
        // The college's package breaks off half way at first, and is whole later.
        let mut college = self.results(NORTHGATE, chance);
        let whole = packages::package(self.world, NORTHGATE, self.day, &college)?;
        let half = whole[..whole.len() / 2].to_vec();
        self.write(905, NORTHGATE, "people/roster.zip", "results, cut off half way", half, Brings::default());
        let brings: Vec<_> = college.iter().map(|grade| self.grade(grade)).collect();
        self.write(917, NORTHGATE, "people/roster.zip", "results, whole", whole, brings);
        self.add(917, NORTHGATE, Action::CutWhileSending, Brings::default());
        self.add(923, NORTHGATE, Action::Back, Brings::default());
        let centre = self.results(WYVERN, chance);
        let package = packages::package(self.world, WYVERN, self.day, &centre)?;
        let brings: Vec<_> = centre.iter().map(|grade| self.grade(grade)).collect();
        self.expected.extend(brings.iter().cloned());
        self.write(910, WYVERN, "people/roster.zip", "results", package, brings);
        // One grade is looked at again.
        let mut brings = Vec::new();
        if let Some(grade) = college.iter_mut().find(|grade| grade.1 == "Merit") {
            "Distinction".clone_into(&mut grade.1);
            brings.push(self.grade(grade));
        }
        let package = packages::package(self.world, NORTHGATE, self.day, &college)?;
        self.write(938, NORTHGATE, "people/roster.zip", "results, one put right", package, brings);
        let all: Vec<_> = college.iter().map(|grade| self.grade(grade)).collect();
        self.expected.extend(all);
        Ok(())
    }

    fn results(&self, host: Who, chance: &mut Chance) -> Vec<Grade> {
        let guests = self.world.guests(host).filter(|(_, visit)| visit.declared && !visit.ends_at_noon);
        guests
            .map(|(place, _)| match host {
                NORTHGATE => {
                    (place, (*chance.pick(&["Pass", "Pass", "Merit", "Merit", "Distinction"])).to_owned())
                }
                _ => (place, (38 + chance.below(60)).to_string()),
            })
            .collect()
    }

    fn grade(&self, (visit, grade): &Grade) -> Arrived {
        let subject = GROUPS[self.world.visits[*visit].group].subject;
        self.arrived(*visit, Kind::Assessment, "", format!("{subject}/{WORK}/{grade}"))
    }

    /// What goes wrong, or changes, among the partners.
    fn incidents(&mut self) {
        let say = |text: &str| Action::Say(text.to_owned());
        let claimed = self.world.sent(RIVERSIDE).next().map_or(0, |visit| visit.person);
        let bytes = rosters::learners(self.world, HOLLINS, &[(RIVERSIDE, claimed)]);
        let what = "learners, one of whom is Riverside's";
        self.write(615, HOLLINS, "people/learners.csv", what, bytes, Brings::default());
        self.add(633, ST_BRIDES, Action::CutOff, Brings::default());
        let bytes = rosters::ends(self.world, ASHDOWN, self.day);
        self.write(712, ASHDOWN, "ends/ends.csv", "one placement ends at noon", bytes, Brings::default());
        self.add(722, ASHDOWN, Action::Settle, Brings::default());
        self.add(768, ST_BRIDES, Action::Back, Brings::default());
        let lesson = GROUPS[PHYSICS].lessons[0].start;
        let text = "a visitor of Ashdown's, seen in Latin at the centre, is not in Physics: nobody knows where they are";
        self.add(lesson + 13, KINGSMEAD, say(text), Brings::default());
        let text = "the visitor who was missing on the way is found, and comes in late";
        self.add(lesson + FOUND + 3, KINGSMEAD, say(text), Brings::default());
        self.add(544, WYVERN, say("will mark a visitor whom no school placed there"), Brings::default());
    }
}

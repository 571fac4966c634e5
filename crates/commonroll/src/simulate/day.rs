//! The day of a seed: who is where, what teachers save when, what goes wrong as it does every day, and the holes.
//!
//! Moments that the rules set are worked out here from the rules as people agreed them, in minutes, and not with the
//! program's own judgement.

use super::{
    dice::Dice,
    truth::{About, At, Hole, Kind, Line, Must, Truth},
    world::{PERIODS, Who, World},
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// How long a source may be quiet, in seconds: no agreement says otherwise.
const QUIET: At = 15 * 60;
const MINUTE: At = 60;
/// When partners' timetables of the day are known, in seconds of the day: half past four the day before.
pub const EVENING_BEFORE: At = -27_000;
/// The period in which sources fall silent.
const SILENT: usize = 3;

/// Something that happens at a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A teacher saves a register, as it then is.
    Save(usize),
    /// The host's office changes its timetable.
    Timetable(Who),
    /// A home's office writes down what it knows of absences.
    Notices(Who),
}

/// A time in which a partner's agent doesn't run.
#[derive(Debug, Clone, Copy)]
pub struct Off {
    pub who: Who,
    pub from: At,
    pub until: At,
    /// The agent runs, and the MIS behind it exports nothing.
    pub dead_export: bool,
}

/// What a home tells about a learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Away for the whole day.
    Away,
    /// Not attending until further notice.
    NotAttending,
    /// The home has the learner itself during this lesson.
    TakenBack(usize),
}

/// The day as it is made.
pub struct Day {
    pub truth: Truth,
    pub events: BTreeSet<(At, Event)>,
    pub off: Vec<Off>,
    /// From when on a class is known not to take place.
    pub cancelled: BTreeMap<usize, At>,
    /// From when on a lesson is no longer in the timetable.
    pub dropped: BTreeMap<usize, At>,
    /// From when on a lesson is in another room.
    pub moved: BTreeMap<usize, At>,
    /// From when on a host is closed.
    pub closed: BTreeMap<Who, At>,
    /// Where homes' timetables have learners in a period: true for a lesson of their own, false for a partner's. Of homes
    /// whose system can say so.
    pub plans: BTreeMap<(usize, usize), bool>,
    /// What homes tell, and when: learner, moment.
    pub told: Vec<(usize, At, Told)>,
    /// Learners on the list of a lesson of a group in which nobody placed them: lesson, learner.
    pub strangers: BTreeSet<(usize, usize)>,
}

/// How much of each.
struct Rates {
    /// Holes of one kind.
    holes: usize,
    /// Very late registers.
    very_late: usize,
}

struct Maker<'a> {
    world: &'a World,
    day: Day,
    dice: Dice,
    rates: Rates,
    /// Lessons with a part of their own in the story: nothing else happens to them.
    taken: HashSet<usize>,
    /// Learners who have their hole.
    known: HashSet<usize>,
}

/// Makes the day.
pub fn make(world: &World, seed: u64) -> Day {
    let size = world.learners.len();
    let day = Day {
        truth: Truth::default(),
        events: BTreeSet::new(),
        off: Vec::new(),
        cancelled: BTreeMap::new(),
        dropped: BTreeMap::new(),
        moved: BTreeMap::new(),
        closed: BTreeMap::new(),
        plans: BTreeMap::new(),
        told: Vec::new(),
        strangers: BTreeSet::new(),
    };
    let rates = Rates { holes: (size / 600).max(2), very_late: size / 20_000 };
    let dice = Dice::new(seed, 2);
    let mut maker = Maker { world, day, dice, rates, taken: HashSet::new(), known: HashSet::new() };
    maker.everybody_is_there();
    maker.snow();
    maker.sources();
    maker.whole_lessons();
    maker.timetables();
    maker.homes_know();
    maker.learners();
    maker.registers();
    maker.who_is_due_at_silent_sources();
    maker.day
}

impl Maker<'_> {
    fn everybody_is_there(&mut self) {
        for learner in 0..self.world.learners.len() {
            for lesson in self.world.day_of(learner) {
                let of = &self.world.lessons[lesson];
                let line = Line { there: Some((of.start(), of.end())), ..Line::default() };
                self.day.truth.lines.insert((lesson, learner), line);
            }
        }
    }

    fn line(&mut self, lesson: usize, learner: usize) -> &mut Line {
        self.day.truth.lines.entry((lesson, learner)).or_default()
    }

    fn homes_of(&self, lesson: usize) -> BTreeSet<Who> {
        self.world.visitors(lesson).iter().map(|learner| self.world.learners[*learner].home).collect()
    }

    /// One host in twelve does not open.
    fn snow(&mut self) {
        let hosts: Vec<Who> = (self.world.homes..self.world.institutions.len()).collect();
        for host in hosts.iter().skip(4).step_by(12) {
            let known = 7 * 3600 + self.dice.between(0, 1800);
            self.day.closed.insert(*host, known);
            self.day.events.insert((known, Event::Timetable(*host)));
            for lesson in self.world.lessons_of(*host).collect::<Vec<_>>() {
                self.taken.insert(lesson);
                for learner in self.world.visitors(lesson).to_vec() {
                    *self.line(lesson, learner) = Line { excused: Some(known), ..Line::default() };
                }
            }
            self.day.truth.note("sites closed by snow", 1);
        }
    }

    /// Agents that stop for some minutes, and sources that fall silent for long.
    fn sources(&mut self) {
        let open = |host: &Who| !self.day.closed.contains_key(host);
        let mut hosts: Vec<Who> = (self.world.homes..self.world.institutions.len()).filter(open).collect();
        self.dice.shuffle(&mut hosts);
        let silent = hosts.len().div_ceil(6);
        for (place, host) in hosts.iter().copied().enumerate() {
            if place < silent {
                self.silent(host, place % 2 == 1);
            } else if place < silent + hosts.len() / 3 {
                // Registers are taken while the agent stands still, and come in together.
                let start = PERIODS[1 + 2 * (place % 2)].0 * MINUTE;
                let from = start - self.dice.between(60, 240);
                let until = start + self.dice.between(360, 540);
                self.day.off.push(Off { who: host, from, until, dead_export: false });
                self.day.truth.note("agents offline for some minutes", 1);
            }
        }
    }

    fn silent(&mut self, host: Who, dead_export: bool) {
        let start = PERIODS[SILENT].0 * MINUTE;
        let from = start - self.dice.between(120, 480);
        self.day.off.push(Off { who: host, from, until: start + 50 * MINUTE, dead_export });
        let lessons: Vec<usize> = self
            .world
            .lessons_of(host)
            .filter(|lesson| self.world.lessons[*lesson].period == SILENT)
            .collect();
        // Whoever else is missing there meanwhile can't be known to be.
        self.taken.extend(lessons.iter().copied());
        let homes: BTreeSet<Who> = lessons.iter().flat_map(|lesson| self.homes_of(*lesson)).collect();
        if homes.is_empty() {
            return;
        }
        let to = std::iter::once(host).chain(homes).collect();
        let must = vec![Must { about: About::Source { host }, to, moment: start + QUIET }];
        self.day.truth.holes.push(Hole { kind: Kind::SourceSilent, must });
    }

    /// A lesson to which nothing has happened yet, with visitors.
    fn lesson(&mut self, wanted: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        for _ in 0..400 {
            let lesson = self.dice.below(self.world.lessons.len());
            let free = !self.taken.contains(&lesson) && self.world.visitors(lesson).len() > 2;
            if free && self.is_heard(lesson) && wanted(self, lesson) {
                self.taken.insert(lesson);
                return Some(lesson);
            }
        }
        None
    }

    /// True if the host's agent runs during the lesson and a while after it.
    fn is_heard(&self, lesson: usize) -> bool {
        let of = &self.world.lessons[lesson];
        self.is_heard_in(lesson, of.start() - 600, of.end() + 600)
    }

    /// True if the host's agent runs all the time from one moment to another.
    fn is_heard_in(&self, lesson: usize, from: At, until: At) -> bool {
        let host = self.world.lessons[lesson].host;
        !self.day.off.iter().any(|off| off.who == host && off.from < until && from < off.until)
    }

    fn whole_lessons(&mut self) {
        for _ in 0..self.rates.holes {
            self.register_not_taken();
            self.cancelled(true);
            self.cancelled(false);
            self.dropped();
        }
        let lessons = self.world.lessons.len();
        for _ in 0..lessons * 3 / 100 {
            let Some(lesson) = self.lesson(|_, _| true) else { break };
            let (due, host_first) = self.world.agreed(lesson);
            let after = self.dice.between(due + MINUTE, due + host_first - 90);
            self.save(lesson, self.world.lessons[lesson].start() + after);
            self.day.truth.note("registers taken late", 1);
        }
        for _ in 0..self.rates.very_late {
            let Some(lesson) = self.lesson(|_, _| true) else { break };
            let (due, host_first) = self.world.agreed(lesson);
            self.save(lesson, self.world.lessons[lesson].start() + due + host_first + 4 * MINUTE);
            self.day.truth.note("registers taken after the last moment", 1);
        }
        for _ in 0..(lessons / 60).max(1) {
            let Some(lesson) = self.lesson(|_, _| true) else { break };
            self.taken.remove(&lesson);
            let of = &self.world.lessons[lesson];
            let at = of.start() - self.dice.between(0, 1200);
            self.day.moved.insert(lesson, at);
            self.day.events.insert((at, Event::Timetable(of.host)));
            self.day.truth.note("rooms swapped", 1);
        }
    }

    /// Nobody takes the register, and nobody is there. Who was seen at another site last has gone missing on the way.
    fn register_not_taken(&mut self) {
        let some_travel = |maker: &Self, lesson: usize| {
            maker.world.visitors(lesson).iter().any(|learner| maker.comes_from(lesson, *learner))
        };
        let Some(lesson) = self.lesson(some_travel) else { return };
        let of = &self.world.lessons[lesson];
        let (host, start) = (of.host, of.start());
        let (due, host_first) = self.world.agreed(lesson);
        let mut must = vec![Must { about: About::Register { lesson }, to: vec![host], moment: start + due }];
        for learner in self.world.visitors(lesson).to_vec() {
            self.line(lesson, learner).there = None;
            self.known.insert(learner);
            let to = vec![host, self.world.learners[learner].home];
            let moment = start + due + host_first;
            let missing = Must { about: About::Unaccounted { lesson, learner }, to, moment };
            match self.comes_from(lesson, learner) {
                true => self.day.truth.holes.push(Hole { kind: Kind::BetweenSites, must: vec![missing] }),
                false => must.push(missing),
            }
        }
        self.day.truth.holes.push(Hole { kind: Kind::RegisterNotTaken, must });
    }

    /// A class that does not take place. Nobody is there; their homes have them, or nobody does.
    fn cancelled(&mut self, hole: bool) {
        let (earliest, latest) = if hole { (-2400, 120) } else { (-3600, -1200) };
        // What no agent sends the hub can't know: an agent that stands still before the lesson keeps the cancellation back.
        let sent = |maker: &Self, lesson: usize| {
            let start = maker.world.lessons[lesson].start();
            maker.is_heard_in(lesson, start + earliest, start + latest)
        };
        let Some(lesson) = self.lesson(sent) else { return };
        let of = &self.world.lessons[lesson];
        let (host, start) = (of.host, of.start());
        let said = start + self.dice.between(earliest, latest);
        self.day.cancelled.insert(lesson, said);
        self.day.events.insert((said, Event::Timetable(host)));
        let class = |home| Must { about: About::Class { lesson, home }, to: vec![home], moment: said };
        let mut must: Vec<Must> = self.homes_of(lesson).into_iter().map(class).collect();
        for learner in self.world.visitors(lesson).to_vec() {
            let home = self.world.learners[learner].home;
            self.line(lesson, learner).there = None;
            self.known.insert(learner);
            if hole {
                let moment = start.max(said) + self.world.agreed(lesson).1;
                must.push(Must {
                    about: About::Unaccounted { lesson, learner },
                    to: vec![home, host],
                    moment,
                });
            } else {
                let known = said + self.dice.between(120, 600);
                self.line(lesson, learner).excused = Some(known);
                self.day.told.push((learner, known, Told::TakenBack(lesson)));
                self.day.events.insert((known, Event::Notices(home)));
            }
        }
        if hole {
            self.day.truth.holes.push(Hole { kind: Kind::Cancelled, must });
        } else {
            self.day.truth.note("classes cancelled, their learners taken back", 1);
        }
    }

    /// Somebody is marked absent, and the host then says that there was no such lesson.
    fn dropped(&mut self) {
        let Some(lesson) = self.lesson(|maker, lesson| {
            maker.world.visitors(lesson).iter().any(|learner| maker.is_plain(lesson, *learner))
        }) else {
            return;
        };
        let plain = self.world.visitors(lesson).iter().copied().find(|one| self.is_plain(lesson, *one));
        let Some(learner) = plain else { return };
        let of = &self.world.lessons[lesson];
        let (host, saved) = (of.host, of.start() + self.dice.between(180, 480));
        self.save(lesson, saved);
        self.absent(Kind::Dropped, lesson, learner, saved);
        let gone = saved + self.dice.between(600, 1500);
        self.day.dropped.insert(lesson, gone);
        self.day.events.insert((gone, Event::Timetable(host)));
    }

    /// Every other home's system says where its timetable has its learners. Some of it is wrong, and known the evening before.
    fn timetables(&mut self) {
        let mut said: Vec<usize> = Vec::new();
        for learner in
            (0..self.world.learners.len()).filter(|one| self.world.learners[*one].home.is_multiple_of(2))
        {
            let lessons = self.world.day_of(learner);
            if lessons.iter().any(|lesson| self.day.dropped.contains_key(lesson)) {
                continue;
            }
            for lesson in &lessons {
                self.day.plans.insert((learner, self.world.lessons[*lesson].period), false);
            }
            said.push(learner);
        }
        let alone = |maker: &Self, learner: usize| {
            let groups = &maker.world.learners[learner].groups;
            let host = maker.world.groups[groups[0]].host;
            let open = !maker.day.closed.contains_key(&host);
            (open && groups.len() == 1 && !maker.known.contains(&learner)).then_some(host)
        };
        self.dice.shuffle(&mut said);
        let mut wrong: Vec<(usize, Who)> =
            said.into_iter().filter_map(|one| Some((one, alone(self, one)?))).collect();
        wrong.truncate(2 * self.rates.holes);
        for (place, (learner, host)) in wrong.into_iter().enumerate() {
            let both = place % 2 == 1;
            let busy: Vec<usize> =
                self.world.day_of(learner).iter().map(|one| self.world.lessons[*one].period).collect();
            let period = (0..PERIODS.len()).find(|period| busy.contains(period) == both);
            let Some(period) = period else { continue };
            self.day.plans.insert((learner, period), both);
            let to = vec![self.world.learners[learner].home, host];
            let must = vec![Must { about: About::Timetables { learner, both }, to, moment: EVENING_BEFORE }];
            let kind = if both { Kind::BothExpect } else { Kind::NobodyExpects };
            self.day.truth.holes.push(Hole { kind, must });
        }
    }

    fn absent(&mut self, kind: Kind, lesson: usize, learner: usize, moment: At) {
        self.line(lesson, learner).there = None;
        self.known.insert(learner);
        let to = vec![self.world.learners[learner].home, self.world.lessons[lesson].host];
        let must = vec![Must { about: About::Unaccounted { lesson, learner }, to, moment }];
        self.day.truth.holes.push(Hole { kind, must });
    }

    /// True if nothing has happened to a learner yet.
    fn is_plain(&self, lesson: usize, learner: usize) -> bool {
        let line = self.day.truth.lines.get(&(lesson, learner));
        let usual = line.is_some_and(|line| line.there.is_some() && line.excused.is_none());
        usual && !self.known.contains(&learner)
    }

    /// True if the learner was at another site last, and the hub knows it.
    fn comes_from(&self, lesson: usize, learner: usize) -> bool {
        let of = &self.world.lessons[lesson];
        let there = |other: &usize| {
            let line = self.day.truth.lines.get(&(*other, learner));
            line.is_some_and(|line| line.there.is_some()) && self.is_heard(*other)
        };
        let mut before = self
            .world
            .day_of(learner)
            .into_iter()
            .filter(|other| self.world.lessons[*other].end() <= of.start());
        before.rfind(there).is_some_and(|last| self.world.lessons[last].host != of.host)
    }

    /// Absences that homes know in advance, and learn in the morning.
    fn homes_know(&mut self) {
        for learner in 0..self.world.learners.len() {
            if self.known.contains(&learner) {
                continue;
            }
            let (told, at) = match self.dice.below(1_000) {
                0..22 => (Told::Away, 6 * 3600 + 1800),
                22..26 => (Told::NotAttending, 6 * 3600 + 1800),
                // The parent rings when the school's office opens.
                26..30 => (Told::Away, 8 * 3600 + self.dice.between(0, 3000)),
                _ => continue,
            };
            self.known.insert(learner);
            self.day.told.push((learner, at, told));
            self.day.events.insert((at, Event::Notices(self.world.learners[learner].home)));
            for lesson in self.world.day_of(learner) {
                if self.line(lesson, learner).excused.is_none() {
                    *self.line(lesson, learner) = Line { excused: Some(at), ..Line::default() };
                }
            }
            self.day.truth.note("absences told by homes", 1);
        }
    }

    /// A lesson of a plain learner, whom nothing has happened to.
    fn candidate(&mut self, wanted: impl Fn(&Self, usize, usize) -> bool) -> Option<(usize, usize)> {
        for _ in 0..2_000 {
            let learner = self.dice.below(self.world.learners.len());
            let lessons = self.world.day_of(learner);
            let lesson = lessons[self.dice.below(lessons.len())];
            let line = self.day.truth.lines[&(lesson, learner)];
            let usual = line.there.is_some() && line.excused.is_none();
            let free = !self.known.contains(&learner) && !self.taken.contains(&lesson);
            if usual && free && self.is_heard(lesson) && wanted(self, lesson, learner) {
                self.known.insert(learner);
                return Some((lesson, learner));
            }
        }
        None
    }

    /// Lessons that have a plain register: when it is taken is known before who is on it.
    fn taken_at(&self, lesson: usize) -> At {
        // The same for each call: four to nine minutes into the lesson.
        self.world.lessons[lesson].start() + 240 + i64::try_from(lesson % 6).unwrap_or(0) * 60
    }

    fn learners(&mut self) {
        for _ in 0..self.rates.holes * 2 {
            self.marked_absent();
            self.not_on_register();
            self.left_early();
        }
        let expectations = self.day.truth.lines.len();
        for _ in 0..expectations * 3 / 100 {
            let Some((lesson, learner)) = self.candidate(|_, _, _| true) else { break };
            self.comes_late(lesson, learner);
        }
        for _ in 0..expectations * 12 / 1_000 {
            let Some((lesson, learner)) = self.candidate(|_, _, _| true) else { break };
            self.line(lesson, learner).there = None;
            self.day.truth.note("absences that nobody told", 1);
        }
        for _ in 0..expectations / 400 {
            let Some((lesson, learner)) = self.candidate(|_, _, _| true) else { break };
            let added = self.taken_at(lesson) + self.dice.between(60, 300);
            (self.line(lesson, learner).off_list, self.line(lesson, learner).added) = (true, Some(added));
            self.save(lesson, added);
            self.day.truth.note("learners missing on a list, added by the teacher", 1);
        }
        for _ in 0..expectations / 4_000 {
            self.sits_in_another_group();
        }
        for _ in 0..expectations / 4_000 {
            let Some((lesson, learner)) =
                self.candidate(|maker, lesson, learner| maker.is_plain(lesson, learner))
            else {
                break;
            };
            let right = self.taken_at(lesson) + self.dice.between(300, 900);
            self.line(lesson, learner).slip = Some(right);
            self.save(lesson, right);
            self.day.truth.note("marked absent by a slip, put right later", 1);
        }
    }

    fn marked_absent(&mut self) {
        let Some((lesson, learner)) = self.candidate(|_, _, _| true) else { return };
        let moment = self.taken_at(lesson);
        self.absent(Kind::MarkedAbsent, lesson, learner, moment);
    }

    fn not_on_register(&mut self) {
        let Some((lesson, learner)) = self.candidate(|_, _, _| true) else { return };
        self.line(lesson, learner).off_list = true;
        let (due, host_first) = self.world.agreed(lesson);
        let moment = self.world.lessons[lesson].start() + due + host_first;
        self.absent(Kind::NotOnRegister, lesson, learner, moment);
    }

    fn left_early(&mut self) {
        let Some((lesson, learner)) = self.candidate(|_, _, _| true) else { return };
        let of = &self.world.lessons[lesson];
        let (host, start, end) = (of.host, of.start(), of.end());
        let left = end - self.dice.between(15, 30) * MINUTE;
        let saved = left + self.dice.between(60, 300);
        self.line(lesson, learner).there = Some((start, left));
        self.save(lesson, saved);
        let to = vec![self.world.learners[learner].home, host];
        let must = vec![Must { about: About::LeftEarly { lesson, learner }, to, moment: saved }];
        self.day.truth.holes.push(Hole { kind: Kind::LeftEarly, must });
    }

    fn comes_late(&mut self, lesson: usize, learner: usize) {
        let of = &self.world.lessons[lesson];
        let (start, end) = (of.start(), of.end());
        let came = start + self.dice.between(2 * MINUTE, 25 * MINUTE);
        self.line(lesson, learner).there = Some((came, end));
        self.save(lesson, came + MINUTE);
        self.day.truth.note("learners who come late", 1);
    }

    /// The learner sits in the group next door, whose register has them. Nobody placed them there, so the hub refuses that mark.
    fn sits_in_another_group(&mut self) {
        let Some((lesson, learner)) = self.candidate(|_, _, _| true) else { return };
        let of = &self.world.lessons[lesson];
        let next_door = self.world.lessons_of(of.host).find(|other| {
            *other != lesson && self.world.lessons[*other].period == of.period && !self.taken.contains(other)
        });
        let Some(next_door) = next_door else { return };
        self.line(lesson, learner).off_list = true;
        self.day.strangers.insert((next_door, learner));
        self.day.truth.note("learners on another group's list", 1);
    }

    fn save(&mut self, lesson: usize, at: At) {
        self.day.events.insert((at, Event::Save(lesson)));
    }

    /// The plain registers.
    fn registers(&mut self) {
        let silent: HashSet<usize> =
            self.day.off.iter().flat_map(|off| self.world.lessons_of(off.who)).collect();
        for lesson in 0..self.world.lessons.len() {
            let closed = self.day.closed.contains_key(&self.world.lessons[lesson].host);
            let plain = !self.taken.contains(&lesson) || (silent.contains(&lesson) && !self.is_heard(lesson));
            if plain && !closed && !self.world.visitors(lesson).is_empty() {
                self.save(lesson, self.taken_at(lesson));
            }
        }
    }

    /// A silent source is told to homes that have somebody due there: not for whom everybody knows to be away.
    fn who_is_due_at_silent_sources(&mut self) {
        let Self { world, day, .. } = self;
        for must in day.truth.holes.iter_mut().flat_map(|hole| &mut hole.must) {
            let About::Source { host } = must.about else { continue };
            let due: BTreeSet<Who> = day
                .truth
                .lines
                .iter()
                .filter(|((lesson, _), line)| {
                    let of = &world.lessons[*lesson];
                    of.host == host && of.period == SILENT && line.excused.is_none()
                })
                .map(|((_, learner), _)| world.learners[*learner].home)
                .collect();
            must.to.retain(|who| *who == host || due.contains(who));
        }
    }
}

//! Many expectations at once, kept current by what is heard and by the clock.
//!
//! Only what a piece of evidence touches, or whose moment has come, is judged again: a board of a whole consortium costs
//! what happens, not what it holds.

use super::{
    Alert, AlertKey, Detector, Detectors, Excuse, Expectation, Facts, Id, Mark, Notify, State, What, Why,
    after,
    alert::Open,
    judge::{in_room, judge},
};
use commonroll_core::{Interval, Timestamp, agreement::Moment, record::attendance::Physical};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What a board is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A learner is expected somewhere. Says it anew if the time has changed.
    Expect(Expectation),
    /// The learner is no longer expected there, by the home's own word: it ended the placement, or the learner is its own no
    /// more.
    Drop(Id),
    /// The learner is no longer expected there, for all that the host says, or the day is over. What was told of them and
    /// not ended stays told.
    Lapse(Id),
    /// A host's mark of a learner in one of its meetings.
    Mark(Id, Mark),
    /// The host took its mark back.
    Unmark(Id),
    /// A learner was seen at a site outside any meeting that is known here.
    Sighting {
        /// Who.
        learner: u32,
        /// Where.
        site: u16,
        /// When.
        time: Interval,
    },
    /// Nobody has to expect this learner in this time.
    Excuse {
        /// Who.
        learner: u32,
        /// Where; `None` for everywhere, which only the home says.
        site: Option<u16>,
        /// When.
        time: Interval,
        /// Why not.
        why: Excuse,
    },
    /// A site is closed in this time.
    Closed {
        /// Which.
        site: u16,
        /// When.
        time: Interval,
    },
    /// A class does not take place.
    Cancelled {
        /// The host.
        site: u16,
        /// The meeting.
        lesson: u64,
        /// When that was said.
        at: Timestamp,
    },
    /// The home has its learner itself for this time.
    TakenBack {
        /// Who.
        learner: u32,
        /// When.
        time: Interval,
    },
    /// A person found the learner of this expectation.
    Found(Id, Timestamp),
    /// That a person found them was a mistake: they are looked for as before.
    NotFound(Id),
    /// What was told of this learner besides marks (sightings, excuses, being taken back) no longer holds: it is said
    /// anew, as far as it does.
    ForgetLearner(u32),
    /// What was told of this site's closures and cancelled classes no longer holds: it is said anew, as far as it does.
    ForgetSite(u16),
    /// A source was current at this moment.
    Heard {
        /// Whose.
        site: u16,
        /// When.
        at: Timestamp,
    },
}

struct Held {
    of: Expectation,
    mark: Option<Mark>,
    state: State,
    next: Option<Timestamp>,
    /// Nobody expects the learner there any more: it stands as long as something is told of them.
    lapsed: bool,
}

/// Everything that is known of a learner apart from what one host marks.
#[derive(Default)]
struct Known {
    expected: BTreeSet<Id>,
    sightings: Vec<(u16, Interval)>,
    excuses: Vec<(Option<u16>, Interval, Excuse)>,
    taken_back: Vec<Interval>,
}

/// Where a learner was seen besides the lesson in question.
#[derive(Default)]
struct Seen {
    elsewhere: Option<u16>,
    seen_since: Option<(u16, Timestamp)>,
    came_from: Option<(u16, Timestamp)>,
}

/// The whereabouts of every learner who is expected somewhere.
pub struct Board {
    detectors: Detectors,
    held: BTreeMap<Id, Held>,
    /// Those of each home: a page about one of them costs nothing for the others.
    of_homes: HashMap<u16, BTreeSet<Id>>,
    known: HashMap<u32, Known>,
    closed: HashMap<u16, Vec<Interval>>,
    cancelled: HashMap<(u16, u64), Timestamp>,
    /// How many learners of a meeting are marked.
    marked: HashMap<(u16, u64), u32>,
    heard: HashMap<u16, Timestamp>,
    /// Who was found when, also where nobody is expected at the moment.
    found: HashMap<Id, Timestamp>,
    /// The moments at which states change by themselves.
    moments: BTreeSet<(Timestamp, Id)>,
    dirty: HashSet<Id>,
    /// Whom the home's own word has taken off the board since the last look.
    ended: HashSet<Id>,
    /// Expectations of which nothing is known because their source is silent.
    silent: BTreeSet<Id>,
    /// Expectations that have begun, and about which the next word of their source decides.
    waiting: BTreeSet<Id>,
    open: BTreeMap<AlertKey, Open>,
}

impl Board {
    /// An empty board on which these are at work.
    pub fn new(detectors: Detectors) -> Self {
        Self {
            detectors,
            held: BTreeMap::new(),
            of_homes: HashMap::new(),
            known: HashMap::new(),
            closed: HashMap::new(),
            cancelled: HashMap::new(),
            marked: HashMap::new(),
            heard: HashMap::new(),
            found: HashMap::new(),
            moments: BTreeSet::new(),
            dirty: HashSet::new(),
            ended: HashSet::new(),
            silent: BTreeSet::new(),
            waiting: BTreeSet::new(),
            open: BTreeMap::new(),
        }
    }

    /// Takes a piece of evidence. What follows from it is said by the next [`Board::advance`].
    pub fn take(&mut self, evidence: Evidence) {
        match evidence {
            Evidence::Expect(of) => self.expect(of),
            Evidence::Drop(id) => self.drop(id),
            Evidence::Lapse(id) => self.lapse(id),
            Evidence::Mark(id, mark) => self.mark(id, Some(mark)),
            Evidence::Unmark(id) => self.mark(id, None),
            Evidence::Sighting { learner, site, time } => {
                self.known.entry(learner).or_default().sightings.push((site, time));
                self.touch_learner(learner);
            }
            Evidence::Excuse { learner, site, time, why } => {
                self.known.entry(learner).or_default().excuses.push((site, time, why));
                self.touch_learner(learner);
            }
            Evidence::TakenBack { learner, time } => {
                self.known.entry(learner).or_default().taken_back.push(time);
                self.touch_learner(learner);
            }
            Evidence::Closed { site, time } => {
                self.closed.entry(site).or_default().push(time);
                self.dirty.extend(self.held.range(of_site(site)).map(|(id, _)| *id));
            }
            Evidence::Cancelled { site, lesson, at } => {
                self.cancelled.entry((site, lesson)).or_insert(at);
                self.touch_lesson(site, lesson);
            }
            Evidence::Found(id, at) => {
                let held = self.held.get(&id);
                if held.and_then(|held| held.mark).is_some_and(|mark| came_since(&mark, at)) {
                    return;
                }
                if held.is_some() {
                    self.dirty.insert(id);
                }
                self.found.insert(id, at);
            }
            Evidence::NotFound(id) => {
                if self.found.remove(&id).is_some() {
                    self.dirty.insert(id);
                }
            }
            Evidence::ForgetLearner(learner) => {
                if let Some(known) = self.known.get_mut(&learner) {
                    *known = Known { expected: std::mem::take(&mut known.expected), ..Known::default() };
                    self.touch_learner(learner);
                }
            }
            Evidence::ForgetSite(site) => {
                self.closed.remove(&site);
                self.cancelled.retain(|(at, _), _| *at != site);
                self.dirty.extend(self.held.range(of_site(site)).map(|(id, _)| *id));
            }
            Evidence::Heard { site, at } => {
                let last = self.heard.entry(site).or_insert(at);
                *last = (*last).max(at);
                let waiting = [&self.silent, &self.waiting].map(|set| set.range(of_site(site)));
                self.dirty.extend(waiting.into_iter().flatten().copied());
            }
        }
    }

    /// Lets the clock come to a moment, and says what has to be told. Time never goes back here.
    pub fn advance(&mut self, now: Timestamp) -> Vec<What> {
        while let Some((at, id)) = self.moments.first().copied().filter(|(at, _)| *at <= now) {
            self.moments.remove(&(at, id));
            self.dirty.insert(id);
        }
        let mut ids: Vec<Id> = self.dirty.drain().collect();
        ids.sort_unstable();
        let mut said = Vec::new();
        for id in &ids {
            self.look(*id, now, &mut said);
        }
        let sites: BTreeSet<u16> = ids.iter().map(|id| id.site).collect();
        for site in sites {
            self.look_at_source(site, now, &mut said);
        }
        let lessons: BTreeSet<(u16, u64)> = ids.iter().map(|id| (id.site, id.lesson)).collect();
        for (site, lesson) in lessons {
            self.look_at_register(site, lesson, now, &mut said);
            self.look_at_class(site, lesson, now, &mut said);
        }
        self.repeat(now, &mut said);
        said
    }

    /// When something changes or has to be told again though nothing is heard; `None` for never.
    pub fn next(&self) -> Option<Timestamp> {
        let again = self.open.values().filter_map(Open::again).min();
        let moment = self.moments.first().map(|(at, _)| *at);
        again.into_iter().chain(moment).min()
    }

    /// An alert that was told before this board was made, with its clock: it is over, or told again, as any other. `told`
    /// is when it was told last, `in_hand` the institutions that have it in hand.
    pub fn resume(&mut self, alert: Alert, in_hand: BTreeSet<u16>, told: Timestamp) {
        // Looked at with the next advance, also if nobody is expected there any more.
        self.dirty.insert(match alert.key {
            AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => id,
            AlertKey::Register { site, lesson } | AlertKey::ClassCancelled { site, lesson, .. } => {
                Id { site, lesson, learner: 0 }
            }
            AlertKey::SourceSilent { site } => Id { site, lesson: 0, learner: 0 },
            // What is found between timetables is no state of a board.
            AlertKey::Misfit { .. } => return,
        });
        let (since, to, repeated) = (alert.since, alert.to, alert.repeated);
        let every = self.every(&alert.key);
        self.open.insert(alert.key, Open { since, to, repeated, told, every, in_hand });
    }

    /// True if an alert stands.
    pub fn is_open(&self, key: &AlertKey) -> bool {
        self.open.contains_key(key)
    }

    /// True if a person found the learner of this expectation, and no later evidence took its place.
    pub fn is_found(&self, id: &Id) -> bool {
        self.found.contains_key(id)
    }

    /// Somebody of an institution has an alert in hand: that institution is not told again, others are. False if there is no
    /// such alert.
    pub fn acknowledge(&mut self, key: &AlertKey, institution: u16) -> bool {
        let open = self.open.get_mut(key);
        open.map(|open| open.in_hand.insert(institution)).is_some()
    }

    /// The state of one expectation, as of the last [`Board::advance`].
    pub fn state(&self, id: Id) -> Option<State> {
        self.held.get(&id).map(|held| held.state)
    }

    /// True if a source's word that it is current as of now would tell something that its last one could not: a register is
    /// overdue since, or a learner who was on the way.
    pub fn awaits(&self, site: u16, now: Timestamp) -> bool {
        let heard = self.heard.get(&site);
        let waits = |held: &Held| {
            let moment = match held.state {
                State::Due => after(held.of.time.start(), held.of.times.of(Moment::Register)),
                State::NotMarked { since } => after(since, held.of.times.of(Moment::HostFirst)),
                State::InTravel { until, .. } => until,
                _ => return false,
            };
            moment <= now && heard.is_none_or(|heard| *heard < moment)
        };
        let mut waiting = self.waiting.range(of_site(site)).filter_map(|id| self.held.get(id));
        self.silent.range(of_site(site)).next().is_some() || waiting.any(waits)
    }

    /// Everything that a home is concerned with, worst first.
    pub fn of_home(&self, home: u16) -> Vec<(Expectation, State)> {
        let ids = self.of_homes.get(&home).into_iter().flatten();
        lines(ids.filter_map(|id| self.held.get(id)))
    }

    /// Everything that a host is concerned with, worst first.
    pub fn of_host(&self, site: u16) -> Vec<(Expectation, State)> {
        lines(self.held.range(of_site(site)).map(|(_, held)| held))
    }

    /// What has been told and is not over, and whether all who were told have it in hand.
    pub fn open_alerts(&self) -> impl Iterator<Item = (Alert, bool)> {
        self.open.iter().map(|(key, open)| (open.alert(*key), open.again().is_none()))
    }

    fn expect(&mut self, of: Expectation) {
        let id = of.id();
        self.known.entry(of.learner).or_default().expected.insert(id);
        self.of_homes.entry(of.home).or_default().insert(id);
        match self.held.get_mut(&id) {
            Some(held) => {
                let before = held.of.home;
                (held.of, held.lapsed) = (of, false);
                if before != of.home {
                    self.leaves(before, &id);
                }
            }
            None => {
                let held = Held { of, mark: None, state: State::Expected, next: None, lapsed: false };
                self.held.insert(id, held);
            }
        }
        self.touch_learner(of.learner);
    }

    fn lapse(&mut self, id: Id) {
        if let Some(held) = self.held.get_mut(&id) {
            held.lapsed = true;
            self.dirty.insert(id);
        }
    }

    fn drop(&mut self, id: Id) {
        self.remove(id);
        // Its alerts end with the next look.
        self.ended.insert(id);
        self.dirty.insert(id);
    }

    fn remove(&mut self, id: Id) {
        self.mark(id, None);
        if let Some(held) = self.held.remove(&id) {
            self.leaves(held.of.home, &id);
            if let Some(at) = held.next {
                self.moments.remove(&(at, id));
            }
            self.silent.remove(&id);
            self.waiting.remove(&id);
            if let Some(known) = self.known.get_mut(&id.learner) {
                known.expected.remove(&id);
            }
        }
    }

    /// An expectation is a home's no more.
    fn leaves(&mut self, home: u16, id: &Id) {
        if let Some(of) = self.of_homes.get_mut(&home) {
            of.remove(id);
            if of.is_empty() {
                self.of_homes.remove(&home);
            }
        }
    }

    fn mark(&mut self, id: Id, mark: Option<Mark>) {
        let Some(held) = self.held.get_mut(&id) else { return };
        let had = held.mark.is_some();
        held.mark = mark;
        // Who came to the lesson after they were found, and is missed then, is looked for anew.
        let came = |at: &Timestamp| mark.is_some_and(|mark| came_since(&mark, *at));
        if self.found.get(&id).is_some_and(came) {
            self.found.remove(&id);
        }
        if had != mark.is_some() {
            let marked = self.marked.entry((id.site, id.lesson)).or_default();
            *marked = if had { marked.saturating_sub(1) } else { *marked + 1 };
            let now_or_no_longer_taken = *marked == u32::from(!had);
            if now_or_no_longer_taken {
                self.touch_lesson(id.site, id.lesson);
            }
        }
        self.touch_learner(id.learner);
    }

    fn touch_learner(&mut self, learner: u32) {
        let known = self.known.get(&learner);
        self.dirty.extend(known.into_iter().flat_map(|known| known.expected.iter().copied()));
    }

    fn touch_lesson(&mut self, site: u16, lesson: u64) {
        let all = of_lesson(site, lesson);
        self.dirty.extend(self.held.range(all).map(|(id, _)| *id));
    }

    fn look(&mut self, id: Id, now: Timestamp, said: &mut Vec<What>) {
        let Some(held) = self.held.get(&id) else {
            // A lesson that is gone finds nobody: the home's word does, or a person.
            if self.ended.remove(&id) || self.found.contains_key(&id) {
                self.over(AlertKey::Unaccounted(id), said);
                self.over(AlertKey::LeftEarly(id), said);
            }
            return;
        };
        self.ended.remove(&id);
        let (of, lapsed, facts) = (held.of, held.lapsed, self.facts(held));
        let (judged, next) = judge(&of, &facts, now);
        let state = self.told_state(held, judged, &facts);
        self.schedule(id, state, next);
        self.look_for(&of, state, now, said);
        self.look_who_left(&of, state, &facts, now, said);
        let told = [AlertKey::Unaccounted(id), AlertKey::LeftEarly(id)];
        if lapsed && told.iter().all(|key| !self.open.contains_key(key)) {
            self.remove(id);
            self.dirty.remove(&id);
        }
    }

    /// Whoever was told to be missing stays so until somebody accounts for them, whatever becomes of the lesson.
    fn told_state(&self, held: &Held, judged: State, facts: &Facts) -> State {
        let open = self.open.get(&AlertKey::Unaccounted(held.of.id()));
        let Some(open) = open.filter(|_| !judged.accounts_for(facts)) else { return judged };
        let since = open.since;
        match (judged, held.state) {
            _ if held.lapsed => State::Unaccounted { since, why: Why::NoLongerExpected },
            (State::Unaccounted { .. }, _) => judged,
            (_, State::Unaccounted { why, .. }) => State::Unaccounted { since, why },
            _ => State::Unaccounted { since, why: Why::NoLongerExpected },
        }
    }

    fn look_for(&mut self, of: &Expectation, state: State, now: Timestamp, said: &mut Vec<What>) {
        let key = AlertKey::Unaccounted(of.id());
        match state {
            State::Unaccounted { since, why } if self.is_looking(why.into()) => {
                let (host, home) = (Notify::Host(of.site), Notify::Home(of.home));
                let to = match why {
                    Why::MarkedAbsent | Why::Cancelled | Why::NoLongerExpected => vec![home, host],
                    Why::RegisterNotTaken | Why::NotOnRegister | Why::NotArrived => vec![host, home],
                };
                self.tell(key, since, to, now, said);
            }
            _ => self.over(key, said),
        }
    }

    /// Who left a lesson before its end, and was neither seen nor found since, nor excused by the home.
    fn look_who_left(
        &mut self,
        of: &Expectation,
        state: State,
        facts: &Facts,
        now: Timestamp,
        said: &mut Vec<What>,
    ) {
        let key = AlertKey::LeftEarly(of.id());
        let known =
            facts.found.is_some() || (facts.excuse.is_some() && facts.excused_by_home) || facts.taken_back;
        let left = match state {
            State::LeftEarly { at } if self.is_looking(Detector::LeftEarly) && !known => {
                Some(at).filter(|at| {
                    let minutes = of.time.end().micros().saturating_sub(at.micros()) / super::MINUTE;
                    let since = facts.seen_since.is_some_and(|(_, seen)| seen >= *at);
                    // Who was told of stays told, also where it is agreed since that they need not have been.
                    let told = self.open.get(&key).is_some_and(|open| open.since == *at);
                    (told || minutes >= i64::from(of.times.of(Moment::LeftEarly))) && !since
                })
            }
            _ => None,
        };
        match left {
            Some(at) => {
                let to = vec![Notify::Home(of.home), Notify::Host(of.site)];
                self.tell(key, at, to, now, said);
            }
            None if known || state.accounts_for(facts) => self.over(key, said),
            None => {}
        }
    }

    /// A class that does not take place: told once to each home that has learners in it, until it has them back.
    fn look_at_class(&mut self, site: u16, lesson: u64, now: Timestamp, said: &mut Vec<What>) {
        let looking = self.is_looking(Detector::Cancelled);
        let lost = |held: &Held| looking && matches!(held.state, State::Cancelled { taken_back: false });
        let held = self.held.range(of_lesson(site, lesson)).map(|(_, held)| held);
        let homes: BTreeSet<u16> = held.filter(|held| lost(held)).map(|held| held.of.home).collect();
        let key = |home| AlertKey::ClassCancelled { site, lesson, home };
        let open = self.open.range(key(0)..=key(u16::MAX)).map(|(key, _)| *key);
        let done: Vec<AlertKey> = open.filter(|open| !homes.iter().any(|home| key(*home) == *open)).collect();
        for key in done {
            self.over(key, said);
        }
        for home in homes {
            self.tell(key(home), now, vec![Notify::Home(home)], now, said);
        }
    }

    fn schedule(&mut self, id: Id, state: State, next: Option<Timestamp>) {
        let Some(held) = self.held.get_mut(&id) else { return };
        if let Some(at) = held.next.take() {
            self.moments.remove(&(at, id));
        }
        (held.state, held.next) = (state, next);
        if let Some(at) = next {
            self.moments.insert((at, id));
        }
        let put = |set: &mut BTreeSet<Id>, is: bool| if is { set.insert(id) } else { set.remove(&id) };
        put(&mut self.silent, matches!(state, State::UnknownSince { .. }));
        let waiting = matches!(state, State::Due | State::InTravel { .. } | State::NotMarked { .. });
        put(&mut self.waiting, waiting);
    }

    fn facts(&self, held: &Held) -> Facts {
        let of = &held.of;
        let start = of.time.start();
        let known = self.known.get(&of.learner);
        let closed =
            self.closed.get(&of.site).is_some_and(|times| times.iter().any(|time| holds(*time, start)));
        let told = known.into_iter().flat_map(|known| &known.excuses);
        let told =
            told.filter(|(site, time, _)| site.is_none_or(|site| site == of.site) && holds(*time, start));
        let excused_by_home = told.clone().any(|(site, ..)| site.is_none());
        let told = told.map(|(.., why)| *why).min();
        let Seen { elsewhere, seen_since, came_from } = self.seen_otherwise(of);
        Facts {
            mark: held.mark,
            excuse: told.or(closed.then_some(Excuse::Closed)),
            excused_by_home,
            cancelled: self.cancelled.get(&(of.site, of.lesson)).copied(),
            taken_back: known.is_some_and(|known| known.taken_back.iter().any(|time| holds(*time, start))),
            elsewhere,
            seen_since,
            came_from,
            found: self.found.get(&of.id()).copied(),
            register_taken: self.marked.get(&(of.site, of.lesson)).is_some_and(|marked| *marked > 0),
            heard: self.heard.get(&of.site).copied(),
        }
    }

    /// Where else the learner was seen: while this lesson ran, at first after it had begun, and last before it.
    fn seen_otherwise(&self, of: &Expectation) -> Seen {
        let mut seen = Seen::default();
        let Some(known) = self.known.get(&of.learner) else { return seen };
        let others = known.expected.iter().filter(|id| **id != of.id());
        let in_lessons = others.filter_map(|id| self.held.get(id)).filter_map(|held| {
            let mark =
                held.mark.filter(|mark| matches!(mark.physical, Physical::Present | Physical::Late))?;
            let left = i64::from(mark.minutes_left_early.unwrap_or(0)) * super::MINUTE;
            Some((held.of.site, held.of.time.start(), held.of.time.end().plus_micros(-left)))
        });
        let mut last: Option<(u16, Timestamp)> = None;
        let besides = known.sightings.iter().map(|(site, time)| (*site, time.start(), time.end()));
        for (site, from, until) in in_lessons.chain(besides) {
            if from > of.time.start() && seen.seen_since.is_none_or(|(_, first)| from < first) {
                seen.seen_since = Some((site, from));
            }
            if until <= of.time.start() && last.is_none_or(|(_, last)| last < until) {
                last = Some((site, until));
            }
            if site != of.site && from < of.time.end() && of.time.start() < until {
                seen.elsewhere = seen.elsewhere.max(Some(site));
            }
        }
        // Who was seen at this site since has come.
        seen.came_from = last.filter(|(site, _)| *site != of.site);
        seen
    }

    /// A register that isn't in: one alert for all learners of the meeting, at the earliest moment that any of their homes has
    /// agreed on. It stands until the register is in or each of them is told of, whatever others agreed on, or agree on since.
    fn look_at_register(&mut self, site: u16, lesson: u64, now: Timestamp, said: &mut Vec<What>) {
        let key = AlertKey::Register { site, lesson };
        let waiting = self.waiting.range(of_lesson(site, lesson)).filter_map(|id| self.held.get(id));
        let states: Vec<State> = waiting.map(|held| held.state).collect();
        let overdue = states.iter().filter_map(|state| match *state {
            State::NotMarked { since } if self.is_looking(Detector::RegisterNotTaken) => Some(since),
            _ => None,
        });
        let is_taken = self.marked.get(&(site, lesson)).is_some_and(|marked| *marked > 0);
        // Who is still on the way can't be marked yet, and the register isn't in for that.
        let is_open = |state: &State| matches!(state, State::Due | State::InTravel { .. });
        let is_awaited =
            !is_taken && self.is_looking(Detector::RegisterNotTaken) && states.iter().any(is_open);
        match overdue.min() {
            Some(since) => self.tell(key, since, vec![Notify::Host(site)], now, said),
            None if is_awaited => {}
            None => self.over(key, said),
        }
    }

    /// A silent source is one alert about the institution, and none about learners.
    fn look_at_source(&mut self, site: u16, now: Timestamp, said: &mut Vec<What>) {
        let key = AlertKey::SourceSilent { site };
        let homes: BTreeSet<u16> = self
            .silent
            .range(of_site(site))
            .filter_map(|id| self.held.get(id))
            .map(|held| held.of.home)
            .collect();
        if homes.is_empty() || !self.is_looking(Detector::SourceSilent) {
            return self.over(key, said);
        }
        let since = self.heard.get(&site).copied().unwrap_or(now);
        let to = std::iter::once(Notify::Host(site)).chain(homes.into_iter().map(Notify::Home)).collect();
        self.tell(key, since, to, now, said);
    }

    fn is_looking(&self, for_what: Detector) -> bool {
        self.detectors.has(for_what)
    }

    fn tell(
        &mut self,
        key: AlertKey,
        since: Timestamp,
        to: Vec<Notify>,
        now: Timestamp,
        said: &mut Vec<What>,
    ) {
        let every = self.every(&key);
        match self.open.get_mut(&key) {
            // Who is concerned besides is told at once.
            Some(open) => {
                open.every = every;
                let more: Vec<Notify> = to.into_iter().filter(|who| !open.to.contains(who)).collect();
                if !more.is_empty() {
                    if open.again().is_none() {
                        open.told = now;
                    }
                    open.to.extend(&more);
                    said.push(What::Tell(Alert { to: more, ..open.alert(key) }));
                }
            }
            None => {
                let open = Open::new(since, to, every, now);
                said.push(What::Tell(open.alert(key)));
                self.open.insert(key, open);
            }
        }
    }

    fn over(&mut self, key: AlertKey, said: &mut Vec<What>) {
        if self.open.remove(&key).is_some() {
            said.push(What::Over(key));
        }
    }

    /// What an institution does not have in hand it is told again: an alert is never silent.
    fn repeat(&mut self, now: Timestamp, said: &mut Vec<What>) {
        for (key, open) in &mut self.open {
            if open.again().is_some_and(|again| again <= now) {
                (open.repeated, open.told) = (open.repeated + 1, now);
                said.push(What::Tell(Alert { to: open.idle().collect(), ..open.alert(*key) }));
            }
        }
    }

    /// After how many minutes an alert is told again: the soonest that is agreed for anybody whom it concerns.
    fn every(&self, key: &AlertKey) -> u16 {
        let (range, home) = match *key {
            AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => (id..=id, None),
            AlertKey::Register { site, lesson } => (of_lesson(site, lesson), None),
            AlertKey::ClassCancelled { site, lesson, home } => (of_lesson(site, lesson), Some(home)),
            AlertKey::SourceSilent { site } => (of_site(site), None),
            AlertKey::Misfit { .. } => return Moment::Again.usual(),
        };
        let held = self.held.range(range).map(|(_, held)| held);
        let concerned = held.filter(|held| home.is_none_or(|home| held.of.home == home));
        concerned.map(|held| held.of.times.of(Moment::Again)).min().unwrap_or(Moment::Again.usual())
    }
}

/// The worst first.
fn lines<'h>(of: impl Iterator<Item = &'h Held>) -> Vec<(Expectation, State)> {
    let mut lines: Vec<&Held> = of.collect();
    lines.sort_by_key(|held| (held.state.urgency(), held.of.time.start(), held.of.id()));
    lines.into_iter().map(|held| (held.of, held.state)).collect()
}

/// True if a host says, later than this moment, that the learner is in the lesson, and not that they left it.
fn came_since(mark: &Mark, at: Timestamp) -> bool {
    in_room(mark.physical) && mark.minutes_left_early.is_none_or(|minutes| minutes == 0) && mark.at > at
}

fn holds(time: Interval, at: Timestamp) -> bool {
    time.start() <= at && at < time.end()
}

fn of_lesson(site: u16, lesson: u64) -> std::ops::RangeInclusive<Id> {
    Id { site, lesson, learner: 0 }..=Id { site, lesson, learner: u32::MAX }
}

fn of_site(site: u16) -> std::ops::RangeInclusive<Id> {
    Id { site, lesson: 0, learner: 0 }..=Id { site, lesson: u64::MAX, learner: u32::MAX }
}

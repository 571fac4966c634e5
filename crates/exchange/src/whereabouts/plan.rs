//! Who is expected where today: the days that hosts declared, held against placements in force.

use super::{Lesson, OfSite, Whereabouts, alerts, oldest};
use crate::directory::{Directory, change::Change, expected::DayHeld};
use aws_lc_rs::digest;
use commonroll_core::{Interval, LocalId, SchoolDate, Timestamp, agreement::Times};
use commonroll_views::whereabouts::{Evidence, Expectation, Id};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Longest day that an interval holds, in microseconds.
const DAY_US: i64 = 86_400_000_000;
const MINUTE_US: i64 = 60_000_000;

/// The number of a host's meeting on a date, the same on every node and after every start: alerts name lessons by it.
pub fn number_of(site: u16, date: SchoolDate, id: &LocalId) -> u64 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&site.to_be_bytes());
    context.update(&date.days().to_be_bytes());
    context.update(id.as_str().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&context.finish().as_ref()[..8]);
    u64::from_be_bytes(first)
}

/// A whole day of a zone. On the long day of autumn its last hour is nobody's.
fn whole(date: SchoolDate, zone: &TimeZone) -> Option<Interval> {
    let start = date.start(zone);
    let end = SchoolDate::from_days(date.days() + 1)?.start(zone).min(start.plus_micros(DAY_US));
    Interval::new(start, end).ok()
}

/// A lesson of an earlier day, or one that is in the timetable of that day still.
fn lesson_of(directory: &Directory, date: SchoolDate, id: Id) -> Option<Lesson> {
    let lessons = directory.day(id.site, date).map_or(&[][..], |day| day.lessons.as_slice());
    let held = lessons.iter().find(|lesson| number_of(id.site, date, &lesson.local_id) == id.lesson)?;
    Some(Lesson { group: held.group.clone(), time: held.time, room: held.room.as_str().to_owned() })
}

/// Where nobody knows any more when the lesson was: when it was told.
fn moment(since: Timestamp) -> Option<Interval> {
    Interval::new(since, since.plus_micros(MINUTE_US)).ok()
}

/// What the agreements between a host and a home set on a date.
fn times_of(directory: &Directory, host: u16, home: u16, date: SchoolDate) -> Times {
    match (directory.institution(host), directory.institution(home)) {
        (Some(host), Some(home)) => directory.agreements().times((&host.info.slug, &home.info.slug), date),
        _ => Times::default(),
    }
}

impl Whereabouts {
    /// Plans the day anew if anything that it rests on has changed; gives the learners about whom something may differ.
    pub(super) fn plan(&mut self, directory: &Directory, now: Timestamp) -> Option<HashSet<u32>> {
        let today = |zone: &TimeZone| now.date_in(zone);
        let dates: Vec<SchoolDate> =
            directory.institutions().iter().map(|state| today(&state.zone)).collect();
        if !self.stale
            && self.planned.as_ref().is_some_and(|held| *held == (directory.version, dates.clone()))
        {
            return None;
        }
        let (mut expected, mut sites) = (BTreeMap::new(), HashMap::new());
        let before = std::mem::take(&mut self.lessons);
        for (site, (state, date)) in (0u16..).zip(directory.institutions().iter().zip(&dates)) {
            if let (Some(day), None) = (directory.day(site, *date), state.left) {
                self.plan_day(directory, site, day, &mut expected);
                sites.insert(site, self.site(site, day, &state.zone));
            }
        }
        self.forget_before(now);
        let lapsed = self.told_of_and_gone(directory, &dates, before, &mut expected);
        let mut learners = self.expect(expected);
        lapsed.into_iter().for_each(|id| self.tell(Evidence::Lapse(id)));
        self.tell_sites(sites);
        // Notices and matches may have changed about anybody on the board.
        learners.extend(self.expected_of.keys().chain(self.told.keys()).copied());
        (self.planned, self.stale) = (Some((directory.version, dates)), false);
        Some(learners)
    }

    fn plan_day(
        &mut self,
        directory: &Directory,
        site: u16,
        day: &DayHeld,
        expected: &mut BTreeMap<Id, Expectation>,
    ) {
        let mut agreed: HashMap<u16, Times> = HashMap::new();
        for lesson in &day.lessons {
            let number = number_of(site, day.date, &lesson.local_id);
            let group = lesson.group.clone();
            let held = Lesson { group, time: lesson.time, room: lesson.room.as_str().to_owned() };
            self.lessons.insert((site, number), held);
            let placed = directory.placed_in(site, &lesson.group, day.date, lesson.time.start());
            for (learner, _, home) in
                placed.into_iter().filter(|(_, _, home)| directory.left(*home).is_none())
            {
                let times = *agreed.entry(home).or_insert_with(|| times_of(directory, site, home, day.date));
                let of = Expectation { learner, home, site, lesson: number, time: lesson.time, times };
                expected.insert(of.id(), of);
            }
        }
    }

    /// Of whom it was told that they are missing, and whose lesson is gone since or was on another day: they stay on the board.
    /// If their home has ended the placement, or has them no more, that is the home's word, and ends it.
    fn told_of_and_gone(
        &mut self,
        directory: &Directory,
        dates: &[SchoolDate],
        mut before: HashMap<(u16, u64), Lesson>,
        expected: &mut BTreeMap<Id, Expectation>,
    ) -> Vec<Id> {
        let mut lapsed = Vec::new();
        for alert in directory.alerts().not_over().filter(|alert| alert.is_open()) {
            let Some(id) = alert.id.key().as_ref().and_then(alerts::learner_of) else { continue };
            if expected.contains_key(&id) {
                continue;
            }
            let key = (id.site, id.lesson);
            if let Some(lesson) = before.remove(&key).or_else(|| lesson_of(directory, alert.date, id)) {
                self.lessons.entry(key).or_insert(lesson);
            }
            let time = self.lessons.get(&key).map_or_else(|| moment(alert.since), |lesson| Some(lesson.time));
            let home =
                time.and_then(|time| directory.placed_by_home(id.learner, id.site, alert.date, time.start()));
            match (time, home) {
                (Some(time), Some(home)) => {
                    let Id { site, lesson, learner } = id;
                    let today = dates.get(usize::from(site)).copied().unwrap_or(alert.date);
                    let times = times_of(directory, site, home, today);
                    let of = Expectation { learner, home, site, lesson, time, times };
                    expected.insert(id, of);
                    lapsed.push(id);
                }
                _ => self.tell(Evidence::Drop(id)),
            }
        }
        lapsed
    }

    fn site(&self, site: u16, day: &DayHeld, zone: &TimeZone) -> OfSite {
        let cancelled = day.lessons.iter().filter(|lesson| lesson.cancelled).map(|lesson| {
            let number = number_of(site, day.date, &lesson.local_id);
            // What was said before this node looked back is as old as the lesson at least.
            let said = self.cancelled.get(&(site, number)).copied();
            (number, said.unwrap_or_else(|| lesson.time.start()))
        });
        OfSite { closed: day.closed.then(|| whole(day.date, zone)).flatten(), cancelled: cancelled.collect() }
    }

    /// Takes the expectations that are now; gives the learners whose differ.
    fn expect(&mut self, expected: BTreeMap<Id, Expectation>) -> HashSet<u32> {
        let mut learners = HashSet::new();
        for id in self.expected.keys().filter(|id| !expected.contains_key(id)) {
            self.changed = true;
            self.board.take(Evidence::Drop(*id));
            learners.insert(id.learner);
            if let Some(told) = self.told.get_mut(&id.learner) {
                told.marks.remove(id);
            }
        }
        for (id, of) in expected.iter().filter(|(id, of)| self.expected.get(id) != Some(of)) {
            self.changed = true;
            self.board.take(Evidence::Expect(*of));
            learners.insert(id.learner);
        }
        self.expected_of.clear();
        for id in expected.keys() {
            self.expected_of.entry(id.learner).or_default().insert(*id);
        }
        self.expected = expected;
        learners
    }

    fn tell_sites(&mut self, sites: HashMap<u16, OfSite>) {
        let gone: Vec<u16> = self.sites.keys().filter(|site| !sites.contains_key(site)).copied().collect();
        gone.into_iter().for_each(|site| self.tell(Evidence::ForgetSite(site)));
        for (site, of) in sites.iter().filter(|(site, of)| self.sites.get(site) != Some(of)) {
            self.changed = true;
            self.board.take(Evidence::ForgetSite(*site));
            if let Some(time) = of.closed {
                self.board.take(Evidence::Closed { site: *site, time });
            }
            for (lesson, at) in &of.cancelled {
                self.board.take(Evidence::Cancelled { site: *site, lesson: *lesson, at: *at });
            }
        }
        self.sites = sites;
    }

    /// Marks of days that are over take no memory.
    fn forget_before(&mut self, now: Timestamp) {
        let oldest = oldest(now);
        if oldest == self.oldest {
            return;
        }
        self.oldest = oldest;
        self.marks.retain(|_, mark| mark.date.days() >= oldest);
        let marks = &self.marks;
        self.fresh.retain(|id| marks.contains_key(id));
        self.marks_of.values_mut().for_each(|of| of.retain(|id| marks.contains_key(id)));
        self.marks_of.retain(|_, of| !of.is_empty());
        self.cancelled.clear();
        self.stale = true;
    }

    /// Keeps since when classes are known not to take place.
    pub(super) fn note_cancelled(&mut self, change: &Change, at: Timestamp) {
        let Change::Day { institution, date, lessons, .. } = change else { return };
        for lesson in lessons {
            let key = (*institution, number_of(*institution, *date, &lesson.id));
            match (lesson.cancelled, self.cancelled.get_mut(&key)) {
                (true, Some(held)) => *held = (*held).min(at),
                (true, None) => drop(self.cancelled.insert(key, at)),
                (false, Some(held)) if *held < at => drop(self.cancelled.remove(&key)),
                (false, _) => {}
            }
        }
    }
}

//! From the log to readiness: what of each entry the view is told. Names of learners, and what marks say, are no part of it.
//!
//! A node that was there all along and one that starts later must tell the same: what only an entry says (that a record was
//! taken) counts for good, and what a payload says only as long as it may be used.

use super::mapping::sources_of;
use crate::{
    asides::REFUSED,
    directory::{Directory, change::Change, expected::DAYS_AHEAD},
    entry::{Circumstances, Note, RecordEntry},
    projection::{self, Gone, Told, View},
    shared::Shared,
};
use commonroll_core::{
    Body, Interval, LocalId, RecordKind, SchoolDate, Slug, Timestamp,
    directory::{DateRange, Registration},
    grades::{find, parse_grade},
    record::assessment::{GradeValue, ResultGiven},
};
use commonroll_views::readiness::{
    Came, DAYS, DayMet, Due, Entry, For, Mapping, Matching, Readiness, Report,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{RwLock, Weak},
    time::Duration,
};

/// A source's batch came out of step.
pub(crate) const OUT_OF_STEP: &str = "publish.out_of_step";
const DAY_US: i64 = 86_400_000_000;
/// Days of one partner that are worked out in one tick, one after the other: nobody waits for the view or the directory longer than
/// for one.
const DAYS_A_TICK: usize = 4;
/// Pause after a day where more are to be worked out: who waits for the view comes to it.
const PAUSE: Duration = Duration::from_millis(1);

/// Readiness, and what it takes to feed it.
pub(crate) struct ReadinessView {
    shared: Weak<Shared>,
    readiness: Readiness,
    /// Since when guests and claims stand unsettled. Who was settled long ago may still be in it: the directory is asked first.
    unmatched: HashMap<(u16, LocalId), Timestamp>,
    /// The dates of each side of a placement, once everything has been read: where they change, both count.
    sides: HashMap<SideKey, DateRange>,
    /// When agents told, in the days that count, that records are set aside at them, by their places in the log. Of what still
    /// is they tell again each week.
    asides: HashMap<(u16, u64), VecDeque<Timestamp>>,
    /// When agents told of such records in vain, and how often.
    in_vain: HashMap<u16, Vec<(Timestamp, u64)>>,
    read: bool,
    complete: bool,
    newest: Option<Timestamp>,
}

/// Whose side, about whom, with whom, in which group, and whether the host's.
type SideKey = (u16, LocalId, u16, Option<LocalId>, bool);

/// A rule, how many records it refused, and the first and the last day.
type Refused = (String, u64, (SchoolDate, SchoolDate));

impl ReadinessView {
    /// Nothing is known yet.
    pub fn new(shared: Weak<Shared>) -> Self {
        Self {
            shared,
            readiness: Readiness::default(),
            unmatched: HashMap::new(),
            sides: HashMap::new(),
            asides: HashMap::new(),
            in_vain: HashMap::new(),
            read: false,
            complete: false,
            newest: None,
        }
    }

    /// Lets a partner come to this moment, one of its days; true once all of them have. `None` if there is no such partner.
    fn settle(&mut self, number: u16, now: Timestamp) -> Option<bool> {
        let shared = self.shared.upgrade()?;
        let directory = shared.directory();
        let today = now.date_in(&directory.institution(number)?.zone);
        let placed = |group: &LocalId, date: SchoolDate, at: Timestamp| {
            directory.placed_in(number, group, date, at).into_iter().map(|(who, ..)| who).collect()
        };
        Some(self.readiness.settle(number, (today, now), 1, placed))
    }

    /// A partner's report, as of the last tick.
    pub fn made(&mut self, institution: u16, readers: For, now: Timestamp) -> Option<Report> {
        let shared = self.shared.upgrade()?;
        let directory = shared.directory();
        let state = directory.institution(institution)?;
        let today = now.date_in(&state.zone);
        let mut matching = Matching::default();
        for (id, local) in &state.locals {
            match local.registration {
                Registration::Home => {
                    let is_open = local.contested && directory.agreed_main(institution, id).is_none();
                    matching.contested += u64::from(is_open);
                }
                Registration::Previous => {}
                _ => {
                    matching.guests += 1;
                    matching.matched += u64::from(local.learner.is_some());
                }
            }
        }
        matching.mapping = mapping(&directory, institution);
        drop(directory);
        Some(self.readiness.report(institution, (today, now), (matching, readers)))
    }

    /// A partner's school days of before today, as of the last tick, the newest first.
    pub fn school_days(&mut self, institution: u16, today: SchoolDate) -> Vec<DayMet> {
        self.readiness.site(institution).school_days(today)
    }

    /// True if these are all worked out.
    pub fn is_settled(&mut self, institution: u16, today: SchoolDate) -> bool {
        self.readiness.site(institution).is_settled(today)
    }

    /// When a partner last sent, acknowledged or said anything that the log holds, in the days that count.
    pub fn said(&mut self, institution: u16) -> Option<Timestamp> {
        self.readiness.site(institution).said()
    }

    /// What was refused of a partner in the days that count.
    pub fn refused(&mut self, institution: u16, today: SchoolDate) -> Vec<Refused> {
        self.readiness.site(institution).refusals(today)
    }

    /// Records for a home that it hasn't given its receipt for, and when the oldest of them was taken.
    pub fn waiting(&self, home: u16) -> (u64, Option<Timestamp>) {
        self.readiness.waiting(home)
    }

    /// Records that are set aside at a home's agent, since the MIS doesn't take them, and since when the oldest is.
    pub fn set_aside(&self, home: u16, now: Timestamp) -> (u64, Option<Timestamp>) {
        let from = self.since(now);
        // A node that starts now reads the same tellings.
        let told = |told: &VecDeque<Timestamp>| told.iter().copied().find(|at| *at >= from);
        let theirs = self.asides.iter().filter(|((at, _), _)| *at == home);
        theirs.filter_map(|(_, all)| told(all)).fold((0, None), |(count, oldest), at| {
            (count + 1, Some(oldest.map_or(at, |oldest: Timestamp| oldest.min(at))))
        })
    }

    /// How often an institution's agents told in vain of such records, and when first.
    pub fn told_in_vain(&self, home: u16, now: Timestamp) -> (u64, Option<Timestamp>) {
        let from = self.since(now);
        let told = self.in_vain.get(&home).into_iter().flatten().filter(|(at, _)| *at >= from);
        (told.clone().map(|(_, count)| count).sum(), told.map(|(at, _)| *at).min())
    }

    /// What became of a record that a recipient could not write.
    fn aside(&mut self, note: &Note, at: Timestamp) {
        if note.what == REFUSED {
            let Some(home) = note.more["actor"].as_str().and_then(|slug| self.number(slug)) else { return };
            let from = self.since(at);
            let told = self.in_vain.entry(home).or_default();
            told.retain(|(at, _)| *at >= from);
            told.push((at, note.more["count"].as_u64().unwrap_or(1)));
            return;
        }
        let Some((home, place)) = self.number(&note.by).zip(note.more["sequence"].as_u64()) else { return };
        match note.what.as_str() {
            "delivery.set_aside" => {
                let from = self.since(at);
                let told = self.asides.entry((home, place)).or_default();
                told.retain(|at| *at >= from);
                told.push_back(at);
            }
            _ => drop(self.asides.remove(&(home, place))),
        }
    }

    /// Since when an institution's learner or guest stands as declared without a match, if that is not longer ago than
    /// what counts.
    pub fn unmatched_since(&self, institution: u16, local: &LocalId) -> Option<Timestamp> {
        self.unmatched.get(&(institution, local.clone())).copied()
    }

    /// True once all of the days that count has been read and worked out; and the time of the newest entry.
    pub const fn as_of(&self) -> (bool, Option<Timestamp>) {
        (self.complete, self.newest)
    }

    fn seen(&mut self, at: Timestamp) {
        self.newest = self.newest.max(Some(at));
    }

    fn mark(&mut self, seq: u64, entry: &RecordEntry, of: &Circumstances, time: Option<Interval>) {
        let Some((group, time)) = of.group.as_ref().zip(time) else { return };
        let came = Came { entry: entry_at(seq, entry), time, accepted: entry.accepted_at };
        self.readiness.came(entry.source, group, of.date, came);
    }

    /// A side of a placement holds from now on; `key` says whose.
    fn side(&mut self, key: SideKey, dates: DateRange) {
        let host = if key.4 { key.0 } else { key.2 };
        let before = self.sides.insert(key, dates).unwrap_or(dates);
        for dates in [before, dates] {
            self.readiness.placements_changed(host, (dates.first(), dates.last()));
        }
    }

    /// The dates of the sides that the directory holds.
    fn read_sides(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let directory = shared.directory();
        for (number, state) in (0..).zip(directory.institutions()) {
            for (local, held) in &state.locals {
                let sides = held.sides.iter().map(|side| {
                    ((number, local.clone(), side.other, side.group.clone(), side.hosting), side.dates)
                });
                self.sides.extend(sides);
            }
        }
    }

    fn number(&self, slug: &str) -> Option<u16> {
        self.shared.upgrade()?.directory().number_of(&slug.parse::<Slug>().ok()?)
    }
}

const fn entry_at(seq: u64, entry: &RecordEntry) -> Entry {
    Entry { seq, record: entry.id, revision: entry.revision, learner: entry.learner }
}

/// What an institution's agents told of their sources, in numbers.
fn mapping(directory: &Directory, institution: u16) -> Option<Mapping> {
    let mut sources = sources_of(directory, institution).peekable();
    sources.peek()?;
    let mut mapping = Mapping::default();
    for source in sources {
        mapping.refused += u64::from(source.told.refused.is_some());
        for kept in &source.told.kept {
            mapping.kept = mapping.kept.saturating_add(kept.rows_kept());
            mapping.sorts += 1;
        }
    }
    Some(mapping)
}

/// Lets every partner come to this moment. They have the view and the directory one after the other, so that no page waits
/// for all of them.
pub(crate) async fn tick(view: &RwLock<ReadinessView>, now: Timestamp) {
    let mut settled = true;
    'partners: for number in 0.. {
        for day in 1.. {
            let Some(is_done) = projection::feed(view).settle(number, now) else { break 'partners };
            if is_done {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            if day == DAYS_A_TICK {
                settled = false;
                break;
            }
        }
    }
    let mut view = projection::feed(view);
    view.complete |= view.read && settled;
}

/// True for a grade of a scale whose order is known; `None` for what is no grade.
fn on_scale(result: &ResultGiven) -> Option<bool> {
    let GradeValue::Given(text) = &result.value else { return None };
    let scale = find(&result.scale_id, &result.scale_version);
    Some(scale.is_some_and(|scale| scale.ordered() && parse_grade(&scale, text).is_ok()))
}

impl View for ReadinessView {
    fn since(&self, now: Timestamp) -> Timestamp {
        // A day that counts may have been declared as long before it as days may be.
        now.plus_micros(-i64::from(DAYS + DAYS_AHEAD + 1) * DAY_US)
    }

    fn glance(&mut self, seq: u64, entry: &RecordEntry) -> bool {
        self.seen(entry.accepted_at);
        let home = entry.recipients.first().map(|to| to.institution);
        self.readiness.taken(entry.source, home, seq, entry.accepted_at);
        matches!(entry.kind, RecordKind::Attendance | RecordKind::Assessment)
    }

    fn record(&mut self, told: &Told<'_>) {
        let entry = told.entry;
        match told.body {
            Body::Attendance(mark) => {
                let time = mark.presence.as_ref().and_then(|presence| presence.interval);
                self.mark(told.seq, entry, told.of, time);
            }
            Body::Assessment(given) => {
                if let Some(known) = given.result.as_ref().and_then(on_scale) {
                    self.readiness.site(entry.source).graded(
                        entry.accepted_at,
                        entry_at(told.seq, entry),
                        known,
                    );
                }
            }
            Body::Behaviour(_)
            | Body::Withdrawn(RecordKind::Attendance | RecordKind::Assessment | RecordKind::Behaviour) => {}
        }
    }

    fn gone(&mut self, gone: &Gone<'_>) {
        match gone {
            Gone::Places(places) => self.readiness.gone(|entry| places.holds(entry.seq)),
            Gone::Hidden { record, below } => {
                self.readiness.gone(|entry| entry.record == *record && entry.revision < *below);
            }
        }
    }

    fn hears(&self, what: &str) -> bool {
        matches!(
            what,
            "placement.declared"
                | "placement.accepted"
                | "placement.ended"
                | "directory.day"
                | "directory.learner"
                | "institution.left"
                | "feed.acknowledged"
                | "publish.refused"
                | "source.current"
                | "delivery.set_aside"
                | "delivery.dismissed"
                | "delivery.written"
                | "delivery.overtaken"
                | REFUSED
                | OUT_OF_STEP
        )
    }

    fn note(&mut self, seq: u64, note: &Note, change: Option<&Change>) {
        let Ok(at) = Timestamp::from_micros("at", note.at_us) else { return };
        self.seen(at);
        match change {
            Some(Change::Side { by, local, other, group, hosting, dates, .. }) => {
                self.side((*by, local.clone(), *other, group.clone(), *hosting), *dates);
            }
            Some(Change::Left { .. }) => self.readiness.learners_changed(),
            Some(Change::Day { institution, date, closed, lessons, .. }) => {
                let takes_place = lessons.iter().filter(|lesson| !closed && !lesson.cancelled);
                let due = takes_place.filter_map(|lesson| {
                    let time = Interval::new(lesson.start, lesson.end).ok()?;
                    Some(Due { group: lesson.group.clone(), time })
                });
                self.readiness.declared(*institution, seq, *date, due.collect());
                self.readiness.site(*institution).heard(at);
            }
            Some(Change::Learner { institution, local, learner, contested, .. }) => {
                self.readiness.learners_changed();
                let key = (*institution, local.clone());
                match learner.is_some() && !contested {
                    true => drop(self.unmatched.remove(&key)),
                    false => drop(self.unmatched.entry(key).or_insert(at)),
                }
            }
            Some(Change::Cursor { institution, cursor, .. }) => {
                self.readiness.receipt(*institution, *cursor, at);
            }
            Some(Change::Batch { institution, refused, again, repeated, .. }) => {
                let tries =
                    |rule: &str| again.iter().find(|(of, _)| of == rule).map_or(0, |(_, tries)| *tries);
                let new = |(rule, count): &(String, u32)| (rule.clone(), count.saturating_sub(tries(rule)));
                let refused: Vec<_> = refused.iter().map(new).filter(|(_, count)| *count > 0).collect();
                self.readiness.site(*institution).refused(at, &refused, *repeated);
            }
            Some(_) => {}
            None if note.what == "source.current" => {
                if let Some(source) = self.number(&note.by) {
                    self.readiness.site(source).heard(at);
                }
            }
            None if note.what == OUT_OF_STEP => {
                let source = note.more["actor"].as_str().and_then(|slug| self.number(slug));
                let count = note.more["count"].as_u64().unwrap_or(1);
                source.into_iter().for_each(|source| self.readiness.site(source).out_of_step(at, count));
            }
            None => self.aside(note, at),
        }
    }

    fn complete(&mut self) {
        self.readiness.in_order();
        self.read_sides();
        self.readiness.learners_changed();
        self.read = true;
    }
}

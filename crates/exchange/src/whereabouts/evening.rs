//! The evening before: what the timetables of the next school day say of each learner, held against each other, and told
//! while there is time to mend it.
//!
//! A host says which lessons it has; a home may say where its own timetable has its learners, by notices of the kinds
//! `at_partner` and `own_lesson`. A host that has said nothing of the day is no evidence: unknown is a value. What is told
//! stands as an alert until the timetables fit or the day is past; a learner who is missing then is the board's to find.

use crate::{
    directory::{Directory, InstitutionState, alerts::AlertId},
    projection::lock,
    shared::Shared,
};
use commonroll_core::{Interval, SchoolDate, Timestamp, agreement::Times, directory::NoticeKind};
use commonroll_views::whereabouts::{
    Alert, AlertKey, AtHome, Detector, Detectors, Finding, HostLesson, Notify, Place, Week, What, mismatches,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

/// Days ahead among which the next school day is looked for, over a weekend and a day more.
const AHEAD: i32 = 4;
/// Between two looks: timetables change by whole files, and nobody has to run.
const PAUSE_US: i64 = 30_000_000;

/// When was looked last, and at what.
pub(crate) struct Evening {
    /// True if timetables are held against each other at all.
    looks: bool,
    at: Option<Timestamp>,
    turn: u64,
    days: Vec<Option<Days>>,
}

/// First and last date that count for an institution.
type Days = (SchoolDate, SchoolDate);

impl Evening {
    /// Nothing was looked at.
    pub fn new(detectors: Detectors) -> Self {
        Self { looks: detectors.has(Detector::Timetables), at: None, turn: 0, days: Vec::new() }
    }
}

/// What there is to tell now: misfits that nobody was told of, and those that are over.
pub(super) fn look(shared: &Arc<Shared>, evening: &Mutex<Evening>, now: Timestamp) -> Vec<What> {
    let mut evening = lock(evening);
    let waits = |at: Timestamp| now.micros() < at.micros().saturating_add(PAUSE_US);
    if !evening.looks || evening.at.is_some_and(waits) {
        return Vec::new();
    }
    let directory = shared.directory();
    let (turn, days) = (directory.turn_of_plans(), days(&directory, now));
    let same = evening.at.is_some() && evening.turn == turn && evening.days == days;
    *evening = Evening { looks: true, at: Some(now), turn, days };
    if same {
        return Vec::new();
    }
    let days = &evening.days;
    let found = found(&directory, days);
    let open = directory.alerts().not_over().filter_map(|alert| alert.id.key());
    let over = open.filter(|key| matches!(key, AlertKey::Misfit { .. }) && !found.contains_key(key));
    let over: Vec<What> = over.map(What::Over).collect();
    // Who is concerned only now is told, whoever else has been: a home that took the learner over, say.
    let is_told = |key: &AlertKey, to: &[Notify]| {
        let open = directory.alerts().get(AlertId::of(key)).filter(|alert| alert.over.is_none());
        open.is_some_and(|alert| to.iter().all(|to| alert.told.iter().any(|(told, _)| *told == to.number())))
    };
    let new = found.into_iter().filter(|(key, to)| !is_told(key, to));
    let told = new.map(|(key, to)| What::Tell(Alert { key, to, repeated: 0, since: now }));
    over.into_iter().chain(told).collect()
}

/// The dates that count for each institution by its number: today until the hour that is agreed, then tomorrow, and on from
/// there over weekends and days off to the next weekday on which somebody teaches. A class on a Saturday must not hide Monday.
fn days(directory: &Directory, now: Timestamp) -> Vec<Option<Days>> {
    let is_weekday = |date: &SchoolDate| date.civil().weekday().to_monday_zero_offset() < 5;
    let teaches =
        |date: &SchoolDate| directory.days_on(*date).any(|(_, day)| !day.closed && !day.lessons.is_empty());
    let of = |state: &InstitutionState| {
        let today = now.date_in(&state.zone);
        let evening = directory.agreements().times_of_home(&state.info.slug, today).next_day();
        let is_past = |hour| now >= today.at(hour, &state.zone);
        let next = today.days() + i32::from(is_past(evening));
        let weekdays = || (next..=today.days() + AHEAD).filter_map(SchoolDate::from_days).filter(is_weekday);
        let last = weekdays().find(teaches).or_else(|| weekdays().next())?;
        // One agreement's early look at tomorrow must not end what is told of today at other hosts.
        let usual = Times::strictest([]).next_day();
        let first = today.days() + i32::from(is_past(evening.max(usual)));
        Some((SchoolDate::from_days(first)?, last))
    };
    directory.institutions().iter().map(|state| of(state).filter(|_| state.left.is_none())).collect()
}

fn found(directory: &Directory, days: &[Option<Days>]) -> BTreeMap<AlertKey, Vec<Notify>> {
    let mut found = BTreeMap::new();
    let span = |(first, last): &Days| first.days()..=last.days();
    let dates: BTreeSet<i32> = days.iter().flatten().flat_map(span).collect();
    for date in dates.into_iter().filter_map(SchoolDate::from_days) {
        let counts = |home: u16| {
            let span = days.get(usize::from(home)).and_then(|days| days.as_ref()).map(span);
            span.is_some_and(|span| span.contains(&date.days()))
        };
        let lessons = lessons(directory, date, &counts);
        let homes = (0..).zip(days).filter(|(home, _)| counts(*home));
        let homes: Vec<AtHome> = homes.flat_map(|(home, _)| plans(directory, home, date, &lessons)).collect();
        let held: Vec<HostLesson> = lessons.into_iter().filter(|of| of.held).map(|of| of.of).collect();
        let closed = directory.days_on(date).filter(|(_, day)| day.closed).map(|(host, _)| host).collect();
        for finding in mismatches(&homes, &held, &weeks(directory, date), &closed) {
            let home =
                || finding.learner().and_then(|learner| directory.home_of(learner)).map(|(home, _)| *home);
            let [one, other] = finding.between();
            let to = match finding {
                Finding::Elsewhere { host, .. } => vec![Notify::Host(host)],
                Finding::TwoHosts { .. } => home().map(Notify::Home).into_iter().collect(),
                _ if one == other => vec![Notify::Home(one)],
                _ => vec![Notify::Host(other), Notify::Home(one)],
            };
            found.insert(AlertKey::Misfit { day: date.days(), finding }, to);
        }
    }
    found
}

/// A lesson in which a learner is expected.
struct Class {
    of: HostLesson,
    /// False if it is cancelled: its homes are told of that already.
    held: bool,
}

/// Who is expected in the lessons of a date, of learners whose home looks at that date.
fn lessons(directory: &Directory, date: SchoolDate, counts: &dyn Fn(u16) -> bool) -> Vec<Class> {
    let mut lessons = Vec::new();
    let open = directory.days_on(date).filter(|(host, day)| !day.closed && directory.left(*host).is_none());
    for (host, day) in open {
        for lesson in &day.lessons {
            let placed = directory.placed_in(host, &lesson.group, date, lesson.time.start());
            let mine = placed.into_iter().filter(|(_, _, home)| counts(*home));
            let of = |learner| HostLesson { learner, host, time: lesson.time };
            lessons.extend(mine.map(|(learner, ..)| Class { of: of(learner), held: !lesson.cancelled }));
        }
    }
    lessons.sort_by_key(|class| class.of.learner);
    lessons
}

/// Where a home's timetable has its learners on a date, as far as partners' timetables are known.
fn plans(directory: &Directory, home: u16, date: SchoolDate, lessons: &[Class]) -> Vec<AtHome> {
    let Some(state) = directory.institution(home) else { return Vec::new() };
    let at = |learner: u32, time: Interval| {
        let from = lessons.partition_point(|class| class.of.learner < learner);
        let all = lessons[from..].iter().take_while(move |class| class.of.learner == learner);
        all.filter(move |class| class.of.time.overlaps(time))
    };
    let mut plans = Vec::new();
    for (id, local) in state.locals.iter().filter(|(_, local)| !local.notices.is_empty()) {
        let Some(learner) =
            local.learner.filter(|learner| directory.home_of(*learner) == Some(&(home, id.clone())))
        else {
            continue;
        };
        let partners = || -> BTreeSet<u16> {
            let here = local.sides.iter().filter(|side| !side.hosting && side.dates.contains(date));
            here.filter(|side| side.ended.is_none()).map(|side| side.other).collect()
        };
        for notice in local.notices.iter().filter(|notice| notice.time.start().date_in(&state.zone) == date) {
            let (time, own) = (notice.time, AtHome { learner, home, place: Place::Own, time: notice.time });
            match notice.kind {
                NoticeKind::OwnLesson => plans.push(own),
                NoticeKind::AtPartner if at(learner, time).next().is_some() => {}
                NoticeKind::AtPartner => {
                    plans.extend(
                        meant(directory, &partners(), date)
                            .map(|host| AtHome { place: Place::Partner(host), ..own }),
                    );
                }
                NoticeKind::ExpectedAbsence | NoticeKind::NotAttending | NoticeKind::TakenBack => {}
            }
        }
    }
    plans
}

/// Which of a learner's partners a home means that leaves them to one: the only one, or the only one that is closed. `None` if it
/// can't be told what they have that day, and inside if it can't be told which is meant.
fn meant(directory: &Directory, partners: &BTreeSet<u16>, date: SchoolDate) -> Option<Option<u16>> {
    let day = |host: &u16| directory.day(*host, date);
    let only = |hosts: Vec<u16>| match hosts[..] {
        [one] => Some(one),
        _ => None,
    };
    let is_closed = |host: &u16| day(host).is_some_and(|day| day.closed);
    let closed = only(partners.iter().copied().filter(is_closed).collect());
    let known = partners.iter().all(|host| day(host).is_some());
    (closed.is_some() || known).then(|| closed.or_else(|| only(partners.iter().copied().collect())))
}

/// Which week of its cycle each institution is in, as far as it says so.
fn weeks(directory: &Directory, date: SchoolDate) -> Week {
    let said =
        || directory.days_on(date).filter_map(|(number, day)| Some((number, day.week.as_ref()?.as_str())));
    let words: BTreeSet<&str> = said().map(|(_, word)| word).collect();
    let number =
        |word: &str| words.iter().position(|known| *known == word).and_then(|at| u8::try_from(at).ok());
    said().filter_map(|(institution, word)| Some((institution, number(word)?))).collect()
}

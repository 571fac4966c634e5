//! Which mark says something of which lesson, and what else is known of a learner.

use super::{HeldMark, OfLearner, Whereabouts};
use crate::{
    decide::{self, Subject},
    directory::Directory,
};
use commonroll_core::{
    Interval, RecordId, RecordKind, Timestamp, directory::NoticeKind, record::attendance::Physical,
};
use commonroll_views::whereabouts::{Evidence, Excuse, Id, Mark};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Number of the part of a mark that says what the host saw.
pub(super) const PRESENCE: u32 = 2;
/// For so long a learner counts as seen who was seen at a moment that belongs to no lesson.
const GLIMPSE_US: i64 = 60_000_000;
/// A register may be taken so long before the bell, by the clocks of two machines.
const AHEAD_US: i64 = 300_000_000;
/// A mark without a lesson's group speaks of the lesson if their times differ by no more than this.
const NEAR_US: u64 = 600_000_000;

const fn in_room(physical: Physical) -> bool {
    matches!(physical, Physical::Present | Physical::Late)
}

impl HeldMark {
    /// The time that it speaks of, as far as it says.
    fn time(&self) -> Option<Interval> {
        let presence = self.presence.as_ref()?;
        presence.interval.or_else(|| {
            let at = self.at?;
            Interval::new(at, at.plus_micros(GLIMPSE_US)).ok()
        })
    }

    /// When the learner was seen, if the mark belongs to no lesson that is known: a mark without a group may be of a whole
    /// session, and then says no more than that the learner was there when it began.
    fn sighting(&self) -> Option<Interval> {
        let time = self.time()?;
        if self.group.is_some() {
            return Some(time);
        }
        let glimpse = time.start().plus_micros(GLIMPSE_US).min(time.end());
        Interval::new(time.start(), glimpse).ok()
    }

    /// True if somebody is said to be in a room before the lesson could have begun: a register that was filled in ahead is
    /// no evidence, also not once its time has come.
    fn is_ahead(&self) -> bool {
        let seen = self.presence.as_ref().is_some_and(|presence| in_room(presence.physical));
        let soonest = self.accepted_at.plus_micros(AHEAD_US);
        seen && self.time().is_some_and(|time| time.start() > soonest)
    }

    /// True if somebody was seen at a time that this session touches.
    pub(super) fn saw_in(&self, session: Interval) -> bool {
        let seen = self.presence.as_ref().is_some_and(|presence| in_room(presence.physical));
        seen && !self.is_ahead() && self.time().is_some_and(|time| time.overlaps(session))
    }

    fn of_board(&self) -> Option<Mark> {
        let presence = self.presence.as_ref().filter(|_| !self.is_ahead())?;
        Some(Mark {
            physical: presence.physical,
            minutes_late: presence.minutes_late,
            minutes_left_early: presence.minutes_left_early,
            at: self.accepted_at,
        })
    }
}

impl Whereabouts {
    /// Finds whom new marks are about, or all of them if the directory has changed; gives the learners concerned.
    pub(super) fn place(&mut self, directory: &Directory, now: Timestamp, all: bool) -> HashSet<u32> {
        let fresh = std::mem::take(&mut self.fresh);
        let ids: Vec<RecordId> =
            if all { self.marks.keys().copied().collect() } else { fresh.into_iter().collect() };
        let mut learners = HashSet::new();
        for id in ids {
            let Some(mark) = self.marks.get_mut(&id) else { continue };
            let (about, counts) = stands(directory, mark, id, now);
            learners.extend(mark.about.into_iter().chain(about));
            if mark.about != about
                && let Some(of) = mark.about.and_then(|before| self.marks_of.get_mut(&before))
            {
                of.remove(&id);
            }
            if let Some(learner) = about {
                self.marks_of.entry(learner).or_default().insert(id);
            }
            (mark.about, mark.counts) = (about, counts);
        }
        learners
    }

    /// Tells the board what is known of a learner, where that differs from what it was told.
    pub(super) fn settle(&mut self, directory: &Directory, learner: u32) {
        let known = self.known(directory, learner);
        let held = self.told.remove(&learner).unwrap_or_default();
        if (&known.sightings, &known.excuses, &known.taken_back)
            != (&held.sightings, &held.excuses, &held.taken_back)
        {
            self.tell(Evidence::ForgetLearner(learner));
            for (site, time) in known.sightings.iter().copied() {
                self.tell(Evidence::Sighting { learner, site, time });
            }
            for (site, time, why) in known.excuses.iter().copied() {
                self.tell(Evidence::Excuse { learner, site, time, why });
            }
            for time in known.taken_back.iter().copied() {
                self.tell(Evidence::TakenBack { learner, time });
            }
        }
        for id in held.marks.keys().filter(|id| !known.marks.contains_key(id)) {
            self.tell(Evidence::Unmark(*id));
        }
        for (id, mark) in known.marks.iter().filter(|(id, mark)| held.marks.get(id) != Some(mark)) {
            self.tell(Evidence::Mark(*id, *mark));
        }
        if known != OfLearner::default() {
            self.told.insert(learner, known);
        }
    }

    fn known(&self, directory: &Directory, learner: u32) -> OfLearner {
        let mut known = OfLearner::default();
        let nothing = BTreeSet::new();
        let expected = self.expected_of.get(&learner).unwrap_or(&nothing);
        let marks = self.marks_of.get(&learner).into_iter().flatten();
        let mut in_lessons = BTreeMap::new();
        for mark in marks.filter_map(|id| self.marks.get(id)).filter(|mark| mark.counts) {
            let Some(of_board) = mark.of_board() else { continue };
            let lessons = self.lessons_of(mark, expected);
            for id in &lessons {
                put(&mut in_lessons, *id, (self.is_of_group(mark, *id), of_board));
            }
            if lessons.is_empty()
                && in_room(of_board.physical)
                && let Some(time) = mark.sighting()
            {
                known.sightings.push((mark.source, time));
            }
        }
        known.marks = in_lessons.into_iter().map(|(id, (_, mark))| (id, mark)).collect();
        let home = directory.home_of(learner).map(|(home, _)| *home);
        for notice in directory.notices_of(learner) {
            // Only the home, which nobody disputes, speaks for everywhere. A host that expects the learner speaks for itself.
            let by_home = Some(notice.institution) == home;
            let site = (!by_home).then_some(notice.institution);
            let why = match notice.kind {
                NoticeKind::ExpectedAbsence => Excuse::Notice,
                NoticeKind::NotAttending => Excuse::NotAttending,
                NoticeKind::AtPartner | NoticeKind::OwnLesson => continue,
                NoticeKind::TakenBack => {
                    known.taken_back.extend(by_home.then_some(notice.time));
                    continue;
                }
            };
            if by_home || expected.iter().any(|id| id.site == notice.institution) {
                known.excuses.push((site, notice.time, why));
            }
        }
        let order = |time: &Interval| (time.start(), time.end());
        known.sightings.sort_by_key(|(site, time)| (*site, order(time)));
        known.excuses.sort_by_key(|(site, time, why)| (order(time), *site, *why));
        known.taken_back.sort_by_key(order);
        known
    }

    fn is_of_group(&self, mark: &HeldMark, id: Id) -> bool {
        let lesson = self.lessons.get(&(id.site, id.lesson));
        mark.group.is_some() && lesson.map(|lesson| &lesson.group) == mark.group.as_ref()
    }

    /// The lessons of the mark's source in which the learner is expected and of which the mark speaks: those of its group
    /// at its time, or else one that takes place from and to the same times, so that the mark of a whole session speaks
    /// of no lesson; without a time, the only one of its group.
    fn lessons_of(&self, mark: &HeldMark, expected: &BTreeSet<Id>) -> Vec<Id> {
        let there = |id: &&Id| id.site == mark.source;
        let group = |id: &&Id| self.is_of_group(mark, **id);
        let Some(time) = mark.time() else {
            let of_group: Vec<Id> = expected.iter().filter(there).filter(group).copied().collect();
            return if of_group.len() == 1 { of_group } else { Vec::new() };
        };
        let meets = |id: &&Id| self.expected.get(id).is_some_and(|of| of.time.overlaps(time));
        let then: Vec<Id> = expected.iter().filter(there).filter(meets).copied().collect();
        let of_group: Vec<Id> = then.iter().filter(group).copied().collect();
        if !of_group.is_empty() {
            return of_group;
        }
        let is_moment = mark.presence.as_ref().is_none_or(|presence| presence.interval.is_none());
        let same = |id: &Id| is_moment || self.expected.get(id).is_some_and(|of| coincide(of.time, time));
        then.into_iter().filter(same).collect()
    }
}

/// True if two times begin and end within minutes of each other.
fn coincide(one: Interval, other: Interval) -> bool {
    let near = |a: Timestamp, b: Timestamp| a.micros().abs_diff(b.micros()) <= NEAR_US;
    near(one.start(), other.start()) && near(one.end(), other.end())
}

/// Of two marks about one lesson that of the lesson's own group counts, then the one that saw the learner; of two alike,
/// the newer.
fn put(marks: &mut BTreeMap<Id, (bool, Mark)>, id: Id, mark: (bool, Mark)) {
    let rank = |(own, mark): &(bool, Mark)| (*own, in_room(mark.physical), mark.at);
    match marks.get_mut(&id) {
        Some(held) if rank(held) >= rank(&mark) => {}
        Some(held) => *held = mark,
        None => drop(marks.insert(id, mark)),
    }
}

/// True if a mark is about this learner, and what the host saw may leave for the home now.
pub(super) fn counts(
    directory: &Directory,
    mark: &HeldMark,
    id: RecordId,
    learner: u32,
    now: Timestamp,
) -> bool {
    stands(directory, mark, id, now) == (Some(learner), true)
}

/// Whom a mark is about, and whether what the host saw may leave for the learner's home now.
fn stands(directory: &Directory, mark: &HeldMark, id: RecordId, now: Timestamp) -> (Option<u32>, bool) {
    let circumstances = crate::entry::Circumstances {
        learner: mark.learner.clone(),
        group: mark.group.clone(),
        date: mark.date,
        at: mark.at,
    };
    let subject = Subject {
        source: mark.source,
        kind: RecordKind::Attendance,
        confidential: false,
        corrects: false,
        circumstances: &circumstances,
    };
    let placed = decide::place(directory, &subject);
    let Some(home) = placed.home else { return (placed.learner, false) };
    let usable = mark.presence.is_some()
        && !directory.duties().is_going(mark.seq)
        && !directory.copies().is_hidden(id, mark.revision);
    let leaves = || decide::leave(directory, &subject, placed, home, now);
    (placed.learner, usable && leaves().is_ok_and(|(permit, _)| permit.lets_out(PRESENCE)))
}

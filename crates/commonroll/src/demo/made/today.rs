//! Today, for the live part: lessons around the moment at which it begins, what each register says at each second, and who is
//! missed when.
//!
//! Nothing here writes or waits, and the clock is an argument: what a register says follows from the second of the day, so
//! that a machine that is late only skips what was between.

use super::{
    expected::Meets,
    registers::{Row, Seen},
    world::{Lesson, WAYS, World},
};
use crate::chance::Chance;

/// Minutes after which the lessons of [`SHAPE`] come again.
const TURN: i32 = 180;
/// Lessons that began longer ago than this many minutes before the beginning are left out.
const BACK: i32 = 150;
/// Minutes after which a way is gone again, and between two ways.
const WAY_TURN: i32 = 60;
const WAY_STEP: i32 = 20;
/// A lesson at a school, the time between, and one at the college, in minutes.
const FIRST: i32 = 20;
const BETWEEN: i32 = 3;
const SECOND: i32 = 34;
/// The first way's second lesson has begun so many minutes ago when the live part begins.
const BEGUN: i32 = 4;
/// A register is usually in after so many minutes; one that keeps people waiting, just before anybody is told.
const USUAL: u32 = 4;
const SLOW: u32 = 19;
/// Last minute in which a lesson may end: it must lie within its date.
const LAST: i32 = 1439;
/// Of a lesson: seconds until the first is missed, from one to the next, and until each is there.
const FIRST_MISS: u32 = 315;
const NEXT_MISS: u32 = 270;
const MISSED_FOR: u32 = 75;
/// Minutes ahead for which hosts tell of their lessons, and after which they tell of more.
const AHEAD: u32 = 150;
const AHEAD_STEP: u32 = 30;

/// A group's lessons, in minutes from the beginning; minutes until the register is in, and whether they are cancelled.
type Shape = (usize, &'static [(i32, i32)], u32, bool);

/// Groups that stand by themselves.
const SHAPE: [Shape; 13] = [
    (2, &[(-84, -34), (-24, 26), (36, 86)], USUAL, false),
    (5, &[(-110, -60), (-50, -5), (15, 65)], USUAL, false),
    (6, &[(-16, 44), (60, 120)], SLOW, false),
    (8, &[(-12, 78), (90, 150)], USUAL, false),
    (9, &[(-6, 54), (70, 130)], SLOW, false),
    (10, &[(-40, 20), (30, 90)], USUAL, false),
    (11, &[(15, 75), (90, 150)], USUAL, false),
    (12, &[(20, 80)], USUAL, true),
    (13, &[(-22, 38)], USUAL, false),
    (14, &[(60, 88)], USUAL, false),
    (15, &[(30, 75)], USUAL, false),
    (16, &[(44, 90)], USUAL, false),
    (17, &[(60, 100)], USUAL, false),
];

/// A lesson of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meeting {
    /// Which group, when.
    pub meets: Meets,
    /// Minutes after the start at which the register is in.
    taken: u32,
}

/// Somebody who was seen at one site and is marked absent at the next, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Miss {
    /// Place of the visit whose mark says so.
    pub visit: usize,
    /// The lesson in which they were seen before, by its place among the meetings.
    pub before: usize,
    /// The lesson in which they are missed.
    pub meeting: usize,
    /// Second of the day at which the register says absent.
    pub at: u32,
    /// Second of the day at which it says late.
    pub back: u32,
}

/// A day around a moment.
pub struct Today {
    /// The local date as YYYY-MM-DD.
    pub date: String,
    began: u32,
    /// All lessons.
    pub meetings: Vec<Meeting>,
    /// All who are missed, ascending by when.
    pub misses: Vec<Miss>,
}

impl Today {
    /// The day of a date around a second of it. `pairs` are the two visits of learners on each of [`WAYS`].
    pub fn plan(pairs: &[Vec<(usize, usize)>; WAYS.len()], date: &str, second: u32) -> Self {
        let mut today =
            Self { date: date.to_owned(), began: second, meetings: Vec::new(), misses: Vec::new() };
        let anchor = i32::try_from(second / 60).unwrap_or(0);
        let lesson = |start: i32, end: i32| {
            let fits = start >= (anchor - BACK).max(0) && end <= LAST;
            let times = fits.then(|| Some((u32::try_from(start).ok()?, u32::try_from(end).ok()?))).flatten();
            times.map(|(start, end)| Lesson { period: "", start, end })
        };
        for from in (-1..=LAST / TURN + 1).map(|turn| anchor + turn * TURN) {
            for (group, times, taken, cancelled) in SHAPE {
                let lessons = times.iter().filter_map(|(start, end)| lesson(from + start, from + end));
                let meeting = |lesson| Meeting { meets: Meets { group, lesson, cancelled }, taken };
                today.meetings.extend(lessons.map(meeting));
            }
        }
        for ((first, second), (step, pairs)) in WAYS.into_iter().zip((0..).zip(pairs)) {
            for turn in -2..=LAST / WAY_TURN + 1 {
                let start = anchor - BEGUN + step * WAY_STEP + turn * WAY_TURN;
                let left = start - BETWEEN;
                let both = (lesson(left - FIRST, left), lesson(start, start + SECOND));
                if let (Some(before), Some(after)) = both {
                    today.way((first, before), (second, after), pairs);
                }
            }
        }
        today.misses.sort_by_key(|miss| miss.at);
        today
    }

    /// A lesson at one site and the next at another; those who go from one to the other are missed one after the other.
    fn way(&mut self, first: (usize, Lesson), second: (usize, Lesson), pairs: &[(usize, usize)]) {
        let meeting = |(group, lesson): (usize, Lesson)| Meeting {
            meets: Meets { group, lesson, cancelled: false },
            taken: USUAL - 1,
        };
        let before = self.meetings.len();
        self.meetings.extend([meeting(first), meeting(second)]);
        let lesson = second.1;
        let begins = lesson.start * 60 + self.began % 60 + FIRST_MISS;
        for (at, (_, visit)) in (begins..).step_by(NEXT_MISS as usize).zip(pairs) {
            let back = at + MISSED_FOR;
            if at > self.began && back + 60 < lesson.end * 60 {
                self.misses.push(Miss { visit: *visit, before, meeting: before + 1, at, back });
            }
        }
    }

    /// What a lesson's register says at a second of the day; `None` while it has not been taken. Whoever is on the way to it
    /// has no mark yet.
    pub fn rows(&self, world: &World, place: usize, second: u32) -> Option<Vec<Row>> {
        let Meeting { meets: Meets { group, lesson, cancelled }, taken } = *self.meetings.get(place)?;
        if cancelled || second < (lesson.start + taken) * 60 {
            return None;
        }
        let visitors = world
            .visits
            .iter()
            .enumerate()
            .filter(|(_, v)| v.group == group && v.declared && !v.ends_at_noon);
        let row = |(visit, _)| {
            let missed = self.misses.iter().find(|miss| miss.meeting == place && miss.visit == visit);
            let seen = match missed {
                Some(miss) if second < miss.at => return None,
                Some(miss) if second < miss.back => Seen::Absent,
                Some(miss) => Seen::Late((miss.back - lesson.start * 60).div_ceil(60)),
                None if world.excused.contains(&visit) => Seen::Absent,
                None => usual(visit, lesson, taken),
            };
            Some((visit, seen))
        };
        Some(visitors.filter_map(row).collect())
    }

    /// What hosts have told of their lessons by a second of the day.
    pub fn told(&self, second: u32) -> Vec<Meets> {
        let until = second / 60 / AHEAD_STEP * AHEAD_STEP + AHEAD;
        self.meetings.iter().map(|meeting| meeting.meets).filter(|m| m.lesson.start <= until).collect()
    }

    /// Cancelled lessons whose learners their homes have back by a second of the day: shortly before they would begin.
    pub fn taken_back(&self, second: u32) -> Vec<Meets> {
        let back = |meets: &Meets| meets.cancelled && meets.lesson.start * 60 <= second + 240;
        self.meetings.iter().map(|meeting| meeting.meets).filter(back).collect()
    }

    /// True while the centre is cut off.
    pub fn is_cut_off(&self, second: u32) -> bool {
        let minutes = second.saturating_sub(self.began) / 60;
        minutes < 12 || (minutes >= 40 && (minutes - 40) % 60 < 32)
    }
}

/// Present or some minutes late; the same whenever it is asked.
fn usual(visit: usize, lesson: Lesson, taken: u32) -> Seen {
    let mut chance = Chance::new((visit as u64) << 16 | u64::from(lesson.start));
    match chance.percent(9) {
        true => Seen::Late(1 + u32::try_from(chance.below(taken.min(14) as usize)).unwrap_or(0)),
        false => Seen::Present,
    }
}

#[cfg(test)]
mod tests;

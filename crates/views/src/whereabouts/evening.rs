//! The evening before: what two timetables say of the same learner at the same time, held against each other.
//!
//! Each site may think that the other has the learner, or both may expect them at once. Where two institutions only are
//! in different weeks of their cycles, that is told once, not learner by learner.

use commonroll_core::Interval;
use std::collections::{BTreeMap, BTreeSet};

/// What the home's timetable says of its learner for a stretch of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtHome {
    /// Who.
    pub learner: u32,
    /// Whose learner.
    pub home: u16,
    /// The host where the home believes the learner to be; `None` for a lesson of the home's own.
    pub host: Option<u16>,
    /// When.
    pub time: Interval,
}

/// A lesson in which a host expects the learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostLesson {
    /// Who.
    pub learner: u32,
    /// The host.
    pub host: u16,
    /// When.
    pub time: Interval,
}

/// Which week of its cycle an institution is in, where it has a cycle: such as 0 for A and 1 for B.
pub type Week = BTreeMap<u16, u8>;

/// What doesn't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// Two partners are in different weeks on the same day.
    WeekSlip {
        /// The home.
        home: u16,
        /// The host.
        host: u16,
    },
    /// The home believes the learner to be at a host that has no lesson for them: nobody expects them.
    NobodyExpects {
        /// Who.
        learner: u32,
        /// The home.
        home: u16,
        /// The host.
        host: u16,
    },
    /// Two institutions expect the learner at the same time.
    BothExpect {
        /// Who.
        learner: u32,
        /// One of them.
        one: u16,
        /// The other.
        other: u16,
    },
}

/// What doesn't fit between the timetables of one day; each once, in a fixed order.
pub fn mismatches(homes: &[AtHome], hosts: &[HostLesson], weeks: &Week) -> Vec<Finding> {
    let mut lessons: BTreeMap<u32, Vec<(u16, Interval)>> = BTreeMap::new();
    for lesson in hosts {
        lessons.entry(lesson.learner).or_default().push((lesson.host, lesson.time));
    }
    let of = |learner: u32| lessons.get(&learner).map_or(&[][..], Vec::as_slice);
    let slipped = |one: u16, other: u16| match (weeks.get(&one), weeks.get(&other)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    let mut found = BTreeSet::new();
    let mut say = |home: u16, host: u16, finding: Finding| {
        found.insert(if slipped(home, host) { Finding::WeekSlip { home, host } } else { finding });
    };
    for AtHome { learner, home, host, time } in homes.iter().copied() {
        match host {
            Some(host) => {
                let expected = of(learner).iter().any(|(at, lesson)| *at == host && lesson.overlaps(time));
                if !expected {
                    say(home, host, Finding::NobodyExpects { learner, home, host });
                }
            }
            None => {
                for (host, _) in of(learner).iter().filter(|(_, lesson)| lesson.overlaps(time)) {
                    let finding = Finding::BothExpect { learner, one: home, other: *host };
                    say(home, *host, finding);
                }
            }
        }
    }
    for (learner, lessons) in &lessons {
        for (at, (one, first)) in lessons.iter().enumerate() {
            for (other, second) in &lessons[at + 1..] {
                if one != other && first.overlaps(*second) {
                    let (one, other) = (*one.min(other), *one.max(other));
                    found.insert(Finding::BothExpect { learner: *learner, one, other });
                }
            }
        }
    }
    found.into_iter().collect()
}

//! The evening before: what two timetables say of the same learner at the same time, held against each other.
//!
//! Each site may think that the other has the learner, or both may expect them at once. What is wrong between two
//! institutions as a whole (weeks that slipped, a closed site, one timetable missing) is told once, not learner by learner.

use commonroll_core::Interval;
use std::collections::{BTreeMap, BTreeSet};

/// From more learners than this between the same two institutions it is their timetables that don't fit.
pub const MANY: usize = 25;

/// Where the home's timetable has a learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a lesson of its own.
    Own,
    /// At a partner; `None` where the home has several, or none, and doesn't say which.
    Partner(Option<u16>),
}

/// What the home's timetable says of its learner for a stretch of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtHome {
    /// Who.
    pub learner: u32,
    /// Whose learner.
    pub home: u16,
    /// Where.
    pub place: Place,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// Two partners are in different weeks on the same day.
    WeekSlip {
        /// The home.
        home: u16,
        /// The host.
        host: u16,
    },
    /// The home leaves learners to a host on a day on which it is closed.
    SiteClosed {
        /// The home.
        home: u16,
        /// The host.
        host: u16,
    },
    /// More than [`MANY`] learners of a home are concerned: one of the two timetables is wrong.
    Many {
        /// The home.
        home: u16,
        /// The host; `None` where nobody can tell which one is meant.
        host: Option<u16>,
    },
    /// The home leaves the learner to a partner, and nobody has a lesson for them.
    NobodyExpects {
        /// Who.
        learner: u32,
        /// The home.
        home: u16,
        /// The host; `None` where nobody can tell which one is meant.
        host: Option<u16>,
    },
    /// The home has the learner in a lesson of its own, and a host expects them at the same time.
    BothExpect {
        /// Who.
        learner: u32,
        /// The home.
        home: u16,
        /// The host.
        host: u16,
    },
    /// Two hosts expect the learner at the same time: for the home alone to read, which knows of both.
    TwoHosts {
        /// Who.
        learner: u32,
        /// One of them.
        one: u16,
        /// The other.
        other: u16,
    },
    /// The same for each of these hosts, which is not to read who else is one.
    Elsewhere {
        /// Who.
        learner: u32,
        /// The host.
        host: u16,
    },
}

/// What doesn't fit between the timetables of one day on which these hosts are closed; each once, in a fixed order.
pub fn mismatches(
    homes: &[AtHome],
    hosts: &[HostLesson],
    weeks: &Week,
    closed: &BTreeSet<u16>,
) -> Vec<Finding> {
    let mut lessons: BTreeMap<u32, Vec<(u16, Interval)>> = BTreeMap::new();
    for lesson in hosts {
        lessons.entry(lesson.learner).or_default().push((lesson.host, lesson.time));
    }
    let slipped = |one: u16, other: u16| match (weeks.get(&one), weeks.get(&other)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    let mut found = BTreeSet::new();
    for AtHome { learner, home, place, time } in homes.iter().copied() {
        let then = lessons.get(&learner).into_iter().flatten().filter(|(_, lesson)| lesson.overlaps(time));
        let mut then = then.map(|(host, _)| *host);
        match place {
            Place::Own => {
                found.extend(then.map(|host| match slipped(home, host) {
                    true => Finding::WeekSlip { home, host },
                    false => Finding::BothExpect { learner, home, host },
                }));
            }
            Place::Partner(meant) if then.any(|host| meant.is_none_or(|meant| meant == host)) => {}
            Place::Partner(host) => {
                found.insert(match host {
                    Some(host) if closed.contains(&host) => Finding::SiteClosed { home, host },
                    Some(host) if slipped(home, host) => Finding::WeekSlip { home, host },
                    host => Finding::NobodyExpects { learner, home, host },
                });
            }
        }
    }
    for (learner, lessons) in &lessons {
        for (at, (one, first)) in lessons.iter().enumerate() {
            for (other, second) in &lessons[at + 1..] {
                if one != other && first.overlaps(*second) {
                    let (learner, one, other) = (*learner, *one.min(other), *one.max(other));
                    found.insert(Finding::TwoHosts { learner, one, other });
                    found.extend([one, other].map(|host| Finding::Elsewhere { learner, host }));
                }
            }
        }
    }
    folded(found)
}

/// What concerns very many learners of one home at one host is told once.
fn folded(found: BTreeSet<Finding>) -> Vec<Finding> {
    let pair = |finding: &Finding| match *finding {
        Finding::NobodyExpects { home, host, .. } => Some((home, host)),
        Finding::BothExpect { home, host, .. } => Some((home, Some(host))),
        _ => None,
    };
    let mut learners: BTreeMap<(u16, Option<u16>), BTreeSet<u32>> = BTreeMap::new();
    for finding in &found {
        if let (Some(pair), Some(learner)) = (pair(finding), finding.learner()) {
            learners.entry(pair).or_default().insert(learner);
        }
    }
    let many = |of: (u16, Option<u16>)| learners.get(&of).is_some_and(|learners| learners.len() > MANY);
    let told = found.into_iter().map(|finding| match pair(&finding) {
        Some((home, host)) if many((home, host)) => Finding::Many { home, host },
        _ => finding,
    });
    told.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Finding {
    /// The learner, by the hub's number; `None` for what is about two institutions.
    pub const fn learner(&self) -> Option<u32> {
        match self {
            Self::WeekSlip { .. } | Self::SiteClosed { .. } | Self::Many { .. } => None,
            Self::NobodyExpects { learner, .. }
            | Self::BothExpect { learner, .. }
            | Self::TwoHosts { learner, .. }
            | Self::Elsewhere { learner, .. } => Some(*learner),
        }
    }

    /// The two institutions whose timetables don't fit; the host, or the second of two hosts, comes second. The same one twice
    /// where the other is not known, or not to be.
    pub fn between(&self) -> [u16; 2] {
        match *self {
            Self::WeekSlip { home, host }
            | Self::SiteClosed { home, host }
            | Self::BothExpect { home, host, .. } => [home, host],
            Self::Many { home, host } | Self::NobodyExpects { home, host, .. } => {
                [home, host.unwrap_or(home)]
            }
            Self::TwoHosts { one, other, .. } => [one, other],
            Self::Elsewhere { host, .. } => [host, host],
        }
    }
}

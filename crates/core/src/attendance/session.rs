//! From a host's lesson marks to a proposal for the home's session mark.
//!
//! The home's attendance officer, or a rule that the home switched on, decides. Two promises: no attended code without
//! a host's mark, and a mark that a person made at home is never overwritten. Nothing here authorises an absence.

use super::{Category, Counts};
use crate::{
    ids::Invalid,
    record::attendance::Physical,
    time::{Interval, Timestamp},
};

const MINUTE: i64 = 60_000_000;

/// A home's session: its register opens when the session starts, and closes before the session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionWindow {
    session: Interval,
    closes: Timestamp,
}

impl SessionWindow {
    /// A window; the register must close after it opens and by the end of the session.
    pub fn new(opens: Timestamp, closes: Timestamp, ends: Timestamp) -> Result<Self, Invalid> {
        if closes <= opens || ends < closes {
            return Err(Invalid::new("closes", "must lie after the register opens and within the session"));
        }
        Ok(Self { session: Interval::new(opens, ends)?, closes })
    }
}

/// How the learner stands at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On the home's register only, a guest at the host.
    Guest,
    /// On the admission registers of both schools. The home codes `D`, come what may. A college can't be the other one.
    Dual,
}

/// The code that a home writes for a learner who attends elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AwayCode {
    /// `B`: an approved educational activity, the ordinary case.
    #[default]
    B,
    /// `K`: arranged by the local authority.
    K,
    /// `P`: sport.
    P,
    /// `V`: visit.
    V,
    /// `W`: work experience.
    W,
}

impl AwayCode {
    /// The code as written in a register.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::B => "B",
            Self::K => "K",
            Self::P => "P",
            Self::V => "V",
            Self::W => "W",
        }
    }
}

/// What the home chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// How the learner stands.
    pub standing: Standing,
    /// What is written for a learner who attends elsewhere.
    pub away_code: AwayCode,
    /// Minutes after the end of a lesson by which its host should have marked.
    pub grace_minutes: u16,
}

/// What the host's register says of one lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostMark<'a> {
    /// What the host saw.
    pub physical: Physical,
    /// Minutes late, if known.
    pub minutes_late: Option<u32>,
    /// ENG-2024 code that the host's table suggests to the home.
    pub reason_hint: Option<&'a str>,
}

/// One lesson at a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostLesson<'a> {
    /// When it takes place.
    pub interval: Interval,
    /// The host's mark; `None` while there is none.
    pub mark: Option<HostMark<'a>>,
}

/// What the home's own register holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HomeMark {
    /// What the mark stands for.
    pub category: Category,
    /// A person made it. A planned mark that software entered is provisional.
    pub by_person: bool,
}

/// Why a person at home must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Arrived at the host after the home's register had closed.
    LateAfterClose {
        /// Minutes late for the host's lesson.
        minutes_late: u32,
    },
    /// Late, and nobody wrote by how much, or by more than the lesson lasted.
    LateUnclear,
    /// Not there at first, but later in the same session.
    AbsentThenPresent,
    /// Two lessons at the same time say opposite things.
    Contradiction,
}

/// What is proposed to the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// No lesson at a host in this session.
    NoLesson,
    /// Attended elsewhere: write this code.
    ProposeAttended {
        /// `B`, or what the home chose.
        code: AwayCode,
        /// Minutes late to carry; `None` if in time.
        minutes_late: Option<u32>,
    },
    /// Absent: write `N` until the reason is known, and alert the home now.
    ProposeAbsent {
        /// What the host's table suggests as reason. The home decides.
        reason_hint: Option<&'a str>,
    },
    /// Dual registration: the home's `D` stands. The host's own register records what happened.
    KeepDual {
        /// The host says absent: the home should be told nevertheless.
        absent: bool,
    },
    /// A person at home must decide.
    Review(Review),
    /// The host has not marked. Never attended, never absent.
    Unconfirmed {
        /// When the mark is due.
        due: Timestamp,
        /// It is past due: alert the host's teacher first, then the home.
        overdue: bool,
    },
    /// The host can't say or had nothing to attend (class cancelled): a whereabouts alert, not an absence.
    Unknown,
    /// A person at home has marked already. Nothing is proposed.
    HumanMarkWins {
        /// The host says otherwise: show both.
        conflict: bool,
    },
}

impl Outcome<'_> {
    /// The session code to write, if one is proposed.
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::ProposeAttended { code, .. } => Some(code.as_str()),
            Self::ProposeAbsent { .. } => Some("N"),
            Self::NoLesson
            | Self::KeepDual { .. }
            | Self::Review(_)
            | Self::Unconfirmed { .. }
            | Self::Unknown
            | Self::HumanMarkWins { .. } => None,
        }
    }
}

/// Proposes what a home's session mark should say, from the marks of hosts.
///
/// The *anchor* is the lesson that covers the opening of the register, or the first that starts after it.
pub fn propose_session<'a>(
    window: &SessionWindow,
    rules: &SessionRules,
    lessons: &[HostLesson<'a>],
    home: Option<HomeMark>,
    now: Timestamp,
) -> Outcome<'a> {
    let derived = derive(window, rules, lessons, now);
    match home {
        Some(mark) if mark.by_person && mark.category != Category::NoMark => {
            Outcome::HumanMarkWins { conflict: contradicts(&derived, mark.category) }
        }
        _ => derived,
    }
}

fn derive<'a>(
    window: &SessionWindow,
    rules: &SessionRules,
    lessons: &[HostLesson<'a>],
    now: Timestamp,
) -> Outcome<'a> {
    let inside = || lessons.iter().filter(|lesson| lesson.interval.overlaps(window.session));
    let Some(anchor) = inside().min_by_key(|lesson| lesson.interval.start()) else {
        return Outcome::NoLesson;
    };
    let Some(mark) = anchor.mark else {
        let due = anchor.interval.end().plus_micros(i64::from(rules.grace_minutes) * MINUTE);
        return Outcome::Unconfirmed { due, overdue: now > due };
    };
    let elsewhere_in_room = inside().any(|lesson| lesson.mark.is_some_and(|other| in_room(other.physical)));
    let outcome = match mark.physical {
        Physical::Present | Physical::Late => {
            let opposed = inside().any(|lesson| {
                lesson.interval.overlaps(anchor.interval)
                    && lesson.mark.is_some_and(|other| other.physical == Physical::Absent)
            });
            if opposed {
                Outcome::Review(Review::Contradiction)
            } else {
                attended(window, rules, anchor, mark)
            }
        }
        Physical::Absent if elsewhere_in_room => Outcome::Review(Review::AbsentThenPresent),
        Physical::Absent => Outcome::ProposeAbsent { reason_hint: mark.reason_hint },
        // Once the learner was seen later in the session, an alert would be wrong and a code a guess.
        Physical::NotRequired | Physical::Unknown if elsewhere_in_room => {
            Outcome::Review(Review::AbsentThenPresent)
        }
        Physical::NotRequired | Physical::Unknown => Outcome::Unknown,
    };
    match (rules.standing, outcome) {
        (Standing::Guest, outcome) | (Standing::Dual, outcome @ Outcome::Unknown) => outcome,
        (Standing::Dual, outcome) => {
            Outcome::KeepDual { absent: matches!(outcome, Outcome::ProposeAbsent { .. }) }
        }
    }
}

const fn in_room(physical: Physical) -> bool {
    matches!(physical, Physical::Present | Physical::Late)
}

/// The learner was in the anchor lesson. Whether that was in time for the home's register is the question.
fn attended<'a>(
    window: &SessionWindow,
    rules: &SessionRules,
    anchor: &HostLesson<'_>,
    mark: HostMark<'_>,
) -> Outcome<'a> {
    let minutes_late = match (mark.physical, mark.minutes_late) {
        (Physical::Late, None) => return Outcome::Review(Review::LateUnclear),
        (_, None | Some(0)) => return Outcome::ProposeAttended { code: rules.away_code, minutes_late: None },
        (_, Some(minutes)) => minutes,
    };
    let arrival = anchor.interval.start().plus_micros(i64::from(minutes_late) * MINUTE);
    if arrival >= anchor.interval.end() {
        Outcome::Review(Review::LateUnclear)
    } else if arrival > window.closes {
        Outcome::Review(Review::LateAfterClose { minutes_late })
    } else {
        Outcome::ProposeAttended { code: rules.away_code, minutes_late: Some(minutes_late) }
    }
}

/// The home's mark and the host's word can't both be true. `N` against another absence is no contradiction: a person
/// has found the reason.
fn contradicts(derived: &Outcome<'_>, home: Category) -> bool {
    let attended_at_home = home.counts() == Counts::Attended;
    match derived {
        Outcome::ProposeAttended { .. } => !attended_at_home,
        Outcome::ProposeAbsent { .. } | Outcome::KeepDual { absent: true } => attended_at_home,
        Outcome::NoLesson
        | Outcome::KeepDual { absent: false }
        | Outcome::Review(_)
        | Outcome::Unconfirmed { .. }
        | Outcome::Unknown
        | Outcome::HumanMarkWins { .. } => false,
    }
}

//! One expectation, at one moment.

use super::{Expectation, after};
use commonroll_core::{Timestamp, agreement::Moment, record::attendance::Physical};

/// The newest mark of the host about an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// What the host saw.
    pub physical: Physical,
    /// Minutes after the start, if the host says so.
    pub minutes_late: Option<u32>,
    /// Minutes before the end, if the learner left.
    pub minutes_left_early: Option<u32>,
    /// When the mark was durable in the hub.
    pub at: Timestamp,
}

/// Why nobody has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// The absence was told beforehand. The reason stays at home.
    Notice,
    /// Not attending until some date. No reason is given.
    NotAttending,
    /// The home has the learner itself for this time.
    TakenBack,
    /// The site is closed: closure, inset day.
    Closed,
    /// The host says that there was nothing to attend for this learner.
    NotRequired,
}

/// Everything that is known of one expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// The host's mark.
    pub mark: Option<Mark>,
    /// A notice covers it.
    pub excuse: Option<Excuse>,
    /// The home itself told it, and not a host about its own site.
    pub excused_by_home: bool,
    /// The class does not take place, and who said so when.
    pub cancelled: Option<Timestamp>,
    /// The home has the learner itself for this time.
    pub taken_back: bool,
    /// Another institution saw the learner while this lesson ran: which one.
    pub elsewhere: Option<u16>,
    /// Where and when the learner was seen after this lesson had begun, if they were: first there.
    pub seen_since: Option<(u16, Timestamp)>,
    /// Another site where the learner was seen last before this lesson, and when that ended.
    pub came_from: Option<(u16, Timestamp)>,
    /// A person found the learner and said when.
    pub found: Option<Timestamp>,
    /// The host has marked others of the same meeting.
    pub register_taken: bool,
    /// The host's source was heard to be current at this moment. `None` if never.
    pub heard: Option<Timestamp>,
}

/// How nobody can place a learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The host marked the learner absent.
    MarkedAbsent,
    /// The register was not taken, and the host did not say more in its time.
    RegisterNotTaken,
    /// The register was taken, and the learner is not on it.
    NotOnRegister,
    /// The learner was seen at another site before, and did not arrive in the time that the way takes.
    NotArrived,
    /// The class did not take place, and the home has not taken the learner back.
    Cancelled,
    /// They were told to be missing, and the lesson has gone from the timetable since, or its day is over: nobody has
    /// accounted for them.
    NoLongerExpected,
}

/// Where a learner is, as far as one expectation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It lies ahead.
    Expected,
    /// Nobody has to be there.
    Excused(Excuse),
    /// It has begun; the register is not due yet.
    Due,
    /// Left another site, inside the time that the way takes.
    InTravel {
        /// Where from.
        from: u16,
        /// When the time is over.
        until: Timestamp,
    },
    /// The host saw the learner, in time.
    Seen,
    /// The host saw the learner, late.
    Late {
        /// Minutes, if the host says so.
        minutes: Option<u32>,
    },
    /// The host saw the learner, who left before the end.
    LeftEarly {
        /// From when.
        at: Timestamp,
    },
    /// Not there, but seen at another institution at the time.
    NotSeen {
        /// Which.
        elsewhere: u16,
    },
    /// Not seen in this lesson, and seen in a later one since: nobody looks for them any more.
    SeenSince {
        /// Where.
        site: u16,
        /// When.
        at: Timestamp,
    },
    /// The register should be in and isn't. The host is told first.
    NotMarked {
        /// Since when.
        since: Timestamp,
    },
    /// The class does not take place: unknown, not absent.
    Cancelled {
        /// True if the home has the learner.
        taken_back: bool,
    },
    /// The host's source is silent. Never present, never absent.
    UnknownSince {
        /// When it was last heard to be current; `None` if never.
        heard: Option<Timestamp>,
    },
    /// Expected, and evidenced nowhere.
    Unaccounted {
        /// Since when.
        since: Timestamp,
        /// How that is known.
        why: Why,
    },
    /// A person found the learner.
    Found {
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// How much it needs looking at; 0 is the most. For a board that shows the worst first.
    pub const fn urgency(&self) -> u8 {
        match self {
            Self::Unaccounted { .. } => 0,
            Self::NotMarked { .. } => 1,
            Self::UnknownSince { .. } => 2,
            Self::Cancelled { taken_back: false } => 3,
            Self::LeftEarly { .. } => 4,
            Self::InTravel { .. } => 5,
            Self::Due => 6,
            Self::NotSeen { .. } => 7,
            Self::SeenSince { .. } => 8,
            Self::Late { .. } => 9,
            Self::Found { .. } => 10,
            Self::Expected => 11,
            Self::Cancelled { taken_back: true } => 12,
            Self::Excused(_) => 13,
            Self::Seen => 14,
        }
    }
}

impl State {
    /// True if it says where the learner is, or that those who are responsible know: what ends an alert about them. A host
    /// that changes its timetable, its notice or its mind finds nobody.
    pub(super) const fn accounts_for(&self, facts: &Facts) -> bool {
        match self {
            Self::Seen | Self::Late { .. } | Self::LeftEarly { .. } | Self::Found { .. } => true,
            Self::NotSeen { .. } | Self::SeenSince { .. } | Self::Cancelled { taken_back: true } => true,
            Self::Excused(Excuse::Notice | Excuse::NotAttending) => facts.excused_by_home,
            Self::Excused(Excuse::NotRequired | Excuse::TakenBack) => true,
            Self::Excused(Excuse::Closed) | Self::Cancelled { taken_back: false } => false,
            Self::Expected | Self::Due | Self::InTravel { .. } | Self::NotMarked { .. } => false,
            Self::UnknownSince { .. } | Self::Unaccounted { .. } => false,
        }
    }
}

/// The state at a moment, and the next moment at which it would change if nothing were said.
///
/// A host's word that the learner was there beats everything. After that comes what a person found, then what excuses,
/// then what the host's mark says otherwise, then the clock.
pub fn judge(of: &Expectation, facts: &Facts, now: Timestamp) -> (State, Option<Timestamp>) {
    let start = of.time.start();
    if let Some(mark) = facts.mark.filter(|mark| in_room(mark.physical)) {
        return (seen(of, &mark), None);
    }
    if let Some(at) = facts.found {
        return (State::Found { at }, None);
    }
    if let Some(excuse) = facts.excuse {
        return (State::Excused(excuse), None);
    }
    let off = facts.cancelled.is_some() || facts.mark.is_some_and(|mark| mark.physical == Physical::Unknown);
    if facts.taken_back && !off {
        return (State::Excused(Excuse::TakenBack), None);
    }
    match facts.mark {
        Some(mark) if mark.physical == Physical::NotRequired => {
            return (State::Excused(Excuse::NotRequired), None);
        }
        Some(mark) if mark.physical == Physical::Absent => return (absent(facts, mark.at), None),
        // The host can't say what became of the class.
        Some(mark) => return cancelled(of, facts, mark.at, now),
        None => {}
    }
    if let Some(said) = facts.cancelled {
        return cancelled(of, facts, said, now);
    }
    if now < start {
        return (State::Expected, Some(start));
    }
    unmarked(of, facts, now)
}

pub(super) const fn in_room(physical: Physical) -> bool {
    matches!(physical, Physical::Present | Physical::Late)
}

fn seen(of: &Expectation, mark: &Mark) -> State {
    if let Some(minutes) = mark.minutes_left_early.filter(|minutes| *minutes > 0) {
        let left = of.time.end().plus_micros(-i64::from(minutes) * super::MINUTE);
        return State::LeftEarly { at: left.max(of.time.start()) };
    }
    match (mark.physical, mark.minutes_late) {
        (Physical::Present, None | Some(0)) => State::Seen,
        (_, minutes) => State::Late { minutes },
    }
}

fn absent(facts: &Facts, since: Timestamp) -> State {
    placed_otherwise(facts).unwrap_or(State::Unaccounted { since, why: Why::MarkedAbsent })
}

/// Somebody saw the learner, though not in this lesson.
fn placed_otherwise(facts: &Facts) -> Option<State> {
    let since = || facts.seen_since.map(|(site, at)| State::SeenSince { site, at });
    facts.elsewhere.map(|elsewhere| State::NotSeen { elsewhere }).or_else(since)
}

/// Before its start a cancelled class leaves time to take the learner back; from then on nobody has them.
fn cancelled(of: &Expectation, facts: &Facts, said: Timestamp, now: Timestamp) -> (State, Option<Timestamp>) {
    if facts.taken_back {
        return (State::Cancelled { taken_back: true }, None);
    }
    if let Some(state) = placed_otherwise(facts) {
        return (state, None);
    }
    let since = after(of.time.start().max(said), of.times.of(Moment::HostFirst));
    if now < since {
        return (State::Cancelled { taken_back: false }, Some(since));
    }
    (State::Unaccounted { since, why: Why::Cancelled }, None)
}

/// Begun, and no mark. What a host hasn't marked is known only as far as its source was heard: nobody is missing because
/// a feed is late, and nothing that was said before falls back into silence.
fn unmarked(of: &Expectation, facts: &Facts, now: Timestamp) -> (State, Option<Timestamp>) {
    let start = of.time.start();
    if let Some(state) = placed_otherwise(facts) {
        return (state, None);
    }
    let due = after(start, of.times.of(Moment::Register));
    let on_the_way = facts.came_from.map(|(from, left)| (from, after(left, of.times.of(Moment::Travel))));
    let late = after(due, of.times.of(Moment::HostFirst));
    let late = on_the_way.map_or(late, |(_, until)| late.max(until));
    let heard_since = |at: Timestamp| facts.heard.is_some_and(|heard| heard >= at);
    if heard_since(late) {
        let why = match (facts.register_taken, on_the_way) {
            (true, _) => Why::NotOnRegister,
            (false, Some(_)) => Why::NotArrived,
            (false, None) => Why::RegisterNotTaken,
        };
        return (State::Unaccounted { since: late, why }, None);
    }
    // Before the lesson there was nothing to hear: a first lesson of the morning waits for its first word.
    let silent = after(facts.heard.map_or(start, |heard| heard.max(start)), of.times.of(Moment::Quiet));
    if silent <= now {
        return (State::UnknownSince { heard: facts.heard }, None);
    }
    if let Some((from, until)) = on_the_way.filter(|(_, until)| *until > now) {
        return (State::InTravel { from, until }, Some(until.min(silent)));
    }
    if heard_since(due) {
        return (State::NotMarked { since: due }, Some(silent));
    }
    (State::Due, Some(silent))
}

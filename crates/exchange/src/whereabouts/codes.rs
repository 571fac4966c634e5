//! Session codes proposed to a home from hosts' marks, for homes that keep a statutory register.
//!
//! The derivation is `commonroll_core::attendance::session`; this only asks it, with the board's marks. No code without a
//! host's mark, and nothing is written anywhere: a person at the home decides.

use super::{ProposalSeen, Session, Whereabouts, settle::counts};
use crate::directory::{Directory, InstitutionState};
use commonroll_core::{
    Interval, RecordId, SchoolDate, Timestamp,
    attendance::{
        AwayCode, HostLesson, HostMark, Outcome, Review, SessionRules, SessionWindow, Standing,
        propose_session,
    },
    directory::InstitutionType,
    record::attendance::Physical,
};
use commonroll_views::whereabouts::{Expectation, Mark};
use jiff::civil::{Time, time};

/// Until homes say their own: when the register of each session opens and closes, and when the session ends.
const MORNING: [Time; 3] = [time(8, 45, 0, 0), time(9, 15, 0, 0), time(12, 30, 0, 0)];
const AFTERNOON: [Time; 3] = [time(13, 15, 0, 0), time(13, 45, 0, 0), time(15, 30, 0, 0)];
/// Minutes after a lesson's end by which its host should have marked.
const GRACE: u16 = 15;

/// The rules, as a home reads them.
pub(super) const RULES: &[(u8, &str)] = &[
    (1, "Present in the lesson that covers registration: B is proposed."),
    (2, "Late, and there before your register closed: B is proposed, with the minutes."),
    (3, "Late after your register closed, or by nobody knows how much: you decide, B or U."),
    (4, "Absent from every lesson of the session: N is proposed, and somebody is told."),
    (5, "No mark from the host: a planned B is held. No B without a host's mark."),
    (6, "Absent at first and there later, or two lessons say opposite things: you decide."),
    (7, "The class did not take place, or the host can't say: nothing is proposed."),
];

/// True if an institution of this sort keeps a statutory session register.
pub(super) const fn keeps_register(kind: InstitutionType) -> bool {
    matches!(kind, InstitutionType::School | InstitutionType::Academy)
}

/// The session that runs or ran last on a date at a home, and its window; `None` before the first, or where no statutory
/// register is kept.
pub(super) fn session(
    state: &InstitutionState,
    date: SchoolDate,
    now: Timestamp,
) -> Option<(Session, SessionWindow)> {
    if !keeps_register(state.info.kind) {
        return None;
    }
    let times = [(Session::Afternoon, AFTERNOON), (Session::Morning, MORNING)];
    times.into_iter().find_map(|(session, window)| {
        let [opens, closes, ends] = window.map(|at| date.at(at, &state.zone));
        (opens <= now)
            .then(|| SessionWindow::new(opens, closes, ends).ok().map(|window| (session, window)))?
    })
}

/// A session that has begun.
pub(super) struct Open {
    pub session: Session,
    pub date: SchoolDate,
    pub window: SessionWindow,
    /// From the opening of its register to its end.
    pub time: Interval,
}

/// The sessions of a date at a home that have begun; none where no statutory register is kept.
pub(super) fn begun(state: &InstitutionState, date: SchoolDate, now: Timestamp) -> Vec<Open> {
    if !keeps_register(state.info.kind) {
        return Vec::new();
    }
    let open = |(session, window): (Session, [Time; 3])| {
        let [opens, closes, ends] = window.map(|at| date.at(at, &state.zone));
        let time = Interval::new(opens, ends).ok()?;
        let window = SessionWindow::new(opens, closes, ends).ok()?;
        (opens <= now).then_some(Open { session, date, window, time })
    };
    [(Session::Morning, MORNING), (Session::Afternoon, AFTERNOON)].into_iter().filter_map(open).collect()
}

impl Whereabouts {
    /// The first lesson at a partner that touches a session: the one by which it is judged.
    pub(super) fn lesson_in(&self, session: Interval, learner: u32, home: u16) -> Option<Expectation> {
        let of = self.expected_of.get(&learner)?.iter().filter_map(|id| self.expected.get(id));
        let inside = of.filter(|of| of.home == home && of.site != home && of.time.overlaps(session));
        inside.min_by_key(|of| of.time.start()).copied()
    }

    /// True if the home said in advance that the learner would be absent during a session's lessons elsewhere.
    pub(super) fn absence_told(&self, session: Interval, learner: u32) -> bool {
        let Some(told) = self.told.get(&learner) else { return false };
        told.excuses.iter().any(|(site, time, _)| site.is_none() && time.overlaps(session))
    }

    /// Marks of hosts that saw the learner in a session, as far as each may leave for the home by this directory: record and
    /// revision. What was erased, hidden or filled in ahead is none.
    pub(super) fn attended(
        &self,
        directory: &Directory,
        session: Interval,
        learner: u32,
        now: Timestamp,
    ) -> Vec<(RecordId, u32)> {
        let home = directory.home_of(learner).map(|(home, _)| *home);
        let ids = self.marks_of.get(&learner).into_iter().flatten();
        let seen = ids.filter_map(|id| Some((*id, self.marks.get(id)?))).filter(|(id, mark)| {
            Some(mark.source) != home && mark.saw_in(session) && counts(directory, mark, *id, learner, now)
        });
        seen.map(|(id, mark)| (id, mark.revision)).collect()
    }

    /// What is proposed for a learner's session; `None` if no lesson elsewhere touches it.
    pub(super) fn proposal(
        &self,
        window: &SessionWindow,
        learner: u32,
        home: u16,
        now: Timestamp,
    ) -> Option<ProposalSeen> {
        let ids = self.expected_of.get(&learner)?;
        let told = self.told.get(&learner);
        let of_home = ids.iter().filter_map(|id| Some((id, self.expected.get(id)?)));
        let lessons: Vec<HostLesson<'_>> = of_home
            .filter(|(_, of)| of.home == home)
            .map(|(id, of)| {
                let mark = told.and_then(|told| told.marks.get(id)).map(host_mark);
                HostLesson { interval: of.time, mark }
            })
            .collect();
        let rules = SessionRules { standing: Standing::Guest, away_code: AwayCode::B, grace_minutes: GRACE };
        let outcome = propose_session(window, &rules, &lessons, None, now);
        let (rule, because, minutes_late) = said(&outcome)?;
        let clear = matches!(outcome, Outcome::ProposeAttended { .. });
        Some(ProposalSeen { code: outcome.code(), minutes_late, rule, because, clear })
    }
}

const fn host_mark(mark: &Mark) -> HostMark<'static> {
    HostMark { physical: mark.physical, minutes_late: mark.minutes_late, reason_hint: None }
}

const fn said(outcome: &Outcome<'_>) -> Option<(u8, &'static str, Option<u32>)> {
    Some(match outcome {
        Outcome::ProposeAttended { minutes_late: None, .. } => (1, "present in the anchor lesson", None),
        Outcome::ProposeAttended { minutes_late: Some(minutes), .. } => {
            (2, "late, before your register closed", Some(*minutes))
        }
        Outcome::Review(Review::LateAfterClose { minutes_late }) => {
            (3, "late, after your register closed: B or U", Some(*minutes_late))
        }
        Outcome::Review(Review::LateUnclear) => (3, "late, and it is not said by how much: B or U", None),
        Outcome::ProposeAbsent { .. } => (4, "absent from every lesson of the session", None),
        Outcome::Unconfirmed { overdue: true, .. } => (5, "no mark from the host, and it is overdue", None),
        Outcome::Unconfirmed { overdue: false, .. } => (5, "no mark from the host yet", None),
        Outcome::Review(Review::AbsentThenPresent) => (6, "absent at first, there later", None),
        Outcome::Review(Review::Contradiction) => (6, "two lessons at one time say opposite things", None),
        Outcome::Unknown => (7, "the class did not take place, or the host can't say", None),
        Outcome::NoLesson | Outcome::KeepDual { .. } | Outcome::HumanMarkWins { .. } => return None,
    })
}

/// What a host saw, in a word or two.
pub(super) const fn seen_as(physical: Physical) -> &'static str {
    match physical {
        Physical::Present => "present",
        Physical::Late => "late",
        Physical::Absent => "absent",
        Physical::NotRequired => "not required",
        Physical::Unknown => "can't say",
    }
}

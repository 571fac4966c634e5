//! Which mark a home writes for what a host saw.
//!
//! The lesson mark is the host's own where it is a national code, else the plainest national code for what was seen. A
//! session mark is proposed by one rule that the home chose: a host that saw the learner at the session's moment is
//! evidence for `B`. Without evidence nothing is proposed: absence elsewhere is the home's to decide.

use crate::settings::Sessions;
use commonroll_connectors::render::Session;
use commonroll_core::{
    Interval,
    record::attendance::{Attendance, Physical},
};
use jiff::{civil::Time, tz::TimeZone};

/// The national code set.
const NATIONAL: &str = "ENG-2024";
/// Attending at an approved educational place elsewhere.
pub(super) const ELSEWHERE: &str = "B";

/// The mark of a lesson; empty if neither the code nor what was seen came.
pub(super) fn lesson(mark: &Attendance) -> String {
    if let Some(code) = mark.source_code.as_ref().filter(|code| code.code_set == NATIONAL) {
        return code.code.clone();
    }
    let seen = mark.presence.as_ref().map(|presence| presence.physical);
    match seen {
        None => "",
        Some(Physical::Present) => "/",
        Some(Physical::Late) => "L",
        // Absent, and why is not known here.
        Some(Physical::Absent) => "N",
        Some(Physical::NotRequired) => "X",
        // No mark: never present, never absent.
        Some(Physical::Unknown) => "-",
    }
    .to_owned()
}

/// The sessions for which a mark is evidence that the learner attended elsewhere.
pub(super) fn evidence_for(mark: &Attendance, sessions: &Sessions, zone: &TimeZone) -> Vec<Session> {
    let Some(presence) = &mark.presence else { return Vec::new() };
    let seen = matches!(presence.physical, Physical::Present | Physical::Late);
    let Some(interval) = presence.interval.filter(|_| seen) else { return Vec::new() };
    let covers = |moment: Option<Time>| moment.is_some_and(|moment| lies_in(interval, moment, zone));
    let mut evidence = Vec::new();
    if covers(sessions.am) {
        evidence.push(Session::Am);
    }
    if covers(sessions.pm) {
        evidence.push(Session::Pm);
    }
    evidence
}

/// Sessions that the home has.
pub(crate) fn kept(sessions: &Sessions) -> Vec<Session> {
    let am = sessions.am.map(|_| Session::Am);
    am.into_iter().chain(sessions.pm.map(|_| Session::Pm)).collect()
}

fn lies_in(interval: Interval, moment: Time, zone: &TimeZone) -> bool {
    let at = interval.start().date_in(zone).at(moment, zone);
    interval.start() <= at && at < interval.end()
}

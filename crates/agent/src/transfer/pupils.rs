//! One learner as a pupil of the file: the school's own statutory register of the year, and results that a CTF brought.

use super::{Told, Wanted};
use commonroll_connectors::{
    Draft,
    render::{CtfPupil, CtfResult, CtfYear, Session},
};
use commonroll_core::{
    Body, SchoolDate,
    attendance::CodeTable,
    directory::{LearnerDeclaration, Registration},
    record::{assessment::GradeKind, attendance::Attendance},
};
use jiff::{
    civil::{Date, date, time},
    tz::TimeZone,
};

/// Marks are of the register where they are in these codes, and say what the register says.
const NATIONAL: &str = "ENG-2024";

/// The pupil; counts what is in it and what is not.
pub(super) fn pupil(
    learner: &LearnerDeclaration,
    records: &[&Draft],
    wanted: &Wanted,
    zone: &TimeZone,
    told: &mut Told,
) -> CtfPupil {
    told.learners += 1;
    told.without_upn += usize::from(learner.upn.is_empty());
    told.former_left += learner.former_upns.len().saturating_sub(1);
    let (open, confidential): (Vec<&Draft>, Vec<&Draft>) =
        records.iter().copied().partition(|draft| !draft.confidential);
    told.confidential += confidential.len();
    let marks = marks(&open, wanted.year, zone, told);
    // Every code was looked up: what can't be read is not among them.
    let year = CtfYear::of(wanted.year, wanted.from.clone(), &marks).ok();
    CtfPupil {
        upn: learner.upn.clone(),
        uln: learner.uln.clone(),
        uci: learner.uci.clone(),
        former_upn: learner.former_upns.first().cloned().unwrap_or_default(),
        surname: learner.surname.as_str().to_owned(),
        forename: learner.forename.as_str().to_owned(),
        birth_date: learner.birth_date,
        known_as: learner.known_as.as_str().to_owned(),
        enrol_status: match learner.registration {
            Registration::Home => "C",
            Registration::Subsidiary => "S",
            Registration::Guest => "G",
            Registration::Previous => "P",
        }
        .to_owned(),
        years: year.filter(|_| !marks.is_empty()).into_iter().collect(),
        results: results(&open, told),
        ..CtfPupil::default()
    }
}

fn results(records: &[&Draft], told: &mut Told) -> Vec<CtfResult> {
    let is_prior = |draft: &&&Draft| match &draft.body {
        Body::Assessment(given) => given.result.as_ref().is_some_and(|given| given.kind == GradeKind::Prior),
        _ => false,
    };
    let mut results = Vec::new();
    for draft in records.iter().filter(is_prior) {
        match CtfResult::of(draft) {
            Some(result) if results.contains(&result) => {}
            Some(result) => results.push(result),
            None => told.uncoded += 1,
        }
    }
    told.results += results.len();
    results
}

fn marks<'a>(
    records: &[&'a Draft],
    year: i16,
    zone: &TimeZone,
    told: &mut Told,
) -> Vec<(SchoolDate, Session, &'a str)> {
    let codes = CodeTable::eng_2024();
    let within = |day: Date| day >= date(year, 9, 1) && day < date(year.saturating_add(1), 9, 1);
    let mut marks = Vec::new();
    for draft in records {
        let Body::Attendance(mark) = &draft.body else { continue };
        let of_register = mark.source_code.as_ref().filter(|code| code.code_set == NATIONAL);
        let Some(code) = of_register.filter(|_| mark.register.is_some() && within(draft.date.civil())) else {
            continue;
        };
        match session(draft, mark, zone).filter(|_| codes.read(&code.code, draft.date).is_ok()) {
            Some(session) => marks.push((draft.date, session, code.code.as_str())),
            None => told.unreadable_marks += 1,
        }
    }
    let places: std::collections::BTreeSet<_> =
        marks.iter().map(|(date, session, _)| (*date, *session == Session::Pm)).collect();
    told.marks += places.len();
    marks
}

/// Which session a mark is for: by its time, or by the word for it among what tells the row from others.
fn session(draft: &Draft, mark: &Attendance, zone: &TimeZone) -> Option<Session> {
    if let Some(interval) = mark.presence.as_ref().and_then(|presence| presence.interval) {
        let noon = draft.date.at(time(12, 0, 0, 0), zone);
        return Some(if interval.start() < noon { Session::Am } else { Session::Pm });
    }
    draft.local_key.split('\u{1f}').find_map(|part| match part.trim() {
        part if part.eq_ignore_ascii_case("AM") => Some(Session::Am),
        part if part.eq_ignore_ascii_case("PM") => Some(Session::Pm),
        _ => None,
    })
}

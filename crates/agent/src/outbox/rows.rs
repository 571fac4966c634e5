//! Records as the rows that connectors render: one for each record, for people and programs of the home.

use super::{Arrival, marks};
use crate::settings::{Names, Sessions};
use commonroll_connectors::render::{AssessmentRow, BehaviourRow, MarkRow, RowHead, Session};
use commonroll_core::{
    Body, LocalId, RecordKind, Revision, Timestamp,
    record::{Assessment, Attendance, Behaviour, Text, assessment::GradeValue},
};
use jiff::{civil::Time, tz::TimeZone};
use serde::Serialize;

/// Rows by the file that they belong into.
#[derive(Default)]
pub(super) struct Rows {
    pub lessons: Vec<MarkRow>,
    pub sessions: Vec<MarkRow>,
    pub assessments: Vec<AssessmentRow>,
    pub behaviours: Vec<BehaviourRow>,
}

impl Rows {
    /// Adds a record. One of which nothing may be said here has no row; one that had something to say before is taken back.
    pub fn add(
        &mut self,
        arrival: &Arrival,
        sessions: &Sessions,
        names: &Names,
        zone: &TimeZone,
    ) -> Result<(), String> {
        let head = head(arrival)?;
        match &arrival.record.body {
            Body::Attendance(mark) => self.mark(head, arrival, mark, sessions, zone),
            Body::Assessment(result) => {
                let head = standing(head, *result != Assessment::default());
                let group = group(arrival);
                self.assessments
                    .extend(head.map(|head| AssessmentRow { group, ..assessment(head, result, names) }));
            }
            Body::Behaviour(event) => {
                let head = standing(head, *event != Behaviour::default());
                self.behaviours.extend(head.map(|head| behaviour(head, event, names, zone)));
            }
            Body::Withdrawn(RecordKind::Attendance) => {
                let row = blank_mark(head, arrival);
                let taken_back = |session| MarkRow { session: Some(session), ..row.clone() };
                self.sessions.extend(open(sessions, arrival).into_iter().map(taken_back));
                self.lessons.push(row);
            }
            Body::Withdrawn(RecordKind::Assessment) => {
                self.assessments.push(assessment(head, &Assessment::default(), names));
            }
            Body::Withdrawn(RecordKind::Behaviour) => {
                self.behaviours.push(behaviour(head, &Behaviour::default(), names, zone));
            }
        }
        Ok(())
    }

    fn mark(
        &mut self,
        head: RowHead,
        arrival: &Arrival,
        mark: &Attendance,
        sessions: &Sessions,
        zone: &TimeZone,
    ) {
        let presence = mark.presence.as_ref();
        let interval = presence.and_then(|presence| presence.interval);
        let note = mark.note.as_ref().map_or("", Text::as_str);
        let early = presence.and_then(|presence| presence.minutes_left_early).filter(|minutes| *minutes > 0);
        let early = early.map(|minutes| format!("left {minutes} min early")).unwrap_or_default();
        let row = MarkRow {
            start: interval.map(|interval| local(interval.start(), zone)),
            end: interval.map(|interval| local(interval.end(), zone)),
            mark: marks::lesson(mark),
            minutes_late: presence.and_then(|presence| presence.minutes_late),
            comment: joined(&[note, &early]),
            ..blank_mark(head, arrival)
        };
        let undecided = |session: &Session| !arrival.decided.contains(session);
        let evidence: Vec<Session> =
            marks::evidence_for(mark, sessions, zone).into_iter().filter(undecided).collect();
        if row.head.revision > Revision::FIRST {
            // What an older revision was evidence for, and this one is not, must not stand without any.
            let gone = open(sessions, arrival).into_iter().filter(|session| !evidence.contains(session));
            let head = RowHead { withdrawn: true, ..row.head.clone() };
            let blank = blank_mark(head, arrival);
            self.sessions.extend(gone.map(|session| MarkRow { session: Some(session), ..blank.clone() }));
        }
        for session in evidence {
            let seen = row.start.map(|start| start.strftime("%H:%M").to_string()).unwrap_or_default();
            let from = format!("{} {seen}", arrival.record.head.source);
            let comment = joined(&[from.trim(), &row.comment]);
            let mark = marks::ELSEWHERE.to_owned();
            // The minutes are the lesson's, not the session's.
            self.sessions.push(MarkRow {
                session: Some(session),
                mark,
                comment,
                minutes_late: None,
                ..row.clone()
            });
        }
        self.lessons.push(row);
    }
}

/// Sessions of the home that nobody there has decided: only for these is anything proposed, or taken back.
fn open(sessions: &Sessions, arrival: &Arrival) -> Vec<Session> {
    marks::kept(sessions).into_iter().filter(|session| !arrival.decided.contains(session)).collect()
}

fn head(arrival: &Arrival) -> Result<RowHead, String> {
    let head = &arrival.record.head;
    let learner = LocalId::parse("learner", &arrival.learner)
        .map_err(|_| "the hub gave no id of ours for the learner; declare the learner again".to_owned())?;
    Ok(RowHead {
        record: head.id,
        revision: head.revision,
        learner,
        source: head.source.clone(),
        date: head.date,
        withdrawn: matches!(arrival.record.body, Body::Withdrawn(_)),
    })
}

fn blank_mark(head: RowHead, arrival: &Arrival) -> MarkRow {
    MarkRow {
        head,
        group: group(arrival),
        start: None,
        end: None,
        session: None,
        mark: String::new(),
        minutes_late: None,
        comment: String::new(),
        decided: false,
    }
}

/// The host's code of the group.
fn group(arrival: &Arrival) -> String {
    arrival.record.head.group.as_ref().map_or("", LocalId::as_str).to_owned()
}

/// The head of a row that says something, or takes back what an older revision said.
fn standing(head: RowHead, says: bool) -> Option<RowHead> {
    match (says, head.revision > Revision::FIRST) {
        (true, _) => Some(head),
        (false, true) => Some(RowHead { withdrawn: true, ..head }),
        (false, false) => None,
    }
}

/// What a program can enter of these rows: nothing without the group that says what it is. Whatever it was given of it goes.
pub(super) fn for_programs<R: Clone>(
    rows: &[R],
    head: fn(&mut R) -> &mut RowHead,
    says: fn(&R) -> bool,
) -> Vec<R> {
    let fits = |row: &R| {
        let (mut row, says) = (row.clone(), says(row));
        let old = head(&mut row);
        let withdrawn = old.withdrawn.then(|| old.clone());
        *old = withdrawn.or_else(|| standing(old.clone(), says))?;
        Some(row)
    };
    rows.iter().filter_map(fits).collect()
}

/// The row of a result; blank where there is nothing to say.
pub(super) fn assessment(head: RowHead, assessment: &Assessment, names: &Names) -> AssessmentRow {
    let result = assessment.result.as_ref();
    let aspect = result.and_then(|result| names.aspects.get(&result.kind));
    let text = |of: fn(&commonroll_core::record::assessment::ResultGiven) -> &Text| {
        result.map_or("", |result| of(result).as_str()).to_owned()
    };
    AssessmentRow {
        head,
        group: String::new(),
        subject: text(|result| &result.subject),
        title: text(|result| &result.title),
        aspect: aspect.cloned().unwrap_or_else(|| text(|result| &result.title)),
        result_set: text(|result| &result.result_set),
        kind: result.map(|result| name(result.kind)).unwrap_or_default(),
        scale: result
            .map(|result| format!("{} {}", result.scale_id, result.scale_version))
            .unwrap_or_default(),
        grade: result.map(|result| grade(&result.value)).unwrap_or_default(),
        letter: result.map(|result| letter(&result.value)).unwrap_or_default(),
        comment: assessment.comment.as_ref().map_or("", Text::as_str).to_owned(),
    }
}

/// The grade as given, or the word for the fact in its place, which is never a grade.
fn grade(value: &GradeValue) -> String {
    match value {
        GradeValue::Given(grade) => grade,
        GradeValue::Ungraded => "ungraded",
        GradeValue::NoResult => "no result",
        GradeValue::Pending => "pending",
        GradeValue::Withheld => "withheld",
        GradeValue::NotAssessed => "not assessed",
    }
    .to_owned()
}

/// The grade as given, or the letter for the fact in its place.
fn letter(value: &GradeValue) -> String {
    match value {
        GradeValue::Given(grade) => grade,
        GradeValue::Ungraded => "U",
        GradeValue::NoResult => "X",
        GradeValue::Pending => "Q",
        GradeValue::Withheld => "#",
        GradeValue::NotAssessed => "",
    }
    .to_owned()
}

/// The row of an event; blank where there is nothing to say.
pub(super) fn behaviour(
    head: RowHead,
    behaviour: &Behaviour,
    names: &Names,
    zone: &TimeZone,
) -> BehaviourRow {
    let (event, part) = (behaviour.event.as_ref(), behaviour.involvement.as_ref());
    let label = event.map_or("", |event| event.source_label.as_str());
    BehaviourRow {
        head,
        time: event.and_then(|event| event.happened_at).map(|at| local(at, zone)),
        polarity: event.map(|event| name(event.polarity)).unwrap_or_default(),
        category: event.map(|event| name(event.category)).unwrap_or_default(),
        label: label.to_owned(),
        sort: event
            .and_then(|event| names.types.get(&event.category))
            .map_or(label, String::as_str)
            .to_owned(),
        severity: event.and_then(|event| event.severity).map(|severity| severity.get()),
        location: event.map_or("", |event| event.location.as_str()).to_owned(),
        role: part.and_then(|part| part.role).map(name).unwrap_or_default(),
        action: part.map_or("", |part| part.action.as_str()).to_owned(),
        status: part.map_or("", |part| part.status.as_str()).to_owned(),
        text: behaviour.share_safe_text.as_ref().map_or("", Text::as_str).to_owned(),
        home_action_by: part.and_then(|part| part.home_action_by),
    }
}

/// A value's name in the schema.
pub(super) fn name<T: Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn local(at: Timestamp, zone: &TimeZone) -> Time {
    let instant = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone.to_datetime(instant).time()
}

fn joined(texts: &[&str]) -> String {
    texts.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join("; ")
}

//! What institutions say of their learners, groups, days, marks, grades and praise, for every test of a page.

use crate::kit::{Agent, TestHub};
use commonroll_core::{
    Body, Head, Interval, LocalId, Record, RecordKind, Revision, Role, SchoolDate, Timestamp,
    directory::{
        Declaration, GroupDeclaration, LearnerDeclaration, LessonDeclaration, Registration, StaffDeclaration,
    },
    record::{
        Assessment, Text,
        assessment::{GradeKind, GradeValue, ResultGiven},
        attendance::{Attendance, Physical, Presence},
        behaviour::{Behaviour, Category, Event, Polarity},
    },
};
use commonroll_exchange::{AgentId, DeclareResult};

pub fn id(text: &str) -> LocalId {
    LocalId::parse("id", text).unwrap()
}

pub fn text(text: &str) -> Text {
    Text::parse("text", text, 500).unwrap()
}

/// Says it, and sees that all of it was taken.
pub async fn declare(hub: &TestHub, agent: &Agent, declarations: Vec<Declaration>) {
    let speaker = hub.exchange.speaker(AgentId(agent.id)).unwrap();
    let all = declarations.into_iter().map(Ok).collect();
    let results = hub.exchange.declare(&speaker, all, hub.now()).await.unwrap();
    assert!(results.iter().all(|one| !matches!(one, DeclareResult::Rejected { .. })), "{results:?}");
}

/// A learner by forename, known-as name and surname.
pub fn learner(
    local: &str,
    registration: Registration,
    [forename, known, surname]: [&str; 3],
) -> Declaration {
    Declaration::Learner(LearnerDeclaration {
        local_id: id(local),
        registration,
        upn: String::new(),
        uln: String::new(),
        uci: String::new(),
        former_upns: Vec::new(),
        birth_date: Some("2009-05-01".parse().unwrap()),
        surname: text(surname),
        forename: text(forename),
        known_as: text(known),
    })
}

pub fn group(local: &str, title: &str, subject: &str) -> Declaration {
    let (course_title, subject) = (text(title), text(subject));
    Declaration::Group(GroupDeclaration { local_id: id(local), course_title, subject })
}

pub fn teaches(who: &str, groups: &[&str]) -> Declaration {
    let groups = groups.iter().map(|group| id(group)).collect();
    Declaration::Staff(StaffDeclaration { local_id: id(who), roles: vec![Role::Teacher], groups })
}

pub fn minutes(start: Timestamp, minutes: i64) -> Interval {
    Interval::new(start, start.plus_micros(minutes * 60_000_000)).unwrap()
}

pub fn lesson(local: &str, group: &str, time: Interval, room: &str) -> LessonDeclaration {
    LessonDeclaration { local_id: id(local), group: id(group), time, room: text(room), cancelled: false }
}

/// Whom a record is about, where, when, and by which key its source knows it.
#[derive(Clone, Copy)]
pub struct About<'a> {
    pub learner: &'a str,
    pub group: &'a str,
    pub date: SchoolDate,
    pub key: &'a str,
    pub recorded_at: Timestamp,
}

pub fn record(agent: &Agent, about: About<'_>, body: Body) -> Record {
    let kind = match &body {
        Body::Assessment(_) => RecordKind::Assessment,
        Body::Behaviour(_) => RecordKind::Behaviour,
        _ => RecordKind::Attendance,
    };
    Record {
        head: Head {
            id: commonroll_wire::record_id(&agent.institution, kind, about.date, about.key),
            revision: Revision::FIRST,
            source: agent.institution.clone(),
            learner: id(about.learner),
            group: Some(id(about.group)),
            date: about.date,
            recorded_at: about.recorded_at,
            confidential: false,
        },
        body,
    }
}

/// A mark; only who is late is late by some minutes.
pub fn mark(physical: Physical, time: Interval, minutes_late: Option<u32>) -> Body {
    let presence = Presence { physical, interval: Some(time), minutes_late, minutes_left_early: None };
    Body::Attendance(Attendance { presence: Some(presence), ..Attendance::default() })
}

pub fn grade(kind: GradeKind, scale: (&str, &str), subject: &str, grade: &str) -> Body {
    let result = ResultGiven {
        kind,
        scale_id: scale.0.to_owned(),
        scale_version: scale.1.to_owned(),
        value: GradeValue::Given(grade.to_owned()),
        subject: text(subject),
        title: text("Autumn report"),
        result_set: text(""),
        points: None,
    };
    Body::Assessment(Assessment { result: Some(result), comment: None })
}

pub fn behaviour(polarity: Polarity, category: Category, label: &str, said: &str) -> Body {
    let event = Event {
        polarity,
        category,
        severity: None,
        source_label: text(label),
        happened_at: None,
        location: text(""),
        event_id: None,
    };
    let share_safe_text = Some(text(said));
    Body::Behaviour(Behaviour { event: Some(event), share_safe_text, ..Behaviour::default() })
}

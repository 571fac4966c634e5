//! Records as lines of a CSV file for a spreadsheet: UTF-8 with a mark in front.

use super::super::csv::line;
use crate::grpc::sealed;
use commonroll_core::{
    Body, RecordKind, Timestamp,
    record::{
        Assessment, Attendance, Behaviour, Text,
        assessment::{GradeValue, ResultGiven},
    },
};
use commonroll_exchange::ExportRow;

/// What tells a spreadsheet that the text is UTF-8.
pub(super) const MARK: &str = "\u{feff}";

/// The first line of a file.
pub(super) fn head(kind: RecordKind) -> String {
    let of: &[&str] = match kind {
        RecordKind::Attendance => &[
            "starts",
            "ends",
            "presence",
            "minutes late",
            "minutes left early",
            "code",
            "code set",
            "note",
            "legal",
            "statistical",
        ],
        RecordKind::Assessment => &[
            "subject",
            "title",
            "result set",
            "kind",
            "scale",
            "scale version",
            "grade",
            "points",
            "point system",
            "comment",
        ],
        RecordKind::Behaviour => &[
            "event",
            "category",
            "severity",
            "label",
            "happened",
            "where",
            "part",
            "points",
            "action",
            "status",
            "home acts by",
            "text",
        ],
    };
    let all = ["learner", "name", "date", "made by", "group", "accepted"];
    line(all.iter().chain(of).map(|cell| (*cell).to_owned()))
}

/// One record; `None` if it says nothing that this version can read.
pub(super) fn row(row: &ExportRow<'_>) -> Option<String> {
    let record = row.record;
    let opened = commonroll_wire::open(&sealed(&record.groups)).ok()?.record;
    let of = match &opened.body {
        Body::Attendance(mark) => attendance(mark),
        Body::Assessment(given) => assessment(given),
        Body::Behaviour(part) => behaviour(part),
        Body::Withdrawn(_) => return None,
    };
    let title = record.group_title.as_ref().map(|(title, _)| title.clone()).filter(|title| !title.is_empty());
    let code = opened.head.group.as_ref().map(|group| group.as_str().to_owned());
    let all = [
        row.learner.as_str().to_owned(),
        row.name.to_owned(),
        record.date.to_string(),
        record.source.to_string(),
        title.or(code).unwrap_or_default(),
        time(record.accepted_at),
    ];
    Some(line(all.into_iter().chain(of)))
}

fn attendance(mark: &Attendance) -> Vec<String> {
    let presence = mark.presence.as_ref();
    let interval = presence.and_then(|presence| presence.interval);
    let minutes = |of: Option<u32>| of.map_or_else(String::new, |minutes| minutes.to_string());
    let code = mark.source_code.as_ref();
    vec![
        interval.map_or_else(String::new, |interval| time(interval.start())),
        interval.map_or_else(String::new, |interval| time(interval.end())),
        presence.map_or_else(String::new, |presence| word(&presence.physical)),
        minutes(presence.and_then(|presence| presence.minutes_late)),
        minutes(presence.and_then(|presence| presence.minutes_left_early)),
        code.map_or_else(String::new, |code| code.code.clone()),
        code.map_or_else(String::new, |code| code.code_set.clone()),
        said(mark.note.as_ref()),
        mark.register.map_or_else(String::new, |register| word(&register.legal)),
        mark.register.and_then(|register| register.statistical).map_or_else(String::new, |one| word(&one)),
    ]
}

fn assessment(given: &Assessment) -> Vec<String> {
    let result = given.result.as_ref();
    let of = |part: fn(&ResultGiven) -> String| result.map_or_else(String::new, part);
    vec![
        of(|result| result.subject.as_str().to_owned()),
        of(|result| result.title.as_str().to_owned()),
        of(|result| result.result_set.as_str().to_owned()),
        of(|result| word(&result.kind)),
        of(|result| result.scale_id.clone()),
        of(|result| result.scale_version.clone()),
        of(|result| match &result.value {
            GradeValue::Given(grade) => grade.clone(),
            GradeValue::Ungraded => "ungraded".to_owned(),
            GradeValue::NoResult => "no result".to_owned(),
            GradeValue::Pending => "pending".to_owned(),
            GradeValue::Withheld => "withheld".to_owned(),
            GradeValue::NotAssessed => "not assessed".to_owned(),
        }),
        of(|result| result.points.as_ref().map_or_else(String::new, |points| points.points.clone())),
        of(|result| result.points.as_ref().map_or_else(String::new, |points| points.system.clone())),
        said(given.comment.as_ref()),
    ]
}

fn behaviour(part: &Behaviour) -> Vec<String> {
    let (event, role) = (part.event.as_ref(), part.involvement.as_ref());
    vec![
        event.map_or_else(String::new, |event| word(&event.polarity)),
        event.map_or_else(String::new, |event| word(&event.category)),
        event
            .and_then(|event| event.severity)
            .map_or_else(String::new, |severity| severity.get().to_string()),
        said(event.map(|event| &event.source_label)),
        event.and_then(|event| event.happened_at).map_or_else(String::new, time),
        said(event.map(|event| &event.location)),
        role.and_then(|role| role.role).map_or_else(String::new, |role| word(&role)),
        role.and_then(|role| role.points).map_or_else(String::new, |points| points.to_string()),
        said(role.map(|role| &role.action)),
        said(role.map(|role| &role.status)),
        role.and_then(|role| role.home_action_by).map_or_else(String::new, |date| date.to_string()),
        said(part.share_safe_text.as_ref()),
    ]
}

fn said(text: Option<&Text>) -> String {
    text.map_or_else(String::new, |text| text.as_str().to_owned())
}

fn time(at: Timestamp) -> String {
    at.to_string()
}

/// A word of the schema, such as `not required`: these types hold nothing but which one it is.
fn word(one: &impl std::fmt::Debug) -> String {
    let mut words = String::new();
    for c in format!("{one:?}").chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::record::{attendance::Physical, behaviour::Polarity};

    #[test]
    fn words_are_those_of_the_schema() {
        assert_eq!(
            (word(&Physical::NotRequired), word(&Polarity::Negative)),
            ("not required".into(), "negative".into())
        );
        for kind in RecordKind::ALL {
            assert!(
                head(kind).starts_with("\"learner\",\"name\",\"date\"") && head(kind).ends_with("\"\r\n")
            );
        }
    }
}

//! The outbox's own lists of lesson and session marks, results and behaviour, read back by the program that carries them into the MIS.

use super::{AssessmentRow, BehaviourRow, MarkRow, RowHead, Session};
use crate::{
    connector::{FileFault, Input, Limits},
    mapping::DateFormat,
    parse,
    rows::Rows,
    table::Row,
    text::Utf8,
};
use commonroll_core::{LocalId, Revision};
use jiff::civil::Time;

const CAPTIONS: [&str; 12] = [
    "RecordID",
    "Revision",
    "PersonID",
    "Source",
    "Date",
    "Withdrawn",
    "StartTime",
    "EndTime",
    "GroupCode",
    "Mark",
    "MinsLate",
    "Comments",
];

const SESSION_CAPTIONS: [&str; 10] = [
    "RecordID",
    "Revision",
    "PersonID",
    "Source",
    "Date",
    "Withdrawn",
    "SessionName",
    "Mark",
    "MinsLate",
    "Comments",
];

const ASSESSMENT_CAPTIONS: [&str; 15] = [
    "RecordID",
    "Revision",
    "PersonID",
    "Source",
    "Date",
    "Withdrawn",
    "Subject",
    "Aspect",
    "ResultSet",
    "Kind",
    "Scale",
    "Grade",
    "Comments",
    "Title",
    "GroupCode",
];

const BEHAVIOUR_CAPTIONS: [&str; 18] = [
    "RecordID",
    "Revision",
    "PersonID",
    "Source",
    "Date",
    "Withdrawn",
    "Time",
    "Polarity",
    "Category",
    "Label",
    "Severity",
    "Location",
    "Role",
    "Action",
    "Status",
    "Text",
    "HomeActionBy",
    "Type",
];

/// Reads what [`lesson_csv`](super::lesson_csv) wrote.
///
/// # Errors
/// It is no such list, or was changed since: nothing of it may be used.
pub fn read_lessons(input: Input<'_>, limits: &Limits) -> Result<Vec<MarkRow>, FileFault> {
    read_list(input, limits, &CAPTIONS, lesson)
}

/// Reads what [`session_csv`](super::session_csv) wrote.
///
/// # Errors
/// As [`read_lessons`].
pub fn read_sessions(input: Input<'_>, limits: &Limits) -> Result<Vec<MarkRow>, FileFault> {
    read_list(input, limits, &SESSION_CAPTIONS, session)
}

/// Reads what [`assessment_csv`](super::assessment_csv) wrote.
///
/// # Errors
/// As [`read_lessons`].
pub fn read_assessments(input: Input<'_>, limits: &Limits) -> Result<Vec<AssessmentRow>, FileFault> {
    read_list(input, limits, &ASSESSMENT_CAPTIONS, assessment)
}

/// Reads what [`behaviour_csv`](super::behaviour_csv) wrote.
///
/// # Errors
/// As [`read_lessons`].
pub fn read_behaviour(input: Input<'_>, limits: &Limits) -> Result<Vec<BehaviourRow>, FileFault> {
    read_list(input, limits, &BEHAVIOUR_CAPTIONS, behaviour)
}

fn read_list<T>(
    input: Input<'_>,
    limits: &Limits,
    captions: &[&str],
    read: fn(&Row<'_>) -> Option<T>,
) -> Result<Vec<T>, FileFault> {
    input.bounded(limits)?;
    let mut rows = Rows::new(Utf8::open(input.reader, None, limits)?, Some(b','), *limits)?;
    let changed = |line| {
        let fix = "is not as the outbox wrote it; put the file back as it was, or remove it";
        FileFault::content("OUTBOX-CHANGED", Some(line), fix)
    };
    let first = rows.next_row()?;
    if !first.is_some_and(|row| captions.iter().enumerate().all(|(place, name)| row.cell(place) == *name)) {
        return Err(changed(1));
    }
    let mut found = Vec::new();
    while let Some(row) = rows.next_row()? {
        if found.len() >= limits.lookups_max {
            return Err(changed(row.line));
        }
        found.push(read(&row).ok_or_else(|| changed(row.line))?);
    }
    Ok(found)
}

fn head(row: &Row<'_>) -> Option<RowHead> {
    Some(RowHead {
        record: row.cell(0).parse().ok()?,
        revision: Revision::new(parse::whole(row.cell(1))?).ok()?,
        learner: LocalId::parse("learner", unguarded(row.cell(2))).ok()?,
        source: row.cell(3).parse().ok()?,
        date: parse::date(row.cell(4), DateFormat::Iso)?,
        withdrawn: match row.cell(5) {
            "yes" => true,
            "" => false,
            _ => return None,
        },
    })
}

fn late(text: &str) -> Option<Option<u32>> {
    if text.is_empty() { Some(None) } else { parse::whole(text).map(Some) }
}

fn time(text: &str) -> Option<Option<Time>> {
    if text.is_empty() { Some(None) } else { parse::time(text).map(Some) }
}

fn lesson(row: &Row<'_>) -> Option<MarkRow> {
    Some(MarkRow {
        head: head(row)?,
        start: time(row.cell(6))?,
        end: time(row.cell(7))?,
        group: unguarded(row.cell(8)).to_owned(),
        session: None,
        mark: unguarded(row.cell(9)).to_owned(),
        minutes_late: late(row.cell(10))?,
        comment: unguarded(row.cell(11)).to_owned(),
        decided: false,
    })
}

fn session(row: &Row<'_>) -> Option<MarkRow> {
    Some(MarkRow {
        head: head(row)?,
        start: None,
        end: None,
        group: String::new(),
        session: Some(match row.cell(6) {
            "AM" => Session::Am,
            "PM" => Session::Pm,
            _ => return None,
        }),
        mark: unguarded(row.cell(7)).to_owned(),
        minutes_late: late(row.cell(8))?,
        comment: unguarded(row.cell(9)).to_owned(),
        decided: false,
    })
}

fn assessment(row: &Row<'_>) -> Option<AssessmentRow> {
    let said = |place| unguarded(row.cell(place)).to_owned();
    Some(AssessmentRow {
        head: head(row)?,
        subject: said(6),
        aspect: said(7),
        result_set: said(8),
        kind: said(9),
        scale: said(10),
        grade: said(11),
        letter: String::new(),
        comment: said(12),
        title: said(13),
        group: said(14),
    })
}

fn behaviour(row: &Row<'_>) -> Option<BehaviourRow> {
    let said = |place| unguarded(row.cell(place)).to_owned();
    Some(BehaviourRow {
        head: head(row)?,
        time: time(row.cell(6))?,
        polarity: said(7),
        category: said(8),
        label: said(9),
        severity: match row.cell(10) {
            "" => None,
            level => Some(level.parse().ok()?),
        },
        location: said(11),
        role: said(12),
        action: said(13),
        status: said(14),
        text: said(15),
        home_action_by: match row.cell(16) {
            "" => None,
            date => Some(parse::date(date, DateFormat::Iso)?),
        },
        sort: said(17),
    })
}

/// Without the mark that keeps spreadsheets from calculating.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r'])).unwrap_or(text)
}

//! The same rows for people: a list to enter by hand, or to look through in a spreadsheet.
//!
//! UTF-8 with a byte order mark and Windows line ends, since that is what spreadsheets in schools read without questions.

use super::{AssessmentRow, BehaviourRow, MarkRow, RecallRow, RowHead, clock};

const HEAD: [&str; 6] = ["RecordID", "Revision", "PersonID", "Source", "Date", "Withdrawn"];

/// Lesson marks.
pub fn lesson_csv(rows: &[MarkRow]) -> Vec<u8> {
    let mut sheet = Sheet::new(&["StartTime", "EndTime", "GroupCode", "Mark", "MinsLate", "Comments"]);
    for row in rows {
        let late = row.minutes_late.map(|minutes| minutes.to_string()).unwrap_or_default();
        sheet.row(
            &row.head,
            &[&clock(row.start), &clock(row.end), &row.group],
            &[&row.mark, &late, &row.comment],
        );
    }
    sheet.done()
}

/// Session marks. Rows without a session are left out: they are lesson marks.
pub fn session_csv(rows: &[MarkRow]) -> Vec<u8> {
    let mut sheet = Sheet::new(&["SessionName", "Mark", "MinsLate", "Comments"]);
    for row in rows {
        let Some(session) = row.session else { continue };
        let late = row.minutes_late.map(|minutes| minutes.to_string()).unwrap_or_default();
        sheet.row(&row.head, &[session.as_str()], &[&row.mark, &late, &row.comment]);
    }
    sheet.done()
}

/// Assessment results.
pub fn assessment_csv(rows: &[AssessmentRow]) -> Vec<u8> {
    let mut sheet = Sheet::new(&[
        "Subject",
        "Aspect",
        "ResultSet",
        "Kind",
        "Scale",
        "Grade",
        "Comments",
        "Title",
        "GroupCode",
    ]);
    for row in rows {
        let given: [&str; 4] = [&row.subject, &row.aspect, &row.result_set, &row.kind];
        let texts = [&given[..], &[&row.scale, &row.grade, &row.comment, &row.title, &row.group]].concat();
        sheet.row(&row.head, &[], &texts);
    }
    sheet.done()
}

/// Behaviour events.
pub fn behaviour_csv(rows: &[BehaviourRow]) -> Vec<u8> {
    let mut sheet = Sheet::new(&[
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
    ]);
    for row in rows {
        let severity = row.severity.map(|level| level.to_string()).unwrap_or_default();
        let by = row.home_action_by.map(|date| date.to_string()).unwrap_or_default();
        let texts: [&str; 12] = [
            &clock(row.time),
            &row.polarity,
            &row.category,
            &row.label,
            &severity,
            &row.location,
            &row.role,
            &row.action,
            &row.status,
            &row.text,
            &by,
            &row.sort,
        ];
        sheet.row(&row.head, &[], &texts);
    }
    sheet.done()
}

/// Copies that must go.
pub fn recall_csv(rows: &[RecallRow]) -> Vec<u8> {
    let captions = "RecordID,Revision,PersonID,Source,Date,Kind,Reason,WhatToDo";
    let mut sheet = Sheet(format!("\u{feff}{captions}\r\n"));
    for row in rows {
        sheet.0.push_str(&row.record.to_string());
        let (revision, date) = (row.revision.to_string(), row.date.map(|date| date.to_string()));
        let date = date.unwrap_or_default();
        for cell in
            [&revision, &row.learner, row.source.as_str(), &date, row.kind.as_str(), &row.reason, row.what]
        {
            sheet.cell(cell);
        }
        sheet.0.push_str("\r\n");
    }
    sheet.done()
}

/// Writes one cell behind what is there, in quotation marks if it needs them. What a spreadsheet would calculate stays as it is.
pub fn csv_cell(text: &str, out: &mut String) {
    if !text.contains(['"', ',', ';', '\n', '\r', '\t']) {
        return out.push_str(text);
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

struct Sheet(String);

impl Sheet {
    fn new(columns: &[&str]) -> Self {
        let captions: Vec<&str> = HEAD.iter().chain(columns).copied().collect();
        Self(format!("\u{feff}{}\r\n", captions.join(",")))
    }

    /// `always` stands in a withdrawn row too, `said` is blank there.
    fn row(&mut self, head: &RowHead, always: &[&str], said: &[&str]) {
        let withdrawn = if head.withdrawn { "yes" } else { "" };
        self.0.push_str(&head.record.to_string());
        for cell in [
            &head.revision.to_string(),
            head.learner.as_str(),
            head.source.as_str(),
            &head.date.to_string(),
            withdrawn,
        ] {
            self.cell(cell);
        }
        always.iter().for_each(|cell| self.cell(cell));
        said.iter().for_each(|cell| self.cell(if head.withdrawn { "" } else { cell }));
        self.0.push_str("\r\n");
    }

    fn cell(&mut self, text: &str) {
        self.0.push(',');
        if is_formula(text) {
            csv_cell(&format!("'{text}"), &mut self.0);
        } else {
            csv_cell(text, &mut self.0);
        }
    }

    fn done(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// What a spreadsheet would calculate. A lone `-` is a mark, and a number is a number.
fn is_formula(text: &str) -> bool {
    text.len() > 1 && text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err()
}

//! Attendance as SIMS' own write interface takes it, with the record's id and revision beside.
//!
//! SIMS' lesson interface wants its own event number, which a host can't know: date, times and group are given instead,
//! and the helper that applies the file finds the lesson by them.

use super::{MarkRow, RowHead, clock};

/// Lesson marks.
pub fn lesson_xml(rows: &[MarkRow]) -> Vec<u8> {
    let mut xml = Xml::new("LessonAttendances");
    for row in rows {
        xml.open("LessonAttendance");
        xml.element("PersonID", row.head.learner.as_str());
        xml.element("AttendanceDate", &row.head.date.to_string());
        xml.element("StartTime", &clock(row.start));
        xml.element("EndTime", &clock(row.end));
        xml.element("GroupCode", &row.group);
        xml.mark(row);
        xml.close("LessonAttendance");
    }
    xml.end("LessonAttendances")
}

/// Session marks. Rows without a session are left out: they are lesson marks.
pub fn session_xml(rows: &[MarkRow]) -> Vec<u8> {
    let mut xml = Xml::new("SessionAttendances");
    for row in rows {
        let Some(session) = row.session else { continue };
        xml.open("SessionAttendance");
        xml.element("PersonID", row.head.learner.as_str());
        xml.element("AttendanceDate", &row.head.date.to_string());
        xml.element("SessionName", session.as_str());
        xml.mark(row);
        xml.close("SessionAttendance");
    }
    xml.end("SessionAttendances")
}

/// A list of elements, one a line.
pub(super) struct Xml(String);

impl Xml {
    pub fn new(root: &str) -> Self {
        Self(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>\n"))
    }

    pub fn open(&mut self, name: &str) {
        self.0.push_str("  <");
        self.0.push_str(name);
        self.0.push('>');
    }

    pub fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push_str(">\n");
    }

    pub fn end(mut self, root: &str) -> Vec<u8> {
        self.0.push_str("</");
        self.0.push_str(root);
        self.0.push_str(">\n");
        self.0.into_bytes()
    }

    pub fn element(&mut self, name: &str, text: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
        text.chars().for_each(|c| character(&mut self.0, c));
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    fn mark(&mut self, row: &MarkRow) {
        let written = |text: &str| if row.head.withdrawn { String::new() } else { text.to_owned() };
        self.element("AttendanceMark", &written(&row.mark));
        self.element("Comments", &written(&row.comment));
        let late = row.minutes_late.map(|minutes| minutes.to_string()).unwrap_or_default();
        self.element("MinsLate", &written(&late));
        self.record(&row.head);
    }

    /// Which record the row is, and whether it is to go.
    pub fn record(&mut self, head: &RowHead) {
        self.element("Source", head.source.as_str());
        self.element("RecordID", &head.record.to_string());
        self.element("Revision", &head.revision.to_string());
        self.element("Withdrawn", if head.withdrawn { "true" } else { "false" });
    }
}

/// Every character that XML can hold comes back as it was, line ends too. The others can't be in our words.
pub(super) fn character(text: &mut String, c: char) {
    match c {
        '&' => text.push_str("&amp;"),
        '<' => text.push_str("&lt;"),
        '>' => text.push_str("&gt;"),
        '\r' => text.push_str("&#13;"),
        '\t' | '\n' => text.push(c),
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => text.push('\u{fffd}'),
        c => text.push(c),
    }
}

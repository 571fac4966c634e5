//! Attendance as SIF AU 3.4 objects: by period, and as times of a day.
//!
//! By period: names, order and types of elements are those of the schema of AU 3.4.8, read by eye. `SchoolYear` is the year in which a
//! school year ends, which isn't known here, and may be left out. The list of times is as two outside programs write it down. An
//! object's id follows from its record's, so that a correction replaces it.

use super::{MarkRow, RowHead, tree::Xml};
use jiff::civil::Time;
use std::collections::BTreeMap;

/// Namespace of the data model.
const NAMESPACE: &str = "xmlns=\"http://www.sifassociation.org/datamodel/au/3.4\"";

/// What a mark is in SIF: code, status (01 excused, 02 unexcused, 99 unknown, NA) of the national code sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SifCode {
    /// Attendance code, such as 100.
    pub code: String,
    /// Attendance status.
    pub status: String,
}

/// One `StudentPeriodAttendance` for each mark. `school` is the id of the `SchoolInfo`; `code` says what a mark is, and rows of
/// which it knows nothing are left out, as are those that were taken back.
pub fn sif_periods(rows: &[MarkRow], school: &str, code: &dyn Fn(&MarkRow) -> Option<SifCode>) -> Vec<u8> {
    let mut xml = Xml::new("StudentPeriodAttendances", NAMESPACE);
    for row in rows.iter().filter(|row| !row.head.withdrawn) {
        let Some(code) = code(row) else { continue };
        xml.open_with("StudentPeriodAttendance", &format!("RefId=\"{}\"", ref_id(&row.head)));
        head(&mut xml, &row.head, school);
        xml.said("TimetablePeriod", &row.group);
        xml.said("TimeIn", &clock(row.start));
        xml.said("TimeOut", &clock(row.end));
        coded(&mut xml, row, &code);
        xml.said("AttendanceComment", &row.comment);
        xml.close();
    }
    xml.end()
}

/// One `StudentAttendanceTimeList` for each learner and date, with a time for each mark that has one.
pub fn sif_times(rows: &[MarkRow], school: &str, code: &dyn Fn(&MarkRow) -> Option<SifCode>) -> Vec<u8> {
    let mut days: BTreeMap<(&str, _), Vec<(&MarkRow, SifCode)>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.head.withdrawn && row.start.is_some() && row.end.is_some()) {
        if let Some(code) = code(row) {
            days.entry((row.head.learner.as_str(), row.head.date)).or_default().push((row, code));
        }
    }
    let mut xml = Xml::new("StudentAttendanceTimeLists", NAMESPACE);
    for mut marks in days.into_values() {
        marks.sort_by_key(|(row, _)| (row.start, row.head.record.to_string()));
        let Some(first) = marks.iter().map(|(row, _)| &row.head).min_by_key(|head| head.record.to_string())
        else {
            continue;
        };
        xml.open_with("StudentAttendanceTimeList", &format!("RefId=\"{}\"", ref_id(first)));
        head(&mut xml, first, school);
        xml.element("SchoolYear", &first.date.civil().year().to_string());
        xml.open("AttendanceTimes");
        for (row, code) in marks {
            xml.open("AttendanceTime");
            coded(&mut xml, row, &code);
            xml.element("StartTime", &clock(row.start));
            xml.element("EndTime", &clock(row.end));
            xml.said("AttendanceNote", &row.comment);
            xml.close();
        }
        xml.close();
        xml.close();
    }
    xml.end()
}

fn head(xml: &mut Xml, head: &RowHead, school: &str) {
    xml.element("StudentPersonalRefId", head.learner.as_str());
    xml.element("SchoolInfoRefId", school);
    xml.element("Date", &head.date.to_string());
}

/// The code, and the home's own mark beside it.
fn coded(xml: &mut Xml, row: &MarkRow, code: &SifCode) {
    xml.open("AttendanceCode");
    xml.element("Code", &code.code);
    if !row.mark.is_empty() {
        xml.open("OtherCodeList");
        xml.element_with("OtherCode", "Codeset=\"Local\"", &row.mark);
        xml.close();
    }
    xml.close();
    xml.element("AttendanceStatus", &code.status);
}

/// The record's id in the shape of an id of SIF.
fn ref_id(head: &RowHead) -> String {
    let digits = head.record.to_string().to_ascii_uppercase();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

fn clock(time: Option<Time>) -> String {
    time.map(|time| time.strftime("%H:%M:%S").to_string()).unwrap_or_default()
}

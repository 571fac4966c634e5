//! Writing marks back through Wonde: what is posted, exactly as its own client does, and how a mark is recognised when it is read
//! back. Wonde takes a mark at once and writes it into the MIS later, or never: only reading back tells.
//!
//! Lessons take no comment and no minutes late; minutes late of nought are left out of sessions. An empty list is never posted.

use crate::{
    api::{Request, scalar},
    json::moment,
    render::{MarkRow, Session},
    writeback::{Tag, tagged},
};
use commonroll_core::Revision;
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde_json::{Map, Value, json};

/// Longest comment that is posted, in characters.
const COMMENT_MAX: usize = 200;

/// Where a mark stands: a learner's session of a date, or a learner's lesson.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// Student, date as YYYY-MM-DD, AM or PM.
    Session(String, String, String),
    /// Student, lesson.
    Lesson(String, String),
}

/// A mark as it was read back.
#[derive(Clone, PartialEq, Eq)]
pub struct Standing {
    /// The MIS's code.
    pub code: String,
    /// The comment beside it.
    pub comment: String,
}

/// Whose a mark in the MIS is, seen from a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Ours, written for this record at this revision, and still as we wrote it.
    Ours(Revision),
    /// Ours, written for another record of the same session and still as we wrote it, and a person has decided this one.
    Proposed,
    /// Written for this record, and somebody has changed it since: theirs.
    Changed,
    /// Somebody else's.
    Theirs,
}

/// Whose a mark in the MIS is: ours only as long as its code is the one that we wrote.
pub fn whose(row: &MarkRow, standing: &Standing) -> Whose {
    let Some(tag) = Tag::<String>::read(&standing.comment) else { return Whose::Theirs };
    match (tag.record == row.head.record, tag.code == standing.code) {
        (true, true) => Whose::Ours(tag.revision),
        (true, false) => Whose::Changed,
        (false, true) if row.decided => Whose::Proposed,
        (false, _) => Whose::Theirs,
    }
}

/// True if a row of any list is a mark that we wrote and that nobody has changed since.
pub fn is_ours(json: &str) -> bool {
    let Some(comment) = scalar(json, "comment").filter(|comment| comment.contains("[cr:")) else {
        return false;
    };
    Tag::<String>::read(&comment).is_none_or(|tag| code_of(json).is_none_or(|code| code == tag.code))
}

/// What to post for a session's mark: the MIS's code and its id at Wonde.
pub fn session(school: &str, row: &MarkRow, session: Session, (code, code_id): (&str, &str)) -> Request {
    let mut mark = Map::new();
    mark.insert("date".to_owned(), json!(row.head.date.to_string()));
    mark.insert("session".to_owned(), json!(session.as_str()));
    mark.insert("student_id".to_owned(), json!(row.head.learner.as_str()));
    mark.insert("attendance_code_id".to_owned(), json!(code_id));
    let tag = Tag { session: None, record: row.head.record, revision: row.head.revision, code };
    mark.insert("comment".to_owned(), json!(tagged(&row.comment, &tag, COMMENT_MAX)));
    if let Some(late) = row.minutes_late.filter(|minutes| *minutes > 0) {
        mark.insert("minutes_late".to_owned(), json!(late));
    }
    post(school, "attendance/session/", mark)
}

/// What to post for a lesson's mark.
pub fn lesson(school: &str, row: &MarkRow, lesson_id: &str, code_id: &str) -> Request {
    let mut mark = Map::new();
    mark.insert("lesson_id".to_owned(), json!(lesson_id));
    mark.insert("student_id".to_owned(), json!(row.head.learner.as_str()));
    mark.insert("attendance_code_id".to_owned(), json!(code_id));
    post(school, "attendance/lesson/", mark)
}

fn post(school: &str, path: &str, mark: Map<String, Value>) -> Request {
    Request::post(format!("schools/{school}/{path}"), json!({"attendance": [mark]}).to_string())
}

/// The receipt of a mark that was taken; `None` if it wasn't.
pub fn receipt(body: &str) -> Option<String> {
    scalar(body, "writeback_id")
        .or_else(|| scalar(body, "data.writeback_id"))
        .filter(|receipt| !receipt.is_empty())
}

/// Reads a row of `attendance/session` or `attendance/lesson`: where it stands, and what. `zone` is the school's.
pub fn standing(json: &str, zone: &TimeZone) -> Option<(Place, Standing)> {
    let student = scalar(json, "student.data.id").or_else(|| scalar(json, "student"))?;
    let code = code_of(json)?;
    let comment = scalar(json, "comment").unwrap_or_default();
    let lesson = scalar(json, "lesson.data.id").or_else(|| scalar(json, "lesson"));
    let place = match (lesson, scalar(json, "session")) {
        (Some(lesson), _) => Place::Lesson(student, lesson),
        (None, Some(session)) => {
            Place::Session(student, day(json, "date", zone)?.to_string(), session.to_uppercase())
        }
        (None, None) => return None,
    };
    Some((place, Standing { code, comment }))
}

fn code_of(json: &str) -> Option<String> {
    scalar(json, "attendance_code.data.code").or_else(|| scalar(json, "attendance_code.code"))
}

/// Reads a row of `attendance-codes`: the code and its id.
pub fn code(json: &str) -> Option<(String, String)> {
    Some((scalar(json, "code")?.trim().to_owned(), scalar(json, "id")?))
}

/// A lesson of the timetable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// Its id.
    pub id: String,
    /// Its class.
    pub class: String,
    /// When it begins, by the school's clocks.
    pub start: DateTime,
}

/// Reads a row of `lessons`. `zone` is the school's; a row whose own zone nobody knows is none.
pub fn lesson_of(json: &str, zone: &TimeZone) -> Option<Lesson> {
    let class = scalar(json, "class.data.id").or_else(|| scalar(json, "class"))?;
    Some(Lesson { id: scalar(json, "id")?, class, start: local(json, "start_at", zone)? })
}

/// The moment at a key, by the school's clocks: an object with a zone of its own, a text with an offset, or local already.
fn local(json: &str, key: &str, zone: &TimeZone) -> Option<DateTime> {
    let Some(date) = scalar(json, &format!("{key}.date")) else {
        let text = scalar(json, key)?;
        return text
            .parse::<Timestamp>()
            .map_or_else(|_| text.parse().ok(), |moment| Some(zone.to_datetime(moment)));
    };
    match scalar(json, &format!("{key}.timezone")) {
        Some(own) => Some(moment(&date, &own)?.with_time_zone(zone.clone()).datetime()),
        None => date.parse().ok(),
    }
}

/// The date at a key. Midnight, as it is written, is a date and no moment.
fn day(json: &str, key: &str, zone: &TimeZone) -> Option<Date> {
    let text = scalar(json, &format!("{key}.date")).or_else(|| scalar(json, key))?;
    let written: DateTime = text.get(..19).unwrap_or(&text).parse().ok()?;
    if written.time() == Time::midnight() {
        Some(written.date())
    } else {
        Some(local(json, key, zone)?.date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::Target, render::RowHead};
    use commonroll_core::{LocalId, RecordId, Revision};

    fn row() -> MarkRow {
        MarkRow {
            head: RowHead {
                record: "0123456789abcdef0123456789abcdef".parse().unwrap(),
                revision: Revision::FIRST,
                learner: LocalId::parse("learner", "A1749191433").unwrap(),
                source: "northgate".parse().unwrap(),
                date: commonroll_core::SchoolDate::from_civil(jiff::civil::date(2026, 9, 14)),
                withdrawn: false,
            },
            group: "12A".to_owned(),
            start: None,
            end: None,
            session: Some(Session::Am),
            mark: "B".to_owned(),
            minutes_late: Some(12),
            comment: "northgate 09:02".to_owned(),
            decided: false,
        }
    }

    #[test]
    fn what_is_posted_is_what_wondes_own_client_posts() {
        let posted = session("A1", &row(), Session::Am, ("B", "A12"));
        assert_eq!(posted.target, Target::Path("schools/A1/attendance/session/".to_owned(), Vec::new()));
        let body: Value = serde_json::from_str(&posted.body.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"attendance": [{"date": "2026-09-14", "session": "AM", "student_id": "A1749191433",
                "attendance_code_id": "A12", "comment": "northgate 09:02 [cr:0123456789abcdef0123456789abcdef.1=B]", "minutes_late": 12}]})
        );
        let punctual = session("A1", &MarkRow { minutes_late: Some(0), ..row() }, Session::Am, ("B", "A12"));
        assert!(!punctual.body.unwrap().contains("minutes_late"));
        let posted = lesson("A1", &row(), "A55", "A12");
        assert_eq!(posted.target, Target::Path("schools/A1/attendance/lesson/".to_owned(), Vec::new()));
        let body: Value = serde_json::from_str(&posted.body.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"attendance": [{"lesson_id": "A55", "student_id": "A1749191433", "attendance_code_id": "A12"}]})
        );
    }

    #[test]
    fn a_mark_is_known_again_when_it_is_read_back() {
        let read = r#"{"id":"M1","date":{"date":"2026-09-14 00:00:00.000000","timezone_type":3,"timezone":"UTC"},"session":"am",
            "comment":"x [cr:0123456789abcdef0123456789abcdef.1=B]","student":{"data":{"id":"A1749191433"}},
            "attendance_code":{"data":{"code":"B"}}}"#;
        let (place, standing) = standing(read, &london()).unwrap();
        assert_eq!(place, Place::Session("A1749191433".to_owned(), "2026-09-14".to_owned(), "AM".to_owned()));
        assert_eq!(whose(&row(), &standing), Whose::Ours(Revision::FIRST));
        let decided = MarkRow { head: RowHead { record: RecordId([9; 16]), ..row().head }, ..row() };
        assert_eq!(whose(&decided, &standing), Whose::Theirs, "one proposal doesn't replace another");
        let decided = MarkRow { decided: true, ..decided };
        assert_eq!(whose(&decided, &standing), Whose::Proposed, "a person's decision does");
        let changed = Standing { code: "I".to_owned(), ..standing.clone() };
        assert_eq!(whose(&decided, &changed), Whose::Theirs, "and never what somebody made of it");
        assert_eq!(whose(&row(), &changed), Whose::Changed, "who changes the code makes it theirs");
        let without = Standing { comment: "x [cr:0123456789abcdef0123456789abcdef]".to_owned(), ..standing };
        assert_eq!(whose(&row(), &without), Whose::Theirs);
        assert_eq!(receipt("{\"writeback_id\":\"W9\"}").as_deref(), Some("W9"));
        assert_eq!(receipt("{\"message\":\"ok\"}"), None);
    }

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    #[test]
    fn a_lesson_begins_by_the_schools_clocks_whatever_zone_it_is_told_in() {
        let start = |at: &str| {
            let json = format!(r#"{{"id":"A5","class":{{"data":{{"id":"C1"}}}},"start_at":{at}}}"#);
            lesson_of(&json, &london()).map(|lesson| lesson.start.to_string())
        };
        let told = |date: &str, zone: &str| {
            start(&format!(r#"{{"date":"{date}.000000","timezone_type":3,"timezone":"{zone}"}}"#))
        };
        let nine = Some("2026-09-14T09:00:00".to_owned());
        assert_eq!(told("2026-09-14 08:00:00", "UTC"), nine, "in summer");
        assert_eq!(told("2026-09-14 09:00:00", "Europe\\/London"), nine);
        assert_eq!(told("2026-09-14 09:00:00", "+01:00"), nine);
        assert_eq!(start("\"2026-09-14T08:00:00Z\""), nine);
        assert_eq!(start("\"2026-09-14 09:00:00\""), nine);
        assert_eq!(told("2026-11-16 09:00:00", "UTC").as_deref(), Some("2026-11-16T09:00:00"), "in winter");
        assert_eq!(told("2026-09-14 09:00:00", "Nowhere"), None, "never guessed");
    }

    #[test]
    fn a_sessions_date_is_the_date_meant() {
        let date = |at: &str| {
            let json =
                format!(r#"{{"date":{at},"session":"AM","student":"A1","attendance_code":{{"code":"B"}}}}"#);
            standing(&json, &london()).map(|(place, _)| match place {
                Place::Session(_, date, _) => date,
                Place::Lesson(..) => String::new(),
            })
        };
        let meant = Some("2026-09-14".to_owned());
        assert_eq!(date(r#"{"date":"2026-09-14 00:00:00.000000","timezone":"UTC"}"#), meant);
        assert_eq!(date(r#"{"date":"2026-09-14 00:00:00.000000","timezone":"Europe/London"}"#), meant);
        assert_eq!(
            date(r#"{"date":"2026-09-13 23:00:00.000000","timezone":"UTC"}"#),
            meant,
            "midnight of British summer time"
        );
        assert_eq!(date("\"2026-09-14\""), meant);
    }
}

//! Attendance by period, by day, and by time.
//!
//! A time is only known if the object says it, or names a period that the mapping knows. What a code means is the
//! mapping's to say, since states use the national codes in their own ways.

use super::{Reading, date, student};
use crate::{
    entities::{Bad, id, key},
    item::{Draft, Item},
    parse,
    xml::Node,
};
use commonroll_core::{
    Body, Interval, RecordKind, SchoolDate,
    attendance::CodeProblem,
    record::{Attendance, Text, attendance::Presence},
};
use jiff::civil::Time;

/// One mark of an object: the element with the code, and what tells it from the others of its day.
struct Mark<'n> {
    node: &'n Node,
    name: String,
    time: Option<(Time, Time)>,
    group: &'n str,
    note: &'n str,
}

/// One period of one student.
pub fn period(node: &Node, reading: &mut Reading<'_>) {
    let names = ["TimetablePeriod", "Session", "SessionInfoRefId", "ScheduledActivityRefId"];
    let name = names.iter().map(|name| node.at(name)).find(|text| !text.is_empty()).unwrap_or_default();
    let note = if node.at("AttendanceComment").is_empty() {
        node.at("Comment")
    } else {
        node.at("AttendanceComment")
    };
    give(node, reading, |reading, date| {
        let time = times(node, "TimeIn", "TimeOut").or_else(|| reading.periods.get(name).copied());
        let mark = Mark { node, name: name.to_owned(), time, group: "", note };
        draft(node, date, &mark, reading)
    });
}

/// One session or lesson of one learner, in the British model. A lesson's session alone would not tell it from the next one.
pub fn learner(node: &Node, reading: &mut Reading<'_>) {
    let (session, start) = (node.at("Session"), node.at("StartTime"));
    let name = match start {
        "" => session.to_owned(),
        start => [node.at("AttendanceDomain"), session, start].join(" "),
    };
    give(node, reading, |reading, date| {
        let period = || [session, node.at("SessionLabel")].iter().find_map(|name| reading.periods.get(*name));
        let time =
            times(node, "StartTime", "FinishTime").or_else(|| period().copied().filter(|_| start.is_empty()));
        let (group, note) = (node.at("SchoolGroupRefId"), node.at("AttendanceNote"));
        draft(node, date, &Mark { node, name, time, group, note }, reading)
    });
}

/// One day of one student. In and out are when the learner came and went, not what the mark is about.
pub fn daily(node: &Node, reading: &mut Reading<'_>) {
    give(node, reading, |reading, date| {
        let mark =
            Mark { node, name: "day".to_owned(), time: None, group: "", note: node.at("AttendanceNote") };
        draft(node, date, &mark, reading)
    });
}

/// The times and periods of one day of one student: each is a mark.
pub fn list(node: &Node, reading: &mut Reading<'_>) {
    for time in node.find("AttendanceTimes").into_iter().flat_map(|times| times.all("AttendanceTime")) {
        give(node, reading, |reading, date| {
            let name = format!("{} {}", time.at("AttendanceType"), time.at("StartTime"));
            let time_of = times(time, "StartTime", "EndTime").ok_or_else(|| {
                Bad::new("StartTime", "SIF-TIME", "must be a time before EndTime, both written as HH:MM:SS")
            })?;
            let mark =
                Mark { node: time, name, time: Some(time_of), group: "", note: time.at("AttendanceNote") };
            draft(node, date, &mark, reading)
        });
    }
    for period in
        node.find("PeriodAttendances").into_iter().flat_map(|periods| periods.all("PeriodAttendance"))
    {
        give(node, reading, |reading, date| {
            let name = period.at("TimetablePeriod");
            let time = times(period, "StartTime", "EndTime").or_else(|| reading.periods.get(name).copied());
            let name = if name.is_empty() { period.at("StartTime") } else { name };
            let note = period.at("AttendanceNote");
            let mark = Mark { node: period, name: name.to_owned(), time, group: "", note };
            draft(node, date, &mark, reading)
        });
    }
}

fn give(
    node: &Node,
    reading: &mut Reading<'_>,
    draft: impl FnOnce(&Reading<'_>, SchoolDate) -> Result<Draft, Bad>,
) {
    let date = date(node, &["Date", "AttendanceDate"]);
    let about = date.as_ref().ok().map(|date| (RecordKind::Attendance, *date));
    let draft = date.and_then(|date| draft(reading, date));
    reading.entities.give(node.line, about, draft.map(Item::Record));
}

/// Two times of which the first is the earlier.
fn times(node: &Node, from: &str, to: &str) -> Option<(Time, Time)> {
    let (from, to) = (parse::time(node.at(from))?, parse::time(node.at(to))?);
    (from < to).then_some((from, to))
}

/// The code as the mapping wants it: the national one, or the school's own beside it.
fn code(node: &Node, local: bool) -> &str {
    let own = node.find("AttendanceCode/OtherCodeList").and_then(|list| {
        list.all("OtherCode")
            .find(|code| code.attribute("Codeset") == Some("Local"))
            .map(|code| code.text.trim())
    });
    match own.filter(|code| local && !code.is_empty()) {
        Some(own) => own,
        None if node.at("AttendanceCode/Code").is_empty() => node.at("AttendanceCode"),
        None => node.at("AttendanceCode/Code"),
    }
}

fn draft(object: &Node, date: SchoolDate, mark: &Mark<'_>, reading: &Reading<'_>) -> Result<Draft, Bad> {
    let learner = student(object)?;
    let bad = |problem: CodeProblem| Bad::new("AttendanceCode", problem.rule(), problem.to_string());
    let codes = reading.codes.as_ref().ok_or_else(|| bad(CodeProblem::Unknown))?;
    let written = code(mark.node, reading.mapping.local_codes);
    let meaning = codes.read(written, date).map_err(bad)?;
    let interval =
        mark.time.map(|(from, to)| Interval::new(date.at(from, reading.zone), date.at(to, reading.zone)));
    let presence = Presence {
        physical: meaning.physical,
        interval: interval.transpose()?,
        minutes_late: None,
        minutes_left_early: None,
    };
    let note =
        Text::parse("AttendanceNote", &mark.note.split_whitespace().collect::<Vec<_>>().join(" "), 500)?;
    let register = reading.mapping.codes.as_ref().is_some_and(|codes| codes.register);
    Ok(Draft {
        kind: RecordKind::Attendance,
        local_key: key(&[&date.to_string(), learner.as_str(), mark.name.trim()], "SIF-KEY")?,
        learner,
        group: match mark.group {
            "" => None,
            group => Some(id("SchoolGroupRefId", group, "SIF-VALUE")?),
        },
        date,
        recorded_at: None,
        confidential: false,
        body: Body::Attendance(Attendance {
            presence: Some(presence.check()?),
            source_code: Some(codes.source_code(written)?),
            note: (!note.is_empty()).then_some(note),
            register: if register { meaning.register() } else { None },
        }),
    })
}

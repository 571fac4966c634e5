//! Attendance of a school year: the marks of its sessions, two characters a day.
//!
//! Only the institution's own years become marks: another school's are that school's to say. The year's totals are not
//! records of ours and aren't read.

use super::Reading;
use crate::{
    entities::{Bad, key},
    item::{Draft, Item},
    mapping::DateFormat,
    parse,
    xml::Node,
};
use commonroll_core::{
    Body, LocalId, RecordKind, SchoolDate,
    attendance::CodeTable,
    record::{Attendance, attendance::Presence},
};

/// Characters of a year's marks: two for each day of a leap year and some weeks.
const MARKS_MAX: usize = 2 * 400;
const SESSIONS: [&str; 2] = ["AM", "PM"];

/// Reads the years of a pupil.
pub fn years(node: &Node, learner: &LocalId, reading: &mut Reading<'_>) {
    for year in node.all("YearData") {
        let school = format!("{}{}", year.at("LEA"), year.at("Estab"));
        match &reading.mapping.school {
            Some(own) if *own == school => {}
            Some(_) => {
                let why = "attendance at another school is that school's to say";
                reading.entities.unread(year.line, "YearData", why);
                continue;
            }
            None => {
                let why =
                    "set `school` in the mapping to your LEA and establishment number to read your own years";
                reading.entities.unread(year.line, "YearData", why);
                continue;
            }
        }
        year.all("AttendSessions").for_each(|sessions| marks(sessions, learner, reading));
    }
}

fn marks(node: &Node, learner: &LocalId, reading: &mut Reading<'_>) {
    let Some(first) = parse::date(node.at("AttendanceStartDate"), DateFormat::Iso) else {
        let fix = "must be a real date written as YYYY-MM-DD";
        let bad = Bad::new("AttendanceStartDate", "CTF-DATE", fix);
        return reading.entities.give(node.line, None, Err(bad));
    };
    // A blank at the beginning is a mark's place: only line ends around the string aren't its own.
    let text = node.find("AttendanceMarks").map_or("", |marks| marks.text.trim_matches(['\r', '\n', '\t']));
    if text.len() > MARKS_MAX || !text.is_ascii() {
        let fix = "must be two characters for each day of one year";
        let bad = Bad::new("AttendanceMarks", "CTF-MARKS", fix);
        return reading.entities.give(node.line, None, Err(bad));
    }
    for (place, code) in text.char_indices() {
        let day = i32::try_from(place / 2).ok().and_then(|days| SchoolDate::from_days(first.days() + days));
        // Closed, or not on the roll that day.
        let (Some(date), false) = (day, matches!(code, '#' | ' ')) else { continue };
        let draft = mark(code, date, SESSIONS[place % 2], learner, &reading.codes);
        reading.entities.give(node.line, Some((RecordKind::Attendance, date)), draft.map(Item::Record));
    }
}

fn mark(
    code: char,
    date: SchoolDate,
    session: &str,
    learner: &LocalId,
    codes: &CodeTable,
) -> Result<Draft, Bad> {
    let code = code.to_string();
    let meaning = codes
        .read(&code, date)
        .map_err(|problem| Bad::new("AttendanceMarks", problem.rule(), problem.to_string()))?;
    let presence =
        Presence { physical: meaning.physical, interval: None, minutes_late: None, minutes_left_early: None };
    Ok(Draft {
        kind: RecordKind::Attendance,
        local_key: key(&[&date.to_string(), learner.as_str(), session], "CTF-KEY")?,
        learner: learner.clone(),
        group: None,
        date,
        recorded_at: None,
        confidential: false,
        body: Body::Attendance(Attendance {
            presence: Some(presence.check()?),
            source_code: Some(codes.source_code(&code)?),
            note: None,
            register: meaning.register(),
        }),
    })
}

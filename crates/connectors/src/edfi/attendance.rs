//! Attendance events of sections and of the school day.
//!
//! Ed-Fi says that a learner was late, not what time the lesson began: without a class period whose times the mapping
//! knows, a mark has no interval, and the arrival alone makes none.

use super::common::{Bad, Reading, date, key, learner};
use crate::{
    item::{Draft, Item},
    mapping::DurationMeaning,
    parse,
    xml::Node,
};
use commonroll_core::{
    Body, Interval, LocalId, RecordKind, SchoolDate,
    record::{
        Attendance,
        attendance::{Physical, Presence, SourceCode},
    },
};
use std::collections::HashSet;

/// Name of the code set. Its words are written without spaces, so that they fit a code.
const CODE_SET: &str = "ed-fi/AttendanceEventCategory";

const SCHOOL_OF_SECTION: &str = "SectionReference/SectionIdentity/CourseOfferingReference/CourseOfferingIdentity/SchoolReference/SchoolIdentity/SchoolId";

/// Events seen so far: Ed-Fi allows two of one lesson, a mark can only be one.
#[derive(Default)]
pub struct Marks {
    seen: HashSet<String>,
}

impl Marks {
    /// How many events were read.
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    pub fn event(&mut self, node: &Node, section: bool, reading: &mut Reading<'_>) {
        let school =
            node.at(if section { SCHOOL_OF_SECTION } else { "SchoolReference/SchoolIdentity/SchoolId" });
        if !reading.is_school(school)
            || !reading.is_learner(node.at("StudentReference/StudentIdentity/StudentUniqueId"))
        {
            return;
        }
        match date(node, "AttendanceEvent/EventDate", "EventDate") {
            Ok(date) => {
                let mark = self.mark(node, section, date, school, reading);
                reading.give(node.line, Some(date), mark.map(Item::Record));
            }
            Err(bad) => reading.give(node.line, None, Err(bad)),
        }
    }

    fn mark(
        &mut self,
        node: &Node,
        section: bool,
        date: SchoolDate,
        school: &str,
        reading: &Reading<'_>,
    ) -> Result<Draft, Bad> {
        let learner = learner(node)?;
        let group = match node.at("SectionReference/SectionIdentity/SectionIdentifier") {
            "" if section => {
                return Err(Bad::new("SectionIdentifier", "EDFI-SECTION", "must name the section"));
            }
            "" => None,
            id => Some(LocalId::parse("SectionIdentifier", id)?),
        };
        let period = node.at("ClassPeriodReference/ClassPeriodIdentity/ClassPeriodName");
        let of = group.as_ref().map_or(school, |group| group.as_str());
        let local_key = key(&[&date.to_string(), learner.as_str(), of, period])?;
        if !self.seen.insert(local_key.clone()) {
            let fix = "is a second event of the same lesson; keep the one that says where the learner was";
            return Err(Bad::new("AttendanceEvent", "EDFI-TWICE", fix));
        }
        let body = Attendance {
            presence: Some(presence(node, date, period, reading)?),
            source_code: Some(SourceCode::new(
                &node.short("AttendanceEvent/AttendanceEventCategory").replace(' ', ""),
                CODE_SET,
            )?),
            note: None,
            register: None,
        };
        Ok(Draft {
            kind: RecordKind::Attendance,
            local_key,
            learner,
            group,
            date,
            recorded_at: None,
            confidential: false,
            body: Body::Attendance(body),
        })
    }
}

fn presence(node: &Node, date: SchoolDate, period: &str, reading: &Reading<'_>) -> Result<Presence, Bad> {
    let physical = match node.short("AttendanceEvent/AttendanceEventCategory") {
        "In Attendance" | "Present" | "Early departure" => Physical::Present,
        "Tardy" => Physical::Late,
        "Excused Absence" | "Unexcused Absence" => Physical::Absent,
        "Partial" => Physical::Unknown,
        _ => {
            return Err(Bad::new(
                "AttendanceEventCategory",
                "EDFI-CATEGORY",
                "is no category of the standard",
            ));
        }
    };
    let minutes = node.at("SectionAttendanceDuration").to_owned() + node.at("SchoolAttendanceDuration");
    let says_late =
        reading.mapping.duration == Some(DurationMeaning::MinutesLate) && physical == Physical::Late;
    let minutes_late = match minutes.as_str() {
        "" => None,
        _ if !says_late => None,
        text => Some(parse::whole(text).ok_or_else(|| {
            Bad::new("SectionAttendanceDuration", "EDFI-NUMBER", "must be a whole number of minutes")
        })?),
    };
    let interval = interval(date, period, reading)?;
    Ok(Presence { physical, interval, minutes_late, minutes_left_early: None }.check()?)
}

fn interval(date: SchoolDate, period: &str, reading: &Reading<'_>) -> Result<Option<Interval>, Bad> {
    let Some((start, end)) = reading.mapping.periods.get(period) else { return Ok(None) };
    let time = |text: &str| {
        parse::time(text)
            .ok_or_else(|| Bad::new("ClassPeriodName", "MAP-PERIOD", "must be two times written as HH:MM"))
    };
    let (start, end) = (date.at(time(start)?, reading.zone), date.at(time(end)?, reading.zone));
    Ok(Some(Interval::new(start, end)?))
}

//! SIF: the Australian data model 3.4, and the British 2.0.
//!
//! A file is one object, a collection, or collections in an envelope, with or without a namespace. Alerts, health,
//! addresses, contacts and demographics are never looked at.

mod attendance;
mod incident;
mod marks;
mod people;
mod wellbeing;

use crate::{
    connector::{Connector, FileFault, Input, Limits, Settings},
    entities::{Bad, Entities, id, key},
    item::{Draft, Sink},
    mapping::{Covers, DateFormat, Format, Sif as SifMapping},
    parse,
    text::Utf8,
    xml::{Node, Trees},
};
use commonroll_core::{Body, LocalId, RecordKind, SchoolDate, attendance::CodeTable, record::Behaviour};
use jiff::{civil::Time, tz::TimeZone};
use marks::Assignments;
use std::collections::HashMap;

/// A list of a day with all its periods is larger than a row.
const OBJECT_BYTES: usize = 256 << 10;

/// Elements in which objects lie.
const AROUND: [&str; 22] = [
    "SIF_Message",
    "SIF_Event",
    "SIF_Response",
    "SIF_ObjectData",
    "DataObjects",
    "StudentPersonals",
    "StudentSchoolEnrollments",
    "StudentPeriodAttendances",
    "StudentDailyAttendances",
    "StudentAttendanceTimeLists",
    "StudentAttendanceSummarys",
    "StudentAttendanceSummaries",
    "WellbeingEvents",
    "GradingAssignments",
    "GradingAssignmentScores",
    "StudentGrades",
    "MarkValueInfos",
    "LearnerPersonals",
    "LearnerSchoolEnrolments",
    "LearnerAttendances",
    "LearnerBehaviourIncidents",
    "LearnerAssessmentResults",
];

/// Reads SIF objects.
pub struct Sif;

impl Connector for Sif {
    fn name(&self) -> &'static str {
        "sif"
    }

    fn about(&self) -> &'static str {
        "SIF AU 3.4 XML (students, attendance, wellbeing, grades); SIF UK 2.0 (learners, attendance, behaviour, results)"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        let has = |name: &str| memchr::memmem::find(head, name.as_bytes()).is_some();
        file_name.to_ascii_lowercase().ends_with(".xml")
            && (has("sifassociation.org")
                || has("<SIF_Message")
                || AROUND[5..].iter().any(|plural| has(&format!("<{}", &plural[..plural.len() - 1]))))
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        let usual = SifMapping::default();
        let mapping = match settings.mapping.as_ref().map(|mapping| &mapping.format) {
            None => &usual,
            Some(Format::Sif(mapping)) => mapping,
            Some(_) => return Err(FileFault::mapping("MAP-FORMAT", "the mapping is for another format")),
        };
        input.bounded(&settings.limits)?;
        let limits = Limits {
            xml_element_bytes_max: settings.limits.xml_element_bytes_max.max(OBJECT_BYTES),
            ..settings.limits
        };
        // What a score is out of, and what a scale is called, may come behind what needs it.
        let mut assignments = Assignments::default();
        each(Utf8::xml(&mut *input.reader)?, limits, &mut |node| {
            assignments.collect(&node);
            if assignments.len() > limits.lookups_max {
                let fix = "the file names more assignments than allowed; export a shorter time";
                return Err(FileFault::too_big("SIF-ROWS", Some(node.line), fix));
            }
            Ok(())
        })?;
        let mut reading = Reading::new(mapping, settings, out)?;
        let mut objects = 0_u64;
        each(Utf8::xml(input.reader)?, limits, &mut |node| {
            objects += 1;
            object(&node, &assignments, &mut reading)
        })?;
        if objects == 0 {
            let fix = "the file has no object, which is a failed export rather than an empty school";
            return Err(FileFault::content("FILE-NO-ROWS", None, fix));
        }
        reading.entities.covers(mapping.covers.unwrap_or(Covers::Nothing));
        Ok(())
    }
}

/// Gives each object of a file, whether it is one object or holds many.
fn each(
    text: Utf8<'_>,
    limits: Limits,
    give: &mut dyn FnMut(Node) -> Result<(), FileFault>,
) -> Result<(), FileFault> {
    let mut trees = Trees::new(text, limits);
    let root = trees.root()?;
    if !AROUND.contains(&root.name.as_str()) {
        let is_one = AROUND.iter().any(|plural| plural.strip_suffix('s') == Some(root.name.as_str()))
            || root.name == "StudentAttendanceSummary";
        if is_one {
            return give(trees.tree(root)?);
        }
    }
    while let Some(node) = trees.next_tree_in(&AROUND)? {
        give(node)?;
    }
    Ok(())
}

fn object(node: &Node, assignments: &Assignments, reading: &mut Reading<'_>) -> Result<(), FileFault> {
    let is_attendance = matches!(
        node.name.as_str(),
        "StudentPeriodAttendance"
            | "StudentDailyAttendance"
            | "StudentAttendanceTimeList"
            | "LearnerAttendance"
    );
    if is_attendance && reading.codes.is_none() {
        let fix = "the file has attendance: the mapping must say under [codes] what each code means";
        return Err(FileFault::mapping("MAP-CODES", fix));
    }
    let school = Some(node.at("SchoolInfoRefId")).filter(|school| !school.is_empty());
    if !reading.is_school(school.or_else(|| node.attribute("SchoolInfoRefId")).unwrap_or_default().trim()) {
        return Ok(());
    }
    match node.name.as_str() {
        "StudentPersonal" | "LearnerPersonal" => people::person(node, reading),
        "StudentPeriodAttendance" => attendance::period(node, reading),
        "LearnerAttendance" => attendance::learner(node, reading),
        "StudentDailyAttendance" => attendance::daily(node, reading),
        "StudentAttendanceTimeList" => attendance::list(node, reading),
        "WellbeingEvent" => wellbeing::event(node, reading),
        "LearnerBehaviourIncident" => incident::incident(node, reading),
        "GradingAssignmentScore" => marks::score(node, assignments, reading),
        "StudentGrade" => marks::grade(node, assignments, reading),
        "LearnerAssessmentResult" => marks::result(node, reading),
        "GradingAssignment" | "MarkValueInfo" | "SIF_Header" | "Header" => {}
        "StudentSchoolEnrollment" | "LearnerSchoolEnrolment" => {
            let why =
                "an enrolment alone is not sent; `registration` in the mapping says how the learners stand";
            reading.entities.unread(node.line, &node.name, why);
        }
        "StudentAttendanceSummary" | "LearnerAttendanceSummary" => {
            let why = "totals are not sent: they follow from the marks";
            reading.entities.unread(node.line, &node.name, why);
        }
        name => reading.entities.unread(node.line, name, "objects of this name are not read"),
    }
    Ok(())
}

/// What all parts of the connector share.
struct Reading<'a> {
    mapping: &'a SifMapping,
    zone: &'a TimeZone,
    codes: Option<CodeTable>,
    periods: HashMap<String, (Time, Time)>,
    entities: Entities<'a>,
}

impl<'a> Reading<'a> {
    fn new(
        mapping: &'a SifMapping,
        settings: &'a Settings,
        out: &'a mut dyn Sink,
    ) -> Result<Self, FileFault> {
        let codes = mapping.codes.as_ref().map(|codes| codes.table(&settings.institution, false)).transpose();
        let codes = codes.map_err(|error| FileFault::mapping("MAP-CODES", error.to_string()))?;
        let mut periods = HashMap::new();
        for (name, (start, end)) in &mapping.periods {
            let (Some(start), Some(end)) = (parse::time(start), parse::time(end)) else {
                let fix = format!("periods.{name}: must be two times written as HH:MM");
                return Err(FileFault::mapping("MAP-PERIOD", fix));
            };
            periods.insert(name.clone(), (start, end));
        }
        let entities = Entities::new(out, ["SIF-VALUE", "SIF-NOT-READ"]);
        Ok(Self { mapping, zone: &settings.zone, codes, periods, entities })
    }

    /// True if the mapping reads this school. An object that names none is anybody's.
    fn is_school(&self, id: &str) -> bool {
        id.is_empty() || self.mapping.school.as_ref().is_none_or(|school| school.has(id))
    }
}

/// The student of an object: an element of it or, in the British names, an attribute.
fn student(node: &Node) -> Result<LocalId, Bad> {
    let names = ["StudentPersonalRefId", "LearnerPersonalRefId"];
    let said = names.iter().find_map(|name| {
        Some(node.at(name)).filter(|text| !text.is_empty()).or_else(|| node.attribute(name))
    });
    id("StudentPersonalRefId", said.unwrap_or_default().trim(), "SIF-STUDENT")
}

/// A learner's part in an event, as a record.
fn behaviour(
    (event, learner, date): (&LocalId, LocalId, SchoolDate),
    confidential: bool,
    body: Behaviour,
) -> Result<Draft, Bad> {
    Ok(Draft {
        kind: RecordKind::Behaviour,
        local_key: key(&[event.as_str(), learner.as_str()], "SIF-KEY")?,
        learner,
        group: None,
        date,
        recorded_at: None,
        confidential,
        body: Body::Behaviour(body),
    })
}

/// An object's own id; empty if it has none.
fn ref_id(node: &Node) -> &str {
    node.attribute("RefId").unwrap_or_default().trim()
}

/// A date in one of these elements.
fn date(node: &Node, elements: &[&'static str]) -> Result<SchoolDate, Bad> {
    let said = elements.iter().map(|name| node.at(name)).find(|text| !text.is_empty());
    parse::date(said.unwrap_or_default(), DateFormat::Iso).ok_or_else(|| {
        Bad::new(
            elements.first().copied().unwrap_or_default(),
            "SIF-DATE",
            "must be a real date written as YYYY-MM-DD",
        )
    })
}

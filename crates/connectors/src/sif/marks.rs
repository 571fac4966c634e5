//! Scores of assignments, grades of reports, and results in the British names.
//!
//! A score says neither what it is out of nor when it was due: its assignment does, so that must be in the same file. A grade
//! of a report says no date: the mapping does.

use super::{Reading, date, ref_id, student};
use crate::{
    entities::{Bad, key, slug},
    grades,
    item::{Draft, Item},
    mapping::DateFormat,
    parse,
    xml::Node,
};
use commonroll_core::{
    Body, RecordKind, SchoolDate,
    record::{
        Assessment, Text,
        assessment::{GradeKind, ResultGiven},
    },
};
use std::collections::{BTreeMap, HashMap};

/// What must be looked up.
#[derive(Default)]
pub struct Assignments {
    by_id: HashMap<String, Assignment>,
    scales: HashMap<String, String>,
}

struct Assignment {
    title: String,
    category: String,
    points: String,
    date: Option<SchoolDate>,
}

impl Assignments {
    pub fn len(&self) -> usize {
        self.by_id.len() + self.scales.len()
    }

    /// Remembers an assignment or a scale.
    pub fn collect(&mut self, node: &Node) {
        match node.name.as_str() {
            "GradingAssignment" => {
                let due =
                    if node.at("DueDate").is_empty() { node.at("CreateDate") } else { node.at("DueDate") };
                let assignment = Assignment {
                    title: node.at("Description").to_owned(),
                    category: node.at("GradingCategory").to_owned(),
                    points: node.at("PointsPossible").to_owned(),
                    date: parse::date(due, DateFormat::Iso),
                };
                self.by_id.insert(ref_id(node).to_owned(), assignment);
            }
            "MarkValueInfo" => {
                self.scales.insert(ref_id(node).to_owned(), node.at("Name").to_owned());
            }
            _ => {}
        }
    }
}

/// What a result says, whatever object it came in.
struct Given<'g> {
    id: &'g str,
    grade: &'g str,
    scale: String,
    kind: GradeKind,
    subject: &'g str,
    title: &'g str,
    result_set: &'g str,
    comment: &'g str,
}

fn give(
    node: &Node,
    date: Result<SchoolDate, Bad>,
    given: Result<Given<'_>, Bad>,
    reading: &mut Reading<'_>,
) {
    let about = date.as_ref().ok().map(|date| (RecordKind::Assessment, *date));
    let draft = date.and_then(|date| draft(node, date, given?));
    reading.entities.give(node.line, about, draft.map(Item::Record));
}

fn draft(node: &Node, date: SchoolDate, given: Given<'_>) -> Result<Draft, Bad> {
    let learner = student(node)?;
    let result = ResultGiven {
        kind: given.kind,
        scale_id: given.scale,
        scale_version: "1".to_owned(),
        value: grades::value(given.grade, &BTreeMap::new()),
        subject: Text::parse("Subject", given.subject, 100)?,
        title: Text::parse("Description", given.title, 200)?,
        result_set: Text::parse("GradingCategory", given.result_set, 100)?,
        points: None,
    };
    let comment = Text::parse("Narrative", given.comment, 1000)?;
    Ok(Draft {
        kind: RecordKind::Assessment,
        local_key: key(&[given.id, learner.as_str()], "SIF-KEY")?,
        learner,
        group: None,
        date,
        recorded_at: None,
        confidential: false,
        body: Body::Assessment(Assessment {
            result: Some(result.check()?),
            comment: (!comment.is_empty()).then_some(comment),
        }),
    })
}

/// One student's score in an assignment.
pub fn score(node: &Node, assignments: &Assignments, reading: &mut Reading<'_>) {
    let Some(assignment) = assignments.by_id.get(node.at("GradingAssignmentRefId")) else {
        let fix = "must name a GradingAssignment that is in the same file: it says what the score is out of, and when";
        let bad = Bad::new("GradingAssignmentRefId", "SIF-ASSIGNMENT", fix);
        return reading.entities.give(node.line, None, Err(bad));
    };
    let date = assignment.date.ok_or_else(|| {
        Bad::new("DueDate", "SIF-DATE", "the assignment must have a real date written as YYYY-MM-DD")
    });
    let letter = node.at("ScoreLetter");
    let (grade, scale) = match (node.at("ScorePoints"), node.at("ScorePercent")) {
        ("", "") => (letter, format!("sif/{}", slug("letter"))),
        ("", percent) => (percent, "raw-0-100".to_owned()),
        (points, _) => (points, format!("raw-0-{}", slug(&assignment.points))),
    };
    let given = Given {
        id: ref_id(node),
        grade,
        scale,
        kind: reading.mapping.kind.unwrap_or(GradeKind::Assignment),
        subject: "",
        title: &assignment.title,
        result_set: &assignment.category,
        comment: node.at("TeacherJudgement"),
    };
    give(node, date, Ok(given), reading);
}

/// One student's grade in a report: the letter if there is one, else the share, else the number.
pub fn grade(node: &Node, assignments: &Assignments, reading: &mut Reading<'_>) {
    let date = match reading.mapping.grade_date.as_deref() {
        Some(date) => parse::date(date, DateFormat::Iso),
        None => None,
    };
    let date = date.ok_or_else(|| {
        let fix = "a grade of a report has no date: set `grade_date` in the mapping, as YYYY-MM-DD";
        Bad::new("StudentGrade", "SIF-DATE", fix)
    });
    let named = assignments.scales.get(node.at("Grade/MarkInfoRefId")).map_or("letter", String::as_str);
    let (grade, scale) = match (node.at("Grade/Letter"), node.at("Grade/Percentage")) {
        ("", "") => (node.at("Grade/Numeric"), "sif/numeric".to_owned()),
        ("", share) => (share, "raw-0-100".to_owned()),
        (letter, _) => (letter, format!("sif/{}", slug(named))),
    };
    let given = Given {
        id: ref_id(node),
        grade,
        scale,
        kind: reading.mapping.kind.unwrap_or(GradeKind::Final),
        subject: node.at("LearningArea/ACStrand"),
        title: node.at("TeachingGroupShortName"),
        result_set: node.at("TermSpan"),
        comment: "",
    };
    give(node, date, Ok(given), reading);
}

/// One result in the British names.
pub fn result(node: &Node, reading: &mut Reading<'_>) {
    let component = node.attribute("AssessmentComponentRefId").unwrap_or_default();
    let given = match component {
        "" => Err(Bad::new("AssessmentComponentRefId", "SIF-VALUE", "must say what was assessed")),
        component => Ok(Given {
            id: ref_id(node),
            grade: node.at("Result"),
            scale: format!("sif/{}", slug(component)),
            kind: reading.mapping.kind.unwrap_or(GradeKind::Final),
            subject: "",
            title: component,
            result_set: "",
            comment: "",
        }),
    };
    give(node, date(node, &["AchievementDate"]), given, reading);
}

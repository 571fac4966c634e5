//! Results of assessments: each score and each performance level is a result of its own.
//!
//! Their scale is named after the assessment and the way of reporting, since a raw score of one test is no raw score of
//! another. Nothing is converted.

use super::common::{Bad, Reading, key, learner};
use crate::{
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
use std::collections::BTreeMap;

pub fn results(node: &Node, reading: &mut Reading<'_>) {
    if !reading.is_learner(node.at("StudentReference/StudentIdentity/StudentUniqueId")) {
        return;
    }
    let Some(date) = administered(node.at("AdministrationDate"), reading) else {
        let fix = "must be a date and time such as 2021-05-01T16:00:00";
        return reading.give(node.line, None, Err(Bad::new("AdministrationDate", "EDFI-DATE", fix)));
    };
    for score in node.all("ScoreResult") {
        let method = score.short("AssessmentReportingMethod");
        let draft = draft(node, date, method, score.at("Result"), reading);
        reading.give(score.line, Some(date), draft.map(Item::Record));
    }
    for level in node.all("PerformanceLevel") {
        let named = level.at("PerformanceLevelIndicatorName");
        let method = if named.is_empty() { level.short("AssessmentReportingMethod") } else { named };
        let draft = draft(node, date, method, level.short("PerformanceLevel"), reading);
        reading.give(level.line, Some(date), draft.map(Item::Record));
    }
}

/// An instant counts as its local date; a local time is what it says.
fn administered(text: &str, reading: &Reading<'_>) -> Option<SchoolDate> {
    match text.parse::<jiff::Timestamp>() {
        Ok(_) => Some(parse::instant(text, reading.zone)?.date_in(reading.zone)),
        Err(_) => parse::date(text, DateFormat::Iso),
    }
}

fn draft(
    node: &Node,
    date: SchoolDate,
    method: &str,
    grade: &str,
    reading: &Reading<'_>,
) -> Result<Draft, Bad> {
    let learner = learner(node)?;
    let title = node.at("AssessmentReference/AssessmentIdentity/AssessmentIdentifier");
    let id = node.at("StudentAssessmentIdentifier");
    if id.is_empty() || title.is_empty() || method.is_empty() {
        let fix = "must have a StudentAssessmentIdentifier, an AssessmentReference and a reporting method";
        return Err(Bad::new("StudentAssessment", "EDFI-ASSESSMENT", fix));
    }
    let result = ResultGiven {
        kind: reading.mapping.kind.unwrap_or(GradeKind::Final),
        scale_id: slug(&format!("{title}/{method}")),
        scale_version: "1".to_owned(),
        value: grades::value(grade, &BTreeMap::new()),
        subject: Text::parse("AcademicSubject", node.short("AcademicSubject"), 100)?,
        title: Text::parse("AssessmentIdentifier", title, 200)?,
        result_set: Text::parse("SchoolYear", node.at("SchoolYear"), 100)?,
        points: None,
    };
    Ok(Draft {
        kind: RecordKind::Assessment,
        local_key: key(&[id, method])?,
        learner,
        group: None,
        date,
        recorded_at: None,
        confidential: false,
        body: Body::Assessment(Assessment { result: Some(result.check()?), comment: None }),
    })
}

/// Lower case, with hyphens for all that isn't a letter, a digit or the slash between the two names.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '/' => slug.push(c.to_ascii_lowercase()),
            _ if !slug.ends_with(['-', '/']) && !slug.is_empty() => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(64);
    slug.trim_end_matches('-').to_owned()
}

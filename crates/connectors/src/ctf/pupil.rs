//! One pupil: who they are, and what they achieved before.

use super::{PRIVATE, Reading, attendance};
use crate::{
    entities::{Bad, id, key, slug},
    grades,
    item::{Draft, Item},
    mapping::{CtfId, DateFormat},
    parse::{self, former_upns},
    xml::Node,
};
use commonroll_core::{
    Body, LocalId, RecordKind, SchoolDate,
    directory::{LearnerDeclaration, Registration},
    record::{
        Assessment, Text,
        assessment::{GradeKind, ResultGiven},
    },
};
use std::collections::BTreeMap;

/// Reads a pupil. Whoever can't be named has no results either: nobody would know whose they are.
pub fn read(node: &Node, reading: &mut Reading<'_>) {
    let number = match reading.mapping.learner {
        CtfId::Upn => ("UPN", node.at("UPN")),
        CtfId::Uln => ("UniqueLearnerNumber", node.at("UniqueLearnerNumber")),
    };
    let learner = match id(number.0, number.1, "CTF-ID-BLANK") {
        Ok(learner) => learner,
        Err(bad) => return reading.entities.give(node.line, None, Err(bad)),
    };
    let declared = declared(node, &learner, reading.mapping.registration);
    reading.entities.give(node.line, None, declared.map(Item::Learner));
    for child in node.children() {
        match child.name.as_str() {
            "StageAssessments" => stages(child, &learner, reading),
            "Attendance" => attendance::years(child, &learner, reading),
            "UPN"
            | "UniqueLearnerNumber"
            | "UCI"
            | "Surname"
            | "Forename"
            | "DOB"
            | "Sex"
            | "Gender"
            | "BasicDetails" => {}
            name if PRIVATE.contains(&name) => {}
            name => reading.entities.unread(child.line, name, "elements of this name are not read"),
        }
    }
}

fn declared(
    node: &Node,
    learner: &LocalId,
    registration: Option<Registration>,
) -> Result<LearnerDeclaration, Bad> {
    let number = |element: &str| {
        let text = node.at(element);
        if text.len() > 32 || text.chars().any(char::is_control) {
            return Err(Bad::new(element, "CTF-VALUE", "is longer than any identifier of its sort"));
        }
        Ok(text.to_owned())
    };
    let birth_date = match node.at("DOB") {
        "" => None,
        text => Some(
            parse::date(text, DateFormat::Iso)
                .ok_or_else(|| Bad::new("DOB", "CTF-DATE", "must be a real date written as YYYY-MM-DD"))?,
        ),
    };
    let registration = match (registration, node.at("BasicDetails/EnrolStatus")) {
        (Some(registration), _) => registration,
        (None, "S") => Registration::Subsidiary,
        (None, "G" | "F" | "O") => Registration::Guest,
        (None, "P") => Registration::Previous,
        (None, "" | "C" | "M") => Registration::Home,
        (None, _) => return Err(Bad::new("EnrolStatus", "CTF-VALUE", "must be C, M, S, G, F, O or P")),
    };
    Ok(LearnerDeclaration {
        local_id: learner.clone(),
        registration,
        upn: number("UPN")?,
        uln: number("UniqueLearnerNumber")?,
        uci: number("UCI")?,
        birth_date,
        surname: Text::parse("Surname", node.at("Surname"), 100)?,
        forename: Text::parse("Forename", node.at("Forename"), 100)?,
        known_as: Text::parse("PreferredForename", node.at("BasicDetails/PreferredForename"), 100)?,
        former_upns: former_upns(node.at("BasicDetails/FormerUPN")),
    })
}

fn stages(node: &Node, learner: &LocalId, reading: &mut Reading<'_>) {
    for stage in node.all("KeyStage") {
        let name = stage.at("Stage");
        for result in stage.all("StageAssessment") {
            let date = dated(result, reading.mapping.result_day.as_deref());
            let about = date.as_ref().ok().map(|date| (RecordKind::Assessment, *date));
            let draft = date.and_then(|date| draft(name, result, date, learner));
            reading.entities.give(result.line, about, draft.map(Item::Record));
        }
    }
}

/// The date of a result. The format says its year; the mapping says the day, else it is the last of the school year.
fn dated(result: &Node, day: Option<&str>) -> Result<SchoolDate, Bad> {
    let text = match result.at("ResultDate") {
        "" => format!("{}-{}", result.at("Year"), day.unwrap_or("08-31")),
        date => date.to_owned(),
    };
    parse::date(&text, DateFormat::Iso).ok_or_else(|| {
        Bad::new("Year", "CTF-DATE", "must be a year written as YYYY (and `result_day` as MM-DD)")
    })
}

fn draft(stage: &str, result: &Node, date: SchoolDate, learner: &LocalId) -> Result<Draft, Bad> {
    let [subject, method, component, qualifier] =
        ["Subject", "Method", "Component", "ResultQualifier"].map(|name| result.at(name));
    let year = result.at("Year");
    if stage.is_empty() || subject.is_empty() {
        return Err(Bad::new("StageAssessment", "CTF-STAGE", "must name a stage and a subject"));
    }
    let title: Vec<&str> =
        [stage, subject, method, component].into_iter().filter(|word| !word.is_empty()).collect();
    let scale = if qualifier.is_empty() { "unsaid" } else { qualifier };
    let given = ResultGiven {
        kind: GradeKind::Prior,
        scale_id: format!("ctf/{}", slug(scale)),
        scale_version: "1".to_owned(),
        value: grades::value(result.at("Result"), &BTreeMap::new()),
        subject: Text::parse("Subject", subject, 100)?,
        title: Text::parse("Component", &title.join(" "), 200)?,
        result_set: Text::parse("Year", &format!("{stage} {year}"), 100)?,
        points: None,
    };
    let parts =
        [learner.as_str(), stage, year, subject, method, component, result.at("ResultStatus"), qualifier];
    Ok(Draft {
        kind: RecordKind::Assessment,
        local_key: key(&parts, "CTF-KEY")?,
        learner: learner.clone(),
        group: None,
        date,
        recorded_at: None,
        confidential: false,
        body: Body::Assessment(Assessment { result: Some(given.check()?), comment: None }),
    })
}

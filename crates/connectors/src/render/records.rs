//! Results and behaviour for the program that enters them in SIMS, with the record's id and revision beside.
//!
//! A result's first six elements are named as SIMS' interface for third parties names them where it reads results out. How it takes
//! them, and how it takes behaviour, no description at hand says: all other names are ours, after the columns of typical reports. A
//! row says all that the home may have: what is blank in a newer revision is not to stand there any more.

use super::{AssessmentRow, BehaviourRow, RowHead, clock, xml::Xml};

/// Assessment results.
pub fn results_xml(rows: &[AssessmentRow]) -> Vec<u8> {
    let mut xml = Xml::new("Results");
    for row in rows {
        xml.open("Result");
        xml.element("PersonID", row.head.learner.as_str());
        let mut given = Given { xml: &mut xml, head: &row.head };
        given.element("Assessment", &row.aspect);
        given.element("Description", &row.result_set);
        given.element("Result", &row.letter);
        given.element("Notes", &row.comment);
        given.xml.element("DateAchieved", &row.head.date.to_string());
        given.element("Subject", &row.subject);
        given.element("Title", &row.title);
        given.element("Kind", &row.kind);
        given.element("Scale", &row.scale);
        xml.record(&row.head);
        xml.close("Result");
    }
    xml.end("Results")
}

/// Behaviour and achievement: one learner's part an element, told apart by `Polarity`.
pub fn behaviour_xml(rows: &[BehaviourRow]) -> Vec<u8> {
    let mut xml = Xml::new("BehaviourEvents");
    for row in rows {
        let text = |number: Option<String>| number.unwrap_or_default();
        xml.open("BehaviourEvent");
        xml.element("PersonID", row.head.learner.as_str());
        xml.element("Date", &row.head.date.to_string());
        let mut given = Given { xml: &mut xml, head: &row.head };
        given.element("Time", &clock(row.time));
        given.element("Polarity", &row.polarity);
        given.element("Type", &row.sort);
        given.element("Category", &row.category);
        given.element("Label", &row.label);
        given.element("Severity", &text(row.severity.map(|level| level.to_string())));
        given.element("Location", &row.location);
        given.element("Role", &row.role);
        given.element("Action", &row.action);
        given.element("Status", &row.status);
        given.element("Comments", &row.text);
        given.element("HomeActionBy", &text(row.home_action_by.map(|date| date.to_string())));
        xml.record(&row.head);
        xml.close("BehaviourEvent");
    }
    xml.end("BehaviourEvents")
}

/// What the source gave: blank in a row that was taken back.
struct Given<'a> {
    xml: &'a mut Xml,
    head: &'a RowHead,
}

impl Given<'_> {
    fn element(&mut self, name: &str, text: &str) {
        self.xml.element(name, if self.head.withdrawn { "" } else { text });
    }
}

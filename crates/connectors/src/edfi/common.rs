//! What all Ed-Fi entities share: the learner, the school, dates, and a place to report to.

use crate::xml::Node;
use crate::{
    connector::Settings,
    item::{Item, Place, Problem, Scope, Sink},
    mapping::{Covers, DateFormat, EdFi},
    parse,
};
use commonroll_core::{Invalid, LocalId, RecordKind, SchoolDate};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// An element can't be read.
pub struct Bad {
    pub element: &'static str,
    pub rule: &'static str,
    pub fix: String,
}

impl Bad {
    pub fn new(element: &'static str, rule: &'static str, fix: impl Into<String>) -> Self {
        Self { element, rule, fix: fix.into() }
    }
}

impl From<Invalid> for Bad {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.field, "EDFI-VALUE", invalid.rule)
    }
}

/// What all parts of the connector share.
pub struct Reading<'a> {
    pub mapping: &'a EdFi,
    pub zone: &'a TimeZone,
    out: &'a mut dyn Sink,
    dates: BTreeSet<SchoolDate>,
    spoiled: BTreeSet<SchoolDate>,
    given: bool,
    all_spoiled: bool,
    unread: BTreeSet<String>,
}

impl<'a> Reading<'a> {
    pub fn new(mapping: &'a EdFi, settings: &'a Settings, out: &'a mut dyn Sink) -> Self {
        Self {
            mapping,
            zone: &settings.zone,
            out,
            dates: BTreeSet::new(),
            spoiled: BTreeSet::new(),
            given: false,
            all_spoiled: false,
            unread: BTreeSet::new(),
        }
    }

    /// Gives what an element became, or tells why it can't be read. `date` is its date, as far as it is known.
    pub fn give(&mut self, line: u64, date: Option<SchoolDate>, result: Result<Item, Bad>) {
        match result {
            Ok(item) => {
                self.given = true;
                self.dates.extend(date);
                self.out.item(item, Place { line });
            }
            Err(bad) => {
                match date {
                    Some(date) => _ = self.spoiled.insert(date),
                    None => self.all_spoiled = true,
                }
                self.out.problem(Problem::new(line, bad.element, bad.rule, bad.fix));
            }
        }
    }

    /// Tells once of an element that isn't read.
    pub fn unread(&mut self, node: &Node) {
        if self.unread.len() < 64 && self.unread.insert(node.name.clone()) {
            let field: String = node.name.chars().take(64).collect();
            self.out.problem(Problem::new(
                node.line,
                field,
                "EDFI-NOT-READ",
                "elements of this name are not read",
            ));
        }
    }

    /// True if the mapping reads this school.
    pub fn is_school(&self, id: &str) -> bool {
        self.mapping.school.as_ref().is_none_or(|school| school.has(id))
    }

    /// True if the mapping reads this learner.
    pub fn is_learner(&self, id: &str) -> bool {
        self.mapping.learners.as_ref().is_none_or(|learners| learners.iter().any(|learner| learner == id))
    }

    /// Tells what the file is complete about.
    pub fn covers(self, students: bool, kind: Option<RecordKind>) {
        let sound = self.given && !self.all_spoiled && self.spoiled.is_empty();
        match (self.mapping.covers, kind) {
            (None, _) if students && sound => self.out.covers(Scope::Learners),
            (Some(Covers::Everything), _) if students && sound => self.out.covers(Scope::Learners),
            (Some(Covers::Everything), Some(kind)) if sound => self.out.covers(Scope::Records(kind)),
            (Some(Covers::Dates), Some(kind)) if !self.all_spoiled => {
                self.dates
                    .difference(&self.spoiled)
                    .for_each(|date| self.out.covers(Scope::Day(kind, *date)));
            }
            _ => {}
        }
    }
}

/// The learner of an element.
pub fn learner(node: &Node) -> Result<LocalId, Bad> {
    let id = node.at("StudentReference/StudentIdentity/StudentUniqueId");
    if id.is_empty() {
        return Err(Bad::new("StudentReference", "EDFI-STUDENT", "must name the student by StudentUniqueId"));
    }
    Ok(LocalId::parse("StudentUniqueId", id)?)
}

/// A date at a path.
pub fn date(node: &Node, path: &str, element: &'static str) -> Result<SchoolDate, Bad> {
    parse::date(node.at(path), DateFormat::Iso)
        .ok_or_else(|| Bad::new(element, "EDFI-DATE", "must be a real date written as YYYY-MM-DD"))
}

/// A key of several parts.
pub fn key(parts: &[&str]) -> Result<String, Bad> {
    let key = parts.join("\u{1f}");
    if key.len() > 512 || parts.iter().any(|part| part.chars().any(char::is_control)) {
        return Err(Bad::new("", "EDFI-KEY", "the ids that tell this element from the others are too long"));
    }
    Ok(key)
}

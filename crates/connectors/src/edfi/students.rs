//! Students: learners. Addresses, characteristics and contacts are not read.

use super::common::{Bad, Reading, date};
use crate::{item::Item, xml::Node};
use commonroll_core::{
    LocalId,
    directory::{LearnerDeclaration, Registration},
    record::Text,
};

pub fn student(node: &Node, reading: &mut Reading<'_>) {
    if !reading.is_learner(node.at("StudentUniqueId")) {
        return;
    }
    let learner = learner(node, reading);
    reading.give(node.line, None, learner.map(Item::Learner));
}

fn learner(node: &Node, reading: &Reading<'_>) -> Result<LearnerDeclaration, Bad> {
    let birth_date = match node.at("BirthData/BirthDate") {
        "" => None,
        _ => Some(date(node, "BirthData/BirthDate", "BirthDate")?),
    };
    Ok(LearnerDeclaration {
        local_id: LocalId::parse("StudentUniqueId", node.at("StudentUniqueId"))?,
        registration: reading.mapping.registration.unwrap_or(Registration::Home),
        upn: String::new(),
        uln: String::new(),
        uci: String::new(),
        former_upns: Vec::new(),
        birth_date,
        surname: Text::parse("LastSurname", node.at("Name/LastSurname"), 100)?,
        forename: Text::parse("FirstName", node.at("Name/FirstName"), 100)?,
        known_as: Text::parse("PreferredFirstName", node.at("Name/PreferredFirstName"), 100)?,
    })
}

//! Students: learners.

use super::{Reading, ref_id};
use crate::{
    entities::{Bad, id},
    item::Item,
    mapping::DateFormat,
    parse::{self, former_upns},
    xml::Node,
};
use commonroll_core::{
    directory::{LearnerDeclaration, Registration},
    record::Text,
};

pub fn person(node: &Node, reading: &mut Reading<'_>) {
    let learner = learner(node, reading);
    reading.entities.give(node.line, None, learner.map(Item::Learner));
}

/// The first text at one of these paths.
fn first<'n>(node: &'n Node, paths: &[&str]) -> &'n str {
    paths.iter().map(|path| node.at(path)).find(|text| !text.is_empty()).unwrap_or_default()
}

fn learner(node: &Node, reading: &Reading<'_>) -> Result<LearnerDeclaration, Bad> {
    let number = |element: &'static str| number(element, node.at(element));
    let births = ["PersonInfo/Demographics/BirthDate", "PersonalInformation/Demographics/BirthDate"];
    let birth_date =
        match first(node, &births) {
            "" => None,
            text => Some(parse::date(text, DateFormat::Iso).ok_or_else(|| {
                Bad::new("BirthDate", "SIF-DATE", "must be a real date written as YYYY-MM-DD")
            })?),
        };
    let surnames = ["PersonInfo/Name/FamilyName", "PersonalInformation/Name/FamilyName"];
    let forenames = ["PersonInfo/Name/GivenName", "PersonalInformation/Name/GivenName"];
    Ok(LearnerDeclaration {
        local_id: id("RefId", ref_id(node), "SIF-STUDENT")?,
        registration: reading.mapping.registration.unwrap_or(Registration::Home),
        upn: number("UPN")?,
        uln: match number("ULN")? {
            uln if uln.is_empty() => number("UniqueLearnerNumber")?,
            uln => uln,
        },
        uci: uci(node)?,
        birth_date,
        surname: Text::parse("FamilyName", first(node, &surnames), 100)?,
        forename: Text::parse("GivenName", first(node, &forenames), 100)?,
        known_as: Text::parse("GivenName", known_as(node), 100)?,
        former_upns: former_upns(node.at("FormerUPN")),
    })
}

fn number(element: &'static str, text: &str) -> Result<String, Bad> {
    if text.len() > 32 || text.chars().any(char::is_control) {
        return Err(Bad::new(element, "SIF-VALUE", "is longer than any identifier of its sort"));
    }
    Ok(text.to_owned())
}

/// The candidate's number, which the British model has among the identifiers of others.
fn uci(node: &Node) -> Result<String, Bad> {
    const NAME: &str = "ExternalLearnerIdentifier";
    let uci = node.find("ExternalLearnerIdentifierList").and_then(|list| {
        list.all(NAME).find(|one| one.attribute("IdentifierType") == Some("UCI")).map(|one| one.text.trim())
    });
    number(NAME, uci.unwrap_or_default())
}

/// The given name of the preferred name.
fn known_as(node: &Node) -> &str {
    let preferred = node.find("PersonInfo/OtherNames").and_then(|names| {
        names.all("Name").find(|name| name.attribute("Type") == Some("PRF")).map(|name| name.at("GivenName"))
    });
    preferred.unwrap_or_else(|| node.at("PersonalInformation/Name/PreferredGivenName"))
}

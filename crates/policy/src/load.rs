//! From texts to an [`Engine`]: parse, hold against the schema strictly, and against the house's own rules.
//!
//! Nothing that has a fault or even a warning is ever put to use: an impossible rule is a rule that somebody relies on
//! in vain. The house's rules: every policy has an `@id` and an `@says`, and none names an institution, a record or an
//! agreement, since decisions are remembered by relation (see [`crate::facts`]) and nobody administers lists of names.

use crate::{
    engine::Engine,
    finding::Finding,
    scene::{Act, Person, Scene, Thing, environments},
    texts::{SCHEMA, Texts},
    verdict::DenyCode,
};
use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use commonroll_core::{Purpose, Role};
use std::collections::BTreeMap;

/// How far a policy may follow attributes: `resource.home`, and no further. What must be loaded stays bounded.
const LEVEL: u32 = 1;
/// Entity types that a policy may name one by one.
const NAMEABLE: [&str; 4] = ["Action", "FieldGroup", "Role", "Purpose"];

/// A policy set is not fit to be put in force. Nothing is decided with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A file that every set has is not there.
    #[error(
        "policy file `{file}` is missing: restore it, or start from the set that this program ships with"
    )]
    Missing {
        /// Its name.
        file: String,
    },
    /// A file is there but can't be read as text.
    #[error("policy file `{file}` can't be read: {problem}")]
    Unreadable {
        /// Its name, or `.` for the folder.
        file: String,
        /// What the system says.
        problem: String,
    },
    /// The texts have faults. At least one.
    #[error("{}{}", first(.0), more(.0))]
    Rejected(Vec<Finding>),
}

fn first(findings: &[Finding]) -> String {
    findings.first().map_or_else(|| "the policy set has a fault".to_owned(), ToString::to_string)
}

fn more(findings: &[Finding]) -> String {
    if findings.len() > 1 { format!(" (and {} more)", findings.len() - 1) } else { String::new() }
}

/// Parses and validates.
pub(crate) fn load(texts: &Texts) -> Result<Engine, PolicyError> {
    if let Some(file) = texts.missing() {
        return Err(PolicyError::Missing { file });
    }
    let (schema, policies, places) = parse(texts).map_err(PolicyError::Rejected)?;
    let mut findings = house_rules(texts, &policies, &places);
    findings.extend(validate(texts, &schema, &policies, &places));
    let engine = Engine::new(schema, policies);
    findings.extend(unspoken(&engine));
    // The validator tells the same fault once for each kind of record that the rule could meet.
    findings.dedup();
    if findings.is_empty() { Ok(engine) } else { Err(PolicyError::Rejected(findings)) }
}

/// Where a policy stands.
pub(crate) struct Place {
    pub file: String,
    pub offset: usize,
}

pub(crate) type Places = BTreeMap<String, Place>;

/// Parses the texts. Policies are known by their `@id` from here on.
pub(crate) fn parse(texts: &Texts) -> Result<(Schema, PolicySet, Places), Vec<Finding>> {
    let schema = parse_schema(texts.get(SCHEMA).unwrap_or_default())?;
    let (mut set, mut places, mut findings) = (PolicySet::new(), Places::new(), Vec::new());
    for (file, text) in texts.iter().filter(|(file, _)| *file != SCHEMA) {
        match text.parse::<PolicySet>() {
            Err(fault) => findings.extend(Finding::from_cedar(file, text, 0, &fault)),
            Ok(parsed) => findings.extend(take(file, text, &parsed, &mut set, &mut places)),
        }
    }
    if findings.is_empty() { Ok((schema, set, places)) } else { Err(findings) }
}

fn parse_schema(text: &str) -> Result<Schema, Vec<Finding>> {
    let (schema, warnings) =
        Schema::from_cedarschema_str(text).map_err(|fault| Finding::from_cedar(SCHEMA, text, 0, &fault))?;
    let warnings: Vec<Finding> =
        warnings.flat_map(|warning| Finding::from_cedar(SCHEMA, text, 0, &warning)).collect();
    if warnings.is_empty() { Ok(schema) } else { Err(warnings) }
}

/// Takes one file's policies into the set, each under its `@id`.
fn take(
    file: &str,
    text: &str,
    parsed: &PolicySet,
    set: &mut PolicySet,
    places: &mut Places,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if parsed.templates().next().is_some() {
        findings.push(Finding::whole(
            file,
            "templates (?principal, ?resource) are not used here: write the rule out",
        ));
    }
    for policy in parsed.policies() {
        let offset = text.find(&policy.to_string()).unwrap_or(0);
        let mut fault = |message: &str| findings.push(Finding::at(file, text, offset, message));
        let Some(id) = policy.annotation("id").filter(|id| is_id(id)) else {
            fault("a policy needs @id(\"...\"): lower-case letters, digits and hyphens, at most 64");
            continue;
        };
        if set.add(policy.new_id(PolicyId::new(id))).is_err() {
            fault(&format!("the @id \"{id}\" is taken by another policy"));
        } else {
            places.insert(id.to_owned(), Place { file: file.to_owned(), offset });
        }
    }
    findings
}

fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What Cedar's own validator finds, warnings included.
fn validate(texts: &Texts, schema: &Schema, policies: &PolicySet, places: &Places) -> Vec<Finding> {
    let result = Validator::new(schema.clone()).validate_with_level(policies, ValidationMode::Strict, LEVEL);
    let errors = result.validation_errors().map(|e| (e.policy_id(), e as &dyn miette::Diagnostic));
    let warnings = result.validation_warnings().map(|w| (w.policy_id(), w as &dyn miette::Diagnostic));
    errors
        .chain(warnings)
        .flat_map(|(id, fault)| {
            let id: &str = id.as_ref();
            let file = places.get(id).map_or("", |place| place.file.as_str());
            Finding::from_cedar(file, texts.get(file).unwrap_or_default(), 0, fault)
        })
        .collect()
}

/// The house's own rules for a policy.
fn house_rules(texts: &Texts, policies: &PolicySet, places: &Places) -> Vec<Finding> {
    let mut findings = Vec::new();
    for policy in policies.policies() {
        let Some(place) = places.get(policy.id().to_string().as_str()) else { continue };
        let text = texts.get(&place.file).unwrap_or_default();
        let faults = [says(policy), code(policy), names(policy)];
        findings
            .extend(faults.into_iter().flatten().map(|m| Finding::at(&place.file, text, place.offset, m)));
    }
    findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    findings
}

fn says(policy: &Policy) -> Option<String> {
    let said = policy.annotation("says").is_some_and(|says| !says.trim().is_empty());
    (!said).then(|| "a policy needs @says(\"...\"): the rule in plain words, for a data manager".to_owned())
}

fn code(policy: &Policy) -> Option<String> {
    let bad = policy.annotation("code").is_some_and(|code| code.parse::<DenyCode>().is_err());
    bad.then(|| format!("@code must be one of {}", DenyCode::ALL.map(DenyCode::as_str).join(", ")))
}

fn names(policy: &Policy) -> Option<String> {
    let named = policy.entity_literals().into_iter().map(|literal| literal.type_name().to_string());
    let named = named.into_iter().find(|named| !NAMEABLE.contains(&named.as_str()))?;
    Some(format!(
        "a policy must not name one {named}: say how it stands to the record (principal == resource.home), and leave \
         who shares what with whom to agreements"
    ))
}

/// Everything of this program that the schema can't express: each act about each thing, each field group, role and
/// purpose, with all that may be absent and without.
fn unspoken(engine: &Engine) -> Vec<Finding> {
    let mut findings = Vec::new();
    let roles = Role::ALL.map(|role| Person::new(role, Purpose::Administration));
    let purposes = Purpose::ALL.map(|purpose| Person::new(Role::Head, purpose));
    let hats: Vec<_> = roles.into_iter().chain(purposes).map(Some).collect();
    for (act, thing) in environments() {
        let institution = matches!(act, Act::Institution(_) | Act::ReceiveCard);
        let people: &[Option<Person>] = if institution { &[None] } else { &hats };
        let groups: Vec<_> = thing.groups().map(|(number, name)| (Some(number), name)).collect();
        let groups = if groups.is_empty() { vec![(None, "")] } else { groups };
        // Each role and purpose once, and each group once with all that may be absent and once without.
        let scenes = people.iter().map(|person| (*person, true, groups[0]));
        let more = groups.iter().flat_map(|group| [true, false].map(|full| (people[0], full, *group)));
        for (person, full, (group, name)) in scenes.chain(more) {
            let scene = Scene {
                act,
                thing,
                actor: "actor",
                person,
                source: "source",
                home: full.then_some("home"),
                placed: full,
                confidential: false,
                agreement: (full && thing != Thing::Office).then(|| ("agreement/1".to_owned(), u32::MAX)),
            };
            let asked = engine.stage(&scene).and_then(|stage| engine.request(&scene, &stage, group));
            if let Err(fault) = asked {
                let told = format!("the schema can't express {} of {} {name}", act.as_str(), thing.as_str());
                findings.push(Finding::whole(SCHEMA, format!("{}: {}", told.trim_end(), fault.0)));
            }
        }
    }
    findings.dedup();
    findings.truncate(8);
    findings
}

//! What is to be proved: `policies/invariants/*.cedar`, in the language of the rules themselves.
//!
//! An invariant is written as a permit with `@id`, `@says` and `@ask`. `never`: what it describes must never be allowed.
//! `fewer`: where it applies, an agreement that lists less must never allow more. `errors`: no rule can fail.

use crate::{finding::Finding, policy::Policy, texts};
use cedar_policy::{Effect, Policy as Rule, PolicySet, ValidationMode, Validator};
use std::{collections::BTreeSet, path::Path};

/// The invariants that this program was built with.
const EMBEDDED: &[(&str, &str)] = &[
    ("hosts.cedar", include_str!("../../../../policies/invariants/hosts.cedar")),
    ("people.cedar", include_str!("../../../../policies/invariants/people.cedar")),
    ("soundness.cedar", include_str!("../../../../policies/invariants/soundness.cedar")),
    ("strangers.cedar", include_str!("../../../../policies/invariants/strangers.cedar")),
];

/// What is asked about an invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Never,
    Fewer,
    Errors,
}

/// Something that has to hold of a policy set.
#[derive(Debug, Clone)]
pub struct Invariant {
    pub(crate) id: String,
    pub(crate) says: String,
    pub(crate) ask: Ask,
    pub(crate) rule: Rule,
}

impl Invariant {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it says in plain words.
    pub fn says(&self) -> &str {
        &self.says
    }

    /// The invariants that this program was built with, for a policy set's schema.
    ///
    /// # Errors
    /// Every fault: the schema may lack a word that they need.
    pub fn embedded(policy: &Policy) -> Result<Vec<Self>, Vec<Finding>> {
        read(policy, EMBEDDED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    /// The invariants of a policy folder: its subfolder `invariants`. Those of this program, if it has none.
    ///
    /// # Errors
    /// Every fault, with its file and line.
    pub fn from_dir(policy: &Policy, dir: &Path) -> Result<Vec<Self>, Vec<Finding>> {
        let folder = dir.join("invariants");
        let Ok(entries) = std::fs::read_dir(&folder) else { return Self::embedded(policy) };
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let names: BTreeSet<String> = names.filter(|name| name.ends_with(".cedar")).collect();
        let mut files = Vec::new();
        for name in names {
            match texts::read(&folder.join(&name)) {
                Ok(text) => files.push((name, text.replace("\r\n", "\n"))),
                Err(error) => {
                    return Err(vec![Finding::whole(&name, format!("can't be read: {}", error.kind()))]);
                }
            }
        }
        read(policy, files.into_iter())
    }
}

fn read(
    policy: &Policy,
    files: impl Iterator<Item = (String, String)>,
) -> Result<Vec<Invariant>, Vec<Finding>> {
    let (mut invariants, mut findings) = (Vec::new(), Vec::new());
    for (file, text) in files {
        match text.parse::<PolicySet>() {
            Err(fault) => findings.extend(Finding::from_cedar(&file, &text, 0, &fault)),
            Ok(set) => {
                let validator = Validator::new(policy.engine().schema().clone());
                let result = validator.validate(&set, ValidationMode::Strict);
                let faults = result.validation_errors();
                findings.extend(faults.flat_map(|fault| Finding::from_cedar(&file, &text, 0, fault)));
                for rule in set.policies() {
                    match invariant(rule) {
                        Ok(invariant) => invariants.push(invariant),
                        Err(problem) => {
                            let offset = text.find(&rule.to_string()).unwrap_or(0);
                            findings.push(Finding::at(&file, &text, offset, problem));
                        }
                    }
                }
            }
        }
    }
    invariants.sort_by(|one, other| one.id.cmp(&other.id));
    if let Some(pair) = invariants.windows(2).find(|pair| pair[0].id == pair[1].id) {
        findings.push(Finding::whole("invariants", format!("the @id \"{}\" is taken twice", pair[0].id)));
    }
    findings.dedup();
    if findings.is_empty() { Ok(invariants) } else { Err(findings) }
}

fn invariant(rule: &Rule) -> Result<Invariant, String> {
    let annotation = |key| rule.annotation(key).map(str::trim).filter(|text| !text.is_empty());
    let ask = match annotation("ask") {
        Some("never") => Ask::Never,
        Some("fewer") => Ask::Fewer,
        Some("errors") => Ask::Errors,
        _ => return Err("an invariant needs @ask(\"never\"), @ask(\"fewer\") or @ask(\"errors\")".to_owned()),
    };
    if rule.effect() != Effect::Permit {
        return Err("an invariant is written as a permit: it describes what is asked about".to_owned());
    }
    let (Some(id), Some(says)) = (annotation("id"), annotation("says")) else {
        return Err("an invariant needs @id(\"...\") and @says(\"...\")".to_owned());
    };
    Ok(Invariant { id: id.to_owned(), says: says.to_owned(), ask, rule: rule.clone() })
}

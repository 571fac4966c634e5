//! `[outbox.names]`: what the home's own MIS calls a sort of behaviour and a kind of grade.
//!
//! Types of incidents and aspects are lists that each school makes for itself, so a partner's words fit none of them. What is
//! named here is written in the home's words; in lists for people the source's own stand there for the rest, and what a program
//! enters waits for its name.

use super::wrong;
use crate::error::AgentError;
use commonroll_core::record::{assessment::GradeKind, behaviour::Category};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, path::Path};

/// Characters of a name, as many as a label may have.
const NAME_MAX: usize = 200;

/// The home's own names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// A shared category, and the type of incident or achievement that stands for it.
    #[serde(default)]
    pub types: HashMap<Category, String>,
    /// What a grade claims, and the aspect in which it is entered.
    #[serde(default)]
    pub aspects: HashMap<GradeKind, String>,
}

impl Names {
    /// Checks the names.
    pub(super) fn check(self, file: &Path) -> Result<Self, AgentError> {
        let sound = |name: &String| {
            (1..=NAME_MAX).contains(&name.chars().count())
                && !name.trim().is_empty()
                && !name.chars().any(char::is_control)
        };
        let unsound = |table: &str, names: Vec<(String, &String)>| {
            let found = names.into_iter().filter(|(_, name)| !sound(name)).map(|(key, _)| key).min()?;
            Some(format!(
                "key `outbox.names.{table}.{found}`: must be 1 to {NAME_MAX} characters, and not blanks alone"
            ))
        };
        let types = self.types.iter().map(|(key, name)| (word(key), name)).collect();
        let aspects = self.aspects.iter().map(|(key, name)| (word(key), name)).collect();
        if let Some(problem) = unsound("types", types).or_else(|| unsound("aspects", aspects)) {
            return Err(wrong(file, problem));
        }
        Ok(self)
    }
}

/// A key's name in the schema, as it is written in the settings.
fn word<T: Serialize>(key: &T) -> String {
    serde_json::to_value(key).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

//! `[outbox.names]`: what the home's own MIS calls a sort of behaviour and a kind of grade.
//!
//! Types of incidents and aspects are lists that each school makes for itself, so a partner's words fit none of them. What is
//! named here is written in the home's words; for the rest the source's own stand there.

use super::wrong;
use crate::error::AgentError;
use commonroll_core::record::{assessment::GradeKind, behaviour::Category};
use serde::Deserialize;
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
            (1..=NAME_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control)
        };
        for (key, all) in
            [("types", self.types.values().all(sound)), ("aspects", self.aspects.values().all(sound))]
        {
            if !all {
                let problem = format!(
                    "key `outbox.names.{key}`: each name must have 1 to {NAME_MAX} visible characters"
                );
                return Err(wrong(file, problem));
            }
        }
        Ok(self)
    }
}

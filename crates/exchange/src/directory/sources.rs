//! What agents told of their sources, each all of its own anew, and since when each of it is so.
//!
//! It says nothing of anybody: `commonroll_core::sources` sees to that, at the agent and once more here. Who may see it is the
//! readiness pages' to ask.

use super::change::Uuid;
use crate::types::AgentId;
use commonroll_core::{SchoolDate, Timestamp, sources::SourceTold};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// A source as its agent told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceHeld {
    /// What was told.
    pub told: SourceTold,
    /// Since when it is read by this connector with this mapping.
    pub since: SchoolDate,
    /// Since when its exports are refused by this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_since: Option<SchoolDate>,
    /// Since when there are rows of each sort that is kept back, in the order of `told.kept`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_since: Vec<SchoolDate>,
}

/// All sources of one agent.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcesHeld {
    /// Which agent.
    pub agent: Uuid,
    /// When it told of them.
    pub at: Timestamp,
    /// The sources.
    pub sources: Vec<SourceHeld>,
}

impl SourceHeld {
    /// What is told now, with the ages of what was so before.
    pub(crate) fn aged(told: SourceTold, before: Option<&Self>, today: SchoolDate) -> Self {
        let alike =
            |one: &&Self| (&one.told.connector, &one.told.mapping) == (&told.connector, &told.mapping);
        let since = before.filter(alike).map_or(today, |one| one.since);
        let refused_since = told.refused.as_ref().map(|rule| {
            let same = before.filter(|one| one.told.refused.as_ref() == Some(rule));
            same.and_then(|one| one.refused_since).unwrap_or(today)
        });
        let kept_since = told.kept.iter().map(|kept| {
            let mut known = before.into_iter().flat_map(|one| one.told.kept.iter().zip(&one.kept_since));
            let same = known.find(|(one, _)| {
                (&one.caption, &one.rule, &one.code) == (&kept.caption, &kept.rule, &kept.code)
            });
            same.map_or(today, |(_, since)| *since)
        });
        Self { since, refused_since, kept_since: kept_since.collect(), told }
    }
}

/// The newest of each agent.
#[derive(Clone, Default)]
pub struct Sources {
    held: BTreeMap<AgentId, Arc<SourcesHeld>>,
}

impl Sources {
    pub(super) fn put(&mut self, sources: SourcesHeld) {
        self.held.insert(sources.agent.0, Arc::new(sources));
    }

    /// What an agent told last.
    pub fn of(&self, agent: AgentId) -> Option<&SourcesHeld> {
        self.held.get(&agent).map(Arc::as_ref)
    }
}

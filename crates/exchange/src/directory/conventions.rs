//! What partners agree on about their data: proposed by one, accepted by every other, in force from a day.
//!
//! Nobody is named in a convention but the people who proposed and accepted it, by id. Every institution that is a partner when
//! the last one answers has answered; a newer version on the same topic takes the place of an older one from its own day on.

use super::change::{Bytes16, PersonUuid};
use commonroll_core::{
    Role, SchoolDate, Timestamp,
    convention::{Says, plain},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Who spoke for an institution.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoke {
    /// Which institution.
    pub institution: u16,
    /// Who.
    pub person: PersonUuid,
    /// In which role.
    pub role: Role,
    /// When.
    pub at: Timestamp,
}

/// A convention as it stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convention {
    /// Which.
    pub id: Bytes16,
    /// What is agreed.
    pub says: Says,
    /// Version of its topic, from 1.
    pub version: u32,
    /// From which school date it holds.
    pub from: SchoolDate,
    /// Who proposed it.
    pub proposed: Spoke,
    /// Who accepted it, in that order; the proposer's institution is none of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Spoke>,
    /// When the last one accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Timestamp>,
    /// Who declined it, or took it back: then it never holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Spoke>,
}

impl Convention {
    /// The name of its newest step in the log.
    pub(super) const fn name(&self) -> &'static str {
        match (&self.ended, self.agreed, self.accepted.is_empty()) {
            (Some(ended), ..) if ended.institution == self.proposed.institution => "convention.taken_back",
            (Some(_), ..) => "convention.declined",
            (None, Some(_), _) => "convention.agreed",
            (None, None, false) => "convention.accepted",
            (None, None, true) => "convention.proposed",
        }
    }

    /// True while institutions still have to answer.
    pub const fn open(&self) -> bool {
        self.agreed.is_none() && self.ended.is_none()
    }

    /// True if an institution has spoken for it.
    pub fn has_spoken(&self, institution: u16) -> bool {
        self.proposed.institution == institution
            || self.accepted.iter().any(|spoke| spoke.institution == institution)
    }
}

/// Every convention, with those that hold no more.
#[derive(Clone, Default)]
pub struct Conventions {
    held: BTreeMap<[u8; 16], Arc<Convention>>,
}

impl Conventions {
    /// Takes a convention as it is from now on.
    pub(super) fn put(&mut self, convention: Convention) {
        self.held.insert(convention.id.0, Arc::new(convention));
    }

    /// The convention with this id.
    pub fn get(&self, id: &[u8; 16]) -> Option<&Convention> {
        self.held.get(id).map(Arc::as_ref)
    }

    /// Every one.
    pub fn all(&self) -> impl Iterator<Item = &Convention> {
        self.held.values().map(Arc::as_ref)
    }

    /// The version that a new convention on a topic gets.
    pub fn next_version(&self, topic: &str) -> u32 {
        let on = self.all().filter(|held| held.says.topic() == topic);
        on.map(|held| held.version).max().unwrap_or(0).saturating_add(1)
    }

    /// What is agreed and not replaced as of a date, or will hold later where nothing holds yet: one for each topic.
    pub fn standing(&self, date: SchoolDate) -> Vec<&Convention> {
        let mut topics: BTreeMap<String, &Convention> = BTreeMap::new();
        for held in self.all().filter(|held| held.agreed.is_some()) {
            // What holds counts before what will hold, and the newer before the older.
            let rank = |one: &Convention| (one.from <= date, one.version);
            let best = topics.entry(held.says.topic()).or_insert(held);
            if rank(held) > rank(best) {
                *best = held;
            }
        }
        topics.into_values().collect()
    }

    /// The words agreed for subjects on a date, by the other names as they are compared.
    pub fn words(&self, date: SchoolDate) -> BTreeMap<String, &str> {
        let mut words = BTreeMap::new();
        for held in self.standing(date).into_iter().filter(|held| held.from <= date) {
            if let Says::Subject { word, also } = &held.says {
                words.extend(also.iter().map(|other| (plain(other), word.as_str())));
            }
        }
        words
    }
}

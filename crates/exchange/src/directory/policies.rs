//! The policy set in force, as a part of the directory: one decision sees one set together with one state of the rest.
//!
//! A set that can't be loaded is in force all the same, and denies everything: going on with the set before could allow
//! what people have just forbidden. Proposing and activating is planned elsewhere; this only holds what is so.

use super::{
    approvals::Approval,
    change::{Bytes16, Bytes32},
};
use commonroll_policy::{Policy, PolicyError, Texts};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Loaded sets that are kept: the one in force, the one before, and some proposals.
const SHELF_MAX: usize = 4;

/// A proposed change of the policies. What people sign is its id: the hash over the set in force, the proposed set and a
/// number that is used once, so that an approval holds for this one change from this one set.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// See `policy_change_hash` in the exchange's `policies`.
    pub id: Bytes32,
    /// Hash of the set that was in force, and that it was compared with.
    pub from: Bytes32,
    /// Hash of the proposed set.
    pub to: Bytes32,
    /// The number used once, of which with `from` and `to` the id is made. Older logs don't have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Bytes16>,
    /// The proposed set's files by name; empty once it was put in force.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    /// True if it permits anything that wasn't permitted.
    pub widens: bool,
    /// True if it permits the same as before in every situation. Older logs don't say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alike: bool,
    /// What it changes, in words.
    pub changes: String,
    /// Who proposed it.
    pub by: Approval,
    /// Who approved it besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// True once it was put in force.
    #[serde(default)]
    pub used: bool,
}

impl Proposal {
    /// True if a second person has to approve it: whatever changes what anybody may do, or one alone could take everybody's
    /// rights away.
    pub const fn needs_second(&self) -> bool {
        !self.alike
    }
}

/// The set in force, and what is proposed.
#[derive(Clone, Default)]
pub struct Policies {
    in_force: Option<InForce>,
    proposals: BTreeMap<[u8; 32], Arc<Proposal>>,
    shelf: Shelf,
}

#[derive(Clone)]
struct InForce {
    hash: [u8; 32],
    whole: bool,
    approvals: Vec<Approval>,
    set: Result<Arc<Policy>, PolicyError>,
}

impl Policies {
    /// Puts a set in force.
    pub(super) fn put(&mut self, hash: [u8; 32], texts: BTreeMap<String, String>, approvals: Vec<Approval>) {
        let whole = !texts.is_empty();
        let texts = if whole { texts_of(&texts) } else { Texts::embedded() };
        let set = match texts.hash() == hash {
            true => self.shelf.load(texts),
            // A log of the first kind, written by a program with other rules inside; or a row that was tampered with.
            false => Err(PolicyError::Missing { file: "schema.cedarschema".to_owned() }),
        };
        self.in_force = Some(InForce { hash, whole, approvals, set });
    }

    /// The set in force, if there is one and it could be loaded. Without it everything is denied.
    pub fn set(&self) -> Option<&Arc<Policy>> {
        self.in_force.as_ref()?.set.as_ref().ok()
    }

    /// Why the set in force can't be used.
    pub fn fault(&self) -> Option<&PolicyError> {
        self.in_force.as_ref()?.set.as_ref().err()
    }

    /// Hash of the set in force, whether it could be loaded or not.
    pub fn hash(&self) -> Option<[u8; 32]> {
        self.in_force.as_ref().map(|held| held.hash)
    }

    /// True if the log holds the texts of the set in force; a log of the first kind has their hash alone.
    pub fn is_whole(&self) -> bool {
        self.in_force.as_ref().is_some_and(|held| held.whole)
    }

    pub(super) fn put_proposal(&mut self, proposal: Proposal) {
        self.proposals.insert(proposal.id.0, Arc::new(proposal));
    }

    /// The proposal with this id.
    pub fn proposal(&self, id: &[u8; 32]) -> Option<&Arc<Proposal>> {
        self.proposals.get(id)
    }

    /// Every proposal, those that were used and those that can't be any more among them.
    pub fn proposals(&self) -> impl Iterator<Item = &Arc<Proposal>> {
        self.proposals.values()
    }

    /// True if a proposal can still be approved and put in force: the set that it was compared with is in force.
    pub fn stands(&self, proposal: &Proposal) -> bool {
        !proposal.used && self.hash() == Some(proposal.from.0)
    }

    /// Who approved the set in force.
    pub fn approvals(&self) -> &[Approval] {
        self.in_force.as_ref().map_or(&[], |held| &held.approvals)
    }

    /// Loaded sets: loading takes tens of milliseconds, so nobody does it under a lock.
    pub const fn shelf(&self) -> &Shelf {
        &self.shelf
    }
}

/// Files by name as a set.
pub(crate) fn texts_of(files: &BTreeMap<String, String>) -> Texts {
    Texts::from_files(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

/// Sets that were loaded lately, by their hashes. Shared by every copy of the directory.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Vec<Arc<Policy>>>>);

impl Shelf {
    /// Loads a set, or finds it loaded.
    ///
    /// # Errors
    /// If the set has a fault: file and line.
    pub fn load(&self, texts: Texts) -> Result<Arc<Policy>, PolicyError> {
        let hash = texts.hash();
        let held = |sets: &mut Vec<Arc<Policy>>| {
            let at = sets.iter().position(|set| set.hash() == hash)?;
            let set = sets.remove(at);
            sets.push(set.clone());
            Some(set)
        };
        if let Some(set) = held(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(set);
        }
        let set = match Policy::built_in() {
            Ok(set) if set.hash() == hash => set,
            _ => Arc::new(Policy::new(texts)?),
        };
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= SHELF_MAX {
            sets.remove(0);
        }
        sets.push(set.clone());
        Ok(set)
    }
}

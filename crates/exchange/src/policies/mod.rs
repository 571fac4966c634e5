//! The policies as the log keeps them: which set is in force, and how that changes.
//!
//! What a set says is `commonroll-policy`'s affair; who is asked for a decision is `decide`'s.

mod keys;
mod propose;

pub(crate) use propose::texts_from;
pub use propose::{PolicyProposal, Proposed, policy_change_hash};

use crate::{
    Exchange, OpenError,
    directory::change::{Bytes32, Change},
    submit_with,
    writer::Work,
};
use commonroll_core::Timestamp;
use commonroll_policy::Texts;
use std::collections::BTreeMap;

impl Exchange {
    /// At a start: the log's first entry of this kind is the set inside the program; from then on a set comes into force
    /// only by being proposed, approved and activated, so another program's own set changes nothing. Refuses a set in
    /// force that this program can't use.
    pub(crate) async fn policy_in_force(&self, now: Timestamp) -> Result<(), OpenError> {
        if !self.shared.directory().policies().is_whole() {
            // Loading takes a while; do it here rather than in the log's one writer.
            self.shared.directory().policies().shelf().clone().load(Texts::embedded())?;
            let change = whole(&Texts::embedded());
            let first = move |work: &mut Work<'_>| {
                if !work.planner.directory.policies().is_whole() {
                    work.planner.make(change.clone());
                }
            };
            submit_with(&self.shared, "embedded", now, first).await.map_err(|_| OpenError::Setting {
                field: "database",
                rule: "the log could not be written".to_owned(),
            })?;
        }
        match self.shared.directory().policies().fault() {
            Some(fault) => Err(OpenError::Policy(fault.clone())),
            None => Ok(()),
        }
    }
}

/// A set without approvals: only the first of a log.
fn whole(texts: &Texts) -> Change {
    let files: BTreeMap<String, String> =
        texts.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    Change::Policy { hash: Bytes32(texts.hash()), texts: files, approvals: Vec::new() }
}

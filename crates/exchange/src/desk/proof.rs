//! The proof of one entry as a picture can be made of it: each hash from the leaf to the signed root, and from which side.

use crate::{
    Exchange,
    entry::Entry,
    office::Acting,
    questions::{AskError, concerns},
    types::NotAllowed,
};
use commonroll_audit::{
    files::InclusionFile,
    hash::{leaf_hash, node_hash},
};
use commonroll_core::Timestamp;
use commonroll_policy::OfficeAct;

/// One step of the path from the leaf to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The hash that the log gives.
    pub given: [u8; 32],
    /// True if it stands to the left of what was computed so far.
    pub left: bool,
    /// What is computed from the two.
    pub made: [u8; 32],
}

/// An entry's proof.
#[derive(Debug, Clone)]
pub struct ProofSeen {
    /// The entry, counted from 1.
    pub sequence: u64,
    /// Its leaf.
    pub leaf: [u8; 32],
    /// From the leaf upwards.
    pub steps: Vec<Step>,
    /// Entries under the root.
    pub size: u64,
    /// The root that the hub signed.
    pub root: [u8; 32],
    /// The key that signed it, in C2SP text form.
    pub key: String,
    /// True if the steps lead to the signed root.
    pub holds: bool,
    /// The proof as a file that anybody can check.
    pub file: String,
}

impl Exchange {
    /// The proof that an entry which concerns the asker's institution is in the log.
    ///
    /// # Errors
    /// [`AskError`], alike for an entry of others and one that isn't there.
    pub async fn proof_seen(
        &self,
        acting: Acting<'_>,
        sequence: u64,
        now: Timestamp,
    ) -> Result<ProofSeen, AskError> {
        self.at_desk(acting, OfficeAct::SeeLog)?;
        let proof = self.prove(sequence).await?;
        if !self.is_theirs(acting, &proof.entry) {
            return Err(NotAllowed::Denied.into());
        }
        self.looks(acting, ("proof", serde_json::json!({ "entry": sequence })), now).await?;
        let key = self.shared.log_key.public();
        let opened = proof.verify(key);
        let holds = opened.is_ok();
        let opened = opened.map_err(|_| AskError::Unavailable)?;
        let leaf = leaf_hash(&proof.entry);
        let steps = steps(leaf, &proof, opened.size);
        let root = opened.root;
        let led = steps.last().map_or(leaf, |step| step.made) == root;
        let file = proof.text();
        let (size, key) = (opened.size, key.to_string());
        Ok(ProofSeen { sequence, leaf, steps, size, root, key, holds: holds && led, file })
    }

    fn is_theirs(&self, acting: Acting<'_>, entry: &[u8]) -> bool {
        let own = acting.speaker;
        match Entry::decode(entry) {
            Ok(Entry::Record(record)) => record.concerns(own.number),
            Ok(Entry::Note(note)) => {
                let everybodys = ["policy.", "agreement.", "institution.", "directory.institution", "hub."];
                let by = note.by.strip_prefix("person:").and_then(|id| id.parse().ok());
                everybodys.iter().any(|with| note.what.starts_with(with))
                    || concerns(&note, own.institution().as_str())
                    || by.is_some_and(|id| {
                        self.shared.directory().person(id).is_some_and(|one| one.institution == own.number)
                    })
            }
            Err(_) => false,
        }
    }
}

/// The path of RFC 6962, step by step.
fn steps(leaf: [u8; 32], proof: &InclusionFile, size: u64) -> Vec<Step> {
    let (mut at, mut last, mut made) = (proof.index, size.saturating_sub(1), leaf);
    let mut steps = Vec::with_capacity(proof.path.len());
    for given in &proof.path {
        let left = at % 2 == 1 || at == last;
        if left {
            while at != 0 && at % 2 == 0 {
                (at, last) = (at / 2, last / 2);
            }
        }
        made = if left { node_hash(given, &made) } else { node_hash(&made, given) };
        steps.push(Step { given: *given, left, made });
        (at, last) = (at / 2, last / 2);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_audit::tree::Tree;

    #[test]
    fn every_path_of_a_tree_leads_step_by_step_to_its_root() {
        for size in 1..40u8 {
            let leaves: Vec<[u8; 32]> = (0..size).map(|n| leaf_hash(&[n])).collect();
            let tree = Tree::new(leaves.clone());
            for (index, leaf) in leaves.iter().enumerate() {
                let path = tree.path(index).unwrap();
                let proof =
                    InclusionFile { entry: Vec::new(), index: index as u64, path, checkpoint: String::new() };
                let steps = steps(*leaf, &proof, u64::from(size));
                assert_eq!(steps.last().map_or(*leaf, |step| step.made), tree.root(), "{index} of {size}");
            }
        }
    }
}

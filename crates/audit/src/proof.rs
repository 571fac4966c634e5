//! Proofs over a log too big for memory, and the check that a log only ever grew.
//!
//! Every hash of a proof covers a range of entries, and every range is a row of complete subtrees. A complete subtree
//! never changes, so a store keeps each under (height, index) once; this module says which ones a proof needs
//! (`needed_for_..`) and joins them. It does not fetch: a store lists, asks once, and hands over a
//! [`FetchedSubtrees`].

use std::collections::HashMap;

use crate::frontier::fold_right;
use crate::hash::{Hash, empty_root, node_hash};
use crate::tree::{ProofError, split};

/// Where the hashes of complete subtrees come from.
pub trait Subtrees {
    /// Why a hash could not be had.
    type Error;

    /// The hash of the complete subtree number `index` (from 0) among those of 2^`height` entries.
    ///
    /// # Errors
    /// When the hash cannot be had; the proof is then not built.
    fn subtree(&mut self, height: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Subtrees fetched beforehand, under (height, index).
pub type FetchedSubtrees = HashMap<(u8, u64), Hash>;

/// A subtree that was needed and not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log's store lacks the subtree at height {height}, index {index}: run audit verify")]
pub struct MissingSubtree {
    /// The subtree covers 2^height entries.
    pub height: u8,
    /// Its number among those of its height, from 0.
    pub index: u64,
}

impl Subtrees for FetchedSubtrees {
    type Error = MissingSubtree;

    fn subtree(&mut self, height: u8, index: u64) -> Result<Hash, MissingSubtree> {
        self.get(&(height, index)).copied().ok_or(MissingSubtree { height, index })
    }
}

/// Why a proof could not be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError<E> {
    /// What was asked for does not exist in this log.
    #[error(transparent)]
    Asked(#[from] ProofError),
    /// A subtree's hash could not be had.
    #[error("could not read the log's hashes")]
    Subtrees(#[source] E),
}

/// Entries `from..to`, a node of the tree: `from` is a multiple of a power of two that is not below its length.
type Range = (u64, u64);

/// The complete subtrees that make up `from..to`, largest first.
fn subtrees_of((from, to): Range) -> impl Iterator<Item = (u8, u64)> {
    let mut at = from;
    std::iter::from_fn(move || {
        let height = (to - at).checked_ilog2()?;
        let index = at >> height;
        at += 1 << height;
        Some((height as u8, index))
    })
}

/// The ranges of an inclusion proof, in the proof's order (lowest first): PATH of RFC 6962, section 2.1.1.
fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<Range>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    let (mut from, mut to, mut ranges) = (0, size, Vec::new());
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            ranges.push((middle, to));
            to = middle;
        } else {
            ranges.push((from, middle));
            from = middle;
        }
    }
    ranges.reverse();
    Ok(ranges)
}

/// The ranges of a consistency proof, in the proof's order: PROOF of RFC 6962, section 2.1.2.
fn consistency_ranges(old: u64, new: u64) -> Result<Vec<Range>, ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut from, mut to, mut ranges) = (0, new, Vec::new());
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            ranges.push((middle, to));
            to = middle;
        } else {
            ranges.push((from, middle));
            from = middle;
        }
    }
    // The old tree itself is known to the verifier; a part of it is not.
    if from > 0 {
        ranges.push((from, to));
    }
    ranges.reverse();
    Ok(ranges)
}

fn join<S: Subtrees>(range: Range, subtrees: &mut S) -> Result<Hash, S::Error> {
    let row: Result<Vec<Hash>, _> =
        subtrees_of(range).map(|(height, index)| subtrees.subtree(height, index)).collect();
    row.map(|row| fold_right(&row))
}

fn join_all<S: Subtrees>(ranges: Vec<Range>, subtrees: &mut S) -> Result<Vec<Hash>, BuildError<S::Error>> {
    let hashes: Result<Vec<Hash>, _> = ranges.into_iter().map(|range| join(range, subtrees)).collect();
    hashes.map_err(BuildError::Subtrees)
}

fn list(ranges: Vec<Range>) -> Vec<(u8, u64)> {
    ranges.into_iter().flat_map(subtrees_of).collect()
}

/// The subtrees (height, index) that [`inclusion_proof`] will ask for.
///
/// # Errors
/// [`ProofError::OutOfRange`] when a log of `size` entries has no entry `index`.
pub fn needed_for_inclusion(index: u64, size: u64) -> Result<Vec<(u8, u64)>, ProofError> {
    inclusion_ranges(index, size).map(list)
}

/// The subtrees (height, index) that [`consistency_proof`] will ask for.
///
/// # Errors
/// [`ProofError::Shrunk`] when `old` is larger than `new`.
pub fn needed_for_consistency(old: u64, new: u64) -> Result<Vec<(u8, u64)>, ProofError> {
    consistency_ranges(old, new).map(list)
}

/// The subtrees (height, index) that [`root_at`] will ask for, largest first.
pub fn needed_for_root(size: u64) -> Vec<(u8, u64)> {
    subtrees_of((0, size)).collect()
}

/// The proof that entry `index` (from 0) is in the log's first `size` entries; check it with
/// [`crate::tree::verify_inclusion`].
///
/// # Errors
/// When there is no such entry, or a subtree cannot be had.
pub fn inclusion_proof<S: Subtrees>(
    index: u64,
    size: u64,
    subtrees: &mut S,
) -> Result<Vec<Hash>, BuildError<S::Error>> {
    join_all(inclusion_ranges(index, size)?, subtrees)
}

/// The proof that the log of `new` entries begins with the log of `old` entries; check it with
/// [`verify_consistency`].
///
/// # Errors
/// When `old` is larger than `new`, or a subtree cannot be had.
pub fn consistency_proof<S: Subtrees>(
    old: u64,
    new: u64,
    subtrees: &mut S,
) -> Result<Vec<Hash>, BuildError<S::Error>> {
    join_all(consistency_ranges(old, new)?, subtrees)
}

/// The root of the log's first `size` entries.
///
/// # Errors
/// When a subtree cannot be had.
pub fn root_at<S: Subtrees>(size: u64, subtrees: &mut S) -> Result<Hash, S::Error> {
    join((0, size), subtrees)
}

/// Checks that the log of `new_size` entries begins with the log of `old_size` entries, unchanged.
///
/// An empty log is the beginning of every log, so `old_size` 0 says nothing about `new_root`.
///
/// # Errors
/// [`ProofError`] when the proof does not lead to both roots.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::Shrunk { old: old_size, new: new_size });
    }
    if old_size == 0 || old_size == new_size {
        let same = if old_size == 0 { *old_root == empty_root() } else { old_root == new_root };
        return if !proof.is_empty() {
            Err(ProofError::Length)
        } else if same {
            Ok(())
        } else {
            Err(ProofError::Root)
        };
    }
    if walk_to_roots(old_size, old_root, new_size, proof)? == (*old_root, *new_root) {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// The old and the new root that the proof leads to (RFC 9162, section 2.1.4.2), for 0 < old < new.
fn walk_to_roots(old: u64, old_root: &Hash, new: u64, proof: &[Hash]) -> Result<(Hash, Hash), ProofError> {
    // We start at the largest complete subtree that ends where the old log ends. When that is the whole old log,
    // the proof leaves it out: the verifier has it.
    let levels = old.trailing_zeros();
    let (mut at, mut last) = ((old - 1) >> levels, (new - 1) >> levels);
    let (start, rest) = match proof {
        rest if old.is_power_of_two() => (old_root, rest),
        [start, rest @ ..] => (start, rest),
        [] => return Err(ProofError::Length),
    };
    let (mut old_hash, mut new_hash) = (*start, *start);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at % 2 == 1 || at == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            // Where the node is the rightmost of its level and a left child, it moves up as it is.
            let levels = at.trailing_zeros();
            (at, last) = (at >> levels, last >> levels);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last == 0 { Ok((old_hash, new_hash)) } else { Err(ProofError::Length) }
}

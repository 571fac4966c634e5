//! RFC 6962 trees that fit in memory, and the check of an inclusion path.
//!
//! A batch of records and the field groups of one record are such trees. The big log is not: its proofs are built
//! in [`crate::proof`] from subtrees kept elsewhere, but are checked by the same [`verify_inclusion`].

use crate::hash::{Hash, empty_root, node_hash};

/// Why a proof does not prove what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index lies outside the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    OutOfRange {
        /// The leaf asked for, from 0.
        index: u64,
        /// The number of leaves of the tree.
        size: u64,
    },
    /// The older tree is said to be larger than the newer one.
    #[error("a log of {old} entries cannot have shrunk to {new}")]
    Shrunk {
        /// Entries in the older checkpoint.
        old: u64,
        /// Entries in the newer checkpoint.
        new: u64,
    },
    /// There are more or fewer hashes than a tree of this size needs.
    #[error("the proof has the wrong number of hashes for this tree: ask for a new proof")]
    Length,
    /// The hashes lead to another root: the leaf, the path or the root was changed.
    #[error("the proof leads to another root: the entry or the history was changed")]
    Root,
}

/// The root of the tree over these leaf hashes (`MTH` of RFC 6962, section 2.1). Allocates nothing.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
            node_hash(&root(left), &root(right))
        }
    }
}

/// The largest power of two smaller than `size`: where RFC 6962 parts a tree of two or more leaves.
pub(crate) fn split(size: u64) -> u64 {
    debug_assert!(size >= 2, "a tree of fewer than two leaves is not parted");
    1 << (size - 1).ilog2()
}

/// A tree with all its levels kept, so that a path costs no hashing.
#[derive(Debug, Clone)]
pub struct Tree {
    /// `levels[0]` are the leaves; the last level is the root alone. A node without a right neighbour moves up as
    /// it is, which gives the same tree as the recursive definition.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Hashes the tree over these leaf hashes.
    pub fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(2).map(|pair| match pair {
                [left, right] => node_hash(left, right),
                lone => lone[0],
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.levels[0].len() as u64
    }

    /// The root; of a tree without leaves [`empty_root`].
    pub fn root(&self) -> Hash {
        self.levels.last().and_then(|top| top.first()).copied().unwrap_or_else(empty_root)
    }

    /// The inclusion path of leaf `index` (from 0), lowest sibling first; `None` when there is no such leaf.
    pub fn path(&self, index: usize) -> Option<Vec<Hash>> {
        self.levels[0].get(index)?;
        let siblings = self.levels.iter().enumerate();
        Some(siblings.filter_map(|(height, level)| level.get((index >> height) ^ 1)).copied().collect())
    }
}

/// The root that `path` leads to from `leaf`, at `index` (from 0) in a tree of `size` leaves.
///
/// # Errors
/// When there is no such leaf, or the path's length does not fit the tree. A wrong hash shows only in the root.
pub fn root_from_path(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Result<Hash, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    // `last` is the position of the rightmost node of the level we are on; at 0 we have arrived at the root.
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at % 2 == 1 {
            hash = node_hash(sibling, &hash);
        } else if at < last {
            hash = node_hash(&hash, sibling);
        } else {
            // The rightmost node has no right neighbour here: it moves up until it is a right child.
            let levels = at.trailing_zeros();
            (at, last) = (at >> levels, last >> levels);
            hash = node_hash(sibling, &hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last == 0 { Ok(hash) } else { Err(ProofError::Length) }
}

/// Checks that `leaf` is number `index` (from 0) of the tree with this `size` and `root`.
///
/// # Errors
/// [`ProofError`] when the path does not lead from this leaf, at this place, to this root.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if root_from_path(leaf, index, size, path)? == *root { Ok(()) } else { Err(ProofError::Root) }
}

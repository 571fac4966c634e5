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

    /// The hashes that lead from several leaves together to the root: those of the largest subtrees that hold none of
    /// them, from left to right. `indices` (from 0) must ascend; `None` when they don't, or there is no such leaf.
    /// For all leaves of the tree it is empty.
    pub fn joint_path(&self, indices: &[usize]) -> Option<Vec<Hash>> {
        let size = self.levels[0].len();
        if indices.is_empty() || !indices.is_sorted_by(|a, b| a < b) || indices.last()? >= &size {
            return None;
        }
        let mut hashes = Vec::new();
        if indices.len() < size {
            self.beside(indices, 0, size, &mut hashes);
        }
        Some(hashes)
    }

    /// Collects the hashes that the leaves from `from` to before `to` add to a joint path.
    fn beside(&self, indices: &[usize], from: usize, to: usize, hashes: &mut Vec<Hash>) {
        let size = to - from;
        if indices.is_empty() {
            // A part without a right neighbour moves up as it is, so it lies at the height that its size rounds up to.
            let height = size.next_power_of_two().ilog2();
            hashes.push(self.levels[height as usize][from >> height]);
        } else if indices.len() < size {
            let middle = from + split(size as u64) as usize;
            let (left, right) = indices.split_at(indices.partition_point(|&index| index < middle));
            self.beside(left, from, middle, hashes);
            self.beside(right, middle, to, hashes);
        }
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

/// The root that a joint path ([`Tree::joint_path`]) leads to from these leaves: index (from 0, ascending) and hash.
///
/// # Errors
/// When there is no leaf, they do not ascend or lie outside the tree, or the path has more or fewer hashes than they
/// need. A wrong hash shows only in the root.
pub fn root_from_joint_path(leaves: &[(u64, Hash)], size: u64, path: &[Hash]) -> Result<Hash, ProofError> {
    check_joint(leaves, size)?;
    let mut rest = path;
    let root = joined(leaves, 0, size, &mut rest).ok_or(ProofError::Length)?;
    if rest.is_empty() { Ok(root) } else { Err(ProofError::Length) }
}

/// The inclusion path of one of the leaves of a joint path, as [`Tree::path`] gives it; `which` is its place among them.
///
/// # Errors
/// As [`root_from_joint_path`].
pub fn path_from_joint_path(
    leaves: &[(u64, Hash)],
    which: usize,
    size: u64,
    path: &[Hash],
) -> Result<Vec<Hash>, ProofError> {
    check_joint(leaves, size)?;
    let index = leaves.get(which).map(|(index, _)| *index);
    let index = index.ok_or(ProofError::OutOfRange { index: which as u64, size: leaves.len() as u64 })?;
    let (mut rest, mut leaves, mut from, mut to) = (path, leaves, 0, size);
    let mut sides = Vec::new(); // from the root down: (true, hash) for a sibling on the left
    let mut behind = Vec::new(); // right siblings come behind what lies inside, so they are worked out last
    while to - from > 1 {
        let middle = from + split(to - from);
        let (left, right) = leaves.split_at(leaves.partition_point(|(at, _)| *at < middle));
        if index < middle {
            behind.push((sides.len(), right, middle, to));
            sides.push([0; 32]);
            (leaves, to) = (left, middle);
        } else {
            sides.push(joined(left, from, middle, &mut rest).ok_or(ProofError::Length)?);
            (leaves, from) = (right, middle);
        }
    }
    for (at, right, middle, to) in behind.into_iter().rev() {
        sides[at] = joined(right, middle, to, &mut rest).ok_or(ProofError::Length)?;
    }
    sides.reverse();
    if rest.is_empty() { Ok(sides) } else { Err(ProofError::Length) }
}

fn check_joint(leaves: &[(u64, Hash)], size: u64) -> Result<(), ProofError> {
    if let Some((index, _)) = leaves.last().filter(|(index, _)| *index >= size) {
        return Err(ProofError::OutOfRange { index: *index, size });
    }
    if leaves.is_empty() || !leaves.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(ProofError::Length);
    }
    Ok(())
}

/// The hash of the part from `from` to before `to`: of a part without leaves it is the path's next.
fn joined(leaves: &[(u64, Hash)], from: u64, to: u64, path: &mut &[Hash]) -> Option<Hash> {
    match leaves {
        [] => {
            let (first, rest) = path.split_first()?;
            *path = rest;
            Some(*first)
        }
        [(_, leaf)] if to - from == 1 => Some(*leaf),
        _ => {
            let middle = from + split(to - from);
            let all = leaves.len() as u64 == to - from; // the usual case needs no search
            let parted =
                if all { middle - from } else { leaves.partition_point(|(at, _)| *at < middle) as u64 };
            let (left, right) = leaves.split_at(parted as usize);
            let left = joined(left, from, middle, path)?;
            Some(node_hash(&left, &joined(right, middle, to, path)?))
        }
    }
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

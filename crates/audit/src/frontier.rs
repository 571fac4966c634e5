//! The right edge of a growing log: all that is needed to append to it and to name its root.
//!
//! A log of n entries is a row of complete subtrees, one for each set bit of n, largest first. Appending merges
//! from the right, as a binary counter carries. The entries themselves are not kept.

use crate::hash::{Hash, empty_root, node_hash, sha256_parts};

/// The most entries a log can have. Far beyond any real one; it keeps sizes inside an SQL integer.
pub const MAX_SIZE: u64 = 1 << 62;
const HASH: usize = 32;
/// Bytes in front of the subtree hashes: the size (8) and the check value (32).
const HEAD: usize = 8 + HASH;

/// Why stored bytes are not a frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// The number of bytes does not fit the size in front.
    #[error("frontier: {bytes} bytes do not fit its size field: restore the log's state from the log")]
    Length {
        /// The bytes given.
        bytes: usize,
    },
    /// The size is above [`MAX_SIZE`].
    #[error("frontier: the size field is above 2^62: restore the log's state from the log")]
    Size,
    /// The hashes do not lead to the root stored beside them.
    #[error(
        "frontier: hashes and root disagree, the bytes are damaged: restore the log's state from the log"
    )]
    Damaged,
}

/// The append state of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// The complete subtrees, largest (leftmost) first; as many as `size` has set bits.
    edge: Vec<Hash>,
}

impl Frontier {
    /// The state of an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of entries appended.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The complete subtrees of the log, largest first.
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// Appends an entry by its leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _, _| {});
    }

    /// Appends an entry and reports every subtree that it completes, lowest first: height, index, hash.
    ///
    /// Height 0 is the entry itself. What is reported here over a log's life is just what
    /// [`crate::proof::Subtrees`] asks for later, so this is where a store learns what to keep.
    pub fn push_with(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, &Hash)) {
        let (mut hash, mut height, mut index) = (leaf, 0, self.size);
        completed(height, index, &hash);
        while index % 2 == 1 {
            let left = self.edge.pop().expect("a set bit of the size has its subtree");
            hash = node_hash(&left, &hash);
            (height, index) = (height + 1, index / 2);
            completed(height, index, &hash);
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// The root of the log as it stands.
    pub fn root(&self) -> Hash {
        fold_right(&self.edge)
    }

    /// The state as bytes: size (u64, big-endian), SHA-256 of size and hashes against damage, subtree hashes
    /// largest first. At most 2,024 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.edge.len() * HASH);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(&self.check_value());
        bytes.extend_from_slice(self.edge.as_flattened());
        bytes
    }

    /// Reads back what [`Frontier::encode`] wrote.
    ///
    /// # Errors
    /// When the length, the size or the check value does not fit: damaged bytes never become a log's state.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrontierError> {
        let wrong_length = FrontierError::Length { bytes: bytes.len() };
        let (size, rest) = bytes.split_first_chunk::<8>().ok_or(wrong_length)?;
        let (check_value, edge) = rest.split_first_chunk::<HASH>().ok_or(wrong_length)?;
        let size = u64::from_be_bytes(*size);
        if size > MAX_SIZE {
            return Err(FrontierError::Size);
        }
        let (edge, []) = edge.as_chunks::<HASH>() else { return Err(wrong_length) };
        if edge.len() != size.count_ones() as usize {
            return Err(wrong_length);
        }
        let frontier = Self { size, edge: edge.to_vec() };
        if frontier.check_value() == *check_value { Ok(frontier) } else { Err(FrontierError::Damaged) }
    }

    fn check_value(&self) -> Hash {
        sha256_parts(&[&self.size.to_be_bytes(), self.edge.as_flattened()])
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

/// Joins a row of complete subtrees, largest first, into one hash.
pub(crate) fn fold_right(subtrees: &[Hash]) -> Hash {
    let joined = subtrees.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
    joined.unwrap_or_else(empty_root)
}

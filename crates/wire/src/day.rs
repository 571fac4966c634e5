//! What an institution's records of one day come to: a root over ids, newest revisions and withdrawals, which hub and agent
//! work out each from what it holds. Two equal roots are two equal lists.

use commonroll_audit::{
    Hash,
    hash::{leaf_hash, sha256},
    tree::Tree,
};
use commonroll_core::RecordId;

/// A record as either side holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// Which record.
    pub id: RecordId,
    /// Its newest revision.
    pub revision: u32,
    /// True if that revision takes it back.
    pub withdrawn: bool,
}

/// The root over records: an RFC 6962 tree whose leaves are id (16 bytes), revision (4, big-endian) and 1 or 0 for withdrawn,
/// ascending by id. Of no record it is the SHA-256 of nothing.
pub fn day_root(records: &[Held]) -> Hash {
    let mut sorted = records.to_vec();
    sorted.sort_unstable();
    if sorted.is_empty() {
        return sha256(&[]);
    }
    let leaf = |held: &Held| {
        let mut bytes = [0; 21];
        bytes[..16].copy_from_slice(&held.id.0);
        bytes[16..20].copy_from_slice(&held.revision.to_be_bytes());
        bytes[20] = u8::from(held.withdrawn);
        leaf_hash(&bytes)
    };
    Tree::new(sorted.iter().map(leaf).collect()).root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_changes_nothing_and_every_part_changes_the_root() {
        let held = |id, revision, withdrawn| Held { id: RecordId([id; 16]), revision, withdrawn };
        let two = [held(1, 1, false), held(2, 1, false)];
        assert_eq!(day_root(&two), day_root(&[two[1], two[0]]));
        for other in [held(3, 1, false), held(2, 2, false), held(2, 1, true)] {
            assert_ne!(day_root(&two), day_root(&[two[0], other]));
        }
        assert_ne!(day_root(&[]), day_root(&two[..1]));
    }
}

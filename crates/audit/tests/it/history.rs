//! A growing log: its frontier, and proofs from subtrees that a store kept.

use std::convert::Infallible;

use commonroll_audit::{
    BuildError, FetchedSubtrees, Frontier, FrontierError, Hash, MissingSubtree, ProofError, Subtrees,
    consistency_proof, empty_root, inclusion_proof, leaf_hash, needed_for_consistency, needed_for_inclusion,
    needed_for_root, root, root_at, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

use crate::{entry, hash, trees};

/// A log as a store keeps it: every complete subtree, and the root after each entry.
pub struct Log {
    pub subtrees: FetchedSubtrees,
    pub roots: Vec<Hash>,
}

impl Log {
    pub fn of(size: u64) -> Self {
        let (mut frontier, mut subtrees) = (Frontier::new(), FetchedSubtrees::new());
        let mut roots = vec![frontier.root()];
        for index in 0..size {
            frontier.push_with(leaf_hash(&entry(index)), |height, index, hash| {
                assert_eq!(subtrees.insert((height, index), *hash), None, "a subtree is completed once");
            });
            roots.push(frontier.root());
        }
        Self { subtrees, roots }
    }

    /// Only the subtrees listed, as an async caller would have fetched them.
    fn fetch(&self, needed: Vec<(u8, u64)>) -> FetchedSubtrees {
        needed.into_iter().map(|place| (place, self.subtrees[&place])).collect()
    }
}

#[test]
fn a_frontier_names_the_same_roots_as_the_whole_tree() {
    let leaves = trees::leaves();
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), empty_root());
    for (leaf, expected) in leaves.iter().zip(trees::ROOTS) {
        frontier.push(*leaf);
        assert_eq!(frontier.root(), hash(expected));
    }
    let many: Vec<Hash> = (0..1000).map(|index| leaf_hash(&entry(index))).collect();
    let mut frontier = Frontier::new();
    frontier.extend(many.iter().copied());
    assert_eq!((frontier.size(), frontier.root()), (1000, root(&many)));
}

#[test]
fn consistency_proofs_are_those_of_the_certificate_transparency_tests() {
    let mut frontier = Frontier::new();
    let mut kept = FetchedSubtrees::new();
    for leaf in trees::leaves() {
        frontier.push_with(leaf, |height, index, hash| {
            kept.insert((height, index), *hash);
        });
    }
    let six_to_eight = [
        hash("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"),
        hash("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
        hash("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ];
    let two_to_five = [
        hash("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"),
        hash("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
    ];
    assert_eq!(consistency_proof(6, 8, &mut kept).unwrap(), six_to_eight);
    assert_eq!(consistency_proof(2, 5, &mut kept).unwrap(), two_to_five);
    let (six, eight) = (hash(trees::ROOTS[5]), hash(trees::ROOTS[7]));
    assert_eq!(verify_consistency(6, &six, 8, &eight, &six_to_eight), Ok(()));
}

#[test]
fn every_pair_of_small_logs_is_proved_from_just_the_listed_subtrees() {
    let log = Log::of(40);
    for new in 0..=40u64 {
        let new_root = log.roots[new as usize];
        assert_eq!(root_at(new, &mut log.fetch(needed_for_root(new))), Ok(new_root));
        for old in 0..=new {
            let mut fetched = log.fetch(needed_for_consistency(old, new).unwrap());
            let proof = consistency_proof(old, new, &mut fetched).unwrap();
            let old_root = log.roots[old as usize];
            assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()), "{old} to {new}");
        }
        for index in 0..new {
            let mut fetched = log.fetch(needed_for_inclusion(index, new).unwrap());
            let path = inclusion_proof(index, new, &mut fetched).unwrap();
            assert_eq!(verify_inclusion(&leaf_hash(&entry(index)), index, new, &path, &new_root), Ok(()));
        }
    }
}

#[test]
fn a_rewritten_shortened_or_swapped_history_is_found() {
    let log = Log::of(40);
    let (old, new) = (log.roots[21], log.roots[40]);
    let proof = consistency_proof(21, 40, &mut log.subtrees.clone()).unwrap();
    assert_eq!(verify_consistency(21, &old, 40, &new, &proof), Ok(()));

    let rewritten = log.roots[20];
    assert_eq!(verify_consistency(21, &rewritten, 40, &new, &proof), Err(ProofError::Root));
    assert_eq!(verify_consistency(21, &old, 40, &log.roots[39], &proof), Err(ProofError::Root));
    assert_eq!(verify_consistency(40, &new, 21, &old, &proof), Err(ProofError::Shrunk { old: 40, new: 21 }));
    assert_eq!(verify_consistency(21, &old, 40, &new, &proof[1..]), Err(ProofError::Length));
    assert_eq!(verify_consistency(21, &old, 40, &new, &[]), Err(ProofError::Length));
    assert_eq!(verify_consistency(21, &old, 21, &new, &[]), Err(ProofError::Root));
    assert_eq!(verify_consistency(21, &old, 21, &old, &proof), Err(ProofError::Length));
    assert_eq!(verify_consistency(0, &old, 40, &new, &[]), Err(ProofError::Root));
    assert_eq!(verify_consistency(0, &empty_root(), 40, &new, &[]), Ok(()));
    for at in 0..proof.len() {
        let mut forged = proof.clone();
        forged[at][0] ^= 0x80;
        assert_eq!(verify_consistency(21, &old, 40, &new, &forged), Err(ProofError::Root), "hash {at}");
    }
}

#[test]
fn what_does_not_exist_or_was_not_fetched_is_an_error() {
    let mut nothing = FetchedSubtrees::new();
    let absent = ProofError::OutOfRange { index: 5, size: 5 };
    assert_eq!(needed_for_inclusion(5, 5), Err(absent));
    assert_eq!(inclusion_proof(5, 5, &mut nothing), Err(BuildError::Asked(absent)));
    assert_eq!(needed_for_consistency(6, 5), Err(ProofError::Shrunk { old: 6, new: 5 }));
    let missing = MissingSubtree { height: 2, index: 0 };
    assert_eq!(root_at(5, &mut nothing), Err(missing));
    assert_eq!(inclusion_proof(4, 5, &mut nothing), Err(BuildError::Subtrees(missing)));
}

/// Every subtree hashes to its own place: enough to see which are asked for in a log of any size.
struct Anywhere;

impl Subtrees for Anywhere {
    type Error = Infallible;

    fn subtree(&mut self, height: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(leaf_hash(&[&[height], index.to_be_bytes().as_slice()].concat()))
    }
}

#[test]
fn the_largest_sizes_cost_no_more_than_their_digits() {
    for size in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 62) + 1] {
        assert!(needed_for_root(size).len() <= 64);
        for index in [0, 1, size / 2, size - 1] {
            let path = inclusion_proof(index, size, &mut Anywhere).unwrap();
            assert!(path.len() <= 64);
            let proof = consistency_proof(index, size, &mut Anywhere).unwrap();
            assert!(proof.len() <= 65);
        }
    }
}

#[test]
fn a_frontier_survives_being_stored() {
    for size in [0u64, 1, 2, 3, 7, 8, 1000, 1023] {
        let mut frontier = Frontier::new();
        frontier.extend((0..size).map(|index| leaf_hash(&entry(index))));
        let mut back = Frontier::decode(&frontier.encode()).unwrap();
        assert_eq!(back, frontier);
        back.push([1; 32]);
        frontier.push([1; 32]);
        assert_eq!(back.root(), frontier.root());
    }
}

#[test]
fn damaged_frontier_bytes_are_refused() {
    let mut frontier = Frontier::new();
    frontier.extend((0..21).map(|index| leaf_hash(&entry(index))));
    let bytes = frontier.encode();
    assert_eq!(bytes.len(), 8 + 32 + 3 * 32);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Frontier::decode(&damaged).is_err(), "byte {at}");
        assert!(Frontier::decode(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(Frontier::decode(&[0xff; 40]), Err(FrontierError::Size));
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Frontier::decode(&longer), Err(FrontierError::Length { bytes: bytes.len() + 1 }));
    let mut other_size = bytes;
    other_size[7] = 0b1_1100;
    assert_eq!(Frontier::decode(&other_size), Err(FrontierError::Damaged));
}

proptest! {
    #[test]
    fn hostile_proofs_and_frontiers_never_panic(
        old in any::<u64>(), new in any::<u64>(), hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        prop_assert!(verify_consistency(old, &[1; 32], new, &[2; 32], &hashes).is_err());
        prop_assert!(verify_inclusion(&[1; 32], old, new, &hashes, &[2; 32]).is_err());
        prop_assert!(Frontier::decode(&bytes).is_err());
    }
}

//! The same proofs judged by `ct-merkle`, which shares no code with us.

use commonroll_audit::{
    Hash, Tree, consistency_proof, inclusion_proof, leaf_hash, root, verify_consistency, verify_inclusion,
};
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use proptest::prelude::*;
use sha2::Sha256;

use crate::{entry, history::Log};

fn theirs(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|index| tree.push(entry(index)));
    tree
}

fn their_root(root: &Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new((*root).into(), size)
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks::<32>().0.to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn inclusion_agrees_with_an_independent_implementation((size, index) in (1u64..400).prop_flat_map(|size| (Just(size), 0..size))) {
        let (ours, theirs) = (Log::of(size), theirs(size));
        let our_root = ours.roots[size as usize];
        prop_assert!(theirs.root() == their_root(&our_root, size));

        let path = inclusion_proof(index, size, &mut ours.subtrees.clone()).unwrap();
        let leaves: Vec<Hash> = (0..size).map(|index| leaf_hash(&entry(index))).collect();
        prop_assert_eq!(root(&leaves), our_root);
        prop_assert_eq!(Tree::new(leaves).path(index as usize).unwrap(), path.clone());

        let for_them = InclusionProof::from_bytes(path.concat());
        prop_assert!(their_root(&our_root, size).verify_inclusion(&entry(index), index, &for_them).is_ok());
        let from_them = hashes(theirs.prove_inclusion(index as usize).as_bytes());
        prop_assert_eq!(verify_inclusion(&leaf_hash(&entry(index)), index, size, &from_them, &our_root), Ok(()));
    }

    #[test]
    fn consistency_agrees_with_an_independent_implementation((new, old) in (1u64..400).prop_flat_map(|new| (Just(new), 1..=new))) {
        let (ours, theirs) = (Log::of(new), theirs(new));
        let (old_root, new_root) = (ours.roots[old as usize], ours.roots[new as usize]);

        let proof = consistency_proof(old, new, &mut ours.subtrees.clone()).unwrap();
        let for_them = ConsistencyProof::try_from_bytes(proof.concat()).unwrap();
        let verdict = their_root(&new_root, new).verify_consistency(&their_root(&old_root, old), &for_them);
        prop_assert!(verdict.is_ok());
        let from_them = hashes(theirs.prove_consistency((new - old) as usize).as_bytes());
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &from_them), Ok(()));
    }

    #[test]
    fn one_flipped_bit_anywhere_is_found_by_both(size in 2u64..200, seed in any::<u64>(), bit in 0usize..256) {
        let index = seed % size;
        let ours = Log::of(size);
        let our_root = ours.roots[size as usize];
        let mut path = inclusion_proof(index, size, &mut ours.subtrees.clone()).unwrap();
        let at = seed as usize % path.len();
        path[at][bit / 8] ^= 1 << (bit % 8);
        let leaf = leaf_hash(&entry(index));
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &our_root).is_err());
        let for_them = InclusionProof::from_bytes(path.concat());
        prop_assert!(their_root(&our_root, size).verify_inclusion(&entry(index), index, &for_them).is_err());
    }
}

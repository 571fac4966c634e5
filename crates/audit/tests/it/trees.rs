//! Trees in memory, held to the published example of Certificate Transparency.

use commonroll_audit::{
    ProofError, Tree, empty_root, leaf_hash, node_hash, path_from_joint_path, root, root_from_joint_path,
    root_from_path, verify_inclusion,
};

use crate::{hash, unhex};

/// The eight entries of the Certificate Transparency reference tests.
pub const ENTRIES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// The roots of the trees over the first 1 to 8 of them.
pub const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

pub fn leaves() -> Vec<commonroll_audit::Hash> {
    ENTRIES.iter().map(|entry| leaf_hash(&unhex(entry))).collect()
}

#[test]
fn roots_are_those_of_the_certificate_transparency_tests() {
    let leaves = leaves();
    for (size, expected) in (1..).zip(ROOTS) {
        assert_eq!(root(&leaves[..size]), hash(expected), "root of {size} leaves");
        assert_eq!(Tree::new(leaves[..size].to_vec()).root(), hash(expected), "tree of {size} leaves");
    }
    let nothing = hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!((empty_root(), root(&[]), Tree::new(vec![]).root()), (nothing, nothing, nothing));
}

#[test]
fn paths_are_those_of_the_certificate_transparency_tests() {
    let tree = Tree::new(leaves());
    let first = [
        hash("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"),
        hash("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"),
        hash("6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"),
    ];
    assert_eq!(tree.path(0).unwrap(), first);
    assert_eq!(tree.path(8), None);
    assert_eq!(Tree::new(vec![]).path(0), None);
}

#[test]
fn every_leaf_of_every_small_tree_is_proved_at_its_own_place_only() {
    for size in 1..=40u64 {
        let leaves: Vec<_> = (0..size).map(|index| leaf_hash(&crate::entry(index))).collect();
        let tree = Tree::new(leaves.clone());
        for index in 0..size {
            let path = tree.path(index as usize).unwrap();
            let leaf = &leaves[index as usize];
            assert_eq!(verify_inclusion(leaf, index, size, &path, &tree.root()), Ok(()));
            for other in (0..size).filter(|other| *other != index) {
                assert!(verify_inclusion(leaf, other, size, &path, &tree.root()).is_err());
            }
        }
    }
}

#[test]
fn a_path_of_the_wrong_length_is_named_as_such() {
    let leaves = leaves();
    let tree = Tree::new(leaves.clone());
    let path = tree.path(3).unwrap();
    let longer = [path.as_slice(), &[leaves[0]]].concat();
    assert_eq!(root_from_path(&leaves[3], 3, 8, &path[..2]), Err(ProofError::Length));
    assert_eq!(root_from_path(&leaves[3], 3, 8, &longer), Err(ProofError::Length));
    assert_eq!(root_from_path(&leaves[3], 8, 8, &path), Err(ProofError::OutOfRange { index: 8, size: 8 }));
    assert_eq!(root_from_path(&leaves[0], 0, 0, &[]), Err(ProofError::OutOfRange { index: 0, size: 0 }));
    assert_eq!(root_from_path(&leaves[0], 0, 1, &[]), Ok(leaves[0]));
}

#[test]
fn a_changed_leaf_or_sibling_leads_to_another_root() {
    let leaves = leaves();
    let tree = Tree::new(leaves.clone());
    let path = tree.path(5).unwrap();
    assert_eq!(verify_inclusion(&leaves[4], 5, 8, &path, &tree.root()), Err(ProofError::Root));
    for at in 0..path.len() {
        let mut forged = path.clone();
        forged[at][31] ^= 1;
        assert_eq!(verify_inclusion(&leaves[5], 5, 8, &forged, &tree.root()), Err(ProofError::Root));
    }
}

#[test]
fn an_inner_node_cannot_pass_as_an_entry() {
    let (left, right) = (leaf_hash(b"a"), leaf_hash(b"b"));
    let disguised = [left, right].concat();
    assert_ne!(leaf_hash(&disguised), node_hash(&left, &right));
}

#[test]
fn long_and_short_entries_hash_alike_on_both_sides_of_the_buffer() {
    use sha2::{Digest, Sha256};
    for length in [0, 1, 1022, 1023, 1024, 1025, 70_000] {
        let entry = vec![7; length];
        let expected: [u8; 32] = Sha256::new().chain_update([0]).chain_update(&entry).finalize().into();
        assert_eq!(leaf_hash(&entry), expected, "entry of {length} bytes");
    }
}

#[test]
fn a_joint_path_proves_any_choice_of_leaves_and_holds_each_ones_own_path() {
    for size in 1..=10u64 {
        let leaves: Vec<_> = (0..size).map(|index| leaf_hash(&crate::entry(index))).collect();
        let tree = Tree::new(leaves.clone());
        for choice in 1..1u64 << size {
            let places: Vec<_> = (0..size).filter(|at| choice & 1 << at != 0).collect();
            let indices: Vec<_> = places.iter().map(|at| *at as usize).collect();
            let some: Vec<_> = places.iter().map(|at| (*at, leaves[*at as usize])).collect();
            let path = tree.joint_path(&indices).unwrap();
            assert_eq!(root_from_joint_path(&some, size, &path), Ok(tree.root()), "{places:?} of {size}");
            for (which, index) in indices.iter().enumerate() {
                let own = path_from_joint_path(&some, which, size, &path).unwrap();
                assert_eq!(Some(own), tree.path(*index), "{index} out of {places:?} of {size}");
            }
            let longer = [path.as_slice(), &[leaves[0]]].concat();
            assert_eq!(root_from_joint_path(&some, size, &longer), Err(ProofError::Length));
            if let Some((_, shorter)) = path.split_last() {
                assert_eq!(root_from_joint_path(&some, size, shorter), Err(ProofError::Length));
            }
            // One leaf told as another leads elsewhere, or nowhere.
            let mut forged = some.clone();
            forged[0].1[0] ^= 1;
            assert_ne!(root_from_joint_path(&forged, size, &path), Ok(tree.root()));
            if let Some(free) = (0..size).find(|at| !places.contains(at)) {
                let mut moved = some.clone();
                moved[0].0 = free;
                moved.sort_unstable();
                assert_ne!(root_from_joint_path(&moved, size, &path), Ok(tree.root()));
            }
        }
    }
}

#[test]
fn a_joint_path_of_no_leaves_or_of_leaves_out_of_order_is_none() {
    let tree = Tree::new(leaves());
    for indices in [&[][..], &[3, 3], &[3, 2], &[8]] {
        assert_eq!(tree.joint_path(indices), None, "{indices:?}");
        let some: Vec<_> = indices.iter().map(|index| (*index as u64, [0; 32])).collect();
        assert!(root_from_joint_path(&some, 8, &[]).is_err());
        assert!(path_from_joint_path(&some, 0, 8, &[]).is_err());
    }
    assert_eq!(tree.joint_path(&[0, 1, 2, 3, 4, 5, 6, 7]), Some(vec![]));
    assert_eq!(tree.joint_path(&[0, 1, 2, 3]).map(|path| path.len()), Some(1));
}

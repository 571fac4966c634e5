//! Records sealed at their source, passed on in part, and receipts that come back.

use commonroll_audit::{
    BatchSigner, BatchStatement, GroupLeaf, Hash, KeyError, ProofError, ReceiptDigest, SealError,
    SignedBatch, VerifiedBatch, leaf_hash, record_root, root, salt, sign_receipt, verify_batch,
    verify_receipt, verify_record_in_batch, verify_whole_batch,
};
use proptest::prelude::*;

use crate::key;

/// The root of a made-up mark, its groups salted from one secret.
fn mark(record: u8) -> [GroupLeaf; 3] {
    [1, 2, 5].map(|group| {
        let salt = salt(&[9; 32], &[record; 16], 1, group);
        GroupLeaf::shown(group, &salt, format!("mark {record}, group {group}").as_bytes())
    })
}

fn roots(count: u8) -> Vec<Hash> {
    (0..count).map(|record| record_root(&mark(record)).unwrap()).collect()
}

fn signed(count: u8) -> SignedBatch {
    BatchSigner::new("northgate", &key(3)).unwrap().sign(17, &roots(count)).unwrap()
}

fn verified(batch: &SignedBatch) -> VerifiedBatch {
    let source = key(3).public();
    verify_batch(&source, batch.statement.clone(), &batch.signature).unwrap()
}

#[test]
fn each_record_of_a_batch_is_proved_to_be_its_sources() {
    let batch = signed(100);
    let verified = verified(&batch);
    for (index, root) in roots(100).iter().enumerate() {
        let path = batch.path(index).unwrap();
        assert_eq!(verify_record_in_batch(&verified, index as u64, root, &path), Ok(()));
    }
    assert_eq!(batch.path(100), None);
}

#[test]
fn a_withheld_group_leaves_the_rest_provable() {
    let shown = mark(4);
    let mut passed_on = shown;
    passed_on[1] = GroupLeaf::withheld(2, shown[1].hash);
    assert_eq!(record_root(&passed_on), record_root(&shown));
}

#[test]
fn a_forged_mark_is_not_in_the_batch() {
    let batch = signed(10);
    let verified = verified(&batch);
    let mut forged = mark(4);
    forged[1] = GroupLeaf::shown(2, &[0; 16], b"mark 4, group 2, but present");
    let forged = record_root(&forged).unwrap();
    let path = batch.path(4).unwrap();
    let refused = Err(SealError::Record(ProofError::Root));
    assert_eq!(verify_record_in_batch(&verified, 4, &forged, &path), refused);
    assert_eq!(verify_record_in_batch(&verified, 5, &roots(10)[4], &path), refused);
    let outside = Err(SealError::Record(ProofError::OutOfRange { index: 10, size: 10 }));
    assert_eq!(verify_record_in_batch(&verified, 10, &roots(10)[4], &path), outside);
}

#[test]
fn a_statement_is_signed_in_every_part() {
    let batch = signed(10);
    let source = key(3).public();
    let other_root = BatchStatement { root: [0; 32], ..batch.statement.clone() };
    let other_number = BatchStatement { number: 18, ..batch.statement.clone() };
    let other_count = BatchStatement { count: 9, ..batch.statement.clone() };
    let other_source = BatchStatement { source: "southgate".into(), ..batch.statement.clone() };
    let wrong = SealError::Key(KeyError::Signature);
    for changed in [other_root, other_number, other_count, other_source] {
        assert_eq!(verify_batch(&source, changed, &batch.signature), Err(wrong));
    }
    let stranger = key(4).public();
    assert_eq!(verify_batch(&stranger, batch.statement.clone(), &batch.signature), Err(wrong));
}

#[test]
fn a_receiver_checks_the_whole_batch_at_once() {
    let batch = signed(10);
    let source = key(3).public();
    let received = verify_whole_batch(&source, "northgate", 17, &roots(10), &batch.signature).unwrap();
    assert_eq!(received.statement, batch.statement);
    assert_eq!(received.path(7), batch.path(7));
    let mut swapped = roots(10);
    swapped.swap(2, 3);
    for other in [swapped, roots(9), roots(11)] {
        let verdict = verify_whole_batch(&source, "northgate", 17, &other, &batch.signature);
        assert_eq!(verdict.unwrap_err(), SealError::Key(KeyError::Signature));
    }
}

#[test]
fn groups_out_of_order_repeated_missing_or_too_many_are_refused() {
    let group = |number| GroupLeaf::withheld(number, [1; 32]);
    assert_eq!(record_root(&[]), Err(SealError::GroupCount { count: 0 }));
    assert_eq!(record_root(&[group(1), group(1)]), Err(SealError::GroupOrder { number: 1 }));
    assert_eq!(record_root(&[group(1), group(3), group(2)]), Err(SealError::GroupOrder { number: 2 }));
    let many: Vec<GroupLeaf> = (0..65).map(group).collect();
    assert_eq!(record_root(&many), Err(SealError::GroupCount { count: 65 }));
    let leaves: Vec<Hash> = many[..64].iter().map(|group| group.hash).collect();
    assert_eq!(record_root(&many[..64]), Ok(root(&leaves)));
}

#[test]
fn the_number_the_salt_and_the_content_of_a_group_all_count() {
    let one = GroupLeaf::shown(1, &[0; 16], b"present").hash;
    assert_ne!(one, GroupLeaf::shown(2, &[0; 16], b"present").hash);
    assert_ne!(one, GroupLeaf::shown(1, &[1; 16], b"present").hash);
    assert_ne!(one, GroupLeaf::shown(1, &[0; 16], b"absent").hash);
    assert_ne!(one, leaf_hash(b"present"));
}

#[test]
fn salts_differ_by_record_revision_and_group() {
    let one = salt(&[9; 32], &[1; 16], 1, 1);
    assert_eq!(one, salt(&[9; 32], &[1; 16], 1, 1));
    for other in [
        salt(&[8; 32], &[1; 16], 1, 1),
        salt(&[9; 32], &[2; 16], 1, 1),
        salt(&[9; 32], &[1; 16], 2, 1),
        salt(&[9; 32], &[1; 16], 1, 2),
    ] {
        assert_ne!(one, other);
    }
}

#[test]
fn a_batch_that_is_empty_or_of_no_ones_is_refused() {
    let source = key(3);
    for slug in ["", "north gate", "north\ngate", "nörthgate", &"n".repeat(65)] {
        assert_eq!(BatchSigner::new(slug, &source).unwrap_err(), SealError::Slug, "{slug:?}");
    }
    let signer = BatchSigner::new("northgate", &source).unwrap();
    assert_eq!(signer.sign(1, &[]).unwrap_err(), SealError::RecordCount { count: 0 });
    let too_many = vec![[0; 32]; 65_537];
    assert_eq!(signer.sign(1, &too_many).unwrap_err(), SealError::RecordCount { count: 65_537 });
}

#[test]
fn a_receipt_fits_one_recipient_cursor_and_history() {
    let recipient = key(5);
    let (mut digest, mut reordered) = (ReceiptDigest::default(), ReceiptDigest::default());
    let roots = roots(2);
    digest.add(40, &roots[0]);
    digest.add(41, &roots[1]);
    reordered.add(41, &roots[1]);
    reordered.add(40, &roots[0]);

    let receipt = sign_receipt(&recipient, "ridgeway", 41, &digest).unwrap();
    let verifier = recipient.public();
    let check = |slug, cursor, digest| verify_receipt(&verifier, slug, cursor, digest, &receipt);
    assert_eq!(check("ridgeway", 41, &digest), Ok(()));
    let wrong = Err(SealError::Key(KeyError::Signature));
    assert_eq!(check("ridgeway", 42, &digest), wrong);
    assert_eq!(check("northgate", 41, &digest), wrong);
    assert_eq!(check("ridgeway", 41, &reordered), wrong);
    assert_eq!(check("ridge\nway", 41, &digest), Err(SealError::Slug));
    assert_eq!(ReceiptDigest::from_bytes(*digest.as_bytes()), digest);
}

#[test]
fn secrets_do_not_show_in_debug() {
    let salts = commonroll_audit::SaltKey::new(&[9; 32]);
    assert_eq!(format!("{salts:?}"), "SaltKey(..)");
}

proptest! {
    #[test]
    fn hostile_statements_and_paths_never_panic(
        source in ".{0,70}", number in any::<u64>(), count in any::<u64>(), root in any::<[u8; 32]>(),
        index in any::<u64>(), path in prop::collection::vec(any::<[u8; 32]>(), 0..20),
    ) {
        let verifier = key(3).public();
        let statement = BatchStatement { source, number, count, root };
        prop_assert!(verify_batch(&verifier, statement, &[7; 64]).is_err());
        prop_assert!(verify_record_in_batch(&verified(&signed(3)), index, &root, &path).is_err());
    }
}

#[test]
fn salts_are_hmac_of_rfc_2104() {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[0x5a; 32]);
    let text = [&[7; 16][..], &258u32.to_be_bytes(), &4u32.to_be_bytes()].concat();
    assert_eq!(salt(&[0x5a; 32], &[7; 16], 258, 4), hmac::sign(&key, &text).as_ref()[..16]);
}

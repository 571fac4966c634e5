//! Whatever the bytes are: an answer, never a panic, and never a record that does not seal again to the same sense.

use crate::sample::{self, SECRET};
use bytes::Bytes;
use commonroll_wire::{
    claimed_id, open, pb, read_agreement, read_declaration, read_declaration_answer, read_institution,
    read_record_answer, redact, seal, verify_delivery, write_declaration,
};
use proptest::prelude::*;
use prost::Message;

/// Record bytes that get past the outer message, with anything in their groups.
fn framed() -> impl Strategy<Value = pb::record::v1::SealedRecord> {
    let group =
        (0u32..40, any::<[u8; 16]>(), prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(n, salt, c)| {
            let (salt, content) = (Bytes::copy_from_slice(&salt), c.into());
            pb::record::v1::FieldGroup { number: n, salt, content, withheld_hash: Bytes::new() }
        });
    prop::collection::vec(group, 0..8).prop_map(|mut groups| {
        groups.sort_by_key(|g| g.number);
        groups.dedup_by_key(|g| g.number);
        pb::record::v1::SealedRecord { groups }
    })
}

/// True if nothing differs but the number of a group that is a hash alone: its leaf, and so the root, binds the number
/// only where salt and content are shown with it.
fn same_groups(one: &pb::record::v1::SealedRecord, other: &pb::record::v1::SealedRecord) -> bool {
    let same = |(a, b): (&pb::record::v1::FieldGroup, &pb::record::v1::FieldGroup)| {
        a == b || !a.withheld_hash.is_empty() && a.withheld_hash == b.withheld_hash
    };
    one.groups.len() == other.groups.len() && one.groups.iter().zip(&other.groups).all(same)
}

proptest! {
    #[test]
    fn any_bytes_at_every_door(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(message) = pb::record::v1::SealedRecord::decode(bytes.as_slice()) {
            let _ = (open(&message), redact(&message, 0), claimed_id(&message));
        }
        if let Ok(message) = pb::directory::v1::Declaration::decode(bytes.as_slice()) {
            let _ = read_declaration(&message);
        }
        if let Ok(message) = pb::agreement::v1::Agreement::decode(bytes.as_slice()) {
            let _ = read_agreement(&message);
        }
        if let Ok(message) = pb::institution::v1::Institution::decode(bytes.as_slice()) {
            let _ = read_institution(&message);
        }
        if let Ok(message) = pb::exchange::v1::RecordResult::decode(bytes.as_slice()) {
            let _ = read_record_answer(message);
        }
        if let Ok(message) = pb::directory::v1::DeclarationResult::decode(bytes.as_slice()) {
            let _ = read_declaration_answer(message);
        }
        if let Ok(message) = pb::exchange::v1::DeliveredBatch::decode(bytes.as_slice()) {
            prop_assert!(verify_delivery(&message, &sample::signing_key().public()).is_err());
        }
    }

    #[test]
    fn any_content_in_a_sound_frame(message in framed()) {
        let _ = (open(&message), redact(&message, 0b1010), claimed_id(&message));
    }

    #[test]
    fn one_changed_byte_is_refused_or_shows_in_the_root(which in 0usize..4, at in any::<usize>(), change in 1u8..) {
        let sealed = seal(&sample::all()[which], &SECRET, &[5]);
        let mut bytes = sealed.message.encode_to_vec();
        let at = at % bytes.len();
        bytes[at] ^= change;
        // A change that prost does not even see (another spelling of the same number) is no change of the record.
        if let Ok(message) = pb::record::v1::SealedRecord::decode(bytes.as_slice())
            && !same_groups(&message, &sealed.message)
            && let Ok(opened) = open(&message)
        {
            prop_assert_ne!(opened.root, sealed.root);
        }
    }

    #[test]
    fn what_opens_says_the_same_when_sealed_again(which in 0usize..4, at in any::<usize>(), change in 1u8..) {
        let sealed = seal(&sample::all()[which], &SECRET, &[]);
        let mut bytes = sealed.message.encode_to_vec();
        let at = at % bytes.len();
        bytes[at] ^= change;
        if let Ok(message) = pb::record::v1::SealedRecord::decode(bytes.as_slice())
            && let Ok(opened) = open(&message)
        {
            let again = open(&seal(&opened.record, &SECRET, &[]).message).unwrap();
            prop_assert_eq!(again.record, opened.record);
        }
    }

    #[test]
    fn a_declared_learner_says_the_same_when_written_again(local_id in ".{0,70}", upn in ".{0,40}", surname in ".{0,110}") {
        let learner = pb::learner::v1::Learner { local_id, registration: 1, upn, surname, ..Default::default() };
        let fact = Some(pb::directory::v1::declaration::Fact::Learner(learner));
        if let Ok(read) = read_declaration(&pb::directory::v1::Declaration { fact }) {
            prop_assert_eq!(read_declaration(&write_declaration(&read)).unwrap(), read);
        }
    }
}

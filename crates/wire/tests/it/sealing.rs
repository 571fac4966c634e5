//! A record is sealed at its source, opened by hub and home, and redacted between them.

use crate::sample::{self, SECRET};
use commonroll_core::{Body, Record};
use commonroll_wire::{HEAD_BIT, Opened, open, pb::record::v1 as pb, redact, seal};
use prost::Message;

#[test]
fn every_kind_comes_back_as_it_was_sealed() {
    for record in sample::all() {
        let sealed = seal(&record, &SECRET, &[]);
        let bytes = sealed.message.encode_to_vec();
        let opened = open(&pb::SealedRecord::decode(bytes.as_slice()).unwrap()).unwrap();
        assert_eq!(opened.record, record);
        assert_eq!(opened.root, sealed.root);
        assert_eq!(opened.leaves.len(), sealed.message.groups.len());
        let expected = record.kind().groups().iter().fold(HEAD_BIT, |mask, (n, _)| mask | 1 << n);
        let withdrawn = matches!(record.body, Body::Withdrawn(_));
        assert_eq!(opened.present, if withdrawn { HEAD_BIT } else { expected });
    }
}

#[test]
fn a_repeat_of_a_record_has_the_same_bytes_and_another_secret_has_another_root() {
    for record in sample::all() {
        let first = seal(&record, &SECRET, &[]);
        assert_eq!(first, seal(&record, &SECRET, &[]));
        assert_ne!(first.root, seal(&record, &[9; 32], &[]).root);
    }
}

#[test]
fn what_the_source_withholds_leaves_as_a_hash_and_the_root_stays() {
    let record = sample::behaviour();
    let whole = seal(&record, &SECRET, &[]);
    let sealed = seal(&record, &SECRET, &[5, 1]);
    assert_eq!(sealed.root, whole.root);
    let comment = &sealed.message.groups[4];
    assert!(comment.content.is_empty() && comment.salt.is_empty());
    assert_eq!(comment.withheld_hash.len(), 32);
    let Opened { record: Record { body: Body::Behaviour(part), head }, present, .. } =
        open(&sealed.message).unwrap()
    else {
        panic!("a behaviour record opens as one")
    };
    assert_eq!(head, record.head, "the head is never withheld");
    assert_eq!(part.internal_comment, None);
    assert_eq!(present, 0b11110);
}

#[test]
fn redaction_keeps_the_root_whatever_is_withheld() {
    for record in sample::all() {
        let sealed = seal(&record, &SECRET, &[]);
        for keep in 0..64 {
            let redacted = redact(&sealed.message, keep).unwrap();
            let opened = open(&redacted).unwrap();
            assert_eq!(opened.root, sealed.root, "keep {keep:b}");
            let had = open(&sealed.message).unwrap().present;
            assert_eq!(opened.present, had & (keep | HEAD_BIT), "keep {keep:b}");
            assert_eq!(opened.record.head, record.head);
            assert_eq!(redact(&redacted, u32::MAX).unwrap(), redacted, "what is gone stays gone");
        }
    }
}

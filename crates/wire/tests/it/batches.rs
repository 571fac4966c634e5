//! A batch is signed once; hub and home both find out when it was forged, cut, reordered or touched.

use crate::sample::{self, SECRET};
use bytes::Bytes;
use commonroll_audit::{SealError, SigningKey};
use commonroll_wire::{
    BatchError, Delivered, DeliveryError, HEAD_BIT, Sealed, alone, open_batch, path_bytes,
    pb::exchange::v1::{DeliveredBatch, DeliveredRecord, PublishRequest},
    redact, seal, seal_batch, verify_delivery,
};

fn records(count: usize) -> Vec<Sealed> {
    let record = |at: usize| seal(&sample::all()[at % 4], &SECRET, &[5]);
    (0..count).map(record).collect()
}

fn published(count: usize) -> PublishRequest {
    seal_batch(&sample::slug("kingsmead"), 12, records(count), &sample::signing_key()).unwrap()
}

/// What a hub sends on of a batch: these places, each with only its head and group 2.
fn delivered(request: &PublishRequest, places: &[u32]) -> DeliveredBatch {
    let opened = open_batch(request, &sample::signing_key().public()).unwrap();
    let records = places.iter().zip(1..).map(|(place, sequence)| DeliveredRecord {
        sequence,
        batch_index: *place,
        batch_path: path_bytes(&opened.signed.path(*place as usize).unwrap()),
        record: Some(redact(&request.records[*place as usize], HEAD_BIT | 1 << 2).unwrap()),
        ..Default::default()
    });
    DeliveredBatch { seal: request.seal.clone(), records: records.collect(), joint_path: Bytes::new() }
}

/// The same with one path for all.
fn delivered_jointly(request: &PublishRequest, places: &[u32]) -> DeliveredBatch {
    let opened = open_batch(request, &sample::signing_key().public()).unwrap();
    let indices: Vec<_> = places.iter().map(|place| *place as usize).collect();
    let mut batch = delivered(request, places);
    batch.records.iter_mut().for_each(|record| record.batch_path.clear());
    batch.joint_path = opened.signed.joint_path(&indices).unwrap().concat().into();
    batch
}

fn verify(batch: &DeliveredBatch) -> Result<Vec<Delivered>, DeliveryError> {
    verify_delivery(batch, &sample::signing_key().public())
}

fn flip(bytes: &mut Bytes, at: usize) {
    let mut copy = bytes.to_vec();
    copy[at] ^= 1;
    *bytes = copy.into();
}

#[test]
fn a_published_batch_opens_at_the_hub() {
    for count in [1, 2, 3, 7, 100] {
        let request = published(count);
        let opened = open_batch(&request, &sample::signing_key().public()).unwrap();
        assert_eq!(opened.records.len(), count);
        for (at, record) in opened.records.into_iter().enumerate() {
            let record = record.unwrap();
            assert_eq!(record.root, opened.roots[at]);
            assert_eq!(record.record.head, sample::all()[at % 4].head);
        }
    }
}

#[test]
fn a_batch_is_never_empty_and_never_over_a_thousand() {
    let sealed = |n| seal_batch(&sample::slug("kingsmead"), 1, records(n), &sample::signing_key());
    assert!(matches!(sealed(0), Err(SealError::RecordCount { count: 0 })));
    assert!(matches!(sealed(1_001), Err(SealError::RecordCount { count: 1_001 })));
    assert_eq!(sealed(1_000).unwrap().records.len(), 1_000);
}

#[test]
fn one_bad_record_does_not_spoil_its_neighbours() {
    let mut sealed = records(3);
    let mut alien = sample::attendance();
    alien.head.source = sample::slug("northgate");
    sealed[1] = seal(&alien, &SECRET, &[]);
    let request = seal_batch(&sample::slug("kingsmead"), 1, sealed, &sample::signing_key()).unwrap();
    let opened = open_batch(&request, &sample::signing_key().public()).unwrap();
    assert!(opened.records[0].is_ok() && opened.records[2].is_ok());
    assert_eq!(opened.records[1].as_ref().unwrap_err().field, "source");
    let delivered = verify(&delivered(&request, &[0, 1, 2])).unwrap();
    assert_eq!(delivered[1].record.as_ref().unwrap_err().field, "source", "nor does a home believe it");
    assert!(delivered[0].record.is_ok() && delivered[2].record.is_ok());
}

#[test]
fn a_forged_batch_is_refused_at_the_hub() {
    let refused = |edit: fn(&mut PublishRequest)| {
        let mut request = published(5);
        edit(&mut request);
        open_batch(&request, &sample::signing_key().public()).map(|_| ()).unwrap_err()
    };
    assert_eq!(refused(|r| r.records.swap(0, 1)), BatchError::Signature);
    assert_eq!(refused(|r| flip(&mut r.records[2].groups[1].salt, 3)), BatchError::Signature);
    assert_eq!(refused(|r| flip(&mut r.seal.as_mut().unwrap().signature, 9)), BatchError::Signature);
    assert_eq!(refused(|r| r.seal.as_mut().unwrap().number += 1), BatchError::Signature);
    assert_eq!(refused(|r| r.seal.as_mut().unwrap().source = "northgate".into()), BatchError::Signature);
    assert_eq!(refused(|r| flip(&mut r.seal.as_mut().unwrap().key_id, 0)), BatchError::Key);
    let field = |error| match error {
        BatchError::Seal(invalid) | BatchError::Frame { invalid, .. } => invalid.field,
        BatchError::Key | BatchError::Signature => panic!("a field is at fault"),
    };
    assert_eq!(field(refused(|r| r.seal = None)), "seal");
    assert_eq!(field(refused(|r| drop(r.records.pop()))), "size");
    assert_eq!(field(refused(|r| r.seal.as_mut().unwrap().size = 1_001)), "size");
    assert_eq!(field(refused(|r| r.seal.as_mut().unwrap().number = 0)), "number");
    assert_eq!(field(refused(|r| r.seal.as_mut().unwrap().source = "K".into())), "source");
    assert_eq!(field(refused(|r| r.seal.as_mut().unwrap().signature = Bytes::new())), "signature");
    assert_eq!(field(refused(|r| r.seal.as_mut().unwrap().key_id = Bytes::new())), "key_id");
    let frame = refused(|r| r.records[3].groups.clear());
    assert!(matches!(frame, BatchError::Frame { index: 3, .. }), "{frame}");
}

#[test]
fn another_key_is_found_out() {
    let other = SigningKey::from_seed(&[8; 32]).unwrap().public();
    assert_eq!(open_batch(&published(2), &other).map(|_| ()).unwrap_err(), BatchError::Key);
    let mut batch = delivered(&published(2), &[0]);
    assert_eq!(verify_delivery(&batch, &other), Err(DeliveryError::Key));
    batch.seal.as_mut().unwrap().key_id = Bytes::copy_from_slice(other.id().as_bytes());
    assert_eq!(verify_delivery(&batch, &other), Err(DeliveryError::Signature));
}

#[test]
fn a_home_believes_what_was_redacted_and_signed() {
    for count in [1, 2, 5, 64, 1_000] {
        let request = published(count);
        let places: Vec<u32> = (0..count as u32).filter(|at| at % 3 != 1).collect();
        let records = verify(&delivered(&request, &places)).unwrap();
        let roots = open_batch(&request, &sample::signing_key().public()).unwrap().roots;
        assert_eq!(records.len(), places.len());
        for (place, record) in places.iter().zip(&records) {
            assert_eq!(record.root, roots[*place as usize]);
            let opened = record.record.as_ref().unwrap();
            assert_eq!(opened.record.head, sample::all()[*place as usize % 4].head);
            assert_eq!(opened.present & !(HEAD_BIT | 1 << 2), 0);
        }
    }
}

#[test]
fn places_may_come_in_another_order_than_the_batch() {
    // A record refused at first and accepted later gets a later sequence number than its neighbours.
    assert_eq!(verify(&delivered(&published(4), &[2, 0])).unwrap().len(), 2);
}

#[test]
fn a_tampered_delivery_is_found_out() {
    let refused = |edit: fn(&mut DeliveredBatch)| {
        let mut batch = delivered(&published(6), &[0, 3, 4]);
        edit(&mut batch);
        verify(&batch).unwrap_err()
    };
    let path = DeliveryError::Path { sequence: 2 };
    assert_eq!(refused(|b| flip(&mut b.records[1].batch_path[0], 0)), path);
    assert_eq!(refused(|b| flip(&mut b.records[1].batch_path[2], 31)), path);
    assert_eq!(refused(|b| drop(b.records[1].batch_path.pop())), path);
    assert_eq!(refused(|b| b.records[1].batch_index = 2), path);
    assert_eq!(refused(|b| flip(&mut b.records[1].record.as_mut().unwrap().groups[0].salt, 0)), path);
    assert_eq!(refused(|b| flip(&mut b.seal.as_mut().unwrap().signature, 63)), DeliveryError::Signature);
    assert_eq!(refused(|b| b.seal.as_mut().unwrap().number = 13), DeliveryError::Signature);
    // All records swapped for others of the hub's making: the paths agree with each other, the signature does not.
    let forged = refused(|b| {
        b.records.truncate(1);
        flip(&mut b.records[0].record.as_mut().unwrap().groups[4].withheld_hash, 5);
    });
    assert_eq!(forged, DeliveryError::Signature);
}

#[test]
fn a_malformed_delivery_is_refused_by_its_field() {
    let field = |edit: fn(&mut DeliveredBatch)| {
        let mut batch = delivered(&published(6), &[0, 3]);
        edit(&mut batch);
        match verify(&batch) {
            Err(DeliveryError::Invalid(invalid)) => invalid.field,
            other => panic!("a field is at fault: {other:?}"),
        }
    };
    assert_eq!(field(|b| b.records.clear()), "records");
    assert_eq!(field(|b| b.records[0].record = None), "record");
    assert_eq!(field(|b| b.records[0].sequence = 0), "sequence");
    assert_eq!(field(|b| b.records[1].sequence = 1), "sequence");
    assert_eq!(field(|b| b.records[1].batch_index = 6), "batch_index");
    assert_eq!(field(|b| b.records[1].batch_index = 0), "batch_index");
    assert_eq!(field(|b| b.records[1].batch_path = vec![Bytes::from_static(&[0; 32]); 11]), "batch_path");
    assert_eq!(field(|b| b.records[1].batch_path[0] = Bytes::from_static(&[0; 31])), "batch_path");
    assert_eq!(field(|b| b.seal = None), "seal");
}

#[test]
fn a_joint_path_shows_the_same_as_the_paths_and_each_record_can_stand_alone() {
    for (count, places) in [(1, &[0][..]), (6, &[0, 3, 4]), (7, &[6]), (3, &[0, 1, 2]), (100, &[5, 6, 7, 80])]
    {
        let request = published(count);
        let jointly = delivered_jointly(&request, places);
        let one_by_one = delivered(&request, places);
        assert_eq!(verify(&jointly).unwrap(), verify(&one_by_one).unwrap());
        for place in 0..places.len() {
            let single = alone(&jointly, place);
            assert_eq!(single.records, one_by_one.records[place..=place]);
            assert_eq!(verify(&single).unwrap().len(), 1);
            assert_eq!(alone(&one_by_one, place), single);
        }
    }
}

#[test]
fn a_tampered_joint_path_is_found_out() {
    let refused = |edit: fn(&mut DeliveredBatch)| {
        let mut batch = delivered_jointly(&published(6), &[0, 3, 4]);
        edit(&mut batch);
        // Setting a record of it aside can't make it sound.
        assert!(verify(&alone(&batch, 1)).is_err());
        verify(&batch).unwrap_err()
    };
    assert_eq!(refused(|b| flip(&mut b.joint_path, 0)), DeliveryError::Signature);
    assert_eq!(refused(|b| b.joint_path = Bytes::new()), DeliveryError::JointPath);
    assert_eq!(
        refused(|b| b.joint_path = [&b.joint_path[..], &[0; 32]].concat().into()),
        DeliveryError::JointPath
    );
    assert_eq!(refused(|b| b.records[1].batch_index = 2), DeliveryError::Signature);
    // As many hashes are asked for, but at other places.
    assert_eq!(refused(|b| drop(b.records.remove(1))), DeliveryError::Signature);
    let half = refused(|b| b.joint_path = b.joint_path.slice(..31));
    assert!(matches!(half, DeliveryError::Invalid(invalid) if invalid.field == "joint_path"));
    let swapped = refused(|b| {
        let (one, other) = b.records.split_at_mut(1);
        std::mem::swap(&mut one[0].batch_index, &mut other[0].batch_index);
    });
    assert_eq!(swapped, DeliveryError::JointPath);
}

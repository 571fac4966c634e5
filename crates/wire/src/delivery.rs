//! Deliveries: the check that a recipient makes before it believes a record.
//!
//! The batch's root does not travel. The records' paths, or one joint path, lead to it, all must lead to the same, and
//! the source's signature must cover that one; so a hub can neither forge a record nor slip one in.

use crate::{
    batch::{self, BatchError},
    pb::exchange::v1 as pb,
    read,
    seal::{self, Opened},
};
use bytes::Bytes;
use commonroll_audit::{
    BatchStatement, Hash, PublicKey, leaf_hash, path_from_joint_path, root_from_joint_path, root_from_path,
    verify_batch,
};
use commonroll_core::Invalid;
use std::collections::HashSet;

/// Why a delivered batch is refused as a whole. Nothing in it can be believed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// A part of the message breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Another key than the one asked for signed the batch.
    #[error("field `key_id`: is not the key that this batch is checked with")]
    Key,
    /// A record's path does not fit its place in the batch, or leads to another root than its neighbours' paths.
    #[error("field `batch_path`: does not tie the record at sequence {sequence} to the signed batch")]
    Path {
        /// The record's sequence number.
        sequence: u64,
    },
    /// The joint path does not fit the places of the records.
    #[error("field `joint_path`: does not tie these records to the signed batch")]
    JointPath,
    /// The signature does not cover the root that the paths lead to: a record, a path or the signature was changed.
    #[error(
        "field `signature`: does not cover these records; they were changed after their source signed them"
    )]
    Signature,
}

impl From<BatchError> for DeliveryError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Seal(invalid) | BatchError::Frame { invalid, .. } => Self::Invalid(invalid),
            BatchError::Key => Self::Key,
            BatchError::Signature => Self::Signature,
        }
    }
}

/// A delivered record that its source is shown to have signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// Its sequence number in the log, from 1.
    pub sequence: u64,
    /// Its root: goes into the receipt's digest together with the sequence number.
    pub root: Hash,
    /// The record, or the rule that it breaks. A source may sign what this version can't read; that holds up nothing.
    pub record: Result<Opened, Invalid>,
}

/// Checks a delivered batch: one signature, every record's path, and that each record comes from the seal's source.
///
/// That `key` is a key of the source in the seal is for the caller to know.
///
/// # Errors
/// [`DeliveryError`] when any record can't be shown to be in the signed batch.
pub fn verify_delivery(
    delivered: &pb::DeliveredBatch,
    key: &PublicKey,
) -> Result<Vec<Delivered>, DeliveryError> {
    let seal = batch::read_seal(delivered.seal.as_ref(), key)?;
    check_order(&delivered.records, seal.size)?;
    let mut records = Vec::with_capacity(delivered.records.len());
    let mut leaves = Vec::with_capacity(delivered.records.len());
    for record in &delivered.records {
        let message = record.record.as_ref().ok_or(Invalid::new("record", "must be given"))?;
        let frame = seal::frame(message)?;
        let root = frame.root;
        leaves.push((u64::from(record.batch_index), leaf_hash(&root)));
        let opened = seal::open_framed(message, frame);
        let record_of_source = batch::of_source(opened, &seal.source);
        records.push(Delivered { sequence: record.sequence, root, record: record_of_source });
    }
    let root = match joined(&delivered.records) {
        true => joint_root(delivered, &leaves, seal.size)?,
        false => common_root(&delivered.records, &leaves, seal.size)?,
    };
    let source = seal.source.as_str().to_owned();
    let statement = BatchStatement { source, number: seal.number, count: u64::from(seal.size), root };
    verify_batch(key, statement, &seal.signature).map_err(|_| DeliveryError::Signature)?;
    Ok(records)
}

/// One record of a delivered batch as a batch of its own, with its own path: for setting it aside. Of a batch whose
/// paths are broken it is one that can't be verified either.
pub fn alone(delivered: &pb::DeliveredBatch, place: usize) -> pb::DeliveredBatch {
    let mut records: Vec<_> = delivered.records.get(place).cloned().into_iter().collect();
    if let ([record], true) = (&mut records[..], joined(&delivered.records)) {
        record.batch_path = path_of(delivered, place).unwrap_or_default();
    }
    pb::DeliveredBatch { seal: delivered.seal.clone(), records, joint_path: Bytes::new() }
}

fn path_of(delivered: &pb::DeliveredBatch, place: usize) -> Option<Vec<Bytes>> {
    let leaf = |record: &pb::DeliveredRecord| {
        let frame = seal::frame(record.record.as_ref()?).ok()?;
        Some((u64::from(record.batch_index), leaf_hash(&frame.root)))
    };
    let leaves = delivered.records.iter().map(leaf).collect::<Option<Vec<_>>>()?;
    let (joint, []) = delivered.joint_path.as_chunks::<32>() else { return None };
    let size = u64::from(delivered.seal.as_ref()?.size);
    path_from_joint_path(&leaves, place, size, joint).ok().map(|path| path_bytes(&path))
}

/// True if one path stands for all records.
fn joined(records: &[pb::DeliveredRecord]) -> bool {
    records.iter().all(|record| record.batch_path.is_empty())
}

fn joint_root(
    delivered: &pb::DeliveredBatch,
    leaves: &[(u64, Hash)],
    size: u32,
) -> Result<Hash, DeliveryError> {
    let (path, []) = delivered.joint_path.as_chunks::<32>() else {
        return Err(Invalid::new("joint_path", "must be hashes of exactly 32 bytes, end to end").into());
    };
    root_from_joint_path(leaves, u64::from(size), path).map_err(|_| DeliveryError::JointPath)
}

/// The root that the records' own paths all lead to.
fn common_root(
    records: &[pb::DeliveredRecord],
    leaves: &[(u64, Hash)],
    size: u32,
) -> Result<Hash, DeliveryError> {
    let mut common = None;
    for (record, (_, leaf)) in records.iter().zip(leaves) {
        let leads_to = root_of(record, leaf, size)?;
        if *common.get_or_insert(leads_to) != leads_to {
            return Err(DeliveryError::Path { sequence: record.sequence });
        }
    }
    Ok(common.ok_or(Invalid::new("records", "must be at least one"))?)
}

/// An inclusion path as the schema writes it. The hashes share one buffer.
pub fn path_bytes(path: &[Hash]) -> Vec<Bytes> {
    let all = Bytes::from(path.concat());
    (0..path.len()).map(|at| all.slice(at * 32..(at + 1) * 32)).collect()
}

/// There are records, sequence numbers ascend, places in the batch lie inside it, and none is there twice.
fn check_order(records: &[pb::DeliveredRecord], size: u32) -> Result<(), Invalid> {
    if records.is_empty() {
        return Err(Invalid::new("records", "must be at least one"));
    }
    if records[0].sequence == 0 || !records.is_sorted_by(|a, b| a.sequence < b.sequence) {
        return Err(Invalid::new("sequence", "must ascend from record to record, from 1"));
    }
    // Places that ascend, as they nearly always do, can't repeat.
    let ascending = records.is_sorted_by(|a, b| a.batch_index < b.batch_index);
    let mut places = HashSet::new();
    if records.iter().any(|r| r.batch_index >= size || !(ascending || places.insert(r.batch_index))) {
        return Err(Invalid::new("batch_index", "must lie inside the batch, each place once"));
    }
    Ok(())
}

/// The batch root that a record's path leads to.
fn root_of(record: &pb::DeliveredRecord, leaf: &Hash, size: u32) -> Result<Hash, DeliveryError> {
    // Ten siblings are enough for 1,000 records; a longer path can't fit and need not be read.
    let mut path = [[0; 32]; 10];
    let fits = path.get_mut(..record.batch_path.len());
    let path = fits.ok_or(Invalid::new("batch_path", "must have at most 10 hashes"))?;
    for (hash, bytes) in path.iter_mut().zip(&record.batch_path) {
        *hash = read::exactly("batch_path", bytes, "must be hashes of exactly 32 bytes")?;
    }
    root_from_path(leaf, u64::from(record.batch_index), u64::from(size), path)
        .map_err(|_| DeliveryError::Path { sequence: record.sequence })
}

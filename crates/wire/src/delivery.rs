//! Deliveries: the check that a recipient makes before it believes a record.
//!
//! The batch's root does not travel. Every record's path leads to one, all must lead to the same, and the source's
//! signature must cover that one; so a hub can neither forge a record nor slip one in.

use crate::{
    batch::{self, BatchError},
    pb::exchange::v1 as pb,
    read,
    seal::{self, Opened},
};
use bytes::Bytes;
use commonroll_audit::{BatchStatement, Hash, PublicKey, leaf_hash, root_from_path, verify_batch};
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
    let mut batch_root = None;
    let mut records = Vec::with_capacity(delivered.records.len());
    for record in &delivered.records {
        let sequence = record.sequence;
        let message = record.record.as_ref().ok_or(Invalid::new("record", "must be given"))?;
        let frame = seal::frame(message)?;
        let leads_to = root_of(record, &frame.root, seal.size)?;
        if *batch_root.get_or_insert(leads_to) != leads_to {
            return Err(DeliveryError::Path { sequence });
        }
        let root = frame.root;
        let opened = seal::open_framed(message, frame);
        records.push(Delivered { sequence, root, record: batch::of_source(opened, &seal.source) });
    }
    let root = batch_root.ok_or(Invalid::new("records", "must be at least one"))?;
    let source = seal.source.as_str().to_owned();
    let statement = BatchStatement { source, number: seal.number, count: u64::from(seal.size), root };
    verify_batch(key, statement, &seal.signature).map_err(|_| DeliveryError::Signature)?;
    Ok(records)
}

/// An inclusion path as the schema writes it. The hashes share one buffer.
pub fn path_bytes(path: &[Hash]) -> Vec<Bytes> {
    let all = Bytes::from(path.concat());
    (0..path.len()).map(|at| all.slice(at * 32..(at + 1) * 32)).collect()
}

/// Sequence numbers ascend, places in the batch lie inside it, and none is there twice.
fn check_order(records: &[pb::DeliveredRecord], size: u32) -> Result<(), Invalid> {
    let mut last = 0;
    let mut places = HashSet::with_capacity(records.len().min(size as usize));
    for record in records {
        if record.sequence <= last {
            return Err(Invalid::new("sequence", "must ascend from record to record, from 1"));
        }
        last = record.sequence;
        if record.batch_index >= size || !places.insert(record.batch_index) {
            return Err(Invalid::new("batch_index", "must lie inside the batch, each place once"));
        }
    }
    Ok(())
}

/// The batch root that a record's path leads to.
fn root_of(record: &pb::DeliveredRecord, root: &Hash, size: u32) -> Result<Hash, DeliveryError> {
    // Ten siblings are enough for 1,000 records; a longer path can't fit and need not be read.
    let mut path = [[0; 32]; 10];
    let fits = path.get_mut(..record.batch_path.len());
    let path = fits.ok_or(Invalid::new("batch_path", "must have at most 10 hashes"))?;
    for (hash, bytes) in path.iter_mut().zip(&record.batch_path) {
        *hash = read::exactly("batch_path", bytes, "must be hashes of exactly 32 bytes")?;
    }
    root_from_path(&leaf_hash(root), u64::from(record.batch_index), u64::from(size), path)
        .map_err(|_| DeliveryError::Path { sequence: record.sequence })
}

//! Batches: many records under one signature of their source.

use crate::{
    pb::{exchange::v1::PublishRequest, record::v1 as pb},
    read,
    seal::{self, Opened, Sealed},
};
use bytes::Bytes;
use commonroll_audit::{
    BatchSigner, Hash, PublicKey, SealError, Signature, SignedBatch, SigningKey, verify_whole_batch,
};
use commonroll_core::{Invalid, Slug};

/// Most records of a batch.
pub const BATCH_MAX: usize = 1_000;

/// Why a batch as a whole is refused. None of its records can be trusted then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The seal breaks a rule.
    #[error(transparent)]
    Seal(#[from] Invalid),
    /// A record's frame breaks a rule, so that the batch's root can't be told.
    #[error("record {index} of the batch: {invalid}")]
    Frame {
        /// Place in the batch, from 0.
        index: usize,
        /// What is wrong.
        invalid: Invalid,
    },
    /// Another key than the one asked for signed the batch.
    #[error("field `key_id`: is not the key that this batch is checked with")]
    Key,
    /// The signature does not cover these records in this order.
    #[error("field `signature`: does not cover these records in this order; sign the batch again")]
    Signature,
}

/// A batch whose signature holds.
#[derive(Debug)]
pub struct OpenedBatch {
    /// What was signed, with the path of every record.
    pub signed: SignedBatch,
    /// Every record's root, in the order of the batch.
    pub roots: Vec<Hash>,
    /// Every record, or the rule that it breaks: one bad record does not spoil the others.
    pub records: Vec<Result<Opened, Invalid>>,
}

/// The seal of a message, read.
pub(crate) struct Seal {
    pub(crate) source: Slug,
    pub(crate) number: u64,
    pub(crate) size: u32,
    pub(crate) signature: Signature,
}

/// Signs a batch of a source's records, in this order.
///
/// # Errors
/// [`SealError::RecordCount`] when there is no record or more than [`BATCH_MAX`].
pub fn seal_batch(
    source: &Slug,
    number: u64,
    records: Vec<Sealed>,
    key: &SigningKey,
) -> Result<PublishRequest, SealError> {
    if records.len() > BATCH_MAX {
        return Err(SealError::RecordCount { count: records.len() as u64 });
    }
    let roots: Vec<Hash> = records.iter().map(|record| record.root).collect();
    let signed = BatchSigner::new(source.as_str(), key)?.sign(number, &roots)?;
    let seal = pb::BatchSeal {
        source: source.as_str().to_owned(),
        number,
        size: u32::try_from(roots.len()).expect("a batch has at most 1,000 records"),
        key_id: Bytes::copy_from_slice(key.public().id().as_bytes()),
        signature: Bytes::copy_from_slice(&signed.signature),
    };
    Ok(PublishRequest {
        seal: Some(seal),
        records: records.into_iter().map(|record| record.message).collect(),
    })
}

/// Opens a published batch: its seal, every record's frame, the signature, then every record.
///
/// That `key` is a key of the source in the seal, and that the publisher is that source, is for the caller to know.
///
/// # Errors
/// [`BatchError`] when the signature can't be shown to cover the records. A record whose content breaks a rule is an
/// error of its own in [`OpenedBatch::records`].
pub fn open_batch(request: &PublishRequest, key: &PublicKey) -> Result<OpenedBatch, BatchError> {
    let seal = read_seal(request.seal.as_ref(), key)?;
    if seal.size as usize != request.records.len() {
        return Err(Invalid::new("size", "must be the number of records in the batch").into());
    }
    let frame = |(index, record)| seal::frame(record).map_err(|invalid| BatchError::Frame { index, invalid });
    let frames = request.records.iter().enumerate().map(frame).collect::<Result<Vec<_>, _>>()?;
    let roots: Vec<Hash> = frames.iter().map(|frame| frame.root).collect();
    let signed = verify_whole_batch(key, seal.source.as_str(), seal.number, &roots, &seal.signature)
        .map_err(|_| BatchError::Signature)?;
    let pairs = request.records.iter().zip(frames);
    let records = pairs.map(|(record, frame)| of_source(seal::open_framed(record, frame), &seal.source));
    Ok(OpenedBatch { signed, roots, records: records.collect() })
}

/// A record must say that it comes from the source that sealed it.
pub(crate) fn of_source(opened: Result<Opened, Invalid>, source: &Slug) -> Result<Opened, Invalid> {
    let opened = opened?;
    if opened.record.head.source == *source {
        Ok(opened)
    } else {
        Err(Invalid::new("source", "must be the institution that sealed the batch"))
    }
}

/// Reads a seal that is to be checked with `key`.
pub(crate) fn read_seal(seal: Option<&pb::BatchSeal>, key: &PublicKey) -> Result<Seal, BatchError> {
    let seal = seal.ok_or(Invalid::new("seal", "must be given"))?;
    if seal.number == 0 {
        return Err(Invalid::new("number", "must be at least 1").into());
    }
    if seal.size == 0 || seal.size as usize > BATCH_MAX {
        return Err(Invalid::new("size", "must be between 1 and 1000").into());
    }
    let key_id: [u8; 8] = read::exactly("key_id", &seal.key_id, "must have exactly 8 bytes")?;
    if key_id != *key.id().as_bytes() {
        return Err(BatchError::Key);
    }
    Ok(Seal {
        source: read::slug("source", &seal.source)?,
        number: seal.number,
        size: seal.size,
        signature: read::exactly("signature", &seal.signature, "must have exactly 64 bytes")?,
    })
}

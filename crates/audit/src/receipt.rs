//! Receipts: a recipient's signed word on what it has received and written back.
//!
//! The recipient keeps a running hash over its feed: cursor and record, in order. Its receipt signs that hash, so
//! that neither side can later claim other records, another order, or fewer of them.

use crate::hash::{Hash, sha256};
use crate::keys::{PublicKey, Signature, SigningKey};
use crate::seal::{SealError, check_slug};
use crate::text;

/// The running hash of what a recipient received: it starts at 32 zero bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiptDigest(Hash);

impl ReceiptDigest {
    /// Goes on from a digest kept earlier.
    pub fn from_bytes(bytes: Hash) -> Self {
        Self(bytes)
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &Hash {
        &self.0
    }

    /// Adds a received record: `SHA-256(digest || log sequence (u64, big-endian) || record root)`.
    pub fn add(&mut self, sequence: u64, record_root: &Hash) {
        let mut link = [0; 72];
        link[..32].copy_from_slice(&self.0);
        link[32..40].copy_from_slice(&sequence.to_be_bytes());
        link[40..].copy_from_slice(record_root);
        self.0 = sha256(&link);
    }
}

/// The signed text of a receipt: everything up to `cursor` is safe at the recipient. Four lines.
///
/// # Errors
/// [`SealError::Slug`] when the slug could not stand in signed text.
pub fn receipt_text(recipient: &str, cursor: u64, digest: &ReceiptDigest) -> Result<String, SealError> {
    check_slug(recipient)?;
    Ok(format!("commonroll/receipt/v1\n{recipient}\n{cursor}\n{}\n", text::base64(&digest.0)))
}

/// Signs a receipt.
///
/// # Errors
/// [`SealError::Slug`] when the slug could not stand in signed text.
pub fn sign_receipt(
    key: &SigningKey,
    recipient: &str,
    cursor: u64,
    digest: &ReceiptDigest,
) -> Result<Signature, SealError> {
    Ok(key.sign(receipt_text(recipient, cursor, digest)?.as_bytes()))
}

/// Checks a receipt.
///
/// # Errors
/// When the slug is malformed or the signature does not fit.
pub fn verify_receipt(
    key: &PublicKey,
    recipient: &str,
    cursor: u64,
    digest: &ReceiptDigest,
    signature: &Signature,
) -> Result<(), SealError> {
    Ok(key.verify(receipt_text(recipient, cursor, digest)?.as_bytes(), signature)?)
}

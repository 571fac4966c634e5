//! Receipts: a recipient's signed word that everything up to a cursor is safe.

use crate::{pb::exchange::v1 as pb, read};
use bytes::Bytes;
use commonroll_audit::{PublicKey, ReceiptDigest, SealError, SigningKey, sign_receipt, verify_receipt};
use commonroll_core::{Invalid, Slug};

/// An acknowledgement with the recipient's signed receipt in it.
///
/// # Errors
/// [`SealError::Slug`] only if a slug could not stand in signed text, which no checked slug does.
pub fn acknowledge(
    recipient: &Slug,
    cursor: u64,
    digest: &ReceiptDigest,
    key: &SigningKey,
) -> Result<pb::AcknowledgeRequest, SealError> {
    Ok(pb::AcknowledgeRequest {
        cursor,
        digest: Bytes::copy_from_slice(digest.as_bytes()),
        key_id: Bytes::copy_from_slice(key.public().id().as_bytes()),
        signature: Bytes::copy_from_slice(&sign_receipt(key, recipient.as_str(), cursor, digest)?),
    })
}

/// Checks the receipt in an acknowledgement of this recipient and gives its digest.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule; `signature` when it was not made with this key over this receipt.
pub fn verify_acknowledgement(
    request: &pb::AcknowledgeRequest,
    recipient: &Slug,
    key: &PublicKey,
) -> Result<ReceiptDigest, Invalid> {
    let digest = read::exactly("digest", &request.digest, "must have exactly 32 bytes")?;
    let digest = ReceiptDigest::from_bytes(digest);
    let signature = read::exactly("signature", &request.signature, "must have exactly 64 bytes")?;
    let key_id: [u8; 8] = read::exactly("key_id", &request.key_id, "must have exactly 8 bytes")?;
    if key_id != *key.id().as_bytes() {
        return Err(Invalid::new("key_id", "is not the key that this receipt is checked with"));
    }
    verify_receipt(key, recipient.as_str(), request.cursor, &digest, &signature)
        .map_err(|_| Invalid::new("signature", "was not made with this key over this receipt"))?;
    Ok(digest)
}

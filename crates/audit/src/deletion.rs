//! Deletion receipts: a recipient's signed word on what became of copies that it is no longer entitled to.
//!
//! One receipt answers one withdrawal notice as a whole. It signs a running hash over every copy that the notice names,
//! in the notice's order, so that no outcome can be added, dropped or changed afterwards.

use crate::hash::{Hash, sha256};
use crate::keys::{PublicKey, Signature, SigningKey};
use crate::seal::{SealError, check_slug};
use crate::text;

/// What became of one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CopyOutcome {
    /// The MIS was told to remove it, or it is removed.
    Removed = 1,
    /// The MIS can't be told; it is marked for a person who removes it by hand.
    Flagged = 2,
    /// It stays, for the reason stated, such as the statutory register.
    Kept = 3,
    /// There was no copy.
    NotHeld = 4,
}

impl CopyOutcome {
    /// The outcome with this number.
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Removed),
            2 => Some(Self::Flagged),
            3 => Some(Self::Kept),
            4 => Some(Self::NotHeld),
            _ => None,
        }
    }
}

/// The running hash over the outcomes: it starts at 32 zero bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeletionDigest(Hash);

impl DeletionDigest {
    /// The digest's bytes.
    pub fn as_bytes(&self) -> &Hash {
        &self.0
    }

    /// Adds an outcome: `SHA-256(digest || sequence of the delivery (u64, big-endian) || outcome (1 byte) || reason)`.
    pub fn add(&mut self, sequence: u64, outcome: CopyOutcome, reason: &str) {
        let mut link = Vec::with_capacity(41 + reason.len());
        link.extend(self.0);
        link.extend(sequence.to_be_bytes());
        link.push(outcome as u8);
        link.extend(reason.as_bytes());
        self.0 = sha256(&link);
    }
}

/// The signed text: who answers, which notice by the recipient's own numbering, where the notice stands in the log, and
/// what became of its copies. Five lines.
///
/// # Errors
/// [`SealError::Slug`] when the slug could not stand in signed text.
pub fn deletion_text(
    recipient: &str,
    number: u64,
    sequence: u64,
    digest: &DeletionDigest,
) -> Result<String, SealError> {
    check_slug(recipient)?;
    let digest = text::base64(&digest.0);
    Ok(format!("commonroll/deletion/v1\n{recipient}\n{number}\n{sequence}\n{digest}\n"))
}

/// Signs a deletion receipt.
///
/// # Errors
/// [`SealError::Slug`] when the slug could not stand in signed text.
pub fn sign_deletion(
    key: &SigningKey,
    recipient: &str,
    number: u64,
    sequence: u64,
    digest: &DeletionDigest,
) -> Result<Signature, SealError> {
    Ok(key.sign(deletion_text(recipient, number, sequence, digest)?.as_bytes()))
}

/// Checks a deletion receipt.
///
/// # Errors
/// When the slug is malformed or the signature does not fit.
pub fn verify_deletion(
    key: &PublicKey,
    recipient: &str,
    number: u64,
    sequence: u64,
    digest: &DeletionDigest,
    signature: &Signature,
) -> Result<(), SealError> {
    Ok(key.verify(deletion_text(recipient, number, sequence, digest)?.as_bytes(), signature)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_holds_for_one_notice_and_exactly_its_outcomes() {
        let key = SigningKey::from_seed(&[7; 32]).expect("a seed is a key");
        let digest = |outcomes: &[(u64, CopyOutcome, &str)]| {
            let mut digest = DeletionDigest::default();
            outcomes.iter().for_each(|(sequence, outcome, reason)| digest.add(*sequence, *outcome, reason));
            digest
        };
        let said = digest(&[(5, CopyOutcome::Removed, ""), (9, CopyOutcome::Kept, "statutory_register")]);
        let signed = sign_deletion(&key, "kingsmead", 3, 40, &said).expect("a slug");
        let check = |number, sequence, digest: &DeletionDigest| {
            verify_deletion(&key.public(), "kingsmead", number, sequence, digest, &signed)
        };
        assert!(check(3, 40, &said).is_ok());
        assert!(check(4, 40, &said).is_err() && check(3, 41, &said).is_err());
        let other = digest(&[(5, CopyOutcome::Removed, ""), (9, CopyOutcome::Removed, "")]);
        assert!(check(3, 40, &other).is_err());
        assert!(check(3, 40, &digest(&[(5, CopyOutcome::Removed, "")])).is_err());
    }
}

//! Approvals: a person's signature over the hash of an exact text, such as an agreement or a change of the policies.
//!
//! What was signed is named twice, by a word for what it is and by its hash, so that a signature under one thing can
//! never be shown as a signature under another.

use crate::hash::Hash;
use crate::keys::{KeyError, PublicKey, Signature, SigningKey};
use crate::text;

/// What a signature approves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Approves {
    /// The text of a sharing agreement, signed for one of its parties.
    Agreement,
    /// A change of the policies.
    Policy,
    /// That a withdrawn copy was dealt with: a deletion receipt.
    Deletion,
    /// Anything else that needs a second person: an export, an erasure, a match.
    Act,
}

impl Approves {
    const fn word(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::Policy => "policy",
            Self::Deletion => "deletion",
            Self::Act => "act",
        }
    }
}

/// The signed text: four lines, who signs as 16 bytes in hexadecimal, the hash in base64.
pub fn approval_text(what: Approves, signer: &[u8; 16], hash: &Hash) -> String {
    format!("commonroll/approval/v1\n{}\n{}\n{}\n", what.word(), text::hex(signer), text::base64(hash))
}

/// Signs.
pub fn sign_approval(key: &SigningKey, what: Approves, signer: &[u8; 16], hash: &Hash) -> Signature {
    key.sign(approval_text(what, signer, hash).as_bytes())
}

/// Checks a signature.
///
/// # Errors
/// [`KeyError`] when the key did not sign exactly this.
pub fn verify_approval(
    key: &PublicKey,
    what: Approves,
    signer: &[u8; 16],
    hash: &Hash,
    signature: &Signature,
) -> Result<(), KeyError> {
    key.verify(approval_text(what, signer, hash).as_bytes(), signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_one_thing_one_signer_and_one_hash() {
        let key = SigningKey::from_seed(&[7; 32]).expect("a seed is a key");
        let signed = sign_approval(&key, Approves::Agreement, &[1; 16], &[2; 32]);
        let check = |what, signer: [u8; 16], hash: [u8; 32]| {
            verify_approval(&key.public(), what, &signer, &hash, &signed)
        };
        assert!(check(Approves::Agreement, [1; 16], [2; 32]).is_ok());
        assert!(check(Approves::Policy, [1; 16], [2; 32]).is_err());
        assert!(check(Approves::Agreement, [3; 16], [2; 32]).is_err());
        assert!(check(Approves::Agreement, [1; 16], [3; 32]).is_err());
    }
}

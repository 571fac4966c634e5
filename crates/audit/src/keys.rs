//! Ed25519 keys: who signed this?
//!
//! A thin coat over aws-lc-rs. Keys come in as bytes; where they are kept and how they were drawn is the caller's
//! affair. A signing key never shows its secret, not in `Debug` either.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::hash::sha256;
use crate::text;

/// An Ed25519 signature (RFC 8032).
pub type Signature = [u8; 64];

/// What can be wrong with a key or a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not an Ed25519 private key.
    #[error("not an Ed25519 private key: give a 32-byte seed or a PKCS#8 file")]
    Private,
    /// The text or bytes are not an Ed25519 public key.
    #[error("not an Ed25519 public key: give 44 base64 or 64 lower-case hex characters")]
    Public,
    /// The text is not a key id.
    #[error("not a key id: give 16 lower-case hex digits")]
    KeyId,
    /// The signature was not made with this key over these bytes.
    #[error("the signature does not fit the key and the signed bytes")]
    Signature,
}

/// A private key, and its public key beside it.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// The key with this RFC 8032 private seed.
    ///
    /// # Errors
    /// [`KeyError::Private`] when the library refuses the seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Private).and_then(Self::of)
    }

    /// The key in this PKCS#8 document (version 1 or 2, DER).
    ///
    /// # Errors
    /// [`KeyError::Private`] when it is not an Ed25519 key or its two halves disagree.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| KeyError::Private).and_then(Self::of)
    }

    fn of(pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Private)?;
        Ok(Self { pair, public: PublicKey(public) })
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `bytes`. The same bytes always give the same signature.
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        let signature = self.pair.sign(bytes);
        signature.as_ref().try_into().expect("an Ed25519 signature has 64 bytes")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({})", self.public.id())
    }
}

/// A public key. Any 32 bytes can stand here; bytes that are no key verify nothing.
///
/// `Display` is base64; [`PublicKey::to_hex`] is the other text form, and both parse.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key with these bytes (RFC 8032 encoding).
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key as 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        text::hex(&self.0)
    }

    /// The key's short name.
    pub fn id(&self) -> KeyId {
        let [a, b, c, d, e, f, g, h, ..] = sha256(&self.0);
        KeyId([a, b, c, d, e, f, g, h])
    }

    /// Checks one signature. (A key parsed beforehand saves nothing measurable: 40 us either way.)
    ///
    /// # Errors
    /// [`KeyError::Public`] for a key under which anybody could sign anything (a point of small order);
    /// [`KeyError::Signature`] when it was not made with this key over these bytes, or the bytes are no key.
    pub fn verify(&self, bytes: &[u8], signature: &Signature) -> Result<(), KeyError> {
        if has_small_order(&self.0) {
            return Err(KeyError::Public);
        }
        UnparsedPublicKey::new(&ED25519, &self.0).verify(bytes, signature).map_err(|_| KeyError::Signature)
    }
}

/// The two points of order 8, but for the sign of x.
const ORDER_8: [[u8; 32]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Whether a key is one of the few points whose signatures fit almost any text. The library lets them pass; a source
/// that enrolled one could later deny its marks, or somebody else make them.
fn has_small_order(key: &[u8; 32]) -> bool {
    let mut y = *key;
    y[31] &= 0x7f; // the sign of x
    match &y {
        [0 | 1, rest @ ..] if rest == &[0; 31] => true,
        [0xec..=0xee, middle @ .., 0x7f] if middle == &[0xff; 30] => true, // p-1, and 0 and 1 written as p and p+1
        other => ORDER_8.contains(other),
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&text::base64(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = if text.len() == 64 { text::from_hex(text) } else { text::from_base64_exact(text) };
        bytes.map(Self).ok_or(KeyError::Public)
    }
}

/// A public key's short name: the first 8 bytes of its SHA-256. For finding a key, never for trusting one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The id's bytes.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&text::hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        text::from_hex(text).map(Self).ok_or(KeyError::KeyId)
    }
}

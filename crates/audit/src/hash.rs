//! The hash rules of RFC 6962: SHA-256 with one byte in front that says "leaf" or "node".
//!
//! That byte keeps a leaf from ever being taken for an inner node. Nothing here allocates, except that an entry
//! over a kilobyte is hashed through a streaming context.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// A SHA-256 value: a leaf, an inner node or a root.
pub type Hash = [u8; 32];

const LEAF: u8 = 0x00;
const NODE: u8 = 0x01;
/// Inputs up to this many bytes are put together on the stack and hashed in one call.
const ON_STACK: usize = 1024;

/// The hash of a log entry: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha256_parts(&[&[LEAF], entry])
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut buffer = [NODE; 65];
    buffer[1..33].copy_from_slice(left);
    buffer[33..].copy_from_slice(right);
    sha256(&buffer)
}

/// The root of a tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// Plain SHA-256 of `bytes`, such as of the exact text that an approval is for.
pub fn sha256(bytes: &[u8]) -> Hash {
    to_hash(digest(&SHA256, bytes).as_ref())
}

/// SHA-256 of the parts laid end to end. The caller fixes or writes out each part's length.
pub(crate) fn sha256_parts(parts: &[&[u8]]) -> Hash {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > ON_STACK {
        let mut context = Context::new(&SHA256);
        parts.iter().for_each(|part| context.update(part));
        return to_hash(context.finish().as_ref());
    }
    let mut buffer = [0; ON_STACK];
    let mut end = 0;
    for part in parts {
        buffer[end..end + part.len()].copy_from_slice(part);
        end += part.len();
    }
    sha256(&buffer[..end])
}

fn to_hash(bytes: &[u8]) -> Hash {
    bytes.try_into().expect("a SHA-256 value has 32 bytes")
}

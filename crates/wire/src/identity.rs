//! A record's stable identity, derived from what its source calls it.

use aws_lc_rs::digest::{SHA256, digest};
use commonroll_core::{RecordId, RecordKind, SchoolDate, Slug};

/// The id of the record that a source knows by this key: 4 bytes of days since 1970-01-01 (big-endian), then the first
/// 12 bytes of SHA-256 over `"commonroll/record-id/v1\n{source}\n{kind}\n{local key}"`.
///
/// The key must be stable within source and kind; what changes with a correction must not be in it.
pub fn record_id(source: &Slug, kind: RecordKind, date: SchoolDate, local_key: &str) -> RecordId {
    let parts = ["commonroll/record-id/v1\n", source.as_str(), "\n", kind.as_str(), "\n", local_key];
    let digest = digest(&SHA256, parts.concat().as_bytes());
    let mut id = [0; 16];
    id[..4].copy_from_slice(&date.days().to_be_bytes());
    id[4..].copy_from_slice(&digest.as_ref()[..12]);
    RecordId(id)
}

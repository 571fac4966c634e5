//! Bytes of the index tables: fixed-width pairs of key and value, and the segments of a feed.
//!
//! Numbers inside keys and values are big-endian, so that the order of bytes is the order of numbers and one
//! comparison works on both engines. Rows go to the database packed into one blob: binding thousands of values costs
//! more than writing them.

use crate::types::{IdRow, TileRow};

/// `recid`: id 16, then value: revision 4, seq 8, source 2, root 14.
pub(crate) const ID: usize = 16;
/// `superseded`: id 16 and revision 4, then value: seq 8, source 2, root 14.
pub(crate) const ID_REVISION: usize = 20;
/// `tile`: level 1 and index 8, then value: hash 32.
pub(crate) const LEVEL_INDEX: usize = 9;

/// A row of `recid` or `superseded`: the same bytes, parted at another place.
pub(crate) fn id_row(row: &IdRow) -> [u8; 44] {
    let mut bytes = [0; 44];
    bytes[..16].copy_from_slice(&row.id);
    bytes[16..20].copy_from_slice(&row.revision.to_be_bytes());
    bytes[20..28].copy_from_slice(&row.seq.to_be_bytes());
    bytes[28..30].copy_from_slice(&row.source.to_be_bytes());
    bytes[30..].copy_from_slice(&row.root);
    bytes
}

/// Reads back [`id_row`]; `None` for a wrong length.
pub(crate) fn parse_id_row(key: &[u8], value: &[u8]) -> Option<IdRow> {
    let bytes: [u8; 44] = [key, value].concat().try_into().ok()?;
    Some(IdRow {
        id: bytes[..16].try_into().ok()?,
        revision: u32::from_be_bytes(bytes[16..20].try_into().ok()?),
        seq: u64::from_be_bytes(bytes[20..28].try_into().ok()?),
        source: u16::from_be_bytes(bytes[28..30].try_into().ok()?),
        root: bytes[30..].try_into().ok()?,
    })
}

/// A key of `superseded`.
pub(crate) fn id_revision((id, revision): &([u8; 16], u32)) -> [u8; ID_REVISION] {
    let mut bytes = [0; ID_REVISION];
    bytes[..16].copy_from_slice(id);
    bytes[16..].copy_from_slice(&revision.to_be_bytes());
    bytes
}

/// A key of `tile`.
pub(crate) fn level_index(level: u8, index: u64) -> [u8; LEVEL_INDEX] {
    let mut bytes = [level; LEVEL_INDEX];
    bytes[1..].copy_from_slice(&index.to_be_bytes());
    bytes
}

/// A row of `tile`.
pub(crate) fn tile_row(row: &TileRow) -> [u8; 41] {
    let mut bytes = [0; 41];
    bytes[..9].copy_from_slice(&level_index(row.level, row.index));
    bytes[9..].copy_from_slice(&row.hash);
    bytes
}

/// A feed segment: the differences between neighbours as varints, the first one to `first_seq`.
pub(crate) fn encode_segment(first_seq: u64, seqs: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(seqs.len() + 8);
    let mut last = first_seq;
    for &seq in seqs {
        let mut rest = seq - last;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        last = seq;
    }
    bytes
}

/// Reads back [`encode_segment`]; `None` unless the bytes hold exactly `n` numbers.
pub(crate) fn decode_segment(first_seq: u64, n: u32, bytes: &[u8]) -> Option<Vec<u64>> {
    let mut seqs = Vec::with_capacity(bytes.len().min(n as usize));
    let (mut last, mut step, mut shift) = (first_seq, 0u64, 0u32);
    for &byte in bytes {
        step |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 != 0 {
            shift += 7;
            continue;
        }
        last = last.checked_add(step)?;
        seqs.push(last);
        (step, shift) = (0, 0);
    }
    (shift == 0 && seqs.len() == n as usize).then_some(seqs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_reads_back_and_damage_is_seen() {
        let seqs = [1000, 1001, 1128, 1_000_000, u64::MAX >> 2];
        let bytes = encode_segment(1000, &seqs);
        assert_eq!(decode_segment(1000, 5, &bytes).as_deref(), Some(&seqs[..]));
        assert_eq!(decode_segment(1000, 4, &bytes), None);
        assert_eq!(decode_segment(1000, 5, &bytes[..bytes.len() - 1]), None);
        assert_eq!(decode_segment(0, 1, &[0xff; 12]), None);
    }

    #[test]
    fn an_id_row_reads_back_from_either_table() {
        let row = IdRow { id: [7; 16], revision: 258, seq: 1 << 40, source: 513, root: [9; 14] };
        let bytes = id_row(&row);
        assert_eq!(parse_id_row(&bytes[..ID], &bytes[ID..]), Some(row));
        assert_eq!(parse_id_row(&bytes[..ID_REVISION], &bytes[ID_REVISION..]), Some(row));
        assert_eq!(bytes[..ID_REVISION], id_revision(&([7; 16], 258)));
        assert_eq!(parse_id_row(&bytes[..ID], &bytes[ID..40]), None);
    }
}

//! Appending the fields of a message without making the message first: for what every mark has.
//!
//! The bytes are those that prost writes for the generated type: fields in order, nothing for a default value.

use bytes::{BufMut, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint};

/// A text field.
pub(crate) fn text(field: u32, value: &str, out: &mut BytesMut) {
    bytes(field, value.as_bytes(), out);
}

/// A bytes field.
pub(crate) fn bytes(field: u32, value: &[u8], out: &mut BytesMut) {
    if !value.is_empty() {
        encode_key(field, WireType::LengthDelimited, out);
        encode_varint(value.len() as u64, out);
        out.put_slice(value);
    }
}

/// A number field: an unsigned number as it is, a signed one and an enum extended to 64 bits, a bool as 0 or 1.
pub(crate) fn number(field: u32, value: u64, out: &mut BytesMut) {
    if value != 0 {
        encode_key(field, WireType::Varint, out);
        encode_varint(value, out);
    }
}

//! Small steps of strict reading: enums, texts, ids, optional values. Every error names the schema's field.
//!
//! prost keeps an unknown enum value as its number; here it is refused, since the hub must not pass on what it can't
//! judge. The bytes themselves are never rewritten.

use bytes::Bytes;
use commonroll_core::{Invalid, LocalId, SchoolDate, Slug, Timestamp, record::Text};

/// What is said of an enum field whose value this version of the schema does not have, or that was left out.
const ENUM: &str =
    "must be one of the values in the schema; a newer value needs a newer version of this program";

/// A message that can be read from its encoded form.
pub(crate) fn message<M: prost::Message + Default>(field: &'static str, bytes: &Bytes) -> Result<M, Invalid> {
    M::decode(bytes.clone()).map_err(|_| Invalid::new(field, "is not an encoded message of its type"))
}

/// The generated enum of a number. Unknown numbers are refused; 0 is left to the caller.
pub(crate) fn known<E: TryFrom<i32>>(field: &'static str, number: i32) -> Result<E, Invalid> {
    E::try_from(number).map_err(|_| Invalid::new(field, ENUM))
}

/// An enum field that has to be said.
pub(crate) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or(Invalid::new(field, ENUM))
}

/// A slug, with the schema's own field name in the error.
pub(crate) fn slug(field: &'static str, text: &str) -> Result<Slug, Invalid> {
    text.parse().map_err(|invalid: Invalid| Invalid::new(field, invalid.rule))
}

/// A local id that may be left out.
pub(crate) fn optional_id(field: &'static str, text: &str) -> Result<Option<LocalId>, Invalid> {
    if text.is_empty() { Ok(None) } else { LocalId::parse(field, text).map(Some) }
}

/// A date that may be left out.
pub(crate) fn optional_date(field: &'static str, text: &str) -> Result<Option<SchoolDate>, Invalid> {
    if text.is_empty() { Ok(None) } else { SchoolDate::parse(field, text).map(Some) }
}

/// An instant that may be left out.
pub(crate) fn optional_time(field: &'static str, micros: Option<i64>) -> Result<Option<Timestamp>, Invalid> {
    micros.map(|micros| Timestamp::from_micros(field, micros)).transpose()
}

/// Text that must not be empty.
pub(crate) fn some_text(field: &'static str, text: &str, max_chars: usize) -> Result<Text, Invalid> {
    let text = Text::parse(field, text, max_chars)?;
    if text.is_empty() { Err(Invalid::new(field, "must not be empty")) } else { Ok(text) }
}

/// A short text that is kept exactly as it came: no control characters, at most so many bytes, perhaps empty.
pub(crate) fn verbatim(field: &'static str, text: String, max_bytes: usize) -> Result<String, Invalid> {
    if text.len() > max_bytes {
        return Err(Invalid::new(field, "is longer than the schema allows; shorten it at the source"));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new(field, "must not hold control characters"));
    }
    Ok(text)
}

/// Exactly `N` bytes.
pub(crate) fn exactly<const N: usize>(
    field: &'static str,
    bytes: &[u8],
    rule: &'static str,
) -> Result<[u8; N], Invalid> {
    bytes.try_into().map_err(|_| Invalid::new(field, rule))
}

/// An optional local id as the schema writes it.
pub(crate) fn id_text(id: Option<&LocalId>) -> String {
    id.map(|id| id.as_str().to_owned()).unwrap_or_default()
}

//! Ids that Commonroll itself makes or carries: slugs, local ids, record ids and revisions.
//!
//! Identifiers that the country issues (UPN, ULN ...) live in `identifiers`.

use std::{fmt, str::FromStr};

/// A value breaks a rule. Names the field and the rule, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {rule}")]
pub struct Invalid {
    /// The field at fault, by its name in the shared schema.
    pub field: &'static str,
    /// The rule that it breaks, in words that say what to do.
    pub rule: &'static str,
}

impl Invalid {
    /// A broken rule of a field.
    pub const fn new(field: &'static str, rule: &'static str) -> Self {
        Self { field, rule }
    }
}

/// Short name of an institution: 2 to 32 of `a-z`, `0-9` and `-`, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(std::sync::Arc<str>);

impl Slug {
    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let shape = (2..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !shape {
            return Err(Invalid::new(
                "institution",
                "must be 2 to 32 lower-case letters, digits or hyphens, starting with a letter",
            ));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Slug {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> String {
        slug.0.as_ref().to_owned()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An id that one institution gives to one of its things (a learner, a group, an event): 1 to 64 visible characters.
///
/// Means nothing outside that institution. Personal where it names a learner, so `Debug` hides it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalId(String);

impl LocalId {
    /// Checks and takes an id; `field` is named in the error.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() || text.len() > 64 {
            return Err(Invalid::new(field, "must have 1 to 64 characters"));
        }
        let plain = text.bytes().all(|b| matches!(b, b' '..=b'~')); // the usual case
        if !plain && text.chars().any(|c| c.is_control() || is_direction_mark(c)) {
            return Err(Invalid::new(field, "must not hold control characters or direction marks"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// True for the invisible characters that turn the direction of text, which can disguise what a reader sees.
pub const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl TryFrom<String> for LocalId {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse("local_id", &text)
    }
}

impl From<LocalId> for String {
    fn from(id: LocalId) -> String {
        id.0
    }
}

impl fmt::Debug for LocalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalId(..)")
    }
}

/// Stable identity of a record: 4 bytes of its school date (days since 1970-01-01, big-endian), then 12 bytes of a
/// hash over source, kind and local key. Ids of one day are neighbours, which keeps the log's index small in memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 16]);

impl RecordId {
    /// Takes 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Invalid> {
        bytes.try_into().map(Self).map_err(|_| Invalid::new("record_id", "must have exactly 16 bytes"))
    }

    /// Days since 1970-01-01 of the school date inside the id.
    pub fn days(&self) -> i32 {
        i32::from_be_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for RecordId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rule = Invalid::new("record_id", "must be 32 hexadecimal digits");
        if text.len() != 32 || !text.is_ascii() {
            return Err(rule);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| rule.clone())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| rule.clone())?;
        }
        Ok(Self(bytes))
    }
}

/// Revision of a record: 1 for the first, growing with every correction or withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Revision(u32);

impl Revision {
    /// The first revision.
    pub const FIRST: Self = Self(1);

    /// Takes a revision number from 1 to 2,147,483,647.
    pub fn new(number: u32) -> Result<Self, Invalid> {
        match number {
            1..=0x7fff_ffff => Ok(Self(number)),
            _ => Err(Invalid::new("revision", "must be between 1 and 2147483647")),
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The revision after this one. Stays at the last number there is.
    pub const fn next(self) -> Self {
        if self.0 < 0x7fff_ffff { Self(self.0 + 1) } else { self }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

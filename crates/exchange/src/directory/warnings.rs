//! What data managers were warned of: that far too much was refused in a short time. The newest warning of each sort, by whom it
//! was earned and for whom it is.
//!
//! A warning holds numbers and moments. Whom the refusals were about, and who asked, the log's own entries say to those who may
//! read them.

use super::bytes::{hex, unhex};
use commonroll_core::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningSort {
    /// Records were published about learners whom no placement covers.
    NoPlacement,
    /// A person asked for what isn't theirs to see.
    Guessing,
}

impl WarningSort {
    /// In a word of the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPlacement => "no_placement",
            Self::Guessing => "guessing",
        }
    }
}

/// Of what sort, at which institution it was done, and which one is warned.
pub type WarningOf = (WarningSort, u16, u16);

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What it is about.
    pub sort: WarningSort,
    /// The institution at which it was done.
    pub by: u16,
    /// The institution whose data managers are warned: the same, or the learners' home.
    pub to: u16,
    /// How much was refused.
    pub count: u32,
    /// Since when.
    pub since: Timestamp,
    /// When they were warned.
    pub at: Timestamp,
}

impl Warning {
    /// Its key among the rows: a newer one takes its place.
    pub fn key(&self) -> Vec<u8> {
        let [by, to] = [self.by, self.to].map(u16::to_be_bytes);
        [&[self.sort as u8][..], &by, &to].concat()
    }

    /// Names it.
    pub fn id(&self) -> WarningId {
        let mut id = [0; 13];
        id[..5].copy_from_slice(&self.key());
        id[5..].copy_from_slice(&self.at.micros().to_be_bytes());
        WarningId(id)
    }
}

/// Names a warning; as hexadecimal text in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WarningId(pub [u8; 13]);

impl Serialize for WarningId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for WarningId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        unhex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("must be 26 hexadecimal digits"))
    }
}

/// The newest of each.
#[derive(Clone, Default)]
pub struct Warnings(BTreeMap<WarningOf, Warning>);

impl Warnings {
    /// Takes one.
    pub(super) fn put(&mut self, warning: Warning) {
        self.0.insert((warning.sort, warning.by, warning.to), warning);
    }

    /// The newest of a sort, by and for these institutions.
    pub fn newest(&self, of: WarningOf) -> Option<&Warning> {
        self.0.get(&of)
    }

    /// The one with this id, as long as no newer one took its place.
    pub fn get(&self, id: WarningId) -> Option<&Warning> {
        self.0.values().find(|warning| warning.id() == id)
    }

    /// Those for an institution, in no order of time.
    pub fn to(&self, institution: u16) -> impl Iterator<Item = &Warning> {
        self.0.values().filter(move |warning| warning.to == institution)
    }
}

//! What the hub has told about whereabouts: which alerts are open, who was told when, and who has them in hand.
//!
//! An alert holds numbers and moments; a person's remark lies in the entry's payload alone. What is more than a few days
//! past is forgotten here; the log keeps it.

use super::change::PersonUuid;
use commonroll_core::{Role, SchoolDate, Timestamp};
use commonroll_views::whereabouts::{AlertKey, Id};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

/// For so many days an alert is kept in memory.
const DAYS: i32 = 2;

/// Names an alert: what it is about, as numbers. One alert for each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AlertId([u8; 15]);

/// What an alert is about, in a word of the log.
const SORTS: [&str; 5] = ["register", "unaccounted", "left_early", "class_cancelled", "source_silent"];

impl AlertId {
    /// The id of an alert of the board.
    pub fn of(key: &AlertKey) -> Self {
        let (sort, site, lesson, who) = match *key {
            AlertKey::Register { site, lesson } => (0, site, lesson, 0),
            AlertKey::Unaccounted(id) => (1, id.site, id.lesson, id.learner),
            AlertKey::LeftEarly(id) => (2, id.site, id.lesson, id.learner),
            AlertKey::ClassCancelled { site, lesson, home } => (3, site, lesson, u32::from(home)),
            AlertKey::SourceSilent { site } => (4, site, 0, 0),
        };
        let mut bytes = [sort; 15];
        bytes[1..3].copy_from_slice(&site.to_be_bytes());
        bytes[3..11].copy_from_slice(&lesson.to_be_bytes());
        bytes[11..].copy_from_slice(&who.to_be_bytes());
        Self(bytes)
    }

    /// What it names; `None` for what names nothing.
    pub fn key(self) -> Option<AlertKey> {
        let [sort, a, b, lesson @ .., w, x, y, z] = self.0;
        let (site, who) = (u16::from_be_bytes([a, b]), u32::from_be_bytes([w, x, y, z]));
        let lesson = u64::from_be_bytes(lesson);
        Some(match sort {
            0 => AlertKey::Register { site, lesson },
            1 => AlertKey::Unaccounted(Id { site, lesson, learner: who }),
            2 => AlertKey::LeftEarly(Id { site, lesson, learner: who }),
            3 => AlertKey::ClassCancelled { site, lesson, home: u16::try_from(who).ok()? },
            4 => AlertKey::SourceSilent { site },
            _ => return None,
        })
    }

    /// What it is about, in a word: `unaccounted`, `source_silent`.
    pub fn sort(self) -> &'static str {
        SORTS.get(usize::from(self.0[0])).copied().unwrap_or_default()
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 15] {
        &self.0
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::change::hex(&self.0))
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlertId({} {self})", self.sort())
    }
}

impl FromStr for AlertId {
    type Err = commonroll_core::Invalid;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            commonroll_core::Invalid::new("alert", "must be the id of an alert, 30 hexadecimal digits");
        let id = super::change::unhex(text).map(Self).ok_or_else(|| wrong.clone())?;
        id.key().map(|_| id).ok_or(wrong)
    }
}

impl TryFrom<String> for AlertId {
    type Error = commonroll_core::Invalid;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AlertId> for String {
    fn from(id: AlertId) -> Self {
        id.to_string()
    }
}

/// An alert as it stands.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Alerted {
    /// Which.
    pub id: AlertId,
    /// The school date that it is of.
    pub date: SchoolDate,
    /// Since when it is so.
    pub since: Timestamp,
    /// Which institutions were told, and when first; in the order of telling.
    pub told: Vec<(u16, Timestamp)>,
    /// When it was told last.
    pub last: Timestamp,
    /// How often it was told again because nobody had it in hand.
    #[serde(default)]
    pub repeated: u32,
    /// Who has it in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_hand: Option<Said>,
    /// Who found the learner, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Said>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Timestamp>,
}

impl Alerted {
    /// True while it is neither over nor was the learner found.
    pub const fn is_open(&self) -> bool {
        self.over.is_none() && self.found.is_none()
    }
}

/// What a person said of an alert.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Who.
    pub by: PersonUuid,
    /// In which role, of which institution.
    pub role: Role,
    /// Theirs.
    pub institution: u16,
    /// When.
    pub at: Timestamp,
    /// In their words: what they do, or where the learner is. Personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// The alerts of the last days.
#[derive(Clone, Default)]
pub struct Alerts {
    held: BTreeMap<AlertId, Arc<Alerted>>,
    newest: Option<SchoolDate>,
    /// Grows with every one of them that changes.
    pub turn: u64,
}

impl Alerts {
    /// Takes an alert as it is from now on.
    pub fn put(&mut self, alert: Alerted) {
        self.turn += 1;
        let newest = self.newest.map_or(alert.date, |newest| newest.max(alert.date));
        if self.newest != Some(newest) {
            self.newest = Some(newest);
            self.held.retain(|_, held| newest.days() - held.date.days() <= DAYS);
        }
        if newest.days() - alert.date.days() <= DAYS {
            self.held.insert(alert.id, Arc::new(alert));
        }
    }

    /// The alert with this id.
    pub fn get(&self, id: AlertId) -> Option<&Alerted> {
        self.held.get(&id).map(Arc::as_ref)
    }

    /// Every alert that is held, over or not.
    pub fn all(&self) -> impl Iterator<Item = &Alerted> {
        self.held.values().map(Arc::as_ref)
    }

    /// Every alert that is not over.
    pub fn not_over(&self) -> impl Iterator<Item = &Alerted> {
        self.held.values().map(Arc::as_ref).filter(|alert| alert.over.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_named_by_what_it_is_about() {
        let id = Id { site: 3, lesson: 0x0102_0304_0506_0708, learner: 77 };
        let keys = [
            AlertKey::Register { site: 3, lesson: 9 },
            AlertKey::Unaccounted(id),
            AlertKey::LeftEarly(id),
            AlertKey::ClassCancelled { site: 3, lesson: 9, home: 2 },
            AlertKey::SourceSilent { site: 3 },
        ];
        for key in keys {
            let named = AlertId::of(&key);
            assert_eq!(named.key(), Some(key));
            assert_eq!(named.to_string().parse(), Ok(named), "{named:?}");
        }
        assert_eq!(AlertId::of(&keys[1]).sort(), "unaccounted");
        for wrong in ["", "00", "ff0000000000000000000000000000", "zz0000000000000000000000000000"] {
            assert!(wrong.parse::<AlertId>().is_err(), "{wrong}");
        }
    }
}

//! What people at homes decided of session codes: of one session of one home, learner by learner.
//!
//! What the home's register system said of a code lies beside it. Each change says the whole session anew, so that the older ones can be erased and nobody else's decision goes with one.
//! Codes lie in payloads and rows, never in an entry. The register itself stays the home's own system.

use super::change::{Bytes16, PersonUuid};
use commonroll_core::{LocalId, SchoolDate, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// A session of a home on a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId {
    /// The home.
    pub home: u16,
    /// The school date, there.
    pub date: SchoolDate,
    /// False for the morning's.
    pub afternoon: bool,
}

impl SessionId {
    /// As a key of the fact table.
    pub fn key(&self) -> Vec<u8> {
        let (home, date) = (self.home.to_be_bytes(), self.date.days().to_be_bytes());
        [&home[..], &date, &[u8::from(self.afternoon)]].concat()
    }

    /// As entries name it: `2026-09-14 am`.
    pub fn words(&self) -> String {
        format!("{} {}", self.date, if self.afternoon { "pm" } else { "am" })
    }
}

/// Every decision of a session.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionCodes {
    /// Which session.
    #[serde(flatten)]
    pub id: SessionId,
    /// Whose; each learner once.
    pub of: Vec<Decided>,
    /// True once it is kept no longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// True if nothing was decided by this change: the home's agent said what became of codes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

/// What was decided of one learner's session. Personal.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// The learner by the home's id.
    pub local: LocalId,
    /// By the hub's number, as it was then.
    pub learner: u32,
    /// From 1, and higher with each decision about the same learner and session.
    #[serde(default = "first")]
    pub revision: u32,
    /// The code; empty where the home's own mark stays.
    pub code: String,
    /// Minutes late to carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes_late: Option<u32>,
    /// Number of the rule whose proposal it answers.
    pub rule: u8,
    /// True if it was accepted with all other clear ones.
    pub together: bool,
    /// Whose mark spoke.
    pub host: u16,
    /// The marks by which the learner was seen there, also where the home's own stays: record and revision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<(Bytes16, u32)>,
    /// Who decided.
    pub by: PersonUuid,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What became of it on the way into the home's register system; `None` while the home's agent has not taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
}

const fn first() -> u32 {
    1
}

/// What became of a decided code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// How far it came.
    pub how: Carriage,
    /// Since when, as the hub was told.
    pub at: Timestamp,
    /// What the register system said where it refused it. Personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// How often the word was another before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub changes: u32,
}

/// Whether a number is left out of what is written.
pub(super) const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl std::fmt::Debug for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Carried({:?}, ..)", self.how)
    }
}

/// How far a decided code came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carriage {
    /// Safe in the outbox of the home's agent, from where a program carries it.
    Outbox,
    /// Safe there as a list from which a person enters it.
    ByHand,
    /// It stands in the home's register system.
    Applied,
    /// That system refused it, or a person's mark stands there.
    Refused,
    /// The home's own mark stays, and the agent knows.
    Kept,
}

impl SessionCodes {
    /// What was decided of a learner, by the home's id.
    pub fn get(&self, local: &LocalId) -> Option<&Decided> {
        self.of.iter().find(|one| one.local == *local)
    }
}

/// The sessions in which anything was decided.
#[derive(Clone, Default)]
pub struct Codes(BTreeMap<SessionId, Arc<SessionCodes>>);

impl Codes {
    /// Takes a session as it is from now on.
    pub(super) fn put(&mut self, session: SessionCodes) {
        if session.gone || session.of.is_empty() {
            self.0.remove(&session.id);
        } else {
            self.0.insert(session.id, Arc::new(session));
        }
    }

    /// A session, if anything was decided in it.
    pub fn get(&self, id: &SessionId) -> Option<&SessionCodes> {
        self.0.get(id).map(Arc::as_ref)
    }

    /// Every one of them.
    pub fn all(&self) -> impl Iterator<Item = &SessionCodes> {
        self.0.values().map(Arc::as_ref)
    }

    /// Those of a home, by date.
    pub fn of(&self, home: u16) -> impl Iterator<Item = &SessionCodes> {
        self.all().filter(move |session| session.id.home == home)
    }
}

//! Watches that people at homes keep on their learners: on whom, on what, and since when something is to be told.
//!
//! A watch holds no figure: what is told is worked out anew, from what the watcher may see, each time it is shown.

use super::change::{Bytes16, PersonUuid};
use commonroll_core::{Invalid, LocalId, Role, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

/// Names a watch: one for each person, learner and what is watched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub [u8; 16]);

impl fmt::Display for WatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::change::hex(&self.0))
    }
}

impl fmt::Debug for WatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WatchId({self})")
    }
}

impl FromStr for WatchId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rule = "must be the id of a watch, 32 hexadecimal digits";
        super::change::unhex(text).map(Self).ok_or(Invalid::new("watch", rule))
    }
}

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Watched {
    /// Attendance of the last school days.
    Attendance {
        /// How many, 1 to 30.
        days: u8,
        /// Told if it is lower than this, in per cent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<u8>,
        /// Told if it is so many points or more under what was usual before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        under_usual: Option<u8>,
    },
    /// A working-at grade under its target or under the one before, on the same scale.
    Grades,
}

/// A watch as it stands.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Which.
    pub id: Bytes16,
    /// Whose.
    pub person: PersonUuid,
    /// In which role it was set.
    pub role: Role,
    /// Their institution.
    pub institution: u16,
    /// On whom, by its id.
    pub local: LocalId,
    /// The same by the hub's number, as entries name them.
    pub learner: u32,
    /// On what.
    pub watched: Watched,
    /// Since when.
    pub set: Timestamp,
    /// Since when there is something to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Timestamp>,
    /// True if it ended because the person lost the role, or the learner left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

impl Watch {
    /// Its name.
    pub const fn id(&self) -> WatchId {
        WatchId(self.id.0)
    }
}

/// The watches that run.
#[derive(Clone, Default)]
pub struct Watches {
    held: BTreeMap<[u8; 16], Arc<Watch>>,
    /// Grows with every one that begins or ends.
    pub turn: u64,
}

impl Watches {
    /// Takes a watch as it is from now on.
    pub(super) fn put(&mut self, watch: Watch) {
        self.turn += 1;
        if watch.over.is_some() {
            self.held.remove(&watch.id.0);
        } else {
            self.held.insert(watch.id.0, Arc::new(watch));
        }
    }

    /// The watch with this id, if it runs.
    pub fn get(&self, id: WatchId) -> Option<&Watch> {
        self.held.get(&id.0).map(Arc::as_ref)
    }

    /// Every one that runs.
    pub fn all(&self) -> impl Iterator<Item = &Watch> {
        self.held.values().map(Arc::as_ref)
    }
}

//! The exports that somebody asked for lately: what each is, who approved it, and whether it was made.
//!
//! An export names no learner: whom it is about is a hash. What is more than a month past is forgotten here; the log keeps
//! it.

use super::change::{Bytes16, Bytes32, PersonUuid};
use commonroll_core::{RecordKind, Role, SchoolDate, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// For so long an export is kept in memory.
const KEPT_US: i64 = 31 * 86_400_000_000;

/// An export as it stands.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// Names it.
    pub id: Bytes16,
    /// Over everything that it is: what an approval is bound to.
    pub hash: Bytes32,
    /// Who asked, in which role, for which institution.
    pub person: PersonUuid,
    /// The role in use.
    pub role: Role,
    /// Theirs, and the home of whom it is about.
    pub institution: u16,
    /// What kind of record.
    pub record: RecordKind,
    /// School dates of the records: from the first to the last, both included.
    pub dates: (SchoolDate, SchoolDate),
    /// How many learners it may be about.
    pub learners: u32,
    /// A hash over who they are.
    pub whom: Bytes32,
    /// True if it takes a fresh sign-in with a second factor, and a second person.
    pub strong: bool,
    /// When it was asked for.
    pub asked: Timestamp,
    /// The second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Second>,
    /// When it was made, and how much it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Made>,
}

/// Who approved an export.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Who.
    pub person: PersonUuid,
    /// The role in use.
    pub role: Role,
    /// When.
    pub at: Timestamp,
}

/// That an export was made.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// When.
    pub at: Timestamp,
    /// Learners with at least one record in it.
    pub learners: u32,
    /// Records in it.
    pub records: u32,
}

/// The exports of the last weeks.
#[derive(Clone, Default)]
pub struct Exports {
    held: BTreeMap<[u8; 16], Arc<Export>>,
    newest: i64,
}

impl Exports {
    /// Takes an export as it is from now on.
    pub fn put(&mut self, export: Export) {
        let asked = export.asked.micros();
        if asked > self.newest {
            self.newest = asked;
            self.held.retain(|_, held| asked - held.asked.micros() <= KEPT_US);
        }
        if self.newest - asked <= KEPT_US {
            self.held.insert(export.id.0, Arc::new(export));
        }
    }

    /// The export with this id.
    pub fn get(&self, id: &[u8; 16]) -> Option<&Arc<Export>> {
        self.held.get(id)
    }

    /// Every export that is held.
    pub fn all(&self) -> impl Iterator<Item = &Export> {
        self.held.values().map(Arc::as_ref)
    }
}

impl super::Directory {
    /// The exports of the last weeks.
    pub const fn exports(&self) -> &Exports {
        &self.exports
    }
}

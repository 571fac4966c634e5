//! Which row of a record counts: the newest. Lists are carried one after the other, and a row that waits for its time must
//! neither come back over a newer one nor be overtaken by it.
//!
//! What counts follows from the outbox's files alone. Whether a row is still under way in the MIS is the carrier's to say.

use super::row::Row;
use commonroll_connectors::render::Session;
use commonroll_core::{LocalId, RecordId, Revision, SchoolDate};
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

/// A list of the outbox.
pub(super) struct List {
    /// The file of rows.
    pub path: PathBuf,
    /// Its name without the ending.
    pub name: String,
    /// Every row of it came to its end, and its result file says so.
    pub is_done: bool,
}

/// Rows of a list about the same revision of a record: one for a lesson, one for each session. They have one result.
pub(super) struct Unit {
    pub key: (RecordId, Revision),
    pub rows: Vec<Row>,
}

/// The rows of a list by what they are about, in the list's order.
pub(super) fn units(rows: Vec<Row>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(rows.len());
    let mut known = HashMap::with_capacity(rows.len());
    for row in rows {
        let key = (row.head().record, row.head().revision);
        let at = *known.entry(key).or_insert(units.len());
        match units.get_mut(at) {
            Some(unit) => unit.rows.push(row),
            None => units.push(Unit { key, rows: vec![row] }),
        }
    }
    units
}

/// What rows follow each other about: a record's mark of a learner, in a session or in its lesson. A record that turned out to
/// be another learner's leaves two marks behind, and neither stands for the other.
pub(super) type Place = (RecordId, LocalId, Option<Session>);

pub(super) fn place(row: &Row) -> Place {
    (row.head().record, row.head().learner.clone(), row.session())
}

/// The newest row of each place: of the highest revision, and of those in the last list. The same revision comes again, taken
/// back and granted anew.
#[derive(Default)]
pub(super) struct Newest {
    rows: HashMap<Place, (Revision, usize)>,
    /// Sessions that a person decided: proposals for them count no more.
    decided: HashSet<(LocalId, SchoolDate, Session)>,
}

impl Newest {
    /// Notes the rows of the list at this place of the order.
    pub fn note(&mut self, list: usize, rows: &[Row]) {
        for row in rows {
            let new = (row.head().revision, list);
            let newest = self.rows.entry(place(row)).or_insert(new);
            *newest = new.max(*newest);
            self.decided.extend(session_of(row).filter(|_| row.is_decided()));
        }
    }

    /// True if no newer row than this one of the list stands in the outbox, and no decision over a proposal.
    pub fn is(&self, list: usize, row: &Row) -> bool {
        let is_overruled = || session_of(row).is_some_and(|session| self.decided.contains(&session));
        (row.is_decided() || !is_overruled())
            && self.rows.get(&place(row)).is_none_or(|newest| *newest == (row.head().revision, list))
    }
}

/// Rows that have not come to their end: a newer one waits until they have.
#[derive(Default)]
pub(super) struct Open {
    places: HashSet<Place>,
    /// The same by whose session it is, whatever record they are of.
    sessions: HashSet<(LocalId, SchoolDate, Session)>,
}

impl Open {
    /// Notes the rows of one record.
    pub fn note(&mut self, rows: &[Row]) {
        self.places.extend(rows.iter().map(place));
        self.sessions.extend(rows.iter().filter_map(session_of));
    }

    /// True if a row has to wait: for an older one of its mark, or, if a person decided it, for any of the same session.
    pub fn holds_up(&self, row: &Row) -> bool {
        let is_same = |session| self.sessions.contains(&session);
        self.places.contains(&place(row)) || (row.is_decided() && session_of(row).is_some_and(is_same))
    }
}

fn session_of(row: &Row) -> Option<(LocalId, SchoolDate, Session)> {
    Some((row.head().learner.clone(), row.head().date, row.session()?))
}

//! The recipient's MIS: what arrived in it, and the laws that it can see by itself.
//!
//! The agent catches panics of a write-back, so what is wrong is noted here and raised by the run.

use commonroll_agent::outbox::{Arrival, Removal, TakenBack, WriteBack};
use commonroll_audit::CopyOutcome;
use commonroll_core::{Body, Record};
use std::{collections::BTreeMap, io, sync::Mutex};

/// A record as it stands in the MIS.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub source: String,
    pub id: String,
    pub revision: u32,
    /// The mark, `None` if it was withdrawn.
    pub mark: Option<String>,
    pub learner: String,
}

/// What a record says, as short text; empty for a code that was withheld.
pub fn mark_of(record: &Record) -> Option<String> {
    match &record.body {
        Body::Attendance(mark) => {
            Some(mark.source_code.as_ref().map_or(String::new(), |code| code.code.clone()))
        }
        _ => None,
    }
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<Row>>,
    newest: BTreeMap<(String, String), Row>,
    /// Revisions of what was taken out.
    removed: BTreeMap<(String, String), u32>,
    faults: Vec<String>,
    break_next: bool,
    recalling: bool,
    again: usize,
}

/// An MIS that survives whatever happens to the agent.
#[derive(Default)]
pub struct Mis(Mutex<State>);

impl Mis {
    /// What stands in the MIS of this record.
    pub fn row(&self, source: &str, id: &str) -> Option<Row> {
        self.0.lock().unwrap().newest.get(&(source.to_owned(), id.to_owned())).cloned()
    }

    /// What was wrong, if anything was.
    pub fn faults(&self) -> Vec<String> {
        self.0.lock().unwrap().faults.clone()
    }

    /// The power goes right after the next file was written.
    pub fn break_next(&self, whether: bool) {
        self.0.lock().unwrap().break_next = whether;
    }

    /// From now on a record may be taken out, and come again.
    pub fn recalling(&self) {
        self.0.lock().unwrap().recalling = true;
    }

    /// How often a record came that was there, or had been there, at the same revision.
    pub fn came_again(&self) -> usize {
        self.0.lock().unwrap().again
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().files.values().map(Vec::len).sum()
    }
}

impl State {
    fn take(&mut self, row: Row) {
        let key = (row.source.clone(), row.id.clone());
        match self.newest.get(&key) {
            Some(held) if self.recalling && held.revision == row.revision => {
                self.again += 1;
                self.newest.insert(key, row);
            }
            Some(held) if held.revision >= row.revision => {
                let (before, after) = (held.revision, row.revision);
                self.faults.push(format!("record {} came as revision {after} after {before}", row.id));
            }
            None if self.removed.get(&key).is_some_and(|removed| *removed >= row.revision) => {
                self.again += 1;
                self.newest.insert(key, row);
            }
            _ => {
                self.newest.insert(key, row);
            }
        }
    }
}

impl WriteBack for Mis {
    fn check(&self, _: &Arrival) -> Result<(), String> {
        Ok(())
    }

    fn write(&self, range: &str, arrivals: &[Arrival]) -> io::Result<()> {
        let row = |a: &Arrival| Row {
            source: a.record.head.source.to_string(),
            id: a.record.head.id.to_string(),
            revision: a.record.head.revision.get(),
            mark: mark_of(&a.record),
            learner: a.learner.clone(),
        };
        let rows: Vec<Row> = arrivals.iter().map(row).collect();
        let mut state = self.0.lock().unwrap();
        match state.files.get(range) {
            Some(held) if *held == rows => {}
            Some(_) => state.faults.push(format!("file {range} was written again with other rows")),
            None => {
                state.files.insert(range.to_owned(), rows.clone());
                rows.into_iter().for_each(|row| state.take(row));
            }
        }
        match std::mem::take(&mut state.break_next) {
            true => Err(io::Error::other("the power went")),
            false => Ok(()),
        }
    }

    fn take_back(&self, _: &str, removals: &[Removal]) -> io::Result<Vec<TakenBack>> {
        let mut state = self.0.lock().unwrap();
        for removal in removals.iter().filter(|removal| !removal.is_written) {
            let key = (removal.source.to_string(), removal.id.to_string());
            if state.newest.get(&key).is_some_and(|row| row.revision <= removal.revision.get()) {
                state.newest.remove(&key);
                state.removed.insert(key, removal.revision.get());
            }
        }
        Ok(vec![TakenBack { outcome: CopyOutcome::Removed, reason: "", is_carried: false }; removals.len()])
    }
}

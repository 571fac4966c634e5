//! A result file on its way: what became of each row of a list, for the outbox's reader and for the next round.

use super::round::{SUPERSEDED, read};
use commonroll_connectors::{
    Limits,
    render::{Outcome, csv_cell, read_results},
};
use commonroll_core::{RecordId, Revision};
use std::{collections::HashMap, path::Path};

/// A result file on its way.
#[derive(Default)]
pub(crate) struct Results {
    known: HashMap<(RecordId, Revision), Outcome>,
    lines: Vec<String>,
}

impl Results {
    /// What is known already. A file that can't be read says nothing: its rows are asked again, which does no harm.
    pub fn read(path: &Path) -> Self {
        let mut results = Self::default();
        let mut found = Vec::new();
        let read = read(path, |input| {
            read_results(input, &Limits::default(), &mut |row| found.push(row), &mut |_| {})
        });
        if read.is_ok() {
            for row in found {
                results.add((row.record, row.revision), row.outcome, row.message.as_str());
            }
        }
        results
    }

    /// How many rows it tells of.
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// True if it tells what became of this revision of a record.
    pub fn has(&self, key: (RecordId, Revision)) -> bool {
        self.known.contains_key(&key)
    }

    /// What became of this revision of a record, if that is known. One that was passed over for a newer row's sake is superseded,
    /// though its reader is told that it is done with: nothing of it was given to the MIS.
    pub fn of(&self, key: (RecordId, Revision)) -> Option<Outcome> {
        self.known.get(&key).copied()
    }

    pub fn add(&mut self, key: (RecordId, Revision), outcome: Outcome, words: &str) {
        let said = match outcome {
            Outcome::Applied => "applied",
            Outcome::Refused => "refused",
            Outcome::Superseded => "superseded",
        };
        let words: String = words.chars().filter(|c| !c.is_control()).take(400).collect();
        let mut line = format!("{},{},{said},", key.0, key.1);
        csv_cell(&words, &mut line);
        self.lines.push(line + "\r\n");
        let is_passed_over = outcome == Outcome::Applied && words == SUPERSEDED;
        self.known.insert(key, if is_passed_over { Outcome::Superseded } else { outcome });
    }

    pub fn text(&self) -> String {
        format!("RecordID,Revision,Status,Message\r\n{}", self.lines.concat())
    }
}

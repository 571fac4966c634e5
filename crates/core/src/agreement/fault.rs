//! Faults of an agreement's text: where, which field, which rule, and what to do. All of them at once.

use std::{fmt, ops::Range};

/// Most faults that are told of one text; the first ones help most.
const FAULTS_MAX: usize = 100;

/// One thing that is wrong with a text. Never repeats a value, since texts name people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1. The line of the field; of its section's heading where the field is missing.
    pub line: u32,
    /// The field, such as `item[2].legal_basis`; counted from 1.
    pub field: String,
    /// The rule that it breaks.
    pub rule: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Fault {
    /// `line: field: rule; fix`, so that a file's name and a colon go in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}; {}", self.line, self.field, self.rule, self.fix)
    }
}

/// Gathers faults while a text is read.
pub(super) struct Faults {
    /// Byte at which each line begins.
    starts: Vec<usize>,
    found: Vec<Fault>,
}

impl Faults {
    pub(super) fn new(text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { starts, found: Vec::new() }
    }

    /// Notes a fault at a place in the text.
    pub(super) fn add(
        &mut self,
        at: &Range<usize>,
        field: impl Into<String>,
        rule: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let line = self.starts.partition_point(|start| *start <= at.start);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        self.found.push(Fault { line, field: field.into(), rule: rule.into(), fix: fix.into() });
    }

    pub(super) const fn none(&self) -> bool {
        self.found.is_empty()
    }

    /// The faults by line. Never empty where something went wrong.
    pub(super) fn told(mut self) -> Vec<Fault> {
        self.found.sort_by_key(|fault| fault.line);
        let more = self.found.len().saturating_sub(FAULTS_MAX);
        self.found.truncate(FAULTS_MAX);
        if more > 0
            && let Some(last) = self.found.last_mut()
        {
            last.fix = format!("{} ({more} more faults are not shown)", last.fix);
        }
        self.found
    }
}

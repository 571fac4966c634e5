//! What the marks in a file mean on the physical axis: by the national table, or by an institution's own.
//!
//! A mark that no table knows is a problem for a person, never a guess.

pub mod eng_2024;

use commonroll_core::{
    SchoolDate, Slug,
    record::attendance::{Physical, Register},
};
use std::collections::HashMap;

/// What a mark means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// Was the learner in the room?
    pub physical: Physical,
    /// What a home's register says by it; `None` if the code says nothing in law.
    pub register: Option<Register>,
}

/// Why a mark has no meaning here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmeant {
    /// The table doesn't have it.
    Unknown,
    /// It was withdrawn before the date of the mark.
    Withdrawn,
}

/// A table of marks.
#[derive(Debug, Clone)]
pub enum CodeTable {
    /// The national codes of England.
    Eng2024,
    /// An institution's own usage codes.
    Own {
        /// `<institution>/<name>`.
        name: String,
        /// What each mark means.
        marks: HashMap<String, Physical>,
    },
}

impl CodeTable {
    /// An institution's own table.
    pub fn own(institution: &Slug, name: &str, marks: impl IntoIterator<Item = (String, Physical)>) -> Self {
        Self::Own { name: format!("{institution}/{name}"), marks: marks.into_iter().collect() }
    }

    /// The table's name, as records carry it.
    pub fn name(&self) -> &str {
        match self {
            Self::Eng2024 => eng_2024::NAME,
            Self::Own { name, .. } => name,
        }
    }

    /// What a mark of a date means.
    pub fn meaning(&self, mark: &str, date: SchoolDate) -> Result<Meaning, Unmeant> {
        match self {
            Self::Eng2024 => match eng_2024::meaning(mark) {
                Some(meaning) => Ok(meaning),
                None => match eng_2024::withdrawn(mark) {
                    Some(meaning) if date.civil() < eng_2024::IN_FORCE => Ok(meaning),
                    Some(_) => Err(Unmeant::Withdrawn),
                    None => Err(Unmeant::Unknown),
                },
            },
            Self::Own { marks, .. } => marks
                .get(mark)
                .map(|physical| Meaning { physical: *physical, register: None })
                .ok_or(Unmeant::Unknown),
        }
    }
}

//! The evacuation list: which visiting learners a site answers for now, to be ticked off at the assembly point.
//!
//! Everybody who may be there is on it: seen, expected, and unknown. Who is missing from such a list is not looked for.

use crate::{ReportError, press};
use serde::Serialize;

/// One visiting learner.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Visitor {
    /// As the site knows them.
    pub name: String,
    /// Home, by name.
    pub home: String,
    /// In words: "Seen 09:03", "Expected 10:45", "Not seen 09:10", "Unknown since 09:12".
    pub state: String,
    /// True if they may well be elsewhere: not seen, or unknown.
    pub doubtful: bool,
}

impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Visitor(..)")
    }
}

/// Where some of them should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gathering {
    /// Room and lesson, or "No lesson now".
    pub place: String,
    /// From when to when.
    pub time: String,
    /// In order of name.
    pub visitors: Vec<Visitor>,
}

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evacuation {
    /// The site's name.
    pub site: String,
    /// Date and time of what it shows.
    pub made: String,
    /// Who printed it.
    pub printed_by: String,
    /// By lesson, earliest first.
    pub gatherings: Vec<Gathering>,
    /// Homes to ring: name and number.
    pub phones: Vec<crate::Line>,
    /// What isn't known: sources that are silent, registers that aren't there. Empty if nothing.
    pub unknown: Vec<String>,
}

const PAGE: press::Page = press::Page { name: "evacuation", text: include_str!("pages/evacuation.typ") };
const MOST: usize = 2_000;

/// The list as PDF, as many sides as it takes.
///
/// # Errors
/// [`ReportError`] for more than 2,000 visitors.
pub fn evacuation(list: &Evacuation) -> Result<Vec<u8>, ReportError> {
    let visitors: usize = list.gatherings.iter().map(|gathering| gathering.visitors.len()).sum();
    if visitors > MOST {
        return Err(ReportError::TooMuch { page: PAGE.name, limit: "2,000 visitors" });
    }
    press::print(PAGE, list)
}

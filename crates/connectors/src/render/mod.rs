//! What an agent writes for its own MIS: rows in, bytes out. And what the MIS says of each row, read back.
//!
//! XML is for programs and keeps every character. CSV is for people's spreadsheets, so cells that a spreadsheet would
//! take for a formula are made harmless there. Which mark is proposed for a record is not decided here.

mod csv;
mod ctf;
mod read;
mod records;
mod results;
mod sif;
mod tree;
mod xml;

pub use csv::{assessment_csv, behaviour_csv, csv_cell, lesson_csv, recall_csv, session_csv};
pub use ctf::{CTF_VERSION, CtfHeader, CtfPupil, CtfResult, CtfSchool, CtfYear, ctf_file_name, ctf_xml};
pub use read::{read_assessments, read_behaviour, read_lessons, read_sessions};
pub use records::{behaviour_xml, results_xml};
pub use results::{Outcome, RowResult, read_results};
pub use sif::{SifCode, sif_periods, sif_times};
pub use xml::{lesson_xml, session_xml};

use commonroll_core::{LocalId, RecordId, RecordKind, Revision, SchoolDate, Slug};
use jiff::civil::Time;
use std::fmt;

/// What every row carries: which record it is, at which revision, about whom.
#[derive(Clone, PartialEq, Eq)]
pub struct RowHead {
    /// The record.
    pub record: RecordId,
    /// Its revision: a row with a higher one replaces what was written before.
    pub revision: Revision,
    /// The learner, by the home's own id.
    pub learner: LocalId,
    /// The institution that made the record.
    pub source: Slug,
    /// Local school date.
    pub date: SchoolDate,
    /// The source took the record back: undo what was written for it. The other fields are blank then.
    pub withdrawn: bool,
}

/// An attendance mark to be entered.
#[derive(Clone, PartialEq, Eq)]
pub struct MarkRow {
    /// Which record.
    pub head: RowHead,
    /// The host's code of the group; empty if none.
    pub group: String,
    /// Local time at which the lesson began, if known.
    pub start: Option<Time>,
    /// Local time at which it ended, if known.
    pub end: Option<Time>,
    /// The home's session that the mark is for; `None` for a lesson mark.
    pub session: Option<Session>,
    /// The mark in the home's own code.
    pub mark: String,
    /// Whole minutes late, if known.
    pub minutes_late: Option<u32>,
    /// Comment to be entered with it; empty if none.
    pub comment: String,
    /// A person of the home decided it: it takes the place of what was only proposed for the same session, and no proposal takes
    /// its place.
    pub decided: bool,
}

/// A statutory session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Session {
    /// Morning.
    Am,
    /// Afternoon.
    Pm,
}

impl Session {
    /// As SIMS writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Am => "AM",
            Self::Pm => "PM",
        }
    }
}

/// An assessment result to be entered.
#[derive(Clone, PartialEq, Eq)]
pub struct AssessmentRow {
    /// Which record.
    pub head: RowHead,
    /// The host's code of the group; empty if none.
    pub group: String,
    /// Subject in the source's words.
    pub subject: String,
    /// What was assessed, in the source's words.
    pub title: String,
    /// What the home's own MIS calls it; the source's words where the home names nothing.
    pub aspect: String,
    /// Collection or result set.
    pub result_set: String,
    /// What the grade claims, by its name in the schema.
    pub kind: String,
    /// Scale and version.
    pub scale: String,
    /// The grade as given; a word for the fact in its place.
    pub grade: String,
    /// The same for programs: a letter for the fact (U, X, Q, #), blank for what was not assessed. Lists for people have none.
    pub letter: String,
    /// Comment written to be shared.
    pub comment: String,
}

/// One learner's part in a behaviour event, to be entered.
#[derive(Clone, PartialEq, Eq)]
pub struct BehaviourRow {
    /// Which record.
    pub head: RowHead,
    /// Local time, if known.
    pub time: Option<Time>,
    /// positive, negative or neutral.
    pub polarity: String,
    /// Shared category, by its name in the schema.
    pub category: String,
    /// The source's own label.
    pub label: String,
    /// What the home's own MIS calls this sort; the source's label where the home names nothing.
    pub sort: String,
    /// Severity from 1 to 5, if graded.
    pub severity: Option<u8>,
    /// Where.
    pub location: String,
    /// The learner's part; empty if not said.
    pub role: String,
    /// What was done.
    pub action: String,
    /// Status in the source's words.
    pub status: String,
    /// Text written to be shared.
    pub text: String,
    /// Date by which home is asked to act.
    pub home_action_by: Option<SchoolDate>,
}

/// A copy that must go, for a person who sees to it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecallRow {
    /// Which record.
    pub record: RecordId,
    /// The revision that was written; older ones go with it.
    pub revision: Revision,
    /// The learner, by the home's own id; empty if it is not known any more.
    pub learner: String,
    /// The institution that made the record.
    pub source: Slug,
    /// Local school date, if the record's id has one.
    pub date: Option<SchoolDate>,
    /// What sort of record.
    pub kind: RecordKind,
    /// Why it must go, as a code.
    pub reason: String,
    /// What was done, or is to be done.
    pub what: &'static str,
}

macro_rules! hide {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

hide!(RowHead, MarkRow, AssessmentRow, BehaviourRow, RecallRow);

/// HH:MM, or nothing. Seconds only where there are some.
fn clock(time: Option<Time>) -> String {
    match time {
        None => String::new(),
        Some(time) if time.second() == 0 => format!("{:02}:{:02}", time.hour(), time.minute()),
        Some(time) => format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second()),
    }
}

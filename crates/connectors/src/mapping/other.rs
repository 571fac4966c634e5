//! Mappings of the formats whose columns are fixed: OneRoster and Ed-Fi. They choose, they don't name columns.

use super::{OneOrMany, Special};
use commonroll_core::{
    Slug,
    directory::Registration,
    record::{
        assessment::GradeKind,
        behaviour::{Category, Polarity},
    },
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How a OneRoster zip is to be read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneRoster {
    /// `sourcedId` of the school whose people, classes and results are read. All, if left out.
    pub school: Option<OneOrMany>,
    /// What results claim; `assignment` if left out.
    pub kind: Option<GradeKind>,
    /// By title of the category of a line item: what its results claim.
    #[serde(default)]
    pub kinds: BTreeMap<String, GradeKind>,
    /// Scale of results that are letters (`textScore`).
    pub text_scale: Option<RawScale>,
    /// Values of a grade that stand for something else than a grade.
    #[serde(default)]
    pub special: BTreeMap<String, Special>,
    /// `sourcedId` of an organisation that is the home of guests here, and its short name in the consortium. Guests are
    /// the users whose primary organisation it is.
    #[serde(default)]
    pub homes: BTreeMap<String, Slug>,
    /// `sourcedId` of an organisation that hosts our learners, and its short name: enrolments there are placements.
    #[serde(default)]
    pub hosts: BTreeMap<String, Slug>,
    /// Key in `userIds` (or the column `identifier`), and the identifier that it is: `upn`, `uln` or `uci`.
    #[serde(default)]
    pub identifiers: BTreeMap<String, String>,
}

/// A scale and its version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawScale {
    /// Scale.
    pub id: String,
    /// Version.
    #[serde(default = "one")]
    pub version: String,
}

fn one() -> String {
    "1".to_owned()
}

/// How an Ed-Fi file is to be read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdFi {
    /// `SchoolId` of the school whose rows are read. All, if left out.
    pub school: Option<OneOrMany>,
    /// Only these learners, by `StudentUniqueId`. All, if left out.
    pub learners: Option<Vec<String>>,
    /// What the duration of an attendance event of a late learner says. Left out: it says nothing to us.
    pub duration: Option<DurationMeaning>,
    /// Start and end of class periods, as HH:MM, by their name.
    #[serde(default)]
    pub periods: BTreeMap<String, (String, String)>,
    /// What results of assessments claim; `final` if left out.
    pub kind: Option<GradeKind>,
    /// Category of an event, by the short name of its behaviour descriptor.
    #[serde(default)]
    pub categories: BTreeMap<String, Category>,
    /// Polarity of discipline incidents; `negative` if left out.
    pub polarity: Option<Polarity>,
    /// How the learners of the file stand at the institution; `home` if left out.
    pub registration: Option<Registration>,
    /// What the file is complete about. Left out: all students of a file of students, and nothing else.
    pub covers: Option<super::Covers>,
}

/// What the duration of an attendance event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurationMeaning {
    /// Whole minutes by which the learner was late.
    MinutesLate,
}

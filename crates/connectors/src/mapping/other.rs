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
    /// Key in `userIds` (or the column `identifier`), and the identifier that it is: `upn`, `uln`, `uci` or
    /// `former_upn`.
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

/// How a Common Transfer File is to be read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ctf {
    /// Which number is the learner's local id: the file has no id of an MIS.
    #[serde(default)]
    pub learner: CtfId,
    /// How the pupils stand at the institution. Left out: their enrolment status says it.
    pub registration: Option<Registration>,
    /// The institution's own LEA and establishment number, seven digits: its own years of attendance are read.
    pub school: Option<String>,
    /// Day of results that say only their year, as MM-DD; the last of August if left out.
    pub result_day: Option<String>,
    /// What the file is complete about; nothing if left out.
    pub covers: Option<super::Covers>,
}

/// The number of a pupil that is their local id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CtfId {
    /// Unique pupil number.
    #[default]
    Upn,
    /// Unique learner number.
    Uln,
}

/// How SIF objects are to be read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sif {
    /// `RefId` of the school whose objects are read. All, if left out.
    pub school: Option<OneOrMany>,
    /// What the codes of attendance mean. Needed where a file has attendance.
    pub codes: Option<super::Codes>,
    /// True if the school's own codes, beside the national ones, are those of `codes`.
    #[serde(default)]
    pub local_codes: bool,
    /// Start and end of periods, as HH:MM, by their name.
    #[serde(default)]
    pub periods: BTreeMap<String, (String, String)>,
    /// What results claim; `assignment` for scores and `final` for grades if left out.
    pub kind: Option<GradeKind>,
    /// Date of grades of reports, as YYYY-MM-DD: they have none of their own.
    pub grade_date: Option<String>,
    /// Polarity of events; by their class (P positive, D negative, else neutral) if left out.
    pub polarity: Option<Polarity>,
    /// Category of an event, by its own category or class.
    #[serde(default)]
    pub categories: BTreeMap<String, Category>,
    /// How the learners of the file stand at the institution; `home` if left out.
    pub registration: Option<Registration>,
    /// What the file is complete about; nothing if left out.
    pub covers: Option<super::Covers>,
}

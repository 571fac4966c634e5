//! Mapping of any table: what the rows are, which caption is which field, how dates are written. What the table lies in is
//! [`Container`](super::Container)'s.

use super::{FieldSpec, MappingError, Wide};
use commonroll_core::{
    Slug,
    attendance::{CodeTable, Counts, ENG_2024, UsageCode, UsageCodes},
    record::{assessment::GradeKind, attendance::Physical},
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How the rows of a table are to be read, whatever the table lies in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// What one row is.
    pub rows: Rows,
    /// How dates are written.
    #[serde(default)]
    pub date_format: DateFormat,
    /// What the file is complete about.
    pub covers: Option<Covers>,
    /// Which caption is which field.
    pub fields: BTreeMap<String, FieldSpec>,
    /// Captions that are known and left out on purpose; `*` for all that no field uses.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Fields or captions that together tell one record from the others.
    pub key: Option<Vec<String>>,
    /// Only rows in which a column has this value, or one of these.
    #[serde(default, rename = "where")]
    pub only: BTreeMap<String, OneOrMany>,
    /// Rows in which one of these captions is blank are passed over, on purpose and in silence.
    #[serde(default)]
    pub skip_if_blank: Vec<String>,
    /// Start and end, as HH:MM, of the periods and sessions that the file names.
    #[serde(default)]
    pub periods: BTreeMap<String, (String, String)>,
    /// The table of marks, where rows are attendance.
    pub codes: Option<Codes>,
    /// Results that stand side by side in one row.
    #[serde(default)]
    pub result: Vec<WideResult>,
    /// Results that stand side by side in columns whose captions look alike.
    pub wide: Option<Wide>,
    /// Values of a grade that stand for something else than a grade, beyond U, X, Q, # and blank.
    #[serde(default)]
    pub special: BTreeMap<String, Special>,
    /// What it means that a key stands in many rows that say different things.
    #[serde(default)]
    pub repeats: Repeats,
}

/// What it means that a key stands in many rows of a file that say different things. Rows that say the same are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// The report multiplies its rows, or the key is too short: the file is refused.
    #[default]
    Refuse,
    /// The file is a log, in which the latest row counts.
    Latest,
}

/// What one row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// One attendance mark.
    Attendance,
    /// One assessment result, or several side by side.
    Assessment,
    /// One learner's part in an event.
    Behaviour,
    /// One learner.
    Learners,
    /// One teaching group.
    Groups,
    /// One placement, said by the home.
    Placements,
    /// One acceptance, said by the host.
    Acceptances,
    /// One end of a placement, said by either.
    Ends,
    /// One group that a member of staff teaches.
    Staff,
    /// One lesson of a date.
    Timetable,
    /// One notice about a learner: an expected absence, say.
    Notices,
    /// What one learner needs elsewhere, written for sharing.
    Support,
}

/// How dates are written. Never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum DateFormat {
    /// 2026-09-14, also with a time behind it.
    #[default]
    #[serde(rename = "iso", alias = "yyyy-mm-dd")]
    Iso,
    /// 14/09/2026 or 14/9/2026.
    #[serde(rename = "dd/mm/yyyy")]
    British,
    /// 14/09/26: a year before 50 is in this century.
    #[serde(rename = "dd/mm/yy")]
    BritishShort,
    /// 14.09.2026.
    #[serde(rename = "dd.mm.yyyy")]
    Dotted,
    /// 14.09.26.
    #[serde(rename = "dd.mm.yy")]
    DottedShort,
    /// 14 Sep 2026, 14-Sep-26, Mon 14 September 2026: the month in English, and the day of the week before it or not.
    #[serde(rename = "dd mmm yyyy")]
    Named,
    /// 20260914.
    #[serde(rename = "yyyymmdd")]
    Compact,
    /// 14-09-2026.
    #[serde(rename = "dd-mm-yyyy")]
    Dashed,
    /// 09/14/2026.
    #[serde(rename = "mm/dd/yyyy")]
    American,
}

/// What a file is complete about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    /// The dates that are in it.
    Dates,
    /// All there is of its kind.
    Everything,
    /// Nothing: absence means nothing.
    Nothing,
}

/// Which table of marks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    /// `ENG-2024`, or a name of the institution's own for the table in `marks`.
    pub set: String,
    /// The institution's own marks: present, late, absent, not_required or unknown.
    #[serde(default)]
    pub marks: BTreeMap<String, Physical>,
    /// The same in full, with meanings, dates and hints, in the place of `marks`.
    #[serde(default)]
    pub row: Vec<UsageCode>,
    /// True if the file is the institution's own statutory register.
    #[serde(default)]
    pub register: bool,
}

/// One of the results that stand side by side in a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WideResult {
    /// Caption of the column that holds the grade.
    pub column: String,
    /// What was assessed; the caption if left out.
    pub title: Option<String>,
    /// Scale.
    pub scale: String,
    /// Version of the scale.
    #[serde(default = "first_version")]
    pub scale_version: String,
    /// What the grade claims.
    pub kind: GradeKind,
    /// Subject, if it isn't a field of the row.
    pub subject: Option<String>,
    /// Collection or result set.
    pub result_set: Option<String>,
    /// Date of the result, as YYYY-MM-DD, if it isn't a field of the row.
    pub date: Option<String>,
}

fn first_version() -> String {
    "1".to_owned()
}

/// What may stand in the place of a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Special {
    /// A grade after all, where one of the usual special values is one on this scale.
    Grade,
    /// Ungraded.
    Ungraded,
    /// No result or absent.
    NoResult,
    /// Pending.
    Pending,
    /// Withheld.
    Withheld,
    /// Not assessed.
    NotAssessed,
}

/// One text or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All of them.
    pub fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }

    /// True if it is one of them.
    pub fn has(&self, text: &str) -> bool {
        match self {
            Self::One(one) => one == text,
            Self::Many(many) => many.iter().any(|one| one == text),
        }
    }
}

impl Codes {
    /// The institution's own table; `None` for the national one.
    fn usage(&self) -> Result<Option<UsageCodes>, MappingError> {
        let own = self.marks.len() + self.row.len();
        match (self.set == ENG_2024, own) {
            (true, 0) => return Ok(None),
            (true, _) => {
                let fix = "must stay out with ENG-2024, or give `set` another name";
                return Err(MappingError::setting("codes.marks", fix));
            }
            (false, 0) => {
                let fix = "must say what each mark of your own table means";
                return Err(MappingError::setting("codes.marks", fix));
            }
            (false, _) => {}
        }
        let short = self.marks.iter().map(|(mark, physical)| short(mark, *physical));
        UsageCodes::new(&self.set, short.chain(self.row.iter().cloned()).collect())
            .map(Some)
            .map_err(|invalid| MappingError::setting(format!("codes.{}", invalid.field), invalid.rule))
    }

    /// The table to read marks with. `is_said`: the rows say themselves what each mark means, so it only has a name.
    pub(crate) fn table(&self, institution: &Slug, is_said: bool) -> Result<CodeTable, MappingError> {
        if is_said {
            let none = UsageCodes::new(&self.set, Vec::new())
                .map_err(|invalid| MappingError::setting("codes.set", invalid.rule))?;
            return Ok(CodeTable::usage(institution, none));
        }
        Ok(match self.usage()? {
            None => CodeTable::eng_2024(),
            Some(codes) => CodeTable::usage(institution, codes),
        })
    }
}

/// A row that only says what a mark means for the room.
fn short(mark: &str, physical: Physical) -> UsageCode {
    let counts = match physical {
        Physical::Present | Physical::Late => Counts::Attended,
        Physical::Absent => Counts::Missed,
        Physical::NotRequired => Counts::Ignored,
        Physical::Unknown => Counts::Unresolved,
    };
    UsageCode {
        source_code: mark.to_owned(),
        meaning: String::new(),
        physical,
        late: physical == Physical::Late,
        reason_hint: None,
        counts,
        valid_from: None,
        valid_to: None,
        approved_by: None,
    }
}

impl Rows {
    /// Fields that a row must have, and fields that it may have.
    pub(crate) const fn fields(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Attendance => (
                &["learner", "date", "mark"],
                &[
                    "group",
                    "period",
                    "start",
                    "end",
                    "minutes",
                    "minutes_late",
                    "minutes_left_early",
                    "presence",
                    "note",
                    "recorded_at",
                    "confidential",
                ],
            ),
            Self::Assessment => (
                &["learner"],
                &[
                    "date",
                    "group",
                    "grade",
                    "scale",
                    "scale_version",
                    "kind",
                    "subject",
                    "title",
                    "result_set",
                    "points",
                    "point_system",
                    "comment",
                    "recorded_at",
                    "confidential",
                ],
            ),
            Self::Behaviour => (
                &["learner", "date", "label", "polarity"],
                &[
                    "event",
                    "group",
                    "time",
                    "category",
                    "severity",
                    "location",
                    "role",
                    "points",
                    "action",
                    "status",
                    "home_action_by",
                    "share_text",
                    "internal_comment",
                    "recorded_at",
                    "confidential",
                ],
            ),
            Self::Learners => (
                &["learner", "surname", "forename"],
                &[
                    "registration",
                    "upn",
                    "uln",
                    "uci",
                    "birth_date",
                    "known_as",
                    "former_upn",
                    "temporary_upn",
                ],
            ),
            Self::Groups => (&["group"], &["course_title", "subject"]),
            Self::Placements => (&["learner", "host", "first_date", "last_date"], &["group"]),
            Self::Acceptances => (&["learner", "home", "first_date", "last_date"], &["group"]),
            Self::Ends => (&["learner", "other", "from_date"], &["group", "from_time"]),
            Self::Staff => (&["staff"], &["group"]),
            Self::Timetable => (
                &["date", "group"],
                &["start", "end", "minutes", "period", "lesson", "room", "cancelled", "closed", "week"],
            ),
            Self::Notices => (
                &["learner", "date"],
                &["last_date", "notice", "kind", "start", "end", "minutes", "period", "withdrawn"],
            ),
            Self::Support => (&["learner", "last_date"], &["needs", "emergency"]),
        }
    }
}

impl Columns {
    /// Captions of which a file must have each.
    pub(crate) fn needed(&self) -> BTreeSet<&str> {
        let mut captions: BTreeSet<&str> = self.only.keys().map(String::as_str).collect();
        captions.extend(self.skip_if_blank.iter().map(String::as_str));
        captions.extend(self.result.iter().map(|result| result.column.as_str()));
        captions.extend(self.fields.values().flat_map(FieldSpec::captions));
        captions
    }

    /// Captions that stand for blank cells where a file that leaves out what is blank has them nowhere.
    pub(crate) fn optional(&self) -> BTreeSet<&str> {
        let (must, _) = self.rows.fields();
        let is_optional = |name: &str| !must.contains(&name) && !matches!(name, "date" | "grade");
        let fields = self.fields.iter().filter(|(name, _)| is_optional(name));
        let mut captions: BTreeSet<&str> = fields.flat_map(|(_, spec)| spec.captions()).collect();
        captions.extend(self.skip_if_blank.iter().map(String::as_str));
        for (_, spec) in self.fields.iter().filter(|(name, _)| !is_optional(name)) {
            spec.captions().for_each(|caption| _ = captions.remove(caption));
        }
        self.only.keys().for_each(|caption| _ = captions.remove(caption.as_str()));
        captions
    }

    /// Checks what can be checked without a file.
    pub(crate) fn check(&self) -> Result<(), MappingError> {
        let (must, may) = self.rows.fields();
        for (name, spec) in &self.fields {
            if !must.contains(&name.as_str()) && !may.contains(&name.as_str()) {
                let fix = format!(
                    "is no field of these rows; they have {} and {}",
                    must.join(", "),
                    may.join(", ")
                );
                return Err(MappingError::setting(format!("fields.{name}"), fix));
            }
            if let Some(fix) = spec.source().fault() {
                return Err(MappingError::setting(format!("fields.{name}"), fix));
            }
        }
        if let Some(missing) = must.iter().find(|name| !self.fields.contains_key(**name)) {
            return Err(MappingError::setting(format!("fields.{missing}"), "must say which column it is in"));
        }
        self.check_rows()
    }

    fn check_rows(&self) -> Result<(), MappingError> {
        match self.rows {
            Rows::Attendance => {
                let Some(codes) = &self.codes else {
                    let fix = "must name the table of marks, such as set = \"ENG-2024\"";
                    return Err(MappingError::setting("codes", fix));
                };
                // Where each row says itself what its mark means, there is no table to list.
                if !self.fields.contains_key("presence") {
                    codes.usage()?;
                } else if codes.set == ENG_2024
                    || codes.register
                    || !codes.marks.is_empty()
                    || !codes.row.is_empty()
                {
                    let fix =
                        "must be just a `set` of your own, since `fields.presence` says what each mark means";
                    return Err(MappingError::setting("codes", fix));
                }
            }
            Rows::Timetable if !["start", "period"].iter().any(|name| self.fields.contains_key(*name)) => {
                let fix = "must say which column it is in, or `period` with [periods]";
                return Err(MappingError::setting("fields.start", fix));
            }
            Rows::Assessment if self.result.is_empty() && self.wide.is_none() => {
                for name in ["date", "grade", "scale", "kind"] {
                    if !self.fields.contains_key(name) {
                        let fix = "must say which column or constant it is, or use [[result]] or [wide] for grades side by side";
                        return Err(MappingError::setting(format!("fields.{name}"), fix));
                    }
                }
            }
            Rows::Assessment => {
                self.wide.as_ref().map_or(Ok(()), Wide::check)?;
                if ["grade", "scale", "kind", "title"].iter().any(|name| self.fields.contains_key(*name)) {
                    return Err(MappingError::setting(
                        "result",
                        "can't stand beside fields.grade, scale, kind or title",
                    ));
                }
                let undated = self.result.iter().any(|result| result.date.is_none())
                    || self.wide.as_ref().is_some_and(|wide| wide.date.is_none());
                if !self.fields.contains_key("date") && undated {
                    return Err(MappingError::setting("result.date", "must be given here or as a field"));
                }
            }
            _ if !self.result.is_empty() || self.wide.is_some() => {
                return Err(MappingError::setting("result", "and `wide` are only for rows = \"assessment\""));
            }
            _ => {}
        }
        Ok(())
    }
}

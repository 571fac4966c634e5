//! Usage codes: the marks that one institution defines for its own registers, as data that it hands in.
//!
//! A college has no statutory register and no national code set. Whatever its table calls "authorised" stays a hint:
//! there is deliberately no field here that could carry a legal category, since only the home school may authorise.

use super::{ALL, CodeProblem, Counts, unpadded};
use crate::{ids::Invalid, record::attendance::Physical, time::SchoolDate};
use serde::Deserialize;

/// More rows than any institution has; bounds what a hostile file can cost.
const MAX_ROWS: usize = 1_000;

/// One row of an institution's own table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageCode {
    /// The mark as the institution writes it, 1 to 16 characters; upper and lower case differ.
    pub source_code: String,
    /// What it means there, at most 200 characters.
    pub meaning: String,
    /// What it says about the room.
    pub physical: Physical,
    /// Minutes late may stand beside it.
    #[serde(default)]
    pub late: bool,
    /// ENG-2024 code that the home might consider. A hint: it is never applied.
    #[serde(default)]
    pub reason_hint: Option<String>,
    /// How it counts at the institution itself: `Y` present, `N` absent, `~` ignored.
    pub counts: Counts,
    /// First date on which it is valid; from ever if left out.
    #[serde(default)]
    pub valid_from: Option<SchoolDate>,
    /// Last date on which it is valid; for ever if left out.
    #[serde(default)]
    pub valid_to: Option<SchoolDate>,
    /// Who at the institution approved the row; at most 100 characters.
    #[serde(default)]
    pub approved_by: Option<String>,
}

impl UsageCode {
    /// True on the dates of the row.
    pub fn is_valid_on(&self, date: SchoolDate) -> bool {
        self.valid_from.is_none_or(|first| first <= date) && self.valid_to.is_none_or(|last| date <= last)
    }

    fn shares_a_date_with(&self, other: &Self) -> bool {
        let starts_in_time = |one: &Self, two: &Self| {
            one.valid_from.is_none_or(|from| two.valid_to.is_none_or(|to| from <= to))
        };
        starts_in_time(self, other) && starts_in_time(other, self)
    }

    fn check(&self) -> Result<(), Invalid> {
        let sized =
            |text: &str, max: usize| text.chars().count() <= max && !text.chars().any(char::is_control);
        let code = &self.source_code;
        if code.is_empty() || !sized(code, 16) || unpadded(code) != code {
            return Err(Invalid::new("source_code", "must have 1 to 16 visible characters and no padding"));
        }
        if !sized(&self.meaning, 200) {
            return Err(Invalid::new("meaning", "must have at most 200 visible characters"));
        }
        if self.approved_by.as_ref().is_some_and(|name| !sized(name, 100)) {
            return Err(Invalid::new("approved_by", "must have at most 100 visible characters"));
        }
        if self.late && !matches!(self.physical, Physical::Present | Physical::Late) {
            return Err(Invalid::new("late", "only a mark for a learner in the room can have minutes late"));
        }
        if self.counts == Counts::Unresolved && self.physical != Physical::Unknown {
            return Err(Invalid::new("counts", "must be Y, N or ~; ? is for marks that are not known yet"));
        }
        if self.reason_hint.as_ref().is_some_and(|hint| !ALL.iter().any(|row| row.code == hint)) {
            return Err(Invalid::new("reason_hint", "must be a code of ENG-2024 in force, or left out"));
        }
        if matches!((self.valid_from, self.valid_to), (Some(from), Some(to)) if to < from) {
            return Err(Invalid::new("valid_to", "must not lie before valid_from"));
        }
        Ok(())
    }
}

/// An institution's own code table, checked: sound rows, and no code twice on one date.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "UsageFile")]
pub struct UsageCodes {
    name: String,
    codes: Vec<UsageCode>,
}

/// The table as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageFile {
    name: String,
    codes: Vec<UsageCode>,
}

impl TryFrom<UsageFile> for UsageCodes {
    type Error = Invalid;
    fn try_from(file: UsageFile) -> Result<Self, Invalid> {
        Self::new(&file.name, file.codes)
    }
}

impl UsageCodes {
    /// Checks a table. `name` tells it from others of the same institution: 1 to 31 visible characters.
    pub fn new(name: &str, codes: Vec<UsageCode>) -> Result<Self, Invalid> {
        if name.is_empty() || name.len() > 31 || name.chars().any(char::is_control) {
            return Err(Invalid::new("name", "must name the code table in 1 to 31 characters"));
        }
        if codes.len() > MAX_ROWS {
            return Err(Invalid::new("codes", "must have at most 1000 rows"));
        }
        codes.iter().try_for_each(UsageCode::check)?;
        let twice = codes.iter().enumerate().any(|(at, one)| {
            codes[..at]
                .iter()
                .any(|other| one.source_code == other.source_code && one.shares_a_date_with(other))
        });
        if twice {
            return Err(Invalid::new("codes", "must not give a code two meanings on one date"));
        }
        Ok(Self { name: name.to_owned(), codes })
    }

    /// The table's name within its institution.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every row.
    pub fn rows(&self) -> &[UsageCode] {
        &self.codes
    }

    /// The row of a code on a date. Padding is ignored, case is not.
    pub fn lookup(&self, code: &str, date: SchoolDate) -> Result<&UsageCode, CodeProblem> {
        let code = unpadded(code);
        if code.is_empty() {
            return Err(CodeProblem::Blank);
        }
        let mut named = self.codes.iter().filter(|row| row.source_code == code).peekable();
        let missing = if named.peek().is_some() { CodeProblem::NotOnThisDate } else { CodeProblem::Unknown };
        named.find(|row| row.is_valid_on(date)).ok_or(missing)
    }
}

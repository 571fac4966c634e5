//! Where one field of ours comes from: a column, a constant, a table of values, a count of days.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Where a field comes from: a column's caption, or a table that says more.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum FieldSpec {
    /// A column, as it stands.
    Column(String),
    /// More than a column.
    Source(Source),
}

/// Where a field comes from, in full. Exactly one of `column`, `const` and `row_number` is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Caption of the column.
    pub column: Option<String>,
    /// The same value in each row.
    #[serde(rename = "const")]
    pub constant: Option<String>,
    /// The row's number in the file, from 1, behind this text. For files that name no learner.
    pub row_number: Option<String>,
    /// What each value of the column stands for.
    pub values: Option<BTreeMap<String, String>>,
    /// What any other value of the column stands for. Without it, another value is a problem.
    pub other: Option<String>,
    /// The column holds a number of days from a start date.
    pub days_from: Option<DayCount>,
}

/// The start that days are counted from: one date, or one for each value of another column.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum DayCount {
    /// One date for the whole file, as YYYY-MM-DD.
    One(String),
    /// By the value of a column.
    By {
        /// Caption of that column.
        column: String,
        /// Start date of each value, as YYYY-MM-DD.
        starts: BTreeMap<String, String>,
    },
}

impl FieldSpec {
    /// Captions of the columns that it reads.
    pub(crate) fn captions(&self) -> impl Iterator<Item = &str> {
        let (column, days) = match self {
            Self::Column(column) => (Some(column), None),
            Self::Source(source) => (source.column.as_ref(), source.days_from.as_ref()),
        };
        let by = days.and_then(|days| match days {
            DayCount::One(_) => None,
            DayCount::By { column, .. } => Some(column),
        });
        column.into_iter().chain(by).map(String::as_str)
    }

    /// The full form.
    pub fn source(&self) -> Source {
        match self {
            Self::Column(column) => Source { column: Some(column.clone()), ..Source::default() },
            Self::Source(source) => source.clone(),
        }
    }
}

impl Source {
    /// Says what is wrong with it, if something is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let origins = [self.column.is_some(), self.constant.is_some(), self.row_number.is_some()];
        if origins.iter().filter(|given| **given).count() != 1 {
            return Some("must have exactly one of `column`, `const` and `row_number`");
        }
        if self.column.is_none() && (self.values.is_some() || self.days_from.is_some()) {
            return Some("`values` and `days_from` need a `column`");
        }
        if self.values.is_some() && self.days_from.is_some() {
            return Some("can't have both `values` and `days_from`");
        }
        if self.other.is_some() && self.values.is_none() {
            return Some("`other` needs `values`");
        }
        None
    }
}

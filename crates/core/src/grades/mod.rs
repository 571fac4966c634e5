//! Grades: scales as data with versions, and the reading of what schools and colleges write.
//!
//! Points belong to a whole grade of a scale and carry the mark of how well they are known; split and fine grades,
//! numbers and special values have none, since any would be a guess. What a grade claims (target, forecast, award) is
//! not known here: see [`crate::record::assessment::GradeKind`].

mod clean;
mod parse;
mod problem;
mod scale;
pub mod scales;

pub use parse::parse_grade;
pub use problem::GradeProblem;
pub use scale::{Alias, Fine, Form, GradeRow, Points, Scale};
pub use scales::{SCALES, find};

use crate::record::assessment::GradeValue;
use std::fmt;

/// A grade that was read on a scale.
///
/// Personal, so `Debug` shows only the scale.
#[derive(Clone, PartialEq)]
pub struct Grade {
    scale_id: String,
    scale_version: String,
    value: Value,
    text: String,
    rank: Option<f64>,
    points_dfe: Option<Points>,
    points_ucas: Option<Points>,
}

/// What was read.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// One grade of the scale.
    Whole(String),
    /// A grade and thirds of a grade above (+1) or below (-1) its middle.
    Fine {
        /// The grade.
        base: String,
        /// -1, 0 or 1.
        thirds: i8,
    },
    /// A split grade: somewhere between two grades of the scale, both inside.
    Range {
        /// The worse one.
        low: String,
        /// The better one.
        high: String,
    },
    /// A mark in hundredths, on a scale of numbers.
    Number(u32),
    /// There is no grade, for a reason.
    Special(Special),
}

/// Why there is no grade. Different facts, none of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Special {
    /// `U`: assessed, below the lowest grade.
    Ungraded,
    /// `X`: no result, or absent.
    NoResult,
    /// `Q`: pending.
    Pending,
    /// `#`: withheld by the awarding body.
    Withheld,
    /// Blank: not assessed.
    NotAssessed,
}

impl Special {
    /// As written in canonical form; blank for [`Special::NotAssessed`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ungraded => "U",
            Self::NoResult => "X",
            Self::Pending => "Q",
            Self::Withheld => "#",
            Self::NotAssessed => "",
        }
    }
}

impl Grade {
    /// The scale and its version.
    pub fn scale(&self) -> (&str, &str) {
        (&self.scale_id, &self.scale_version)
    }

    /// What was read.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Canonical text. Reading it again on the same scale gives the same grade.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Place within the scale in grades, 0 the lowest; higher is better. Thirds for fine grades, the middle for split
    /// ones, the mark itself on a scale of numbers. `None` for special values and where the direction isn't known.
    pub const fn rank(&self) -> Option<f64> {
        self.rank
    }

    /// DfE performance points. Never mix them with UCAS points.
    pub const fn points_dfe(&self) -> Option<Points> {
        self.points_dfe
    }

    /// UCAS Tariff points. Never mix them with DfE points.
    pub const fn points_ucas(&self) -> Option<Points> {
        self.points_ucas
    }

    /// The block grades of a double or triple grade, best first: D*, D for `D*D`. One for any other whole grade.
    pub fn blocks(&self) -> Vec<&str> {
        let Value::Whole(code) = &self.value else {
            return Vec::new();
        };
        clean::blocks(code).unwrap_or_else(|| vec![code])
    }

    /// The grade as a record carries it: the source's own text, or the special value.
    pub fn as_given(&self, source_text: &str) -> GradeValue {
        match &self.value {
            Value::Special(Special::Ungraded) => GradeValue::Ungraded,
            Value::Special(Special::NoResult) => GradeValue::NoResult,
            Value::Special(Special::Pending) => GradeValue::Pending,
            Value::Special(Special::Withheld) => GradeValue::Withheld,
            Value::Special(Special::NotAssessed) => GradeValue::NotAssessed,
            Value::Whole(_) | Value::Fine { .. } | Value::Range { .. } | Value::Number(_) => {
                GradeValue::Given(source_text.trim().to_owned())
            }
        }
    }
}

impl fmt::Debug for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grade({} {}, ..)", self.scale_id, self.scale_version)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}

//! An assessment result: the grade as it was given, on a named and versioned scale, of a stated kind.
//!
//! Points are carried only if the source itself gave them; they are never guessed here or anywhere. Scales and the
//! reading of grades are in `grades`.

use super::Text;
use crate::ids::Invalid;

/// An assessment result. Groups that the source or policy withheld are `None`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Assessment {
    /// The result (group 2).
    pub result: Option<ResultGiven>,
    /// A remark written to be shared, at most 1,000 characters (group 3).
    pub comment: Option<Text>,
}

impl std::fmt::Debug for Assessment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Assessment(..)")
    }
}

/// A result as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct ResultGiven {
    /// What the grade claims.
    pub kind: GradeKind,
    /// Scale, such as `gce-a-level` or `raw-0-100`; 1 to 64 characters.
    pub scale_id: String,
    /// Version of the scale; 1 to 32 characters.
    pub scale_version: String,
    /// The grade, or why there is none.
    pub value: GradeValue,
    /// Subject in the source's words, at most 100 characters.
    pub subject: Text,
    /// What was assessed, at most 200 characters.
    pub title: Text,
    /// Collection or result set, at most 100 characters.
    pub result_set: Text,
    /// Points, only if the source itself gave them.
    pub points: Option<PointsGiven>,
}

impl ResultGiven {
    /// Checks the lengths that types don't hold.
    pub fn check(self) -> Result<Self, Invalid> {
        let sized =
            |text: &str, max: usize| (1..=max).contains(&text.len()) && !text.chars().any(char::is_control);
        if !sized(&self.scale_id, 64) {
            return Err(Invalid::new("scale_id", "must name the scale in 1 to 64 characters"));
        }
        if !sized(&self.scale_version, 32) {
            return Err(Invalid::new("scale_version", "must name the scale's version in 1 to 32 characters"));
        }
        if let GradeValue::Given(grade) = &self.value
            && (grade.is_empty() || grade.chars().count() > 32 || grade.chars().any(char::is_control))
        {
            return Err(Invalid::new(
                "grade",
                "must have 1 to 32 visible characters, or a special value instead",
            ));
        }
        if let Some(points) = &self.points
            && !(sized(&points.points, 16)
                && sized(&points.system, 32)
                && points.points.parse::<f64>().is_ok_and(f64::is_finite))
        {
            return Err(Invalid::new(
                "points_as_given",
                "must be a decimal number with the name of its point system",
            ));
        }
        Ok(self)
    }
}

/// A grade, or one of the facts that stand in its place. None of them is zero.
#[derive(Clone, PartialEq, Eq)]
pub enum GradeValue {
    /// Exactly as given, 1 to 32 characters.
    Given(String),
    /// Ungraded (U).
    Ungraded,
    /// No result or absent (X).
    NoResult,
    /// Pending (Q).
    Pending,
    /// Withheld by the awarding body (#).
    Withheld,
    /// Not assessed (blank).
    NotAssessed,
}

/// Points that the source itself gave.
#[derive(Clone, PartialEq, Eq)]
pub struct PointsGiven {
    /// Decimal text.
    pub points: String,
    /// The source's point system.
    pub system: String,
}

/// What a grade claims. The same letter means different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GradeKind {
    /// Prior attainment.
    Prior,
    /// Computed minimum target.
    MinimumTarget,
    /// Teacher's or aspirational target.
    TeacherTarget,
    /// Working at now.
    WorkingAt,
    /// Predicted or forecast.
    Predicted,
    /// Mock examination.
    Mock,
    /// Effort or attitude.
    Effort,
    /// Awarded.
    Final,
    /// A single piece of work.
    Assignment,
}

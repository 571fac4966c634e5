//! Why a grade can't be read. Names the rule and the fix, never what was written.

/// What is wrong with a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GradeProblem {
    /// Longer than any grade.
    #[error("the grade has more than 64 characters; is this the right column?")]
    TooLong,
    /// Invisible characters inside.
    #[error("the grade holds control characters or invisible characters; type it again at its source")]
    Hidden,
    /// The scale has no such grade.
    #[error(
        "the scale has no such grade; check the scale of this column, or correct the grade at its source"
    )]
    NotOnScale,
    /// A single, double or triple grade on a scale of another size.
    #[error("a grade of this scale has {expected} part(s); check the size of the qualification")]
    WrongSize {
        /// How many block grades the scale's grades have.
        expected: u8,
    },
    /// A double or triple grade that mixes grades which aren't neighbours.
    #[error("only neighbouring grades can stand together in a double or triple grade")]
    NotNeighbours,
    /// Two special values at once.
    #[error("ungraded, no result, pending and withheld are different facts; write one of them")]
    TwoFacts,
    /// A split grade between a grade and itself.
    #[error("a split grade needs two different grades; write the grade once")]
    SameTwice,
    /// Not a plain number on a scale of numbers.
    #[error("this scale takes numbers with at most two decimals; check the scale of this column")]
    NotANumber,
    /// A number outside the scale.
    #[error("the mark lies outside the scale; check its maximum")]
    OutOfRange,
}

impl GradeProblem {
    /// Stable name of the rule, for reports.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::TooLong => "GRD-LENGTH",
            Self::Hidden => "GRD-HIDDEN",
            Self::NotOnScale => "GRD-SCALE",
            Self::WrongSize { .. } => "GRD-SIZE",
            Self::NotNeighbours => "GRD-NEIGHBOURS",
            Self::TwoFacts => "GRD-TWO-FACTS",
            Self::SameTwice => "GRD-SPLIT",
            Self::NotANumber => "GRD-NUMBER",
            Self::OutOfRange => "GRD-RANGE",
        }
    }
}

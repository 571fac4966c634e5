//! Why a mark's code can't be used. Names the rule and the fix, never the mark.

/// What is wrong with a code. The mark is a finding for the data manager; it is never mapped silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeProblem {
    /// Nothing is written. A blank is not the same as `-`.
    #[error("the mark is blank; leave the row out, or write - for no mark")]
    Blank,
    /// A session code in lower case. A school's own lesson codes may look like that, so it isn't guessed.
    #[error(
        "session codes are upper case; if this is a school's own lesson code, load that school's code table"
    )]
    LowerCase,
    /// A code that was withdrawn on 19 August 2024, on a later date.
    #[error("this code was withdrawn on 2024-08-19; re-code the mark at its source: {now}")]
    Old {
        /// What replaced it.
        now: &'static str,
    },
    /// The table has no such code.
    #[error("the code table has no such code; add it to the table or correct it at its source")]
    Unknown,
    /// The institution's table has the code, but not for this date.
    #[error("the code is not valid on this date; check valid_from and valid_to in the code table")]
    NotOnThisDate,
}

impl CodeProblem {
    /// Stable name of the rule, for reports.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Blank => "ATT-BLANK",
            Self::LowerCase => "ATT-CODE-CASE",
            Self::Old { .. } => "ATT-OLD-CODE",
            Self::Unknown => "ATT-UNKNOWN-CODE",
            Self::NotOnThisDate => "ATT-CODE-DATE",
        }
    }
}

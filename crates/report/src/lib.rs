//! Printable pages as tagged PDF: data in, bytes out.
//!
//! The only crate that sees the typesetter. It knows nobody: a page prints the words and figures that it is given, and who
//! may have them was decided before. Data reaches a page as values and never as markup, so that no name can set type. No
//! clock and no disk: fonts and pages are inside the program, and the same data gives the same bytes.

mod evacuation;
mod learner;
mod press;
mod progress;

pub use evacuation::{Evacuation, Gathering, Visitor, evacuation};
pub use learner::{Contact, LearnerReport, Scale, Subject, learner_report};
pub use progress::{GapRow, Line, Measure, ProgressSheet, SiteRow, SiteTrend, TravelRow, progress_sheet};

/// A page could not be set. A fault of the page or too much for it; holds nothing of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The typesetter refused the page.
    #[error("the page `{page}` could not be set: {}", .faults.join("; "))]
    Page {
        /// Which page.
        page: &'static str,
        /// What the typesetter says of the page's own text.
        faults: Vec<String>,
    },
    /// The data doesn't fit.
    #[error("the page `{page}` takes {limit} at most")]
    TooMuch {
        /// Which page.
        page: &'static str,
        /// How much of what.
        limit: &'static str,
    },
}

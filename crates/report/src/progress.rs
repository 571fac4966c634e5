//! The heads' A4: the partnership's progress on one side, in sums that name nobody.

use crate::{ReportError, press};
use serde::Serialize;

/// One of the figures at the top.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// What it is.
    pub name: String,
    /// The figure as text; "hidden" where it is.
    pub figure: String,
    /// Its unit, if it isn't in the figure.
    pub unit: String,
    /// What it is compared with, or counted of.
    pub note: String,
}

/// One site's attendance, week by week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SiteTrend {
    /// The site's name.
    pub name: String,
    /// Percent for each week, oldest first; `None` hidden or nothing due.
    pub weeks: Vec<Option<f64>>,
}

/// One course on travel days and on others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TravelRow {
    /// The course.
    pub course: String,
    /// Percent on travel days.
    pub travel: Option<f64>,
    /// Percent on other days.
    pub other: Option<f64>,
}

/// One course's gap to target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapRow {
    /// The course.
    pub course: String,
    /// Mean gap in grades.
    pub mean: Option<f64>,
    /// In words: how many are compared, and how many are not.
    pub note: String,
}

/// One row of the table, each cell as text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SiteRow {
    /// The site's name.
    pub name: String,
    /// Cells under the sheet's columns.
    pub cells: Vec<String>,
}

/// A name and what it means, or how a figure leads to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What.
    pub name: String,
    /// Its words or figure.
    pub text: String,
}

/// The sheet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProgressSheet {
    /// Above the title: consortium, period, how many sites.
    pub eyebrow: String,
    /// The finding.
    pub title: String,
    /// One sentence more.
    pub lead: String,
    /// Up to six figures.
    pub measures: Vec<Measure>,
    /// The weeks' first days, as text.
    pub weeks: Vec<String>,
    /// The partnership's attendance, week by week.
    pub partnership: Vec<Option<f64>>,
    /// Sites in order of name.
    pub trends: Vec<SiteTrend>,
    /// Travel days and others.
    pub travel: Vec<TravelRow>,
    /// Gap to target.
    pub gaps: Vec<GapRow>,
    /// Headings of the table's columns.
    pub columns: Vec<String>,
    /// Sites in order of name.
    pub sites: Vec<SiteRow>,
    /// What the figures mean.
    pub definitions: Vec<Line>,
    /// What is not on the sheet for want of room, if anything.
    pub left_off: String,
    /// At the foot: who printed it and when.
    pub printed: String,
}

const PAGE: press::Page = press::Page { name: "progress", text: include_str!("pages/progress.typ") };
/// Sites and courses that fit one side.
const ROWS: usize = 12;

/// The sheet as PDF, one side of A4. Of more than 12 sites or courses the first 12 are printed; the caller orders them and
/// says in `left_off` what isn't there.
///
/// # Errors
/// [`ReportError`] if there are more than 60 weeks.
pub fn progress_sheet(sheet: &ProgressSheet) -> Result<Vec<u8>, ReportError> {
    if sheet.weeks.len() > 60 {
        return Err(ReportError::TooMuch { page: PAGE.name, limit: "60 weeks" });
    }
    let mut sheet = sheet.clone();
    sheet.trends.truncate(ROWS);
    sheet.travel.truncate(ROWS);
    sheet.gaps.truncate(ROWS);
    sheet.sites.truncate(ROWS);
    press::print(PAGE, &sheet)
}

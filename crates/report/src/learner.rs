//! A learner's report for the learner and parents: every subject, wherever it is taught, on one side of A4.

use crate::{ReportError, press};
use serde::Serialize;

/// A grade on its own scale, drawn as a line of the scale's grades.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Scale {
    /// The scale's grades, lowest first, as far as they are drawn.
    pub grades: Vec<String>,
    /// Place of the working-at grade among them.
    pub now: Option<usize>,
    /// Place of the target.
    pub target: Option<usize>,
    /// In words: "1 grade below", "on target", "no grade yet".
    pub words: String,
}

/// One subject.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The subject.
    pub name: String,
    /// Where it is taught.
    pub place: String,
    /// The qualification, or empty.
    pub qualification: String,
    /// Where the learner stands.
    pub scale: Scale,
    /// Lessons attended: "33 of 37", "All 27".
    pub lessons: String,
    /// What its teacher says comes next, or empty.
    pub next: String,
}

/// Whom to ask.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Name and office.
    pub who: String,
    /// Telephone number.
    pub phone: String,
}

/// The report.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LearnerReport {
    /// "Autumn report 2026, Year 12".
    pub report: String,
    /// The learner's name.
    pub name: String,
    /// Form and home.
    pub sub: String,
    /// The home's name, and the partners': "Ridgeway School", "with Northgate and Harbour".
    pub home: String,
    /// As above.
    pub partners: String,
    /// What the tutor writes, or what figures alone say.
    pub lead: String,
    /// Subjects.
    pub subjects: Vec<Subject>,
    /// Attendance in one sentence, and what isn't counted.
    pub attendance: String,
    /// As above; may be empty.
    pub attendance_note: String,
    /// Praise, in words that were written to be shared.
    pub praise: Vec<String>,
    /// Concerns, likewise.
    pub concerns: Vec<String>,
    /// What happens next; may be empty.
    pub next: String,
    /// Whom to ask; `None` where the home has named nobody.
    pub contact: Option<Contact>,
    /// At the foot: "Made 17 November 2026 from log entry 48,213."
    pub made: String,
}

impl std::fmt::Debug for LearnerReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LearnerReport(..)")
    }
}

const PAGE: press::Page = press::Page { name: "learner", text: include_str!("pages/learner.typ") };
/// Subjects that fit one side, and characters of a remark.
const SUBJECTS: usize = 12;
const REMARK: usize = 70;

/// What there is room for: characters of a next step and of what a person writes about the whole, and remarks of a sort.
struct Room {
    step: usize,
    words: usize,
    remarks: usize,
}

/// Beside a few subjects, and beside many.
const ROOMY: Room = Room { step: 110, words: 420, remarks: 6 };
const TIGHT: Room = Room { step: 52, words: 180, remarks: 2 };

/// The report as PDF, one side of A4. Remarks for which there is no room are counted, not printed, and what is too long
/// for its place ends in an ellipsis.
///
/// # Errors
/// [`ReportError`] for more than 12 subjects.
pub fn learner_report(report: &LearnerReport) -> Result<Vec<u8>, ReportError> {
    if report.subjects.len() > SUBJECTS {
        return Err(ReportError::TooMuch { page: PAGE.name, limit: "12 subjects" });
    }
    let mut report = report.clone();
    let room = if report.subjects.len() > 7 { TIGHT } else { ROOMY };
    for subject in &mut report.subjects {
        clip(&mut subject.next, room.step);
        clip(&mut subject.name, REMARK);
        clip(&mut subject.qualification, REMARK);
    }
    [&mut report.lead, &mut report.next].into_iter().for_each(|text| clip(text, room.words));
    for remarks in [&mut report.praise, &mut report.concerns] {
        let more = remarks.len().saturating_sub(room.remarks);
        remarks.truncate(room.remarks);
        remarks.iter_mut().for_each(|remark| clip(remark, REMARK));
        if more > 0 {
            remarks.push(format!("and {more} more"));
        }
    }
    press::print(PAGE, &report)
}

fn clip(text: &mut String, most: usize) {
    if let Some((at, _)) = text.char_indices().nth(most) {
        text.truncate(at);
        text.push('…');
    }
}

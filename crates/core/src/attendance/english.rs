//! ENG-2024: the session codes of England in force since 19 August 2024, and the four that they replaced.
//!
//! This table and no source's own category says what a code means: real systems file `D` and `X` wrongly. Wales,
//! Scotland and Northern Ireland use other sets, so every mark names its set.

use super::{CodeProblem, Counts, unpadded};
use crate::{
    confidence::Confidence::{self, Knowledge, Sourced, TwoSources},
    record::attendance::{
        Legal,
        Physical::{self, Absent, Late, NotRequired, Present, Unknown},
        Statistical,
    },
    time::SchoolDate,
};
use Category::{
    Admin, ApprovedEducationalActivity as Activity, AuthorisedAbsence as Authorised, NoMark, NotPossible,
    UnauthorisedAbsence as Unauthorised,
};

/// Name of the code set, as it stands on every mark.
pub const ENG_2024: &str = "ENG-2024";

/// First date on which the set is in force.
pub const IN_FORCE: SchoolDate = SchoolDate::from_civil(jiff::civil::date(2024, 8, 19));

/// What a session code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Present at the session.
    Present,
    /// At an approved educational activity elsewhere. Counts as attended.
    ApprovedEducationalActivity,
    /// Absent with leave.
    AuthorisedAbsence,
    /// Absent without leave.
    UnauthorisedAbsence,
    /// Could not be attended; leaves the denominator.
    NotPossible,
    /// No session was due.
    Admin,
    /// No mark yet.
    NoMark,
}

impl Category {
    /// The legal axis; `None` while there is no mark.
    pub const fn legal(self) -> Option<Legal> {
        match self {
            Self::Present => Some(Legal::Present),
            Self::ApprovedEducationalActivity => Some(Legal::ApprovedEducationalActivity),
            Self::AuthorisedAbsence => Some(Legal::AuthorisedAbsence),
            Self::UnauthorisedAbsence => Some(Legal::UnauthorisedAbsence),
            Self::NotPossible => Some(Legal::NotPossible),
            Self::Admin => Some(Legal::Admin),
            Self::NoMark => None,
        }
    }

    /// The statistical axis; `None` while there is no mark.
    pub const fn statistical(self) -> Option<Statistical> {
        match self {
            Self::Present | Self::ApprovedEducationalActivity => Some(Statistical::Attended),
            Self::AuthorisedAbsence => Some(Statistical::Authorised),
            Self::UnauthorisedAbsence => Some(Statistical::Unauthorised),
            Self::NotPossible | Self::Admin => Some(Statistical::NotCounted),
            Self::NoMark => None,
        }
    }

    /// How a mark of this category counts towards the attendance rate.
    pub const fn counts(self) -> Counts {
        match self {
            Self::Present | Self::ApprovedEducationalActivity => Counts::Attended,
            Self::AuthorisedAbsence | Self::UnauthorisedAbsence => Counts::Missed,
            Self::NotPossible | Self::Admin => Counts::Ignored,
            Self::NoMark => Counts::Unresolved,
        }
    }
}

/// One code of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnglishCode {
    /// The code, 1 or 2 characters.
    pub code: &'static str,
    /// What it means, in our words.
    pub meaning: &'static str,
    /// What it stands for.
    pub category: Category,
    /// What the writer of the code can honestly say about the room: for an activity elsewhere, nothing.
    pub physical: Physical,
    /// How well the row is known.
    pub confidence: Confidence,
}

const fn row(
    code: &'static str,
    category: Category,
    physical: Physical,
    confidence: Confidence,
    meaning: &'static str,
) -> EnglishCode {
    EnglishCode { code, meaning, category, physical, confidence }
}

/// Every code in force.
pub const ALL: &[EnglishCode] = &[
    row("/", Category::Present, Present, TwoSources, "present in the morning session"),
    row("\\", Category::Present, Present, TwoSources, "present in the afternoon session"),
    row("L", Category::Present, Late, TwoSources, "came late, before the register closed"),
    row("K", Activity, Unknown, TwoSources, "at education that the local authority arranged"),
    row("V", Activity, Unknown, TwoSources, "on an educational visit supervised by school staff"),
    row("P", Activity, Unknown, TwoSources, "at an approved sporting activity"),
    row("W", Activity, Unknown, TwoSources, "on work experience"),
    row("B", Activity, Unknown, TwoSources, "at another approved educational activity elsewhere"),
    row("D", NotPossible, NotRequired, TwoSources, "due at the other school of a dual registration"),
    row("C", Authorised, Absent, TwoSources, "on leave in an exceptional circumstance"),
    row("C1", Authorised, Absent, TwoSources, "on leave for a regulated performance or employment abroad"),
    row("C2", Authorised, Absent, TwoSources, "on leave under a temporary part-time timetable"),
    row("E", Authorised, Absent, TwoSources, "suspended or excluded, without other provision"),
    row("I", Authorised, Absent, TwoSources, "ill"),
    row("J1", Authorised, Absent, TwoSources, "at an interview for a job or a place elsewhere"),
    row("M", Authorised, Absent, TwoSources, "at a medical or dental appointment"),
    row("R", Authorised, Absent, TwoSources, "at a religious observance"),
    row("S", Authorised, Absent, TwoSources, "on study leave for a public exam"),
    row("T", Authorised, Absent, TwoSources, "travelling with a parent for the parent's work"),
    row("G", Unauthorised, Absent, TwoSources, "on a holiday that the school did not grant"),
    row("N", Unauthorised, Absent, TwoSources, "absent, reason not known yet; to be replaced"),
    row("O", Unauthorised, Absent, TwoSources, "absent in other or unknown circumstances"),
    row("U", Unauthorised, Late, TwoSources, "came after the register had closed"),
    row("X", NotPossible, NotRequired, TwoSources, "beyond compulsory age and not required now"),
    row("Q", NotPossible, Absent, TwoSources, "the authority's travel arrangement is missing"),
    row("Y1", NotPossible, Absent, TwoSources, "the usual transport is not available"),
    row("Y2", NotPossible, Absent, TwoSources, "travel is widely disrupted"),
    row("Y3", NotPossible, NotRequired, TwoSources, "part of the premises is unavoidably closed"),
    row("Y4", NotPossible, NotRequired, TwoSources, "the whole school is unexpectedly closed"),
    row("Y5", NotPossible, Absent, TwoSources, "held in criminal justice detention"),
    row("Y6", NotPossible, Absent, TwoSources, "kept away by public-health law or guidance"),
    row("Y7", NotPossible, Absent, TwoSources, "kept away by another unavoidable cause"),
    row("Z", Admin, NotRequired, TwoSources, "expected, not on the register yet"),
    row("#", Admin, NotRequired, TwoSources, "the whole school is closed as planned"),
    row("-", NoMark, Unknown, Sourced, "no mark recorded"),
];

/// A code that is no longer in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawn {
    /// What it meant.
    pub was: EnglishCode,
    /// What a person should choose between now. Never chosen here.
    pub now: &'static str,
}

/// Codes good only on dates before [`IN_FORCE`].
pub const WITHDRAWN: &[Withdrawn] = &[
    Withdrawn {
        was: row("H", Authorised, Absent, Sourced, "on a family holiday that was agreed"),
        now: "C if exceptional, else G",
    },
    Withdrawn { was: row("J", Activity, Unknown, Sourced, "at an interview"), now: "J1" },
    Withdrawn {
        was: row("Y", NotPossible, Absent, Sourced, "unable to attend for an exceptional cause"),
        now: "Q, or Y1 to Y7",
    },
    Withdrawn {
        was: row("F", Authorised, Absent, Knowledge, "on an extended family holiday that was agreed"),
        now: "C or G",
    },
];

/// The meaning of a code on a date.
///
/// Padding is ignored, case is not. A sub-code of SIMS (`X01`: a letter and two digits) means its letter. Codes that
/// were new in 2024 are taken on earlier dates too: nothing says that a source must not re-code its past.
pub fn lookup(code: &str, date: SchoolDate) -> Result<&'static EnglishCode, CodeProblem> {
    let code = unpadded(code);
    if code.is_empty() {
        return Err(CodeProblem::Blank);
    }
    if let Some(found) = exact(code, date).or_else(|| exact(sub_code_base(code)?, date)) {
        return found;
    }
    let upper = code.to_ascii_uppercase();
    let known = exact(&upper, date).or_else(|| exact(sub_code_base(&upper)?, date)).is_some();
    Err(if known && upper != code { CodeProblem::LowerCase } else { CodeProblem::Unknown })
}

/// `None` if the code was never in the set.
fn exact(code: &str, date: SchoolDate) -> Option<Result<&'static EnglishCode, CodeProblem>> {
    if let Some(found) = ALL.iter().find(|row| row.code == code) {
        return Some(Ok(found));
    }
    let old = WITHDRAWN.iter().find(|old| old.was.code == code)?;
    Some(if date < IN_FORCE { Ok(&old.was) } else { Err(CodeProblem::Old { now: old.now }) })
}

/// `X` of `X01`, if the code has the shape of a sub-code.
fn sub_code_base(code: &str) -> Option<&str> {
    let shape = code.len() == 3 && matches!(code.as_bytes(), [b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9']);
    shape.then(|| &code[..1])
}

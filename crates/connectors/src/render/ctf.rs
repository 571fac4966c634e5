//! A Common Transfer File: learners, what they achieved before, and a school year of attendance.
//!
//! Written after the published element names, as version 24.0. Not confirmed, since the schema was not at hand: the order of
//! elements, which of them must be there, and how marks of two characters stand in the string. Prior attainment is passed on in
//! the codes in which a CTF brought it; nothing else is put into them. A mark that one character
//! can't hold stands as its letter where that counts the same, else as `-`; the totals count it rightly.

use super::Session;
use crate::item::Draft;
use commonroll_core::{
    Body, SchoolDate,
    attendance::{CodeProblem, CodeTable},
    record::{
        assessment::{GradeKind, GradeValue},
        attendance::Statistical,
    },
};
use jiff::civil::DateTime;
use std::collections::BTreeMap;

/// The version that is written.
pub const CTF_VERSION: &str = "24.0";

/// Longest time that a year of marks may span, in days.
const YEAR_DAYS: i32 = 400;

/// What a file says of itself.
#[derive(Debug, Clone)]
pub struct CtfHeader {
    /// When it is written, in local time.
    pub written: DateTime,
    /// True if it holds all that there is to say of each pupil; it then says so.
    pub full: bool,
    /// What it is for, in words.
    pub describes: String,
    /// Who writes it.
    pub from: CtfSchool,
    /// For whom; both numbers are X where nobody knows.
    pub to: CtfSchool,
    /// Calendar year in which the school year begins.
    pub academic_year: i16,
}

/// A school by its numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CtfSchool {
    /// Local authority, three digits.
    pub lea: String,
    /// Establishment, four digits.
    pub estab: String,
    /// Unique reference number; empty if unknown.
    pub urn: String,
    /// Name; empty if unknown.
    pub name: String,
}

/// One pupil.
#[derive(Clone, Default)]
pub struct CtfPupil {
    /// Unique pupil number; empty if unknown.
    pub upn: String,
    /// Unique learner number; empty if unknown.
    pub uln: String,
    /// Unique candidate identifier; empty if unknown.
    pub uci: String,
    /// The UPN before this one; empty if there was none. The format has room for one.
    pub former_upn: String,
    /// Legal surname.
    pub surname: String,
    /// Legal forename.
    pub forename: String,
    /// Date of birth, if known.
    pub birth_date: Option<SchoolDate>,
    /// `F` or `M`, if known. Left out otherwise, which a strict reader may refuse.
    pub sex: Option<char>,
    /// Forename in use; empty if the same.
    pub known_as: String,
    /// National curriculum year; empty if unknown.
    pub year_group: String,
    /// Enrolment status, such as `C`; empty if unknown.
    pub enrol_status: String,
    /// Years of attendance.
    pub years: Vec<CtfYear>,
    /// What was achieved before.
    pub results: Vec<CtfResult>,
}

impl std::fmt::Debug for CtfPupil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CtfPupil(..)")
    }
}

/// A result of an earlier stage, in the codes of the format. What was not said is empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CtfResult {
    /// Stage, such as `KS4`.
    pub stage: String,
    /// Year of the result.
    pub year: String,
    /// Subject's code.
    pub subject: String,
    /// How it was assessed, as a code.
    pub method: String,
    /// Part of the assessment, as a code.
    pub component: String,
    /// Whether it stands, as a code.
    pub status: String,
    /// What sort of result, as a code.
    pub qualifier: String,
    /// The result itself.
    pub result: String,
}

impl std::fmt::Debug for CtfResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CtfResult(..)")
    }
}

impl CtfResult {
    /// A result as our reader of CTF gave it. `None` of any other: its codes are not known.
    pub fn of(draft: &Draft) -> Option<Self> {
        let Body::Assessment(assessment) = &draft.body else { return None };
        let given = assessment.result.as_ref().filter(|given| given.kind == GradeKind::Prior)?;
        if !given.scale_id.starts_with("ctf/") {
            return None;
        }
        // The parts that the reader makes the key of.
        let parts: Vec<&str> = draft.local_key.split('\u{1f}').collect();
        let &[_, stage, year, subject, method, component, status, qualifier] = parts.as_slice() else {
            return None;
        };
        let result = match &given.value {
            GradeValue::Given(grade) => grade,
            GradeValue::Ungraded => "U",
            GradeValue::NoResult => "X",
            GradeValue::Pending => "Q",
            GradeValue::Withheld => "#",
            GradeValue::NotAssessed => return None,
        };
        let [stage, year, subject, method, component, status, qualifier, result] =
            [stage, year, subject, method, component, status, qualifier, result].map(str::to_owned);
        Some(Self { stage, year, subject, method, component, status, qualifier, result })
    }
}

/// A school year of attendance: totals, and marks from a date on.
#[derive(Clone, PartialEq, Eq)]
pub struct CtfYear {
    /// Calendar year in which it begins.
    pub year: i16,
    /// Whose register it is.
    pub school: CtfSchool,
    /// Sessions attended, of those possible.
    pub attended: u32,
    /// Sessions missed with leave.
    pub authorised: u32,
    /// Sessions missed without leave.
    pub unauthorised: u32,
    /// Date of the first mark.
    pub first: Option<SchoolDate>,
    /// Two characters a day from then on.
    pub marks: String,
}

impl std::fmt::Debug for CtfYear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CtfYear({}, ..)", self.year)
    }
}

impl CtfYear {
    /// Sums up the marks of a register. Of two marks of one session, the later in the list counts.
    ///
    /// # Errors
    /// A mark is no statutory code on its date.
    pub fn of(
        year: i16,
        school: CtfSchool,
        marks: &[(SchoolDate, Session, &str)],
    ) -> Result<Self, CodeProblem> {
        let codes = CodeTable::eng_2024();
        let mut sum = Self {
            year,
            school,
            attended: 0,
            authorised: 0,
            unauthorised: 0,
            first: None,
            marks: String::new(),
        };
        let last: BTreeMap<(SchoolDate, bool), &str> =
            marks.iter().map(|(date, session, code)| ((*date, *session == Session::Pm), *code)).collect();
        let Some(first) = last.keys().next().map(|(date, _)| *date) else { return Ok(sum) };
        sum.first = Some(first);
        let mut string: Vec<char> = Vec::new();
        for ((date, afternoon), code) in last {
            let meaning = codes.read(code, date)?;
            match meaning.statistical {
                Some(Statistical::Attended) => sum.attended += 1,
                Some(Statistical::Authorised) => sum.authorised += 1,
                Some(Statistical::Unauthorised) => sum.unauthorised += 1,
                Some(Statistical::NotCounted) | None => {}
            }
            let days = date.days() - first.days();
            let Some(days) = usize::try_from(days).ok().filter(|_| days <= YEAR_DAYS) else { continue };
            string.resize(string.len().max(2 * days + 2), '#');
            string[2 * days + usize::from(afternoon)] = character(code, date, meaning.statistical, &codes);
        }
        sum.marks = string.into_iter().collect();
        Ok(sum)
    }

    /// Sessions that were possible.
    pub const fn possible(&self) -> u32 {
        self.attended + self.authorised + self.unauthorised
    }
}

/// The one character that stands for a mark.
fn character(code: &str, date: SchoolDate, counts: Option<Statistical>, codes: &CodeTable) -> char {
    let mut chars = code.trim().chars();
    let (first, more) = (chars.next().unwrap_or('-'), chars.next().is_some());
    let alike = || codes.read(&first.to_string(), date).is_ok_and(|meaning| meaning.statistical == counts);
    if !first.is_ascii() || (more && !alike()) { '-' } else { first }
}

/// Name of a file with this number among those from one school to the other.
pub fn ctf_file_name(header: &CtfHeader, serial: u16) -> String {
    let CtfHeader { from, to, .. } = header;
    format!("{}{}_CTF_{}{}_{serial:03}.xml", from.lea, from.estab, to.lea, to.estab)
}

/// The file.
pub fn ctf_xml(header: &CtfHeader, pupils: &[CtfPupil]) -> Vec<u8> {
    let mut xml = super::tree::Xml::new("CTfile", "");
    xml.open("Header");
    xml.element("DocumentName", "Common Transfer File");
    xml.element("CTFversion", CTF_VERSION);
    xml.element("DateTime", &header.written.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    xml.element("DocumentQualifier", if header.full { "full" } else { "partial" });
    xml.element("DataDescriptor", &header.describes);
    xml.element("SupplierID", "Commonroll");
    xml.open("SourceSchool");
    school(&mut xml, &header.from);
    xml.element("AcademicYear", &header.academic_year.to_string());
    xml.close();
    xml.open("DestSchool");
    school(&mut xml, &header.to);
    xml.close();
    xml.close();
    xml.open("CTFpupilData");
    pupils.iter().for_each(|one| pupil(&mut xml, one));
    xml.close();
    xml.end()
}

fn school(xml: &mut super::tree::Xml, school: &CtfSchool) {
    xml.element("LEA", &school.lea);
    xml.element("Estab", &school.estab);
    xml.said("URN", &school.urn);
    xml.said("SchoolName", &school.name);
}

fn pupil(xml: &mut super::tree::Xml, pupil: &CtfPupil) {
    xml.open("Pupil");
    xml.said("UPN", &pupil.upn);
    xml.said("UniqueLearnerNumber", &pupil.uln);
    xml.said("UCI", &pupil.uci);
    xml.element("Surname", &pupil.surname);
    xml.element("Forename", &pupil.forename);
    xml.said("DOB", &pupil.birth_date.map(|date| date.to_string()).unwrap_or_default());
    xml.said("Sex", &pupil.sex.map(String::from).unwrap_or_default());
    xml.open("BasicDetails");
    xml.said("FormerUPN", &pupil.former_upn);
    xml.said("PreferredForename", &pupil.known_as);
    xml.said("NCyearActual", &pupil.year_group);
    xml.said("EnrolStatus", &pupil.enrol_status);
    xml.close();
    if !pupil.years.is_empty() {
        xml.open("Attendance");
        pupil.years.iter().for_each(|one| year(xml, one));
        xml.close();
    }
    stages(xml, &pupil.results);
    xml.close();
}

fn stages(xml: &mut super::tree::Xml, results: &[CtfResult]) {
    let mut stages: BTreeMap<&str, Vec<&CtfResult>> = BTreeMap::new();
    results.iter().for_each(|result| stages.entry(&result.stage).or_default().push(result));
    if stages.is_empty() {
        return;
    }
    xml.open("StageAssessments");
    for (stage, results) in stages {
        xml.open("KeyStage");
        xml.element("Stage", stage);
        for result in results {
            xml.open("StageAssessment");
            xml.said("Year", &result.year);
            xml.said("Subject", &result.subject);
            xml.said("Method", &result.method);
            xml.said("Component", &result.component);
            xml.said("ResultStatus", &result.status);
            xml.said("ResultQualifier", &result.qualifier);
            xml.element("Result", &result.result);
            xml.close();
        }
        xml.close();
    }
    xml.close();
}

fn year(xml: &mut super::tree::Xml, year: &CtfYear) {
    xml.open("YearData");
    xml.element("Year", &year.year.to_string());
    xml.element("LEA", &year.school.lea);
    xml.element("Estab", &year.school.estab);
    xml.said("SchoolName", &year.school.name);
    xml.element("SessionsPossible", &year.possible().to_string());
    xml.element("SessionsAuthorised", &year.authorised.to_string());
    xml.element("SessionsAttended", &year.attended.to_string());
    xml.element("SessionsUnauthorised", &year.unauthorised.to_string());
    if let Some(first) = year.first {
        xml.open("AttendSessions");
        xml.element("AttendanceStartDate", &first.to_string());
        xml.element("AttendanceMarks", &year.marks);
        xml.close();
    }
    xml.close();
}

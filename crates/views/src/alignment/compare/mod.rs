//! Holding partners' traffic and declarations against each other: what differs, with what stands behind it, and what to agree on.

mod agreed;
mod content;
mod when;

use super::traffic::{Crowd, Kind, Tally, Traffic};
use agreed::{grade_lines, hints, kept};
use commonroll_core::{
    SchoolDate,
    convention::{Question, Says},
};
use content::{codes, kinds, scales, subjects};
use std::collections::BTreeMap;
use when::{bells, calendars};

/// Differences of one topic at most: the largest first.
const LINES: usize = 40;

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The same code means two things.
    Codes,
    /// A subject has several names.
    Subjects,
    /// Grades of a kind and subject stand on several scales, or on one that nobody can read.
    Scales,
    /// Some send grades of a kind and others don't.
    Kinds,
    /// Lessons begin at different times.
    Bells,
    /// One is closed while another teaches, or calls the week by another letter.
    Calendar,
}

impl Topic {
    /// Every topic, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Codes, Self::Subjects, Self::Scales, Self::Kinds, Self::Bells, Self::Calendar];

    /// Its name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Codes => "Attendance codes",
            Self::Subjects => "Subjects",
            Self::Scales => "Grade scales",
            Self::Kinds => "Kinds of grades",
            Self::Bells => "Bell times",
            Self::Calendar => "Calendars",
        }
    }

    /// What is said where nothing differs.
    pub const fn alike(self) -> &'static str {
        match self {
            Self::Codes => "Every code that came from several partners means the same at all of them.",
            Self::Subjects => "No two names look like one subject.",
            Self::Scales => "Each kind of grade stands on one readable scale in each subject.",
            Self::Kinds => "Partners that send grades send the same kinds.",
            Self::Bells => "Lessons begin at the same times, as far as timetables were declared.",
            Self::Calendar => {
                "Nobody is closed while another teaches in the next three weeks, and week letters agree."
            }
        }
    }
}

/// What one partner does, and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Who.
    pub site: u16,
    /// What.
    pub said: String,
    /// Rows, days.
    pub evidence: String,
}

/// A difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// About what.
    pub topic: Topic,
    /// In a few words.
    pub title: String,
    /// The subject with which the title begins, where the same may be so of other subjects; else empty.
    pub subject: String,
    /// What follows from it.
    pub text: &'static str,
    /// Each partner's part.
    pub facts: Vec<Fact>,
    /// What could be agreed: what most rows say already.
    pub suggest: Option<Says>,
}

/// Grades of one partner, of one kind and scale.
#[derive(Debug, Clone, PartialEq)]
pub struct GradeLine {
    /// Whose.
    pub site: u16,
    /// Of which kind.
    pub kind: Kind,
    /// On which scale and version.
    pub scale: (String, String),
    /// How many rows, in tens.
    pub rows: u64,
    /// Per cent without a grade; `None` if too few learners stand behind those, or behind the rest.
    pub missing: Option<u64>,
    /// Per cent that are no grade of the scale; as above.
    pub not_on_scale: Option<u64>,
    /// True if nobody can read the scale.
    pub no_scale: bool,
    /// First and last day.
    pub between: (SchoolDate, SchoolDate),
}

/// What was agreed, as it is held against what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreed {
    /// What.
    pub says: Says,
    /// From which day it holds.
    pub from: SchoolDate,
}

/// How a partner keeps what was agreed, since it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Place of what was agreed.
    pub agreed: usize,
    /// Who.
    pub site: u16,
    /// In how many of 100 rows since it was not kept; `None` if too few learners stand behind that, or behind the rest.
    pub breaks: Option<u64>,
}

/// What a partner declared.
#[derive(Debug, Clone, Default)]
pub struct SiteFacts {
    /// Its number.
    pub site: u16,
    /// True if the law asks a session register of its type of institution.
    pub registers: bool,
    /// Subjects of its groups, and how many groups each has.
    pub subjects: BTreeMap<String, u64>,
    /// Minutes of the day at which its lessons begin and end, and how many do.
    pub lessons: BTreeMap<(u32, u32), u64>,
    /// From today on: whether it is closed, and the week's letter.
    pub days: BTreeMap<SchoolDate, (bool, Option<String>)>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Topic by topic, the largest first.
    pub differences: Vec<Difference>,
    /// Grades by partner, kind and scale.
    pub grades: Vec<GradeLine>,
    /// What no data can say, with what data hint at.
    pub questions: Vec<(Question, Vec<Fact>)>,
    /// How what was agreed is kept.
    pub kept: Vec<Kept>,
}

/// Holds partners against each other. What was agreed on is no difference any more, but what breaks it is told.
pub fn compare(traffic: &Traffic, sites: &[SiteFacts], agreed: &[Agreed], today: SchoolDate) -> Report {
    let differences = [
        codes(traffic, sites, agreed),
        subjects(traffic, sites, agreed),
        scales(traffic, sites, agreed),
        kinds(traffic, sites),
        bells(sites),
        calendars(sites),
    ];
    let differences = differences.into_iter().flat_map(|mut of| {
        of.truncate(LINES);
        of
    });
    Report {
        differences: differences.collect(),
        grades: sites.iter().flat_map(|site| grade_lines(traffic, site.site)).collect(),
        questions: Question::ALL.map(|question| (question, hints(traffic, sites, question))).into(),
        kept: kept(traffic, sites, agreed, today),
    }
}

/// Rows that are counted together.
#[derive(Default)]
struct Sum {
    rows: u64,
    learners: Crowd,
    between: Option<(SchoolDate, SchoolDate)>,
}

impl Sum {
    fn add(&mut self, tally: &Tally) {
        self.rows += tally.rows();
        self.learners.add(tally.learners());
        let Some((first, last)) = tally.between() else { return };
        let held = self.between.unwrap_or((first, last));
        self.between = Some((held.0.min(first), held.1.max(last)));
    }

    fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        self.learners.join(&other.learners);
        let days = self.between.into_iter().chain(other.between);
        self.between = days.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
    }

    fn few(&self) -> bool {
        self.learners.is_few()
    }

    fn evidence(&self, what: &str) -> String {
        let days = self.between.map_or_else(String::new, |(first, last)| match first == last {
            true => format!(", {}", day(first)),
            false => format!(", {} to {}", day(first), day(last)),
        });
        format!("{}{days}", about(self.rows, what))
    }
}

fn day(date: SchoolDate) -> String {
    date.civil().strftime("%-d %b").to_string()
}

/// A count that gives no single row away.
fn about(rows: u64, many: &str) -> String {
    match rows {
        0..10 => format!("fewer than 10 {many}"),
        _ => format!("about {} {many}", rows / 10 * 10),
    }
}

fn fact(site: u16, said: impl Into<String>, evidence: impl Into<String>) -> Fact {
    Fact { site, said: said.into(), evidence: evidence.into() }
}

fn count(number: usize) -> String {
    match number {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        4 => "four".to_owned(),
        number => number.to_string(),
    }
}

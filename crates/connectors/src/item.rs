//! What a connector says about a file: items, problems, and what the file is complete about.
//!
//! Problems never hold a value from the file, since they are read by people who may not see it; but for a code that the
//! mapping doesn't know, so that somebody can say what it stands for.

use commonroll_core::{
    Body, LocalId, RecordKind, SchoolDate, Timestamp,
    directory::{
        DayDeclaration, GroupDeclaration, LearnerDeclaration, NoticeDeclaration, PlacementAcceptance,
        PlacementDeclaration, PlacementEnd, StaffDeclaration, SupportDeclaration,
    },
};
use std::fmt;

/// One thing that a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A record, before it has an id and a revision.
    Record(Draft),
    /// A learner.
    Learner(LearnerDeclaration),
    /// A teaching group.
    Group(GroupDeclaration),
    /// A placement, if the file's owner is the home.
    Placement(PlacementDeclaration),
    /// An acceptance, if the file's owner is the host.
    Acceptance(PlacementAcceptance),
    /// An end, said by either.
    End(PlacementEnd),
    /// A member of staff and every group that they teach.
    Staff(StaffDeclaration),
    /// All lessons of a date.
    Day(DayDeclaration),
    /// A notice about a learner.
    Notice(NoticeDeclaration),
    /// What a learner needs elsewhere, if the file's owner is the home.
    Support(SupportDeclaration),
}

/// A record as the source gives it. The agent adds identity (from source, kind, date and local key) and revision.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// What kind of record. For a withdrawal too.
    pub kind: RecordKind,
    /// Names this record among its source's records of its kind: the same for every correction of it. Holds the
    /// learner's local id, so treat it as personal. 1 to 512 bytes.
    pub local_key: String,
    /// The learner, by the source's own id.
    pub learner: LocalId,
    /// The teaching group, by the source's own code.
    pub group: Option<LocalId>,
    /// The local school date that the record is about.
    pub date: SchoolDate,
    /// When the source wrote it, if it says so.
    pub recorded_at: Option<Timestamp>,
    /// Travels only if a policy names it.
    pub confidential: bool,
    /// What it says. [`Body::Withdrawn`] where a file itself takes a record back.
    pub body: Body,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({}, ..)", self.kind)
    }
}

/// Where in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1; in XML the line on which the element begins. In a zip, the line of the entry that the problem
    /// names in its field.
    pub line: u64,
}

/// Something that a person should look at. The rest of the file is not harmed by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, if it is about one place.
    pub place: Option<Place>,
    /// The column's caption, or the element's name; empty if it is about the row as a whole.
    pub field: String,
    /// Stable name of the rule, such as `CSV-DATE`.
    pub rule: &'static str,
    /// What to do, in plain words. Never holds a value from the file.
    pub fix: String,
    /// The value, where the mapping doesn't say what it stands for and it can be nothing but a code.
    pub code: Option<String>,
    /// True if an earlier problem is about the same row: whatever is wrong with it, one row is kept back.
    pub again: bool,
}

impl Problem {
    pub(crate) fn new(
        line: u64,
        field: impl Into<String>,
        rule: &'static str,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            place: Some(Place { line }),
            field: field.into(),
            rule,
            fix: fix.into(),
            code: None,
            again: false,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "line {}: ", place.line)?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}: {}", self.rule, self.fix)
    }
}

/// What a file is complete about. What was sent before, lies inside and is absent from the file, was withdrawn.
///
/// A connector never names a scope in which it met a row that it could not read: an unreadable row is not an absent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Every record of a kind on one school date.
    Day(RecordKind, SchoolDate),
    /// Every record of a kind.
    Records(RecordKind),
    /// Every learner.
    Learners,
    /// Every group.
    Groups,
    /// Every placement by the home.
    Placements,
    /// Every acceptance by the host.
    Acceptances,
    /// Everybody who teaches: whoever is absent teaches nothing.
    Staff,
    /// Every notice that holds or is still to come.
    Notices,
    /// Every support note.
    Support,
}

/// Takes what a connector says, as it says it.
pub trait Sink {
    /// One more item.
    fn item(&mut self, item: Item, at: Place);
    /// One more problem. There may be as many as the file has rows: count beyond what a person can read.
    fn problem(&mut self, problem: Problem);
    /// The file is complete about this. Comes after all items.
    fn covers(&mut self, scope: Scope);
}

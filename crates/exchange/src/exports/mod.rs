//! Exports: records of an institution's own learners, taken out as a file by somebody who may read them.
//!
//! What an export is about is fixed when it is asked for, and has a hash; an approval is bound to that hash and is good once.
//! Of many learners, or of behaviour, it takes a sign-in of the last minutes with a second factor, and a second person. Each
//! record is decided as for reading, and the entry that says who took what is durable before the first byte leaves. The
//! format of the file is the caller's.

mod ask;
mod make;

use crate::{
    directory::{
        Directory,
        change::hex,
        exports::{Export, Made},
    },
    office::{Acting, may},
    reading::{Judge, ReadAsk, ReadError, RecordSeen},
    rooms::purpose,
    types::NotAllowed,
};
use commonroll_audit::hash::sha256;
use commonroll_core::{
    Invalid, LocalId, RecordKind, Role, SchoolDate, Slug, Timestamp, directory::Registration,
};
use commonroll_policy::OfficeAct;

/// More learners than this need a second person.
pub const STRONG_LEARNERS: usize = 500;
/// Records of one export at most.
pub const EXPORT_ROWS: usize = 100_000;
/// A sign-in is fresh for so long.
pub const FRESH_US: i64 = 10 * 60_000_000;
/// So long after it an ask, and an approval, is good for nothing any more.
pub const GOOD_FOR_US: i64 = 24 * 3_600_000_000;
/// Exports that one person may ask for in 24 hours.
pub const PER_DAY: usize = 5;
/// Learners of one export at most: as many as an entry can name.
const LEARNERS_MAX: usize = crate::by_learner::NAMED_MAX;
/// Clocks may be so far apart.
const LEEWAY_US: i64 = 60_000_000;

/// Which export: its id, and the hash of what it is.
pub type ExportKey = ([u8; 16], [u8; 32]);

/// What somebody wants to take out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportAsk {
    /// What kind of record.
    pub kind: RecordKind,
    /// School dates: the first and the last, both included.
    pub dates: (SchoolDate, SchoolDate),
}

/// One record on its way into a file.
pub struct ExportRow<'a> {
    /// The learner, by the home's own id.
    pub learner: &'a LocalId,
    /// What the home calls them. Personal.
    pub name: &'a str,
    /// The record, as far as it may be seen.
    pub record: &'a RecordSeen,
}

/// What was made.
#[derive(Clone)]
pub struct ExportMade {
    /// What was asked for.
    pub ask: ExportAsk,
    /// The lines, one for each record. Personal.
    pub lines: String,
    /// How many.
    pub records: u32,
    /// Learners with at least one.
    pub learners: u32,
    /// Records that stand and that this version can't write as a line.
    pub unread: u32,
}

impl std::fmt::Debug for ExportMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExportMade({} records, ..)", self.records)
    }
}

/// An export as somebody sees it who asked for it, or who answers for the institution.
#[derive(Clone)]
pub struct ExportSeen {
    /// Which.
    pub key: ExportKey,
    /// Who asked, by name; personal. Empty if they are no longer known.
    pub by: String,
    /// In which role.
    pub role: Role,
    /// True if it is the one who looks.
    pub mine: bool,
    /// What.
    pub ask: ExportAsk,
    /// How many learners it may be about.
    pub learners: u32,
    /// True if it takes a fresh sign-in with a second factor, and a second person.
    pub strong: bool,
    /// When it was asked for.
    pub asked: Timestamp,
    /// Who approved it, by name, and when.
    pub approved: Option<(String, Timestamp)>,
    /// When it was made, of how many learners, how many records.
    pub made: Option<(Timestamp, u32, u32)>,
    /// True if it, or its approval, is too long ago.
    pub lapsed: bool,
    /// True if the one who looks may approve it now.
    pub approvable: bool,
}

impl std::fmt::Debug for ExportSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExportSeen({}, ..)", hex(&self.key.0))
    }
}

/// What the page of exports shows.
#[derive(Debug, Clone)]
pub struct ExportsSeen {
    /// Newest first.
    pub exports: Vec<ExportSeen>,
    /// True if the one who looks may ask for one.
    pub may_ask: bool,
    /// True if they see those of the whole institution.
    pub all: bool,
}

/// Why there is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Not theirs, or not there: one wording.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It can't be done as things stand.
    #[error("{0}")]
    State(&'static str),
    /// The person has to sign in at their institution again.
    #[error("sign in again: this export needs a sign-in of the last 10 minutes")]
    SignInAgain,
    /// The sign-in was with a password alone, or doesn't say.
    #[error(
        "this export needs a sign-in with a second factor, and your institution's sign-in didn't say that there was one"
    )]
    SecondFactor,
    /// Nobody has approved it.
    #[error("a second person has to approve this export first")]
    Waits,
    /// Too many of this person's.
    #[error("you have asked for 5 exports in 24 hours; wait, or ask a colleague who needs it too")]
    TooMany,
    /// Too many records.
    #[error("there are more than {0} records; choose a shorter time")]
    TooMuch(usize),
    /// The log could not be read or written: nothing was handed out.
    #[error("the hub can't use its log just now, so nothing is handed out; try again")]
    Unavailable,
}

impl ExportError {
    /// The class of a refusal, for the log; empty if it is none.
    const fn class(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => "not_allowed",
            Self::State(_) => "state",
            Self::SignInAgain => "sign_in_too_old",
            Self::SecondFactor => "no_second_factor",
            Self::Waits => "not_approved",
            Self::TooMany => "too_many",
            Self::TooMuch(_) => "too_much",
            Self::Invalid(_) | Self::Unavailable => "",
        }
    }
}

impl From<ReadError> for ExportError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotAllowed(denied) => Self::NotAllowed(denied),
            ReadError::TooMany => Self::TooMany,
            ReadError::TooMuch(most) => Self::TooMuch(most),
            ReadError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<crate::by_learner::Unread> for ExportError {
    fn from(_: crate::by_learner::Unread) -> Self {
        Self::Unavailable
    }
}

/// Whether somebody may take records out.
fn may_export(directory: &Directory, acting: Acting<'_>) -> Result<(), NotAllowed> {
    let own = acting.speaker.institution();
    may(directory, acting, OfficeAct::ExportRecords, Some(own), false).map(drop)
}

/// Whether somebody may approve an export that another person, or they themselves, asked for.
fn may_approve(directory: &Directory, acting: Acting<'_>, second: bool) -> Result<(), NotAllowed> {
    let own = acting.speaker.institution();
    may(directory, acting, OfficeAct::ApproveExport, Some(own), second).map(drop)
}

/// What an export asks of each learner.
fn reads(ask: &ExportAsk, role: Role, learner: LocalId) -> ReadAsk {
    let dates = (Some(ask.dates.0), Some(ask.dates.1));
    ReadAsk { dates, kinds: vec![ask.kind], ..ReadAsk::about(learner, purpose(role)) }
}

/// The own institution's learners of whom the person may read this kind at all: by the hub's numbers, in their order.
fn scope(
    directory: &Directory,
    acting: Acting<'_>,
    ask: &ExportAsk,
    now: Timestamp,
) -> Result<Vec<(u32, LocalId)>, NotAllowed> {
    let state = directory.institution(acting.speaker.number).ok_or(NotAllowed::Denied)?;
    let mut learners = Vec::new();
    let home = state.locals.iter().filter(|(_, held)| held.registration == Registration::Home);
    for (local, _) in home {
        let reads = reads(ask, acting.role, local.clone());
        let Ok(judge) = Judge::new(directory, acting, &reads, now) else { continue };
        if judge.stands.is_home() && !judge.at_best(ask.kind).open.is_empty() {
            learners.push((judge.stands.learner, local.clone()));
        }
    }
    learners.sort_unstable();
    Ok(learners)
}

/// A hash over who is in a scope.
fn whom(learners: &[(u32, LocalId)]) -> [u8; 32] {
    let mut bytes = b"commonroll/export/whom/v1\n".to_vec();
    learners.iter().for_each(|(number, _)| bytes.extend_from_slice(&number.to_be_bytes()));
    sha256(&bytes)
}

/// The hash of everything that an export is.
fn hash_of(export: &Export, institution: &Slug) -> [u8; 32] {
    let text = format!(
        "commonroll/export/v1\n{}\n{institution}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
        hex(&export.id.0),
        export.person.0,
        export.role,
        export.record,
        export.dates.0,
        export.dates.1,
        hex(&export.whom.0),
        export.strong,
        export.asked.micros(),
    );
    sha256(text.as_bytes())
}

/// True if something is too long ago to be good for anything.
fn lapsed(since: Timestamp, now: Timestamp) -> bool {
    !(-LEEWAY_US..GOOD_FOR_US).contains(&(now.micros() - since.micros()))
}

fn seen(directory: &Directory, acting: Acting<'_>, export: &Export, now: Timestamp) -> ExportSeen {
    let name = |id| directory.person(id).map_or_else(String::new, |person| person.name.clone());
    let mine = export.person.0 == acting.speaker.id();
    let over = lapsed(export.asked, now) || export.approved.is_some_and(|second| lapsed(second.at, now));
    let over = over && export.made.is_none();
    let open = export.strong && export.approved.is_none() && export.made.is_none() && !over;
    ExportSeen {
        key: (export.id.0, export.hash.0),
        by: name(export.person.0),
        role: export.role,
        mine,
        ask: ExportAsk { kind: export.record, dates: export.dates },
        learners: export.learners,
        strong: export.strong,
        asked: export.asked,
        approved: export.approved.map(|second| (name(second.person.0), second.at)),
        made: export.made.map(|Made { at, learners, records }| (at, learners, records)),
        lapsed: over,
        approvable: open && may_approve(directory, acting, !mine).is_ok(),
    }
}

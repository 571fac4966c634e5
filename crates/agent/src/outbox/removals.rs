//! What is taken back of what was written, and what can't be.
//!
//! SIMS' interface takes a row with `Withdrawn` at the revision that it has. For everything else there is a list for a
//! person, `recall-<place>.csv`. A mark in the statutory register stays, as the law asks, unless it was wrong.

use super::{Folder, OutboxFormat, marks};
use commonroll_audit::CopyOutcome;
use commonroll_connectors::render::{MarkRow, RecallRow, RowHead};
use commonroll_core::{LocalId, RecordId, RecordKind, Revision, SchoolDate, Slug};

/// A copy that is to go.
#[derive(Clone, PartialEq, Eq)]
pub struct Removal {
    /// The record.
    pub id: RecordId,
    /// The revision that was delivered; older ones go with it.
    pub revision: Revision,
    /// Who made it.
    pub source: Slug,
    /// Its kind.
    pub kind: RecordKind,
    /// The learner, by the recipient's own id, if it is known.
    pub learner: Option<LocalId>,
    /// Why, as the hub's code.
    pub reason: String,
    /// True if a withdrawn revision of it was written already, so that nothing is left to write.
    pub is_written: bool,
}

impl std::fmt::Debug for Removal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Removal({}, {}, ..)", self.kind, self.reason)
    }
}

/// What became of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBack {
    /// What became of it.
    pub outcome: CopyOutcome,
    /// Why it is flagged or kept, as a code; empty otherwise.
    pub reason: &'static str,
}

const REMOVED: TakenBack = TakenBack { outcome: CopyOutcome::Removed, reason: "" };
/// No program takes it out: a person does.
pub(super) const BY_HAND: TakenBack = TakenBack { outcome: CopyOutcome::Flagged, reason: "by_hand" };
/// The hub no longer knows which learner of ours it is about.
const NOBODY: TakenBack = TakenBack { outcome: CopyOutcome::Flagged, reason: "unknown_learner" };
/// The lesson's mark goes; the session's mark that it was evidence for is the school's own register.
const REGISTER: TakenBack = TakenBack { outcome: CopyOutcome::Kept, reason: "statutory_register" };

/// Reasons for which what was written was wrong, and a register must not say it either.
const WRONG: [&str; 3] = ["match_undone", "source_marked_confidential", "record_withdrawn"];

/// Rows of a removal, by the file that they belong into.
#[derive(Default)]
pub(super) struct Removals {
    pub lessons: Vec<MarkRow>,
    pub sessions: Vec<MarkRow>,
    pub list: Vec<RecallRow>,
    pub taken: Vec<TakenBack>,
}

impl Removals {
    /// What becomes of these copies, and the rows that say so.
    pub fn of(folder: &Folder, removals: &[Removal]) -> Self {
        let mut rows = Self::default();
        for removal in removals {
            let taken = rows.add(folder, removal);
            rows.taken.push(taken);
            if !removal.is_written {
                rows.list.push(RecallRow {
                    record: removal.id,
                    revision: removal.revision,
                    learner: removal.learner.as_ref().map_or("", LocalId::as_str).to_owned(),
                    source: removal.source.clone(),
                    date: SchoolDate::from_days(removal.id.days()),
                    kind: removal.kind,
                    reason: removal.reason.clone(),
                    what: match taken.outcome {
                        CopyOutcome::Flagged => "remove by hand",
                        CopyOutcome::Kept => "session mark stays: statutory register",
                        CopyOutcome::Removed | CopyOutcome::NotHeld => "removed",
                    },
                });
            }
        }
        rows
    }

    fn add(&mut self, folder: &Folder, removal: &Removal) -> TakenBack {
        let by_program = removal.kind == RecordKind::Attendance && folder.writes(OutboxFormat::SimsXml);
        if removal.is_written {
            return if by_program { REMOVED } else { BY_HAND };
        }
        let (Some(learner), Some(date)) = (&removal.learner, SchoolDate::from_days(removal.id.days())) else {
            return NOBODY;
        };
        if !by_program {
            return BY_HAND;
        }
        let head = RowHead {
            record: removal.id,
            revision: removal.revision,
            learner: learner.clone(),
            source: removal.source.clone(),
            date,
            withdrawn: true,
        };
        let row = MarkRow {
            head,
            group: String::new(),
            start: None,
            end: None,
            session: None,
            mark: String::new(),
            minutes_late: None,
            comment: String::new(),
        };
        let sessions = marks::kept(&folder.sessions);
        let stays = !sessions.is_empty() && !WRONG.contains(&removal.reason.as_str());
        if !stays {
            let taken_back = |session| MarkRow { session: Some(session), ..row.clone() };
            self.sessions.extend(sessions.into_iter().map(taken_back));
        }
        self.lessons.push(row);
        if stays { REGISTER } else { REMOVED }
    }
}

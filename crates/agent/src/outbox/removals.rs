//! What is taken back of what was written, and what can't be.
//!
//! SIMS' interface takes rows with `Withdrawn` at the revision that the MIS has, of lessons and of sessions, and where a program
//! enters results and behaviour, of these; our own writing into
//! databases those of lessons, and, with a person's look behind it, those of sessions; where marks are posted over HTTP, such rows
//! keep back what still waits. For everything else there is a list for a person, `recall-<place>.csv`. A mark in the statutory
//! register stays, as the law asks, unless it was wrong; what a person certified by what was wrong is for a person to take out.

use super::{
    Folder, marks,
    rows::{self, Rows},
};
use commonroll_audit::CopyOutcome;
use commonroll_connectors::render::{MarkRow, RecallRow, RowHead, Session};
use commonroll_core::{
    LocalId, RecordId, RecordKind, Revision, SchoolDate, Slug,
    record::{Assessment, Behaviour},
};

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
    /// Sessions of its day that a person here decided for the learner.
    pub decided: Vec<Session>,
    /// True if a code that a person here decided for one of these rests on this copy.
    pub is_rested_on: bool,
    /// True if it was a person's to enter, before a program entered such.
    pub is_by_hand: bool,
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
    /// A program of ours has yet to take its lesson's mark out, and may be refused: only then is this said.
    pub is_carried: bool,
}

impl TakenBack {
    const fn new(outcome: CopyOutcome, reason: &'static str) -> Self {
        Self { outcome, reason, is_carried: false }
    }
}

const REMOVED: TakenBack = TakenBack::new(CopyOutcome::Removed, "");
/// The reason of what no program takes out.
pub(crate) const FLAG_BY_HAND: &str = "by_hand";
/// No program takes it out: a person does.
pub(super) const BY_HAND: TakenBack = TakenBack::new(CopyOutcome::Flagged, FLAG_BY_HAND);
/// The hub no longer knows which learner of ours it is about.
const NOBODY: TakenBack = TakenBack::new(CopyOutcome::Flagged, "unknown_learner");
/// The lesson's mark goes; the session's mark that it was evidence for is the school's own register.
const REGISTER: TakenBack = TakenBack::new(CopyOutcome::Kept, "statutory_register");

/// Reasons for which what was written was wrong, and a register must not say it either.
const WRONG: [&str; 3] = ["match_undone", "source_marked_confidential", "record_withdrawn"];

/// Rows of a removal, by the file that they belong into.
#[derive(Default)]
pub(super) struct Removals {
    pub rows: Rows,
    /// Marks that a person entered, of which SIMS' XML says nothing.
    pub theirs: Rows,
    pub list: Vec<RecallRow>,
    pub taken: Vec<TakenBack>,
}

impl Removals {
    /// What becomes of these copies, and the rows that say so.
    pub fn of(folder: &Folder, removals: &[Removal]) -> Self {
        let mut all = Self::default();
        for removal in removals {
            let taken = all.add(folder, removal);
            all.taken.push(taken);
            if !removal.is_written || taken.outcome == CopyOutcome::Flagged {
                all.list.push(RecallRow {
                    record: removal.id,
                    revision: removal.revision,
                    learner: removal.learner.as_ref().map_or("", LocalId::as_str).to_owned(),
                    source: removal.source.clone(),
                    date: SchoolDate::from_days(removal.id.days()),
                    kind: removal.kind,
                    reason: removal.reason.clone(),
                    what: match taken.outcome {
                        CopyOutcome::Flagged if is_theirs(folder, removal) => {
                            "remove by hand: it came before a program entered such"
                        }
                        CopyOutcome::Flagged if taken.is_carried || is_certified(folder, removal) => {
                            "remove the session mark by hand"
                        }
                        CopyOutcome::Flagged if folder.carries(removal.kind) => {
                            "look whether it was taken out"
                        }
                        CopyOutcome::Flagged => "remove by hand",
                        CopyOutcome::Kept => "session mark stays: statutory register",
                        CopyOutcome::Removed if taken.is_carried => "nothing, unless its row was not carried",
                        CopyOutcome::Removed | CopyOutcome::NotHeld => "removed",
                    },
                });
            }
        }
        all
    }

    fn add(&mut self, folder: &Folder, removal: &Removal) -> TakenBack {
        match removal.kind {
            RecordKind::Attendance if folder.heeds_withdrawals() => self.mark(folder, removal),
            // Nothing of it was given to the program.
            RecordKind::Assessment | RecordKind::Behaviour if removal.is_by_hand => BY_HAND,
            kind @ (RecordKind::Assessment | RecordKind::Behaviour) if folder.enters(kind) => {
                self.record(folder, removal)
            }
            RecordKind::Attendance | RecordKind::Assessment | RecordKind::Behaviour => BY_HAND,
        }
    }

    /// A result or an event, which the program that entered it takes out again. Of what ours takes out of a database no answer waits for
    /// its row: a person looks.
    fn record(&mut self, folder: &Folder, removal: &Removal) -> TakenBack {
        let taken = if folder.carries(removal.kind) { BY_HAND } else { REMOVED };
        if removal.is_written {
            return taken;
        }
        let Some(head) = head(removal) else { return NOBODY };
        match removal.kind {
            RecordKind::Attendance => return BY_HAND,
            RecordKind::Assessment => {
                self.rows.assessments.push(rows::assessment(head, &Assessment::default(), &folder.names));
            }
            RecordKind::Behaviour => {
                let nothing = Behaviour::default();
                self.rows.behaviours.push(rows::behaviour(head, &nothing, &folder.names, &folder.zone));
            }
        }
        taken
    }

    fn mark(&mut self, folder: &Folder, removal: &Removal) -> TakenBack {
        let mut sessions = marks::kept(&folder.sessions);
        let is_wrong = WRONG.contains(&removal.reason.as_str());
        // What a person decided stays until a person decides anew: the hub tells its officer that nothing bears it any more, and
        // whoever works through the list here takes out what was certified by what was wrong.
        let stays = !removal.decided.is_empty() || (!sessions.is_empty() && !is_wrong);
        sessions.retain(|session| !removal.decided.contains(session));
        let is_out = folder.takes_out_lessons();
        let taken = match (stays, sessions.is_empty() || folder.takes_out_sessions()) {
            _ if !is_out || removal.is_by_hand || is_certified(folder, removal) => BY_HAND,
            (true, _) => REGISTER,
            (false, true) => REMOVED,
            // The lesson's mark goes; of the session's nobody but a person can tell, and take it out.
            (false, false) => BY_HAND,
        };
        let is_carried = is_out && folder.carried;
        // Written already, and whoever takes it out has it; of our own program's work we wait for the end.
        if removal.is_written && !is_carried {
            return taken;
        }
        let Some(head) = head(removal) else { return NOBODY };
        let row = MarkRow {
            head,
            group: String::new(),
            start: None,
            end: None,
            session: None,
            mark: String::new(),
            minutes_late: None,
            comment: String::new(),
            decided: false,
        };
        let rows = if removal.is_by_hand { &mut self.theirs } else { &mut self.rows };
        // What waits to be posted is not in the register yet.
        let is_waiting = folder.posted && !folder.takes_out_sessions();
        if (is_wrong || is_waiting) && !removal.is_written {
            let taken_back = |session| MarkRow { session: Some(session), ..row.clone() };
            rows.sessions.extend(sessions.into_iter().map(taken_back));
        }
        rows.lessons.push(row);
        TakenBack { is_carried, ..taken }
    }
}

/// The head of the row that takes a copy out; `None` if nobody can be named.
fn head(removal: &Removal) -> Option<RowHead> {
    Some(RowHead {
        record: removal.id,
        revision: removal.revision,
        learner: removal.learner.clone()?,
        source: removal.source.clone(),
        date: SchoolDate::from_days(removal.id.days())?,
        withdrawn: true,
    })
}

/// True if a person entered it before a program did, so that the program takes none of it out, or what of it is its own alone.
fn is_theirs(folder: &Folder, removal: &Removal) -> bool {
    let by_program =
        folder.enters(removal.kind) || (removal.kind == RecordKind::Attendance && folder.heeds_withdrawals());
    removal.is_by_hand && by_program
}

/// True if what a person certified by this copy stands in the register and must not, while a program takes out the rest.
fn is_certified(folder: &Folder, removal: &Removal) -> bool {
    removal.is_rested_on && folder.takes_out_lessons() && WRONG.contains(&removal.reason.as_str())
}

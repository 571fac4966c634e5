//! What a data manager's desk shows: who may see what, the log in pages, its check, agents, whom nobody has matched.
//!
//! Each answer is about the asker's own institution, is decided by policy, and, where it is about anybody, has its entry
//! before it is given. Words and pages are the caller's.

mod agents;
mod check;
mod log;
mod proof;
mod sharing;
mod unmatched;

pub(crate) use agents::Contacts;
pub use agents::{AgentSeen, AgentsSeen, WAITING_MOST};
pub use check::{CheckError, Checked};
pub use log::{Deed, LogKind, LogLine, LogPage, PAGE_LINES};
pub use proof::{ProofSeen, Step};
pub use sharing::{Cell, Cells, FieldSeen, Gap, PartnerSeen, RoleSees, SharingSeen, Way};
pub use unmatched::{
    ClaimSeen, GuestSeen, MovedHow, MovedSeen, UnmatchedPart, UnmatchedSeen, UnmatchedTotals, WaitingSeen,
};

use crate::{
    Exchange,
    office::{Acting, may},
    questions::AskError,
    submit,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{LocalId, Timestamp};
use commonroll_policy::OfficeAct;

impl Exchange {
    /// Whether somebody may do an office act for their own institution; a refusal is counted.
    pub(crate) fn at_desk(&self, acting: Acting<'_>, act: OfficeAct) -> Result<(), NotAllowed> {
        let own = acting.speaker.institution();
        let decided = may(&self.shared.directory(), acting, act, Some(own), false);
        decided.map(drop).inspect_err(|_| self.refused(&acting.speaker.by(), "act.refused", act.as_str()))
    }

    /// How many entries the log has.
    pub fn log_size(&self) -> u64 {
        self.shared.frontier().size()
    }

    /// What the asker's institution calls a learner whom the log calls by a number, for who may ask about decisions. It only
    /// leads to a question, which has its own entry.
    pub fn own_id(&self, acting: Acting<'_>, number: u32) -> Option<LocalId> {
        let directory = self.shared.directory();
        let own = acting.speaker.institution();
        let _permit = may(&directory, acting, OfficeAct::SeeDecisions, Some(own), false).ok()?;
        directory.local_ids(acting.speaker.number, &[number]).remove(&number)
    }

    /// Says in the log what somebody looks at; durable when it returns.
    pub(crate) async fn looks(
        &self,
        acting: Acting<'_>,
        (question, about): (&str, serde_json::Value),
        now: Timestamp,
    ) -> Result<(), AskError> {
        let more = serde_json::json!({
            "question": question, "about": about, "asker": acting.speaker.more(acting.role),
        });
        let note = move |work: &mut Work<'_>| work.notes.push(("audit.asked".to_owned(), more.clone()));
        submit(&self.shared, &acting.speaker.by(), now, note).await.map_err(|_| AskError::Unavailable)
    }
}

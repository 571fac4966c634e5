//! Questions that an auditor, a data manager or a data protection officer asks of the log: who saw a learner's records,
//! what was shared with whom, what was refused, which rules changed, what was taken out, who let copies go.
//!
//! A question about a learner reads what the index by learner names; the others walk the log a few blocks at a time, so
//! that memory does not grow with it. Asking is itself an entry, durable
//! before the answer is given. An answer holds no payload: kinds, field groups, dates, institutions, people by their ids.

mod events;
mod sharing;
mod who_saw;
mod withdrawn;

pub(crate) use events::concerns;
pub use events::{Event, Topic};
pub use sharing::{Direction, Sharing};
pub use who_saw::{Reached, Reader, Saw};

use crate::{
    Exchange,
    directory::change::Change,
    entry::{Payload, Payloads, split_entries},
    reading::ReadError,
    shared::Shared,
    submit,
    types::{NotAllowed, PersonSpeaker},
};
use commonroll_core::{Purpose, Role, Slug, Timestamp};
use commonroll_policy::{Matter, Office, OfficeAct, PersonQuestion};
use std::sync::Arc;

/// Blocks read at a time.
const BLOCKS: u32 = 32;
/// Lines of one answer at most.
const LINES: usize = 20_000;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Who saw a learner's records.
    WhoSaw,
    /// What an institution shared or received, in sums.
    Sharing,
    /// What happened, of one topic.
    Events(Topic),
}

impl Question {
    /// The office act that policy decides on.
    const fn act(self) -> OfficeAct {
        match self {
            Self::WhoSaw | Self::Events(Topic::Refused) => OfficeAct::SeeDecisions,
            Self::Sharing | Self::Events(Topic::Withdrawals) => OfficeAct::SeeSharing,
            Self::Events(Topic::PolicyChanges) => OfficeAct::SeePolicy,
            Self::Events(Topic::Exports) => OfficeAct::SeeLog,
        }
    }
}

/// A span of time: from the first instant, to before the second; either may be open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub from: Option<Timestamp>,
    /// First instant that is not in it.
    pub to: Option<Timestamp>,
}

impl Window {
    /// Whether an instant lies in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    fn said(&self) -> serde_json::Value {
        let said = |at: Option<Timestamp>| at.map_or(serde_json::Value::Null, |at| at.to_string().into());
        serde_json::json!([said(self.from), said(self.to)])
    }
}

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Not theirs to ask, or not there: one wording.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Too much of what they asked lately was refused.
    #[error("too much of what you asked was refused; wait ten minutes, and ask for what is yours")]
    Slowed,
    /// The answer would not end.
    #[error("the answer has more than {0} lines; narrow it with from and to")]
    TooMuch(usize),
    /// The log could not be read, or the asking not be written to it.
    #[error(
        "the log could not be read or written; try again, and run `commonroll audit verify` if it stays so"
    )]
    Unavailable,
}

impl From<ReadError> for AskError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotAllowed(denied) => Self::NotAllowed(denied),
            ReadError::TooMany => Self::Slowed,
            ReadError::TooMuch(most) => Self::TooMuch(most),
            ReadError::Unavailable => Self::Unavailable,
        }
    }
}

/// Who asks, and what they may ask.
#[derive(Debug, Clone)]
pub struct Asker {
    /// As the log names them.
    by: String,
    /// Whose matters they may see; `None` for the operator, who sees all that is about no learner.
    own: Option<(u16, Slug)>,
    /// What policy let them ask; `None` for the operator.
    may: Option<Question>,
    /// What the entry says of them besides.
    more: serde_json::Value,
}

impl Asker {
    /// The hub's operator, on the data folder: anything but a question about a learner.
    pub fn operator(name: &str) -> Self {
        Self { by: name.to_owned(), own: None, may: None, more: serde_json::Value::Null }
    }

    fn may(&self, question: Question) -> Result<(), NotAllowed> {
        let learner = question == Question::WhoSaw;
        let allowed = self.may.map_or(!learner, |may| may == question);
        if allowed { Ok(()) } else { Err(NotAllowed::Denied) }
    }
}

impl Exchange {
    /// Lets a person, in the one role in use, ask one question about their own institution, if policy does.
    ///
    /// # Errors
    /// [`NotAllowed`], which is counted in the log.
    pub fn asker(
        &self,
        speaker: &PersonSpeaker,
        role: Role,
        question: Question,
    ) -> Result<Asker, NotAllowed> {
        let decided = {
            let directory = self.shared.directory();
            let permit = || {
                directory.in_role(speaker.id(), role)?;
                let policy = directory.policies().set().ok_or(NotAllowed::Denied)?;
                let of = (question != Question::Events(Topic::PolicyChanges)).then(|| speaker.institution());
                let office = Office { act: question.act(), of, second: false };
                let asked = PersonQuestion {
                    role,
                    institution: speaker.institution(),
                    purpose: Purpose::Administration,
                    matter: Matter::Office(office),
                };
                policy.decide_person(&asked).map_err(|_| NotAllowed::Denied)
            };
            permit()
        };
        if let Err(refused) = decided {
            self.refused(&speaker.by(), "audit.refused", "");
            return Err(refused);
        }
        Ok(Asker {
            by: speaker.by(),
            own: Some((speaker.number, speaker.institution().clone())),
            may: Some(question),
            more: speaker.more(role),
        })
    }

    /// The change that an entry's payload holds, if it does.
    async fn change_at(&self, seq: u64) -> Result<Option<Change>, AskError> {
        let blocks = self.shared.store.block_of(&[seq], true).await.map_err(|_| AskError::Unavailable)?;
        let Some(block) = blocks.into_iter().next() else { return Ok(None) };
        let place = usize::try_from(seq - block.first_seq).map_err(|_| AskError::Unavailable)?;
        let Some(payloads) = block.payloads else { return Ok(None) };
        let payload = Payloads::decode(payloads).and_then(|all| all.get(place));
        match payload.map_err(|_| AskError::Unavailable)? {
            Payload::Change { change, .. } => Ok(Some(*change)),
            _ => Ok(None),
        }
    }

    /// Makes the asking an entry.
    async fn asked(
        &self,
        asker: &Asker,
        question: &str,
        about: serde_json::Value,
        window: &Window,
        now: Timestamp,
    ) -> Result<(), AskError> {
        let more = serde_json::json!({
            "question": question, "about": about, "window": window.said(), "asker": asker.more,
        });
        let note = move |work: &mut crate::writer::Work<'_>| {
            work.notes.push(("audit.asked".to_owned(), more.clone()));
        };
        submit(&self.shared, &asker.by, now, note).await.map_err(|_| AskError::Unavailable)
    }

    /// A walk over the log as it is now.
    fn walk(&self) -> Walk {
        Walk { shared: self.shared.clone(), next: 0, end: self.shared.frontier().size() }
    }
}

/// A walk over the log's entries, in order.
struct Walk {
    shared: Arc<Shared>,
    next: u64,
    end: u64,
}

impl Walk {
    /// Looks at every entry of some more blocks. False at the end.
    async fn some(&mut self, mut look: impl FnMut(u64, &[u8])) -> Result<bool, AskError> {
        if self.next >= self.end {
            return Ok(false);
        }
        let blocks = self.shared.store.blocks(self.next, BLOCKS, false).await;
        let blocks = blocks.map_err(|_| AskError::Unavailable)?;
        let Some(end) = blocks.last().map(commonroll_store::Block::end) else { return Ok(false) };
        for block in &blocks {
            let entries = split_entries(&block.entries).map_err(|_| AskError::Unavailable)?;
            for (seq, entry) in (block.first_seq..self.end).zip(entries).filter(|(seq, _)| *seq >= self.next)
            {
                look(seq, entry);
            }
        }
        self.next = end;
        Ok(true)
    }
}

//! The whole check of the log, run for somebody who looks on: one of theirs at a time, two in all, and on one core, so that
//! the hub goes on with its work.

use crate::{
    Exchange,
    office::Acting,
    questions::AskError,
    types::NotAllowed,
    verify::{Verified, VerifyError},
};
use commonroll_audit::{checkpoint::Checkpoint, files::ConsistencyFile};
use commonroll_core::Timestamp;
use commonroll_policy::OfficeAct;

/// Checks at a time, of all people.
const AT_ONCE: usize = 2;

/// What a check came to.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What was found.
    pub found: Verified,
    /// The signed checkpoint of now, as it was issued, which extends what was checked.
    pub checkpoint: String,
    /// How many entries it is over.
    pub size: u64,
    /// Its root.
    pub root: [u8; 32],
    /// The key that signed it, in C2SP text form.
    pub key: String,
}

/// Why a check came to nothing, or to a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Not theirs to ask.
    #[error(transparent)]
    Asked(#[from] AskError),
    /// One of theirs is running, or two of others.
    #[error("a check is running already; wait until it has ended")]
    Busy,
    /// The log, or what is stored beside it, is not what it was.
    #[error(transparent)]
    Fault(#[from] VerifyError),
    /// The signed checkpoint does not extend what was checked.
    #[error(
        "the checkpoint that the hub signs does not fit the entries that it stores; tell the hub's operator at once"
    )]
    Checkpoint,
}

impl From<NotAllowed> for CheckError {
    fn from(refused: NotAllowed) -> Self {
        Self::Asked(refused.into())
    }
}

impl Exchange {
    /// Checks the whole log, as `commonroll audit verify` does, and that the checkpoint which the hub signs now extends it.
    /// `progress` is told how many entries were checked. Whoever drops the future ends the check.
    ///
    /// # Errors
    /// [`CheckError`].
    pub async fn check_log(
        &self,
        acting: Acting<'_>,
        now: Timestamp,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Checked, CheckError> {
        self.at_desk(acting, OfficeAct::SeeLog)?;
        let _turn = self.shared.checking.begin(acting.speaker.id(), AT_ONCE).ok_or(CheckError::Busy)?;
        self.looks(acting, ("verify", serde_json::Value::Null), now).await?;
        let found = crate::verify::verify(&self.shared.store, 1, &mut progress).await?;
        let (checkpoint, proof) = self.checkpoint(found.entries).await?;
        let key = self.shared.log_key.public();
        let old = Checkpoint { origin: key.name().to_owned(), size: found.entries, root: found.root };
        let file = ConsistencyFile { old_size: old.size, proof, checkpoint };
        let opened = Checkpoint::open(&file.checkpoint, key).map_err(|_| CheckError::Checkpoint)?;
        if opened.size == old.size {
            if opened.root != old.root {
                return Err(CheckError::Checkpoint);
            }
        } else if file.verify(&old, key).is_err() {
            return Err(CheckError::Checkpoint);
        }
        Ok(Checked {
            found,
            checkpoint: file.checkpoint,
            size: opened.size,
            root: opened.root,
            key: key.to_string(),
        })
    }
}

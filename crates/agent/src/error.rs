//! What can go wrong in the agent as a whole. Never holds a value from a file or a record.

use crate::hub::HubError;
use std::{io, path::PathBuf};

/// Why the agent can't go on with what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The settings file or a mapping file can't be used.
    #[error("{file}: {problem}")]
    Settings {
        /// The file at fault.
        file: PathBuf,
        /// The key at fault and what to write instead.
        problem: String,
    },
    /// The identity folder is missing, incomplete or taken.
    #[error("identity: {0}")]
    Identity(String),
    /// The invitation can't be used.
    #[error("invitation: {0}")]
    Invitation(String),
    /// The spool failed. What it held before still stands.
    #[error("spool: {0}; check the disk and the rights of the data folder")]
    Spool(#[from] sqlx::Error),
    /// The spool holds something that this version can't read.
    #[error("spool: `{0}` can't be read; it was damaged or written by another version")]
    Damaged(&'static str),
    /// The hub could not be talked to, or said no.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A file or folder could not be read or written.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, naming the file or folder.
        doing: String,
        /// The cause.
        source: io::Error,
    },
    /// A transfer file can't be made of what there is.
    #[error("transfer: {0}")]
    Transfer(String),
    /// A key could not be made or used.
    #[error("keys: {0}")]
    Keys(&'static str),
}

impl AgentError {
    /// An I/O error, with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

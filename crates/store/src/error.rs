//! What can go wrong, sorted by what the caller must do about it.
//!
//! The engines' own codes are translated here once. Messages never hold keys, values or payloads.

/// A result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the database is not usable.
    #[error("database url: {0}")]
    Url(String),
    /// A setting of the database could lose what was acknowledged.
    #[error("database setting {setting} is {found}: acknowledged records could be lost, set it to {needed}")]
    Unsafe {
        /// The setting as the engine calls it.
        setting: &'static str,
        /// Its present value.
        found: String,
        /// What is accepted.
        needed: &'static str,
    },
    /// A newer version of this program has upgraded the tables.
    #[error(
        "database schema version {found} is newer than {known}, the newest this program knows: use the newer program"
    )]
    NewerSchema {
        /// Version of the tables.
        found: i64,
        /// The newest version that this program can read.
        known: i64,
    },
    /// The caller broke a rule of [`crate::Commit`]; nothing was written.
    #[error("commit: {0}")]
    Misuse(&'static str),
    /// The caller is ahead of the log, as after a restore of an older backup; nothing was written.
    #[error("commit: first_seq is {got} but the log ends at {end}: entries are missing, verify the log")]
    Gap {
        /// Entries in the log.
        end: u64,
        /// First sequence number of the commit.
        got: u64,
    },
    /// Somebody else holds the lock, or all connections are in use. Trying again may help.
    #[error("database is busy: {0}")]
    Busy(#[source] sqlx::Error),
    /// The database can't be reached just now. Nothing of this call was written; trying again may help.
    #[error("database is not reachable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The disk is full. Nothing of this call was written; it works again as soon as there is space.
    #[error("disk of the database is full: {0}")]
    Full(#[source] sqlx::Error),
    /// Stored bytes are damaged: restore them from a backup.
    #[error("database is damaged: {0}")]
    Damaged(String),
    /// A write or flush to disk failed. What was written before is in doubt, so that this store accepts no more
    /// commits: stop the process and verify the log at restart.
    #[error("database could not be flushed to disk, stop and verify the log: {0}")]
    Flush(String),
    /// Anything else that the engine says.
    #[error("database: {0}")]
    Other(#[source] sqlx::Error),
}

/// Why a commit was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another writer has appended at this place; nothing was written. Catch up and number the entries again.
    #[error("another writer appended first")]
    Lost,
    /// The connection went away while the commit was on its way: look whether the block at `first_seq` is this one.
    #[error("outcome of the commit is not known: {0}")]
    Unknown(#[source] sqlx::Error),
    /// Nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an engine's error code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Busy,
    Away,
    Full,
    Damaged,
    Flush,
    Other,
}

impl StoreError {
    /// Sorts an error of sqlx by `fault`, the engine's table of codes.
    pub(crate) fn sort(error: sqlx::Error, fault: fn(&str) -> Fault) -> Self {
        match fault_of(&error, fault) {
            Fault::Busy => Self::Busy(error),
            Fault::Away => Self::Unavailable(error),
            Fault::Full => Self::Full(error),
            Fault::Damaged => Self::Damaged(error.to_string()),
            Fault::Flush => Self::Flush(error.to_string()),
            Fault::Other => Self::Other(error),
        }
    }
}

impl CommitError {
    /// Sorts what COMMIT itself answered: only an answer of the engine says that nothing was written.
    pub(crate) fn of_commit(error: sqlx::Error, fault: fn(&str) -> Fault) -> Self {
        match fault_of(&error, fault) {
            Fault::Away => Self::Unknown(error),
            Fault::Other if error.as_database_error().is_none() => Self::Unknown(error),
            _ => Self::Store(StoreError::sort(error, fault)),
        }
    }
}

fn fault_of(error: &sqlx::Error, fault: fn(&str) -> Fault) -> Fault {
    match error {
        sqlx::Error::Database(cause) => cause.code().map_or(Fault::Other, |code| fault(&code)),
        sqlx::Error::PoolTimedOut => Fault::Busy,
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Fault::Away,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Fault::Damaged,
        _ => Fault::Other,
    }
}

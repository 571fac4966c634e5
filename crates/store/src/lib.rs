//! The hub's SQL: the log and everything looked up in it, on SQLite or PostgreSQL.
//!
//! One [`Commit`] is one transaction: the blocks of log entries, the newest revision of each record, the feeds, the
//! directory facts and the tree's hashes appear together or not at all. So no view lags behind the log and a restart
//! has nothing to replay. One view follows behind instead, in steps of its own: what is [`Store::about`] a key. A writer may append only at the end of the log that it has seen committed; the primary key
//! of `block` settles races between processes.
//!
//! What the bytes mean is not known here: entries, payloads, frontiers and facts are the exchange's.

#![expect(clippy::duplicate_mod, reason = "one body of statements is compiled once per engine, on purpose")]

pub mod ceiling;
mod codec;
mod error;
#[cfg(feature = "testkit")]
pub mod faults;
mod postgres;
mod prepare;
mod sqlite;
#[cfg(feature = "testkit")]
pub mod testkit;
mod types;

use std::sync::Arc;
use std::time::Duration;

pub use error::{CommitError, Result, StoreError};
pub use types::{AboutRow, Block, BlockHead, Commit, FactRow, FeedRow, IdRow, NewBlock, SessionRow, TileRow};

/// How a store is opened. The defaults suit a hub.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections for reading, beside the writer. At least 1.
    pub readers: u32,
    /// How long to wait for another process's write lock or for a free connection before giving up as busy.
    pub busy_timeout: Duration,
    /// PostgreSQL: how long an answer is waited for before the server counts as gone. A commit whose answer did not come may
    /// have been made all the same.
    pub patience: Duration,
    /// SQLite: bytes of write-ahead log above which [`Store::maintain`] waits for readers and empties it. From an eighth
    /// of it on it is begun again whenever no reader needs it.
    /// A long one would make the start after a crash slow.
    pub wal_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let (busy_timeout, patience) = (Duration::from_secs(10), Duration::from_secs(30));
        Self { readers: 4, busy_timeout, patience, wal_bytes_max: 64 << 20 }
    }
}

/// Opens the database at `url`, sets up or upgrades its tables, and reads back its durability settings.
///
/// `sqlite:/path/to/file` (created with access for its owner only), `sqlite::memory:` (tests only: nothing is
/// durable, which is why the durability check does not apply to it), or `postgres://user@host/database`.
///
/// # Errors
/// [`StoreError::Unsafe`] when the settings could lose what was acknowledged, [`StoreError::NewerSchema`] when a newer
/// version of this program has been here, otherwise why the database could not be reached.
pub async fn open(url: &str, settings: &Settings) -> Result<Arc<dyn Store>> {
    match url.split_once(':') {
        Some(("sqlite", _)) => sqlite::open(url, settings).await,
        Some(("postgres" | "postgresql", _)) => postgres::open(url, settings).await,
        _ => Err(StoreError::Url("must begin with sqlite: or postgres:".to_owned())),
    }
}

/// An open database. Sequence numbers start at 0 and are the leaf's index in the log.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// `sqlite` or `postgresql`, for messages and metrics.
    fn engine(&self) -> &'static str;

    /// The last block without its entries; `None` for an empty log.
    async fn head(&self) -> Result<Option<BlockHead>>;

    /// Appends blocks with all that belongs to them, durably, or leaves everything as it was.
    ///
    /// A dropped (cancelled) call has an unknown outcome: look at [`Store::head`].
    ///
    /// # Errors
    /// See [`CommitError`]; after [`StoreError::Flush`] every later commit fails too.
    async fn commit(&self, commit: &Commit<'_>) -> std::result::Result<(), CommitError>;

    /// The blocks that hold `from_seq` and what follows, ascending, at most `max_blocks`.
    async fn blocks(&self, from_seq: u64, max_blocks: u32, payloads: bool) -> Result<Vec<Block>>;

    /// The encoded entries of the blocks that hold the numbers from `from_seq` to before `to_seq`, ascending, each with the
    /// number of its first, by one statement. Ask for no more than a few hundred numbers: a block may hold one of them or
    /// all.
    async fn entries(&self, from_seq: u64, to_seq: u64) -> Result<Vec<(u64, Vec<u8>)>>;

    /// The distinct blocks that hold these sequence numbers, ascending, by one statement. Whole blocks are read into
    /// memory, so ask for a page of numbers at a time.
    async fn block_of(&self, seqs: &[u64], payloads: bool) -> Result<Vec<Block>>;

    /// The newest revision held of each record, in the order of `ids`, by one statement.
    async fn newest(&self, ids: &[[u8; 16]]) -> Result<Vec<Option<IdRow>>>;

    /// The newest revisions of a source's records whose ids lie in a range, both ends included, ascending by id, at most so many.
    async fn ids_between(&self, source: u16, range: ([u8; 16], [u8; 16]), limit: u32) -> Result<Vec<IdRow>>;

    /// Where an older revision of a record is, in the order of `keys`, by one statement.
    async fn superseded(&self, keys: &[([u8; 16], u32)]) -> Result<Vec<Option<IdRow>>>;

    /// The sequence numbers for `recipient` that are `from_seq` or higher, ascending, at most `limit`.
    async fn feed(&self, recipient: u32, from_seq: u64, limit: u32) -> Result<Vec<u64>>;

    /// All facts of these kinds, ordered by sequence number, then kind and key.
    async fn facts(&self, kinds: &[u8]) -> Result<Vec<FactRow>>;

    /// Hashes of complete subtrees by (level, index), in the order of `keys`, by one statement.
    async fn tiles(&self, keys: &[(u8, u64)]) -> Result<Vec<Option<[u8; 32]>>>;

    /// Up to where the entries are in the index of what is about whom: it follows behind the log, and 0 after it was
    /// dropped.
    async fn indexed(&self) -> Result<u64>;

    /// Takes the index on from `from` to `to`, with the places of entries between them by key. `false`, and nothing
    /// done, if it doesn't stand at `from`: another node was faster, or it was dropped.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] for places that don't lie between the two, or a key twice.
    async fn index(&self, from: u64, to: u64, rows: &[AboutRow]) -> Result<bool>;

    /// How far the index has come, and the places of all entries before that about each key, ascending, in the order of
    /// `keys`: as of one moment.
    async fn about(&self, keys: &[u64]) -> Result<(u64, Vec<Vec<u64>>)>;

    /// Empties the index, to be made anew from the log.
    async fn drop_index(&self) -> Result<()>;

    /// Puts a session, or puts it anew.
    ///
    /// # Errors
    /// After [`StoreError::Flush`] commits fail too.
    async fn put_session(&self, row: &SessionRow) -> Result<()>;

    /// The session with this id, whatever its age.
    async fn session(&self, id: &[u8; 32]) -> Result<Option<SessionRow>>;

    /// Says that a session was used, if it is still there; never takes it back in time.
    async fn touch_session(&self, id: &[u8; 32], seen_us: i64) -> Result<()>;

    /// Takes a session out. False if there was none.
    ///
    /// # Errors
    /// After [`StoreError::Flush`] commits fail too.
    async fn drop_session(&self, id: &[u8; 32]) -> Result<bool>;

    /// Takes out sessions that were last used before the first instant or opened before the second.
    async fn drop_sessions(&self, seen_before_us: i64, opened_before_us: i64) -> Result<u64>;

    /// Puts other payloads in a block's place, durably, if they are still `before`; false if they are not, and nothing is
    /// changed. Entries are never rewritten.
    ///
    /// # Errors
    /// After [`StoreError::Flush`] every later commit fails too.
    async fn rewrite(&self, first_seq: u64, before: &[u8], after: &[u8]) -> Result<bool>;

    /// Makes what was rewritten unreadable in the database's own files; false if somebody still reads the older state: try
    /// again. On SQLite freed space is overwritten with zeros as it is freed, and this empties the write-ahead log. On
    /// PostgreSQL older row versions go by its own vacuum, which is not waited for.
    ///
    /// # Errors
    /// After [`StoreError::Flush`] commits fail too.
    async fn scrub(&self) -> Result<bool>;

    /// Waits until the log holds more than `known_size` entries, whoever appended them, or `at_most` has passed.
    async fn wait_for_change(&self, known_size: u64, at_most: Duration) -> Result<()>;

    /// Housekeeping that must not happen on the writer's time: the hub calls this every 250 ms.
    ///
    /// # Errors
    /// After [`StoreError::Flush`] commits fail too: the process should stop.
    async fn maintain(&self) -> Result<()>;

    /// Closes all connections. Later calls fail as unavailable.
    async fn close(&self);
}

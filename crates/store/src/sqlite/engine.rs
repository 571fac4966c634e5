//! What only SQLite does: its connections, its packed binds, its upkeep.
//!
//! Rows of fixed width are cut out of one blob; rows of varying width out of one blob by a directory in JSON.
//! The writing connection never checkpoints: that would stall a commit for milliseconds. Another one does it.

use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::body::{Backend, bind_block, insert_block, not_inserted, placed, size};
use super::install::install;
use super::schema::STEPS;
use crate::codec::{ID, ID_REVISION, LEVEL_INDEX};
use crate::error::Fault;
use crate::prepare::{Rows, Segment};
use crate::types::FactRow;
use crate::{Commit, CommitError, Result, Settings, Store, StoreError};

pub(super) type Db = sqlx::Sqlite;
pub(super) type Conn = sqlx::SqliteConnection;

pub(super) const NAME: &str = "sqlite";
/// Takes the write lock at once: a lock taken later could fail half-way through.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
pub(super) const LOCK_SCHEMA: &str = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)";

/// A list of integers bound as `$1`, as rows with the column `x`.
macro_rules! ints {
    () => {
        "SELECT value AS x FROM json_each($1)"
    };
}
pub(super) use ints;

/// The values of keys that lie packed in `$1`, `$2` of them. A scalar subquery per key is an index look-up that
/// no planner can make a scan of.
macro_rules! look_up {
    ($value:literal, $table:literal, $key:literal, $width:literal) => {
        concat!(
            "SELECT i, value FROM (WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < $2) ",
            "SELECT i, (SELECT ", $value, " FROM ", $table, " WHERE ", $key, " = substr($1, i * ", $width, " + 1, ",
            $width, ")) AS value FROM s) AS found WHERE value IS NOT NULL"
        )
    };
}

pub(super) use look_up;

/// Rows of fixed width packed into `$1`, `$2` of them. `or` says what else ends a statement half-way: with `OR FAIL` SQLite
/// keeps no copy of each page it touches, by which it could take back this statement alone; the transaction goes as a whole.
macro_rules! put {
    ($or:literal, $table:literal, $key:literal, $rest:literal) => {
        concat!(
            "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < $2) INSERT ", $or, "INTO ", $table,
            " SELECT substr($1, i * ($3 + $4) + 1, $3), substr($1, i * ($3 + $4) + $3 + 1, $4) FROM s WHERE true ",
            "ON CONFLICT (", $key, ") DO ", $rest
        )
    };
}
const PUT_NEW_ID: &str = put!("OR FAIL ", "recid", "id", "NOTHING");
/// Updating can't do without the copies, and nearly all records are new: it is asked for when one is not.
const PUT_ID: &str = put!("", "recid", "id", "UPDATE SET val = excluded.val WHERE excluded.val > recid.val");
const PUT_SUPERSEDED: &str = put!("OR FAIL ", "superseded", "id_revision", "NOTHING");
const PUT_TILE: &str = put!("OR FAIL ", "tile", "level_ix", "NOTHING");

const PUT_BLOCK: &str =
    "INSERT INTO block (first_seq, n, at_us, frontier, entries, payloads) VALUES ($1, $2, $3, $4, $5, $6)";
const PUT_FEED: &str = "INSERT OR FAIL INTO fseg (recipient, first_seq, n, seqs)
    SELECT value ->> 0, value ->> 1, value ->> 2, substr($2, value ->> 3, value ->> 4) FROM json_each($1)";
pub(super) const PUT_ABOUT: &str = "INSERT INTO about (key, first_seq, n, seqs)
    SELECT value ->> 0, value ->> 1, value ->> 2, substr($2, value ->> 3, value ->> 4) FROM json_each($1) WHERE true
    ON CONFLICT (key, first_seq) DO UPDATE SET n = excluded.n, seqs = excluded.seqs";

/// A third kind of connection, for looking and checkpointing: it never keeps the writer or a reader waiting.
pub(super) struct Extra {
    side: sqlx::Pool<Db>,
    /// True without a file: all connections are one then, and there is no write-ahead log.
    in_memory: bool,
    /// Pages of write-ahead log from which it is begun again at its start.
    wal_pages_turn: u64,
    /// Pages of write-ahead log above which readers are waited for.
    wal_pages_max: u64,
}

/// Bytes that a page takes in the write-ahead log: 4096, SQLite's default, and a frame's header.
const FRAME: u64 = 4096 + 24;

pub(crate) async fn open(url: &str, settings: &Settings) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(connect(url, settings).await?))
}

async fn connect(url: &str, settings: &Settings) -> Result<Backend> {
    let options = SqliteConnectOptions::from_str(url).map_err(|error| StoreError::Url(error.to_string()))?;
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    let options = options
        .create_if_missing(true)
        .busy_timeout(settings.busy_timeout)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
        // What is erased is overwritten: freed space holds zeros, not what stood there.
        .pragma("secure_delete", "ON");
    let pool = |options: &SqliteConnectOptions, connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(settings.busy_timeout)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone())
    };
    let (writer, reader, side) = if in_memory {
        let only = pool(&options, 1);
        (only.clone(), only.clone(), only)
    } else {
        restrict(options.get_filename())?;
        let options = options.journal_mode(SqliteJournalMode::Wal);
        // KiB, negative. Only the writer's cache outlives a commit; a reader's is emptied by it.
        let writer = options.clone().pragma("cache_size", "-12288");
        // A checkpoint that has to wait for readers gives up soon: the next call tries again.
        let side = options.clone().busy_timeout(Duration::from_millis(200));
        (pool(&writer, 1), pool(&options, settings.readers.max(1)), pool(&side, 1))
    };
    let mut conn = first_connection(&writer).await?;
    if !in_memory {
        check_durability(&mut conn).await?;
    }
    install(&mut conn, STEPS).await?;
    drop(conn);
    let wal_pages_max = settings.wal_bytes_max / FRAME;
    let extra = Extra { side, in_memory, wal_pages_turn: wal_pages_max / 8, wal_pages_max };
    // Nobody is at the other end who could go silent, and upkeep of a large file takes its time.
    Ok(Backend { writer, reader, extra, stopped: false.into(), patience: Duration::MAX })
}

/// Two processes that both turn a new file to WAL get in each other's way, and SQLite does not wait there.
async fn first_connection(pool: &sqlx::Pool<Db>) -> Result<sqlx::pool::PoolConnection<Db>> {
    let mut tries = 0;
    loop {
        match pool.acquire().await.map_err(sort) {
            Err(StoreError::Busy(_)) if tries < 20 => tries += 1,
            outcome => return outcome,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn check_durability(conn: &mut Conn) -> Result<()> {
    let journal: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *conn).await.map_err(sort)?;
    let synchronous: i64 =
        sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *conn).await.map_err(sort)?;
    durable(&journal, synchronous)
}

/// WAL lets readers go on beside the writer; FULL (2) or EXTRA (3) flushes at every commit.
fn durable(journal: &str, synchronous: i64) -> Result<()> {
    if journal != "wal" {
        return Err(StoreError::Unsafe { setting: "journal_mode", found: journal.to_owned(), needed: "wal" });
    }
    if !(2..=3).contains(&synchronous) {
        let found = synchronous.to_string();
        return Err(StoreError::Unsafe { setting: "synchronous", found, needed: "FULL (2) or EXTRA (3)" });
    }
    Ok(())
}

/// Creates the file for its owner alone and takes others' access away. SQLite gives its side files the same access.
#[cfg(unix)]
fn restrict(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let refused = |error: std::io::Error| {
        StoreError::Url(format!("the file can't be created or kept private: {error}"))
    };
    let file =
        std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(refused)?;
    let now = file.metadata().map_err(refused)?.permissions();
    if now.mode() & 0o077 == 0 {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(refused)
}

/// Elsewhere the folder's access rules are inherited.
#[cfg(not(unix))]
fn restrict(_: &std::path::Path) -> Result<()> {
    Ok(())
}

pub(super) fn bind_ints(numbers: impl Iterator<Item = i64>) -> String {
    let mut json = String::from("[");
    for number in numbers {
        let comma = if json.len() > 1 { "," } else { "" };
        let _ = write!(json, "{comma}{number}");
    }
    json + "]"
}

/// Runs a look-up; gives places among the keys with what was found there.
pub(super) async fn find<const N: usize>(
    pool: &sqlx::Pool<Db>,
    text: &'static str,
    keys: &[[u8; N]],
    count: i32,
) -> sqlx::Result<Vec<(i32, Vec<u8>)>> {
    sqlx::query_as(text).bind(keys.as_flattened()).bind(count).fetch_all(pool).await
}

/// Begins a transaction that writes.
///
/// SQLite ends a transaction by itself when the disk is full. sqlx doesn't learn of it, takes the connection's transaction
/// for open ever after, and begins no other: such a connection is given up for a new one.
pub(super) async fn begin(pool: &sqlx::Pool<Db>) -> sqlx::Result<sqlx::Transaction<'static, Db>> {
    match pool.begin_with(BEGIN).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            pool.acquire().await?.close().await?;
            pool.begin_with(BEGIN).await
        }
        begun => begun,
    }
}

/// The transaction of a commit. Dropped before its end it rolls back. Nobody is told: others look for themselves.
pub(super) async fn write(
    backend: &Backend,
    commit: &Commit<'_>,
    rows: &Rows<'_>,
) -> Result<(), CommitError> {
    let mut tx = begin(&backend.writer).await.map_err(sort)?;
    let ((at, block), more) = placed(commit)?;
    let first = bind_block(insert_block!(), at, commit.at_us, block).execute(&mut *tx).await.map_err(sort)?;
    if first.rows_affected() != 1 {
        return Err(not_inserted(&mut tx, commit).await);
    }
    for (at, block) in more {
        bind_block(PUT_BLOCK, at, commit.at_us, block).execute(&mut *tx).await.map_err(sort)?;
    }
    if put(&mut tx, PUT_NEW_ID, &rows.ids, ID).await.map_err(sort)? != rows.ids.len() as u64 {
        put(&mut tx, PUT_ID, &rows.ids, ID).await.map_err(sort)?;
    }
    put(&mut tx, PUT_SUPERSEDED, &rows.superseded, ID_REVISION).await.map_err(sort)?;
    put(&mut tx, PUT_TILE, &rows.tiles, LEVEL_INDEX).await.map_err(sort)?;
    put_segments(&mut tx, PUT_FEED, commit.first_seq, &rows.segments).await.map_err(sort)?;
    put_facts(&mut tx, &rows.set).await.map_err(sort)?;
    delete_facts(&mut tx, &rows.deleted).await.map_err(sort)?;
    tx.commit().await.map_err(|error| CommitError::of_commit(error, fault))
}

/// Puts rows; gives how many were put.
async fn put<const N: usize>(
    conn: &mut Conn,
    text: &'static str,
    rows: &[[u8; N]],
    key: usize,
) -> sqlx::Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let query = sqlx::query(text).bind(rows.as_flattened()).bind(rows.len() as i64);
    let put = query.bind(key as i64).bind((N - key) as i64).execute(conn).await?;
    Ok(put.rows_affected())
}

/// Byte strings end to end, and a directory of rows: numbers, then offset (from 1) and length of each string.
#[derive(Default)]
struct Packed {
    directory: String,
    bytes: Vec<u8>,
}

impl Packed {
    fn row(&mut self, numbers: &[u64], strings: &[&[u8]]) {
        if self.bytes.is_empty() {
            // SQLite takes a piece of an empty blob for NULL.
            self.bytes.push(0);
        }
        self.directory.push_str(if self.directory.is_empty() { "[[" } else { ",[" });
        for number in numbers {
            let _ = write!(self.directory, "{number},");
        }
        for string in strings {
            let _ = write!(self.directory, "{},{},", self.bytes.len() + 1, string.len());
            self.bytes.extend_from_slice(string);
        }
        self.directory.pop();
        self.directory.push(']');
    }

    /// Runs `text` with the directory as `$1` and the bytes as `$2`, unless there are no rows.
    async fn execute(mut self, conn: &mut Conn, text: &'static str) -> sqlx::Result<()> {
        if self.directory.is_empty() {
            return Ok(());
        }
        self.directory.push(']');
        sqlx::query(text).bind(self.directory).bind(self.bytes).execute(conn).await.map(drop)
    }
}

pub(super) async fn put_segments(
    conn: &mut Conn,
    text: &'static str,
    first_seq: u64,
    segments: &[Segment],
) -> sqlx::Result<()> {
    let mut packed = Packed::default();
    for segment in segments {
        packed.row(&[segment.key.cast_unsigned(), first_seq, segment.n.into()], &[&segment.seqs]);
    }
    packed.execute(conn, text).await
}

async fn put_facts(conn: &mut Conn, facts: &[&FactRow]) -> sqlx::Result<()> {
    let mut packed = Packed::default();
    for fact in facts {
        packed.row(&[fact.kind.into(), fact.seq], &[&fact.key, fact.value.as_deref().unwrap_or_default()]);
    }
    let text = "INSERT INTO fact (kind, seq, key, value)
        SELECT value ->> 0, value ->> 1, substr($2, value ->> 2, value ->> 3), substr($2, value ->> 4, value ->> 5)
          FROM json_each($1) WHERE true
        ON CONFLICT (kind, key) DO UPDATE SET seq = excluded.seq, value = excluded.value";
    packed.execute(conn, text).await
}

async fn delete_facts(conn: &mut Conn, facts: &[&FactRow]) -> sqlx::Result<()> {
    let mut packed = Packed::default();
    for fact in facts {
        packed.row(&[fact.kind.into()], &[&fact.key]);
    }
    let text = "DELETE FROM fact WHERE (kind, key) IN
        (SELECT value ->> 0, substr($2, value ->> 1, value ->> 2) FROM json_each($1))";
    packed.execute(conn, text).await
}

/// Returns when the log is longer than `known`. Looks at the file's change counter, which costs microseconds.
pub(super) async fn changed(backend: &Backend, known: u64) -> Result<()> {
    let mut seen = None;
    loop {
        let mut conn = backend.extra.side.acquire().await.map_err(sort)?;
        let version: i64 =
            sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *conn).await.map_err(sort)?;
        if seen.replace(version) != Some(version) && size(&mut conn).await? > known {
            return Ok(());
        }
        drop(conn);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Copies the write-ahead log into the file, most of it beside the writer.
///
/// Above a size the rest is copied between two commits, so that the next commit begins the log again at its start. A
/// log that is written over needs no new blocks of the file system, and flushing it does not wait for the file's.
/// Waiting for SQLite's lock instead would cost the writer far more: its busy handler sleeps in steps of milliseconds.
pub(super) async fn maintain(backend: &Backend) -> Result<()> {
    let mut side = backend.extra.side.acquire().await.map_err(sort)?;
    let mut pages = checkpoint(&mut side, "PRAGMA wal_checkpoint(PASSIVE)").await?.pages;
    if pages <= backend.extra.wal_pages_turn {
        return Ok(());
    }
    // What was written during the first round is little now.
    checkpoint(&mut side, "PRAGMA wal_checkpoint(PASSIVE)").await?;
    let mut writer = backend.writer.acquire().await.map_err(sort)?;
    pages = checkpoint(&mut writer, "PRAGMA wal_checkpoint(PASSIVE)").await?.pages;
    if pages > backend.extra.wal_pages_max {
        // A reader has held on to it for long. The writer has its turn for as long as the side connection waits.
        let ended = checkpoint(&mut side, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
        if ended.busy {
            tracing::debug!(pages, "write-ahead log is above its limit and a reader holds it");
        }
    }
    Ok(())
}

/// Copies the whole write-ahead log into the file and cuts it off: until then it still holds what was rewritten.
pub(super) async fn scrub(backend: &Backend) -> Result<bool> {
    if backend.extra.in_memory {
        return Ok(true);
    }
    let mut side = backend.extra.side.acquire().await.map_err(sort)?;
    // Most of it beside the writer; the writer has its turn for the rest, and doesn't run into SQLite's lock.
    checkpoint(&mut side, "PRAGMA wal_checkpoint(PASSIVE)").await?;
    let _turn = backend.writer.acquire().await.map_err(sort)?;
    Ok(!checkpoint(&mut side, "PRAGMA wal_checkpoint(TRUNCATE)").await?.busy)
}

struct Checkpointed {
    busy: bool,
    /// In the write-ahead log; 0 without one (memory).
    pages: u64,
}

async fn checkpoint(conn: &mut Conn, text: &'static str) -> Result<Checkpointed> {
    let (busy, pages, _): (i64, i64, i64) = sqlx::query_as(text).fetch_one(conn).await.map_err(sort)?;
    Ok(Checkpointed { busy: busy != 0, pages: u64::try_from(pages).unwrap_or(0) })
}

pub(super) async fn close(backend: &Backend) {
    backend.extra.side.close().await;
}

pub(super) fn sort(error: sqlx::Error) -> StoreError {
    StoreError::sort(error, fault)
}

/// The meaning of a result code: <https://www.sqlite.org/rescode.html>.
pub(super) fn fault(code: &str) -> Fault {
    let code: u32 = code.parse().unwrap_or(0);
    match (code & 0xff, code >> 8) {
        (5 | 6, _) => Fault::Busy,
        // Reading: IOERR_READ, IOERR_SHORT_READ, IOERR_CORRUPTFS.
        (10, 1 | 2 | 33) | (11 | 26, _) => Fault::Damaged,
        // IOERR_SHMSIZE: no room for the index of the write-ahead log, which holds nothing of its own.
        (10, 19) | (13, _) => Fault::Full,
        (10, _) => Fault::Flush,
        (14, _) => Fault::Away,
        _ => Fault::Other,
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;

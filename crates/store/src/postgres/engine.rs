//! What only PostgreSQL does: its pool, arrays as binds, and NOTIFY to wake the other nodes.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Connection, Row};
use tokio::sync::watch;

use super::body::{Backend, bind_block, insert_block, not_inserted, placed, silent, size};
use super::install::install;
use super::schema::STEPS;
use crate::codec::{ID, ID_REVISION, LEVEL_INDEX};
use crate::error::Fault;
use crate::prepare::{Rows, Segment};
use crate::types::FactRow;
use crate::{Commit, CommitError, NewBlock, Result, Settings, Store, StoreError};

pub(super) type Db = sqlx::Postgres;
pub(super) type Conn = sqlx::PgConnection;

pub(super) const NAME: &str = "postgresql";
pub(super) const BEGIN: &str = "BEGIN";
/// Two nodes that start together take turns. The number is this program's own.
pub(super) const LOCK_SCHEMA: &str = "SELECT pg_advisory_xact_lock(4885440229);
    CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)";
const CHANNEL: &str = "commonroll_log";
/// A connection that has been idle for longer is tried before it is used.
const TRUSTED: Duration = Duration::from_secs(1);

/// A list of integers bound as `$1`, as rows with the column `x`.
macro_rules! ints {
    () => {
        "SELECT UNNEST($1) AS x"
    };
}
pub(super) use ints;

/// The values of the keys in the array `$1`. A scalar subquery per key is an index look-up that no planner can make a
/// scan of; the width of the keys is of no interest here.
macro_rules! look_up {
    ($value:literal, $table:literal, $key:literal, $width:literal) => {
        concat!(
            "SELECT i, value FROM (SELECT (i - 1)::int AS i, (SELECT ",
            $value,
            " FROM ",
            $table,
            " WHERE ",
            $key,
            " = wanted.key) AS value FROM UNNEST($1) WITH ORDINALITY AS wanted (key, i)) AS found ",
            "WHERE value IS NOT NULL"
        )
    };
}
pub(super) use look_up;

/// Keys and values as arrays, if the first block was inserted.
macro_rules! put {
    ($keys:literal, $values:literal, $table:literal, $key:literal, $rest:literal) => {
        concat!(
            "(INSERT INTO ",
            $table,
            " SELECT pair.* FROM new, UNNEST(",
            $keys,
            "::BYTEA[], ",
            $values,
            "::BYTEA[]) AS pair ",
            "ON CONFLICT (",
            $key,
            ") DO ",
            $rest,
            ")"
        )
    };
}

/// A whole commit in one statement, which is a transaction of its own: one message to the server and one back, where
/// a transaction of single statements is a dozen. All else hangs on the row that the first block's insertion gives; without
/// one nothing is written and nobody is told.
const COMMIT: &str = concat!(
    "WITH new AS (",
    insert_block!(),
    " RETURNING first_seq),
    ids AS ",
    put!("$7", "$8", "recid", "id", "UPDATE SET val = excluded.val WHERE excluded.val > recid.val"),
    ",
    older AS ",
    put!("$9", "$10", "superseded", "id_revision", "NOTHING"),
    ",
    tiles AS ",
    put!("$11", "$12", "tile", "level_ix", "NOTHING"),
    ",
    feeds AS (INSERT INTO fseg (recipient, first_seq, n, seqs)
        SELECT recipient, new.first_seq, segment.n, seqs
          FROM new, UNNEST($13::BIGINT[], $14::BIGINT[], $15::BYTEA[]) AS segment (recipient, n, seqs)),
    facts AS (INSERT INTO fact (kind, seq, key, value)
        SELECT fact.* FROM new, UNNEST($16::BIGINT[], $17::BIGINT[], $18::BYTEA[], $19::BYTEA[]) AS fact
        ON CONFLICT (kind, key) DO UPDATE SET seq = excluded.seq, value = excluded.value),
    ended AS (DELETE FROM fact USING new, UNNEST($20::BIGINT[], $21::BYTEA[]) AS gone (kind, key)
        WHERE fact.kind = gone.kind AND fact.key = gone.key),
    more AS (INSERT INTO block (first_seq, n, at_us, frontier, entries, payloads)
        SELECT block.first_seq, block.n, $3, frontier, entries, payloads
          FROM new, UNNEST($24::BIGINT[], $25::BIGINT[], $26::BYTEA[], $27::BYTEA[], $28::BYTEA[])
                    AS block (first_seq, n, frontier, entries, payloads))
    SELECT pg_notify($22, $23) FROM new"
);

pub(super) const PUT_ABOUT: &str = "INSERT INTO about (key, first_seq, n, seqs)
    SELECT key, $2, n, seqs FROM UNNEST($1, $3, $4) AS new (key, n, seqs)
    ON CONFLICT (key, first_seq) DO UPDATE SET n = excluded.n, seqs = excluded.seqs";

/// The size of the log as last heard, and the task that listens.
pub(super) struct Extra {
    size: watch::Receiver<u64>,
    listener: tokio::task::AbortHandle,
}

impl Drop for Extra {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

pub(crate) async fn open(url: &str, settings: &Settings) -> Result<Arc<dyn Store>> {
    let options = PgConnectOptions::from_str(url).map_err(|error| StoreError::Url(error.to_string()))?;
    let options = options.application_name("commonroll");
    // The first connection by hand: a pool would try again and hide the reason.
    let mut conn = Conn::connect_with(&options).await.map_err(sort)?;
    check_durability(&mut conn).await?;
    install(&mut conn, STEPS).await?;
    conn.close().await.map_err(sort)?;
    // One for the writer, one for the listener.
    let connections = settings.readers.max(1) + 2;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        // Opening one takes longer than most of what it is wanted for.
        .min_connections(connections)
        // A connection is tried when it comes back. One that was used a moment ago need not be tried again.
        .test_before_acquire(false)
        .before_acquire(|conn, held| {
            Box::pin(async move {
                if held.idle_for > TRUSTED {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .acquire_timeout(settings.busy_timeout)
        .after_connect(|conn, _| Box::pin(async { check_durability(conn).await.map_err(as_sqlx) }))
        .connect_lazy_with(options);
    let (heard, size) = watch::channel(0);
    let listener = tokio::spawn(listen(pool.clone(), heard)).abort_handle();
    let extra = Extra { size, listener };
    Ok(Arc::new(Backend {
        writer: pool.clone(),
        reader: pool,
        extra,
        stopped: false.into(),
        patience: settings.patience,
    }))
}

/// On every connection: a role or a database can have settings of its own, and they can change.
async fn check_durability(conn: &mut Conn) -> Result<()> {
    let text = "SELECT current_setting('fsync'), current_setting('full_page_writes'),
                       current_setting('synchronous_commit')";
    let found = sqlx::query(text).fetch_one(conn).await.map_err(sort)?;
    let checks: [(&'static str, &[&str], &'static str); 3] = [
        ("fsync", &["on"], "on"),
        ("full_page_writes", &["on"], "on"),
        ("synchronous_commit", &["on", "remote_apply"], "on or remote_apply"),
    ];
    for (at, (setting, accepted, needed)) in checks.into_iter().enumerate() {
        let found: String = found.try_get(at).map_err(sort)?;
        if !accepted.contains(&found.as_str()) {
            return Err(StoreError::Unsafe { setting, found, needed });
        }
    }
    Ok(())
}

fn as_sqlx(error: StoreError) -> sqlx::Error {
    sqlx::Error::Configuration(Box::new(error))
}

pub(super) fn bind_ints(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    numbers.collect()
}

/// Runs a look-up; gives places among the keys with what was found there.
pub(super) async fn find<const N: usize>(
    pool: &sqlx::Pool<Db>,
    text: &'static str,
    keys: &[[u8; N]],
    _count: i32,
) -> sqlx::Result<Vec<(i32, Vec<u8>)>> {
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; N]>::as_slice).collect();
    sqlx::query_as(text).bind(keys).fetch_all(pool).await
}

/// Keys and values of rows, to bind.
fn pairs<const N: usize>(rows: &[[u8; N]], key: usize) -> (Vec<&[u8]>, Vec<&[u8]>) {
    rows.iter().map(|row| row.split_at(key)).unzip()
}

pub(super) async fn begin(pool: &sqlx::Pool<Db>) -> sqlx::Result<sqlx::Transaction<'static, Db>> {
    pool.begin_with(BEGIN).await
}

/// The transaction of a commit. All nodes are told at the moment it ends, not before.
pub(super) async fn write(
    backend: &Backend,
    commit: &Commit<'_>,
    rows: &Rows<'_>,
) -> Result<(), CommitError> {
    let (ids, older, tiles) =
        (pairs(&rows.ids, ID), pairs(&rows.superseded, ID_REVISION), pairs(&rows.tiles, LEVEL_INDEX));
    let kinds = |facts: &[&FactRow]| facts.iter().map(|fact| i64::from(fact.kind)).collect::<Vec<_>>();
    let ((at, block), more) = placed(commit)?;
    let (places, more): (Vec<_>, Vec<&NewBlock<'_>>) =
        more.into_iter().map(|(at, block)| (at as i64, block)).unzip();
    let mut conn = backend.writer.acquire().await.map_err(sort)?;
    let query = bind_block(COMMIT, at, commit.at_us, block)
        .bind(ids.0)
        .bind(ids.1)
        .bind(older.0)
        .bind(older.1)
        .bind(tiles.0)
        .bind(tiles.1)
        .bind(rows.segments.iter().map(|segment| segment.key).collect::<Vec<_>>())
        .bind(rows.segments.iter().map(|segment| i64::from(segment.n)).collect::<Vec<_>>())
        .bind(rows.segments.iter().map(|segment| segment.seqs.as_slice()).collect::<Vec<_>>())
        .bind(kinds(&rows.set))
        .bind(rows.set.iter().map(|fact| fact.seq as i64).collect::<Vec<_>>())
        .bind(rows.set.iter().map(|fact| fact.key.as_slice()).collect::<Vec<_>>())
        .bind(rows.set.iter().map(|fact| fact.value.as_deref().unwrap_or_default()).collect::<Vec<_>>())
        .bind(kinds(&rows.deleted))
        .bind(rows.deleted.iter().map(|fact| fact.key.as_slice()).collect::<Vec<_>>())
        .bind(CHANNEL)
        .bind(commit.end().to_string())
        .bind(places)
        .bind(more.iter().map(|block| i64::from(block.n)).collect::<Vec<_>>())
        .bind(more.iter().map(|block| block.frontier).collect::<Vec<_>>())
        .bind(more.iter().map(|block| block.entries).collect::<Vec<_>>())
        .bind(more.iter().map(|block| block.payloads).collect::<Vec<_>>());
    let written = tokio::time::timeout(backend.patience, query.fetch_optional(&mut *conn)).await;
    let written = written.unwrap_or_else(|_| {
        conn.close_on_drop();
        Err(silent())
    });
    match written.map_err(|error| CommitError::of_commit(error, fault))? {
        Some(_) => Ok(()),
        None => Err(not_inserted(&mut conn, commit).await),
    }
}

/// Runs `text` with keys as `$1`, the first number as `$2`, counts as `$3` and the segments as `$4`.
pub(super) async fn put_segments(
    conn: &mut Conn,
    text: &'static str,
    first_seq: u64,
    segments: &[Segment],
) -> sqlx::Result<()> {
    if segments.is_empty() {
        return Ok(());
    }
    sqlx::query(text)
        .bind(segments.iter().map(|segment| segment.key).collect::<Vec<_>>())
        .bind(first_seq as i64)
        .bind(segments.iter().map(|segment| i64::from(segment.n)).collect::<Vec<_>>())
        .bind(segments.iter().map(|segment| segment.seqs.as_slice()).collect::<Vec<_>>())
        .execute(conn)
        .await
        .map(drop)
}

/// Returns when the log is longer than `known`.
pub(super) async fn changed(backend: &Backend, known: u64) -> Result<()> {
    let mut size = backend.extra.size.clone();
    let longer = size.wait_for(|&size| size > known).await.map(drop);
    // The listener ends only with the store.
    longer.map_err(|_| StoreError::Unavailable(sqlx::Error::PoolClosed))
}

/// Listens until the store is closed, and looks after each lost connection: what was told meanwhile is not repeated.
async fn listen(pool: sqlx::Pool<Db>, heard: watch::Sender<u64>) {
    while !pool.is_closed() {
        if let Err(error) = listen_once(&pool, &heard).await {
            tracing::warn!(%error, "not told of other nodes' commits just now");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn listen_once(pool: &sqlx::Pool<Db>, heard: &watch::Sender<u64>) -> Result<()> {
    let mut listener = PgListener::connect_with(pool).await.map_err(sort)?;
    listener.listen(CHANNEL).await.map_err(sort)?;
    raise(heard, size(&mut *pool.acquire().await.map_err(sort)?).await?);
    while let Some(told) = listener.try_recv().await.map_err(sort)? {
        raise(heard, told.payload().parse().unwrap_or(0));
    }
    Ok(())
}

fn raise(heard: &watch::Sender<u64>, size: u64) {
    heard.send_if_modified(|known| size > std::mem::replace(known, size.max(*known)));
}

/// Autovacuum does what is needed.
pub(super) async fn maintain(_: &Backend) -> Result<()> {
    Ok(())
}

/// Older row versions go by vacuum.
pub(super) async fn scrub(_: &Backend) -> Result<bool> {
    Ok(true)
}

pub(super) async fn close(backend: &Backend) {
    backend.extra.listener.abort();
}

pub(super) fn sort(error: sqlx::Error) -> StoreError {
    StoreError::sort(error, fault)
}

/// The meaning of an SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(super) fn fault(code: &str) -> Fault {
    match code {
        "53100" => Fault::Full,
        "58030" => Fault::Flush,
        "XX001" | "XX002" => Fault::Damaged,
        "40001" | "40P01" | "55P03" => Fault::Busy,
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => Fault::Away,
        _ => Fault::Other,
    }
}

//! Every statement that both engines understand, written once. Compiled once per engine, with that engine's types.
//!
//! What differs is in `engine.rs` of each: how many rows are written at once, durability checks, wake-ups, upkeep.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::engine::{self, Conn, Db, Extra, ints, sort};
use crate::codec::{ID, ID_REVISION, LEVEL_INDEX, decode_segment, id_revision, level_index, parse_id_row};
use crate::prepare::{Segment, about, rows};
use crate::{
    AboutRow, Block, BlockHead, Commit, CommitError, FactRow, IdRow, NewBlock, Result, SessionRow, Store,
    StoreError,
};

/// An open database of this engine.
pub(super) struct Backend {
    pub writer: sqlx::Pool<Db>,
    pub reader: sqlx::Pool<Db>,
    pub extra: Extra,
    /// Set by a failed flush: what the disk holds is in doubt from then on.
    pub stopped: AtomicBool,
    /// How long an answer is waited for.
    pub patience: Duration,
}

/// The key of the row that says how far the index has come.
const REACHED: i64 = -1;

type BlockColumns = (i64, i64, i64, Vec<u8>, Vec<u8>, Option<Vec<u8>>);

#[async_trait::async_trait]
impl Store for Backend {
    fn engine(&self) -> &'static str {
        engine::NAME
    }

    async fn head(&self) -> Result<Option<BlockHead>> {
        let row: Option<(i64, i64, i64, Vec<u8>)> = self
            .read(
                sqlx::query_as(
                    "SELECT first_seq, n, at_us, frontier FROM block ORDER BY first_seq DESC LIMIT 1",
                )
                .fetch_optional(&self.reader),
            )
            .await?;
        row.map(|(first_seq, n, at_us, frontier)| {
            Ok(BlockHead { first_seq: number(first_seq)?, n: number(n)?, at_us, frontier })
        })
        .transpose()
    }

    async fn commit(&self, commit: &Commit<'_>) -> Result<(), CommitError> {
        let rows = rows(commit)?;
        let write = async {
            match engine::write(self, commit, &rows).await {
                Err(CommitError::Store(error)) => Err(error),
                outcome => Ok(outcome),
            }
        };
        self.unless_stopped(write).await?
    }

    async fn blocks(&self, from_seq: u64, max_blocks: u32, payloads: bool) -> Result<Vec<Block>> {
        let rows: Vec<BlockColumns> = self
            .read(
                sqlx::query_as(
                    "SELECT first_seq, n, at_us, frontier, entries, CASE WHEN $3 THEN payloads END FROM block
              WHERE first_seq >= COALESCE((SELECT MAX(first_seq) FROM block WHERE first_seq <= $1), 0)
              ORDER BY first_seq LIMIT $2",
                )
                .bind(sql(from_seq))
                .bind(i64::from(max_blocks))
                .bind(payloads)
                .fetch_all(&self.reader),
            )
            .await?;
        let mut blocks = rows.into_iter().map(block).collect::<Result<Vec<_>>>()?;
        blocks.retain(|block| block.end() > from_seq);
        Ok(blocks)
    }

    async fn entries(&self, from_seq: u64, to_seq: u64) -> Result<Vec<(u64, Vec<u8>)>> {
        let rows: Vec<(i64, i64, Vec<u8>)> = self.read(sqlx::query_as(
            "SELECT first_seq, n, entries FROM block
              WHERE first_seq >= COALESCE((SELECT MAX(first_seq) FROM block WHERE first_seq <= $1), 0) AND first_seq < $2
              ORDER BY first_seq",
        )
        .bind(sql(from_seq))
        .bind(sql(to_seq))
        .fetch_all(&self.reader)).await?;
        let mut found = Vec::with_capacity(rows.len());
        for (first_seq, n, entries) in rows {
            let first_seq: u64 = number(first_seq)?;
            // A number beyond the end led to the last block.
            if first_seq + number::<u64>(n)? > from_seq {
                found.push((first_seq, entries));
            }
        }
        Ok(found)
    }

    async fn block_of(&self, seqs: &[u64], payloads: bool) -> Result<Vec<Block>> {
        if seqs.is_empty() {
            return Ok(Vec::new());
        }
        let mut wanted = seqs.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let rows: Vec<BlockColumns> = self
            .read(
                sqlx::query_as(concat!(
                    "SELECT first_seq, n, at_us, frontier, entries, CASE WHEN $2 THEN payloads END FROM block
              WHERE first_seq IN (
                SELECT (SELECT MAX(b.first_seq) FROM block b WHERE b.first_seq <= wanted.x) FROM (",
                    ints!(),
                    ") AS wanted) ORDER BY first_seq"
                ))
                .bind(engine::bind_ints(wanted.iter().map(|&seq| sql(seq))))
                .bind(payloads)
                .fetch_all(&self.reader),
            )
            .await?;
        let mut blocks = rows.into_iter().map(block).collect::<Result<Vec<_>>>()?;
        // A number beyond the end led to the last block.
        blocks.retain(|block| {
            let at = wanted.partition_point(|&seq| seq < block.first_seq);
            wanted.get(at).is_some_and(|&seq| seq < block.end())
        });
        Ok(blocks)
    }

    async fn newest(&self, ids: &[[u8; 16]]) -> Result<Vec<Option<IdRow>>> {
        const TEXT: &str = engine::look_up!("val", "recid", "id", "16");
        self.look_up(TEXT, ids, |key: &[u8; ID], value| parse_id_row(key, value)).await
    }

    async fn ids_between(
        &self,
        source: u16,
        (first, last): ([u8; 16], [u8; 16]),
        limit: u32,
    ) -> Result<Vec<IdRow>> {
        // Behind revision and place in the log stands the source, in two bytes.
        let rows: Vec<(Vec<u8>, Vec<u8>)> = self
            .read(
                sqlx::query_as(
                    "SELECT id, val FROM recid WHERE id >= $1 AND id <= $2 AND substr(val, 13, 2) = $3
              ORDER BY id LIMIT $4",
                )
                .bind(first.to_vec())
                .bind(last.to_vec())
                .bind(source.to_be_bytes().to_vec())
                .bind(i64::from(limit))
                .fetch_all(&self.reader),
            )
            .await?;
        let parsed = rows.iter().map(|(id, value)| {
            parse_id_row(id, value).ok_or_else(|| damaged("a record id's row has not its length"))
        });
        parsed.collect()
    }

    async fn superseded(&self, keys: &[([u8; 16], u32)]) -> Result<Vec<Option<IdRow>>> {
        const TEXT: &str = engine::look_up!("val", "superseded", "id_revision", "20");
        let keys: Vec<_> = keys.iter().map(id_revision).collect();
        self.look_up(TEXT, &keys, |key: &[u8; ID_REVISION], value| parse_id_row(key, value)).await
    }

    async fn feed(&self, recipient: u32, from_seq: u64, limit: u32) -> Result<Vec<u64>> {
        let (limit, mut seqs, mut from) = (limit as usize, Vec::new(), from_seq);
        // How many segments make up a page is not known before: a segment holds one entry or a thousand.
        let mut segments = 16;
        while seqs.len() < limit {
            let page: Vec<(i64, i64, Vec<u8>)> = self
                .read(
                    sqlx::query_as(
                        "SELECT first_seq, n, seqs FROM fseg WHERE recipient = $1 AND first_seq >= COALESCE(
                    (SELECT MAX(first_seq) FROM fseg WHERE recipient = $1 AND first_seq <= $2), 0)
                  ORDER BY first_seq LIMIT $3",
                    )
                    .bind(i64::from(recipient))
                    .bind(sql(from))
                    .bind(segments as i64)
                    .fetch_all(&self.reader),
                )
                .await?;
            let more = page.len() == segments;
            for (first_seq, n, bytes) in page {
                let segment = decode_segment(number(first_seq)?, number(n)?, &bytes)
                    .ok_or_else(|| damaged("a feed segment does not hold its count"))?;
                seqs.extend(segment.into_iter().filter(|&seq| seq >= from));
            }
            match seqs.last() {
                Some(&last) if more => (from, segments) = (last + 1, (segments * 2).min(512)),
                _ => break,
            }
        }
        seqs.truncate(limit);
        Ok(seqs)
    }

    async fn facts(&self, kinds: &[u8]) -> Result<Vec<FactRow>> {
        let rows: Vec<(i64, Vec<u8>, i64, Vec<u8>)> = self
            .read(
                sqlx::query_as(concat!(
                    "SELECT kind, key, seq, value FROM fact WHERE kind IN (SELECT x FROM (",
                    ints!(),
                    ") AS wanted) ORDER BY seq, kind, key"
                ))
                .bind(engine::bind_ints(kinds.iter().map(|&kind| i64::from(kind))))
                .fetch_all(&self.reader),
            )
            .await?;
        rows.into_iter()
            .map(|(kind, key, seq, value)| {
                Ok(FactRow { kind: number(kind)?, key, seq: number(seq)?, value: Some(value) })
            })
            .collect()
    }

    async fn tiles(&self, keys: &[(u8, u64)]) -> Result<Vec<Option<[u8; 32]>>> {
        const TEXT: &str = engine::look_up!("hash", "tile", "level_ix", "9");
        let keys: Vec<_> = keys.iter().map(|&(level, index)| level_index(level, index)).collect();
        self.look_up(TEXT, &keys, |_: &[u8; LEVEL_INDEX], value| value.try_into().ok()).await
    }

    async fn indexed(&self) -> Result<u64> {
        let reached: Option<i64> = self
            .read(
                sqlx::query_scalar("SELECT n FROM about WHERE key = $1 AND first_seq = 0")
                    .bind(REACHED)
                    .fetch_optional(&self.reader),
            )
            .await?;
        number(reached.unwrap_or(0))
    }

    async fn index(&self, from: u64, to: u64, rows: &[AboutRow]) -> Result<bool> {
        let segments = about(from, to, rows)?;
        self.change(self.take_on(from, to, &segments)).await
    }

    async fn about(&self, keys: &[u64]) -> Result<(u64, Vec<Vec<u64>>)> {
        let rows: Vec<(i64, i64, i64, Vec<u8>)> = self
            .read(
                sqlx::query_as(concat!(
                    "SELECT key, first_seq, n, seqs FROM about WHERE key IN (SELECT x FROM (",
                    ints!(),
                    ") AS wanted) ORDER BY key, first_seq"
                ))
                .bind(engine::bind_ints(std::iter::once(REACHED).chain(keys.iter().map(|&key| sql(key)))))
                .fetch_all(&self.reader),
            )
            .await?;
        let (mut reached, mut found) = (0, vec![Vec::new(); keys.len()]);
        for (key, first_seq, n, bytes) in rows {
            if key == REACHED {
                reached = number(n)?;
                continue;
            }
            let segment = decode_segment(number(first_seq)?, number(n)?, &bytes)
                .ok_or_else(|| damaged("a row of the index does not hold its count"))?;
            let asked = keys.iter().zip(&mut found).filter(|(asked, _)| sql(**asked) == key);
            asked.for_each(|(_, seqs)| seqs.extend_from_slice(&segment));
        }
        for seqs in &mut found {
            // A node that was at work while the index was dropped may leave a stretch that is then cut another way.
            seqs.sort_unstable();
            seqs.dedup();
            seqs.truncate(seqs.partition_point(|&seq| seq < reached));
        }
        Ok((reached, found))
    }

    async fn drop_index(&self) -> Result<()> {
        let dropping = async { sqlx::query("DELETE FROM about").execute(&self.writer).await.map_err(sort) };
        self.change(dropping).await.map(drop)
    }

    async fn put_session(&self, row: &SessionRow) -> Result<()> {
        let put = async {
            sqlx::query(
                "INSERT INTO session (id, opened_us, seen_us, value) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (id) DO UPDATE SET
                   opened_us = excluded.opened_us, seen_us = excluded.seen_us, value = excluded.value",
            )
            .bind(row.id.as_slice())
            .bind(row.opened_us)
            .bind(row.seen_us)
            .bind(row.value.as_slice())
            .execute(&self.writer)
            .await
            .map_err(sort)
        };
        self.change(put).await.map(drop)
    }

    async fn session(&self, id: &[u8; 32]) -> Result<Option<SessionRow>> {
        let row: Option<(i64, i64, Vec<u8>)> = self
            .read(
                sqlx::query_as("SELECT opened_us, seen_us, value FROM session WHERE id = $1")
                    .bind(id.as_slice())
                    .fetch_optional(&self.reader),
            )
            .await?;
        Ok(row.map(|(opened_us, seen_us, value)| SessionRow { id: *id, opened_us, seen_us, value }))
    }

    async fn touch_session(&self, id: &[u8; 32], seen_us: i64) -> Result<()> {
        let touch = async {
            sqlx::query("UPDATE session SET seen_us = $2 WHERE id = $1 AND seen_us < $2")
                .bind(id.as_slice())
                .bind(seen_us)
                .execute(&self.writer)
                .await
                .map_err(sort)
        };
        self.change(touch).await.map(drop)
    }

    async fn drop_session(&self, id: &[u8; 32]) -> Result<bool> {
        let gone = async {
            let gone = sqlx::query("DELETE FROM session WHERE id = $1").bind(id.as_slice());
            gone.execute(&self.writer).await.map_err(sort)
        };
        Ok(self.change(gone).await?.rows_affected() == 1)
    }

    async fn drop_sessions(&self, seen_before_us: i64, opened_before_us: i64) -> Result<u64> {
        let gone = async {
            sqlx::query("DELETE FROM session WHERE seen_us < $1 OR opened_us < $2")
                .bind(seen_before_us)
                .bind(opened_before_us)
                .execute(&self.writer)
                .await
                .map_err(sort)
        };
        Ok(self.change(gone).await?.rows_affected())
    }

    async fn rewrite(&self, first_seq: u64, before: &[u8], after: &[u8]) -> Result<bool> {
        let write = async {
            sqlx::query("UPDATE block SET payloads = $2 WHERE first_seq = $1 AND payloads = $3")
                .bind(sql(first_seq))
                .bind(after)
                .bind(before)
                .execute(&self.writer)
                .await
                .map_err(sort)
        };
        Ok(self.change(write).await?.rows_affected() == 1)
    }

    async fn scrub(&self) -> Result<bool> {
        self.change(engine::scrub(self)).await
    }

    async fn wait_for_change(&self, known_size: u64, at_most: Duration) -> Result<()> {
        // Running out of time is a normal end: the caller looks for itself then.
        tokio::time::timeout(at_most, engine::changed(self, known_size)).await.unwrap_or(Ok(()))
    }

    async fn maintain(&self) -> Result<()> {
        self.change(engine::maintain(self)).await
    }

    async fn close(&self) {
        engine::close(self).await;
        self.reader.close().await;
        self.writer.close().await;
    }
}

impl Backend {
    /// Does what writes, unless a flush has failed; once one has, nothing is written any more.
    async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(StoreError::Flush("an earlier flush failed".to_owned()));
        }
        let outcome = work.await;
        if let Err(StoreError::Flush(_)) = outcome {
            self.stopped.store(true, Ordering::Release);
        }
        outcome
    }

    /// The same for what isn't a commit, for as long as an answer is waited for. A commit has a limit of its own, at which it
    /// says that its outcome is not known.
    async fn change<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let limited = tokio::time::timeout(self.patience, work);
        self.unless_stopped(async { limited.await.unwrap_or_else(|_| Err(sort(silent()))) }).await
    }

    /// Reads, for as long as an answer is waited for.
    async fn read<T>(&self, reading: impl Future<Output = sqlx::Result<T>> + Send) -> Result<T> {
        tokio::time::timeout(self.patience, reading).await.unwrap_or_else(|_| Err(silent())).map_err(sort)
    }

    /// The transaction of a step of the index. `false`: another node was faster.
    async fn take_on(&self, from: u64, to: u64, segments: &[Segment]) -> Result<bool> {
        let mut tx = engine::begin(&self.writer).await.map_err(sort)?;
        // The row of how far it has come is the guard: of two nodes one changes it, the other finds it changed.
        let moved = sqlx::query(
            "INSERT INTO about (key, first_seq, n, seqs)
             SELECT $1, 0, $3, $4
              WHERE $2 = COALESCE((SELECT n FROM about WHERE key = $1 AND first_seq = 0), 0)
             ON CONFLICT (key, first_seq) DO UPDATE SET n = excluded.n WHERE about.n = $2",
        )
        .bind(REACHED)
        .bind(sql(from))
        .bind(sql(to))
        .bind(Vec::<u8>::new())
        .execute(&mut *tx)
        .await
        .map_err(sort)?;
        if moved.rows_affected() != 1 {
            return Ok(false);
        }
        engine::put_segments(&mut tx, engine::PUT_ABOUT, from, segments).await.map_err(sort)?;
        tx.commit().await.map_err(sort)?;
        Ok(true)
    }

    /// Looks all `keys` up at once; the answers are in their order.
    async fn look_up<T: Clone, const N: usize>(
        &self,
        text: &'static str,
        keys: &[[u8; N]],
        parse: impl Fn(&[u8; N], &[u8]) -> Option<T>,
    ) -> Result<Vec<Option<T>>> {
        let mut answers = vec![None; keys.len()];
        if keys.is_empty() {
            return Ok(answers);
        }
        let count = i32::try_from(keys.len()).map_err(|_| StoreError::Misuse("too many keys at once"))?;
        let found = self.read(engine::find(&self.reader, text, keys, count)).await?;
        for (at, value) in found {
            let (key, answer) = keys.get(at as usize).zip(answers.get_mut(at as usize)).ok_or_else(index)?;
            *answer = Some(parse(key, &value).ok_or_else(index)?);
        }
        Ok(answers)
    }
}

/// A server that has gone silent: its connections look alive until TCP gives them up, a quarter of an hour later.
pub(super) fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database does not answer"))
}

/// Inserts a commit's first block, only at the end of the log: no row if somebody else was faster, or the caller is ahead.
macro_rules! insert_block {
    () => {
        "INSERT INTO block (first_seq, n, at_us, frontier, entries, payloads)
         SELECT $1, $2, $3, $4, $5, $6
          WHERE $1 = COALESCE((SELECT first_seq + n FROM block ORDER BY first_seq DESC LIMIT 1), 0)
         ON CONFLICT (first_seq) DO NOTHING"
    };
}
pub(super) use insert_block;

/// A block's binds, `$1` to `$6`. Others may follow.
pub(super) fn bind_block<'a>(
    text: &'static str,
    first_seq: u64,
    at_us: i64,
    block: &NewBlock<'a>,
) -> sqlx::query::Query<'a, Db, <Db as sqlx::Database>::Arguments> {
    sqlx::query(text)
        .bind(sql(first_seq))
        .bind(i64::from(block.n))
        .bind(at_us)
        .bind(block.frontier)
        .bind(block.entries)
        .bind(block.payloads)
}

/// A block, and the number of its first entry.
type Placed<'a> = (u64, &'a NewBlock<'a>);

/// A commit's first block, and the others.
pub(super) fn placed<'a>(commit: &Commit<'a>) -> Result<(Placed<'a>, Vec<Placed<'a>>)> {
    let mut next = commit.first_seq;
    let mut blocks = commit.blocks.iter().map(|block| {
        let first = next;
        next += u64::from(block.n);
        (first, block)
    });
    let first = blocks.next().ok_or(StoreError::Misuse("a commit needs at least one block"))?;
    Ok((first, blocks.collect()))
}

/// Why no block was inserted.
pub(super) async fn not_inserted(conn: &mut Conn, commit: &Commit<'_>) -> CommitError {
    let got = commit.first_seq;
    match size(conn).await {
        Ok(end) if got > end => StoreError::Gap { end, got }.into(),
        Ok(_) => CommitError::Lost,
        Err(error) => error.into(),
    }
}

/// Entries in the log.
pub(super) async fn size(conn: &mut Conn) -> Result<u64> {
    let end: Option<i64> =
        sqlx::query_scalar("SELECT first_seq + n FROM block ORDER BY first_seq DESC LIMIT 1")
            .fetch_optional(conn)
            .await
            .map_err(sort)?;
    number(end.unwrap_or(0))
}

fn block((first_seq, n, at_us, frontier, entries, payloads): BlockColumns) -> Result<Block> {
    Ok(Block { first_seq: number(first_seq)?, n: number(n)?, at_us, frontier, entries, payloads })
}

/// A number above SQL's range asks for what can't exist, just as the highest number does.
fn sql(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn number<T: TryFrom<i64>>(value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| damaged("a number is out of its range"))
}

fn index() -> StoreError {
    damaged("an index row has the wrong length")
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

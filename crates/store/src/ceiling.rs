//! The bare engine, for comparison: the same durability on the same disk with nothing of ours around it.
//!
//! What anybody would write first: one table with a unique id and a feed index, 1,000 rows a statement, each statement
//! its own durable transaction. The product never calls this; `commonroll bench` measures itself against it.

use crate::{Result, StoreError};
use sqlx::{ConnectOptions, Connection, PgConnection, QueryBuilder, SqliteConnection};
use std::{
    str::FromStr,
    time::{Duration, Instant},
};

/// Rows of one statement.
const ROWS: u64 = 1_000;
const INSERT: &str = "INSERT INTO ceiling (id, recipient, seq, body) ";
const CONFLICT: &str = " ON CONFLICT (id) DO NOTHING";

/// Appends `rows` rows of `body` bytes and gives the time that the statements took. `id` makes a row's id from its
/// number. For SQLite the URL names a file that may be made; on PostgreSQL the table is dropped first and last.
///
/// # Errors
/// When the engine fails.
pub async fn raw_append(url: &str, rows: u64, body: usize, id: fn(u64) -> [u8; 16]) -> Result<Duration> {
    match url.starts_with("postgres") {
        true => postgres(url, rows, body, id).await,
        false => sqlite(url, rows, body, id).await,
    }
    .map_err(StoreError::Other)
}

async fn sqlite(url: &str, rows: u64, body: usize, id: fn(u64) -> [u8; 16]) -> sqlx::Result<Duration> {
    let options = sqlx::sqlite::SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut connection: SqliteConnection = options.connect().await?;
    let table = "CREATE TABLE ceiling (id BLOB NOT NULL UNIQUE, recipient INTEGER NOT NULL, seq BIGINT NOT NULL, body BLOB NOT NULL)";
    sqlx::query(table).execute(&mut connection).await?;
    sqlx::query("CREATE INDEX ceiling_feed ON ceiling (recipient, seq)").execute(&mut connection).await?;
    let body = vec![b'x'; body];
    let begun = Instant::now();
    for first in (0..rows).step_by(ROWS as usize) {
        let mut statement = QueryBuilder::<sqlx::Sqlite>::new(INSERT);
        statement.push_values(first..(first + ROWS).min(rows), |mut row, number| {
            row.push_bind(id(number).to_vec())
                .push_bind((number % 8) as i64)
                .push_bind(number as i64)
                .push_bind(&body);
        });
        statement.push(CONFLICT).build().execute(&mut connection).await?;
    }
    let took = begun.elapsed();
    connection.close().await?;
    Ok(took)
}

async fn postgres(url: &str, rows: u64, body: usize, id: fn(u64) -> [u8; 16]) -> sqlx::Result<Duration> {
    let mut connection: PgConnection = sqlx::postgres::PgConnectOptions::from_str(url)?.connect().await?;
    let table = "CREATE TABLE ceiling (id BYTEA NOT NULL UNIQUE, recipient BIGINT NOT NULL, seq BIGINT NOT NULL, body BYTEA NOT NULL)";
    sqlx::query("DROP TABLE IF EXISTS ceiling").execute(&mut connection).await?;
    sqlx::query(table).execute(&mut connection).await?;
    sqlx::query("CREATE INDEX ceiling_feed ON ceiling (recipient, seq)").execute(&mut connection).await?;
    let body = vec![b'x'; body];
    let begun = Instant::now();
    for first in (0..rows).step_by(ROWS as usize) {
        let mut statement = QueryBuilder::<sqlx::Postgres>::new(INSERT);
        statement.push_values(first..(first + ROWS).min(rows), |mut row, number| {
            row.push_bind(id(number).to_vec())
                .push_bind((number % 8) as i64)
                .push_bind(number as i64)
                .push_bind(&body);
        });
        statement.push(CONFLICT).build().execute(&mut connection).await?;
    }
    let took = begun.elapsed();
    sqlx::query("DROP TABLE ceiling").execute(&mut connection).await?;
    connection.close().await?;
    Ok(took)
}

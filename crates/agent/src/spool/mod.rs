//! The spool: what the agent must not forget, in an SQLite file of its own.
//!
//! A file per noun; no SQL outside this folder. Every change that must hold together is one transaction, and what was
//! committed survives a power cut (WAL, synchronous=FULL, read back at opening).

pub mod applying;
pub mod asides;
mod by_hand;
pub mod decided;
pub mod declared;
pub mod exports;
pub mod feed;
pub(crate) mod overtaken;
pub mod queue;
pub mod recalls;
pub mod sent;
pub mod sight;
pub(crate) mod stretches;
pub(crate) mod untaken;

use crate::error::AgentError;
use sqlx::{
    AssertSqlSafe, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// A transaction on the spool.
pub type Tx = Transaction<'static, Sqlite>;

/// Rows that one statement names at most. SQLite takes 32,766 parameters.
pub(crate) const ROWS: usize = 1_000;

/// The agent's memory.
#[derive(Debug, Clone)]
pub struct Spool {
    pool: SqlitePool,
    woken: Arc<Notify>,
}

impl Spool {
    /// Opens a spool's file, or makes it.
    ///
    /// # Errors
    /// When the file can't be opened, or the engine does not flush what it commits.
    pub async fn open(file: &Path) -> Result<Self, AgentError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(60))
            .pragma("cache_size", "-4000");
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let spool = Self::prepare(pool).await?;
        spool.check_durability().await?;
        only_for_owner(file)?;
        Ok(spool)
    }

    /// A spool that lives as long as this value, in memory: for simulations and tests.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn in_memory() -> Result<Self, AgentError> {
        Self::of_one(SqliteConnectOptions::new().in_memory(true)).await
    }

    /// A spool that lives as long as this value, in a file without a name: for looking at an export of any size without a data
    /// folder.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn nameless() -> Result<Self, AgentError> {
        Self::of_one(SqliteConnectOptions::new().filename("").pragma("cache_size", "-4000")).await
    }

    async fn of_one(options: SqliteConnectOptions) -> Result<Self, AgentError> {
        let one = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        Self::prepare(one.connect_with(options).await?).await
    }

    async fn prepare(pool: SqlitePool) -> Result<Self, AgentError> {
        sqlx::raw_sql(include_str!("schema.sql")).execute(&pool).await?;
        Ok(Self { pool, woken: Arc::new(Notify::new()) })
    }

    async fn check_durability(&self) -> Result<(), AgentError> {
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&self.pool).await?;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&self.pool).await?;
        if journal == "wal" && synchronous == 2 {
            Ok(())
        } else {
            Err(AgentError::Damaged("durability settings"))
        }
    }

    /// Closes the file, after what is under way.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// True if the file's pages fit together.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn is_sound(&self) -> Result<bool, AgentError> {
        let said: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&self.pool).await?;
        Ok(said == "ok")
    }

    /// Begins a change. Nothing of it stands before `commit`.
    ///
    /// # Errors
    /// When another change did not end within a minute, or the disk fails.
    pub async fn begin(&self) -> Result<Tx, AgentError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Waits until something new waits for the hub.
    pub async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Tells whoever waits in [`Spool::woken`].
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// A named value.
    pub(crate) async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, AgentError> {
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?)
    }

    /// A named number; 0 if it was never set.
    pub(crate) async fn number(&self, name: &'static str) -> Result<u64, AgentError> {
        match self.meta(name).await? {
            None => Ok(0),
            Some(bytes) => Ok(u64::from_be_bytes(bytes.try_into().map_err(|_| AgentError::Damaged(name))?)),
        }
    }

    /// Sets a named value.
    pub(crate) async fn set(&self, name: &str, value: &[u8]) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        set(&mut tx, name, value).await?;
        Ok(tx.commit().await?)
    }
}

/// Sets a named value inside a change.
pub(crate) async fn set(tx: &mut Tx, name: &str, value: &[u8]) -> Result<(), AgentError> {
    sqlx::query("INSERT INTO meta(name, value) VALUES ($1, $2) ON CONFLICT(name) DO UPDATE SET value = $2")
        .bind(name)
        .bind(value)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A statement of ours with as many rows of `$n` places as are asked for. Holds no values.
pub(crate) fn rows(head: &str, columns: usize, rows: usize, tail: &str) -> AssertSqlSafe<String> {
    let one = format!("({})", vec!["?"; columns].join(","));
    AssertSqlSafe(format!("{head}{}{tail}", vec![one.as_str(); rows].join(",")))
}

/// A statement of ours with a list of places: `.. IN (?,?,?) ..`. Holds no values.
pub(crate) fn list(head: &str, places: usize, tail: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("{head}({}){tail}", vec!["?"; places].join(",")))
}

fn only_for_owner(file: &Path) -> Result<(), AgentError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let doing = format!("setting the rights of {}", file.display());
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
            .map_err(AgentError::io(doing))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

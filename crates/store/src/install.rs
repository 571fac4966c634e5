//! Sets up and upgrades the tables. Compiled once per engine.
//!
//! All pending steps run in one transaction with the version row: a step that fails leaves the database as it was.
//! A database that is newer than this program is refused, never touched.

use sqlx::{AssertSqlSafe, Connection};

use super::engine::{self, Conn};
use crate::{Result, StoreError};

/// Brings the tables to the newest version. `steps[0]` leads from an empty database to version 1, and so on.
pub(super) async fn install(conn: &mut Conn, steps: &[&'static str]) -> Result<()> {
    let known = steps.len() as i64;
    let mut tx = conn.begin_with(engine::BEGIN).await.map_err(engine::sort)?;
    sqlx::raw_sql(engine::LOCK_SCHEMA).execute(&mut *tx).await.map_err(engine::sort)?;
    let found: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM schema_version")
        .fetch_one(&mut *tx)
        .await
        .map_err(engine::sort)?;
    let found = found.unwrap_or(0);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    if found == known {
        return tx.commit().await.map_err(engine::sort);
    }
    for step in steps.iter().skip(found as usize) {
        sqlx::raw_sql(*step).execute(&mut *tx).await.map_err(engine::sort)?;
    }
    let row = format!("DELETE FROM schema_version; INSERT INTO schema_version (version) VALUES ({known})");
    sqlx::raw_sql(AssertSqlSafe(row)).execute(&mut *tx).await.map_err(engine::sort)?;
    tx.commit().await.map_err(engine::sort)
}

//! What people must see: problems of exports, alarms, and what the MIS said of what was written back.

use super::{Spool, Tx, rows};
use crate::error::AgentError;
use commonroll_core::{Timestamp, sources::Counted};

/// Problems kept for one export; the rest are counted.
pub const PROBLEMS_MAX: usize = 1_000;

/// A problem of one place in one export. Holds no value from the file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RowProblem {
    /// The file's name.
    pub file: String,
    /// The line, if it is about one.
    pub line: Option<u64>,
    /// The column or element.
    pub field: String,
    /// Stable name of the rule.
    pub rule: String,
    /// What to do.
    pub fix: String,
}

/// Something that must not go unseen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Alarm {
    /// Stable name.
    pub name: String,
    /// What happened and what to do.
    pub text: String,
    /// Since when, microseconds since the epoch.
    pub since_us: i64,
}

/// A row that the MIS refused after it was written back.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RefusedRow {
    /// The result file.
    pub file: String,
    /// The record's id, as the result file gives it.
    pub record: String,
    /// The revision.
    pub revision: u32,
    /// The MIS's message.
    pub message: String,
}

/// What result files said in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct ResultTotals {
    /// Result files read.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Rows that the MIS took.
    pub written: u64,
    /// Result files that could not be read.
    pub unreadable: u64,
}

/// Replaces what is known of an origin's problems. `n` counts those that are not kept, too.
pub(crate) async fn replace_problems(
    tx: &mut Tx,
    origin: &str,
    problems: &[RowProblem],
    n: u64,
    now: Timestamp,
) -> Result<(), AgentError> {
    sqlx::query("DELETE FROM problem WHERE origin = $1").bind(origin).execute(&mut **tx).await?;
    for problems in problems.chunks(500) {
        let head = "INSERT INTO problem(origin, file, line, field, rule, fix, at_us) VALUES ";
        let mut query = sqlx::query(rows(head, 7, problems.len(), ""));
        for p in problems {
            query = query
                .bind(origin)
                .bind(&p.file)
                .bind(p.line.and_then(|line| i64::try_from(line).ok()))
                .bind(&p.field)
                .bind(&p.rule)
                .bind(&p.fix)
                .bind(now.micros());
        }
        query.execute(&mut **tx).await?;
    }
    sqlx::query("INSERT OR REPLACE INTO problem_count(origin, n) VALUES ($1, $2)")
        .bind(origin)
        .bind(i64::try_from(n).unwrap_or(i64::MAX))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Replaces what is counted of an origin's rows that are kept back.
pub(crate) async fn replace_kept(
    tx: &mut Tx,
    (origin, source): (&str, &str),
    counted: &Counted,
) -> Result<(), AgentError> {
    sqlx::query("DELETE FROM kept_back WHERE origin = $1").bind(origin).execute(&mut **tx).await?;
    let counted: Vec<_> = counted.iter().collect();
    for counted in counted.chunks(500) {
        let head = "INSERT INTO kept_back(origin, source, field, rule, code, n) VALUES ";
        let mut query = sqlx::query(rows(head, 6, counted.len(), ""));
        for ((field, rule, code), n) in counted {
            let n = i64::try_from(**n).unwrap_or(i64::MAX);
            query = query.bind(origin).bind(source).bind(field).bind(rule).bind(code).bind(n);
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

impl Spool {
    /// Rows of a source's newest exports that are kept back, counted by column, rule and code.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn kept_back(&self, source: &str) -> Result<Counted, AgentError> {
        type Row = (String, String, Option<String>, i64);
        let found: Vec<Row> = sqlx::query_as(
            "SELECT field, rule, code, CAST(SUM(n) AS INTEGER) FROM kept_back WHERE source = $1
              GROUP BY field, rule, code",
        )
        .bind(source)
        .fetch_all(self.pool())
        .await?;
        Ok(found.into_iter().map(|(field, rule, code, n)| ((field, rule, code), n.unsigned_abs())).collect())
    }

    /// The problems of the newest exports, by file and line, and how many there are in all.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn problems(&self, limit: u32) -> Result<(Vec<RowProblem>, u64), AgentError> {
        type Row = (String, Option<i64>, String, String, String);
        let found: Vec<Row> =
            sqlx::query_as("SELECT file, line, field, rule, fix FROM problem ORDER BY file, line LIMIT $1")
                .bind(limit)
                .fetch_all(self.pool())
                .await?;
        let n: i64 = sqlx::query_scalar("SELECT CAST(COALESCE(SUM(n), 0) AS INTEGER) FROM problem_count")
            .fetch_one(self.pool())
            .await?;
        let read = |(file, line, field, rule, fix): Row| RowProblem {
            file,
            line: line.map(i64::unsigned_abs),
            field,
            rule,
            fix,
        };
        Ok((found.into_iter().map(read).collect(), n.unsigned_abs()))
    }

    /// Raises an alarm, or renews its text. It stands since it was first raised.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn alarm(&self, name: &str, text: &str, now: Timestamp) -> Result<(), AgentError> {
        tracing::error!(alarm = name, "{text}");
        sqlx::query(
            "INSERT INTO alarm(name, text, since_us) VALUES ($1, $2, $3) ON CONFLICT(name) DO UPDATE SET text = $2",
        )
        .bind(name)
        .bind(text)
        .bind(now.micros())
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Takes an alarm down: its cause is gone, or a person has seen to it.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn calm(&self, name: &str) -> Result<(), AgentError> {
        sqlx::query("DELETE FROM alarm WHERE name = $1").bind(name).execute(self.pool()).await?;
        Ok(())
    }

    /// Alarms that stand.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, AgentError> {
        let found: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT name, text, since_us FROM alarm ORDER BY since_us, name")
                .fetch_all(self.pool())
                .await?;
        Ok(found.into_iter().map(|(name, text, since_us)| Alarm { name, text, since_us }).collect())
    }

    /// Names of the result files that were read.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn result_files(&self) -> Result<Vec<String>, AgentError> {
        Ok(sqlx::query_scalar("SELECT name FROM result_file ORDER BY name").fetch_all(self.pool()).await?)
    }

    /// True if this state of a result file was read before.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn result_known(&self, name: &str, size: u64, modified_us: i64) -> Result<bool, AgentError> {
        let known: Option<(i64, i64)> =
            sqlx::query_as("SELECT size, modified_us FROM result_file WHERE name = $1")
                .bind(name)
                .fetch_optional(self.pool())
                .await?;
        Ok(known.is_some_and(|(s, m)| s.unsigned_abs() == size && m == modified_us))
    }

    /// Notes what a result file says: the rows that the MIS refused, and how many it took. `fix` is empty unless the
    /// file can't be read.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn note_result(
        &self,
        name: &str,
        (size, modified_us): (u64, i64),
        (all, written): (u64, u64),
        refused: &[RefusedRow],
        fix: &str,
    ) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT OR REPLACE INTO result_file(name, size, modified_us, rows, written, fix) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(name)
            .bind(size as i64)
            .bind(modified_us)
            .bind(all as i64)
            .bind(written as i64)
            .bind(fix)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM result WHERE file = $1").bind(name).execute(&mut *tx).await?;
        for (number, row) in refused.iter().enumerate() {
            sqlx::query(
                "INSERT INTO result(file, row, record, revision, message) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(name)
            .bind(number as i64)
            .bind(&row.record)
            .bind(i64::from(row.revision))
            .bind(&row.message)
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Rows that the MIS refused, and the totals of all result files.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn results(&self, limit: u32) -> Result<(Vec<RefusedRow>, ResultTotals), AgentError> {
        let found: Vec<(String, String, u32, String)> =
            sqlx::query_as("SELECT file, record, revision, message FROM result ORDER BY file, row LIMIT $1")
                .bind(limit)
                .fetch_all(self.pool())
                .await?;
        let (files, rows, written, unreadable): (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT COUNT(*), CAST(COALESCE(SUM(rows), 0) AS INTEGER), CAST(COALESCE(SUM(written), 0) AS INTEGER),
                    CAST(COALESCE(SUM(fix <> ''), 0) AS INTEGER) FROM result_file",
        )
        .fetch_one(self.pool())
        .await?;
        let n = i64::unsigned_abs;
        let refused = found
            .into_iter()
            .map(|(file, record, revision, message)| RefusedRow { file, record, revision, message })
            .collect();
        Ok((
            refused,
            ResultTotals { files: n(files), rows: n(rows), written: n(written), unreadable: n(unreadable) },
        ))
    }
}

//! Databases of other systems: signing in, asking, and their refusals in words. Fetching and writing back both come here.
//!
//! Over a network only with TLS and the server's name checked; without it only on this machine. The password is an argument
//! and is kept by nobody. The agent's own memory is not here, see [`Spool`](crate::Spool).

mod address;
mod fault;
mod rights;

pub use address::Address;
pub use fault::DatabaseFault;
pub use rights::may_write;

pub use commonroll_connectors::writeback::Value;

use commonroll_connectors::mapping::Dialect;
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Executor, Row, SqlSafeStr, Statement, TypeInfo,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode},
    postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode},
    raw_sql,
};
use std::time::Duration;
use tokio_stream::StreamExt;

/// Longest wait for a database to answer the call.
const KNOCK: Duration = Duration::from_secs(10);
/// Longest wait for a server to take a goodbye.
const GOODBYE: Duration = Duration::from_millis(500);
/// Longest wait for somebody else's lock, in seconds; and never longer than half of what a statement may take.
const LOCK_SECONDS: u32 = 3;

/// Takes one row's cells.
pub type Take<'a, E> = &'a mut (dyn FnMut(&[Option<&str>]) -> Result<(), E> + Send);

/// A connection to a database. Whatever is asked over it ends: the server has its limits, and one that went silent is given up
/// a little later. After a fault it is of no more use.
#[derive(Debug)]
pub struct Link {
    wire: Wire,
    /// Longest time for one statement, in seconds.
    seconds: u32,
    /// Longest wait for any answer.
    patience: Duration,
}

#[derive(Debug)]
enum Wire {
    MySql(Box<MySqlConnection>),
    Postgres(Box<PgConnection>),
}

/// Waits for a server, and no longer than the link's patience.
async fn within<T, E: From<DatabaseFault>>(
    patience: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| Err(DatabaseFault::silent().into()))
}

/// Who signs in, for whichever database.
macro_rules! signed {
    ($options:ident, $at:ident, $password:ident) => {{
        if let Some(user) = &$at.user {
            $options = $options.username(user);
        }
        if let Some(password) = $password {
            $options = $options.password(password);
        }
        $options.disable_statement_logging().connect().await
    }};
}

/// A query with its values, for whichever database.
macro_rules! bind {
    ($query:expr, $values:expr) => {
        $values.iter().fold($query, |query, value| match value {
            Value::Number(number) => query.bind(*number),
            Value::Text(text) => query.bind(text.clone()),
        })
    };
}
impl Link {
    /// Signs in, and says how long anything may take.
    ///
    /// # Errors
    /// In words; never with the password.
    pub async fn open(at: &Address, password: Option<&str>) -> Result<Self, DatabaseFault> {
        let opened = tokio::time::timeout(KNOCK, Self::sign_in(at, password)).await;
        let wire = opened.unwrap_or(Err(DatabaseFault::unreachable(at)))?;
        let patience = Duration::from_secs(at.seconds.into()).saturating_add(at.grace);
        let mut link = Self { wire, seconds: at.seconds, patience };
        for setting in link.limits().await? {
            link.run(&setting).await?;
        }
        Ok(link)
    }

    async fn sign_in(at: &Address, password: Option<&str>) -> Result<Wire, DatabaseFault> {
        let words = |error| DatabaseFault::at_sign_in(&error, at);
        match at.dialect {
            Dialect::MySql => {
                let mut options =
                    MySqlConnectOptions::new().database(&at.database).statement_cache_capacity(0);
                options = match &at.socket {
                    Some(socket) => options.socket(socket).ssl_mode(MySqlSslMode::Disabled),
                    None => {
                        let mode =
                            if at.is_here() { MySqlSslMode::Preferred } else { MySqlSslMode::VerifyIdentity };
                        options.host(&at.host).port(at.port).ssl_mode(mode)
                    }
                };
                if let Some(authority) = &at.authority {
                    options = options.ssl_ca(authority);
                }
                let link = signed!(options, at, password).map_err(words)?;
                Ok(Wire::MySql(Box::new(link)))
            }
            Dialect::Postgres => {
                let mut options =
                    PgConnectOptions::new_without_pgpass().database(&at.database).statement_cache_capacity(0);
                options = match &at.socket {
                    Some(socket) => options.socket(socket).ssl_mode(PgSslMode::Disable),
                    None => {
                        let mode = if at.is_here() { PgSslMode::Prefer } else { PgSslMode::VerifyFull };
                        options.host(&at.host).ssl_mode(mode)
                    }
                };
                options = options.port(at.port);
                if let Some(authority) = &at.authority {
                    options = options.ssl_root_cert(authority);
                }
                let link = signed!(options, at, password).map_err(words)?;
                Ok(Wire::Postgres(Box::new(link)))
            }
        }
    }

    /// What keeps a statement from taking for ever, in this server's own words.
    async fn limits(&mut self) -> Result<Vec<String>, DatabaseFault> {
        let (seconds, lock) = (self.seconds, self.lock_seconds());
        Ok(match self.wire {
            Wire::MySql(_) => {
                let version = self.one("select version()").await?;
                let mut settings = vec![
                    format!("set session lock_wait_timeout = {lock}"),
                    format!("set session innodb_lock_wait_timeout = {lock}"),
                ];
                if version.to_lowercase().contains("mariadb") {
                    settings.push(format!("set session max_statement_time = {seconds}"));
                } else {
                    settings.push(format!("set session max_execution_time = {}", u64::from(seconds) * 1_000));
                    // Else the times at which tables were written to are up to a day old.
                    settings.push("set session information_schema_stats_expiry = 0".to_owned());
                }
                settings
            }
            Wire::Postgres(_) => vec![
                format!("set statement_timeout = '{seconds}s'"),
                format!("set lock_timeout = '{lock}s'"),
                format!("set idle_in_transaction_session_timeout = '{}s'", seconds.saturating_mul(2)),
                // One core is enough: how long the MIS rests follows from how long an answer takes. Known since 9.6.
                "set max_parallel_workers_per_gather = 0".to_owned(),
            ],
        })
    }

    /// Longest wait for somebody else's lock, in seconds.
    fn lock_seconds(&self) -> u32 {
        LOCK_SECONDS.min(self.seconds / 2).max(1)
    }

    /// Keeps other sessions that ask for the same from writing into this database, until this one ends: also one that was given up may still
    /// have a change open, which nobody else can see. MariaDB and MySQL alone.
    ///
    /// # Errors
    /// In words; also if another one has not ended.
    pub async fn write_alone(&mut self) -> Result<(), DatabaseFault> {
        if matches!(self.wire, Wire::Postgres(_)) {
            return Ok(());
        }
        // A session whose agent is gone without a goodbye ends by itself, as it does on PostgreSQL.
        self.run(&format!("set session wait_timeout = {}", self.seconds.saturating_mul(2))).await?;
        // A lock's name holds for the whole server, and is shorter than a database's may be.
        let lock = self.lock_seconds();
        let ask = format!("select coalesce(get_lock(concat('commonroll ', md5(database())), {lock}), 0)");
        match self.one(&ask).await?.trim_end_matches('\u{1f}') {
            "1" => Ok(()),
            _ => Err(DatabaseFault::not_alone()),
        }
    }

    /// Which words it understands.
    pub const fn dialect(&self) -> Dialect {
        match self.wire {
            Wire::MySql(_) => Dialect::MySql,
            Wire::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Begins to read one moment's state. Nothing can be written until [`Link::close`].
    ///
    /// # Errors
    /// In words.
    pub async fn begin_reading(&mut self) -> Result<(), DatabaseFault> {
        self.run(match self.wire {
            Wire::MySql(_) => "start transaction with consistent snapshot, read only",
            Wire::Postgres(_) => "begin isolation level repeatable read, read only",
        })
        .await
    }

    /// Begins a change. Nothing of it stands before `commit`.
    ///
    /// # Errors
    /// In words.
    pub async fn begin_writing(&mut self) -> Result<(), DatabaseFault> {
        self.run(match self.wire {
            Wire::MySql(_) => "start transaction",
            Wire::Postgres(_) => "begin",
        })
        .await
    }

    /// Runs one statement of ours that gives no rows and takes no values.
    ///
    /// # Errors
    /// In words.
    pub async fn run(&mut self, statement: &str) -> Result<(), DatabaseFault> {
        let statement = raw_sql(AssertSqlSafe(statement.to_owned()));
        let run = async {
            match &mut self.wire {
                Wire::MySql(link) => statement.execute(&mut **link).await.map(drop),
                Wire::Postgres(link) => statement.execute(&mut **link).await.map(drop),
            }
            .map_err(|error| DatabaseFault::of(&error))
        };
        within(self.patience, run).await
    }

    /// The names of the columns that a query gives, without asking it.
    ///
    /// # Errors
    /// In words; also where a column holds bytes, which no export can.
    pub async fn columns(&mut self, query: &str) -> Result<Vec<String>, DatabaseFault> {
        let text = AssertSqlSafe(query.to_owned()).into_sql_str();
        let prepared = async {
            match &mut self.wire {
                Wire::MySql(link) => link.prepare(text).await.map(|statement| named(statement.columns())),
                Wire::Postgres(link) => link.prepare(text).await.map(|statement| named(statement.columns())),
            }
            .map_err(|error| DatabaseFault::of(&error))
        };
        let columns = within(self.patience, prepared).await?;
        let is_bytes = |kind: &str| kind.ends_with("BLOB") || matches!(kind, "BYTEA" | "BIT" | "GEOMETRY");
        match columns.iter().find(|(_, kind)| is_bytes(kind)) {
            Some((name, _)) => Err(DatabaseFault::bytes(name)),
            None => Ok(columns.into_iter().map(|(name, _)| name).collect()),
        }
    }

    /// Asks a query and gives each row's cells to `take`, as the server writes them; null is `None`. Memory doesn't grow with
    /// the number of rows.
    ///
    /// # Errors
    /// In words, or what `take` says.
    pub async fn rows<E: From<DatabaseFault>>(&mut self, query: &str, take: Take<'_, E>) -> Result<(), E> {
        let query = raw_sql(AssertSqlSafe(query.to_owned()));
        let read = async {
            match &mut self.wire {
                Wire::MySql(link) => {
                    let mut rows = query.fetch(&mut **link);
                    while let Some(row) = rows.next().await {
                        take(&mysql_cells(&row.map_err(|error| DatabaseFault::of(&error))?)?)?;
                    }
                }
                Wire::Postgres(link) => {
                    let mut rows = query.fetch(&mut **link);
                    while let Some(row) = rows.next().await {
                        take(&postgres_cells(&row.map_err(|error| DatabaseFault::of(&error))?)?)?;
                    }
                }
            }
            Ok(())
        };
        within(self.patience, read).await
    }

    /// All cells of a small answer as one text: equal texts, equal answers.
    ///
    /// # Errors
    /// In words.
    pub async fn one(&mut self, query: &str) -> Result<String, DatabaseFault> {
        let mut answer = String::new();
        self.rows::<DatabaseFault>(query, &mut |cells| {
            for cell in cells {
                answer.push_str(cell.unwrap_or("\u{0}"));
                answer.push('\u{1f}');
            }
            if answer.len() > 64 << 10 {
                return Err(DatabaseFault::long());
            }
            Ok(())
        })
        .await?;
        Ok(answer)
    }

    /// Asks a statement with values. Its columns must all be texts. Null is an empty text.
    ///
    /// # Errors
    /// In words.
    pub async fn ask(&mut self, text: &str, values: &[Value]) -> Result<Vec<Vec<String>>, DatabaseFault> {
        let asked = async {
            match &mut self.wire {
                Wire::MySql(link) => {
                    let query = bind!(sqlx::query(AssertSqlSafe(text.to_owned())), values);
                    let rows =
                        query.fetch_all(&mut **link).await.map_err(|error| DatabaseFault::of(&error))?;
                    rows.iter().map(|row| mysql_cells(row).map(owned)).collect()
                }
                Wire::Postgres(link) => {
                    let query = bind!(sqlx::query(AssertSqlSafe(numbered(text))), values);
                    let rows =
                        query.fetch_all(&mut **link).await.map_err(|error| DatabaseFault::of(&error))?;
                    rows.iter().map(|row| postgres_cells(row).map(owned)).collect()
                }
            }
        };
        within(self.patience, asked).await
    }

    /// Runs a statement with values, and tells how many rows it changed.
    ///
    /// # Errors
    /// In words.
    pub async fn change(&mut self, text: &str, values: &[Value]) -> Result<u64, DatabaseFault> {
        let changed = async {
            match &mut self.wire {
                Wire::MySql(link) => {
                    let query = bind!(sqlx::query(AssertSqlSafe(text.to_owned())), values);
                    query.execute(&mut **link).await.map(|done| done.rows_affected())
                }
                Wire::Postgres(link) => {
                    let query = bind!(sqlx::query(AssertSqlSafe(numbered(text))), values);
                    query.execute(&mut **link).await.map(|done| done.rows_affected())
                }
            }
            .map_err(|error| DatabaseFault::of(&error))
        };
        within(self.patience, changed).await
    }

    /// Ends the connection; what wasn't committed is undone.
    pub async fn close(self) {
        let goodbye = async {
            match self.wire {
                Wire::MySql(link) => link.close().await,
                Wire::Postgres(link) => link.close().await,
            }
        };
        // Nothing is lost if the server is gone already, or takes no goodbye.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

/// Names and kinds of columns.
fn named<C: Column>(columns: &[C]) -> Vec<(String, String)> {
    columns.iter().map(|column| (column.name().to_owned(), column.type_info().name().to_owned())).collect()
}

/// `?` as PostgreSQL writes it. No statement of ours has a question mark in a text.
fn numbered(text: &str) -> String {
    let mut parts = text.split('?');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (place, part) in parts.enumerate() {
        out.push_str(&format!("${}{part}", place + 1));
    }
    out
}

fn owned(cells: Vec<Option<&str>>) -> Vec<String> {
    cells.into_iter().map(|cell| cell.unwrap_or_default().to_owned()).collect()
}

fn mysql_cells(row: &MySqlRow) -> Result<Vec<Option<&str>>, DatabaseFault> {
    let cell = |place| row.try_get_unchecked::<Option<&str>, _>(place);
    (0..row.len())
        .map(|place| {
            let text = cell(place).map_err(|_| DatabaseFault::bytes(row.column(place).name()))?;
            // MySQL's way of writing that there is no date.
            Ok(text.filter(|text| !text.starts_with("0000-00-00")))
        })
        .collect()
}

fn postgres_cells(row: &PgRow) -> Result<Vec<Option<&str>>, DatabaseFault> {
    let cell = |place| row.try_get_unchecked::<Option<&str>, _>(place);
    (0..row.len())
        .map(|place| cell(place).map_err(|_| DatabaseFault::bytes(row.column(place).name())))
        .collect()
}

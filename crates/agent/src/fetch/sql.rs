//! Asking a database: the query of a mapping file, answered into a CSV file that the scanner takes like any export.
//!
//! Everything is read in a transaction that can't write, at one moment, with a time limit, and straight into the file: memory
//! doesn't grow with the number of rows. What the rows mean is not known here. To spare the MIS, a cheap question comes first:
//! while its answer stays the same, the query is asked only now and then.

use super::{FetchFault, Fetcher, Folder, Outcome, print, secret, since::Since};
use crate::{
    database::{Address, DatabaseFault, Link, Value, may_write},
    settings::{Connection, Source},
};
use commonroll_connectors::{
    Limits,
    mapping::{Container, Dialect, Format, Sql},
    render::csv_cell,
};
use commonroll_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::{io::Write, sync::Mutex};

/// The query is asked this often whatever the probe says: a window of dates moves, and a probe may be wrong.
const ANYWAY_US: i64 = 15 * 60 * 1_000_000;

/// Asks one database what one mapping says.
#[derive(Debug)]
pub struct SqlFetcher {
    connection: std::sync::Arc<Connection>,
    at: Address,
    /// True if the same account is to write back: then it must be able to.
    writes: bool,
    /// True if each file says what is new alone.
    adds: bool,
    warning: Mutex<Option<Option<String>>>,
}

/// What is remembered from one fetch to the next, beside the files.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    /// Print of what was asked.
    asked: String,
    /// Print of the probe's answer.
    probe: Option<String>,
    /// When the query was last asked.
    at_us: i64,
    /// How far it was read, where the query goes on from there.
    since: Since,
    /// How many files there have been.
    count: u64,
}

/// The file of a query that gives all there is.
const WHOLE: &str = "rows.csv";

impl SqlFetcher {
    /// A fetcher for a source of this connection. `writes`: the same account is used for writing back.
    ///
    /// # Errors
    /// The key at fault and what to write instead.
    pub fn new(
        source: &Source,
        connection: std::sync::Arc<Connection>,
        writes: bool,
    ) -> Result<Self, String> {
        let at = Address::of(&connection)?;
        let Some(sql) = sql(source) else {
            return Err("mapping: a database needs a mapping with format = \"sql\"".to_owned());
        };
        let is_delta = source.export == crate::settings::ExportKind::Delta;
        if sql.since.is_some() != is_delta {
            let fix = "export: must be \"delta\" where the mapping has sql.since, and \"snapshot\" where it hasn't: the one says what \
                       changed, the other all there is";
            return Err(fix.to_owned());
        }
        Ok(Self { connection, at, writes, adds: is_delta, warning: Mutex::new(None) })
    }

    /// Signs in.
    async fn open(&self) -> Result<Link, FetchFault> {
        let password = secret::read(&self.connection)?;
        Ok(Link::open(&self.at, password.as_ref().map(secret::Secret::reveal)).await?)
    }

    async fn look_at_rights(&self, link: &mut Link) -> Result<(), DatabaseFault> {
        let known = self.warning.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some();
        if known {
            return Ok(());
        }
        let warning = (!self.writes && may_write(link).await?).then(|| {
            format!(
                "connection `{}`: the database account could write to the MIS, and reading needs no more than SELECT; give the \
                 agent an account that can't (the page of each MIS has the lines)",
                self.connection.name
            )
        });
        *self.warning.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(warning);
        Ok(())
    }

    async fn fetch_from(
        &self,
        link: &mut Link,
        (source, sql): (&Source, &Sql),
        into: &Folder,
        now: Timestamp,
    ) -> Result<Outcome, FetchFault> {
        self.look_at_rights(link).await?;
        let asked = print(source.mapping_text.as_bytes());
        let old: Note = into.note().and_then(|note| serde_json::from_slice(&note).ok()).unwrap_or_default();
        let same = old.asked == asked;
        // Asked before the moment that is read begins: what changes in between is found by the next probe.
        let probe = probe(link, sql).await?.map(|answer| print(answer.as_bytes()));
        let recent = (0..ANYWAY_US).contains(&now.micros().saturating_sub(old.at_us));
        let there = self.adds || into.path().join(WHOLE).exists();
        if same && recent && there && probe.is_some() && probe == old.probe {
            return Ok(Outcome::Unchanged);
        }
        let since = if same { old.since } else { Since::default() };
        let mut note = Note { asked, probe, at_us: now.micros(), since, count: old.count };
        let name = self.read(link, sql, into, &mut note).await?;
        // Last: a crash before this asks once more, which changes nothing.
        let bytes = serde_json::to_vec(&note).map_err(std::io::Error::other)?;
        into.keep_note(Some(&bytes))?;
        Ok(match name {
            None => Outcome::Unchanged,
            Some(name) if self.adds && same => Outcome::Added(name),
            Some(name) => Outcome::Written(vec![name]),
        })
    }

    /// Asks the query and writes what it gives. The file's name, or `None` if it gave nothing new.
    async fn read(
        &self,
        link: &mut Link,
        sql: &Sql,
        into: &Folder,
        note: &mut Note,
    ) -> Result<Option<String>, FetchFault> {
        let query = sql.query_for(link.dialect());
        if sql.since.is_some() {
            go_on_from(link, note.since.begins().map(str::to_owned)).await?;
        }
        link.begin_reading().await?;
        let columns = link.columns(&query).await?;
        let place = match &sql.since {
            None => None,
            Some(name) => Some(columns.iter().position(|column| column == name).ok_or_else(|| {
                let fix = format!("the query gives no column `{name}`, which sql.since names");
                FetchFault::new("SQL-SINCE", fix)
            })?),
        };
        let name =
            if place.is_some() { format!("rows-{:012}.csv", note.count + 1) } else { WHOLE.to_owned() };
        let mut file = Sheet { file: into.begin(&name)?, bytes: 0, line: String::new() };
        file.row(columns.iter().map(|column| Some(column.as_str())))?;
        let (mut is_new, mut look) = (place.is_none(), note.since.look());
        link.rows::<FetchFault>(&query, &mut |cells| {
            file.fill(cells.iter().copied());
            if let Some(place) = place {
                if !look.row(&file.line, cells[place]) {
                    return Ok(());
                }
                is_new = true;
            }
            file.write()
        })
        .await?;
        link.run("rollback").await?;
        note.since = look.end(note.at_us);
        if !is_new {
            return Ok(None);
        }
        file.file.finish()?;
        note.count += 1;
        Ok(Some(name))
    }
}

#[async_trait::async_trait]
impl Fetcher for SqlFetcher {
    async fn fetch(&self, source: &Source, into: &Folder, now: Timestamp) -> Result<Outcome, FetchFault> {
        let sql = sql(source).ok_or_else(|| {
            FetchFault::new("SQL-MAPPING", "the source needs a mapping with format = \"sql\"")
        })?;
        let mut link = self.open().await?;
        let fetched = self.fetch_from(&mut link, (source, sql), into, now).await;
        link.close().await;
        fetched
    }

    fn adds(&self) -> bool {
        self.adds
    }

    fn warning(&self) -> Option<String> {
        self.warning.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone().flatten()
    }
}

/// What a source's mapping asks.
fn sql(source: &Source) -> Option<&Sql> {
    match source.mapping.as_ref().map(|mapping| &mapping.format) {
        Some(Format::Table(Container::Sql(sql), _)) => Some(sql),
        _ => None,
    }
}

/// The answer of the mapping's probe, or of the server about the tables that the mapping watches; `None` without either.
async fn probe(link: &mut Link, sql: &Sql) -> Result<Option<String>, FetchFault> {
    link.begin_reading().await?;
    let answer = if let Some(probe) = sql.probe() {
        Some(link.one(probe).await?)
    } else if sql.watch.is_empty() {
        None
    } else {
        Some(watched(link, &sql.watch).await?)
    };
    link.run("rollback").await?;
    Ok(answer)
}

/// When each table was last written to, or how often. Names are letters, digits, `_` and `$`: the mapping was checked.
async fn watched(link: &mut Link, tables: &[String]) -> Result<String, FetchFault> {
    let query = match link.dialect() {
        // The time has whole seconds: in this one and the one before, another change could hide behind the same time. Views
        // and tables of other engines have none: then it always looks changed.
        Dialect::MySql => {
            let names: Vec<String> = tables.iter().map(|table| format!("'{table}'")).collect();
            format!(
                "select table_name, case when update_time >= now() - interval 1 second then now(6) \
                 when update_time is null and (engine is null or engine <> 'InnoDB') then now(6) else update_time end \
                 from information_schema.tables where table_schema = database() and table_name in ({}) order by 1",
                names.join(", ")
            )
        }
        Dialect::Postgres => {
            // As the mapping writes it, and else as the database folds what isn't quoted.
            let name = |table: &String| {
                let quoted: Vec<String> = table.split('.').map(|part| format!("\"{part}\"")).collect();
                format!("coalesce(to_regclass('{}'), to_regclass('{table}'))", quoted.join("."))
            };
            let names: Vec<String> = tables.iter().map(name).collect();
            format!(
                "select c.relname, case when c.relkind = 'r' then concat(c.oid, ' ', pg_stat_get_tuples_inserted(c.oid), ' ', \
                 pg_stat_get_tuples_updated(c.oid), ' ', pg_stat_get_tuples_deleted(c.oid)) \
                 else concat(clock_timestamp()) end from pg_class c where c.oid in ({}) order by 1",
                names.join(", ")
            )
        }
    };
    let (mut answer, mut found) = (String::new(), Vec::new());
    link.rows::<DatabaseFault>(&query, &mut |cells| {
        found.push(cells.first().copied().flatten().unwrap_or_default().to_lowercase());
        for cell in cells {
            answer.push_str(cell.unwrap_or("never"));
            answer.push('\u{1f}');
        }
        Ok(())
    })
    .await?;
    if let Some(table) = tables.iter().find(|table| !found.contains(&table.to_lowercase())) {
        let fix = format!(
            "the database has no table `{table}` that the mapping watches, or the account may not see it: the MIS is of another \
             version than the mapping, or the account lacks SELECT on it. Compare with the MIS's own tables"
        );
        return Err(FetchFault::new("SQL-TABLE", fix));
    }
    Ok(answer)
}

/// Tells the session where the query goes on.
async fn go_on_from(link: &mut Link, since: Option<String>) -> Result<(), DatabaseFault> {
    match link.dialect() {
        Dialect::MySql => link.change("set @commonroll_since = ?", &[Value::Text(since)]).await.map(drop),
        Dialect::Postgres => {
            let value = Value::Text(Some(since.unwrap_or_default()));
            link.ask("select set_config('commonroll.since', ?, false)", &[value]).await.map(drop)
        }
    }
}

/// A CSV file on its way.
struct Sheet {
    file: super::NewFile,
    bytes: u64,
    line: String,
}

impl Sheet {
    fn row<'c>(&mut self, cells: impl Iterator<Item = Option<&'c str>>) -> Result<(), FetchFault> {
        self.fill(cells);
        self.write()
    }

    /// Makes the cells the line that is written next.
    fn fill<'c>(&mut self, cells: impl Iterator<Item = Option<&'c str>>) {
        self.line.clear();
        for (place, cell) in cells.enumerate() {
            if place > 0 {
                self.line.push(',');
            }
            csv_cell(cell.unwrap_or_default(), &mut self.line);
        }
        self.line.push('\n');
    }

    fn write(&mut self) -> Result<(), FetchFault> {
        self.bytes += self.line.len() as u64;
        if self.bytes > Limits::default().file_bytes_max {
            let fix = "the query gives more than 1 GiB; ask for fewer days or columns in it";
            return Err(FetchFault::new("SQL-TOO-MUCH", fix));
        }
        self.file.write_all(self.line.as_bytes())?;
        Ok(())
    }
}

impl From<DatabaseFault> for FetchFault {
    fn from(fault: DatabaseFault) -> Self {
        Self::new(fault.rule, fault.fix)
    }
}

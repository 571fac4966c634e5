//! Asking a database: the query of a mapping file, answered into a CSV file that the scanner takes like any export.
//!
//! Everything is read in a transaction that can't write, at one moment, with a time limit, and straight into the file: memory
//! doesn't grow with the number of rows. What the rows mean is not known here. To spare the MIS, a cheap question comes first:
//! while its answer stays the same, the query is asked only now and then. Where it changes, rows of the present day alone are
//! asked for if the mapping can tell them. And whatever is asked, the MIS rests a hundred times as long as it took to answer.

use super::{
    FetchFault, Fetcher, Folder, Outcome,
    pace::{Pace, between},
    print, secret,
    sheet::{Sheet, is_before},
    since::{Present, Since},
    watch::probe,
};
use crate::{
    chance::Clock,
    database::{Address, DatabaseFault, Link, Value, may_write},
    settings::{Connection, Source},
};
use commonroll_connectors::mapping::{Container, Dialect, Format, Sql};
use commonroll_core::Timestamp;
use jiff::{civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Asks one database what one mapping says.
pub struct SqlFetcher {
    connection: Arc<Connection>,
    at: Address,
    clock: Arc<dyn Clock>,
    /// The institution's, in which its MIS may write times.
    zone: TimeZone,
    /// True if the same account is to write back: then it must be able to.
    writes: bool,
    /// True if each file says what is new alone.
    adds: bool,
    pace: Pace,
    held: Mutex<Held>,
}

/// What is known while the program runs.
#[derive(Debug, Default)]
struct Held {
    /// What the account may do that it should not, once it was looked at.
    rights: Option<Option<String>>,
    /// How many rows lie in the future by the column that the query goes on by.
    ahead: usize,
    /// The note of a folder, as it is by now: it is only written where the next start would do something else with it.
    note: Option<(PathBuf, Note)>,
}

/// What is remembered from one fetch to the next, beside the files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Note {
    /// Print of what was asked.
    asked: String,
    /// Print of the probe's answer.
    probe: Option<String>,
    /// When the query was last asked for all its rows.
    at_us: i64,
    /// How far it was read, where the query goes on from there.
    since: Since,
    /// How many files there have been.
    count: u64,
}

/// Which rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// All that the query gives.
    All,
    /// Those of the present day; what the file says of days before stays.
    Today,
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
        connection: Arc<Connection>,
        (clock, zone): (Arc<dyn Clock>, TimeZone),
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
        let (pace, held) = (Pace::new(sql.recent.is_some()), Mutex::default());
        Ok(Self { connection, at, clock, zone, writes, adds: is_delta, pace, held })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs in.
    async fn open(&self) -> Result<Link, FetchFault> {
        let password = secret::read(&self.connection)?;
        Ok(Link::open(&self.at, password.as_ref().map(secret::Secret::reveal)).await?)
    }

    async fn look_at_rights(&self, link: &mut Link) -> Result<(), DatabaseFault> {
        let known = self.held().rights.is_some();
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
        self.held().rights = Some(warning);
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
        let held = self.held().note.clone().filter(|(folder, _)| folder == into.path());
        let read = || into.note().and_then(|note| serde_json::from_slice(&note).ok()).unwrap_or_default();
        let old: Note = held.map_or_else(read, |(_, note)| note);
        let same = old.asked == asked;
        // Asked before the moment that is read begins: what changes in between is found by the next probe.
        let probe = probe(link, sql).await?.map(|answer| print(answer.as_bytes()));
        let is_there = self.adds || into.path().join(WHOLE).exists();
        let is_known = same && is_there && !self.pace.is_all_due(now.micros().saturating_sub(old.at_us));
        if is_known && probe.is_some() && probe == old.probe {
            return Ok(Outcome::Unchanged);
        }
        let mut note =
            Note { asked, probe, at_us: now.micros(), ..if same { old.clone() } else { Note::default() } };
        note.count = old.count;
        let mut name = None;
        if is_known && sql.recent.is_some() {
            note.at_us = old.at_us;
            name = self.read_timed(link, (sql, Ask::Today), into, (&mut note, now)).await?;
        }
        let is_today = name.is_some();
        if !is_today {
            note.at_us = now.micros();
            name = self.read_timed(link, (sql, Ask::All), into, (&mut note, now)).await?;
        }
        // Last: a crash before this asks once more, which changes nothing.
        if name.is_some() || !same || note.since.differs(&old.since) {
            let bytes = serde_json::to_vec(&note).map_err(std::io::Error::other)?;
            into.keep_note(Some(&bytes))?;
        }
        self.held().note = Some((into.path().to_owned(), note));
        Ok(match name {
            None => Outcome::Unchanged,
            Some(name) if self.adds && same => Outcome::Added(name),
            Some(name) => Outcome::Written(vec![name]),
        })
    }

    /// As [`SqlFetcher::read`], and takes note of what it cost.
    async fn read_timed(
        &self,
        link: &mut Link,
        what: (&Sql, Ask),
        into: &Folder,
        note: (&mut Note, Timestamp),
    ) -> Result<Option<String>, FetchFault> {
        let (begun, watch) = (self.clock.now(), Instant::now());
        let read = self.read(link, what, into, note).await;
        let us = between(begun, self.clock.now(), watch.elapsed());
        match &read {
            Ok(_) => self.pace.took(what.1 == Ask::All, us),
            Err(fault) if fault.rule == "SQL-SLOW" => self.pace.broken(us),
            // Who waits for a lock costs nothing.
            Err(_) => {}
        }
        read
    }

    /// Asks the query and writes what it gives. The file's name, or `None` if it gave nothing new, or what it gives of today
    /// can't be laid over the file that is there.
    async fn read(
        &self,
        link: &mut Link,
        (sql, ask): (&Sql, Ask),
        into: &Folder,
        (note, now): (&mut Note, Timestamp),
    ) -> Result<Option<String>, FetchFault> {
        let (now_us, mut present) = (now.micros(), Present::default());
        let query = match (ask, &sql.since) {
            (Ask::Today, _) => sql.recent_query_for(link.dialect()),
            (Ask::All, None) => sql.query_for(link.dialect()),
            (Ask::All, Some(_)) => {
                present = Present::of(now, utc(link).await?, &self.zone);
                note.since.forget_ahead(&present);
                let begins = note.since.begins(now_us);
                go_on_from(link, begins.map(str::to_owned)).await?;
                sql.query_from(link.dialect(), begins)
            }
        };
        link.begin_reading().await?;
        let columns = link.columns(&query).await?;
        let place = |setting: &str, column: &Option<String>| match column {
            None => Ok(None),
            Some(name) => columns.iter().position(|column| column == name).map(Some).ok_or_else(|| {
                let fix = format!("the query gives no column `{name}`, which sql.{setting} names");
                FetchFault::new("SQL-SINCE", fix)
            }),
        };
        let (goes_on_at, day_at) = (place("since", &sql.since)?, place("recent", &sql.recent)?);
        let name =
            if goes_on_at.is_some() { format!("rows-{:012}.csv", note.count + 1) } else { WHOLE.to_owned() };
        let mut sheet = Sheet::new(into, name, &columns);
        let mut today = None;
        if let (Ask::Today, Some(place)) = (ask, day_at) {
            let day = link.one("select current_date").await?;
            let day = day.trim_end_matches('\u{1f}').to_owned();
            if !sheet.take_over(place, &day)? {
                link.run("rollback").await?;
                return Ok(None);
            }
            today = Some((place, day));
        } else if goes_on_at.is_none() {
            sheet.begin()?;
        }
        let mut look = note.since.look(now_us, &present);
        link.rows::<FetchFault>(&query, &mut |cells| {
            if today.as_ref().is_some_and(|(place, day)| is_before(cells[*place].unwrap_or_default(), day)) {
                return Ok(());
            }
            sheet.fill(cells.iter().copied());
            if goes_on_at.is_some_and(|place| !look.row(sheet.line(), cells[place])) {
                return Ok(());
            }
            sheet.write()
        })
        .await?;
        link.run("rollback").await?;
        note.since = look.end();
        self.held().ahead = note.since.ahead();
        let name = sheet.finish()?;
        note.count += u64::from(name.is_some());
        Ok(name)
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

    fn rest(&self) -> Duration {
        self.pace.rest()
    }

    fn warning(&self) -> Option<String> {
        let (rights, ahead) = {
            let held = self.held();
            (held.rights.clone().flatten(), held.ahead)
        };
        let ahead = || {
            (ahead > 0).then(|| {
                format!(
                    "connection `{}`: {ahead} rows lie in the future by the column of sql.since; nothing is lost by it, and they are \
                     read each time: look at the clock of the MIS, and at what people can type there",
                    self.connection.name
                )
            })
        };
        rights.or_else(ahead).or_else(|| self.pace.warning(&self.connection.name))
    }
}

/// What a source's mapping asks.
fn sql(source: &Source) -> Option<&Sql> {
    match source.mapping.as_ref().map(|mapping| &mapping.format) {
        Some(Format::Table(Container::Sql(sql), _)) => Some(sql),
        _ => None,
    }
}

/// What the database's own clock says, in UTC.
async fn utc(link: &mut Link) -> Result<Option<DateTime>, DatabaseFault> {
    let asked = match link.dialect() {
        Dialect::MySql => "select utc_timestamp()",
        Dialect::Postgres => "select now() at time zone 'utc'",
    };
    Ok(link.one(asked).await?.trim_end_matches('\u{1f}').parse().ok())
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

impl From<DatabaseFault> for FetchFault {
    fn from(fault: DatabaseFault) -> Self {
        Self::new(fault.rule, fault.fix)
    }
}

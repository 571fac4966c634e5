//! A round over the outbox: which lists are open, what becomes of each row, and its result file.

use super::{
    Carried, Carrier, Failure, TRIES_MAX,
    order::{List, Newest, Open, Unit, units},
    results::Results,
    row::Row,
};
use crate::{
    chance::{Randomness, backoff},
    durable::{self, Readers},
    error::AgentError,
    outbox::DECIDED,
    spool::Spool,
};
use commonroll_connectors::{
    Input, Limits,
    render::{Outcome, read_assessments, read_behaviour, read_lessons, read_sessions},
};
use commonroll_core::Timestamp;
use std::{
    collections::HashSet,
    fs::{self, File},
    io::BufReader,
    path::Path,
    sync::Arc,
    time::Duration,
};

const LAST_RETRY: Duration = Duration::from_secs(3_600);
/// So many rows after each other that are held up, and it is not about the rows: the round is over. The next begins behind them.
const HELD_UP_MAX: u32 = 3;
/// The spool's number of the sweep: rounds belong to one until a round has come to the outbox's end.
const SWEEP: &str = "write-back-sweep";
pub(super) const SUPERSEDED: &str = "a newer row of this mark is in the outbox; this one is not carried";
/// The longest that nothing is looked at: a lost wake-up must not matter.
const LONGEST: Duration = Duration::from_secs(60);

/// What one round did, and when the next is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Rows that stand in the MIS since this round.
    pub applied: u64,
    /// Rows that were set aside in this round.
    pub refused: u64,
    /// Rows that are to be tried again.
    pub waiting: u64,
    /// How long there is nothing to do.
    pub rest: Duration,
}

/// What a round works with.
pub struct Applier<'a> {
    /// The outbox.
    pub folder: &'a Path,
    /// Whom to give rows to.
    pub carrier: &'a Arc<dyn Carrier>,
    /// Remembers tries.
    pub spool: &'a Spool,
    /// For the waits between tries.
    pub rng: &'a dyn Randomness,
    /// First wait before a row is tried again.
    pub first_retry: Duration,
    /// Now.
    pub now: Timestamp,
}

/// The name of the alarm while nothing can be carried.
const ALARM: &str = "write-back";

/// A round under way.
struct Doing {
    done: Applied,
    open: Open,
    /// Which sweep over the outbox this round belongs to.
    sweep: u64,
    /// Rows after each other that were held up, with none carried in between.
    held_in_a_row: u32,
    /// By what a row was held up.
    held_by: Option<String>,
    /// A row that was held up waits for its time.
    is_held: bool,
    /// A row that had its turn in this sweep was passed over.
    is_passed_over: bool,
    /// Alarms about lists that can't be read.
    unread: HashSet<String>,
}

/// What became of a unit.
enum End {
    /// It came to its end.
    Ended(Outcome, String),
    /// It is to be carried again.
    Open,
    /// Nothing more can be carried now.
    Stopped(String),
}

impl Applier<'_> {
    /// Carries every row that is due, oldest file first, and writes the result files.
    ///
    /// # Errors
    /// When the spool or the outbox fails. What was written in the MIS stands, and is recognised the next time.
    pub async fn round(&self) -> Result<Applied, AgentError> {
        let done = Applied { applied: 0, refused: 0, waiting: 0, rest: LONGEST };
        let sweep = self.spool.number(SWEEP).await?;
        let mut doing = Doing {
            done,
            open: Open::default(),
            sweep,
            held_in_a_row: 0,
            held_by: None,
            is_held: false,
            is_passed_over: false,
            unread: HashSet::new(),
        };
        let mut stopped = self.pass(&mut doing).await?;
        while stopped.is_ok() && doing.is_passed_over {
            // Those behind them had their turn.
            doing = Doing {
                done: Applied { waiting: 0, ..doing.done },
                open: Open::default(),
                sweep: doing.sweep.wrapping_add(1),
                held_in_a_row: 0,
                is_held: false,
                is_passed_over: false,
                ..doing
            };
            stopped = self.pass(&mut doing).await?;
        }
        if stopped.is_ok() {
            self.calm_read(&doing).await?;
        }
        if stopped.is_err() {
            doing.done.rest = doing.done.rest.min(self.first_retry);
        } else if doing.held_by.is_some() {
            doing.sweep = doing.sweep.wrapping_add(1);
        }
        if doing.sweep != sweep {
            self.spool.set(SWEEP, &doing.sweep.to_be_bytes()).await?;
        }
        match stopped.err().or(doing.held_by) {
            Some(why) => {
                let text = format!(
                    "partners' marks, results and events can't be written into the MIS just now, and wait in the outbox: {why}"
                );
                self.spool.alarm(ALARM, &text, self.now).await?;
            }
            // What was said of it still holds.
            None if doing.is_held => {}
            None => self.spool.calm(ALARM).await?,
        }
        self.carrier.rest().await;
        Ok(doing.done)
    }

    /// Goes over the outbox once. `Err` inside: nothing more can be carried now.
    async fn pass(&self, doing: &mut Doing) -> Result<Result<(), String>, AgentError> {
        for kind in self.lists().await? {
            let stopped = self.kind(&kind, doing).await?;
            if stopped.is_err() {
                return Ok(stopped);
            }
        }
        Ok(Ok(()))
    }

    /// The outbox's lists that the carrier takes: its kinds in their order, the lists of each in which they were written.
    async fn lists(&self) -> Result<Vec<Vec<List>>, AgentError> {
        let doing = || AgentError::io(format!("reading the outbox {}", self.folder.display()));
        let applied = self.spool.applied_lists().await?;
        let mut names = HashSet::new();
        for entry in fs::read_dir(self.folder).map_err(doing())? {
            names.extend(entry.map_err(doing())?.file_name().into_string());
        }
        let of_kind = |kind: &&str| {
            let is_list = |name: &&String| {
                name.strip_prefix(*kind).is_some_and(|rest| rest.starts_with('-'))
                    && name.ends_with(".csv")
                    && !name.ends_with(".result.csv")
            };
            let list = |file: &String| {
                let name = file.trim_end_matches(".csv").to_owned();
                let is_done = names.contains(&format!("{name}.result.csv")) && applied.contains(&name);
                List { path: self.folder.join(file), name, is_done }
            };
            let mut lists: Vec<List> = names.iter().filter(is_list).map(list).collect();
            lists.sort_by(|a, b| a.path.cmp(&b.path));
            lists
        };
        Ok(self.carrier.lists().iter().map(of_kind).collect())
    }

    /// Carries the rows of the lists of one kind. `Err` inside: nothing more can be carried now.
    async fn kind(&self, lists: &[List], doing: &mut Doing) -> Result<Result<(), String>, AgentError> {
        let Some(first) = lists.iter().position(|list| !list.is_done) else { return Ok(Ok(())) };
        let mut newest = Newest::default();
        // Rows of lists behind it alone are surely not older than those of a list that can't be read.
        let mut behind = first;
        // Rows that are done count too: an older row that is tried again must not come over them.
        for (at, list) in lists.iter().enumerate().skip(first) {
            match rows(list) {
                Ok(rows) => newest.note(at, &rows),
                Err(_) => {
                    behind = at + 1;
                    self.tell_unread(list, doing).await?;
                }
            }
        }
        for (at, list) in lists.iter().enumerate().skip(behind).filter(|(_, list)| !list.is_done) {
            let stopped = self.list(list, &|row| newest.is(at, row), doing).await?;
            if stopped.is_err() {
                return Ok(stopped);
            }
        }
        Ok(Ok(()))
    }

    /// Tells that a list can't be read: it and older ones wait until it can, or is gone.
    async fn tell_unread(&self, list: &List, doing: &mut Doing) -> Result<(), AgentError> {
        let text = format!(
            "`{}.csv` of the outbox can't be read, and older lists wait behind it; put it back as it was, or remove it",
            list.name
        );
        let alarm = format!("{ALARM} {}", list.name);
        self.spool.alarm(&alarm, &text, self.now).await?;
        doing.unread.insert(alarm);
        Ok(())
    }

    /// Takes down what was told of lists that can be read again, or are gone.
    async fn calm_read(&self, doing: &Doing) -> Result<(), AgentError> {
        let of_list = format!("{ALARM} ");
        for alarm in self.spool.alarms().await? {
            if alarm.name.starts_with(&of_list) && !doing.unread.contains(&alarm.name) {
                self.spool.calm(&alarm.name).await?;
            }
        }
        Ok(())
    }

    /// Carries the rows of one list. `Err` inside: nothing more can be carried now.
    async fn list(
        &self,
        list: &List,
        counts: &(dyn Fn(&Row) -> bool + Send + Sync),
        doing: &mut Doing,
    ) -> Result<Result<(), String>, AgentError> {
        let name = &list.name;
        let Ok(rows) = rows(list) else {
            self.tell_unread(list, doing).await?;
            return Ok(Ok(()));
        };
        let result = list.path.with_extension("result.csv");
        let mut results = Results::read(&result);
        let before = results.len();
        let mut stopped = Ok(());
        let units = units(rows);
        for unit in &units {
            if results.has(unit.key) {
                continue;
            }
            match self.unit(name, unit, counts, doing).await? {
                End::Ended(outcome, words) => results.add(unit.key, outcome, &words),
                End::Open => doing.open.note(&unit.rows),
                End::Stopped(words) => {
                    stopped = Err(words);
                    break;
                }
            }
        }
        if results.len() > before || (units.is_empty() && !result.exists()) {
            let doing = format!("writing {}", result.display());
            durable::replace(&result, results.text().as_bytes(), Readers::Folder)
                .map_err(AgentError::io(doing))?;
        }
        if units.iter().all(|unit| results.has(unit.key)) {
            self.spool.note_applied(name).await?;
        }
        Ok(stopped)
    }

    /// Carries what counts of the rows of one revision, and what is under way. What stands already is recognised.
    async fn unit(
        &self,
        list: &str,
        unit: &Unit,
        counts: &(dyn Fn(&Row) -> bool + Send + Sync),
        doing: &mut Doing,
    ) -> Result<End, AgentError> {
        let mut rows = Vec::new();
        for row in &unit.rows {
            let counted = counts(row);
            let under_way = match row {
                Row::Mark(row) => self.carrier.is_under_way(row).await,
                Row::Result(_) | Row::Event(_) => Ok(false),
            };
            match under_way {
                Ok(under_way) if counted || under_way => rows.push((row, counted)),
                Ok(_) => {}
                Err(Failure::Later(words) | Failure::HeldUp(words) | Failure::Row(words)) => {
                    return Ok(End::Stopped(words));
                }
            }
        }
        // A withdrawal that is not carried is none: nothing may be said to be gone on its account.
        let carries =
            |row: &Row| rows.iter().any(|(carried, counted)| *counted && std::ptr::eq(*carried, row));
        let done = match unit.rows.iter().any(|row| row.head().withdrawn && !carries(row)) {
            true => Outcome::Superseded,
            false => Outcome::Applied,
        };
        if rows.is_empty() {
            return Ok(End::Ended(done, SUPERSEDED.to_owned()));
        }
        if rows.iter().any(|(row, _)| doing.open.holds_up(row)) {
            doing.done.waiting += 1;
            return Ok(End::Open);
        }
        let tried = self.spool.tried(list, unit.key).await?;
        let (tries, again_us) = tried.unwrap_or((0, i64::MIN));
        let held = self.spool.held_up(list, unit.key).await?;
        if again_us > self.now.micros() {
            doing.done.waiting += 1;
            let wait = Duration::from_micros(again_us.abs_diff(self.now.micros()));
            doing.done.rest = doing.done.rest.min(wait);
            doing.is_held |= held.is_some();
            return Ok(End::Open);
        }
        // It had its turn in this sweep; those behind it have theirs first.
        if held.is_some_and(|(_, sweep)| sweep == doing.sweep) {
            doing.done.waiting += 1;
            doing.done.rest = doing.done.rest.min(self.first_retry);
            (doing.is_held, doing.is_passed_over) = (true, true);
            return Ok(End::Open);
        }
        let mut held_now = false;
        let (mut refused, mut said, mut wait, mut failed) = (false, Vec::new(), None, None);
        for (row, counted) in rows {
            match self.carry(row).await {
                Ok(Carried::Waiting(after)) => wait = wait.max(Some(after)),
                Ok(_) if !counted => said.push(SUPERSEDED.to_owned()),
                Ok(Carried::Applied(words)) => said.push(words),
                Ok(Carried::Refused(words)) => {
                    refused = true;
                    said.push(words);
                }
                Err(Failure::Row(words)) => failed = Some(words),
                Err(Failure::HeldUp(words)) => {
                    let times = held.map_or(0, |(times, _)| times);
                    wait = wait.max(Some(backoff(times, self.first_retry, LAST_RETRY, self.rng)));
                    held_now = true;
                    doing.held_by = Some(words);
                }
                Err(Failure::Later(words)) => return Ok(End::Stopped(words)),
            }
        }
        doing.held_in_a_row = if held_now { doing.held_in_a_row + 1 } else { 0 };
        if held_now {
            let times = held.map_or(0, |(times, _)| times).saturating_add(1);
            self.spool.note_held_up(list, unit.key, times, doing.sweep).await?;
        }
        said.retain(|words| !words.is_empty());
        said.dedup();
        let said = said.join("; ");
        let (tries, after) = match (failed, wait) {
            (Some(words), _) if tries + 1 >= TRIES_MAX => {
                doing.done.refused += 1;
                let words = format!("{words} (tried {TRIES_MAX} times)");
                return Ok(End::Ended(Outcome::Refused, words));
            }
            (Some(_), _) => (tries + 1, backoff(tries, self.first_retry, LAST_RETRY, self.rng)),
            (None, Some(after)) => (tries, after),
            (None, None) if refused => {
                doing.done.refused += 1;
                return Ok(End::Ended(Outcome::Refused, said));
            }
            (None, None) => {
                doing.done.applied += 1;
                return Ok(End::Ended(done, said));
            }
        };
        doing.done.waiting += 1;
        doing.done.rest = doing.done.rest.min(after);
        let us = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
        self.spool.note_try(list, unit.key, tries, self.now.micros().saturating_add(us)).await?;
        Ok(match &doing.held_by {
            Some(words) if doing.held_in_a_row >= HELD_UP_MAX => End::Stopped(words.clone()),
            _ => End::Open,
        })
    }

    /// Carries one row; a panic is a failure of this row.
    async fn carry(&self, row: &Row) -> Result<Carried, Failure> {
        let (carrier, row) = (self.carrier.clone(), row.clone());
        let carrying = tokio::spawn(async move {
            match &row {
                Row::Mark(row) => carrier.carry(row).await,
                Row::Result(row) => carrier.carry_result(row).await,
                Row::Event(row) => carrier.carry_event(row).await,
            }
        });
        carrying.await.unwrap_or_else(|_| {
            Err(Failure::Row(
                "the program failed on this row; keep the outbox's file and report it".to_owned(),
            ))
        })
    }
}

/// The rows of a list.
pub(super) fn rows(list: &List) -> Result<Vec<Row>, String> {
    let limits = Limits::default();
    if list.name.starts_with("assessment-") {
        let rows = read(&list.path, |input| read_assessments(input, &limits))?;
        return Ok(rows.into_iter().map(Row::Result).collect());
    }
    if list.name.starts_with("behaviour-") {
        let rows = read(&list.path, |input| read_behaviour(input, &limits))?;
        return Ok(rows.into_iter().map(Row::Event).collect());
    }
    let mut rows = read(&list.path, |input| match list.name.starts_with("session-") {
        true => read_sessions(input, &limits),
        false => read_lessons(input, &limits),
    })?;
    if list.name.strip_prefix("session-").is_some_and(|rest| rest.starts_with(DECIDED)) {
        rows.iter_mut().for_each(|row| row.decided = true);
    }
    Ok(rows.into_iter().map(Row::Mark).collect())
}

pub(super) fn read<T>(
    path: &Path,
    with: impl FnOnce(Input<'_>) -> Result<T, commonroll_connectors::FileFault>,
) -> Result<T, String> {
    let file = File::open(path).map_err(|error| error.kind().to_string())?;
    let size = file.metadata().map_err(|error| error.kind().to_string())?.len();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    with(Input { file_name: name, reader: &mut BufReader::new(file), size })
        .map_err(|fault| fault.to_string())
}

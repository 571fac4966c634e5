//! Status: what the agent did, what waits, and what a person should see to. Read from the spool alone, so it works
//! while the agent runs, and when it doesn't.

use crate::{
    error::AgentError,
    identity::Identity,
    settings::Settings,
    shown::{line, shown},
    spool::{
        Spool,
        asides::SetAside,
        declared::RefusedDeclaration,
        exports::RefusedExport,
        queue::RefusedRecord,
        recalls::RecallTotals,
        sight::{Alarm, RefusedRow, ResultTotals, RowProblem},
    },
};
use commonroll_core::Timestamp;
use serde::Serialize;
use std::fmt;

/// Rows of each list; the rest are in the problems file or counted.
const SHOWN: u32 = 20;
/// Records that wait this long without the hub are a matter for a person.
const LATE_US: i64 = 3_600_000_000;
/// A certificate with less than this left has missed its renewals: it lives a day and is renewed from half of it on.
const EXPIRING_US: i64 = 2 * 3_600_000_000;

/// Everything that `agent status` tells. Holds no personal values.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Whose agent.
    pub institution: String,
    /// Where the hub is.
    pub hub: String,
    /// When the hub last answered, microseconds since the epoch; `None` for never.
    pub last_contact_us: Option<i64>,
    /// When the certificate ends, microseconds since the epoch.
    pub certificate_until_us: i64,
    /// Records that wait for the hub.
    pub unsent: u64,
    /// Since when the oldest of them waits, microseconds since the epoch.
    pub unsent_since_us: Option<i64>,
    /// Declarations that wait for the hub.
    pub declarations_unsent: u64,
    /// Number of the last batch that the hub answered.
    pub last_batch: u64,
    /// When each source last gave an export that was taken: name, microseconds since the epoch.
    pub exports_taken: Vec<(String, i64)>,
    /// When each source that is fetched was last fetched without a fault: name, microseconds since the epoch.
    pub fetched: Vec<(String, Option<i64>)>,
    /// Exports that were refused as a whole.
    pub exports_refused: Vec<RefusedExport>,
    /// Problems in the newest exports, in all.
    pub problem_count: u64,
    /// The first of them.
    pub problems: Vec<RowProblem>,
    /// Records that the hub refused, by code.
    pub refused_by_code: Vec<(String, u64)>,
    /// The first of them.
    pub refused: Vec<RefusedRecord>,
    /// Declarations that the hub refused or holds as contested.
    pub declarations_refused: Vec<RefusedDeclaration>,
    /// False where the settings have no outbox: nothing that partners share is received.
    pub receives: bool,
    /// How far the feed was written back.
    pub cursor: u64,
    /// How far it was acknowledged.
    pub acknowledged: u64,
    /// Records that arrived and could not be written back.
    pub set_aside: Vec<SetAside>,
    /// Copies that the hub asked to remove, and what became of them.
    pub recalls: RecallTotals,
    /// What the MIS said of what was written back.
    pub results: ResultTotals,
    /// Rows that the MIS refused.
    pub rows_refused: Vec<RefusedRow>,
    /// Size of the log at the last checkpoint that was verified; `None` for none yet.
    pub log_size: Option<u64>,
    /// Alarms.
    pub alarms: Vec<Alarm>,
    /// What a person should see to; empty if all is well.
    pub attention: Vec<String>,
}

impl Status {
    /// Reads the status.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn read(
        settings: &Settings,
        identity: &Identity,
        spool: &Spool,
        now: Timestamp,
    ) -> Result<Self, AgentError> {
        let (unsent, unsent_since_us) = spool.queue_length().await?;
        let (problems, problem_count) = spool.problems(SHOWN).await?;
        let (rows_refused, results) = spool.results(SHOWN).await?;
        let contact = spool.number("contact").await?;
        let mut status = Self {
            institution: identity.institution().to_string(),
            hub: settings.hub.address.clone().unwrap_or_else(|| identity.card.hub.clone()),
            last_contact_us: (contact > 0).then_some(contact as i64),
            certificate_until_us: identity.valid.1.micros(),
            unsent,
            unsent_since_us,
            declarations_unsent: spool.declarations_waiting().await?,
            last_batch: spool.last_batch().await?,
            exports_taken: spool.last_taken().await?,
            fetched: fetched(settings, spool).await?,
            exports_refused: spool.refused_exports().await?,
            problem_count,
            problems,
            refused_by_code: spool.refused_by_code().await?,
            refused: spool.refused(SHOWN).await?,
            declarations_refused: spool.refused_declarations(SHOWN).await?,
            receives: settings.outbox.is_some(),
            cursor: spool.cursor().await?.sequence,
            acknowledged: spool.number("acknowledged").await?,
            set_aside: spool.set_aside(SHOWN).await?,
            recalls: spool.recall_totals().await?,
            results,
            rows_refused,
            log_size: checkpoint_size(spool).await?,
            alarms: spool.alarms().await?,
            attention: Vec::new(),
        };
        status.attention = status.what_to_see_to(now);
        Ok(status)
    }

    /// 0 if all is well, 1 if a person should see to something.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.attention.is_empty())
    }

    fn what_to_see_to(&self, now: Timestamp) -> Vec<String> {
        let mut list: Vec<String> = self.alarms.iter().map(|alarm| alarm.text.clone()).collect();
        let left = self.certificate_until_us.saturating_sub(now.micros());
        if left <= 0 {
            list.push(
                "the certificate has expired; the agent renews it as soon as it reaches the hub".to_owned(),
            );
        } else if left < EXPIRING_US {
            list.push(
                "the certificate ends soon and could not be renewed; check the way to the hub".to_owned(),
            );
        }
        if self.unsent_since_us.is_some_and(|since| now.micros().saturating_sub(since) > LATE_US) {
            list.push(format!("{} records wait for the hub for more than an hour", self.unsent));
        }
        for export in &self.exports_refused {
            list.push(format!(
                "export {} was refused: {}: {}",
                export.file, export.fault.rule, export.fault.fix
            ));
        }
        count(&mut list, self.problem_count, "problems in exports; see the problems file");
        // That a confidential record stays at home is as it should be.
        let refused =
            self.refused_by_code.iter().filter(|(code, _)| code != "confidential").map(|(_, n)| n).sum();
        count(&mut list, refused, "records were refused by the hub");
        count(
            &mut list,
            self.declarations_refused.len() as u64,
            "declarations were refused or are contested",
        );
        count(&mut list, self.set_aside.len() as u64, "records that arrived were set aside");
        let by_hand = "copies must be removed from the MIS by hand; see the recall files in the outbox";
        count(&mut list, self.recalls.flagged_open, by_hand);
        count(&mut list, self.rows_refused.len() as u64, "rows were refused by the MIS");
        count(&mut list, self.results.unreadable, "result files can't be read");
        list
    }
}

fn count(list: &mut Vec<String>, n: u64, what: &str) {
    if n > 0 {
        list.push(format!("{n} {what}"));
    }
}

async fn fetched(settings: &Settings, spool: &Spool) -> Result<Vec<(String, Option<i64>)>, AgentError> {
    let mut list = Vec::new();
    for source in settings.sources.iter().filter(|source| source.asked.is_some()) {
        let at = crate::fetch::last_good(spool, source).await?;
        list.push((source.name.clone(), at.map(Timestamp::micros)));
    }
    Ok(list)
}

async fn checkpoint_size(spool: &Spool) -> Result<Option<u64>, AgentError> {
    let note = spool.meta("checkpoint").await?.and_then(|note| String::from_utf8(note).ok());
    Ok(note.and_then(|note| note.lines().nth(1)?.parse().ok()))
}

/// Where something stands in its file; what is taken back stands there no longer.
fn place(line: u64) -> String {
    match line {
        0 => "(taken back: its row is gone)".to_owned(),
        line => format!("line {line}"),
    }
}

pub(crate) fn moment(us: Option<i64>) -> String {
    us.and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
        .and_then(|at| at.round(jiff::Unit::Second).ok())
        .map_or_else(|| "never".to_owned(), |at| at.to_string())
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line!(f, "institution     {}", self.institution)?;
        line!(f, "hub             {}, last contact {}", self.hub, moment(self.last_contact_us))?;
        line!(f, "certificate     until {}", moment(Some(self.certificate_until_us)))?;
        line!(f, "to send         {} records, {} declarations", self.unsent, self.declarations_unsent)?;
        line!(f, "last batch      {}", self.last_batch)?;
        line!(f, "received        up to {}, acknowledged up to {}", self.cursor, self.acknowledged)?;
        // No fault: an institution that only shares may want it so. What to do says the doctor.
        if !self.receives {
            line!(
                f,
                "no outbox       nothing that partners share is received; commonroll agent doctor says what to add"
            )?;
        }
        let RecallTotals { notices, unanswered, removed, flagged, kept, .. } = self.recalls;
        if notices > 0 {
            line!(
                f,
                "recalled        {notices} notices ({unanswered} not answered): {removed} copies removed, {flagged} \
                 by hand, {kept} kept"
            )?;
        }
        let ResultTotals { files, rows, written, .. } = self.results;
        line!(f, "MIS results     {written} of {rows} rows taken, in {files} files")?;
        if let Some(size) = self.log_size {
            line!(f, "log             {size} entries at the last verified checkpoint")?;
        }
        for (source, at) in &self.fetched {
            line!(f, "fetched         {source}: last without a fault {}", moment(*at))?;
        }
        for (source, at) in &self.exports_taken {
            line!(f, "export          {source}: last taken {}", moment(Some(*at)))?;
        }
        for (code, n) in &self.refused_by_code {
            line!(f, "refused         {n} x {code}")?;
        }
        for r in &self.refused {
            line!(f, "  {} {}: {} {}: {}", r.file, place(r.line), r.code, r.field, r.reason)?;
        }
        for r in &self.declarations_refused {
            line!(f, "  {} {}: {}: {} {}: {}", r.file, place(r.line), r.what, r.code, r.field, r.reason)?;
        }
        for p in &self.problems {
            let line = p.line.map_or_else(String::new, |line| format!(" line {line}"));
            line!(f, "  {}{line}: {} {}: {}", p.file, p.field, p.rule, p.fix)?;
        }
        for a in &self.set_aside {
            line!(f, "  set aside {} from {}: {}: {}", a.sequence, a.source, a.code, a.message)?;
        }
        for r in &self.rows_refused {
            line!(f, "  {}: record {}: {}", r.file, r.record, r.message)?;
        }
        if self.attention.is_empty() {
            return line!(f, "all is well");
        }
        line!(f, "needs attention:")?;
        self.attention.iter().try_for_each(|line| line!(f, "  - {line}"))
    }
}

/// The problems file: alarms, and what is wrong in the exports, as CSV for a spreadsheet. Holds no personal values.
///
/// # Errors
/// When the spool fails or the file can't be written.
pub async fn write_problems(settings: &Settings, spool: &Spool) -> Result<(), AgentError> {
    let (problems, _) = spool.problems(10_000).await?;
    let mut text = String::from("file,line,field,rule,fix\r\n");
    for alarm in spool.alarms().await? {
        let cells = ["(alarm)", "", &alarm.name, &alarm.text, "see `commonroll agent status`"].map(quoted);
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    for p in problems {
        let line = p.line.map_or_else(String::new, |line| line.to_string());
        let cells = [&p.file, &line, &p.field, &p.rule, &p.fix].map(|cell| quoted(cell));
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    let path = settings.problems_file();
    let doing = format!("writing {}", path.display());
    crate::durable::replace(&path, text.as_bytes(), crate::durable::Readers::Owner)
        .map_err(AgentError::io(doing))
}

/// A cell of CSV that no spreadsheet takes for a formula.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", shown(cell).replace('"', "\"\""))
}

//! The doctor: the likeliest faults of an agent in plain words, each with what was looked at, what is wrong and what to do.
//!
//! It changes nothing, sends nothing, and looks at as much as it can: a fault that makes the rest impossible to see is told once,
//! and what could not be looked at is said. Nothing it says holds a value about a person.

mod exports;
mod identity;
mod network;
mod outbox;
mod spool;

pub use network::{Network, Reached, Real};

use crate::{
    settings::{Asked, Settings},
    shown::line,
};
use commonroll_core::Timestamp;
use serde::Serialize;
use std::{fmt, path::Path};

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// As it should be.
    Ok,
    /// Could not be looked at, because of another fault.
    Skipped,
    /// Works, and will not for long or not for all.
    Warn,
    /// Does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the check.
    pub check: &'static str,
    /// How it is.
    pub mark: Mark,
    /// What was looked at.
    pub looked_at: String,
    /// What is wrong; blank if nothing is.
    pub wrong: String,
    /// What to do; blank if nothing is.
    pub fix: String,
}

/// All that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// One for each check, and one more for each source or connection where checks are about them.
    pub findings: Vec<Finding>,
}

/// What the doctor can't know by itself.
pub struct World<'a> {
    /// Now.
    pub now: Timestamp,
    /// The way to the hub.
    pub network: &'a dyn Network,
    /// Free and all bytes of the disk that a folder lies on; `None` where nobody can tell.
    pub disk: &'a dyn Fn(&Path) -> Option<(u64, u64)>,
}

/// Looks at everything.
pub async fn examine(settings_file: &Path, world: &World<'_>) -> Report {
    let mut report = Report { findings: Vec::new() };
    let shown = settings_file.display().to_string();
    let settings = match Settings::load(settings_file) {
        Ok(settings) => {
            report.ok("settings", format!("{shown}: {} source(s)", settings.sources.len()));
            settings
        }
        Err(error) => {
            let fix = if settings_file.exists() {
                "mend the key that is named; `commonroll agent setup` writes settings that can be read"
            } else {
                "go to the agent's folder, name the file with --settings, or make one: commonroll agent setup <an export>"
            };
            report.add("settings", Mark::Fail, shown, error.to_string(), fix);
            return report;
        }
    };
    for source in &settings.sources {
        if let Some(fix) = source.asked.as_ref().and_then(Asked::lacks) {
            let shown = format!("{shown}: source `{}`", source.name);
            report.add("settings", Mark::Fail, shown, "its `query` is not there, so it is not asked", fix);
        }
    }
    exports::examine(&mut report, &settings, world).await;
    identity::disk(&mut report, &settings, world);
    identity::secrets(&mut report, &settings);
    let identity = identity::examine(&mut report, &settings, world);
    if let Some(identity) = &identity {
        network::examine(&mut report, &settings, identity, world).await;
    } else {
        report.skipped("hub", "the way to the hub", "the agent has not joined");
    }
    // Seen in the settings alone: it is told before there is anything to receive.
    if settings.outbox.is_none() {
        outbox::missing(&mut report);
    }
    let spool = spool::open(&mut report, &settings).await;
    if let Some(spool) = &spool {
        spool::examine(&mut report, spool, world).await;
        exports::seen(&mut report, &settings, spool, world).await;
        if let Some(of) = &settings.outbox {
            outbox::examine(&mut report, of, spool, world).await;
        }
        spool.close().await;
    }
    report
}

impl Report {
    fn add(
        &mut self,
        check: &'static str,
        mark: Mark,
        looked_at: impl Into<String>,
        wrong: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let (looked_at, wrong, fix) = (looked_at.into(), wrong.into(), fix.into());
        self.findings.push(Finding { check, mark, looked_at, wrong, fix });
    }

    fn ok(&mut self, check: &'static str, looked_at: impl Into<String>) {
        self.add(check, Mark::Ok, looked_at, "", "");
    }

    fn skipped(&mut self, check: &'static str, looked_at: impl Into<String>, why: &str) {
        self.add(check, Mark::Skipped, looked_at, format!("not looked at: {why}"), "");
    }

    /// 0 if nothing is wrong, 1 if something is.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.findings.iter().any(|finding| finding.mark >= Mark::Warn))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let mark = match finding.mark {
                Mark::Ok => "  ok  ",
                Mark::Skipped => "  --  ",
                Mark::Warn => " warn ",
                Mark::Fail => " FAIL ",
            };
            line!(f, "{mark} {:<12} {}", finding.check, finding.looked_at)?;
            if !finding.wrong.is_empty() {
                line!(f, "                    {}", finding.wrong)?;
            }
            if !finding.fix.is_empty() {
                line!(f, "                    -> {}", finding.fix)?;
            }
        }
        writeln!(f)?;
        let count = |mark| self.findings.iter().filter(|finding| finding.mark == mark).count();
        match (count(Mark::Fail), count(Mark::Warn)) {
            (0, 0) => line!(f, "{} things looked at, nothing is wrong", self.findings.len()),
            (fail, warn) => {
                line!(f, "{} things looked at: {fail} wrong, {warn} to watch", self.findings.len())
            }
        }
    }
}

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

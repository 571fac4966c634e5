//! The outbox: is what was written there applied by the MIS, and does it say so?

use super::{DAY_US, Mark, Report, World};
use crate::{scan::modified_us, settings::Outbox, spool::Spool};
use std::fs;

/// What to do where there is no outbox.
const NO_OUTBOX_FIX: &str = "add [outbox] with folder = \"outbox\" and formats = [\"csv\"] to the settings, and start the agent again";

/// Settings without an outbox: an agent that only shares looks sound in all else, and its partners' records never come.
pub fn missing(report: &mut Report) {
    report.add(
        "outbox",
        Mark::Warn,
        "what partners share",
        "no [outbox] in agent.toml: nothing that partners share is received",
        NO_OUTBOX_FIX,
    );
}

/// Looks at the outbox's files and results.
pub async fn examine(report: &mut Report, outbox: &Outbox, spool: &Spool, world: &World<'_>) {
    let shown = format!("outbox {}", outbox.folder.display());
    let Ok(entries) = fs::read_dir(&outbox.folder) else {
        // It is made with the first file.
        return report.ok("outbox", format!("{shown}, nothing written yet"));
    };
    let (mut files, mut results) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        let (Ok(metadata), Some(name)) = (entry.metadata(), entry.file_name().to_str().map(str::to_owned))
        else {
            continue;
        };
        match name.strip_suffix(".result.csv") {
            Some(of) => results.push(of.to_owned()),
            None if metadata.is_file() && !name.starts_with('.') => {
                files.push((name, modified_us(&metadata)))
            }
            None => {}
        }
    }
    let late = |at: i64| world.now.micros() - at > DAY_US;
    let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
    let waiting = files.iter().filter(|(name, at)| late(*at) && !results.contains(&stem(name))).count();
    match (waiting, results.is_empty()) {
        (0, _) => report.ok("outbox", format!("{shown}, {} file(s)", files.len())),
        (n, true) => {
            let wrong =
                format!("{n} file(s) lie there for more than a day, and never was there a result file");
            let fix = "nobody applies them: let the MIS's import or the helper take this folder, and write <name>.result.csv beside each file";
            report.add("results", Mark::Fail, shown, wrong, fix);
        }
        (n, false) => {
            let wrong = format!("{n} file(s) lie there for more than a day without a result");
            report.add(
                "outbox",
                Mark::Warn,
                shown,
                wrong,
                "the helper has stopped: start it again; it takes files in the order of their names",
            );
        }
    }
    if let Ok((refused, totals)) = spool.results(1_000).await {
        if !refused.is_empty() {
            let fix = "see `commonroll agent status` for what the MIS says of each row";
            report.add(
                "results",
                Mark::Warn,
                "what the MIS said",
                format!("{} row(s) were refused by the MIS", refused.len()),
                fix,
            );
        }
        if totals.unreadable > 0 {
            let wrong = format!("{} result file(s) can't be read", totals.unreadable);
            report.add(
                "results",
                Mark::Warn,
                "what the MIS said",
                wrong,
                "they must be CSV with RecordID,Revision,Status,Message",
            );
        }
    }
}

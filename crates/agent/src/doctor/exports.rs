//! Exports: is there a folder, is there a file, has it come to rest, and can it be read as the mapping says?

use super::{DAY_US, Mark, Report, World};
use crate::{
    check::{self, Checked},
    scan::modified_us,
    settings::{Settings, Source, matches},
    spool::Spool,
};
use std::{fs, path::PathBuf};

/// A file that was changed so lately is being written.
const RESTLESS_US: i64 = 30 * 1_000_000;
/// A file that lies so long unread was passed over.
const UNREAD_US: i64 = 10 * 60 * 1_000_000;

/// Looks at each source's folder and newest file.
pub async fn examine(report: &mut Report, settings: &Settings, world: &World<'_>) {
    if settings.sources.is_empty() {
        report.add(
            "folder",
            Mark::Fail,
            "sources",
            "the settings name no source, so nothing is ever read",
            "commonroll agent setup <an export>",
        );
    }
    for source in settings.sources.iter().filter(|source| source.asked.is_none()) {
        let Some(newest) = newest(report, source) else { continue };
        let shown = format!("{}: {}", source.name, newest.name);
        let age = world.now.micros() - newest.modified_us;
        if age < RESTLESS_US {
            let wrong =
                "it was changed less than half a minute ago; a file that never comes to rest is never read";
            let fix = "let the MIS write it once and then leave it, or write under another name and rename it when it is whole";
            report.add("rest", Mark::Warn, shown.clone(), wrong, fix);
        } else {
            report.ok("rest", shown.clone());
        }
        match check::check(settings, None, &newest.path, world.now).await {
            Ok(checked) => read(report, &shown, &checked),
            Err(error) => report.add(
                "reading",
                Mark::Fail,
                shown,
                error.to_string(),
                "let the agent's user read the file",
            ),
        }
    }
}

struct Newest {
    name: String,
    path: PathBuf,
    modified_us: i64,
}

fn newest(report: &mut Report, source: &Source) -> Option<Newest> {
    let shown = format!("{}: {}", source.name, source.folder.display());
    let entries = match fs::read_dir(&source.folder) {
        Ok(entries) => entries,
        Err(error) => {
            let (wrong, fix) = match error.kind() {
                std::io::ErrorKind::NotFound => (
                    "the folder isn't there",
                    "make it, or mend `folder` in the settings; a network drive must be connected for the agent's user too",
                ),
                std::io::ErrorKind::PermissionDenied => {
                    ("the folder can't be read", "let the agent's user read it")
                }
                std::io::ErrorKind::NotADirectory => {
                    ("it is a file, not a folder", "name the folder in `folder`, and the file in `pattern`")
                }
                _ => ("the folder can't be read", "look at the disk or the network drive that it lies on"),
            };
            report.add("folder", Mark::Fail, shown, wrong, fix);
            return None;
        }
    };
    let (mut others, mut newest) = (0, None::<Newest>);
    for entry in entries.flatten() {
        let (Ok(metadata), Some(name)) = (entry.metadata(), entry.file_name().to_str().map(str::to_owned))
        else {
            continue;
        };
        if !metadata.is_file() {
            continue;
        }
        if !matches(&source.pattern, &name) {
            others += 1;
            continue;
        }
        let modified_us = modified_us(&metadata);
        if newest.as_ref().is_none_or(|held| held.modified_us < modified_us) {
            newest = Some(Newest { name, path: entry.path(), modified_us });
        }
    }
    match (&newest, others) {
        (Some(_), _) => report.ok("folder", shown),
        (None, 0) => report.add(
            "folder",
            Mark::Fail,
            shown,
            "the folder is empty: no export has come yet",
            "let the MIS write one, and look at its schedule",
        ),
        (None, n) => {
            let wrong = format!("{n} file(s) are there, and the name of none fits `{}`", source.pattern);
            report.add(
                "folder",
                Mark::Fail,
                shown,
                wrong,
                "mend `pattern`: * stands for anything, ? for one character",
            );
        }
    }
    newest
}

/// What the newest file says of itself, told by the rule that it breaks.
fn read(report: &mut Report, shown: &str, checked: &Checked) {
    if let Some(fault) = &checked.fault {
        let check = check_of(&fault.rule);
        let line = fault.line.map_or(String::new(), |line| format!(", line {line}"));
        return report.add(
            check,
            Mark::Fail,
            shown,
            format!("the whole file is refused: {}{line}", fault.rule),
            fault.fix.clone(),
        );
    }
    let Some(taken) = &checked.taken else { return };
    if taken.problem_count == 0 {
        return report.ok("reading", format!("{shown}, {} item(s)", taken.items));
    }
    let mut told: Vec<(&'static str, String, &str, usize)> = Vec::new();
    for problem in &taken.problems {
        match told.iter_mut().find(|(_, rule, ..)| *rule == problem.rule) {
            Some((.., count)) => *count += 1,
            None => told.push((check_of(&problem.rule), problem.rule.clone(), &problem.fix, 1)),
        }
    }
    for (check, rule, fix, count) in told {
        let part =
            if taken.items == 0 { "and nothing else could be read" } else { "the other rows are read" };
        report.add(
            check,
            Mark::Warn,
            shown,
            format!("{rule} in {count} row(s); {part}"),
            advice(check).unwrap_or(fix),
        );
    }
}

/// The check that a rule belongs to.
fn check_of(rule: &str) -> &'static str {
    match rule {
        "CSV-CAPTION-MISSING"
        | "CSV-COLUMN-UNKNOWN"
        | "CSV-CAPTION-TWICE"
        | "MAP-FIELD"
        | "MAP-MISSING"
        | "MAP-SETTING" => "captions",
        "CSV-ID-BLANK-ALL" | "CSV-ID-BLANK" => "ids",
        "FILE-ENCODING" | "FILE-NOT-TEXT" => "encoding",
        "CSV-DATE" => "dates",
        "FILE-EMPTY" | "FILE-NO-ROWS" | "EXPORT-EMPTY" => "empty",
        rule if rule.starts_with("ATT-") => "codes",
        _ => "reading",
    }
}

fn advice(check: &str) -> Option<&'static str> {
    Some(match check {
        "codes" => {
            "add the marks to [codes.marks] of the mapping; `commonroll agent setup` counts them and asks what they mean"
        }
        "dates" => "set `date_format` in the mapping to how the file writes dates; it is never guessed",
        _ => return None,
    })
}

/// What the spool knows of exports: which were refused, which lie unread, which are old.
pub async fn seen(report: &mut Report, settings: &Settings, spool: &Spool, world: &World<'_>) {
    let taken = spool.last_taken().await.unwrap_or_default();
    for refused in spool.refused_exports().await.unwrap_or_default() {
        let shown = format!("{}: {}", refused.source, refused.file);
        report.add(
            "refused",
            Mark::Fail,
            shown,
            format!("the newest export was refused: {}", refused.fault.rule),
            refused.fault.fix,
        );
    }
    for source in settings.sources.iter().filter(|source| source.asked.is_none()) {
        let Some(newest) = newest(&mut Report { findings: Vec::new() }, source) else { continue };
        let looked = spool.last_look(&source.name, &newest.name).await.ok().flatten();
        let lies = world.now.micros() - newest.modified_us;
        if looked.is_none_or(|seen| seen.modified_us != newest.modified_us) && lies > UNREAD_US {
            let shown = format!("{}: {}", source.name, newest.name);
            let minutes = lies / 60_000_000;
            let fix = "start the agent: commonroll agent run; if it runs, look whether something touches the file again and again";
            report.add(
                "unread",
                Mark::Fail,
                shown,
                format!("it lies there for {minutes} minutes and was not read"),
                fix,
            );
        }
        if let Some((_, at)) = taken.iter().find(|(name, _)| *name == source.name)
            && world.now.micros() - at > 3 * DAY_US
        {
            let days = (world.now.micros() - at) / DAY_US;
            report.add(
                "stale",
                Mark::Warn,
                source.name.clone(),
                format!("the last export was taken {days} days ago"),
                "outside holidays: look at the MIS's schedule",
            );
        }
    }
}

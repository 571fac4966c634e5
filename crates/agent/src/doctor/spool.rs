//! What the spool knows: is it sound, what waits, what the hub refused, and alarms.

use super::{HOUR_US, Mark, Report, World};
use crate::{settings::Settings, spool::Spool};

/// Opens the spool, if there is one.
pub async fn open(report: &mut Report, settings: &Settings) -> Option<Spool> {
    let file = settings.spool_file();
    let shown = file.display().to_string();
    if !file.exists() {
        report.skipped("spool", shown, "nothing was read yet");
        return None;
    }
    let fix = "stop the agent, put the file aside and start again: everything that lies in the folders is read anew, and the hub knows \
               what it has; keep the damaged file for whoever looks into it";
    match Spool::open(&file).await {
        Ok(spool) => match spool.is_sound().await {
            Ok(true) => {
                report.ok("spool", shown);
                Some(spool)
            }
            _ => {
                report.add(
                    "spool",
                    Mark::Fail,
                    shown,
                    "the file is damaged: pages of it don't fit together",
                    fix,
                );
                None
            }
        },
        Err(error) => {
            report.add("spool", Mark::Fail, shown, error.to_string(), fix);
            None
        }
    }
}

/// What waits, what was refused, and what must not go unseen.
pub async fn examine(report: &mut Report, spool: &Spool, world: &World<'_>) {
    queue(report, spool, world).await;
    refused(report, spool).await;
    let alarms = spool.alarms().await.unwrap_or_default();
    if alarms.is_empty() {
        report.ok("alarms", "alarms");
    }
    for alarm in alarms {
        let (check, fix) = match alarm.name.as_str() {
            crate::watchman::ALARM => (
                "history",
                "keep both checkpoint files of the data folder, tell the other partners, and ask the hub's operator: the log may have been rewritten",
            ),
            "hub-went-back" => ("history", "ask the hub's operator whether an old backup was restored"),
            name if name.starts_with("folder ") => ("folder", "look at the folder's check above"),
            _ => ("alarms", "see `commonroll agent status`"),
        };
        report.add(check, Mark::Fail, format!("alarm {}", alarm.name), alarm.text, fix);
    }
}

async fn queue(report: &mut Report, spool: &Spool, world: &World<'_>) {
    let Ok((waiting, since)) = spool.queue_length().await else { return };
    let shown = format!("{waiting} record(s) wait for the hub");
    let hours = since.map_or(0, |since| (world.now.micros() - since) / HOUR_US);
    if waiting > 0 && hours >= 1 {
        let fix = "if the hub's check above is good, start the agent: commonroll agent run; nothing is lost meanwhile";
        report.add("queue", Mark::Fail, shown, format!("the oldest of them for {hours} hour(s)"), fix);
    } else {
        report.ok("queue", shown);
    }
}

async fn refused(report: &mut Report, spool: &Spool) {
    let by_code = spool.refused_by_code().await.unwrap_or_default();
    let mut any = false;
    // That a confidential record stays at home is as it should be.
    for (code, count) in by_code.iter().filter(|(code, _)| code != "confidential") {
        any = true;
        let (check, fix) = match code.as_str() {
            "no_placement" => (
                "placements",
                "no placement of these learners is in force here on the day: the home must declare it and the host accept it; records go again by themselves then",
            ),
            "no_agreement" => (
                "agreement",
                "no agreement between the institutions lets these records go: ask the heads to sign one; records go again by themselves then",
            ),
            "not_unlocked" => (
                "not unlocked",
                "partners agreed that this kind flows once attendance is tight: the data manager sees on the console's page Readiness what is missing",
            ),
            _ => ("refused", "see `commonroll agent status` for file, line and reason"),
        };
        report.add(check, Mark::Warn, "what the hub refused", format!("{count} record(s): {code}"), fix);
    }
    let declared = spool.refused_declarations(10_000).await.unwrap_or_default();
    let contested =
        declared.iter().filter(|said| said.code.contains("contest") || said.code.contains("match")).count();
    if contested > 0 {
        any = true;
        let fix = "a person compares them in the console (Matching); export UPN, ULN and birth date with the learners, then fewer are left over";
        report.add(
            "learners",
            Mark::Warn,
            "who is who",
            format!("{contested} learner(s) are not matched"),
            fix,
        );
    }
    if let others @ 1.. = declared.len() - contested {
        any = true;
        report.add(
            "refused",
            Mark::Warn,
            "declarations",
            format!("{others} were refused"),
            "see `commonroll agent status` for file, line and reason",
        );
    }
    if !any {
        report.ok("refused", "what the hub refused");
    }
}

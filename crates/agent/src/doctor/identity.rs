//! What the agent has of its own: keys and certificate, secrets of connections, room on the disk.

use super::{HOUR_US, Mark, Report, World};
use crate::{fetch, identity::Identity, settings::Settings};
use std::path::Path;

const MIB: u64 = 1 << 20;
/// Less than this is full, in bytes.
const FULL: u64 = 200 * MIB;
const NEARLY_FULL: u64 = 1024 * MIB;

/// Joined, and the certificate good now.
pub fn examine(report: &mut Report, settings: &Settings, world: &World<'_>) -> Option<Identity> {
    let folder = settings.identity_folder();
    let shown = folder.display().to_string();
    let identity = match Identity::load(&folder) {
        Ok(identity) => identity,
        Err(error) => {
            let (wrong, fix) = if folder.join("card.json").exists() {
                (
                    error.to_string(),
                    "take the folder out of a backup, or ask the hub's operator for a new invitation and join again",
                )
            } else {
                (
                    "this agent has not joined".to_owned(),
                    "commonroll agent join INVITATION, with the line that the consortium sent you",
                )
            };
            report.add("joined", Mark::Fail, shown, wrong, fix);
            return None;
        }
    };
    report.ok("joined", format!("{}, hub {}", identity.institution(), identity.card.hub));
    let (from, until) = (identity.valid.0.micros(), identity.valid.1.micros());
    let now = world.now.micros();
    if now < from {
        let fix = "set this machine's clock, and let it follow a time server";
        report.add(
            "certificate",
            Mark::Fail,
            "certificate and clock",
            "the certificate isn't good yet: this machine's clock is slow",
            fix,
        );
    } else if now >= until {
        let hours = (now - until) / HOUR_US;
        let fix = "look at the clock first; if it is right, the agent renews by itself once it reaches the hub's second port";
        report.add(
            "certificate",
            Mark::Fail,
            "certificate and clock",
            format!("the certificate expired {hours} hour(s) ago, or the clock is fast"),
            fix,
        );
    } else if until - now < 2 * HOUR_US {
        let fix = "look at the way to the hub's second port (`join` in card.json): renewing is done there";
        report.add(
            "certificate",
            Mark::Warn,
            "certificate and clock",
            "the certificate ends within two hours and was not renewed",
            fix,
        );
    } else {
        report.ok("certificate", "certificate and clock");
    }
    Some(identity)
}

/// Secrets of connections and of the webhook: there, and nobody else's.
pub fn secrets(report: &mut Report, settings: &Settings) {
    let mut seen = Vec::new();
    let asked = settings.sources.iter().filter_map(|source| source.asked.as_ref());
    let applied = settings.outbox.as_ref().and_then(|outbox| outbox.apply.as_ref());
    let connections = asked.map(|asked| &asked.connection).chain(applied.map(|apply| &apply.connection));
    for connection in connections {
        if seen.contains(&&connection.name) {
            continue;
        }
        seen.push(&connection.name);
        secret(report, format!("connection {}", connection.name), fetch::secret::read(connection));
    }
    if let Some(alarms) = &settings.alarms {
        secret(report, "alarms".to_owned(), fetch::secret::read_from(&alarms.secret, "`alarms`"));
    }
}

fn secret(report: &mut Report, shown: String, read: Result<Option<fetch::Secret>, fetch::FetchFault>) {
    match read {
        Ok(_) => report.ok("credentials", shown),
        Err(fault) => report.add("credentials", Mark::Fail, shown, fault.rule, fault.fix),
    }
}

/// Room on the disks of the data and the outbox.
pub fn disk(report: &mut Report, settings: &Settings, world: &World<'_>) {
    let outbox = settings.outbox.as_ref().map(|outbox| outbox.folder.clone());
    for folder in [Some(settings.data.clone()), outbox].into_iter().flatten() {
        let near = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        let shown = format!("disk of {}", folder.display());
        match (world.disk)(near) {
            None => report.skipped("disk", shown, "this system doesn't tell"),
            Some((free, _)) if free < FULL => {
                let wrong = format!("only {} MiB are free: nothing can be kept safely", free / MIB);
                report.add(
                    "disk",
                    Mark::Fail,
                    shown,
                    wrong,
                    "make room; until then nothing is read and nothing is acknowledged, so nothing is lost",
                );
            }
            Some((free, all)) if free < NEARLY_FULL || free < all / 20 => {
                report.add(
                    "disk",
                    Mark::Warn,
                    shown,
                    format!("{} MiB are free", free / MIB),
                    "make room before it is full",
                );
            }
            Some(_) => report.ok("disk", shown),
        }
    }
}

//! `audit shared-by`, `received-by`, `refused`, `policy-changes` and `exports`: what the log answers, on a data folder.
//!
//! Nothing here is about a learner: who saw a learner's records is for a person of the institution to ask, at the hub.
//! Asking is itself an entry of the log.

use crate::{
    commands::{hub::Place, told},
    real::now,
};
use commonroll_core::{SchoolDate, Slug, Timestamp};
use commonroll_exchange::{Asker, Direction, Topic, Window};

/// What is said when there is no line: silence could as well be a failure.
const NOTHING: &str = "nothing in the log answers that";

/// Over which time, and how to print.
#[derive(clap::Args, Clone)]
pub struct Asked {
    #[command(flatten)]
    place: Place,
    /// From this date on (UTC), such as 2026-09-01
    #[arg(long, value_name = "DATE")]
    from: Option<SchoolDate>,
    /// Up to this date, the whole of it
    #[arg(long, value_name = "DATE")]
    to: Option<SchoolDate>,
    /// As lines of JSON
    #[arg(long)]
    json: bool,
    /// Who asks, for the log
    #[arg(long, default_value = "operator", value_parser = crate::commands::signer)]
    by: String,
}

impl Asked {
    fn window(&self) -> Result<Window, String> {
        const DAY: i64 = 86_400_000_000;
        let start = |date: SchoolDate, days: i64| {
            Timestamp::from_micros("date", (i64::from(date.days()) + days) * DAY).map_err(told)
        };
        Ok(Window {
            from: self.from.map(|date| start(date, 0)).transpose()?,
            to: self.to.map(|date| start(date, 1)).transpose()?,
        })
    }
}

/// Prints sums of what an institution shared or received.
pub async fn sharing(asked: &Asked, direction: Direction, of: &Slug) -> Result<(), String> {
    let window = asked.window()?;
    let (_, exchange) = asked.place.open().await?;
    let sums = exchange.sharing(&Asker::operator(&asked.by), (direction, of), window, now()).await;
    let sums = sums.map_err(told)?;
    if sums.is_empty() && !asked.json {
        println!("{NOTHING}");
        return Ok(());
    }
    if !asked.json {
        let head = ["partner", "kind", "records", "withdrawn", "learners", "first", "last", "field groups"];
        let [partner, kind, records, withdrawn, learners, first, last, groups] = head;
        println!(
            "{partner:<24} {kind:<12} {records:>9} {withdrawn:>9} {learners:>8}  {first:<20} {last:<20} {groups}"
        );
    }
    for sum in sums {
        let (first, last) = (sum.between.0.to_string(), sum.between.1.to_string());
        if asked.json {
            let line = serde_json::json!({
                "partner": sum.partner, "kind": sum.kind.as_str(), "groups": sum.groups, "records": sum.records,
                "withdrawn": sum.withdrawn, "learners": sum.learners, "first": first, "last": last,
            });
            println!("{line}");
            continue;
        }
        let (first, last) = (seconds(&first), seconds(&last));
        let groups: Vec<&str> =
            sum.groups.iter().map(|number| sum.kind.group_name(*number).unwrap_or("?")).collect();
        println!(
            "{:<24} {:<12} {:>9} {:>9} {:>8}  {first:<20} {last:<20} {}",
            sum.partner.as_str(),
            sum.kind.as_str(),
            sum.records,
            sum.withdrawn,
            sum.learners,
            groups.join(", ")
        );
    }
    Ok(())
}

/// Prints the events of a topic.
pub async fn events(asked: &Asked, topic: Topic) -> Result<(), String> {
    let window = asked.window()?;
    let (_, exchange) = asked.place.open().await?;
    let events = exchange.events(&Asker::operator(&asked.by), topic, window, now()).await.map_err(told)?;
    if events.is_empty() && !asked.json {
        println!("{NOTHING}");
    }
    for event in events {
        let at = event.at.to_string();
        if asked.json {
            let line = serde_json::json!({
                "sequence": event.sequence, "at": at, "what": event.what, "by": event.by, "more": event.more,
            });
            println!("{line}");
        } else {
            let more = if event.more.is_null() { String::new() } else { event.more.to_string() };
            println!(
                "{:>10}  {:<20} {:<22} {:<24} {more}",
                event.sequence,
                seconds(&at),
                event.what,
                event.by
            );
        }
    }
    Ok(())
}

/// An instant without its fraction of a second, which a table has no use for; JSON keeps it.
fn seconds(at: &str) -> String {
    at.split_once('.').map_or_else(|| at.to_owned(), |(whole, _)| format!("{whole}Z"))
}

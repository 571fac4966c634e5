//! `commonroll audit withdrawals`: who has not said what became of copies that had to go. Counts, never a record.

use super::questions::{Asked, found};
use crate::commands::line::printable;
use commonroll_core::Timestamp;
use commonroll_exchange::Topic;
use serde_json::Value;

/// What is listed.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Answered ones too, with what became of the copies
    #[arg(long)]
    all: bool,
}

/// A notice, as the log has it.
struct Notice {
    issued: String,
    more: Value,
}

impl Notice {
    fn text(&self, key: &str) -> String {
        printable(self.more[key].as_str().unwrap_or_default())
    }

    fn answer(&self) -> String {
        let answered = &self.more["answered"];
        let Some(at) = answered["at_us"].as_i64().and_then(|us| Timestamp::from_micros("at", us).ok()) else {
            return "none yet".to_owned();
        };
        let count = |key: &str| answered[key].as_u64().unwrap_or_default();
        format!(
            "{at}: {} removed, {} flagged, {} kept, {} not held",
            count("removed"),
            count("flagged"),
            count("kept"),
            count("not_held")
        )
    }
}

/// Lists notices.
pub async fn run(args: &Args) -> Result<(), String> {
    let events = found(&args.asked, Topic::Withdrawals).await?;
    let notices = events.into_iter().map(|(_, issued, _, _, more)| Notice { issued, more });
    let shown: Vec<Notice> =
        notices.filter(|notice| args.all || !notice.more["answered"].is_object()).collect();
    if args.asked.json() {
        for Notice { issued, mut more } in shown {
            more["issued"] = issued.into();
            println!("{more}");
        }
        return Ok(());
    }
    table(&shown);
    Ok(())
}

fn table(notices: &[Notice]) {
    if notices.is_empty() {
        println!("no withdrawal notice waits for an answer");
        return;
    }
    println!("{:<24} {:>6}  {:<26} {:>6}  {:<28} answer", "recipient", "notice", "reason", "copies", "since");
    for notice in notices {
        println!(
            "{:<24} {:>6}  {:<26} {:>6}  {:<28} {}",
            notice.text("recipient"),
            notice.more["number"].as_u64().unwrap_or_default(),
            notice.text("reason"),
            notice.more["copies"].as_u64().unwrap_or_default(),
            notice.issued,
            notice.answer()
        );
    }
}

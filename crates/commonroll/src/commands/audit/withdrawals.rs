//! `commonroll audit withdrawals`: who has not said what became of copies that had to go. Counts, never a record.

use crate::commands::{hub::Place, told};
use commonroll_core::Timestamp;
use commonroll_exchange::withdrawal::Withdrawal;

/// What is listed.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Answered ones too, with what became of the copies
    #[arg(long)]
    all: bool,
    /// One line of JSON a notice
    #[arg(long)]
    json: bool,
}

/// Lists notices.
pub async fn run(args: &Args) -> Result<(), String> {
    let (_, exchange) = args.place.open().await?;
    let mut shown = exchange.withdrawals();
    shown.retain(|notice| args.all || notice.answered.is_none());
    if !args.json {
        table(&shown);
        return Ok(());
    }
    for notice in &shown {
        println!("{}", serde_json::to_string(notice).map_err(told)?);
    }
    Ok(())
}

fn table(notices: &[Withdrawal]) {
    let at = |us: i64| Timestamp::from_micros("at", us).map_or_else(|_| String::new(), |at| at.to_string());
    if notices.is_empty() {
        println!("no withdrawal notice waits for an answer");
        return;
    }
    println!("{:<24} {:>6}  {:<26} {:>6}  {:<28} answer", "recipient", "notice", "reason", "copies", "since");
    for notice in notices {
        let answer = notice.answered.as_ref().map_or_else(
            || "none yet".to_owned(),
            |a| {
                format!(
                    "{}: {} removed, {} flagged, {} kept, {} not held",
                    at(a.at_us),
                    a.removed,
                    a.flagged,
                    a.kept,
                    a.not_held
                )
            },
        );
        println!(
            "{:<24} {:>6}  {:<26} {:>6}  {:<28} {answer}",
            notice.recipient,
            notice.number,
            notice.reason,
            notice.copies,
            at(notice.issued_us)
        );
    }
}

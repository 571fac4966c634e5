//! `commonroll audit`: verify and show.

use crate::commands::{hub::Place, told};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;

/// The audit's commands.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// Check every entry of the log against its tree and every payload against its entry; exit code 1 and the first bad
    /// entry if something is wrong
    Verify(Place),
    /// Show entries as lines of JSON, without anything personal
    Show {
        #[command(flatten)]
        place: Place,
        /// First entry, counted from 1
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// How many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

/// Runs an audit command.
pub async fn run(command: AuditCommand) -> Result<ExitCode, String> {
    match command {
        AuditCommand::Verify(place) => {
            let (_, exchange) = place.open().await?;
            let style =
                ProgressStyle::with_template("verifying {bar:30} {pos}/{len} entries").map_err(told)?;
            let bar = ProgressBar::new(exchange.stats().log_entries).with_style(style);
            let verified = exchange.verify(|entries| bar.set_position(entries)).await.map_err(told)?;
            bar.finish_and_clear();
            let root: String = verified.root.iter().map(|byte| format!("{byte:02x}")).collect();
            println!(
                "verified {} entries, {} records, {} payloads",
                verified.entries, verified.records, verified.payloads
            );
            println!("root {root}");
            let (note, _) = exchange.checkpoint(0).await.map_err(told)?;
            println!("key  {}\n\n{note}", exchange.log_key());
        }
        AuditCommand::Show { place, from, limit } => {
            let (_, exchange) = place.open().await?;
            for entry in exchange.show(from, limit).await.map_err(told)? {
                println!("{entry}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

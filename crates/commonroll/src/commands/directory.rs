//! `commonroll directory`: import and show.

use crate::{
    commands::{hub::Place, told},
    real::now,
};
use clap::Subcommand;
use commonroll_exchange::ConsortiumFile;
use std::{path::PathBuf, process::ExitCode};

/// The directory's commands.
#[derive(Subcommand)]
pub enum DirectoryCommand {
    /// Import institutions, agreements, approved links and placements from a consortium file; all of it or nothing
    Import {
        #[command(flatten)]
        place: Place,
        /// The consortium file (TOML); crates/exchange/README.md explains every key
        file: PathBuf,
        /// Who imports, for the log
        #[arg(long, default_value = "operator")]
        by: String,
    },
    /// Show institutions, agreements and how many learners and placements there are; no personal data
    Show(Place),
}

/// Runs a directory command.
pub async fn run(command: DirectoryCommand) -> Result<ExitCode, String> {
    match command {
        DirectoryCommand::Import { place, file, by } => {
            let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            let parsed = ConsortiumFile::parse(&text).map_err(|e| format!("{}: {e}", file.display()))?;
            let (_, exchange) = place.open().await?;
            let report = exchange.import(&parsed, &by, now()).await.map_err(told)?;
            println!(
                "imported: {} institutions, {} agreements, {} learners and {} sides of placements new or changed",
                report.institutions, report.agreements, report.learners, report.placements
            );
        }
        DirectoryCommand::Show(place) => {
            let (_, exchange) = place.open().await?;
            for line in exchange.directory_lines(now()) {
                println!("{line}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! `commonroll directory`: import and show.

use crate::{
    commands::{hub::Place, told},
    real::{Real, now},
};
use clap::Subcommand;
use commonroll_exchange::{AdminError, ConsortiumFile};
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
        /// For trying out: plays a head for every partner, who signs every [[agreement]]. Never with real learners
        #[arg(long)]
        play_heads: bool,
        /// Who imports, for the log
        #[arg(long, default_value = "operator", value_parser = crate::commands::signer)]
        by: String,
    },
    /// Show institutions, agreements and how many learners and placements there are; no personal data
    Show(Place),
}

/// Runs a directory command.
pub async fn run(command: DirectoryCommand) -> Result<ExitCode, String> {
    match command {
        DirectoryCommand::Import { place, file, play_heads, by } => {
            let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            let mut parsed = ConsortiumFile::parse(&text).map_err(|e| format!("{}: {e}", file.display()))?;
            if play_heads {
                parsed = parsed.signed_by(&Real.random_seed());
                println!("the heads are played: every agreement is signed by people who don't exist");
            }
            let (_, exchange) = place.open_to_write().await?;
            let report = exchange.import(&parsed, &by, now()).await.map_err(|error| match error {
                AdminError::Entry { .. } | AdminError::Invalid(_) => format!("{}: {error}", file.display()),
                other => told(other),
            })?;
            println!(
                "imported: {} institutions, {} people, {} agreements, {} learners and {} sides of placements new or changed",
                report.institutions, report.people, report.agreements, report.learners, report.placements
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

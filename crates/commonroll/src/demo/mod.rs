//! `commonroll demo`: a consortium's day. Being written.

mod from;
mod setup;

use std::{path::PathBuf, process::ExitCode};

/// Flags of the demo.
#[derive(clap::Args)]
pub struct Args {
    /// Take the partners' files from this folder instead of making them up
    #[arg(long)]
    from: Option<PathBuf>,
}

/// Plays the day.
pub async fn run(args: Args) -> Result<ExitCode, String> {
    if let Some(folder) = &args.from {
        from::setup(folder)?;
    }
    Err("the demo is not built yet".to_owned())
}

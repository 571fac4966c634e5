//! `commonroll bench`: figures of this machine beside its own ceilings. Being written.

use std::process::ExitCode;

/// Flags of the bench.
#[derive(clap::Args)]
pub struct Args {}

/// Measures.
pub async fn run(_: Args) -> Result<ExitCode, String> {
    Err("the bench is not built yet".to_owned())
}

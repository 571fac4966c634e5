//! `commonroll policy`: check.

use clap::Subcommand;
use commonroll_policy::{Policy, Texts, check, check_dir};
use std::{path::PathBuf, process::ExitCode};

/// The policy's commands.
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Check a folder of policies: syntax, schema, levels, examples and the reviewed table; names the line at fault
    Check {
        /// The folder [default: the policies inside this program]
        dir: Option<PathBuf>,
    },
}

/// Runs a policy command.
pub fn run(command: PolicyCommand) -> Result<ExitCode, String> {
    let PolicyCommand::Check { dir } = command;
    let findings = match &dir {
        Some(dir) => check_dir(dir),
        None => check(&Texts::embedded()),
    };
    findings.iter().for_each(|finding| println!("{finding}"));
    if !findings.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    let policy = match &dir {
        Some(dir) => Policy::from_dir(dir),
        None => Policy::embedded(),
    };
    let hash: String = policy.map_err(super::told)?.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("sound; hash {hash}");
    Ok(ExitCode::SUCCESS)
}

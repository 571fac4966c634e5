//! `commonroll policy`: check, test, matrix, compare and prove, on files, which puts nothing in force; and the commands by
//! which people change the rules at the hub.

use super::{
    law::Confirm,
    line::{hex, say},
    person::As,
    policy_explain, policy_office as office, policy_try,
};
use clap::Subcommand;
use commonroll_policy::{ChangeKind, Policy, Texts, check, check_dir, check_matrix, matrix, test_dir};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The policy's commands.
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Check a folder of policies: syntax, schema, levels, examples and the reviewed table; names the line at fault
    Check {
        /// The folder [default: the policies inside this program]
        dir: Option<PathBuf>,
    },
    /// Run the examples beside the policies: given, when, then
    Test {
        /// The folder
        #[arg(default_value = "policies")]
        dir: PathBuf,
    },
    /// Show who may what; exits with 1 if it isn't what the reviewed table says
    Matrix {
        /// The folder [default: the policies inside this program, and no reviewed table]
        dir: Option<PathBuf>,
        /// Write the table to who-may-what.txt in the folder, for a review
        #[arg(long, requires = "dir")]
        write: bool,
    },
    /// Say what a folder of policies would change: equal, narrower, wider or both, counted over every situation
    Compare {
        /// The changed folder
        dir: PathBuf,
        /// The folder to compare with [default: the policies inside this program]
        #[arg(long)]
        with: Option<PathBuf>,
    },
    /// Prove the invariants in policies/invariants, and what a change changes, with the solver cvc5. Exits with 1 if one
    /// doesn't hold, and with 2 if something could not be proved either way
    #[cfg(feature = "prove")]
    Prove {
        /// The folder [default: the policies inside this program]
        dir: Option<PathBuf>,
        /// Also prove how the folder stands to this one: equal, narrower, wider or both
        #[arg(long, requires = "dir")]
        from: Option<PathBuf>,
    },
    /// Say why somebody may see a record, or why not: which rule, which placement, which agreement, which parts
    #[command(after_help = policy_explain::EXAMPLES)]
    Explain(policy_explain::Args),
    /// Try changed rules, or an agreement, against the live directory and the last 30 days: who would gain, who would lose.
    /// Changes nothing
    #[command(after_help = policy_try::EXAMPLES)]
    Try(policy_try::Args),
    /// Show which set is in force at the hub and who approved it
    #[command(
        after_help = "Example: commonroll policy in-force --texts rules   # change rules/*.cedar, then propose them"
    )]
    InForce {
        #[command(flatten)]
        by: As,
        /// Write its texts into this folder
        #[arg(long, value_name = "DIR")]
        texts: Option<PathBuf>,
        /// As a line of JSON
        #[arg(long)]
        json: bool,
    },
    /// List the changes that were proposed: what they change, who stands behind them, whether they can still be used
    Proposals {
        #[command(flatten)]
        by: As,
        /// As lines of JSON
        #[arg(long)]
        json: bool,
    },
    /// Propose a changed folder of policies, signed with your key; shows first what it changes
    Propose {
        /// The folder, such as one from `policy in-force --texts`
        #[arg(value_name = "DIR")]
        texts: PathBuf,
        #[command(flatten)]
        by: As,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Approve somebody else's proposal, by your signature; shows first what it changes
    Approve {
        /// The proposal's hash, or its first digits
        hash: String,
        #[command(flatten)]
        by: As,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Put a proposal in force, on every stream at once; whatever changes what is permitted needs a second
    /// person's approval
    Activate {
        /// The proposal's hash, or its first digits
        hash: String,
        #[command(flatten)]
        by: As,
        #[command(flatten)]
        confirm: Confirm,
    },
}

/// Runs a policy command.
pub async fn run(command: PolicyCommand) -> Result<ExitCode, String> {
    match command {
        PolicyCommand::Explain(args) => policy_explain::run(&args).await?,
        PolicyCommand::Try(args) => policy_try::run(&args).await?,
        PolicyCommand::InForce { by, texts, json } => office::in_force(&by, texts.as_deref(), json).await?,
        PolicyCommand::Proposals { by, json } => office::proposals(&by, json).await?,
        PolicyCommand::Propose { texts, by, confirm } => office::propose(&by, &texts, confirm).await?,
        PolicyCommand::Approve { hash, by, confirm } => office::approve(&by, &hash, confirm).await?,
        PolicyCommand::Activate { hash, by, confirm } => office::activate(&by, &hash, confirm).await?,
        PolicyCommand::Check { dir } => return check_page(dir.as_deref()),
        PolicyCommand::Test { dir } => return test_page(&dir),
        PolicyCommand::Matrix { dir, write } => return matrix_page(dir.as_deref(), write),
        PolicyCommand::Compare { dir, with } => return compare_page(&dir, with.as_deref()),
        #[cfg(feature = "prove")]
        PolicyCommand::Prove { dir, from } => {
            return super::policy_prove::page(dir.as_deref(), from.as_deref());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The policies of a folder, or those inside this program.
pub(super) fn load(dir: Option<&Path>) -> Result<Policy, String> {
    dir.map_or_else(Policy::embedded, Policy::from_dir).map_err(super::told)
}

fn check_page(dir: Option<&Path>) -> Result<ExitCode, String> {
    let findings = dir.map_or_else(|| check(&Texts::embedded()), check_dir);
    findings.iter().for_each(|finding| println!("{finding}"));
    if !findings.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    println!("sound; hash {}", hex(&load(dir)?.hash()));
    Ok(ExitCode::SUCCESS)
}

fn test_page(dir: &Path) -> Result<ExitCode, String> {
    let examples = test_dir(dir).map_err(super::told)?;
    let faults: Vec<_> = examples.iter().filter_map(|example| example.fault.as_ref()).collect();
    for example in &examples {
        match &example.fault {
            None => println!("ok    {}", example.title),
            Some(fault) => println!("NOT   {fault}"),
        }
    }
    println!("{} examples hold, {} don't", examples.len() - faults.len(), faults.len());
    if examples.is_empty() {
        return Err(format!("no example in {}: there are none in examples*.txt", dir.display()));
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn matrix_page(dir: Option<&Path>, write: bool) -> Result<ExitCode, String> {
    let table = matrix(&load(dir)?);
    let Some(dir) = dir else {
        print!("{table}");
        return Ok(ExitCode::SUCCESS);
    };
    if write {
        let file = dir.join("who-may-what.txt");
        std::fs::write(&file, table).map_err(|error| format!("{}: {error}", file.display()))?;
        println!("{} written: review what changed in it", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    print!("{table}");
    match check_matrix(dir).map_err(super::told)? {
        None => Ok(ExitCode::SUCCESS),
        Some(finding) => {
            eprintln!("{finding}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn compare_page(dir: &Path, with: Option<&Path>) -> Result<ExitCode, String> {
    let change = load(with)?.compare(&load(Some(dir))?);
    say(&change.to_string());
    if change.kind() == ChangeKind::Equal {
        println!("  nobody gains and nobody loses");
    }
    Ok(ExitCode::SUCCESS)
}

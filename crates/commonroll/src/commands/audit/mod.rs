//! `commonroll audit`: verify and show the log, ask it, make and check proofs, watch as a witness, and see who has not
//! answered a withdrawal notice.

mod lines;
mod proofs;
mod questions;
mod source;
mod withdrawals;
mod witness;

use crate::commands::{hub::Place, line::hex, told};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use commonroll_core::Slug;
use commonroll_exchange::{Direction, Topic};
use indicatif::{ProgressBar, ProgressStyle};
use source::Source;
use std::{path::PathBuf, process::ExitCode};

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
        /// The leaves themselves, base64, one a line: what the log's tree is made of
        #[arg(long)]
        raw: bool,
    },
    /// Get a signed checkpoint of the log: keep it, and every later log must extend it
    Checkpoint {
        #[command(flatten)]
        source: Source,
        /// File to write [default: standard output]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Get the proof, as a file, that an entry is in the log
    Prove {
        /// The entry's sequence number
        sequence: u64,
        #[command(flatten)]
        source: Source,
        /// File to write [default: standard output]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Get the proof, as a file, that the log of now extends a checkpoint that you kept
    Consistency {
        /// The checkpoint that you kept
        old: PathBuf,
        #[command(flatten)]
        source: Source,
        /// File to write [default: standard output]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Check a proof file or a checkpoint, offline; exit code 1 if it does not hold
    VerifyProof {
        /// The file
        file: PathBuf,
        /// The log's key, or a file with it, had from somebody other than the hub
        #[arg(long)]
        key: String,
        /// The checkpoint that you kept; a consistency proof needs it
        #[arg(long)]
        old: Option<PathBuf>,
    },
    /// Look at the log once as a witness: accept its newest checkpoint only if it extends the last one seen, and cosign
    /// it; exit code 3 and an alarm if the log was forked, cut or rewritten
    Witness(witness::Args),
    /// Show who saw a learner's records: every institution that was sent one, and every person who read one
    ///
    /// For a data manager or data protection officer, at the hub. The learner's home is shown all of it, but for what went to
    /// an earlier home; a host what became of the records that it made, and what its own people read.
    ///
    /// Example: commonroll audit who-saw 004711 --in-role dpo --from 2026-09-01
    WhoSaw(questions::WhoSaw),
    /// Show what an institution shared, in sums by partner and kind
    ///
    /// At the hub as a person, with --as, --in-role or COMMONROLL_PERSON, who is told what concerns their own institution; on
    /// the hub's data folder with --dir, or without any of these, for its operator.
    SharedBy {
        /// The institution's slug
        institution: Slug,
        #[command(flatten)]
        asked: questions::Asked,
    },
    /// Show what an institution received, in sums by partner and kind
    ///
    /// At the hub as a person, with --as, --in-role or COMMONROLL_PERSON, who is told what concerns their own institution; on
    /// the hub's data folder with --dir, or without any of these, for its operator.
    ReceivedBy {
        /// The institution's slug
        institution: Slug,
        #[command(flatten)]
        asked: questions::Asked,
    },
    /// Show what was refused or withheld, to whom and why
    ///
    /// At the hub as a person, with --as, --in-role or COMMONROLL_PERSON, who is told what concerns their own institution; on
    /// the hub's data folder with --dir, or without any of these, for its operator.
    Refused(questions::Asked),
    /// Show how the rules and the agreements changed, and who approved it
    ///
    /// At the hub as a person, with --as, --in-role or COMMONROLL_PERSON, who is told what concerns their own institution; on
    /// the hub's data folder with --dir, or without any of these, for its operator.
    PolicyChanges(questions::Asked),
    /// Show what people read, asked and took out
    ///
    /// At the hub as a person, with --as, --in-role or COMMONROLL_PERSON, who is told what concerns their own institution; on
    /// the hub's data folder with --dir, or without any of these, for its operator.
    Exports(questions::Asked),
    /// List withdrawal notices without a deletion receipt: who was asked, since when, why, how many copies
    ///
    /// At the hub as a person, with --as, --in-role or COMMONROLL_PERSON, who is told of what their own institution was asked, and
    /// of the copies of records that it made; on the hub's data folder with --dir, or without any of these, for its operator.
    Withdrawals(withdrawals::Args),
}

/// Runs an audit command.
pub async fn run(command: AuditCommand) -> Result<ExitCode, String> {
    match command {
        AuditCommand::Verify(place) => verify(&place).await?,
        AuditCommand::Show { place, from, limit, raw } => {
            let (_, exchange) = place.open().await?;
            if raw {
                for entry in exchange.leaves(from, limit).await.map_err(told)? {
                    println!("{}", STANDARD.encode(entry));
                }
                return Ok(ExitCode::SUCCESS);
            }
            for entry in exchange.show(from, limit).await.map_err(told)? {
                println!("{entry}");
            }
        }
        AuditCommand::Checkpoint { source, out } => proofs::checkpoint(&source, out.as_deref()).await?,
        AuditCommand::Prove { sequence, source, out } => {
            proofs::prove(sequence, &source, out.as_deref()).await?;
        }
        AuditCommand::Consistency { old, source, out } => {
            proofs::consistency(&old, &source, out.as_deref()).await?;
        }
        AuditCommand::VerifyProof { file, key, old } => proofs::verify(&file, &key, old.as_deref())?,
        AuditCommand::Withdrawals(args) => withdrawals::run(&args).await?,
        AuditCommand::Witness(args) => return witness::run(&args).await,
        AuditCommand::WhoSaw(asked) => questions::who_saw(&asked).await?,
        AuditCommand::SharedBy { institution, asked } => {
            questions::sharing(&asked, Direction::SharedBy, &institution).await?;
        }
        AuditCommand::ReceivedBy { institution, asked } => {
            questions::sharing(&asked, Direction::ReceivedBy, &institution).await?;
        }
        AuditCommand::Refused(asked) => questions::events(&asked, Topic::Refused).await?,
        AuditCommand::PolicyChanges(asked) => questions::events(&asked, Topic::PolicyChanges).await?,
        AuditCommand::Exports(asked) => questions::events(&asked, Topic::Exports).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(place: &Place) -> Result<(), String> {
    let (_, exchange) = place.open().await?;
    let style = ProgressStyle::with_template("verifying {bar:30} {pos}/{len} entries").map_err(told)?;
    let bar = ProgressBar::new(exchange.stats().log_entries).with_style(style);
    let verified = exchange.verify(|entries| bar.set_position(entries)).await.map_err(told)?;
    bar.finish_and_clear();
    println!(
        "verified {} entries, {} records, {} payloads",
        verified.entries, verified.records, verified.payloads
    );
    if verified.erased + verified.going > 0 {
        println!("{} payloads were taken out, each by an entry that says so", verified.erased);
    }
    if verified.going > 0 {
        println!("{} more must go by an entry; the hub takes them out by itself", verified.going);
    }
    println!("root {}", hex(&verified.root));
    let (note, _) = exchange.checkpoint(0).await.map_err(told)?;
    println!("key  {}\n\n{note}", exchange.log_key());
    Ok(())
}

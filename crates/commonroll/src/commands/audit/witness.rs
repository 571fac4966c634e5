//! `audit witness`: one look at a log, by somebody who need not trust the hub.
//!
//! The folder is all the state: the log's key as first seen, the last checkpoint that was accepted (cosigned), the
//! witness's own key, and the evidence of an alarm. An alarm stands until a person moves its file away. Run it from
//! time to time (cron, a timer); it does not stay in memory.

use super::source::{self, Opened, Source};
use crate::{
    commands::told,
    real::{Real, now},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use commonroll_agent::Randomness;
use commonroll_audit::{
    Checkpoint, ConsistencyFile, LogPublicKey, ProofFile, Refusal, SigningKey, WitnessKey, accept,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Exit code of an alarm.
const ALARM: u8 = 3;

/// The flags.
#[derive(clap::Args)]
pub struct Args {
    /// A checkpoint or consistency proof to take instead of asking a hub
    file: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
    /// The witness's folder [default: witness, in the agent's data folder if --agent is given]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The log's key, or a file with it; needed the first time unless --agent has it from its invitation
    #[arg(long)]
    key: Option<String>,
    /// The witness's name under its cosignatures
    #[arg(long, default_value = "commonroll-witness")]
    name: String,
}

/// Looks once.
pub async fn run(args: &Args) -> Result<ExitCode, String> {
    let agent = args.source.agent()?;
    let folder = args.folder.clone().unwrap_or_else(|| match &agent {
        Some(settings) => settings.data.join("witness"),
        None => PathBuf::from("witness"),
    });
    commonroll_agent::durable::private_folder(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    let folder = Folder(folder);
    let opened = if args.file.is_none() { Some(args.source.open().await?) } else { None };
    let key = folder.log_key(args.key.as_deref(), opened.as_ref())?;
    let kept = folder.kept(&key)?;
    let offered = match (&args.file, &opened) {
        (Some(file), _) => from_file(file, kept.as_ref())?,
        (None, Some(opened)) => opened.since(kept.as_ref().map_or(0, |kept| kept.size)).await?,
        (None, None) => return Err("say --agent, --dir or a file".to_owned()),
    };
    match accept(kept.as_ref(), &offered.checkpoint, &offered.proof, &key) {
        Ok(newest) => {
            let witness = folder.own_key(&args.name)?;
            let seconds = u64::try_from(now().micros() / 1_000_000).unwrap_or(0);
            let cosigned = witness.cosign(&offered.checkpoint, seconds).map_err(told)?;
            folder.store("checkpoint", &cosigned)?;
            let from = kept.map_or_else(|| "first seen".to_owned(), |kept| format!("extends {}", kept.size));
            println!("ok: {} has {} entries ({from})", newest.origin, newest.size);
            println!("cosigned by {}", witness.public());
        }
        // A wrong file says nothing about the log; a hub that shows something unsigned does.
        Err(Refusal::Note(error)) if args.file.is_some() => return Err(told(error)),
        Err(refusal) => folder.alarm(&refusal, &offered.checkpoint)?,
    }
    folder.standing_alarm()
}

fn from_file(file: &Path, kept: Option<&Checkpoint>) -> Result<ConsistencyFile, String> {
    let old_size = kept.map_or(0, |kept| kept.size);
    match ProofFile::read(&source::text(file)?).map_err(told)? {
        ProofFile::Consistency(proof) if proof.old_size == old_size => Ok(proof),
        ProofFile::Consistency(proof) => Err(format!(
            "{} starts at {} entries, and this witness has seen {old_size}: make one from its checkpoint",
            file.display(),
            proof.old_size
        )),
        ProofFile::Checkpoint(checkpoint) => {
            let says = checkpoint.lines().nth(1).and_then(|line| line.parse::<u64>().ok());
            match kept {
                // Without a proof a longer log is neither good nor bad.
                Some(kept) if says.is_some_and(|size| size > kept.size) => Err(format!(
                    "{} is newer than what this witness has seen: bring the proof of `audit consistency`",
                    file.display()
                )),
                _ => Ok(ConsistencyFile { old_size, proof: Vec::new(), checkpoint }),
            }
        }
        ProofFile::Inclusion(_) => Err(format!("{} is about an entry; see verify-proof", file.display())),
    }
}

struct Folder(PathBuf);

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn read(&self, name: &str) -> Result<Option<String>, String> {
        let path = self.path(name);
        if path.exists() { source::text(&path).map(Some) } else { Ok(None) }
    }

    fn store(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.path(name);
        commonroll_agent::durable::replace(&path, text.as_bytes(), commonroll_agent::durable::Readers::Owner)
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The key that was seen first holds for ever.
    fn log_key(&self, given: Option<&str>, opened: Option<&Opened>) -> Result<LogPublicKey, String> {
        let given = given.map(source::key).transpose()?;
        if let Some(text) = self.read("log.key")? {
            let kept: LogPublicKey = text.trim().parse().map_err(told)?;
            return match given {
                Some(given) if given != kept => {
                    Err("this folder watches another log: take a folder for each log".to_owned())
                }
                _ => Ok(kept),
            };
        }
        let key = match (given, opened) {
            (Some(given), _) => given,
            (None, Some(opened)) => opened.key()?,
            (None, None) => return Err("the first time, say the log's key: --key".to_owned()),
        };
        self.store("log.key", &format!("{key}\n"))?;
        Ok(key)
    }

    fn kept(&self, key: &LogPublicKey) -> Result<Option<Checkpoint>, String> {
        let note = self.read("checkpoint")?;
        note.map(|note| Checkpoint::open(&note, key)).transpose().map_err(|error| {
            format!("{}: {}; restore the file", self.path("checkpoint").display(), told(error))
        })
    }

    fn own_key(&self, name: &str) -> Result<WitnessKey, String> {
        if self.read("witness.key")?.is_none() {
            let mut seed = [0; 32];
            Randomness::fill(&Real, &mut seed);
            self.store("witness.key", &format!("{}\n", STANDARD.encode(seed)))?;
        }
        let text = self.read("witness.key")?.unwrap_or_default();
        let seed = STANDARD.decode(text.trim()).ok().and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        let seed = seed.ok_or("witness.key can't be read; move it away and a new one is made")?;
        WitnessKey::new(name, SigningKey::from_seed(&seed).map_err(told)?).map_err(told)
    }

    /// Keeps both notes; the first alarm's evidence is never written over.
    fn alarm(&self, refusal: &Refusal, refused: &str) -> Result<(), String> {
        if !self.path("ALARM").exists() {
            let kept = self.read("checkpoint")?.unwrap_or_default();
            self.store("seen.checkpoint", &kept)?;
            self.store("refused.checkpoint", refused)?;
            self.store("ALARM", &format!("{refusal}\n"))?;
        }
        eprintln!("ALARM: {refusal}");
        Ok(())
    }

    fn standing_alarm(&self) -> Result<ExitCode, String> {
        let Some(alarm) = self.read("ALARM")? else { return Ok(ExitCode::SUCCESS) };
        eprintln!(
            "ALARM stands in {}: {}\nevidence: seen.checkpoint and refused.checkpoint there; compare with another \
             partner, ask whoever runs the hub, and move the file ALARM away once it is explained",
            self.0.display(),
            alarm.trim()
        );
        Ok(ExitCode::from(ALARM))
    }
}

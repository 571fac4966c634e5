//! `audit checkpoint`, `prove`, `consistency` and `verify-proof`: proofs as files, and their check without a hub.

use super::source::{self, Source};
use crate::commands::{line::hex, told};
use commonroll_audit::{Checkpoint, ProofFile, leaf_hash};
use std::path::Path;

/// Writes the newest checkpoint.
pub async fn checkpoint(from: &Source, out: Option<&Path>) -> Result<(), String> {
    let opened = from.open().await?;
    let file = opened.since(0).await?;
    Checkpoint::open(&file.checkpoint, &opened.key()?).map_err(told)?;
    write(out, &file.checkpoint)
}

/// Writes the proof of an entry. What does not hold is not written.
pub async fn prove(sequence: u64, from: &Source, out: Option<&Path>) -> Result<(), String> {
    let opened = from.open().await?;
    let file = opened.prove(sequence).await?;
    file.verify(&opened.key()?).map_err(told)?;
    write(out, &file.text())
}

/// Writes the proof that the log extends a kept checkpoint. What does not hold is not written.
pub async fn consistency(old: &Path, from: &Source, out: Option<&Path>) -> Result<(), String> {
    let opened = from.open().await?;
    let key = opened.key()?;
    let kept = source::checkpoint(old, &key)?;
    let file = opened.since(kept.size).await?;
    file.verify(&kept, &key).map_err(|error| {
        format!(
            "the log does not extend the checkpoint in {}: {}; keep that file",
            old.display(),
            told(error)
        )
    })?;
    write(out, &file.text())
}

/// Checks a file by its own bytes, the key and what the caller kept.
pub fn verify(file: &Path, key: &str, old: Option<&Path>) -> Result<(), String> {
    let key = source::key(key)?;
    let name = file.display();
    let wrong = |error: &dyn std::fmt::Display| format!("{name} does not hold: {error}");
    match ProofFile::read(&source::text(file)?).map_err(|e| wrong(&e))? {
        ProofFile::Inclusion(proof) => {
            let log = proof.verify(&key).map_err(|e| wrong(&e))?;
            println!("holds: entry {} is in {} of {} entries", proof.index + 1, log.origin, log.size);
            println!("leaf  {}", hex(&leaf_hash(&proof.entry)));
            match proof.entry.split_first() {
                // The text of a note is JSON; nothing in it may steer a terminal.
                Some((2, note)) => {
                    println!("entry {}", String::from_utf8_lossy(note).escape_debug_but_quotes())
                }
                _ => println!("entry {}", hex(&proof.entry)),
            }
        }
        ProofFile::Consistency(proof) => {
            let old = old.ok_or("a consistency proof needs the checkpoint that you kept: --old FILE")?;
            let kept = source::checkpoint(old, &key)?;
            let log = proof.verify(&kept, &key).map_err(|e| wrong(&e))?;
            println!("holds: {} of {} entries extends the {} that you kept", log.origin, log.size, kept.size);
        }
        ProofFile::Checkpoint(note) => {
            let log = Checkpoint::open(&note, &key).map_err(|e| wrong(&e))?;
            println!("holds: {} said that it has {} entries", log.origin, log.size);
            println!("root  {}", hex(&log.root));
        }
    }
    Ok(())
}

trait Shown {
    fn escape_debug_but_quotes(&self) -> String;
}

impl Shown for str {
    fn escape_debug_but_quotes(&self) -> String {
        let escaped =
            |c: char| if c == '"' || c == '\\' { c.to_string() } else { c.escape_debug().to_string() };
        self.chars().map(escaped).collect()
    }
}

fn write(out: Option<&Path>, text: &str) -> Result<(), String> {
    match out {
        None => print!("{text}"),
        Some(path) => {
            std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("wrote {}", path.display());
        }
    }
    Ok(())
}

//! A witness: remembers the last checkpoint of a log and accepts only what extends it.
//!
//! Anybody who keeps one checkpoint can tell whether the log's past was changed since. This module judges; where the
//! checkpoint is kept is the caller's. A witness with a key of its own can say in public what it saw, by a
//! [cosignature](https://c2sp.org/tlog-cosignature) under the checkpoint.

use crate::checkpoint::{
    Checkpoint, CheckpointError, LogPublicKey, NoteKey, NotePublicKey, SIGNATURE_LINE, parts, signature_line,
};
use crate::hash::Hash;
use crate::keys::Signature;
use crate::proof::verify_consistency;
use crate::text;

/// The signature type byte of a timestamped Ed25519 cosignature.
const COSIGNATURE: u8 = 0x04;

/// Why a checkpoint is not accepted. All but [`Refusal::Note`] are signed by the log's own key: keep both notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not a checkpoint of this log.
    #[error(transparent)]
    Note(#[from] CheckpointError),
    /// The log has fewer entries than were seen.
    #[error("the log went back: it had {old} entries and now shows {new}")]
    WentBack {
        /// Entries that were seen.
        old: u64,
        /// Entries now.
        new: u64,
    },
    /// Two histories of the same length.
    #[error(
        "the log is forked: it showed two different histories of {size} entries, both signed with its key"
    )]
    Forked {
        /// Entries in each.
        size: u64,
    },
    /// The proof does not lead from the history that was seen to this one.
    #[error(
        "the log of {new} entries does not extend the log of {old} entries that was seen: its past was changed"
    )]
    Rewritten {
        /// Entries that were seen.
        old: u64,
        /// Entries now.
        new: u64,
    },
}

/// The checkpoint in `note`, if the log's key signed it and it extends the one that was kept.
///
/// # Errors
/// [`Refusal`]; the caller raises the alarm and keeps what it had.
pub fn accept(
    kept: Option<&Checkpoint>,
    note: &str,
    proof: &[Hash],
    key: &LogPublicKey,
) -> Result<Checkpoint, Refusal> {
    let newest = Checkpoint::open(note, key)?;
    let Some(kept) = kept else { return Ok(newest) };
    let (old, new) = (kept.size, newest.size);
    if new < old {
        return Err(Refusal::WentBack { old, new });
    }
    if new == old && newest.root != kept.root {
        return Err(Refusal::Forked { size: old });
    }
    match verify_consistency(old, &kept.root, new, &newest.root, proof) {
        Ok(()) => Ok(newest),
        Err(_) => Err(Refusal::Rewritten { old, new }),
    }
}

/// A witness's private key with the witness's name.
pub type WitnessKey = NoteKey<COSIGNATURE>;

impl WitnessKey {
    /// The note with this witness's line below it: "at this second I had seen no other history".
    ///
    /// Only for a note that [`accept`] took. `seconds` are Unix time.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] when the text is no signed note.
    pub fn cosign(&self, note: &str, seconds: u64) -> Result<String, CheckpointError> {
        let (signed, _) = parts(note)?;
        let mut blob = self.public.id.to_vec();
        blob.extend(seconds.to_be_bytes());
        blob.extend(self.key.sign(statement(signed, seconds).as_bytes()));
        Ok(format!("{note}{SIGNATURE_LINE}{} {}\n", self.public.name, text::base64(&blob)))
    }
}

fn statement(signed: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{signed}")
}

/// A witness's public key with the witness's name.
pub type WitnessPublicKey = NotePublicKey<COSIGNATURE>;

impl WitnessPublicKey {
    /// The Unix time in seconds at which this witness saw the checkpoint in `note`, if it cosigned it.
    ///
    /// # Errors
    /// [`CheckpointError`] when its line is missing or does not fit the text.
    pub fn seen(&self, note: &str) -> Result<u64, CheckpointError> {
        let (signed, lines) = parts(note)?;
        let mine = lines
            .into_iter()
            .filter_map(signature_line)
            .find(|(name, id, _)| *name == self.name && *id == self.id);
        let (_, _, blob) = mine.ok_or(CheckpointError::Unsigned)?;
        let (seconds, signature) = blob.split_first_chunk::<8>().ok_or(CheckpointError::Signature)?;
        let signature: Signature = signature.try_into().map_err(|_| CheckpointError::Signature)?;
        let seconds = u64::from_be_bytes(*seconds);
        let statement = statement(signed, seconds);
        self.key.verify(statement.as_bytes(), &signature).map_err(|_| CheckpointError::Signature)?;
        Ok(seconds)
    }
}

//! Watching the log: the last checkpoint that this agent saw is kept, and the next one must extend it.
//!
//! So the hub can't rewrite history unseen. A checkpoint that does not extend the last one raises an alarm that stands
//! until a person has seen to it; the last good one is kept.

use crate::{error::AgentError, hub::Hub, spool::Spool};
use commonroll_audit::{Checkpoint, Hash, LogPublicKey, verify_consistency};
use commonroll_core::Timestamp;

/// Name of the alarm.
pub const ALARM: &str = "history";

/// Asks for the newest checkpoint and checks it. Gives the size of the log, or `None` if the alarm was raised.
///
/// # Errors
/// When the hub can't be asked or the spool fails.
pub async fn check(
    hub: &dyn Hub,
    spool: &Spool,
    key: &LogPublicKey,
    now: Timestamp,
) -> Result<Option<u64>, AgentError> {
    let kept = match spool.meta("checkpoint").await? {
        None => None,
        Some(note) => {
            let note = String::from_utf8(note).map_err(|_| AgentError::Damaged("checkpoint"))?;
            Some(Checkpoint::open(&note, key).map_err(|_| AgentError::Damaged("checkpoint"))?)
        }
    };
    let answer = hub.checkpoint(kept.as_ref().map_or(0, |kept| kept.size)).await?;
    let found = judge(kept.as_ref(), &answer.checkpoint, &answer.consistency, key);
    match found {
        Ok(newest) => {
            if kept.is_none_or(|kept| newest.size > kept.size) {
                spool.set("checkpoint", answer.checkpoint.as_bytes()).await?;
            }
            Ok(Some(newest.size))
        }
        Err(problem) => {
            let text =
                format!("{problem}; keep this agent's data folder as evidence and ask whoever runs the hub");
            spool.alarm(ALARM, &text, now).await?;
            Ok(None)
        }
    }
}

/// The checkpoint, if it is the log's and extends the one that we hold.
fn judge(
    kept: Option<&Checkpoint>,
    note: &str,
    proof: &[bytes::Bytes],
    key: &LogPublicKey,
) -> Result<Checkpoint, String> {
    let newest =
        Checkpoint::open(note, key).map_err(|error| format!("the hub's checkpoint is refused: {error}"))?;
    let Some(kept) = kept else { return Ok(newest) };
    let hashes: Option<Vec<Hash>> = proof.iter().map(|hash| Hash::try_from(hash.as_ref()).ok()).collect();
    let hashes = hashes.ok_or("the proof of history can't be read")?;
    match verify_consistency(kept.size, &kept.root, newest.size, &newest.root, &hashes) {
        Ok(()) => Ok(newest),
        Err(_) => Err(format!(
            "the log of {} entries does not extend the log of {} entries that this agent saw",
            newest.size, kept.size
        )),
    }
}

//! Watching the log: the last checkpoint that this agent saw is kept, and the next one must extend it.
//!
//! So the hub can't rewrite history unseen. A checkpoint that does not extend the last one raises an alarm that stands
//! until a person has seen to it; the last good one is kept, and the first refused one beside it, as evidence.

use crate::{
    error::AgentError,
    hub::{Hub, hashes},
    spool::Spool,
};
use commonroll_audit::{Checkpoint, LogPublicKey, accept};
use commonroll_core::Timestamp;

/// Name of the alarm.
pub const ALARM: &str = "history";
/// Where the first refused checkpoint is kept.
const REFUSED: &str = "checkpoint.refused";

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
    // Hashes that can't be read prove nothing, as none do.
    let proof = hashes(&answer.consistency).unwrap_or_default();
    match accept(kept.as_ref(), &answer.checkpoint, &proof, key) {
        Ok(newest) => {
            if kept.is_none_or(|kept| newest.size > kept.size) {
                spool.set("checkpoint", answer.checkpoint.as_bytes()).await?;
            }
            Ok(Some(newest.size))
        }
        Err(refusal) => {
            let text =
                format!("{refusal}; keep this agent's data folder as evidence and ask whoever runs the hub");
            spool.alarm(ALARM, &text, now).await?;
            if spool.meta(REFUSED).await?.is_none() {
                spool.set(REFUSED, answer.checkpoint.as_bytes()).await?;
            }
            Ok(None)
        }
    }
}

/// What to show to others when the alarm stands: the last checkpoint that held, and the first one that was refused.
///
/// # Errors
/// When the spool fails.
pub async fn evidence(spool: &Spool) -> Result<Option<(String, String)>, AgentError> {
    let note = async |name| {
        Ok::<_, AgentError>(spool.meta(name).await?.map(|note| String::from_utf8_lossy(&note).into_owned()))
    };
    Ok(note("checkpoint").await?.zip(note(REFUSED).await?))
}

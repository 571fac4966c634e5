//! Telling the hub that everything there is to send has been sent.
//!
//! A register that is not in can be late, or the whole source can be: only the agent can tell. When an export that has
//! marks of today was written anew and all that it says is in the log, the hub is told so: an empty call of `Declare`.
//! A connection alone is no such word, since a dead export behind a living agent looks like a quiet school.

use crate::{error::AgentError, hub::Hub, spool::Spool};
use commonroll_core::{SchoolDate, Timestamp};
use std::collections::BTreeSet;

/// When an export with today's marks was last read, and when the hub was last told, microseconds since the epoch.
const READ: &str = "current_read";
const TOLD: &str = "current_told";
/// The hub is told at most so often, in microseconds: well within the minute in which it has to tell others. It writes down
/// what it needs of that.
const EVERY_US: u64 = 15_000_000;

/// Notes that exports were read anew, if one of them has marks of today.
pub(crate) async fn note(
    spool: &Spool,
    read: &BTreeSet<String>,
    now: Timestamp,
    today: SchoolDate,
) -> Result<(), AgentError> {
    for origin in read {
        if spool.has_marks_on(origin, today).await? {
            return spool.set(READ, &now.micros().unsigned_abs().to_be_bytes()).await;
        }
    }
    Ok(())
}

/// What was read before a round of publishing began: the hub may be told of it once the round is done.
pub(crate) async fn read(spool: &Spool) -> Result<u64, AgentError> {
    spool.number(READ).await
}

/// Tells the hub, if there is something to tell that it was not told lately.
pub(crate) async fn tell(hub: &dyn Hub, spool: &Spool, read: u64) -> Result<(), AgentError> {
    if read < spool.number(TOLD).await?.saturating_add(EVERY_US) {
        return Ok(());
    }
    hub.declare(Vec::new()).await?;
    spool.set(TOLD, &read.to_be_bytes()).await
}

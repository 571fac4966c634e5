//! An id of the institution's own stands for another child, as a person there said in the console: what exports say of it now is
//! declared anew.
//!
//! The hub took back what was said of the child before, and this end holds the same rows for known. Neither keeps what they
//! say, so the exports are read once more, and what stands there now goes out. Each time once, whatever is told again.

use crate::{
    error::AgentError,
    hub::{Hub, HubError},
    spool::Spool,
};

/// Asks the hub, and lets what is concerned be compared anew. Nothing waits for it: what fails is logged and tried again.
pub async fn heed(hub: &dyn Hub, spool: &Spool) {
    match heeded(hub, spool).await {
        Ok(0) => {}
        Ok(rows) => tracing::info!(
            rows,
            "ids stand for other learners now; what exports say of them is declared anew"
        ),
        Err(error) => tracing::warn!(%error, "the hub can't be asked for ids that stand for other learners"),
    }
}

async fn heeded(hub: &dyn Hub, spool: &Spool) -> Result<u64, AgentError> {
    match hub.begun_anew().await {
        Ok(begun) if begun.is_empty() => Ok(0),
        Ok(begun) => spool.begin_anew(&begun).await,
        // A hub of before doesn't say.
        Err(HubError::Refused(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

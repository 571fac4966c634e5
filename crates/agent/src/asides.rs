//! What becomes of records that can't be written here goes into the hub's log: that each was set aside, that a person tries it
//! again or gives it up. What the MIS said of it stays here.

use crate::{
    error::AgentError,
    hub::{Hub, HubError},
    spool::Spool,
};
use commonroll_core::{
    Timestamp,
    aside::{AsideStep, STEPS_MAX},
};

/// What a person decides about a record that was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// To be tried again.
    Retry,
    /// Given up.
    Dismiss,
}

/// Tells the hub what it doesn't know yet. Nothing waits for it: what fails is logged and tried again later.
pub async fn tell(hub: &dyn Hub, spool: &Spool, now: Timestamp) {
    if let Err(error) = told(hub, spool, now).await {
        tracing::warn!(%error, "the hub can't be told of records set aside for now");
    }
}

async fn told(hub: &dyn Hub, spool: &Spool, now: Timestamp) -> Result<(), AgentError> {
    spool.still_aside(now).await?;
    loop {
        let (steps, last) = spool.aside_steps(STEPS_MAX).await?;
        if steps.is_empty() {
            return Ok(());
        }
        match hub.tell_aside(steps.clone()).await {
            Ok(()) => spool.aside_told(last).await?,
            Err(HubError::Refused(_)) => match hub.tell_aside(Vec::new()).await {
                // One of them is at fault.
                Ok(()) => {
                    one_by_one(hub, steps).await?;
                    spool.aside_told(last).await?;
                }
                // A hub of before can't be told; one that comes after it is.
                Err(HubError::Refused(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
}

/// A step that the hub never takes, as one of before it was restored, is dropped: those behind it are told. What the hub knows
/// already changes nothing.
async fn one_by_one(hub: &dyn Hub, steps: Vec<AsideStep>) -> Result<(), AgentError> {
    for step in steps {
        let (sequence, deed) = (step.sequence, step.deed.entry());
        match hub.tell_aside(vec![step]).await {
            Ok(()) => {}
            Err(HubError::Refused(why)) => {
                tracing::error!(
                    sequence,
                    deed,
                    why,
                    "the hub refuses what became of a record set aside; its log will not have it"
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

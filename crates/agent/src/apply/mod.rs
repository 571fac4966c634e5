//! Carrying the outbox's rows into the MIS, and writing the result files that the outbox reads.
//!
//! The outbox's files stay the truth: what is carried, and what became of it, follows from them and their result files alone.
//! Only how often a row was tried is the spool's. A row that the MIS refuses for ever is tried a bounded number of times, then
//! set aside in sight with what the MIS said; rows behind it are not held up, and a panic takes down one row. Only a newer row of
//! the same mark waits, and an older one never comes after it.
//! What to ask of an MIS is the connector's, asking is a [`Carrier`]'s.

mod begun;
pub mod http;
mod order;
pub(crate) mod results;
mod round;
mod row;
mod seen;
pub mod sql;

use crate::{
    chance::{Clock, Randomness},
    error::AgentError,
    settings::{Kind, Settings},
    spool::Spool,
};
pub use begun::begin;
use commonroll_connectors::render::{AssessmentRow, BehaviourRow, MarkRow};
pub use round::{Applied, Applier};
use std::{sync::Arc, time::Duration};

/// Tries of a row, before it waits for a person.
pub const TRIES_MAX: u32 = 6;

/// Carries rows into one MIS.
#[async_trait::async_trait]
pub trait Carrier: Send + Sync {
    /// Of which lists of the outbox the rows are carried, in this order: `attendance` (lessons), `session`, `assessment`, `behaviour`.
    fn lists(&self) -> &[&'static str] {
        &["attendance"]
    }

    /// Carries one row, so that it stands in the MIS or is refused when this returns. The same row again has no further effect.
    async fn carry(&self, row: &MarkRow) -> Result<Carried, Failure>;

    /// As [`carry`](Self::carry), for a result.
    async fn carry_result(&self, row: &AssessmentRow) -> Result<Carried, Failure> {
        let _ = row;
        Ok(Carried::Refused("results are not entered in this MIS; enter it by hand".to_owned()))
    }

    /// As [`carry`](Self::carry), for one learner's part in an event.
    async fn carry_event(&self, row: &BehaviourRow) -> Result<Carried, Failure> {
        let _ = row;
        Ok(Carried::Refused("behaviour is not entered in this MIS; enter it by hand".to_owned()))
    }

    /// True if the MIS was given this row and has yet to say what became of it: it must come to its end before a newer one.
    async fn is_under_way(&self, row: &MarkRow) -> Result<bool, Failure> {
        let _ = row;
        Ok(false)
    }

    /// Nothing more comes for a while: connections may be closed.
    async fn rest(&self) {}
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// It stands in the MIS; words for the data manager, or none.
    Applied(String),
    /// The MIS, or a person's mark in it, stands against it. Not tried again by itself.
    Refused(String),
    /// The MIS has taken it and has yet to say what became of it: to be carried again after this time.
    Waiting(Duration),
}

/// Why a row could not be carried. Words hold no value of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No row can be carried now: the MIS is away, or the settings are wrong. Nothing is counted against the row.
    Later(String),
    /// This row is held up by something that passes by itself, as a lock does; others may not be. Nothing is counted against it.
    HeldUp(String),
    /// This row failed; others may not.
    Row(String),
}

/// The carrier that the settings ask for; `None` if rows are carried by somebody else.
///
/// # Errors
/// [`AgentError::Settings`] with the key at fault.
pub fn carrier(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Randomness>,
    spool: &Spool,
) -> Result<Option<Arc<dyn Carrier>>, AgentError> {
    let Some(apply) = settings.outbox.as_ref().and_then(|outbox| outbox.apply.as_ref()) else {
        return Ok(None);
    };
    let wrong = |problem: String| AgentError::Settings { file: settings.data.clone(), problem };
    match apply.connection.kind {
        Kind::Mysql | Kind::Postgres => {
            let carrier = sql::SqlCarrier::new(apply).map_err(|fix| wrong(format!("outbox.apply: {fix}")))?;
            Ok(Some(Arc::new(carrier)))
        }
        Kind::Http => {
            let carrier = http::WondeCarrier::new(apply, settings, clock.clone(), rng.clone(), spool.clone());
            Ok(Some(Arc::new(carrier.map_err(|fix| wrong(format!("outbox.apply.{fix}")))?)))
        }
    }
}

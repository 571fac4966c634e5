//! Rights and duties: erasure, how long payloads are kept, what a breach touched, and what an institution takes with it.
//!
//! Every one begins with an entry that says who asked, in which role and why; what follows from it is done behind it, in
//! steps that a tick or a start goes on with. Nothing here shows or removes anything that an entry does not speak of.

mod breach;
mod breach_pages;
mod erase;
mod exit;
mod exit_pages;
pub(crate) mod gone;
mod pack;
pub(crate) mod ranges;
mod remarks;
pub(crate) mod retention;

pub use breach::{BreachBy, BreachSpan};
pub use erase::{Erasing, Erasure, ErasureReason};
pub use exit::{Ended, leaving_hash};
pub use pack::{Pack, Piece};
pub use retention::{RetentionRule, RetentionSeen};

use crate::shared::Shared;
use commonroll_core::Timestamp;
use std::sync::Arc;

/// A step of what there is to do: payloads that must go, then a look for what is kept no longer.
pub(crate) async fn tick(shared: &Arc<Shared>, now: Timestamp) {
    let Ok(mut retention) = shared.retention.try_lock() else { return };
    // What could not be taken out is tried again at the next tick: nothing more is planned before.
    if gone::finish(shared, now).await == Ok(true) {
        retention.step(shared, now).await;
        retention.remarks.step(shared, now).await;
    }
}

/// Takes out what entries say must go; false if the hub has to come back to it.
async fn finish(shared: &Arc<Shared>, now: Timestamp) -> bool {
    let _turn = shared.retention.lock().await;
    gone::finish(shared, now).await == Ok(true)
}

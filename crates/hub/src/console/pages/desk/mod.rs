//! The data manager's pages: who may see what and why, agreements, the log and its check, agents, people, what waits.

pub mod agents;
pub mod agreements;
pub mod explain;
pub mod log;
pub mod people;
pub mod sharing;
pub mod trial;
pub mod unmatched;
pub mod verify;
pub(in crate::console::pages) mod words;

use crate::console::signed::Signed;
use commonroll_core::Role;

/// Where somebody asks why things may be seen; empty for whom that page isn't.
fn why(signed: &Signed) -> &'static str {
    if matches!(signed.role(), Role::DataManager | Role::Dpo) { "/explain" } else { "" }
}

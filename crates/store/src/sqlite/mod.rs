//! SQLite: one file beside the hub, or memory for tests.

#[path = "../body.rs"]
mod body;
mod engine;
#[path = "../install.rs"]
mod install;
mod schema;

pub(crate) use engine::open;

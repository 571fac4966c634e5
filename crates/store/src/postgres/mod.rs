//! PostgreSQL: for several hub nodes, or where a database service is at hand.

#[path = "../body.rs"]
mod body;
mod engine;
#[path = "../install.rs"]
mod install;
mod schema;

pub(crate) use engine::open;

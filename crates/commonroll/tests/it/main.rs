//! Stories about the program itself: what somebody types and what they see.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod address;
mod setup;

#[path = "../../../agent/tests/it/mis/database.rs"]
#[expect(dead_code, reason = "the agent's own tests use all of it")]
mod database;
#[path = "../../../agent/tests/it/fake_mis.rs"]
#[expect(dead_code, reason = "the agent's own tests use all of it")]
mod fake_mis;
#[path = "../../../agent/tests/it/mis/screens.rs"]
#[expect(dead_code, reason = "the agent's own tests use all of it")]
mod screens;
#[path = "../../../agent/tests/it/mis/servers.rs"]
mod servers;

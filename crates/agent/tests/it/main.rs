//! Stories about the agent, told against a hub that loses, repeats and forgets on command.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod coming_back;
mod crashes;
mod expected;
mod exports;
mod fake_hub;
mod joining;
mod outbox;
mod publishing;
mod recalls;
mod receiving;
mod rig;
mod settings;
mod watching;

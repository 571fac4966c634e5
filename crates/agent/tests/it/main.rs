//! Stories about the agent, told against a hub that loses, repeats and forgets on command.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod alarming;
mod asking;
mod coming_back;
mod crashes;
mod decided;
mod difference;
mod doctor;
mod expected;
mod exports;
mod fake_hub;
mod fake_mis;
mod fetching;
mod joining;
mod mis;
mod outbox;
mod outbox_by_hand;
mod outbox_by_hand_again;
mod outbox_records;
mod outbox_sif;
mod overtaking;
mod publishing;
mod read_back;
mod recalls;
mod recalls_again;
mod receiving;
mod rig;
mod rosters;
mod settings;
mod telling;
mod transfer;
mod untaken;
mod vendors;
mod watching;
mod wonde;
mod wonde_back;

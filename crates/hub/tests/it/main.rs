//! The hub's doors, tried from outside: real TLS on loopback, a real exchange over SQLite in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should fail where it stands"
)]

mod agents;
mod browser;
mod case_01_strangers;
mod case_02_revocation;
mod case_04_invitations;
mod case_09_malformed;
mod case_29_disk_full;
mod case_35_clock;
mod console;
mod console_alignment;
mod console_cases;
mod console_desk;
mod console_emergencies;
mod console_exports;
mod console_mapping;
mod console_matching;
mod console_messages;
mod console_pages;
mod console_progress;
mod console_readiness;
mod console_routes;
mod console_sign_in;
mod console_slips;
mod console_steps;
mod console_whereabouts;
mod doors;
mod duties;
mod keys;
mod kit;
mod limits;
mod local;
mod office;
mod outbound;
mod page_sizes;
mod people;
mod questions;
mod reading;
mod renewal;
mod school;
mod settings;
mod stop;
mod withdrawals;

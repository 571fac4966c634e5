//! The agent: the program inside an institution that keeps its records and the consortium's in step.
//!
//! It reads the exports that an MIS leaves in folders, compares them with what it sent before, spools what is new,
//! corrected or withdrawn, publishes that, receives what others made, writes it back, and only then acknowledges.
//! Everything it must not forget is in its own SQLite spool before anybody is told.
//!
//! What it does not do: it decides nothing about who may see what (the hub does), it knows no format (connectors do),
//! and it reads no clock and draws no chance of its own: see [`Clock`] and [`Randomness`].

pub mod apply;
pub mod asides;
pub mod chance;
pub mod check;
mod current;
pub mod database;
pub mod decided;
pub mod difference;
pub mod doctor;
pub mod durable;
pub mod error;
pub mod fetch;
pub mod hook;
pub mod hub;
pub mod identity;
pub mod join;
pub mod outbox;
pub mod person;
pub mod publish;
pub mod recall;
pub mod receive;
pub mod renew;
pub mod run;
pub mod scan;
pub mod settings;
mod shown;
pub mod spool;
pub mod status;
pub mod telling;
pub mod transfer;
pub mod watchman;

pub use chance::{Clock, Randomness};
pub use error::AgentError;
pub use hub::{Hub, HubError};
pub use identity::Identity;
pub use person::PersonIdentity;
pub use settings::Settings;
pub use spool::Spool;

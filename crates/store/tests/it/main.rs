//! One suite for both engines.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;
mod erasing;
mod index;
mod log;
#[cfg(unix)]
mod outage;
mod safety;

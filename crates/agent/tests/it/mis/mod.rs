//! Real databases of three MIS: what they hold is read, and what partners saw is written where their own screens show it.

mod asking;
mod calendar;
mod carrying;
mod conduct;
mod cost;
mod database;
mod faults;
mod grades;
mod home;
mod poison;
mod reading;
mod screens;
mod servers;
mod sessions;

use commonroll_core::Timestamp;
use database::{Database, GIBBON, OPENSIS, ROSARIOSIS};

/// A clock that stands still.
pub struct Stopped(pub Timestamp);

impl commonroll_agent::Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

//! Stories of a school day, as the views tell them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod alignment;
mod attack;
mod evening;
mod progress;
mod readiness;
mod whereabouts;

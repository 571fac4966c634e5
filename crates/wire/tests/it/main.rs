//! Stories told of the wire: records sealed, opened, redacted, delivered and acknowledged.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod batches;
mod declaring;
mod hostile;
mod sample;
mod schema;
mod sealing;
mod signing;
mod strict;
mod vectors;

//! What no crate can test alone: the map is true, the schema is kept, a stranger's client works, the units are sound,
//! outsiders agree with our proofs.
//!
//! What a crate can test by itself is tested there. `./tests/run` sets up what these tests need.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should fail where it stands"
)]

mod agreements;
mod canary;
mod codes;
mod day;
mod deploy;
mod disk;
mod duties;
mod kill;
mod law;
mod outside;
mod people;
mod reading;
mod real;
mod schema;
mod sim;
mod story;
mod stranger;
mod teachers;
mod tidy;
mod town;
mod verifiers;

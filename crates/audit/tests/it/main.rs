//! The tests of `commonroll-audit`: known vectors, a second implementation as witness, and a lot of tampering.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod checkpoints;
mod files;
mod history;
mod keys;
mod outside;
mod seals;
mod trees;
mod vectors;

use commonroll_audit::{Hash, SigningKey};

/// A key for tests: its seed is one byte, 32 times.
fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hash(text: &str) -> Hash {
    unhex(text).try_into().unwrap()
}

/// Entry number `index` of a test log.
fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

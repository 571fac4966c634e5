//! What data managers' files become: one story a test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken fixture should stop the test at once")]

mod apis;
mod corpus;
mod ctf;
mod delimited;
mod edfi;
mod expected;
mod grades;
mod hostile;
mod hostile_formats;
mod json;
mod network;
mod oneroster;
mod oneroster_rest;
mod render;
mod sheet;
mod sif;
mod stretches;
mod support;
mod unseen;
mod xml;

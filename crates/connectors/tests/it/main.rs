//! What data managers' files become: one story a test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken fixture should stop the test at once")]

mod delimited;
mod edfi;
mod expected;
mod grades;
mod hostile;
mod oneroster;
mod render;
mod support;

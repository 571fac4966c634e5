//! What data managers' files become: one story a test.

mod delimited;
mod support;

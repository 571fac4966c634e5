//! Pages as printed: how many sides, what stands on them, and what can be read aloud.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod made;
mod pages;

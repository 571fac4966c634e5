//! The repository checks itself: the map in ARCHITECTURE.md is true, and the habits that no compiler knows are kept.

mod commands;
mod habits;
mod imports;
mod licence;
mod metadata;
mod source;
mod supply;

//! How well a published rule or number is known to us.
//!
//! Code tables and grade scales are data from many sources, not all of them read in the original. The mark travels
//! with each fact, so that nobody takes hearsay for law.

/// How well a fact of a table is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Read in two independent sources.
    TwoSources,
    /// Read in one named source.
    Sourced,
    /// Confirmed by arithmetic against published figures.
    Verified,
    /// Knowledge of the field, not re-read in a source. Check before relying on it.
    Knowledge,
}

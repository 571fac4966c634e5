//! What agents tell of their sources: taken once it differs from what was told before, with the age of each of it.
//!
//! An entry and a row, so that every node and every restart knows it: an agent tells nothing twice. It is told when it has
//! changed, and seldom, since all of it stands in the log for ever; and the entry says only how much was told.

use crate::{
    Exchange,
    directory::{
        change::{Change, Uuid},
        sources::{SourceHeld, SourcesHeld},
    },
    submit_with,
    types::{NotAllowed, Speaker},
    writer::Work,
};
use commonroll_core::{
    Invalid, Timestamp,
    sources::{SOURCES_MAX, SourceTold},
};
use std::collections::BTreeSet;

/// Between two tellings of one agent, in microseconds.
const EVERY_US: u64 = 60_000_000;
/// And where only the numbers of rows are others: an agent tells these once an hour, by a clock of its own.
const COUNTS_EVERY_US: u64 = 50 * 60_000_000;

/// Why what was told was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// Not an agent, or no longer.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It says what may not be told.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It was told of less than a minute ago, or less than an hour if only numbers of rows are others.
    #[error(
        "sources were told of a moment ago; tell again in a minute, or in an hour where only numbers of rows changed"
    )]
    TooSoon,
    /// The log can't be written.
    #[error("the hub can't write its log just now; try again")]
    Unavailable,
}

impl Exchange {
    /// Takes what an agent tells of its sources. What was told before changes nothing.
    ///
    /// # Errors
    /// [`TellError`].
    pub async fn tell_sources(
        &self,
        speaker: &Speaker,
        told: Vec<SourceTold>,
        now: Timestamp,
    ) -> Result<(), TellError> {
        let names: BTreeSet<&str> = told.iter().map(|source| source.name.as_str()).collect();
        if told.len() > SOURCES_MAX || names.len() < told.len() {
            return Err(Invalid::new("sources", "must be at most 64, each with a name of its own").into());
        }
        told.iter().try_for_each(SourceTold::check)?;
        let (agent, number) = (speaker.agent, speaker.number);
        let work = move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            directory.speaker(agent)?;
            let zone = &directory.institution(number).ok_or(NotAllowed::Denied)?.zone;
            let (today, before) = (now.date_in(zone), directory.sources().of(agent));
            let last = |name: &str| before?.sources.iter().find(|source| source.told.name == name);
            let sources: Vec<SourceHeld> =
                told.iter().map(|told| SourceHeld::aged(told.clone(), last(&told.name), today)).collect();
            if before.map_or(sources.is_empty(), |before| before.sources == sources) {
                return Ok(());
            }
            let is_soon = |before: &SourcesHeld| {
                let sorts = before.sources.iter().map(|source| source.told.without_rows());
                let every = match sorts.eq(told.iter().map(SourceTold::without_rows)) {
                    true => COUNTS_EVERY_US,
                    false => EVERY_US,
                };
                now.micros().abs_diff(before.at.micros()) < every
            };
            if before.is_some_and(is_soon) {
                return Err(TellError::TooSoon);
            }
            let rows: u64 = told.iter().flat_map(|source| &source.kept).map(|kept| kept.rows).sum();
            work.more = serde_json::json!({ "sources": sources.len(), "kept_back": rows });
            let sources = Box::new(SourcesHeld { agent: Uuid(agent), at: now, sources });
            work.planner.make(Change::Sources { sources });
            Ok(())
        };
        let done = submit_with(&self.shared, speaker.institution.as_str(), now, work).await;
        done.map_err(|_| TellError::Unavailable)?
    }
}

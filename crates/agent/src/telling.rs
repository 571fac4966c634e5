//! Telling the hub of the sources: which connector reads each with which mapping, and how many rows are kept back, by rule.
//!
//! So that whoever answers for the data sees on a page what has to be mended, and not only who sits at this machine. Sums
//! travel, never a row: what may be told of them is decided in `commonroll_core::sources`, and of captions only those that the
//! mapping itself names. File, line and fix stay in `agent status`. It is told when it has changed, and not often: each telling is
//! kept for ever there. Where there is more than the hub takes at once, sorts of the fewest rows are counted together.

use crate::{
    error::AgentError,
    hub::{Hub, HubError},
    scan::sha256,
    settings::{Settings, Source},
    spool::Spool,
};
use commonroll_core::{
    Timestamp,
    sources::{Counted, OTHERS, SOURCES_MAX, SourceTold, TOLD_BYTES, count_others, may_be_told},
};
use prost::Message;

/// What the hub was told last, and when, microseconds since the epoch.
const TOLD: &str = "sources_told";
const TOLD_AT: &str = "sources_told_at";
/// The hub is told at most so often, in microseconds; and one that can't be told is asked again after a day.
const EVERY_US: u64 = 5 * 60_000_000;
const DAY_US: u64 = 86_400_000_000;
/// What was told last but for the numbers of rows, and when it is told again if these alone are others.
const TOLD_SORTS: &str = "sources_told_sorts";
const COUNTS_AT: &str = "sources_counts_at";
const COUNTS_EVERY_US: u64 = 60 * 60_000_000;

/// Tells the hub if there is something new to tell. Nothing waits for it: what fails is logged and tried again later.
pub async fn tell(hub: &dyn Hub, spool: &Spool, settings: &Settings, now: Timestamp) {
    if let Err(error) = told(hub, spool, settings, now.micros().unsigned_abs()).await {
        tracing::warn!(%error, "the hub can't be told of the sources for now");
    }
}

async fn told(hub: &dyn Hub, spool: &Spool, settings: &Settings, now: u64) -> Result<(), AgentError> {
    if now < spool.number(TOLD_AT).await? {
        return Ok(());
    }
    let sources = sources(spool, settings).await?;
    let print_of = |sources: &[SourceTold]| {
        serde_json::to_vec(sources).map(|bytes| sha256(&bytes)).map_err(|_| AgentError::Damaged("sources"))
    };
    let print = print_of(&sources)?;
    if spool.meta(TOLD).await?.is_some_and(|last| last == print) {
        return Ok(());
    }
    let sorts = print_of(&sources.iter().map(SourceTold::without_rows).collect::<Vec<_>>())?;
    let wait = spool.number(COUNTS_AT).await?.saturating_sub(now);
    // A clock that was set back is not waited for.
    let is_soon = wait > 0 && wait <= COUNTS_EVERY_US;
    if is_soon && spool.meta(TOLD_SORTS).await?.is_some_and(|last| last == sorts) {
        return Ok(());
    }
    let (again, told) = match hub.tell_sources(sources).await {
        Ok(()) => (EVERY_US, Ok(Some(print))),
        // A hub of before can't be told.
        Err(HubError::Refused(_)) => (DAY_US, Ok(None)),
        Err(error) => (EVERY_US, Err(error)),
    };
    spool.set(TOLD_AT, &now.saturating_add(again).to_be_bytes()).await?;
    if let Some(print) = told? {
        spool.set(TOLD, &print).await?;
        spool.set(TOLD_SORTS, &sorts).await?;
        spool.set(COUNTS_AT, &now.saturating_add(COUNTS_EVERY_US).to_be_bytes()).await?;
    }
    Ok(())
}

/// The sources as they may be told of.
///
/// # Errors
/// When the spool fails.
pub async fn sources(spool: &Spool, settings: &Settings) -> Result<Vec<SourceTold>, AgentError> {
    let refused = spool.refused_exports().await?;
    let mut sources = Vec::new();
    for source in settings.sources.iter().take(SOURCES_MAX) {
        let mut counted = Counted::new();
        for ((caption, rule, code), rows) in spool.kept_back(&source.name).await? {
            let caption = if is_ours(source, &caption) { caption } else { String::new() };
            *counted.entry((caption, rule, code)).or_default() += rows;
        }
        let refused = refused.iter().rev().find(|export| export.source == source.name);
        let told = SourceTold {
            name: source.name.chars().take(64).collect(),
            connector: source.connector.0.name().to_owned(),
            mapping: mapping(source),
            refused: refused.map(|export| export.fault.rule.clone()),
            kept: may_be_told(&counted),
        };
        match told.check() {
            Ok(()) => sources.push(told),
            Err(error) => tracing::warn!(source = source.name, %error, "the source can't be told of"),
        }
    }
    fit(&mut sources, TOLD_BYTES);
    Ok(sources)
}

/// Counts sorts together, those of the fewest rows first, until all of it fits in one message.
fn fit(sources: &mut [SourceTold], most: usize) {
    // Before each source stand its field's number and its length.
    let size = |source: &SourceTold| commonroll_wire::write_source(source).encoded_len() + 4;
    let mut sizes: Vec<usize> = sources.iter().map(size).collect();
    while sizes.iter().sum::<usize>() > most {
        let last = sources.iter().enumerate().filter_map(|(place, source)| {
            let at = source.kept.iter().rposition(|kept| kept.rule != OTHERS)?;
            Some((source.kept[at].rows, place, at))
        });
        let Some((_, place, at)) = last.min() else { return };
        count_others(&mut sources[place].kept, at);
        sizes[place] = size(&sources[place]);
    }
}

/// The first digits of the mapping file's SHA-256, as `sha256sum` prints them.
fn mapping(source: &Source) -> String {
    match source.mapping_text.is_empty() {
        true => String::new(),
        false => {
            sha256(source.mapping_text.as_bytes())[..4].iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// True for a caption that the mapping names: what stands in a file's first line may be anything.
fn is_ours(source: &Source, caption: &str) -> bool {
    caption.chars().count() <= 64 && source.mapping_text.contains(caption)
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::sources::{KeptBack, SORTS_MAX};
    use commonroll_wire::pb::readiness::v1::TellSourcesRequest;

    #[test]
    fn the_most_that_an_agent_may_have_fits_in_a_message_and_no_row_is_lost() {
        let kept = |n: usize| KeptBack {
            caption: format!("{n:04}{}", "Ü".repeat(60)),
            rule: "R".repeat(32),
            code: None,
            rows: 1_000_000 - n as u64,
        };
        let source = |place: usize| SourceTold {
            name: format!("{place:02}{}", "🏫".repeat(62)),
            connector: "c".repeat(32),
            mapping: "0123456789abcdef".to_owned(),
            refused: Some("F".repeat(32)),
            kept: (0..SORTS_MAX).map(|n| kept(n * SOURCES_MAX + place)).collect(),
        };
        let mut sources: Vec<SourceTold> = (0..SOURCES_MAX).map(source).collect();
        let rows = |sources: &[SourceTold]| {
            sources.iter().flat_map(|one| &one.kept).map(|kept| kept.rows).sum::<u64>()
        };
        let before = rows(&sources);
        fit(&mut sources, TOLD_BYTES);
        let told = sources.iter().map(commonroll_wire::write_source).collect();
        let bytes = TellSourcesRequest { sources: told }.encoded_len();
        assert!((TOLD_BYTES - 1_000..=TOLD_BYTES).contains(&bytes), "{bytes}");
        assert_eq!(rows(&sources), before);
        for source in &sources {
            source.check().unwrap();
            assert!(source.kept.len() > 1 && source.kept.len() < SORTS_MAX, "what most rows have is told");
            assert_eq!(source.kept.iter().filter(|kept| kept.rule == OTHERS).count(), 1);
        }
    }
}

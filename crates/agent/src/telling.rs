//! Telling the hub of the sources: which connector reads each with which mapping, and how many rows are kept back, by rule.
//!
//! So that whoever answers for the data sees on a page what has to be mended, and not only who sits at this machine. Sums
//! travel, never a row: what may be told of them is decided in `commonroll_core::sources`, and of captions only those that the
//! mapping itself names. File, line and fix stay in `agent status`. It is told when it has changed, and not often.

use crate::{
    error::AgentError,
    hub::{Hub, HubError},
    scan::sha256,
    settings::{Settings, Source},
    spool::Spool,
};
use commonroll_core::{
    Timestamp,
    sources::{Counted, SOURCES_MAX, SourceTold, may_be_told},
};

/// What the hub was told last, and when, microseconds since the epoch.
const TOLD: &str = "sources_told";
const TOLD_AT: &str = "sources_told_at";
/// The hub is told at most so often, in microseconds; and one that can't be told is asked again after a day.
const EVERY_US: u64 = 5 * 60_000_000;
const DAY_US: u64 = 86_400_000_000;

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
    let print = sha256(&serde_json::to_vec(&sources).map_err(|_| AgentError::Damaged("sources"))?);
    if spool.meta(TOLD).await?.is_some_and(|last| last == print) {
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
    Ok(sources)
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

//! Far too much that is refused in a short time: counted where it happens, and told to the data managers who can do something
//! about it, once a day, and again before that only of five times as much.
//!
//! Two sorts: an institution publishes about learners whom no placement covers (it is warned itself, and so is each home whose
//! learners they are), and a person keeps asking for what isn't theirs (their own institution is warned). The counting is this
//! node's alone, in memory: a start begins anew. The warning is an entry, on every node, before anybody reads it. What the home
//! is told never stands in an entry that the publisher reads: it would learn by it whose a learner is.

use crate::{
    directory::{
        Directory,
        change::Change,
        warnings::{Warning, WarningOf, WarningSort},
    },
    office::{Acting, may},
    reading::MISSES_MAX,
    shared::Shared,
    submit_with,
    types::PersonSpeaker,
    writer::{Work, WriteFault},
};
use commonroll_core::Timestamp;
use commonroll_policy::OfficeAct;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// The entry of a warning.
pub(crate) const TOLD: &str = "warning.told";
/// So many refusals within the span.
const MANY: u32 = 20;
/// Ten minutes.
const SPAN_US: i64 = 600_000_000;
/// So long nobody is warned again of the same, unless it is so many times as much: the log has every refusal.
const QUIET_US: i64 = 24 * 3_600_000_000;
const MUCH_MORE: u32 = 5;
/// Moments of one span that are kept apart.
const MOMENTS: usize = 64;

/// When how much was refused, within the span.
type Span = VecDeque<(Timestamp, u32)>;

/// What was refused lately.
#[derive(Default)]
pub(crate) struct Refused(Mutex<BTreeMap<WarningOf, Span>>);

impl Refused {
    /// Counts refusals.
    pub fn count(&self, of: WarningOf, count: u32, now: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let span = held.entry(of).or_default();
        // Streams of one source come with times that are not in order.
        span.retain(|(at, _)| now.micros() - at.micros() < SPAN_US);
        span.push_back((now, count));
        if span.len() > MOMENTS
            && let Some((_, first)) = span.pop_front()
            && let Some((_, second)) = span.front_mut()
        {
            *second = second.saturating_add(first);
        }
    }

    /// What is too much now: of what, since when, how many.
    fn due(&self, now: Timestamp) -> Vec<(WarningOf, Timestamp, u32)> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, span| {
            span.retain(|(at, _)| now.micros() - at.micros() < SPAN_US);
            !span.is_empty()
        });
        let sum = |span: &Span| span.iter().fold(0u32, |sum, (_, count)| sum.saturating_add(*count));
        let too_much = held.iter().filter(|(_, span)| sum(span) >= MANY);
        too_much.filter_map(|(of, span)| Some((*of, span.front()?.0, sum(span)))).collect()
    }

    fn forget(&self, of: &WarningOf) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(of);
    }
}

/// Counts that a person asked for what isn't theirs. True at the one with which they have to wait: their institution's data
/// managers are warned of it.
pub(crate) fn missed(shared: &Shared, speaker: &PersonSpeaker, now: Timestamp) -> bool {
    let waits = shared.misses.missed(speaker.id(), now);
    if waits {
        let of = (WarningSort::Guessing, speaker.number, speaker.number);
        shared.warnings.count(of, MISSES_MAX, now);
    }
    waits
}

/// Warns of what is too much; what can't be written now is written with a later tick.
pub(crate) async fn tick(shared: &Shared, now: Timestamp) {
    for (of, since, count) in shared.warnings.due(now) {
        // What is quiet is counted on: it may become much more.
        if is_quiet(&shared.directory(), of, count, now) {
            continue;
        }
        let written = submit_with(shared, "hub", now, move |work: &mut Work<'_>| {
            warn(work, of, (since, count), now);
        });
        match written.await {
            Ok(()) => shared.warnings.forget(&of),
            Err(WriteFault) => {
                tracing::error!("a warning could not be written to the log; it is tried again");
                return;
            }
        }
    }
}

/// True if the same was told within the day, and not of much less.
fn is_quiet(directory: &Directory, of: WarningOf, count: u32, now: Timestamp) -> bool {
    directory
        .warnings()
        .newest(of)
        .is_some_and(|held| is_of_today(held, now) && count < held.count.saturating_mul(MUCH_MORE))
}

/// True for a warning of the last 24 hours.
fn is_of_today(held: &Warning, now: Timestamp) -> bool {
    (0..QUIET_US).contains(&(now.micros() - held.at.micros()))
}

fn warn(work: &mut Work<'_>, of: WarningOf, (since, count): (Timestamp, u32), now: Timestamp) {
    let (directory, (sort, by, to)) = (&*work.planner.directory, of);
    if directory.left(to).is_some() || is_quiet(directory, of, count, now) {
        return;
    }
    let slug = |number: u16| directory.institution(number).map(|state| state.info.slug.clone());
    let Some((source, told)) = slug(by).zip(slug(to)) else { return };
    // Whoever is the recipient reads it; `source` opens an entry to nobody.
    work.more = serde_json::json!({
        "recipient": told, "source": source, "reason": sort.as_str(), "count": count, "since_us": since.micros(),
    });
    work.planner.make(Change::Warning { warning: Warning { sort, by, to, count, since, at: now } });
}

/// A warning, for those who look into what was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarningSeen {
    /// What it is about.
    pub sort: WarningSort,
    /// What the institution is called at which it was done; `None` if that is one's own.
    pub by: Option<String>,
    /// How much was refused.
    pub count: u32,
    /// Since when.
    pub since: Timestamp,
    /// When they were warned.
    pub at: Timestamp,
}

/// The warnings of the last day for whoever may read the log of their institution, newest first.
pub(crate) fn seen(directory: &Directory, acting: Acting<'_>, now: Timestamp) -> Vec<WarningSeen> {
    let own = acting.speaker.number;
    let mut found: Vec<&Warning> = directory.warnings().to(own).collect();
    found.retain(|warning| is_of_today(warning, now));
    let of = Some(acting.speaker.institution());
    if found.is_empty() || may(directory, acting, OfficeAct::SeeLog, of, false).is_err() {
        return Vec::new();
    }
    found.sort_by_key(|warning| std::cmp::Reverse((warning.at, warning.by)));
    let name = |number: u16| directory.institution(number).map_or_else(String::new, |s| s.info.name.clone());
    let seen = |warning: &Warning| WarningSeen {
        sort: warning.sort,
        by: (warning.by != own).then(|| name(warning.by)),
        count: warning.count,
        since: warning.since,
        at: warning.at,
    };
    found.into_iter().map(seen).collect()
}

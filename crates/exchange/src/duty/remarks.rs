//! What was told about whereabouts is kept for days, not for ever: rows of alerts go, and what people wrote goes from the log too.
//!
//! That somebody was looked for, and when they were found, stays in the log's entries, in numbers. What people wrote about it
//! is personal and has served its purpose when the days are over. The entry that says what goes comes first, as with every
//! erasure.

use super::gone::{self, NotYet};
use crate::{
    directory::{
        alerts::{AlertId, DAYS, RemarkId},
        change::{Change, kind, unhex},
    },
    entry::{Entry, split_entries},
    shared::Shared,
    submit_with,
    writer::Work,
};
use commonroll_audit::hash::Hash;
use commonroll_core::Timestamp;

/// How long after one look the next begins: a quarter of a day.
const AGAIN_US: i64 = 6 * 3_600_000_000;
/// How long after one that came to nothing: a minute.
const RETRY_US: i64 = 60_000_000;
/// Rows that go at once.
const ROWS: usize = 1_000;
/// Blocks read at once.
const BLOCKS: usize = 8;

/// When it was looked last, and how long after that it is looked again.
#[derive(Default)]
pub(crate) struct Remarks {
    last: Option<(Timestamp, i64)>,
}

impl Remarks {
    /// Looks for what is kept no longer, now and then.
    pub(super) async fn step(&mut self, shared: &Shared, now: Timestamp) {
        if !self.is_due(now) {
            return;
        }
        let wait = match forget(shared, now).await {
            // There may be more.
            Ok(ROWS) => 0,
            Ok(_) => AGAIN_US,
            Err(NotYet) => {
                tracing::warn!("old alerts could not be taken out yet; it is tried again");
                RETRY_US
            }
        };
        self.last = Some((now, wait));
    }

    /// By a clock that was set back the last look lies ahead: it is looked anew.
    fn is_due(&self, now: Timestamp) -> bool {
        self.last.is_none_or(|(at, wait)| !(0..wait).contains(&now.micros().saturating_sub(at.micros())))
    }
}

/// How many rows are going now.
async fn forget(shared: &Shared, now: Timestamp) -> Result<usize, NotYet> {
    let rows = shared.store.facts(&[kind::ALERT, kind::REMARK]).await.map_err(|_| NotYet)?;
    // Every partner's day is over by then, wherever it is.
    let oldest = now.date_in(&jiff::tz::TimeZone::UTC).days() - DAYS - 1;
    let (mut alerts, mut remarks) = (Vec::new(), Vec::new());
    for row in rows {
        if alerts.len() + remarks.len() == ROWS {
            break;
        }
        match row.value.as_deref().map(serde_json::from_slice::<Change>) {
            Some(Ok(Change::Alert { alert })) if alert.date.days() < oldest => {
                // Older logs have what people wrote in the alert itself.
                let said = alert.has_words().then_some(row.seq);
                alerts.push((alert.id, said));
            }
            Some(Ok(Change::Remark { remark })) if remark.date.days() < oldest => {
                remarks.push((remark.of, row.seq));
            }
            _ => {}
        }
    }
    let count = alerts.len() + remarks.len();
    if count == 0 {
        return Ok(0);
    }
    let mut places: Vec<u64> = alerts.iter().filter_map(|(_, seq)| *seq).collect();
    places.extend(remarks.iter().map(|(_, seq)| *seq));
    places.sort_unstable();
    let places = commitments(shared, &places).await?;
    let alerts: Vec<_> = alerts.into_iter().map(|(id, _)| id).collect();
    let remarks: Vec<RemarkId> = remarks.into_iter().map(|(id, _)| id).collect();
    submit_with(shared, "hub", now, move |work: &mut Work<'_>| {
        // A silence of today has the name of an older one: what was told anew meanwhile stays.
        let held = work.planner.directory.alerts();
        let is_old = |id: &&AlertId| held.get(**id).is_none_or(|held| held.date.days() < oldest);
        let alerts: Vec<AlertId> = alerts.iter().filter(is_old).copied().collect();
        work.more = serde_json::json!({ "count": alerts.len() + remarks.len() });
        work.planner.make(Change::Forgotten { alerts, remarks: remarks.clone() });
        if !places.is_empty() {
            gone::plan(work, &places, true, &serde_json::json!({ "reason": "kept_no_longer" }), now);
        }
    })
    .await
    .map_err(|_| NotYet)?;
    Ok(count)
}

/// Places with the commitments of their payloads, as far as there is something.
async fn commitments(shared: &Shared, places: &[u64]) -> Result<Vec<(u64, Hash)>, NotYet> {
    let mut found = Vec::with_capacity(places.len());
    for some in places.chunks(BLOCKS) {
        for block in shared.store.block_of(some, false).await.map_err(|_| NotYet)? {
            let entries = split_entries(&block.entries).map_err(|_| NotYet)?;
            for (seq, bytes) in (block.first_seq..).zip(entries) {
                if let (true, Ok(Entry::Note(note))) = (some.contains(&seq), Entry::decode(bytes)) {
                    found.push((seq, unhex(&note.payload).ok_or(NotYet)?));
                }
            }
        }
    }
    found.sort_unstable_by_key(|(seq, _)| *seq);
    found.dedup_by_key(|(seq, _)| *seq);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_keeps_no_look_from_the_right_day() {
        let at = |us: i64| Timestamp::from_micros("now", 1_789_372_800_000_000 + us).unwrap();
        let mut looks = Remarks::default();
        assert!(looks.is_due(at(0)), "after a start");
        looks.last = Some((at(0), AGAIN_US));
        assert!(!looks.is_due(at(AGAIN_US - 1)) && looks.is_due(at(AGAIN_US)));
        assert!(looks.is_due(at(-100 * AGAIN_US)));
        looks.last = Some((at(0), 0));
        assert!(looks.is_due(at(0)), "there is more");
    }
}

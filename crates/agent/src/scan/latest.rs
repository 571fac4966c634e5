//! Rows with the key of an earlier one: the first counts, or, where the mapping says that the file is a log, the latest.
//!
//! Rows are compared as they come, a thousand at a time. So in a log what an earlier row brought about is undone when a later one
//! says something else: what is left is what the last row of each key says, compared with what was sent before the file.

use super::{
    feeder::{FoundRecord, date_of},
    intake::File,
    keeping::Pass,
};
use crate::{
    error::AgentError,
    spool::{
        Tx, overtaken,
        sent::{self, Known},
    },
};
use commonroll_core::{Body, RecordId};
use std::collections::{HashMap, hash_map};

impl File<'_> {
    /// Undoes what earlier rows of this file brought about where these say something else.
    pub(super) async fn overtake(
        &self,
        tx: &mut Tx,
        records: &[FoundRecord],
        known: &mut HashMap<RecordId, Known>,
        pass: &mut Pass,
    ) -> Result<(), AgentError> {
        let differs = |found: &&FoundRecord| {
            known.get(&found.id).is_some_and(|known| {
                let withdraws = matches!(found.draft.body, Body::Withdrawn(_));
                let is_same = withdraws == known.withdrawn && (withdraws || known.print == found.print);
                known.generation == self.generation && !is_same
            })
        };
        let differing: Vec<&FoundRecord> = records.iter().filter(differs).collect();
        if differing.is_empty() {
            return Ok(());
        }
        let ids: Vec<RecordId> = differing.iter().map(|found| found.id).collect();
        let noted = overtaken::noted(tx, &ids).await?;
        let mut sent = Vec::new();
        for found in differing {
            if let Some(keeping) = &mut pass.keeping {
                keeping.repeats(found.id);
            }
            let Some(earlier) = known.get_mut(&found.id) else { continue };
            let taken = &mut pass.taken;
            match noted.get(&found.id) {
                // The earlier row said what was sent before.
                None => {
                    taken.unchanged = taken.unchanged.saturating_sub(1);
                    earlier.generation = 0;
                    continue;
                }
                Some(_) if earlier.withdrawn => taken.withdrawn = taken.withdrawn.saturating_sub(1),
                Some(true) => taken.corrected = taken.corrected.saturating_sub(1),
                Some(false) => taken.is_not_new(found.draft.kind, found.id.days()),
            }
            let date = date_of(found.id).ok_or(AgentError::Damaged("sent.id"))?;
            taken.is_not_sent(format!("{} {date}", found.draft.kind));
            sent.push((found.id, earlier.revision));
        }
        overtaken::restore(tx, &sent).await?;
        let restored: Vec<RecordId> = sent.iter().map(|(id, _)| *id).collect();
        restored.iter().for_each(|id| _ = known.remove(id));
        known.extend(sent::known(tx, &restored, self.origin).await?);
        Ok(())
    }
}

/// Each record once, in the order of ids; a second row with the same key and another content is a problem, unless the latest
/// counts.
pub(super) fn once_each(records: Vec<FoundRecord>, latest: bool, pass: &mut Pass) -> Vec<FoundRecord> {
    let mut first: HashMap<RecordId, FoundRecord> = HashMap::with_capacity(records.len());
    for record in records {
        match first.entry(record.id) {
            hash_map::Entry::Vacant(place) => {
                place.insert(record);
            }
            hash_map::Entry::Occupied(mut before) => {
                if let Some(keeping) = &mut pass.keeping
                    && before.get().stretch != record.stretch
                {
                    keeping.repeats(record.id);
                }
                if latest {
                    before.insert(record);
                } else if before.get().print != record.print {
                    pass.same_key(record.line, record.stretch);
                }
            }
        }
    }
    let mut records: Vec<_> = first.into_values().collect();
    records.sort_unstable_by_key(|record| record.id);
    records
}

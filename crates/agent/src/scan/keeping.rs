//! What an export's stretches came to, and what the last one's say of this one.
//!
//! The outcome is that of reading all rows, or there is none: a stretch is only passed over if no row of another has one of
//! its keys, and nobody else changed its records since. Where that can't be told, the export is read as a whole.

use super::{
    absence::Carry,
    intake::File,
    stretching::{Carried, Found, Recall, Stretched, Way},
    verdict::Taken,
};
use crate::{
    error::AgentError,
    spool::{
        Tx,
        sight::{PROBLEMS_MAX, RowProblem},
        stretches::{self, Whole},
    },
};
use commonroll_core::RecordId;
use std::collections::{HashMap, HashSet};

/// Records that several stretches name, beyond which a file isn't worth to be known.
const REPEATED_MAX: usize = 10_000;

/// What comparing an export gathers.
#[derive(Debug, Default)]
pub(super) struct Pass {
    pub taken: Taken,
    /// Lines of rows with the key of an earlier one: the first so many.
    pub same_key: Vec<u64>,
    /// Where it is read in stretches.
    pub keeping: Option<Keeping>,
    /// True if stretches of other origins are kept.
    pub others: bool,
}

/// What is gathered of stretches.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// Scopes that were settled in the last export; `None` if it isn't known.
    pub settled: Option<Vec<(i32, Option<i32>)>>,
    /// Records that a second row names: of another stretch, as far as that can be seen at once.
    repeated: HashSet<RecordId>,
    /// Records that stood in the spool already.
    touched: Vec<RecordId>,
    /// By stretch, lines of rows with the key of an earlier one.
    same_key: HashMap<u32, Vec<u64>>,
    same_keys: usize,
}

impl Keeping {
    /// A row names a record that an earlier one named.
    pub(super) fn repeats(&mut self, id: RecordId) {
        if self.repeated.len() <= REPEATED_MAX {
            self.repeated.insert(id);
        }
    }

    /// A row names a record that this origin's last export, or one before, named.
    pub(super) fn touches(&mut self, id: RecordId) {
        if self.settled.is_some() {
            self.touched.push(id);
        }
    }

    fn is_spread(&self) -> bool {
        self.repeated.len() > REPEATED_MAX || self.same_keys > REPEATED_MAX
    }
}

impl Pass {
    /// Another row has the key of an earlier one and says something else.
    pub(super) fn same_key(&mut self, line: u64, stretch: u32) {
        self.taken.problem_count += 1;
        self.same_key.push(line);
        if let Some(keeping) = &mut self.keeping
            && !keeping.is_spread()
        {
            keeping.same_keys += 1;
            keeping.same_key.entry(stretch).or_default().push(line);
        }
    }

    /// Keeps the first so many lines.
    pub(super) fn end_piece(&mut self) {
        self.same_key.sort_unstable();
        self.same_key.truncate(PROBLEMS_MAX);
    }
}

impl File<'_> {
    /// How to read this export: as the last one is known, or afresh.
    pub(super) async fn recall(&self, tx: &mut Tx, pass: &mut Pass) -> Result<Way, AgentError> {
        if let Some(whole) = stretches::whole(tx, self.origin, self.generation).await? {
            let stretches = stretches::all(tx, self.origin).await?;
            let settled = Some(whole.settled);
            pass.keeping = Some(Keeping { settled, ..Keeping::default() });
            return Ok(Way::Knowing(Recall { reading: whole.reading, stretches }));
        }
        self.afresh(tx, pass).await
    }

    /// Forgets the last export, to know this one.
    pub(super) async fn afresh(&self, tx: &mut Tx, pass: &mut Pass) -> Result<Way, AgentError> {
        stretches::forget(tx, self.origin).await?;
        pass.keeping = Some(Keeping::default());
        Ok(Way::Afresh)
    }

    /// Keeps a stretch whose records are compared.
    pub(super) async fn keep(&self, tx: &mut Tx, found: Found, pass: &mut Pass) -> Result<(), AgentError> {
        let Some(keeping) = &mut pass.keeping else { return Ok(()) };
        let Found { number, line, hash, mut short, mut seen, records, mut is_plain } = found;
        let lines = keeping.same_key.remove(&number).unwrap_or_default();
        is_plain &= lines.len() <= self.shape.seen_max;
        if is_plain {
            short.same_key = lines.len() as u64;
            let from_first = |at: &u64| u32::try_from(at.saturating_sub(line)).unwrap_or(u32::MAX);
            seen.same_key = lines.iter().map(from_first).collect();
            seen.same_key.sort_unstable();
        }
        stretches::keep(tx, self.origin, (&hash, is_plain), &short, &seen, &records).await?;
        Ok(())
    }

    /// Joins what was read with what was passed over. `None` if that doesn't say what all rows would.
    pub(super) async fn join(
        &self,
        tx: &mut Tx,
        stretched: &Stretched,
        pass: &mut Pass,
    ) -> Result<Option<Option<Carry>>, AgentError> {
        let Some(keeping) = &mut pass.keeping else { return Ok(Some(None)) };
        let is_knowing = keeping.settled.is_some();
        if keeping.is_spread() {
            return Ok((!is_knowing).then_some(None));
        }
        let Some(gone) = stretches::records(tx, &stretched.left, self.shape.changed_max).await? else {
            return Ok(None);
        };
        stretches::leave(tx, &stretched.left).await?;
        let doubtful: HashSet<RecordId> =
            keeping.touched.drain(..).filter(|record| !gone.contains(record)).collect();
        let asked: HashSet<RecordId> = keeping.repeated.union(&doubtful).copied().collect();
        if !asked.is_empty() {
            let carried: HashSet<i64> = stretched.carried.iter().map(|carried| carried.id).collect();
            let holders = stretches::holders(tx, self.origin, &asked).await?;
            let is_carried = |record: &RecordId| {
                holders.get(record).is_some_and(|holders| holders.iter().any(|id| carried.contains(id)))
            };
            if doubtful.iter().any(is_carried) {
                return Ok(None);
            }
            let shared = keeping.repeated.iter().filter_map(|record| holders.get(record));
            let shared: HashSet<i64> =
                shared.filter(|holders| holders.len() > 1).flatten().copied().collect();
            stretches::not_alone(tx, &shared.into_iter().collect::<Vec<_>>()).await?;
        }
        let Some(settled) = keeping.settled.clone() else { return Ok(Some(None)) };
        let passed: u64 = stretched.days.values().sum();
        pass.taken.unchanged += passed;
        pass.taken.known += passed;
        let mut gone: Vec<RecordId> = gone.into_iter().collect();
        gone.sort_unstable();
        Ok(Some(Some(Carry { settled, days: stretched.days.clone(), gone })))
    }

    /// Adds what people must see of the stretches that were passed over: as many as are kept of a file.
    pub(super) async fn add_seen(
        &self,
        tx: &mut Tx,
        carried: &[Carried],
        pass: &mut Pass,
        problems: &mut Vec<RowProblem>,
    ) -> Result<(), AgentError> {
        let (mut same_keys, mut others) = (0, 0);
        for Carried { id, line, problems: n, same_key, .. } in carried {
            pass.taken.problem_count += same_key;
            let is_needed = (*same_key > 0 && same_keys < PROBLEMS_MAX) || (*n > 0 && others < PROBLEMS_MAX);
            if !is_needed {
                continue;
            }
            let seen = stretches::seen(tx, *id).await?;
            same_keys += seen.same_key.len();
            others += seen.problems.len();
            pass.same_key.extend(seen.same_key.iter().map(|at| line + u64::from(*at)));
            for (at, sort) in seen.problems {
                let sort = usize::try_from(sort).ok().and_then(|sort| seen.sorts.get(sort));
                let (field, rule, fix) = sort.cloned().ok_or(AgentError::Damaged("stretch.seen"))?;
                let line = Some(line + u64::from(at));
                problems.push(RowProblem { file: self.name.to_owned(), line, field, rule, fix });
            }
        }
        if others > 0 {
            problems.sort_by_key(|problem| problem.line);
        }
        pass.end_piece();
        Ok(())
    }

    /// Notes what this export was as a whole. `settled` are the scopes in which nothing stands that it did not have.
    pub(super) async fn settle(
        &self,
        tx: &mut Tx,
        stretched: Option<Stretched>,
        keeping: Option<Keeping>,
        settled: Vec<(i32, Option<i32>)>,
    ) -> Result<(), AgentError> {
        match (stretched, keeping) {
            (Some(stretched), Some(keeping)) if !keeping.is_spread() => {
                let whole = Whole { reading: stretched.reading, settled };
                stretches::settle(tx, self.origin, self.generation, &whole).await
            }
            _ => stretches::forget(tx, self.origin).await,
        }
    }
}
